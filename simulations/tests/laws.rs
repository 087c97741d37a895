//! What a simulation checks without being asked for, and what it must not take for a breach.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fauxtp::call::Request;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::testing::{Problem, Sim, Simulation};

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

/// Expected: an answer may be left lying. That was taken for a call that does not end.
#[test]
fn an_answer_that_nobody_takes_is_an_answer() {
    Simulation::new("lying").seeds(20).run(async |sim: Sim| {
        sim.start(Supervisor::new([Counter::spec(0).name(&COUNTER)])).await;
        let mut call = std::pin::pin!(COUNTER.add(1));
        tokio::select! { biased; _ = &mut call => {}, () = std::future::ready(()) => {} }
        sim.settle().await;
        sim.no_leaks().await;
    });
}

/// A request whose reply is handed on by somebody who ends, to somebody who keeps it.
async fn handed_on(sim: Sim) -> Result {
    let keeper = process::spawn(async |mut ctx: process::Context<Reply<u8>>| {
        let kept = ctx.recv().await;
        ctx.recv().await;
        drop(kept);
    })?;
    let to = keeper.clone();
    let hander = process::spawn(async move |mut ctx: process::Context<Reply<u8>>| {
        if let process::Received::Message(from) = ctx.recv().await {
            to.send(from);
        }
    })?;
    let request: Request<u8> = hander.send_request(|from| from);
    sim.settle().await;
    assert!(!hander.is_alive() && keeper.is_alive(), "the reply is in good hands");
    keeper.pid().kill();
    let answer = request.receive_response(Duration::from_secs(5)).await;
    assert!(matches!(answer, Err(CallError::Exited(_))), "{answer:?}");
    sim.no_leaks().await;
    Ok(())
}

#[test]
fn a_reply_that_was_handed_on_is_no_debt_of_the_dead() {
    Simulation::new("handed on").seeds(50).run(handed_on);
}

/// Expected: two runs of one seed in which something else happens differ, whatever it is. Only the choices were compared,
/// and these are the same.
#[test]
fn who_is_sent_something_is_part_of_a_run() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let failure = Simulation::new("turncoat")
        .seeds(10)
        .twice()
        .check(async |sim: Sim| -> Result {
            let run = RUNS.fetch_add(1, Ordering::Relaxed);
            let spawn = || {
                process::spawn(async |mut ctx: process::Context<()>| {
                    ctx.recv().await;
                })
            };
            let both = [spawn()?, spawn()?];
            both[(run % 2) as usize].send(());
            sim.settle().await;
            Ok(())
        })
        .expect_err("every second run sends to somebody else");
    let Problem::Undetermined(how) = &failure.problem else { panic!("{failure}") };
    assert!(how.contains("step ") && how.contains("<0.1.0>") && how.contains("<0.2.0>"), "{how}");
}

/// Expected: if only the order differs, it is told who ran first.
#[test]
fn who_ran_is_part_of_a_run() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let failure = Simulation::new("weathercock")
        .seeds(10)
        .twice()
        .check(async |sim: Sim| -> Result {
            let run = RUNS.fetch_add(1, Ordering::Relaxed);
            let spawn = || {
                process::spawn(async |mut ctx: process::Context<()>| {
                    ctx.recv().await;
                    ctx.recv().await;
                })
            };
            let both = [spawn()?, spawn()?];
            sim.settle().await;
            // Neither of them gets anything.
            both[(run % 2) as usize].pid().exit(ExitReason::Normal);
            sim.settle().await;
            Ok(())
        })
        .expect_err("every second run wakes somebody else");
    let Problem::Undetermined(how) = &failure.problem else { panic!("{failure}") };
    assert!(how.contains("step ") && how.contains(" runs"), "{how}");
}

/// Takes its time to end.
struct Slow;

impl GenServer for Slow {
    type Args = ();
    type Message = ();

    async fn init((): (), ctx: &mut Context<Self>) -> Result<Self> {
        ctx.trap_exits(Trap::On);
        Ok(Self)
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
        Ok(())
    }

    async fn terminate(&mut self, _: &ExitReason, _: &mut Context<Self>) {
        // sleep: the clock is simulated.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Expected: neither law nor invariant fires where a whole subtree is replaced: what was below a supervisor that was
/// killed has gone by then. The second incarnation of a supervisor had another pid, and its children no past.
#[test]
fn a_subtree_is_gone_before_it_comes_back() {
    Simulation::new("subtree").seeds(20).run(async |sim: Sim| -> Result {
        let pool = DynamicSupervisor::new().start().await?;
        let inner = || Supervisor::new([Slow::spec(()).restart(Restart::Permanent)]);
        let inner = ChildSpec::supervisor("inner", inner).restart(Restart::Permanent);
        let first = pool.start_child(inner).await?.expect("it does not ignore its start");
        first.kill();
        sim.advance(Duration::from_secs(10)).await;
        assert_eq!(sim.world().count::<Slow>(), 1);
        pool.stop().await?;
        sim.no_leaks().await;
        Ok(())
    });
}

static CROWN: Name<Slow> = Name::new("crown");

/// Expected: whoever was killed, or has given up its name, is one as long as it runs. It was not counted any more.
#[test]
fn who_gives_up_a_name_still_counts() {
    let failure = Simulation::new("crown")
        .seeds(1)
        .check(async |sim: Sim| -> Result {
            sim.always_one(&CROWN);
            let pretender = || {
                process::spawn(async |mut ctx: process::Context<()>| {
                    ctx.recv().await;
                    ctx.register(&CROWN)?;
                    ctx.recv().await;
                    ctx.unregister(&CROWN)?;
                    ctx.recv().await;
                    Result::<(), Stop>::Ok(())
                })
            };
            let both = [pretender()?, pretender()?];
            for which in [0, 0, 1] {
                both[which].send(());
                sim.settle().await;
            }
            Ok(())
        })
        .expect_err("there are two");
    assert!(
        matches!(&failure.problem, Problem::Broken(name) if name.contains("crown")),
        "{failure}"
    );
}

/// Expected: each kind of crash has the chance that was asked for. The last one had what the others had left.
#[test]
fn each_fault_has_its_chance() {
    let times: [AtomicU32; 2] = Default::default();
    Simulation::new("chances").seeds(2_000).kill(0.5).panic(0.5).run(async |sim: Sim| -> Result {
        let struck = process::spawn(async |_: process::Context<()>| {})?;
        let kind = usize::from(struck.join().await.is_killed());
        times[kind].fetch_add(1, Ordering::Relaxed);
        sim.no_leaks().await;
        Ok(())
    });
    let times = times.map(AtomicU32::into_inner);
    assert!(times.iter().all(|times| (900..1_100).contains(times)), "{times:?}");
}
