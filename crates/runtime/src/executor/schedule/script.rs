//! What a simulation does to its processes.

use std::fmt;

use fauxtp_logic::ExitReason;

use super::choices::Source;

/// One way to be struck down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The code panics.
    Panic,
    /// The code returns an error.
    Error,
    /// Somebody kills the process.
    Kill,
}

/// What a process says that was struck down by a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injected;

/// Everything that is decided before a simulation begins.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) source: Source,
    /// Faults at given points.
    pub(crate) strikes: Vec<(u64, Fault)>,
    /// How probable others are, at each point.
    pub(crate) chances: Vec<(Fault, f64)>,
    /// How many of those there may be.
    pub(crate) faults_max: u32,
    /// How probable it is that a message is late.
    pub(crate) delay: f64,
    /// Whether events are kept; otherwise only counted.
    pub(crate) records: bool,
    /// Whether panics are not printed.
    pub(crate) is_quiet: bool,
}

impl Fault {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Panic, Self::Error, Self::Kill];

    /// Happens to the code that runs.
    #[allow(clippy::panic, reason = "that is what it is for")]
    pub(crate) fn befall(self) -> ExitReason {
        match self {
            Self::Panic => panic!("{Injected}"),
            Self::Error => ExitReason::error(Injected),
            Self::Kill => ExitReason::killed(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Panic => "panic",
            Self::Error => "error",
            Self::Kill => "kill",
        })
    }
}

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("struck by the simulation")
    }
}

impl std::error::Error for Injected {}
