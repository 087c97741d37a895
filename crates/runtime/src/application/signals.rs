//! The door to the operating system's wish that the program end; one file per way of hearing it.

#[cfg(not(all(feature = "signal", any(unix, windows))))]
#[path = "signals/stub.rs"]
mod backend;
#[cfg(all(feature = "signal", windows))]
#[path = "signals/windows.rs"]
mod backend;
#[cfg(all(feature = "signal", unix))]
#[path = "signals/unix.rs"]
mod backend;

use std::fmt;
use std::io;

use crate::guard::catch;

/// What the operating system, or somebody at its keyboard, has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShutdownSignal {
    /// SIGTERM: what service managers send.
    Terminate,
    /// SIGINT: Ctrl-C.
    Interrupt,
}

impl fmt::Display for ShutdownSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        })
    }
}

/// Hears every signal that comes after it was made.
pub(super) struct Signals(backend::Signals);

impl Signals {
    /// From now on, signals do not end the program by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        // Where the runtime has no I/O driver, tokio panics.
        let listening = catch(backend::Signals::listen);
        listening.unwrap_or_else(|report| Err(io::Error::other(report.message))).map(Self)
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> ShutdownSignal {
        self.0.next().await
    }
}
