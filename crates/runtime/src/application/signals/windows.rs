//! Hears Ctrl-C.

use std::io;

use tokio::signal::windows::{CtrlC, ctrl_c};

use super::ShutdownSignal;

pub(super) struct Signals {
    ctrl_c: CtrlC,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { ctrl_c: ctrl_c()? })
    }

    pub(super) async fn next(&mut self) -> ShutdownSignal {
        match self.ctrl_c.recv().await {
            Some(()) => ShutdownSignal::Interrupt,
            // There is nothing to be heard any more.
            None => std::future::pending().await,
        }
    }
}
