//! Hears Ctrl-C, where there is nothing else to be heard.

use std::io;
use std::pin::Pin;

use super::ShutdownSignal;

type CtrlC = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

pub(super) struct Signals {
    ctrl_c: CtrlC,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        // Looks at it once: tokio listens from the first look on.
        let mut ctrl_c: CtrlC = Box::pin(tokio::signal::ctrl_c());
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match ctrl_c.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(Err(error)) => Err(error),
            _ => Ok(Self { ctrl_c }),
        }
    }

    pub(super) async fn next(&mut self) -> ShutdownSignal {
        let heard = self.ctrl_c.as_mut().await;
        self.ctrl_c = Box::pin(tokio::signal::ctrl_c());
        match heard {
            Ok(()) => ShutdownSignal::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}
