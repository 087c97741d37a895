//! What is done with a subject, and what comes of it. The numbers are those of the performance guide.

mod cast;
mod call;
mod life;
mod supervised;
mod idle;

use anyhow::Result;
use clap::ValueEnum;

use crate::subject::Subject;

/// One thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// One producer casts to one counter.
    #[value(name = "w1")]
    Cast,
    /// One caller, one call after the other.
    #[value(name = "w3")]
    Call,
    /// Start, one call, stop; nobody supervises.
    #[value(name = "w7")]
    Life,
    /// The same under a dynamic supervisor, which the hand-written actor does without.
    #[value(name = "w7d")]
    Supervised,
    /// Memory of a process that waits.
    #[value(name = "w8")]
    Idle,
}

/// What a workload yields, and what is good.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Floor {
    /// Operations per second; at least this many times the hand-written actor's.
    Ratio(f64),
    /// Bytes; at most this many.
    Bytes(f64),
}

impl Workload {
    pub(crate) const ALL: [Self; 5] =
        [Self::Cast, Self::Call, Self::Life, Self::Supervised, Self::Idle];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cast => "W1  cast, 1 producer",
            Self::Call => "W3  call, 1 caller",
            Self::Life => "W7  start + call + stop",
            Self::Supervised => "W7d the same, supervised",
            Self::Idle => "W8  bytes, idle process",
        }
    }

    /// What must be reached.
    pub(crate) const fn floor(self) -> Floor {
        match self {
            Self::Cast => Floor::Ratio(0.8),
            Self::Call => Floor::Ratio(0.7),
            Self::Life | Self::Supervised => Floor::Ratio(0.5),
            Self::Idle => Floor::Bytes(900.0),
        }
    }

    /// How often a sample does it.
    pub(crate) const fn count(self) -> u64 {
        match self {
            Self::Cast => 1_000_000,
            Self::Call => 300_000,
            Self::Life => 100_000,
            Self::Supervised => 50_000,
            Self::Idle => 200_000,
        }
    }

    /// Whether a sample spoils the next one in the same program: memory once had is seldom given back.
    pub(crate) const fn needs_a_process_to_itself(self) -> bool {
        matches!(self, Self::Idle)
    }

    /// Does it; gives operations per second, or bytes.
    pub(crate) async fn run<S: Subject>(self, count: u64) -> Result<f64> {
        match self {
            Self::Cast => cast::run::<S>(count).await,
            Self::Call => call::run::<S>(count).await,
            Self::Life => life::run::<S>(count).await,
            Self::Supervised => supervised::run::<S>(count).await,
            Self::Idle => idle::run::<S>(count).await,
        }
    }
}

/// Operations per second since `start`.
#[expect(clippy::cast_precision_loss, reason = "no workload counts to 2^52")]
fn rate(count: u64, start: std::time::Instant) -> f64 {
    count as f64 / start.elapsed().as_secs_f64()
}
