//! What a simulation can find wrong.

use std::fmt;
use std::time::Duration;

/// What a simulation has found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The test panicked: an assertion of its own, mostly.
    Panicked {
        /// What it said.
        message: String,
        /// Where, if that is known.
        location: Option<String>,
    },
    /// The test returned an error.
    Returned(String),
    /// An invariant did not hold.
    Broken(String),
    /// So much time passed, and the test still waited.
    Stalled {
        /// How much.
        time: Duration,
        /// What it waited for, if it has said so.
        waits_for: Option<String>,
    },
    /// So many steps were made, and the test was still not through.
    Endless(u64),
    /// Two runs of one seed were not the same: something decides that the simulation does not know of.
    Undetermined(String),
}

impl Problem {
    /// Whether this is the same thing going wrong: where it was found is what counts.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Panicked { location: one, .. }, Self::Panicked { location: other, .. }) => {
                one == other
            }
            (Self::Broken(one), Self::Broken(other)) => one == other,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked { message, location: Some(location) } => {
                write!(f, "the test panicked at {location}: {message}")
            }
            Self::Panicked { message, location: None } => write!(f, "the test panicked: {message}"),
            Self::Returned(reason) => write!(f, "the test returned an error: {reason}"),
            Self::Broken(name) => write!(f, "invariant broken: {name}"),
            Self::Stalled { time, waits_for: None } => {
                write!(f, "the test still waits after {time:?} of virtual time")
            }
            Self::Stalled { time, waits_for: Some(what) } => {
                write!(f, "after {time:?} of virtual time it is still not so: {what}")
            }
            Self::Endless(steps) => write!(f, "the test is not through after {steps} steps"),
            Self::Undetermined(how) => write!(f, "two runs of this seed differ: {how}"),
        }
    }
}

impl std::error::Error for Problem {}
