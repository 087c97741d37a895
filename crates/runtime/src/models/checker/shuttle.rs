//! The twin for shuttle.

pub(crate) use shuttle::sync::Condvar;
pub(crate) use shuttle::thread::spawn;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};

use super::{Depth, is_long};

/// How many threads do the same in a model.
pub(crate) const CROWD: usize = 4;
/// As many: only loom looks at every execution.
pub(crate) const FEW: usize = CROWD;

/// For PCT: how many changes of priority there are in a run.
const PCT_DEPTH: usize = 3;

/// Half of the runs choose the next thread at random, half of them by random priorities.
pub(super) fn run(_: Depth, model: impl Fn() + Send + Sync + 'static) {
    let model = std::sync::Arc::new(model);
    let again = model.clone();
    let half = runs() / 2;
    let mut config = Config::new();
    config.silence_warnings = true;
    Runner::new(RandomScheduler::new(half), config.clone()).run(move || model());
    Runner::new(PctScheduler::new(PCT_DEPTH, half), config).run(move || again());
}

fn runs() -> usize {
    let told = std::env::var("FAUXTP_MODELS_RUNS").ok().and_then(|runs| runs.parse().ok());
    told.unwrap_or_else(|| if is_long() { 10_000_000 } else { 200_000 })
}

/// Everything is explored.
pub(crate) fn explore() {}

/// Nothing is settled.
pub(crate) fn settle() {}

pub(super) fn scope(_: Depth) -> &'static str {
    "shuttle"
}
