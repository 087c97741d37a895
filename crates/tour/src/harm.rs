//! The ways in which the saboteur ends a worker.

use std::fmt;

use fauxtp::{ExitReason, Pid};

/// One way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Harm {
    /// A message at which the worker panics.
    Panic,
    /// A message at which the worker returns an error.
    Error,
    /// The kill signal.
    Kill,
    /// The exit signal shutdown.
    Cancel,
}

impl Harm {
    pub(crate) const ALL: [Self; 4] = [Self::Panic, Self::Error, Self::Kill, Self::Cancel];

    /// What it does to a worker, as one word.
    pub(crate) const fn done(self) -> &'static str {
        match self {
            Self::Panic => "panicked",
            Self::Error => "failed",
            Self::Kill => "killed",
            Self::Cancel => "cancelled",
        }
    }

    /// Whether this is how a worker ends that was harmed so: the blow's own number is in what it left behind.
    pub(crate) fn explains(self, blow: u64, reason: &ExitReason) -> bool {
        match self {
            Self::Panic => reason.panic().is_some_and(|panic| panic.message == cry(blow)),
            Self::Error => reason.downcast_error() == Some(&Sabotaged(blow)),
            Self::Kill => reason.is_killed(),
            Self::Cancel => *reason == ExitReason::shutdown(),
        }
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Panic => "panic",
            Self::Error => "error",
            Self::Kill => "kill",
            Self::Cancel => "cancel",
        })
    }
}

/// The error a worker returns when told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sabotaged(pub(crate) u64);

impl fmt::Display for Sabotaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sabotaged by blow {}", self.0)
    }
}

impl std::error::Error for Sabotaged {}

/// What a worker panics with when told to.
pub(crate) fn cry(blow: u64) -> String {
    format!("{CRY}{blow}")
}

/// Whether a panic is one of the tour's own making.
pub(crate) fn is_cry(message: &str) -> bool {
    message.starts_with(CRY)
}

const CRY: &str = "sabotage, blow ";

/// A blow that was struck.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blow {
    pub(crate) number: u64,
    pub(crate) harm: Harm,
    /// The worker's place in the system.
    pub(crate) place: usize,
    pub(crate) victim: Pid,
}
