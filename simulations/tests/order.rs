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

/// So late that most messages are.
fn late(name: &str) -> Simulation {
    Simulation::new(name).seeds(200).delay(0.5)
}

struct Frail;

#[gen_server]
impl Frail {
    fn init() -> Self {
        Self
    }

    #[call]
    fn is_up(&self) -> bool {
        true
    }

    #[cast]
    fn fail(&self) -> Result {
        Err(Stop::error("as it was told"))
    }
}

static FRAIL: Name<Frail> = Name::new("frail");

/// Expected: whoever waits until everything before has been handled waits for what is late, too. The wait overtook it.
#[test]
fn a_restart_is_waited_for_after_the_message_that_causes_it() {
    late("restart").run(async |sim: Sim| {
        sim.start(Supervisor::new([Frail::spec(()).name(&FRAIL).restart(Restart::Permanent)]))
            .await;
        FRAIL.fail();
        FRAIL.await_restart().await.expect("it comes back");
        assert_eq!(FRAIL.is_up().await, Ok(true), "what was sent before has been handled");
        sim.no_leaks().await;
    });
}

/// Whether a message is there, for a process that does not wait for it.
async fn has_got<M: Send + 'static>(ctx: &mut process::Context<M>) -> Result {
    match ctx.recv_timeout(Duration::ZERO).await {
        Some(_) => Ok(()),
        None => Err(Stop::error("it is late")),
    }
}

/// Expected: an answer arrives after what was sent before it, to the same process by the same one (PROC-005). It overtook
/// that.
#[test]
fn an_answer_overtakes_no_message() {
    late("answer").run(async |sim: Sim| -> Result {
        let server =
            process::spawn(async |mut ctx: process::Context<(Address<u8>, Reply<()>)>| {
                while let process::Received::Message((to, from)) = ctx.recv().await {
                    to.send(7);
                    from.send(());
                }
            })?;
        let asked = server.clone();
        let client = process::spawn(async move |mut ctx: process::Context<u8>| {
            let me = ctx.address();
            asked.call(|from| (me, from)).await?;
            has_got(&mut ctx).await
        })?;
        let reason = client.join().await;
        assert!(reason.is_normal(), "{reason}");
        server.pid().kill();
        sim.no_leaks().await;
        Ok(())
    });
}

/// Expected: as above, for an end that somebody has waited for.
#[test]
fn an_end_overtakes_no_message() {
    late("end").run(async |sim: Sim| -> Result {
        let client = process::spawn(async move |mut ctx: process::Context<u8>| {
            let me = ctx.address();
            let last_words = process::spawn(async move |_: process::Context<()>| me.send(7))?;
            last_words.join().await;
            has_got(&mut ctx).await
        })?;
        let reason = client.join().await;
        assert!(reason.is_normal(), "{reason}");
        sim.no_leaks().await;
        Ok(())
    });
}

/// Expected: what a process sends itself is there at once. It was late.
#[test]
fn nobody_is_late_for_himself() {
    late("self").run(async |sim: Sim| -> Result {
        let client = process::spawn(async move |mut ctx: process::Context<u8>| {
            ctx.address().send(1);
            has_got(&mut ctx).await
        })?;
        let reason = client.join().await;
        assert!(reason.is_normal(), "{reason}");
        sim.no_leaks().await;
        Ok(())
    });
}

/// Expected: the outcome of an errand arrives after what that has sent.
#[test]
fn an_outcome_overtakes_no_message() {
    late("outcome").run(async |sim: Sim| -> Result {
        let owner = process::spawn(async move |mut ctx: process::Context<u8>| {
            let me = ctx.address();
            ctx.spawn_task(async move { me.send(1) }, |_| 2)?;
            match (ctx.recv().await, ctx.recv().await) {
                (process::Received::Message(1), process::Received::Message(2)) => Ok(()),
                others => Err(Stop::error(format!("{others:?}"))),
            }
        })?;
        let reason = owner.join().await;
        assert!(reason.is_normal(), "{reason}");
        sim.no_leaks().await;
        Ok(())
    });
}
