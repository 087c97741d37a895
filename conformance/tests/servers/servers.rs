//! Servers: starting, continuing, casts, infos and inactivity (GS-001 … GS-003, GS-030 … GS-034, GS-060).

use crate::pools::reports;
use crate::robot;
use crate::support;

use std::time::Duration;

use fauxtp::prelude::*;
use fauxtp::{StartError, process};
use reports::Reports;
use robot::{Job, Log, Message, Robot, ask, job, robot, sync, tell, trapping};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Starts a robot whose `init` fails so; tells what the starter gets, and with what reason the process ends.
async fn failed(log: &Log, fail: Job) -> (StartError, ExitReason) {
    let (tell, told) = oneshot::channel();
    let init = job(move |robot, ctx| {
        drop(tell.send(support::watch(ctx.pid())));
        fail(robot, ctx)
    });
    let error = Robot::start((log.clone(), init)).await.expect_err("no start");
    (error, support::soon(told.await.expect("init has run")).await)
}

#[tokio::test]
async fn gs_001_init_may_start_continue_ignore_or_stop() {
    let log = Log::default();
    let ok = Robot::start((log.clone(), job(|_, _| Ok(())))).await;
    assert!(ok.is_ok());
    let ignored = Robot::start((log.clone(), job(|_, _| Err(Stop::ignore())))).await;
    assert_eq!(ignored, Err(StartError::Ignored));
    let reason = ExitReason::custom("no");
    let stop = reason.clone();
    let stopped = Robot::start((log.clone(), job(|_, _| Err(Stop::because(stop))))).await;
    assert_eq!(stopped, Err(StartError::Failed(reason.clone())));
    let (reports, quiet) = (Reports::here(), reason.clone());
    let (error, ended) = failed(&log, job(|_, _| Err(Stop::quietly(quiet)))).await;
    assert_eq!(error, StartError::Failed(reason));
    assert_eq!(ended, ExitReason::Normal, "the starter alone has the error");
    assert_eq!(reports.of(&["fauxtp::"]), Vec::<String>::new(), "and nobody is told of a crash");
    let continued = Robot::start((
        log.clone(),
        job(|_, ctx| {
            ctx.continue_with(Message::Note("first"));
            Ok(())
        }),
    ));
    sync(&continued.await.expect("starts")).await;
    assert_eq!(log.take(), ["continue", "first"]);
    let hibernating = Robot::start((
        log.clone(),
        job(|_, ctx| {
            ctx.hibernate();
            Ok(())
        }),
    ));
    sync(&hibernating.await.expect("starts")).await;
    let impatient = Robot::start((
        log.clone(),
        job(|_, ctx| {
            ctx.set_timeout(Duration::ZERO);
            Ok(())
        }),
    ));
    sync(&impatient.await.expect("starts")).await;
    assert_eq!(log.line(), "timeout");
}

#[tokio::test]
async fn gs_002_a_failed_init_is_told_and_terminate_is_not_called() {
    let log = Log::default();
    for end in [
        job(|_, _| Err(Stop::ignore())),
        job(|_, _| Err(Stop::because(ExitReason::custom("x")))),
        job(|_, _| panic!("init")),
    ] {
        let (error, ended) = failed(&log, end).await;
        match error {
            StartError::Ignored => assert_eq!(ended, ExitReason::Normal),
            StartError::Failed(reason) => {
                assert!(reason.is_error(), "{reason:?}");
                assert_eq!(ended, reason, "it ends with what the start failed with");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(log.line(), "");
}

#[tokio::test]
async fn gs_003_continue_runs_before_messages_that_waited_since_init() {
    for _ in 0..200 {
        let log = Log::default();
        let first = job(|_, ctx| {
            ctx.address().cast(Message::Note("queued"));
            ctx.continue_with(Message::Note("continued"));
            Ok(())
        });
        let robot = Robot::start((log.clone(), first)).await.expect("starts");
        sync(&robot).await;
        assert_eq!(log.line(), "continue continued queued");
    }
}

#[tokio::test]
async fn gs_030_a_cast_is_ok_whoever_is_there() {
    static NOBODY: Name<Robot> = Name::new("nobody-at-all");
    let log = Log::default();
    let robot = robot(&log).await;
    robot.cast(Message::Note("heard"));
    sync(&robot).await;
    robot.pid().kill();
    process::join(&robot).await;
    robot.cast(Message::Note("unheard"));
    NOBODY.cast(Message::Note("unheard"));
    assert_eq!(log.line(), "heard");
}

#[tokio::test]
async fn gs_031_what_is_no_message_goes_to_handle_info_and_is_not_fatal() {
    struct Deaf;
    impl GenServer for Deaf {
        type Args = ();
        type Message = Reply<u8>;
        async fn init((): (), ctx: &mut Context<Self>) -> Result<Self> {
            ctx.trap_exits(Trap::On);
            Ok(Self)
        }
        async fn handle(&mut self, from: Reply<u8>, _: &mut Context<Self>) -> Result {
            from.send(1);
            Ok(())
        }
    }
    let reports = Reports::here();
    let deaf = Deaf::start(()).await.expect("starts");
    deaf.pid().exit(ExitReason::custom("nobody handles this"));
    assert_eq!(deaf.call(|from| from).await, Ok(1));

    let told = reports.of(&["WARN fauxtp::server"]);
    assert_eq!(told.len(), 1, "logged: {told:?}");
    assert!(told[0].contains("Deaf") && told[0].contains("nobody handles this"), "{told:?}");

    let log = Log::default();
    let robot = trapping(&log).await;
    robot.pid().exit(ExitReason::Normal);
    sync(&robot).await;
    assert_eq!(log.line(), "exit(normal)");
}

#[tokio::test(start_paused = true)]
async fn gs_032_anything_cancels_an_inactivity_timeout_and_zero_waits_for_an_empty_mailbox() {
    let log = Log::default();
    let robot = robot(&log).await;
    tell(&robot, |_, ctx| {
        ctx.set_timeout(Duration::from_millis(100));
        Ok(())
    });
    sync(&robot).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    sync(&robot).await;
    assert_eq!(log.line(), "", "the message cancelled it");

    tell(&robot, |_, ctx| {
        ctx.set_timeout(Duration::ZERO);
        ctx.address().cast(Message::Note("waiting"));
        Ok(())
    });
    sync(&robot).await;
    assert_eq!(log.line(), "waiting", "zero does not fire while something waits");

    let before = Instant::now();
    tell(&robot, |_, ctx| {
        ctx.set_timeout(Duration::from_millis(300));
        Ok(())
    });
    let pid = robot.pid();
    while log.all().len() < 2 {
        // Virtual time moves only while nothing else can run.
        tokio::time::advance(Duration::from_millis(1)).await;
        tokio::task::yield_now().await;
    }
    assert!(before.elapsed() >= Duration::from_millis(300), "never early");
    assert_eq!(log.line(), "waiting timeout");
    assert!(pid.is_alive());
}

#[tokio::test(start_paused = true)]
async fn gs_032_an_inactivity_timeout_is_over_with_what_continues() {
    let log = Log::default();
    let robot = robot(&log).await;
    for timeout in [Duration::ZERO, Duration::from_millis(100)] {
        tell(&robot, move |_, ctx| {
            ctx.set_timeout(timeout);
            ctx.continue_with(Message::Note("continued"));
            Ok(())
        });
        // Nobody calls: that would cancel it as well.
        for _ in 0..2 {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(log.take(), ["continue", "continued"], "{timeout:?}");
    }
}

/// Only what arrives as something to deal with cancels it: who is watched does not notice.
#[tokio::test(start_paused = true)]
async fn gs_032_a_signal_that_brings_nothing_leaves_an_inactivity_timeout_alone() {
    let log = Log::default();
    let robot = robot(&log).await;
    tell(&robot, |_, ctx| {
        ctx.set_timeout(Duration::from_millis(100));
        Ok(())
    });
    robot.pid().info().await.expect("lives");
    let others_run = async || {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::advance(Duration::from_millis(80)).await;
    let watched = tokio::time::timeout(Duration::ZERO, process::join(&robot)).await;
    assert!(watched.is_err(), "it lives, and nobody watches it any more");
    others_run().await;
    assert_eq!(log.line(), "");
    tokio::time::advance(Duration::from_millis(25)).await;
    others_run().await;
    assert_eq!(log.line(), "timeout");
}

#[tokio::test(start_paused = true)]
async fn gs_033_an_inquiry_restarts_the_timeout_with_its_full_length() {
    let log = Log::default();
    let robot = robot(&log).await;
    sync(&robot).await;
    tell(&robot, |_, ctx| {
        ctx.set_timeout(Duration::from_millis(100));
        Ok(())
    });
    assert!(robot.pid().info().await.is_some());
    for _ in 0..3 {
        tokio::time::advance(Duration::from_millis(80)).await;
        assert!(robot.pid().info().await.is_some());
        assert_eq!(log.line(), "", "restarted each time");
    }
    tokio::time::advance(Duration::from_millis(105)).await;
    robot.pid().info().await.expect("lives");
    while log.all().is_empty() {
        tokio::time::advance(Duration::from_millis(1)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(log.line(), "timeout", "not cancelled either");
}

#[tokio::test]
async fn gs_034_hibernation_cannot_be_noticed() {
    let log = Log::default();
    let robot = robot(&log).await;
    for _ in 0..10_000 {
        tell(&robot, |robot, _| {
            robot.count += 1;
            Ok(())
        });
    }
    tell(&robot, |_, ctx| {
        ctx.hibernate();
        Ok(())
    });
    let count = ask(&robot, |robot, _, from| {
        from.send(robot.count);
        Ok(())
    });
    assert_eq!(count.await, Ok(10_000));
}

#[tokio::test(start_paused = true)]
async fn gs_060_a_request_can_be_waited_for_again_and_abandoned() {
    static NOBODY: Name<Robot> = Name::new("nobody-to-ask");
    let log = Log::default();
    let robot = robot(&log).await;
    let hold = |from| {
        Message::Call(
            from,
            Box::new(|robot, _, from| {
                robot.held.push(from);
                Ok(())
            }),
        )
    };
    let release = |robot: &mut Robot, _: &mut Context<Robot>| {
        for from in robot.held.drain(..) {
            from.send(7);
        }
        Ok(())
    };
    let mut request = robot.send_request(hold);
    assert!(request.wait_response(Duration::from_millis(10)).await.is_none());
    tell(&robot, release);
    assert_eq!(request.wait_response(Duration::from_millis(10)).await, Some(Ok(7)));

    let request = robot.send_request(hold);
    assert_eq!(request.receive_response(Duration::from_millis(10)).await, Err(CallError::Timeout));
    let abandoned = ask(&robot, |robot, _, from| {
        from.send(u64::from(robot.held.iter().all(Reply::is_abandoned)));
        Ok(())
    });
    assert_eq!(abandoned.await, Ok(1), "a late answer would be dropped");

    let request = robot.send_request(hold);
    let reason = ExitReason::custom("gone");
    robot.pid().exit(reason.clone());
    assert_eq!(
        request.receive_response(Duration::from_secs(1)).await,
        Err(CallError::Exited(reason))
    );
    let nobody = NOBODY.send_request(hold);
    assert_eq!(nobody.receive_response(Duration::from_secs(1)).await, Err(CallError::NoProc));
}
