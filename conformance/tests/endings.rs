//! How servers stop (GS-040 … GS-049).

mod robot;

use std::future::IntoFuture;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fauxtp::prelude::*;
use fauxtp::process::{self, StopError};
use robot::{Log, Message, Robot, ask, job, robot, sync, tell, trapping};

#[tokio::test]
async fn gs_040_terminate_runs_before_the_last_reply_even_if_it_panics() {
    for panics in [false, true] {
        let log = Log::default();
        let robot = robot(&log).await;
        let noted = log.clone();
        let answer = ask(&robot, move |robot, ctx, from| {
            robot.last = Some(Box::new(move || {
                noted.push("terminated");
                assert!(!panics, "in terminate");
            }));
            ctx.stop_with_reply(ExitReason::Normal, from, 9);
            Ok(())
        });
        let answer = answer.await;
        log.push("answered");
        assert_eq!(answer, Ok(9));
        assert_eq!(log.line(), "terminate(normal) terminated answered");
        process::join(&robot).await;
        assert!(!robot.is_alive());
    }
}

#[tokio::test]
async fn gs_041_a_stop_without_reply_fails_the_call_with_its_reason() {
    let log = Log::default();
    let robot = robot(&log).await;
    let reason = ExitReason::custom("stop");
    let stop = reason.clone();
    let answer = ask(&robot, move |robot, ctx, from| {
        robot.held.push(from);
        ctx.stop(stop);
        Ok(())
    });
    assert_eq!(answer.await, Err(CallError::Exited(reason)));
    assert_eq!(log.line(), "terminate(error: \"stop\")");
}

#[tokio::test]
async fn gs_042_after_a_crash_terminate_sees_the_state_and_the_caller_the_reason() {
    let log = Log::default();
    let robot = robot(&log).await;
    let answer = ask(&robot, |robot, _, _from| {
        robot.count = 5;
        panic!("in a callback")
    });
    let Err(CallError::Exited(reason)) = answer.await else { panic!("the caller gets the reason") };
    assert_eq!(reason.to_string(), "error: panic: in a callback");
    assert!(log.line().starts_with("terminate(error: panic: in a callback at "), "{}", log.line());
}

/// A callback returns nothing but `Ok` or the reason to stop: anything else does not compile.
#[tokio::test]
async fn gs_043_an_error_is_the_only_other_result() {
    let robot = robot(&Log::default()).await;
    let answer = ask(&robot, |_, _, _from| Err(std::fmt::Error.into()));
    let Err(CallError::Exited(reason)) = answer.await else { panic!("it stopped") };
    assert!(reason.downcast_error::<std::fmt::Error>().is_some());
}

#[tokio::test]
async fn gs_044_a_panic_in_terminate_replaces_the_reason() {
    let robot = robot(&Log::default()).await;
    tell(&robot, |robot, _| {
        robot.last = Some(Box::new(|| panic!("last")));
        Ok(())
    });
    sync(&robot).await;
    let error = robot.pid().stop(ExitReason::Normal, None).await.expect_err("another reason");
    let StopError::Exited(reason) = error else { panic!("{error:?}") };
    assert_eq!(reason.to_string(), "error: panic: last");
}

#[tokio::test]
async fn gs_045_terminate_runs_for_own_ends_and_stops_but_not_for_kills() {
    let stopped = Log::default();
    robot(&stopped).await.pid().stop(ExitReason::Normal, None).await.expect("stops");
    assert_eq!(stopped.line(), "terminate(normal)");

    for exit in [false, true] {
        let log = Log::default();
        let robot = robot(&log).await;
        if exit {
            robot.pid().exit(ExitReason::shutdown());
        } else {
            robot.pid().kill();
        }
        process::join(&robot).await;
        assert_eq!(log.line(), "", "neither for a kill nor for an untrapped exit");
    }
    let log = Log::default();
    let failed = Robot::start((log.clone(), job(|_, _| Err(Stop::shutdown())))).await;
    assert!(failed.is_err());
    assert_eq!(log.line(), "", "not for a failed init");
}

/// Starts a trapping robot as the child of a raw process, and has the parent end with `reason`.
async fn orphan(trap: bool, reason: ExitReason) -> (Log, Address<Message>) {
    let log = Log::default();
    let (told, heard) = tokio::sync::oneshot::channel();
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let parent = process::spawn({
        let log = log.clone();
        async move |ctx: process::Context<()>| {
            let setup = job(move |_, ctx| {
                if trap {
                    ctx.trap_exits(process::Trap::On);
                }
                Ok(())
            });
            let child = Robot::start((log, setup)).link(&ctx).await.expect("starts");
            child.cast(Message::Note("ahead"));
            let _ = told.send(child);
            let _ = gone.await;
            reason
        }
    })
    .expect("spawns");
    let child = heard.await.expect("started");
    drop(go);
    process::join(&parent).await;
    (log, child)
}

#[tokio::test]
async fn gs_046_a_trapping_server_goes_with_its_parent_whatever_the_reason() {
    for reason in [ExitReason::Normal, ExitReason::shutdown(), ExitReason::custom(1)] {
        let (log, child) = orphan(true, reason.clone()).await;
        process::join(&child).await;
        assert_eq!(log.line(), format!("ahead terminate({reason:#})"));
    }
}

#[tokio::test]
async fn gs_047_the_exit_of_a_stranger_is_an_info() {
    let log = Log::default();
    let robot = trapping(&log).await;
    robot.pid().exit(ExitReason::shutdown());
    sync(&robot).await;
    assert_eq!(log.line(), "exit(shutdown)");
}

#[tokio::test]
async fn gs_048_a_server_that_does_not_trap_survives_its_parents_normal_end() {
    let (log, child) = orphan(false, ExitReason::Normal).await;
    sync(&child).await;
    assert_eq!(log.line(), "ahead");
}

#[tokio::test(start_paused = true)]
async fn gs_049_stop_returns_when_the_server_is_gone_and_its_name_free() {
    static NAME: Name<Robot> = Name::new("gs-049");
    for _ in 0..200 {
        let log = Log::default();
        let start = Robot::start((log.clone(), job(|_, _| Ok(())))).name(&NAME);
        let robot = start.await.expect("the name is free");
        robot.pid().stop(ExitReason::shutdown(), None).await.expect("stops");
        assert!(!robot.is_alive());
        assert!(NAME.whereis().is_none());
    }
    let dead = robot(&Log::default()).await;
    dead.pid().kill();
    process::join(&dead).await;
    assert_eq!(dead.pid().stop(ExitReason::Normal, None).await, Err(StopError::NoProc));

    let slow = robot(&Log::default()).await;
    slow.cast(Message::Forever);
    let too_late = slow.pid().stop(ExitReason::Normal, Some(Duration::from_millis(10))).await;
    assert_eq!(too_late, Err(StopError::Timeout));
    slow.pid().kill();
    process::join(&slow).await;
}

/// also: RUST-002
#[tokio::test]
async fn bad_040_a_kill_while_handler_and_state_panic_in_drop_is_contained() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Grenade;
    impl Drop for Grenade {
        fn drop(&mut self) {
            DROPS.fetch_add(1, Ordering::SeqCst);
            panic!("in drop");
        }
    }
    struct Armed(#[allow(dead_code, reason = "held to be dropped")] Grenade);
    impl GenServer for Armed {
        type Args = ();
        type Message = Reply<()>;
        async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
            Ok(Self(Grenade))
        }
        async fn handle(&mut self, _from: Reply<()>, _: &mut Context<Self>) -> Result {
            let _held = Grenade;
            std::future::pending().await
        }
    }
    let armed = Armed::start(()).await.expect("starts");
    let request = armed.send_request(|from| from);
    armed.pid().info().await.expect("lives");
    armed.pid().kill();
    let ended = request.receive_response(Duration::from_secs(60)).await;
    assert!(matches!(ended, Err(CallError::Exited(reason)) if reason.is_killed()));
    assert_eq!(DROPS.load(Ordering::SeqCst), 2, "both were dropped, one after the other");
}

#[tokio::test(start_paused = true)]
async fn bad_041_a_terminate_that_hangs_can_be_timed_out_and_killed() {
    let log = Log::default();
    let robot = robot(&log).await;
    tell(&robot, |robot, _| {
        robot.hangs = true;
        Ok(())
    });
    let stop = robot.pid().stop(ExitReason::Normal, Some(Duration::from_millis(50)));
    assert_eq!(stop.await, Err(StopError::Timeout));
    robot.pid().kill();
    assert!(process::join(&robot).await.is_killed());
}

#[tokio::test(start_paused = true)]
async fn bad_042_impossible_and_endless_deadlines_are_deadlines() {
    let robot = robot(&Log::default()).await;
    let never = |from: Reply<u64>| {
        Message::Call(
            from,
            Box::new(|robot, _, from| {
                robot.held.push(from);
                Ok(())
            }),
        )
    };
    assert_eq!(robot.call(never).timeout(Duration::ZERO).await, Err(CallError::Timeout));
    let endless = robot.call(never).timeout(Duration::MAX);
    let endless = tokio::time::timeout(Duration::from_secs(1_000), endless);
    assert!(endless.await.is_err(), "it neither overflows nor fires");
    sync(&robot).await;
}

#[tokio::test]
async fn bad_043_a_call_that_is_dropped_leaves_nothing_behind() {
    let robot = robot(&Log::default()).await;
    for _ in 0..1_000 {
        let call = robot.call(|from: Reply<u64>| {
            Message::Call(
                from,
                Box::new(|_, _, from| {
                    from.send(1);
                    Ok(())
                }),
            )
        });
        tokio::select! { biased; _ = call => {}, () = std::future::ready(()) => {} }
    }
    sync(&robot).await;
    assert_eq!(process::timers_pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn bad_044_an_init_that_never_ends_is_cut_off_and_a_dropped_start_undone() {
    struct Endless;
    impl GenServer for Endless {
        type Args = Name<Self>;
        type Message = ();
        async fn init(_: Name<Self>, _: &mut Context<Self>) -> Result<Self> {
            std::future::pending().await
        }
        async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
            Ok(())
        }
    }
    static NAME: Name<Endless> = Name::new("endless");
    let start = Endless::start(NAME.clone()).name(&NAME).timeout(Duration::from_millis(20));
    assert_eq!(start.await, Err(fauxtp::StartError::Timeout));
    assert!(NAME.whereis().is_none(), "nothing is left (PL-003)");
    let start = Endless::start(NAME.clone()).name(&NAME).into_future();
    assert!(tokio::time::timeout(Duration::from_millis(5), start).await.is_err());
    while NAME.whereis().is_some() {
        tokio::task::yield_now().await;
    }
}
