//! PL-001 … PL-006: starting processes, and who started whom.

use crate::common;
use crate::robot;
use crate::support;

use std::sync::{Arc, Mutex, PoisonError};

use fauxtp::StartError;
use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::process::{self, Trap};
use robot::{Job, Log, Message, Robot, Work, job, sync};
use support::everywhere;
use tokio::sync::oneshot;
use tokio::time::Instant;

use common::{Do, obey, puppet, trapper};

static NAMED: Name<Robot> = Name::new("starts");
static SLOW: Name<Slow> = Name::new("slow");

/// A server whose `init` takes its time.
struct Slow;

impl GenServer for Slow {
    type Args = Work;
    type Message = ();

    async fn init(work: Work, _: &mut Context<Self>) -> Result<Self> {
        work.await;
        Ok(Self)
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
        Ok(())
    }
}

/// Goal: start waits for init. Method: init waits for a gate that the test opens long after.
#[tokio::test(start_paused = true)]
async fn pl_001_start_returns_only_when_init_is_through() {
    for panics in [false, true] {
        let (open, gate) = oneshot::channel::<()>();
        let work: Work = Box::pin(async move {
            gate.await.expect("it is opened");
            assert!(!panics, "init");
        });
        let mut start = Slow::start(work).timeout(Duration::MAX).into_future();
        let hour = Duration::from_secs(3_600);
        tokio::time::timeout(hour, &mut start).await.expect_err("init is not through");
        open.send(()).expect("init waits");
        match start.await {
            Ok(slow) => assert!(!panics && slow.is_alive()),
            Err(StartError::Failed(reason)) => assert!(panics && reason.panic().is_some()),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn pl_001_whoever_has_started_finds_what_init_has_done() {
    everywhere(500, async |_| {
        let log = Log::default();
        let init = job(|robot, _| {
            robot.log.push("init");
            Ok(())
        });
        let robot = Robot::start((log.clone(), init)).await.expect("starts");
        assert_eq!(log.line(), "init");
        support::end(&robot).await;
    });
}

#[test]
fn pl_002_the_name_comes_first_and_a_taken_one_stops_init() {
    everywhere(100, async |_| {
        let log = Log::default();
        let init = job(|robot, ctx| {
            assert_eq!(NAMED.whereis(), Some(ctx.address()), "its name comes before init");
            NAMED.cast(Message::Note("waited"));
            ctx.continue_with(Message::Note("continued"));
            robot.log.push("init");
            Ok(())
        });
        let first = Robot::start((log.clone(), init)).name(&NAMED).await.expect("starts");
        let never = job(|robot, _| {
            robot.log.push("never");
            Ok(())
        });
        let second = Robot::start((log.clone(), never)).name(&NAMED).await;
        assert_eq!(second, Err(StartError::AlreadyStarted(first.pid())));
        sync(&first).await;
        assert_eq!(log.line(), "init continue continued waited");
        support::end(&first).await;
    });
}

/// The ways in which an init fails; each notes who it was.
fn failing(pids: &Arc<Mutex<Vec<Pid>>>) -> [Job; 3] {
    [0, 1, 2].map(|way| {
        let pids = pids.clone();
        job(move |_, ctx| {
            pids.lock().unwrap_or_else(PoisonError::into_inner).push(ctx.pid());
            match way {
                0 => Err(Stop::because(common::custom("fails"))),
                1 => Err(Stop::ignore()),
                _ => panic!("init"),
            }
        })
    })
}

fn is_right(way: usize, outcome: &std::result::Result<Address<Message>, StartError>) -> bool {
    match (way, outcome) {
        (0, Err(StartError::Failed(reason))) => common::carries(reason, "fails"),
        (1, outcome) => *outcome == Err(StartError::Ignored),
        (_, Err(StartError::Failed(reason))) => reason.panic().is_some(),
        _ => false,
    }
}

#[test]
fn pl_003_a_failed_start_leaves_neither_name_nor_process() {
    everywhere(200, async |_| {
        let pids = Arc::default();
        for (way, fail) in failing(&pids).into_iter().enumerate() {
            let failed = Robot::start((Log::default(), fail)).name(&NAMED).await;
            assert!(is_right(way, &failed), "{way}: {failed:?}");
            assert!(NAMED.whereis().is_none() && fauxtp::names::registered().is_empty());
            let pid = pids.lock().unwrap_or_else(PoisonError::into_inner)[way];
            assert!(!pid.is_alive() && !process::list().contains(&pid), "it is gone");
        }
    });
}

/// Method: the same starter all the time, so that a stray exit of one round is too much in the next.
#[test]
fn pl_004_a_failed_linked_start_is_told_once_and_spares_the_starter() {
    everywhere(1, async |_| {
        for starter in [puppet(), trapper().await] {
            for round in 0..200 {
                let pids = Arc::default();
                for (way, fail) in failing(&pids).into_iter().enumerate() {
                    // Launched by the starter; only the outcome is waited for elsewhere.
                    let start = starter.run(move |ctx| {
                        Robot::start((Log::default(), fail)).link(ctx).into_future()
                    });
                    let failed = start.await.await;
                    assert!(is_right(way, &failed), "{round}, {way}: {failed:?}");
                    assert_eq!(starter.events().await, [], "{round}, {way}");
                    assert_eq!(starter.links().await, [], "{round}, {way}");
                }
            }
        }
    });
}

/// The same for an `init` that is ended from outside.
#[test]
fn pl_004_an_end_in_init_imposed_from_outside_is_told_once_too() {
    everywhere(1, async |_| {
        for starter in [puppet(), trapper().await] {
            for round in 0..200 {
                let reasons =
                    [ExitReason::killed(), ExitReason::shutdown(), common::custom("over")];
                let (tell, told) = oneshot::channel();
                let work: Work = Box::pin(async move {
                    tell.send(process::current_pid().expect("a process")).expect("the test waits");
                    std::future::pending().await
                });
                let start = starter.run(move |ctx| Slow::start(work).link(ctx).into_future()).await;
                let reason = reasons[round % 3].clone();
                let end = async {
                    let pid = told.await.expect("init has begun");
                    if reason.is_killed() {
                        pid.kill();
                    } else {
                        pid.exit(reason.clone());
                    }
                };
                let (failed, ()) = tokio::join!(start, end);
                assert_eq!(failed, Err(StartError::Failed(reason)), "{round}");
                assert_eq!(starter.events().await, [], "{round}");
                assert_eq!(starter.links().await, [], "{round}");
            }
        }
    });
}

#[tokio::test(start_paused = true)]
async fn pl_005_a_start_that_takes_too_long_is_killed_and_its_starter_spared() {
    const LIMIT: Duration = Duration::from_millis(100);
    for trap in [Trap::Off, Trap::On] {
        let starter = process::spawn(async move |mut ctx: process::Context<()>| {
            ctx.trap_exits(trap);
            let (alive, mut dropped) = oneshot::channel::<()>();
            let (tell, told) = oneshot::channel();
            let work: Work = Box::pin(async move {
                let me = process::current_pid().expect("it is a process");
                tell.send(me).expect("the starter waits");
                let _alive = alive;
                std::future::pending().await
            });
            let before = Instant::now();
            let start = Slow::start(work).name(&SLOW).link(&ctx).timeout(LIMIT);
            assert_eq!(start.await, Err(StartError::Timeout));
            let took = before.elapsed();
            assert!(took >= LIMIT && took <= 2 * LIMIT, "{took:?}");
            // Not a trace is left when the start returns, nor comes later.
            assert_eq!(dropped.try_recv(), Err(oneshot::error::TryRecvError::Closed));
            let pid = told.await.expect("init has begun");
            assert!(SLOW.whereis().is_none() && !pid.is_alive() && !process::list().contains(&pid));
            assert!(ctx.recv_timeout(10 * LIMIT).await.is_none(), "no stray exit");
            let me = ctx.pid();
            let (facts, nothing) = tokio::join!(me.info(), ctx.recv_timeout(LIMIT));
            assert!(facts.expect("it lives").links.is_empty() && nothing.is_none());
        });
        let ended = process::join(&starter.expect("there is a runtime")).await;
        assert_eq!(ended, ExitReason::Normal, "{trap:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pl_005_a_start_that_is_awaited_elsewhere_spares_its_starter_too() {
    const LIMIT: Duration = Duration::from_millis(100);
    for starter in [puppet(), trapper().await] {
        let (alive, mut dropped) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        let work: Work = Box::pin(async move {
            tell.send(process::current_pid().expect("a process")).expect("the test waits");
            let _alive = alive;
            std::future::pending().await
        });
        let before = Instant::now();
        let start = starter
            .run(move |ctx| Slow::start(work).name(&SLOW).link(ctx).timeout(LIMIT).into_future());
        assert_eq!(start.await.await, Err(StartError::Timeout));
        let took = before.elapsed();
        assert!(took >= LIMIT && took <= 2 * LIMIT, "{took:?}");
        // Not a trace is left when the start returns, nor comes later.
        assert_eq!(dropped.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        let pid = told.await.expect("init has begun");
        assert!(SLOW.whereis().is_none() && !pid.is_alive() && !process::list().contains(&pid));
        tokio::time::advance(LIMIT).await;
        assert_eq!((starter.events().await, starter.links().await), (vec![], vec![]));
    }
}

#[tokio::test]
async fn pl_006_a_process_knows_its_ancestors() {
    let child = |ctx: &mut common::Inside| {
        ctx.spawn(|ctx| obey(ctx, Arc::default())).expect("there is a runtime")
    };
    let ancestors = async |pid: Pid| pid.info().await.expect("it lives").ancestors;
    let first = puppet();
    assert_eq!(ancestors(first.pid()).await, []);
    let second = first.run(child).await;
    let (tell, told) = oneshot::channel();
    second.send(Do::job(move |ctx| drop(tell.send((child(ctx), ctx.parent())))));
    let (third, parent) = told.await.expect("it lives");
    assert_eq!(parent, None, "they do not hang together");
    let line = [second.pid(), first.pid()];
    assert_eq!(ancestors(third.pid()).await, line);
    let (tell, told) = oneshot::channel();
    third.send(Do::job(move |ctx| drop(tell.send((ctx.parent(), ctx.ancestors())))));
    assert_eq!(told.await, Ok((None, line.to_vec())));
    // The line stays what it was when they have ended.
    support::end(&second).await;
    first.ended(ExitReason::Normal).await;
    assert_eq!(ancestors(third.pid()).await, line);

    // Of a server, started by a process or a supervisor.
    let starter = trapper().await;
    let start = starter.run(|ctx| {
        let me = ctx.pid();
        let init = job(move |_, ctx| {
            assert_eq!(ctx.parent(), Some(me));
            Ok(())
        });
        Robot::start((Log::default(), init)).link(ctx).into_future()
    });
    let server = start.await.await.expect("starts");
    assert_eq!(ancestors(server.pid()).await, [starter.pid()]);
    static LEAF: Name<Raw<Do>> = Name::new("leaf");
    let leaf = || ChildSpec::process("leaf", |ctx| obey(ctx, Arc::default())).name(&LEAF);
    let inner = move || Supervisor::new([leaf()]);
    let sup = Supervisor::new([ChildSpec::supervisor("inner", inner)]);
    let sup = sup.start().await.expect("starts");
    let inner = sup.whereis("inner").expect("runs");
    assert_eq!(ancestors(inner).await, [sup.pid()]);
    let leaf = LEAF.whereis().expect("runs").pid();
    assert_eq!(ancestors(leaf).await, [inner, sup.pid()]);
}
