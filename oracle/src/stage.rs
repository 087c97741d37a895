//! Where histories are replayed on ours: a simulation in which nothing is left to chance.

use std::future::Future;
use std::panic;
use std::sync::{Mutex, Once, PoisonError};

use fauxtp::testing::{Sim, Simulation};

use crate::term::Term;

/// Robots that are told to fail do so with this text.
pub(crate) const BOOM: &str = "boom";

/// Runs a replay to its end, and returns its trace.
///
/// # Panics
/// If the simulation fails: somebody has panicked who should not, or does not come to an end.
pub(crate) fn on_stage<F: Future<Output = Term>>(replay: impl Fn(Sim) -> F + Sync) -> Term {
    static QUIET: Once = Once::new();
    QUIET.call_once(be_quiet_about_booms);
    let trace = Mutex::new(None);
    let outcome = Simulation::new("oracle").fifo().check(async |sim: Sim| {
        let told = replay(sim).await;
        *trace.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
    });
    match (outcome, trace.into_inner().unwrap_or_else(PoisonError::into_inner)) {
        (Ok(_), Some(trace)) => trace,
        (Err(failure), _) => panic!("{}", failure.problem),
        (Ok(_), None) => unreachable!("a simulation that is over has told its trace"),
    }
}

/// Failures that were asked for are not printed.
fn be_quiet_about_booms() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<&str>() != Some(&BOOM) {
            before(info);
        }
    }));
}
