//! What broke in ractor, starts: those that are given up, refused or killed, and those under somebody who stops.

use crate::pools;
use crate::robot;
use crate::turn;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll, Waker};

use fauxtp::StartError;
use fauxtp::prelude::*;
use fauxtp::process;
use tokio::task::yield_now;

use pools::{Begin, Finish, Setup, plain, secs, until};
use robot::{Log, Robot, job, sync};
use turn::{alone, alone_paused, turn};

/// Drops a start after so many polls, between which others run; gives what has started, if it was done by then.
async fn started_within<T>(polls: usize, start: impl Future<Output = T>) -> Option<T> {
    let mut start = Box::pin(start);
    for _ in 0..polls {
        let poll = start.as_mut().poll(&mut TaskContext::from_waker(Waker::noop()));
        if let Poll::Ready(started) = poll {
            return Some(started);
        }
        yield_now().await;
    }
    None
}

/// A start whose future was dropped before it was done left an actor behind, half registered (ractor#467). Here a start
/// is dropped after every possible number of polls: it is either complete, or nothing of it is left.
#[test]
fn ractor_467_a_start_dropped_after_any_poll_leaves_nothing() {
    alone(async || {
        static NAME: Name<Robot> = Name::new("ractor-467");
        let mut outcomes = Vec::new();
        for polls in 0..24 {
            let slowly = job(|robot, _| {
                robot.count = 1;
                Ok(())
            });
            let start = async {
                yield_now().await;
                Robot::start((Log::default(), slowly)).name(&NAME).await.expect("the name is free")
            };
            let server = started_within(polls, start).await;
            let inner =
                ChildSpec::supervisor("inner", || Supervisor::new([plain("one"), plain("two")]));
            let sup = Supervisor::new([plain("zero"), inner]);
            let sup = started_within(polls, sup.into_future()).await;
            outcomes.push((server.is_some(), sup.is_some()));
            if let Some(server) = server {
                server.pid().stop(ExitReason::Normal, None).await.expect("it runs");
            }
            if let Some(sup) = sup {
                sup.expect("starts").stop().await.expect("it runs");
            }
            until("nothing is left", || process::list().is_empty()).await;
            assert!(NAME.whereis().is_none(), "after {polls} polls");
        }
        assert_eq!(outcomes[0], (false, false));
        assert!(outcomes.contains(&(true, true)), "some of them came through: {outcomes:?}");
    });
}

/// A task that was aborted while it started an actor left that behind (ractor#467). Here the start is undone, at
/// whatever point of a slow `init` it is.
#[test]
fn ractor_467_a_start_in_a_task_that_is_aborted_is_undone() {
    alone(async || {
        for turns in 0..20 {
            let entered = Arc::<AtomicUsize>::default();
            let (inside, log) = (entered.clone(), Log::default());
            #[allow(clippy::disallowed_methods, reason = "the subject is a task of tokio's own")]
            let task = tokio::spawn(async move {
                let setup = Setup::new("slow", &pools::Log::default()).begin(move |_| {
                    inside.fetch_add(1, Ordering::SeqCst);
                    Begin::Never
                });
                pools::Actor::start(setup).await.map(drop)
            });
            for _ in 0..turns {
                yield_now().await;
            }
            task.abort();
            assert!(task.await.expect_err("it is aborted").is_cancelled());
            until("nothing is left", || process::list().is_empty()).await;
            assert_eq!(log.all(), [""; 0]);
            assert!(entered.load(Ordering::SeqCst) <= 1);
        }
    });
}

/// What was starting when its runtime was shut down stayed in the tables for ever (ractor#467).
#[test]
fn ractor_467_a_runtime_that_ends_takes_everybody_along_also_who_starts() {
    let _turn = turn();
    static NAME: Name<Robot> = Name::new("ractor-467-runtime");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (running, starting) = runtime.block_on(async {
        let begin = (Log::default(), job(|_, _| Ok(())));
        let running = Robot::start(begin).name(&NAME).await.expect("starts");
        let never = Setup::new("never", &pools::Log::default()).begin(|_| Begin::Never);
        let mut start = Box::pin(pools::Actor::start(never).into_future());
        let mut waker = TaskContext::from_waker(Waker::noop());
        assert!(start.as_mut().poll(&mut waker).is_pending());
        (running, start)
    });
    assert_eq!(process::list().len(), 2);
    drop(runtime);
    assert_eq!(process::list(), []);
    assert!(NAME.whereis().is_none() && !running.is_alive());
    drop(starting);
}

/// A start under a name that was taken left an actor without name or parent (ractor#468).
#[test]
fn ractor_468_a_start_under_a_taken_name_leaves_no_process() {
    alone(async || {
        static NAME: Name<Robot> = Name::new("ractor-468-name");
        let start = |log: &Log| Robot::start((log.clone(), job(|_, _| Ok(())))).name(&NAME);
        let log = Log::default();
        let holder = start(&log).await.expect("the name is free");
        for _ in 0..100 {
            let refused = start(&log).await.expect_err("the name is taken");
            assert!(matches!(refused, StartError::AlreadyStarted(pid) if pid == holder.pid()));
        }
        assert_eq!(process::list(), [holder.pid()]);
        sync(&NAME.whereis().expect("it is his")).await;
    });
}

/// A kill was only looked at between two messages, and waited for hooks (ractor#469). Here it ends a start at its next
/// await.
#[test]
fn ractor_469_a_kill_interrupts_init() {
    alone(async || {
        let log = pools::Log::default();
        let never = Setup::new("never", &log).begin(|_| Begin::Never).finish(Finish::Never);
        let (start, ()) = tokio::join!(pools::Actor::start(never).into_future(), async {
            until("it is in its init", || log.count("start never") == 1).await;
            process::list().into_iter().for_each(PidExt::kill);
        });
        let error = start.expect_err("it was killed");
        assert!(error.into_reason().is_killed());
        assert_eq!((process::list(), log.lines()), (vec![], vec!["start never".to_owned()]));
    });
}

/// And it ends the clean-up hook of a stop that is under way (ractor#469).
#[test]
fn ractor_469_a_kill_interrupts_terminate() {
    alone(async || {
        let log = pools::Log::default();
        let setup = Setup::new("stuck", &log).finish(Finish::Never);
        let server = pools::Actor::start(setup).await.expect("starts");
        let stop = server.pid().stop(ExitReason::Normal, None);
        let (stopped, ()) = tokio::join!(stop, async {
            until("it is in its hook", || log.count("terminate stuck") == 1).await;
            server.pid().kill();
        });
        assert!(matches!(stopped, Err(process::StopError::Exited(reason)) if reason.is_killed()));
        assert_eq!(log.count("gone stuck"), 1);
    });
}

/// Children could be started under a supervisor that was stopping, and outlived it (ractor#469).
#[test]
fn ractor_469_nothing_starts_under_a_supervisor_that_stops() {
    alone_paused(async || {
        let log = pools::Log::default();
        let slow = Setup::new("slow", &log).finish(Finish::Take(secs(3)));
        let sup = Supervisor::new([slow.spec()]).start().await.expect("starts");
        let pool = DynamicSupervisor::new().start().await.expect("starts");
        pool.start_child(slow.spec()).await.expect("starts");
        let late = Setup::new("late", &log);
        let (fixed, dynamic, refused, refused_by_pool) =
            tokio::join!(sup.stop(), pool.stop(), sup.start_child(late.spec()), async {
                until("both stop", || log.count("terminate slow") == 2).await;
                pool.start_child(late.spec()).await
            });
        assert!(fixed.is_ok() && dynamic.is_ok());
        refused.expect_err("it stops");
        refused_by_pool.expect_err("it stops");
        assert_eq!((late.starts(), process::list()), (0, vec![]));
    });
}
