//! What the simulator itself promises.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fauxtp::prelude::*;
use fauxtp::process::{self, Context, Received};
use fauxtp::testing::{Crash, Problem, Sim, Simulation};

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }

    #[call]
    fn add(&mut self, k: i64) -> i64 {
        self.0 += k;
        self.0
    }
}

static COUNTER: Name<Counter> = Name::new("counter");

/// Three processes that send to a fourth, each three times.
async fn three_who_send(sim: Sim) -> Result {
    let reader = process::spawn(async |mut ctx: Context<u32>| {
        for _ in 0..9 {
            ctx.recv().await;
        }
    })?;
    for number in 0..3 {
        let reader = reader.clone();
        process::spawn(async move |_: Context<()>| {
            for _ in 0..3 {
                reader.send(number);
                tokio::task::yield_now().await;
            }
        })?;
    }
    assert!(reader.join().await.is_normal());
    sim.no_leaks().await;
    Ok(())
}

#[test]
fn two_thousand_seeds_of_four_processes_have_more_than_a_thousand_orders() {
    let report = Simulation::new("orders").seeds(2_000).run(three_who_send);
    assert!(report.orders >= 1_000, "{report}");
}

#[test]
fn a_seed_is_the_same_run_each_time() {
    Simulation::new("same").seeds(500).twice().delay(0.2).run(three_who_send);
}

async fn it_comes_back(sim: Sim) {
    sim.always_one(&COUNTER);
    sim.start(Supervisor::new([Counter::spec(0).name(&COUNTER).restart(Restart::Permanent)])).await;
    let _struck_perhaps = COUNTER.add(5).await;
    sim.heal();
    sim.eventually("it answers again", |world| world.whereis(&COUNTER).is_some()).await;
    assert!(COUNTER.add(1).await.is_ok());
    sim.no_leaks().await;
}

#[test]
fn crashes_hit_every_await_and_the_tree_recovers() {
    let report = Simulation::new("back").seeds(30).crash(Crash::EveryAwait).run(it_comes_back);
    assert!(report.struck >= 3 * report.points, "{report}");
}

#[test]
fn virtual_hours_take_no_time() {
    let report = Simulation::new("hours").seeds(3).time_max(Duration::MAX).run(async |sim: Sim| {
        sim.start(Supervisor::new([Counter::spec(0).name(&COUNTER)])).await;
        sim.advance(Duration::from_secs(100 * 3600)).await;
        assert_eq!(sim.world().now(), Duration::from_secs(100 * 3600));
        sim.no_leaks().await;
    });
    assert_eq!(report.runs, 3);
}

/// Four who send to a fifth, which does not like to hear of the third one first.
async fn somebody_is_picky(sim: Sim) -> Result {
    let reader = process::spawn(async |mut ctx: Context<u32>| {
        let first = ctx.recv().await;
        if matches!(first, Received::Message(2)) { Err(Stop::error("not you")) } else { Ok(()) }
    })?;
    for number in 0..4 {
        let reader = reader.clone();
        process::spawn(async move |_: Context<()>| {
            reader.send(number);
        })?;
    }
    assert!(reader.join().await.is_normal(), "the third one was first");
    sim.settle().await;
    Ok(())
}

#[test]
fn a_failure_is_shrunk_to_the_one_choice_that_matters() {
    let failure = Simulation::new("picky").seeds(100).check(somebody_is_picky).expect_err("one is");
    let Problem::Panicked { message, .. } = &failure.problem else { panic!("{failure}") };
    assert!(message.starts_with("the third one was first"), "{message}");
    assert!(failure.found.starts_with("seed="), "{failure}");
    let path = failure.replay.strip_prefix("path=").expect("a path says it all");
    let choices = path.split('.').filter(|run| !run.starts_with('0')).count();
    assert!(choices <= 2, "{failure}");
    assert!(failure.timeline.contains("ends: error: not you"), "{failure}");
    let picture = failure.picture.as_ref().expect("it could be written");
    assert!(
        std::fs::read_to_string(picture).expect("it is there").contains("the third one was first")
    );
}

#[test]
fn what_never_comes_is_told_by_its_name() {
    let failure = Simulation::new("never")
        .seeds(1)
        .time_max(Duration::from_secs(60))
        .check(async |sim: Sim| {
            sim.eventually("pigs fly", |_| false).await;
        })
        .expect_err("they do not");
    let expected =
        Problem::Stalled { time: Duration::from_secs(60), waits_for: Some("pigs fly".to_owned()) };
    assert_eq!(failure.problem, expected);
}

#[test]
fn what_is_left_behind_is_found() {
    let failure = Simulation::new("left")
        .seeds(1)
        .check(async |sim: Sim| {
            process::spawn(async |mut ctx: Context<()>| {
                ctx.recv().await;
            })?;
            sim.no_leaks().await;
            Result::<(), Stop>::Ok(())
        })
        .expect_err("one process waits for ever");
    let Problem::Panicked { message, .. } = &failure.problem else { panic!("{failure}") };
    assert!(message.starts_with("left at the end: process <0.1.0>"), "{message}");
}

/// The seed is one that goes well; the environment can say otherwise.
#[test]
fn one_seed_goes_well() {
    Simulation::new("one_seed_goes_well").fifo().run(somebody_is_picky);
}

#[test]
fn the_environment_replays_one_run() {
    let replayed = |replay: &str| {
        let program = std::env::current_exe().expect("a test knows its program");
        let output = std::process::Command::new(program)
            .args(["--exact", "one_seed_goes_well", "--nocapture"])
            .env("FAUXTP_SIM", replay)
            .output()
            .expect("it can be started");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (succeeded, text) = replayed("path=3");
    assert!(!succeeded && text.contains("the third one was first"), "{text}");
    let (succeeded, text) = replayed("path=2");
    assert!(succeeded && text.contains("somebody_is_picky<0.1.0>  ends: normal"), "{text}");
    let (succeeded, text) = replayed("path=2,strike=0:panic");
    assert!(succeeded && text.contains("is struck by the simulation: panic"), "{text}");
    let (succeeded, text) = replayed("paths=2");
    assert!(
        !succeeded && text.contains("FAUXTP_SIM: parse replay: \"paths=2\" is none of"),
        "{text}"
    );
}

/// Expected: where nothing is left to chance, there is one run, however many seeds are asked for.
#[test]
fn the_environment_multiplies_no_run_without_chance() {
    let program = std::env::current_exe().expect("a test knows its program");
    let output = std::process::Command::new(program)
        .args(["--exact", "one_seed_goes_well", "--nocapture"])
        .env("FAUXTP_SIM_SEEDS", "5")
        .output()
        .expect("it can be started");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && text.starts_with("1 runs"), "{text}");
}

#[test]
fn what_decides_behind_its_back_is_found() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let failure = Simulation::new("undetermined")
        .seeds(10)
        .twice()
        .check(async |sim: Sim| {
            let run = RUNS.fetch_add(1, Ordering::Relaxed);
            for _ in 0..=run % 2 {
                process::spawn(async |_: Context<()>| {})?;
            }
            sim.settle().await;
            Result::<(), Stop>::Ok(())
        })
        .expect_err("each other run is different");
    let Problem::Undetermined(how) = &failure.problem else { panic!("{failure}") };
    assert!(how.contains("starts, by the test"), "{how}");
}

#[test]
fn late_messages_are_overtaken_by_others_and_not_by_their_own_kind() {
    let overtaken = AtomicU32::new(0);
    Simulation::new("late").seeds(500).delay(0.5).run(async |sim: Sim| {
        let (told, tell) = tokio::sync::oneshot::channel();
        let reader = process::spawn(async |mut ctx: Context<(u32, u32)>| {
            let mut received = Vec::new();
            while received.len() < 6 {
                if let Received::Message(message) = ctx.recv().await {
                    received.push(message);
                }
            }
            let _nobody_asks = told.send(received);
        })?;
        // The first one sends all of its own before it asks the second one to send.
        let second = {
            let reader = reader.clone();
            process::spawn(async move |mut ctx: Context<()>| {
                ctx.recv().await;
                (0..3).for_each(|number| reader.send((2, number)));
            })?
        };
        process::spawn(async move |_: Context<()>| {
            (0..3).for_each(|number| reader.send((1, number)));
            second.send(())
        })?;
        let received = tell.await?;
        for sender in [1, 2] {
            let numbers: Vec<u32> =
                received.iter().filter(|sent| sent.0 == sender).map(|sent| sent.1).collect();
            assert_eq!(numbers, [0, 1, 2]);
        }
        overtaken.fetch_add(u32::from(received[0].0 == 2), Ordering::Relaxed);
        sim.no_leaks().await;
        Result::<(), Stop>::Ok(())
    });
    assert!(overtaken.load(Ordering::Relaxed) > 0, "no message was ever late");
}

#[fauxtp::sim_test(seeds = 20, crash = every_await, kill = 0.01, faults_max = 2)]
async fn the_attribute_does_the_same(sim: Sim) {
    it_comes_back(sim).await;
}
