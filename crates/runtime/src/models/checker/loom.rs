//! The twin for loom.

pub(crate) use loom::sync::Condvar;
pub(crate) use loom::thread::spawn;
pub(crate) use loom::{explore, stop_exploring as settle};

use super::{Depth, is_long};

/// How many threads do the same in a model.
pub(crate) const CROWD: usize = 2;
/// The same where every execution is looked at.
pub(crate) const FEW: usize = 1;

pub(super) fn run(depth: Depth, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = bound(depth);
    builder.max_branches = 100_000;
    // What is done before and after the race has one order only.
    builder.expect_explicit_explore = true;
    builder.check(model);
}

fn bound(depth: Depth) -> Option<usize> {
    match depth {
        Depth::All => None,
        Depth::ThreePreemptions if is_long() => None,
        Depth::ThreePreemptions => Some(3),
    }
}

pub(super) fn scope(depth: Depth) -> &'static str {
    if bound(depth).is_none() { "loom-unbounded" } else { "loom-3-preemptions" }
}
