//! Servers that are ended at the worst moment: in `init`, in `terminate`, half started, in the middle of a drop.

use crate::robot;
use crate::support;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Task, Poll, Waker};

use fauxtp::prelude::*;
use fauxtp::process::{self, StopError};
use fauxtp::{Mailbox, Overflow, StartError};
use robot::{Log, Message, Robot, Work, job, robot, sync, tell};
use support::{end, everywhere, soon, watch};
use tokio::sync::oneshot;

/// A server whose `init` takes its time.
struct Slow(Log);

impl GenServer for Slow {
    type Args = (Log, Work);
    type Message = Reply<Pid>;

    async fn init((log, work): (Log, Work), _: &mut Context<Self>) -> Result<Self> {
        work.await;
        Ok(Self(log))
    }

    async fn handle(&mut self, from: Reply<Pid>, ctx: &mut Context<Self>) -> Result {
        from.send(ctx.pid());
        Ok(())
    }

    async fn terminate(&mut self, reason: &ExitReason, _: &mut Context<Self>) {
        self.0.push(format!("terminate({reason:#})"));
    }
}

static SLOW: Name<Slow> = Name::new("slow");

fn forever() -> Work {
    Box::pin(std::future::pending())
}

#[test]
fn bad_052_a_kill_in_init_fails_the_start_and_leaves_nothing() {
    everywhere(200, async |_| {
        let log = Log::default();
        let (tell_it, told) = oneshot::channel();
        let work: Work = Box::pin(async move {
            let _ = tell_it.send(process::current_pid().expect("a process"));
            std::future::pending().await
        });
        let start = Slow::start((log.clone(), work)).name(&SLOW);
        let kill = async {
            let pid = told.await.expect("it gets there");
            assert_eq!(SLOW.whereis().map(|slow| slow.pid()), Some(pid), "before init");
            pid.kill();
        };
        let (started, ()) = tokio::join!(start.into_future(), kill);
        assert_eq!(started, Err(StartError::Failed(ExitReason::killed())));
        assert!(SLOW.whereis().is_none());
        assert_eq!(log.line(), "", "no terminate");
    });
}

#[test]
fn bad_053_a_kill_in_terminate_is_the_end() {
    everywhere(200, async |_| {
        let log = Log::default();
        let robot = robot(&log).await;
        let (tell_it, told) = oneshot::channel();
        let after = log.clone();
        tell(&robot, |robot, _| {
            robot.finally = Some(Box::pin(async move {
                let _ = tell_it.send(());
                std::future::pending::<()>().await;
                after.push("never");
            }));
            Ok(())
        });
        let join = watch(&robot);
        let mut stop = Box::pin(robot.pid().stop(ExitReason::Normal, None));
        let kill = async {
            told.await.expect("it gets there");
            robot.pid().kill();
        };
        let (stopped, ()) = tokio::join!(stop.as_mut(), kill);
        assert_eq!(stopped, Err(StopError::Exited(ExitReason::killed())));
        assert!(join.await.is_killed());
        assert_eq!(log.line(), "terminate(normal)");
    });
}

#[tokio::test(start_paused = true)]
async fn bad_044_an_init_that_panics_comes_late_or_never_is_an_error() {
    let log = Log::default();
    let start = |work: Work| Slow::start((log.clone(), work)).name(&SLOW);
    let panicked = start(Box::pin(async { panic!("init") })).await;
    let Err(StartError::Failed(reason)) = panicked else { panic!("{panicked:?}") };
    assert_eq!(reason.panic().expect("by a panic").message, "init");
    let second = Duration::from_secs(1);
    for timeout in [Duration::ZERO, second] {
        let late = soon(start(forever()).timeout(timeout).into_future()).await;
        assert_eq!(late, Err(StartError::Timeout));
        assert!(SLOW.whereis().is_none());
    }
    let (open, gate) = oneshot::channel::<()>();
    let late = start(Box::pin(async { drop(gate.await) })).timeout(second).await;
    assert_eq!(late, Err(StartError::Timeout));
    assert!(open.is_closed(), "dropped before the start has failed");
    let slow = start(Box::pin(async {})).timeout(second).await.expect("in time");
    assert_eq!(slow.call(|from| from).await, Ok(slow.pid()));
    assert_eq!(log.line(), "");
}

/// Goal: a start that is dropped is undone, whenever. Method: the start is polled so many times, with the
/// server let on in between, and dropped.
#[test]
fn bad_044_a_start_that_is_dropped_is_undone() {
    everywhere(100, async |round| {
        let log = Log::default();
        let steps = round % 5;
        let (tell_it, told) = oneshot::channel();
        let work: Work = Box::pin(async move {
            let _ = tell_it.send(process::current_pid().expect("a process"));
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            if steps == 4 {
                std::future::pending::<()>().await;
            }
        });
        let mut start = Slow::start((log.clone(), work)).name(&SLOW).into_future();
        let mut pid = None;
        for step in 0..steps {
            let polled = Pin::new(&mut start).poll(&mut Task::from_waker(Waker::noop()));
            if let Poll::Ready(outcome) = polled {
                // It was faster; then it stays until it is ended.
                pid = Some(outcome.expect("starts").pid());
                break;
            }
            for _ in 0..step {
                tokio::task::yield_now().await;
            }
        }
        drop(start);
        assert_eq!(SLOW.whereis().map(|slow| slow.pid()), pid);
        if let Some(pid) = pid {
            end(pid).await;
        } else if let Ok(started) = told.await {
            process::join(started).await;
        }
        assert!(SLOW.whereis().is_none());
        let next = Slow::start((log.clone(), Box::pin(async {}))).name(&SLOW);
        end(&next.await.expect("the name is free")).await;
        assert_eq!(log.line(), "", "never served, never terminated");
    });
}

/// Counts its drops, and panics in each.
struct Grenade(Arc<AtomicUsize>);

impl Drop for Grenade {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("in a destructor");
    }
}

/// Somebody who is told that his message is being handled, and then waits for an answer.
type Call = (oneshot::Sender<()>, Reply<()>);

/// A server that keeps grenades in its state, in its frames and in its messages.
struct Armed {
    log: Log,
    _kept: Grenade,
}

impl GenServer for Armed {
    type Args = (Log, Grenade);
    type Message = (Grenade, Option<Call>);

    async fn init((log, grenade): (Log, Grenade), ctx: &mut Context<Self>) -> Result<Self> {
        ctx.trap_exits(Trap::On);
        Ok(Self { log, _kept: grenade })
    }

    async fn handle(
        &mut self,
        (grenade, call): (Grenade, Option<Call>),
        ctx: &mut Context<Self>,
    ) -> Result {
        let _never_answered = call.map(|(begun, from)| {
            ctx.continue_with((Grenade(grenade.0.clone()), None));
            let _ = begun.send(());
            from
        });
        std::future::pending().await
    }

    async fn terminate(&mut self, reason: &ExitReason, _: &mut Context<Self>) {
        self.log.push(format!("terminate({reason})"));
    }
}

/// Goal: two destructors that panic never meet in one unwinding, which would abort the program. Method: a server
/// is killed that has one in its frame, one in its state, one to continue with and some in its mailbox.
///
/// also: RUST-002
#[test]
fn bad_040_destructors_that_panic_harm_nobody() {
    everywhere(20, async |_| {
        let drops = Arc::new(AtomicUsize::new(0));
        let grenade = || Grenade(drops.clone());
        let log = Log::default();
        let armed = Armed::start((log.clone(), grenade())).await.expect("starts");
        let (tell_it, told) = oneshot::channel();
        for _ in 0..3 {
            armed.send((grenade(), None));
        }
        // The first of them blocks the others, which the server has taken over already.
        let queued = Armed::start((log.clone(), grenade())).await.expect("starts");
        let call = queued.send_request(|from| (grenade(), Some((tell_it, from))));
        told.await.expect("it is handled");
        for _ in 0..3 {
            queued.send((grenade(), None));
        }
        armed.pid().info().await.expect("lives");
        assert!(end(&armed).await.is_killed());
        assert!(end(&queued).await.is_killed());
        let answer = call.receive_response(Duration::from_secs(60)).await;
        assert_eq!(answer, Err(CallError::Exited(ExitReason::killed())), "whoever waits is told");
        assert_eq!(drops.load(Ordering::SeqCst), 10, "all are dropped, each once");
        assert_eq!(log.line(), "", "none of its code has run");
        let survivor = robot(&log).await;
        sync(&survivor).await;
    });
}

/// What a panic throws, and panics itself when it is dropped.
#[test]
fn bad_057_a_panic_whose_payload_panics_is_one_panic() {
    everywhere(20, async |_| {
        let drops = Arc::new(AtomicUsize::new(0));
        let robot = robot(&Log::default()).await;
        let (join, payload) = (watch(&robot), Grenade(drops.clone()));
        tell(&robot, |_, _| std::panic::panic_any(payload));
        assert!(join.await.panic().is_some());
        assert_eq!(drops.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn bad_058_stops_kills_and_exits_of_many_end_a_server_once() {
    everywhere(200, async |round| {
        let log = Log::default();
        let robot = robot(&log).await;
        let pid = robot.pid();
        let stops = async {
            let (a, b) = tokio::join!(
                pid.stop(ExitReason::Normal, None),
                pid.stop(ExitReason::shutdown(), None)
            );
            for outcome in [&a, &b] {
                assert_ne!(*outcome, Err(StopError::Timeout));
            }
            assert!(a.is_err() || b.is_err(), "it ends with one reason: {a:?} {b:?}");
        };
        let others = async {
            match round % 3 {
                0 => pid.kill(),
                1 => pid.exit(ExitReason::custom("exit")),
                _ => pid.exit(ExitReason::Normal),
            }
        };
        tokio::join!(stops, others);
        assert!(!pid.is_alive());
        assert!(log.all().len() <= 1, "{:?}", log.all());
        pid.kill();
        pid.exit(ExitReason::Normal);
        assert_eq!(pid.stop(ExitReason::Normal, None).await, Err(StopError::NoProc));
    });
}

#[tokio::test(start_paused = true)]
async fn bad_059_a_full_mailbox_refuses_calls_and_never_stops() {
    assert!(Mailbox::bounded(0, Overflow::Reject).is_err());
    let mailbox = Mailbox::bounded(1, Overflow::Reject).expect("room for one");
    let log = Log::default();
    let start = Robot::start((log.clone(), job(|_, _| Ok(()))));
    let robot = start.mailbox(mailbox).await.expect("starts");
    let (open, gate) = oneshot::channel::<()>();
    robot.cast(Message::Work(Box::pin(async { drop(gate.await) })));
    robot.pid().info().await.expect("lives");
    robot.cast(Message::Note("fits"));
    robot.cast(Message::Note("does not"));
    let hold = |from| Message::Call(from, Box::new(|_, _, _| Ok(())));
    assert_eq!(robot.call(hold).no_timeout().await, Err(CallError::Full));
    let refused = robot.send_request(hold).receive_response(Duration::MAX).await;
    assert_eq!(refused, Err(CallError::Full));
    let stop = robot.pid().stop(ExitReason::Normal, None);
    open.send(()).expect("it waits");
    assert_eq!(soon(stop).await, Ok(()));
    assert_eq!(log.line(), "fits terminate(normal)");
}
