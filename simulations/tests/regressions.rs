//! What simulations have found in the runtime, and in themselves, each in a few lines.

use std::time::Duration;

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::testing::{Crash, Sim, Simulation};

/// Calls the other one, who calls it back.
struct Echo(&'static Name<Self>);

static ONE: Name<Echo> = Name::new("one");
static OTHER: Name<Echo> = Name::new("other");

#[gen_server]
impl Echo {
    fn init(other: &'static Name<Self>) -> Self {
        Self(other)
    }

    #[call]
    async fn call_back(&self) -> bool {
        matches!(self.0.call_back().await, Err(CallError::Deadlock(_)) | Ok(true))
    }
}

async fn calls_in_a_circle(sim: Sim) {
    sim.start(Supervisor::new([Echo::spec(&OTHER).name(&ONE), Echo::spec(&ONE).name(&OTHER)]))
        .await;
    assert_eq!(ONE.call_back().await, Ok(true), "somebody is told of the circle");
    assert_eq!(sim.world().now(), Duration::ZERO, "at once");
    sim.no_leaks().await;
}

/// Expected: circles of calls are refused in a simulation as they are elsewhere. They were not seen: what a process
/// waits for was noted without its creation, which only the pids of simulations have.
#[test]
fn circles_of_calls_are_refused_in_simulations() {
    Simulation::new("circles_of_calls_are_refused_in_simulations").seeds(50).run(calls_in_a_circle);
}

async fn one_late_message(sim: Sim) -> Result {
    let reader = process::spawn(async |mut ctx: process::Context<()>| {
        ctx.recv().await;
    })?;
    sim.settle().await;
    reader.send(());
    sim.settle().await;
    assert!(!reader.is_alive(), "it has read its message");
    sim.no_leaks().await;
    Ok(())
}

/// Expected: a late message that the test has sent arrives before everybody is taken to have nothing to do. It lay there
/// until something else woke the scheduler.
#[test]
fn late_messages_of_the_test_are_something_to_do() {
    Simulation::new("late_messages_of_the_test_are_something_to_do")
        .seeds(20)
        .delay(1.0)
        .run(one_late_message);
}

/// Each fault takes at most one restart of the inner supervisor.
async fn a_supervisor_below_another_one(sim: Sim, faults: u32) {
    let echo = |name, other| Echo::spec(other).name(name).restart(Restart::Permanent);
    let inner = move || Supervisor::new([echo(&ONE, &OTHER), echo(&OTHER, &ONE)]);
    let tree = Supervisor::new([ChildSpec::supervisor("inner", inner)]);
    let tree = sim.start(tree.intensity(faults, Duration::from_secs(5))).await;
    for _ in 0..2 {
        // Something for the inner supervisor to wake up for.
        if let Some(one) = ONE.whereis() {
            one.pid().kill();
        }
        sim.settle().await;
    }
    sim.heal();
    sim.settle().await;
    assert!(tree.count_children().await.is_ok(), "one fault takes one restart");
    sim.no_leaks().await;
}

/// Expected: before a supervisor is started again that has ended by itself without stopping its children, these have
/// ended, as they have after a kill (CON-05). They were waited for after a kill only; after an error, the next incarnation
/// found the names of its children taken, and each attempt was paid for.
#[test]
fn orphans_of_a_supervisor_that_failed_are_waited_for() {
    Simulation::new("orphans_of_a_supervisor_that_failed_are_waited_for")
        .seeds(40)
        .crash(Crash::EveryAwait)
        .run(|sim| a_supervisor_below_another_one(sim, 1));
}

/// Expected: the same, if it has ended while it started: what it had started by then has ended before the next attempt.
/// It was not waited for, for nobody hears of the end of what has not started.
#[test]
fn orphans_of_a_supervisor_that_did_not_start_are_waited_for() {
    Simulation::new("orphans_of_a_supervisor_that_did_not_start_are_waited_for")
        .seeds(3_000)
        .error(0.1)
        .kill(0.1)
        .faults_max(2)
        .run(|sim| a_supervisor_below_another_one(sim, 2));
}

/// A process of this number that never runs, outside of all simulations.
fn silent(runtime: &tokio::runtime::Runtime) -> Address<Reply<()>> {
    let _inside = runtime.enter();
    loop {
        let silent = process::spawn(async |mut ctx: process::Context<Reply<()>>| {
            let _kept = ctx.recv().await;
            std::future::pending::<()>().await;
        });
        let silent = silent.expect("there is a runtime");
        if silent.pid().id > 2 && silent.pid().serial == 0 {
            return silent;
        }
    }
}

async fn somebody_who_waits_for_the_outside(sim: Sim, outside: Address<Reply<()>>) -> Result {
    let number = outside.pid().id;
    let waits = process::spawn(async move |mut ctx: process::Context<Option<Reply<()>>>| {
        ctx.recv().await;
        let _never = outside.call(|from| from).no_timeout().await;
    })?;
    waits.send(None);
    sim.settle().await;
    // Whoever asks has the number of the one outside.
    while process::spawn(async |_: process::Context<()>| {})?.pid().id + 1 < number {}
    let asks = process::spawn(async move |_: process::Context<()>| {
        match waits.call(Some).timeout(Duration::from_secs(1)).await {
            Err(CallError::Timeout) => Ok(()),
            other => Err(Stop::error(format!("{other:?}"))),
        }
    })?;
    assert_eq!(asks.pid().id, number);
    let reason = asks.join().await;
    assert!(reason.is_normal(), "nobody waits for the one who asks: {reason}");
    Ok(())
}

/// Expected: whoever waits for a process outside of the simulation waits for nobody in it. What a process waits for is noted
/// without its creation, and was taken for the process with that number inside.
#[test]
fn who_waits_for_somebody_outside_waits_for_nobody_inside() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime needs nothing but memory");
    let outside = silent(&runtime);
    Simulation::new("outside")
        .seeds(5)
        .run(|sim| somebody_who_waits_for_the_outside(sim, outside.clone()));
}
