//! Servers, calls and names under bad input: errors or limits, never a hang and never more than one victim.

use crate::robot;
use crate::support;

use fauxtp::prelude::*;
use fauxtp::process::{self, StopError};
use fauxtp::{Request, StartError};
use robot::{Log, Message, Robot, ask, job, robot, sync, tell};
use support::{end, everywhere, soon, watch};
use tokio::sync::oneshot;

/// A call whose reply the robot keeps.
fn hold(from: Reply<u64>) -> Message {
    Message::Call(
        from,
        Box::new(|robot, _, from| {
            robot.held.push(from);
            Ok(())
        }),
    )
}

/// A call that is answered at once.
fn answer(from: Reply<u64>) -> Message {
    Message::Call(
        from,
        Box::new(|_, _, from| {
            from.send(1);
            Ok(())
        }),
    )
}

/// Has the robot wait for this, in the middle of a message.
fn busy(robot: &robot::Handle, work: impl Future<Output = ()> + Send + 'static) {
    robot.cast(Message::Work(Box::pin(work)));
}

async fn exited(request: Request<u64>) -> ExitReason {
    match request.receive_response(Duration::from_secs(30)).await {
        Err(CallError::Exited(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn bad_048_a_terminate_that_panics_leaves_nothing_behind() {
    static NAME: Name<Robot> = Name::new("panics in terminate");
    everywhere(100, async |_| {
        let log = Log::default();
        let init = job(|robot, _| {
            robot.last = Some(Box::new(|| panic!("terminate")));
            Ok(())
        });
        let robot = Robot::start((log.clone(), init)).name(&NAME).await.expect("the name is free");
        let (held, join) = (robot.send_request(hold), watch(&robot));
        let stopped = robot.pid().stop(ExitReason::Normal, None).await;
        let Err(StopError::Exited(reason)) = stopped else { panic!("{stopped:?}") };
        assert!(reason.panic().is_some(), "{reason:?}");
        assert_eq!((exited(held).await, join.await), (reason.clone(), reason));
        assert_eq!(log.take().len(), 1, "once");
        assert!(NAME.whereis().is_none());
    });
}

#[tokio::test(start_paused = true)]
async fn bad_041_a_terminate_that_hangs_costs_the_time_that_is_given() {
    for told in [None, Some(ExitReason::shutdown())] {
        let log = Log::default();
        let robot = robot(&log).await;
        tell(&robot, |robot, _| {
            robot.hangs = true;
            Ok(())
        });
        let held = robot.send_request(hold);
        for _ in 0..2 {
            let stopped = robot.pid().stop(ExitReason::Normal, Some(Duration::from_secs(1))).await;
            assert_eq!(stopped, Err(StopError::Timeout));
        }
        assert_eq!(robot.call(answer).await, Err(CallError::Timeout), "it takes no more calls");
        let join = watch(&robot);
        match told.clone() {
            None => robot.pid().kill(),
            Some(reason) => robot.pid().exit(reason),
        }
        let reason = soon(join).await;
        assert_eq!(reason, told.unwrap_or_else(ExitReason::killed), "the hanging one is ended");
        assert_eq!(exited(held).await, reason);
        assert_eq!(log.line(), "terminate(normal)", "which it had begun, once");
    }
}

#[tokio::test(start_paused = true)]
async fn bad_054_a_terminate_that_calls_its_own_server_gets_an_error() {
    let robot = robot(&Log::default()).await;
    let (me, (tell_it, told)) = (robot.clone(), oneshot::channel());
    tell(&robot, |robot, _| {
        robot.finally = Some(Box::pin(async move {
            let call = me.call(hold).no_timeout().await;
            let stop = me.pid().stop(ExitReason::Normal, None).await;
            let _ = tell_it.send((call, stop));
        }));
        Ok(())
    });
    soon(robot.pid().stop(ExitReason::Normal, None)).await.expect("stops");
    let (call, stop) = told.await.expect("it comes through");
    assert!(matches!(call, Err(CallError::Deadlock(_))), "{call:?}");
    assert_eq!(stop, Err(StopError::CallingSelf));
}

/// also: GS-016
#[tokio::test(start_paused = true)]
async fn bad_055_nobody_waits_for_himself() {
    static NAME: Name<Robot> = Name::new("narcissus");
    let keys: Registry = Registry::start().await.expect("starts");
    let start = Robot::start((Log::default(), job(|_, _| Ok(()))));
    let robot = start.name(&NAME).via(&keys, "narcissus", ()).await.expect("starts");
    let (tell_it, told) = oneshot::channel();
    let (me, key) = (robot.clone(), keys.via::<Robot>("narcissus"));
    busy(&robot, async move {
        let calls = [
            me.call(hold).no_timeout().await,
            NAME.call(hold).no_timeout().await,
            key.call(hold).no_timeout().await,
        ];
        let stop = me.pid().stop(ExitReason::Normal, None).await;
        let info = me.pid().info().await.is_some();
        let _ = tell_it.send((calls, stop, info));
    });
    let (calls, stop, info) = soon(told).await.expect("it comes through");
    for call in calls {
        assert!(matches!(call, Err(CallError::Deadlock(_))), "{call:?}");
    }
    assert_eq!((stop, info), (Err(StopError::CallingSelf), true));
    sync(&robot).await;
}

#[tokio::test(start_paused = true)]
async fn bad_042_no_timeout_is_too_short_or_too_long() {
    let log = Log::default();
    let server = robot(&log).await;
    for _ in 0..20 {
        let none = soon(server.call(hold).timeout(Duration::ZERO)).await;
        assert_eq!(none, Err(CallError::Timeout));
        let none = soon(server.send_request(hold).receive_response(Duration::ZERO)).await;
        assert_eq!(none, Err(CallError::Timeout));
    }
    for long in [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_nanos(u64::MAX)] {
        assert_eq!(server.call(answer).timeout(long).await, Ok(1));
        assert_eq!(server.send_request(answer).receive_response(long).await, Ok(1));
        let waits = server.call(hold).timeout(long);
        let hour = Duration::from_secs(3_600);
        assert!(tokio::time::timeout(hour, waits).await.is_err(), "not at once");
        tell(&server, move |_, ctx| {
            ctx.set_timeout(long);
            Ok(())
        });
        sync(&server).await;
        let started = Robot::start((log.clone(), job(|_, _| Ok(())))).timeout(long).await;
        let other = started.expect("in time");
        other.pid().stop(ExitReason::Normal, Some(long)).await.expect("in time");
    }
    let forever = server.clone();
    busy(&server, async { std::future::pending().await });
    assert_eq!(
        forever.pid().stop(ExitReason::Normal, Some(Duration::ZERO)).await,
        Err(StopError::Timeout)
    );
    assert_eq!(log.take(), ["terminate(normal)"; 3]);
}

/// also: GS-014
#[test]
fn bad_045_a_late_answer_never_becomes_the_answer_to_something_else() {
    everywhere(50, async |round| {
        let robot = robot(&Log::default()).await;
        let deadline = Duration::from_micros(u64::try_from(round).expect("small"));
        let late = robot.call(hold).timeout(deadline).await;
        assert_eq!(late, Err(CallError::Timeout));
        let next = ask(&robot, |robot, _, from| {
            for late in robot.held.drain(..) {
                late.send(666);
            }
            from.send(7);
            Ok(())
        });
        assert_eq!(next.await, Ok(7));
    });
}

#[test]
fn bad_046_a_reply_may_be_given_or_dropped_anywhere() {
    everywhere(100, async |round| {
        let robot = robot(&Log::default()).await;
        let request = robot.send_request(hold);
        let (give, given) = oneshot::channel();
        tell(&robot, |robot, _| {
            let _ = give.send(robot.held.pop().expect("held"));
            Ok(())
        });
        let reply: Reply<u64> = given.await.expect("handed over");
        let ended = round % 2 == 0;
        if ended {
            end(&robot).await;
        }
        let dropped = round % 3 == 0;
        let thread = std::thread::spawn(move || if dropped { drop(reply) } else { reply.send(1) });
        let outcome = request.receive_response(Duration::from_secs(30)).await;
        thread.join().expect("no panic");
        // Whichever is first: the end of the server is seen within a moment.
        let is_end = matches!(&outcome, Err(CallError::Exited(reason)) if reason.is_killed());
        let answer = if dropped { Err(CallError::NoReply) } else { Ok(1) };
        assert!(outcome == answer || ended && is_end, "{ended}, {dropped}: {outcome:?}");
    });
}

#[test]
fn bad_047_a_reply_that_goes_down_with_its_server_tells_why() {
    everywhere(50, async |_| {
        for way in 0..6 {
            let robot = robot(&Log::default()).await;
            let join = watch(&robot);
            let request = robot.send_request(|from| {
                Message::Call(
                    from,
                    Box::new(move |robot, ctx, from| {
                        match way {
                            0 => panic!("with the reply in hand"),
                            1 => return Err(std::fmt::Error.into()),
                            2 => robot.held.push(from),
                            3 => robot.last = Some(Box::new(move || panic!("{from:?}"))),
                            4 => ctx.continue_with(hold(from)),
                            _ => ctx.stop_with_reply(ExitReason::Normal, from, 1),
                        }
                        if way == 5 {
                            robot.hangs = true;
                        } else if way != 2 {
                            ctx.stop(ExitReason::Normal);
                        }
                        Ok(())
                    }),
                )
            });
            if way == 2 || way == 5 {
                robot.pid().info().await.expect("lives");
                robot.pid().kill();
            }
            let reason = exited(request).await;
            assert_eq!(join.await, reason, "{way}");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn bad_043_a_call_that_is_cancelled_leaves_nothing_behind() {
    let robot = robot(&Log::default()).await;
    drop(robot.call(hold));
    sync(&robot).await;
    let held = |robot: &mut Robot, _: &mut Context<Robot>, from: Reply<u64>| {
        from.send(robot.held.len() as u64);
        Ok(())
    };
    assert_eq!(ask(&robot, held).await, Ok(0), "not even sent");
    for _ in 0..1_000 {
        tokio::select! {
            biased;
            // An idle server may answer at once.
            outcome = robot.call(answer) => assert_eq!(outcome, Ok(1)),
            () = std::future::ready(()) => {}
        }
        for timeout in [Duration::from_millis(900), Duration::from_secs(9)] {
            tokio::select! {
                biased;
                outcome = robot.call(hold).timeout(timeout) => panic!("{outcome:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    assert_eq!(ask(&robot, held).await, Ok(2_000));
    let abandoned = ask(&robot, |robot, _, from| {
        from.send(robot.held.drain(..).filter(Reply::is_abandoned).count() as u64);
        Ok(())
    });
    assert_eq!(abandoned.await, Ok(2_000));
    assert_eq!(process::timers_pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn bad_049_servers_that_call_each_other_in_a_circle_are_refused() {
    for size in 2..5 {
        let mut circle = Vec::new();
        for _ in 0..size {
            circle.push(robot(&Log::default()).await);
        }
        let (tell_it, mut told) = tokio::sync::mpsc::unbounded_channel();
        for (at, one) in circle.iter().enumerate() {
            let (next, tell_it) = (circle[(at + 1) % size].clone(), tell_it.clone());
            busy(one, async move {
                let _ = tell_it.send(next.call(answer).await);
            });
        }
        drop(tell_it);
        let first = soon(told.recv()).await.expect("there are some");
        assert!(matches!(first, Err(CallError::Deadlock(_))), "{first:?}");
        while let Some(outcome) = soon(told.recv()).await {
            assert!(matches!(outcome, Ok(1) | Err(CallError::Deadlock(_))), "{outcome:?}");
        }
        for robot in &circle {
            sync(robot).await;
        }
    }
}

/// also: REG-100
#[tokio::test]
async fn bad_050_a_name_may_be_anything_but_empty_or_taken() {
    let start = |name: &Name<Robot>| {
        Robot::start((Log::default(), job(|_, _| Ok(())))).name(name).into_future()
    };
    let empty = Name::from_string(String::new());
    assert_eq!(start(&empty).await, Err(StartError::BadName));
    assert!(empty.whereis().is_none());
    assert_eq!(empty.call(hold).await, Err(CallError::NoProc));
    for odd in ["\u{1f980}", "\u{202e}drawkcab", "a\0b", " ", "\n", &"x".repeat(1 << 20)] {
        let name = Name::from_string(odd.to_owned());
        let first = start(&name).await.expect("a name like any other");
        let again = Name::from_string(odd.to_owned());
        assert_eq!(start(&again).await, Err(StartError::AlreadyStarted(first.pid())));
        assert_eq!(again.call(answer).await, Ok(1));
        end(&first).await;
        assert!(again.whereis().is_none());
    }
}
