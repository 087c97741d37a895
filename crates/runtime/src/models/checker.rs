//! What runs a model: loom, or shuttle.

#[cfg(loom)]
mod loom;
#[cfg(shuttle)]
mod shuttle;

use std::cell::Cell;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::Instant;

#[cfg(loom)]
use self::loom as twin;
#[cfg(shuttle)]
use self::shuttle as twin;

pub(crate) use twin::{CROWD, Condvar, FEW, explore, settle, spawn};

/// How much of a model loom looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Every execution there is.
    All,
    /// Every execution in which threads are interrupted at most three times; in long runs, [`All`](Self::All).
    ThreePreemptions,
}

thread_local! {
    /// How many panics there were; those in a process are caught by the product, but none belongs in a model.
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

/// Runs a model, and prints how many executions there were.
#[allow(clippy::disallowed_methods, reason = "models are timed for the person who waits for them")]
#[allow(clippy::print_stdout, reason = "read by whoever runs the models")]
pub(crate) fn check(name: &str, depth: Depth, model: impl Fn() + Send + Sync + 'static) {
    note_panics();
    let began = Instant::now();
    let executions = Arc::new(AtomicU64::new(0));
    let count = executions.clone();
    PANICS.set(0);
    twin::run(depth, move || {
        assert_eq!(PANICS.get(), 0, "something panicked in the execution before");
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
    assert_eq!(PANICS.get(), 0, "something panicked in the last execution");
    let executions = executions.load(Ordering::Relaxed);
    println!(
        "model {name} {} {executions} {:.1}",
        twin::scope(depth),
        began.elapsed().as_secs_f64()
    );
}

fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            before(info);
        }));
    });
}

/// Whether this is one of the long runs.
fn is_long() -> bool {
    std::env::var_os("FAUXTP_MODELS_LONG").is_some()
}
