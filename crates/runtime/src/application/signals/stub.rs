//! Hears nothing: the twin for builds without the feature `signal`, and for systems without signals.

use std::io;

use super::ShutdownSignal;

pub(super) struct Signals(());

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self(()))
    }

    pub(super) async fn next(&mut self) -> ShutdownSignal {
        let Self(()) = self;
        std::future::pending().await
    }
}
