//! One test at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fauxtp::process;
use tokio::runtime::Builder;

static TURN: Mutex<()> = Mutex::new(());

/// Waits until no other test runs. Nobody may be left of those before.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    // A test that has failed is over as well.
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(process::list(), [], "left by the test before");
    turn
}

/// Runs a test in its turn, in a runtime of one thread that is gone before the next one begins.
pub(crate) fn alone<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    run(Builder::new_current_thread().enable_all(), test);
}

/// The same in virtual time.
pub(crate) fn alone_paused<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    run(Builder::new_current_thread().enable_all().start_paused(true), test);
}

fn run<F: Future<Output = ()>>(builder: &mut Builder, test: impl FnOnce() -> F) {
    let _turn = turn();
    // Dropped before the turn is, also if the test fails.
    let runtime = builder.build().expect("a runtime");
    runtime.block_on(test());
}
