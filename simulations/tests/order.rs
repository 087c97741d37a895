//! Which orders of execution and arrival a simulation tries, and which it must not, for no program ever sees them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::testing::{Sim, Simulation};

/// Expected: the test goes on at any moment after it can, as the seed says. It was polled by tokio, in the same step under
/// every seed: here, always after the second.
#[test]
fn the_test_takes_its_turn_when_the_seed_says_so() {
    let seen: Mutex<BTreeMap<u32, u32>> = Mutex::default();
    Simulation::new("turns").seeds(2_000).run(async |sim: Sim| -> Result {
        let count = Arc::new(AtomicU32::new(0));
        let counted = count.clone();
        process::spawn(async move |_: process::Context<()>| {
            for _ in 0..30 {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        })?;
        process::spawn(async |_: process::Context<()>| {})?.join().await;
        let count = count.load(Ordering::Relaxed);
        *seen.lock().expect("nobody has panicked").entry(count).or_default() += 1;
        sim.no_leaks().await;
        Ok(())
    });
    let seen = seen.into_inner().expect("nobody has panicked");
    assert!(seen.len() > 8 && seen.values().all(|times| *times < 1_000), "{seen:?}");
}

/// Sets a flag, once something has let it.
fn flag_after(wait: impl Future<Output = ()> + Send + 'static) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = flag.clone();
    #[allow(
        clippy::disallowed_methods,
        reason = "a task that is no process is what this is about"
    )]
    tokio::spawn(async move {
        wait.await;
        set.store(true, Ordering::Relaxed);
    });
    flag
}

/// Expected: what a task of tokio's does is seen, and so is the time. Only steps of processes were.
#[test]
fn eventually_sees_what_is_not_done_by_a_process() {
    Simulation::new("eventually").seeds(3).run(async |sim: Sim| {
        // sleep: the clock is simulated.
        let flag = flag_after(tokio::time::sleep(Duration::from_secs(1)));
        sim.eventually("the flag is set", move |_| flag.load(Ordering::Relaxed)).await;
        assert_eq!(sim.world().now().as_secs(), 1, "as soon as it is set");
        sim.eventually("a minute", |world| world.now() >= Duration::from_secs(60)).await;
    });
}

/// Expected: nobody has anything to do when everybody has done it. Eight looks at the processes were taken for an answer.
#[test]
fn settling_waits_for_tasks_as_well() {
    Simulation::new("settle").seeds(3).run(async |sim: Sim| {
        let flag = flag_after(async {
            for _ in 0..40 {
                tokio::task::yield_now().await;
            }
        });
        sim.settle().await;
        assert!(flag.load(Ordering::Relaxed), "it would have gone on");
        assert_eq!(sim.world().now(), Duration::ZERO);
    });
}
