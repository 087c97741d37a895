//! How servers end, and who hears of it (GS-040 … GS-049).

mod robot;
mod support;

use std::sync::LazyLock;

use fauxtp::prelude::*;
use fauxtp::process::{StopError, Trap};
use fauxtp::{StartError, reason};
use robot::{Handle, Log, Message, Robot, ask, job, robot, sync, tell, trapping};
use support::{Actor, actor, begin, end, everywhere, watch};
use tokio::sync::oneshot;

/// Always the same: what reasons carry is compared by identity.
fn custom() -> ExitReason {
    static REASON: LazyLock<ExitReason> = LazyLock::new(|| ExitReason::custom("done"));
    REASON.clone()
}

fn is_panic(reason: &ExitReason, message: &str) -> bool {
    reason.panic().is_some_and(|panic: &reason::PanicReport| panic.message == message)
}

/// Goal: the reply waits for `terminate`. Method: `terminate` waits for a gate that the test opens.
#[tokio::test(start_paused = true)]
async fn gs_040_terminate_runs_before_the_last_reply() {
    let log = Log::default();
    let robot = robot(&log).await;
    let (open, gate) = oneshot::channel::<()>();
    let mut request = robot.send_request(|from| {
        Message::Call(
            from,
            Box::new(|robot, ctx, from| {
                robot.finally = Some(Box::pin(async {
                    let _opened = gate.await;
                }));
                ctx.stop_with_reply(custom(), from, 7);
                Ok(())
            }),
        )
    });
    assert_eq!(request.wait_response(Duration::from_secs(9)).await, None);
    assert_eq!(log.line(), "terminate(error: \"done\")");
    assert!(robot.is_alive());
    let join = watch(&robot);
    open.send(()).expect("terminate waits");
    let (reply, reason) = tokio::join!(request.wait_response(Duration::MAX), join);
    assert_eq!((reply, reason), (Some(Ok(7)), custom()));
}

#[test]
fn gs_040_the_last_reply_survives_a_crash_in_terminate() {
    everywhere(200, async |round| {
        let log = Log::default();
        let robot = robot(&log).await;
        let crashes = round % 2 == 0;
        let join = watch(&robot);
        let reply = ask(&robot, move |robot, ctx, from| {
            if crashes {
                robot.last = Some(Box::new(|| panic!("terminate")));
            }
            ctx.stop_with_reply(custom(), from, 7);
            Ok(())
        });
        let (reply, reason) = tokio::join!(reply, join);
        assert_eq!(reply, Ok(7), "the reply, not the end");
        assert_eq!(is_panic(&reason, "terminate"), crashes, "{reason:?}");
        assert_eq!(reason == custom(), !crashes, "{reason:?}");
        assert_eq!(log.line(), "terminate(error: \"done\")");
    });
}

#[test]
fn gs_041_a_stop_without_a_reply_fails_the_call_with_its_reason() {
    everywhere(100, async |_| {
        for reason in [custom(), ExitReason::Normal, ExitReason::shutdown()] {
            for way in 0..3 {
                let log = Log::default();
                let robot = robot(&log).await;
                let stop = reason.clone();
                let outcome = ask(&robot, move |robot, ctx, from| {
                    match way {
                        0 => robot.held.push(from),
                        1 => drop(from),
                        _ => return Err(Stop::because(stop)),
                    }
                    ctx.stop(stop);
                    Ok(())
                })
                .await;
                assert_eq!(outcome, Err(CallError::Exited(reason.clone())), "{way}");
                assert_eq!(log.line(), format!("terminate({reason:#})"));
                assert!(!robot.is_alive());
            }
        }
    });
}

/// The state is what the callback left of it: what it had not touched is as it was before.
#[test]
fn gs_042_a_crash_in_a_callback_runs_terminate_with_the_state() {
    everywhere(100, async |_| {
        for panics in [true, false] {
            let log = Log::default();
            let robot = robot(&log).await;
            let join = watch(&robot);
            tell(&robot, |robot, _| {
                robot.count = 41;
                let log = robot.log.clone();
                robot.last = Some(Box::new(move || log.push("state")));
                Ok(())
            });
            let outcome = ask(&robot, move |_, _, _from| {
                if panics {
                    panic!("callback");
                }
                Err(std::fmt::Error.into())
            });
            let (outcome, reason) = tokio::join!(outcome, join);
            assert_eq!(outcome, Err(CallError::Exited(reason.clone())));
            assert_eq!(is_panic(&reason, "callback"), panics, "{reason:?}");
            assert_eq!(reason.downcast_error::<std::fmt::Error>().is_some(), !panics);
            assert_eq!(log.line(), format!("terminate({reason:#}) state"));
        }
    });
}

#[tokio::test]
async fn gs_042_every_callback_may_crash() {
    for crash in 0..2 {
        let log = Log::default();
        let robot = trapping(&log).await;
        let join = watch(&robot);
        if crash == 0 {
            tell(&robot, |_, ctx| {
                ctx.continue_with(Message::Do(job(|_, _| panic!("callback"))));
                Ok(())
            });
        } else {
            tell(&robot, |_, _| panic!("callback"));
        }
        robot.cast(Message::Note("never handled"));
        let reason = join.await;
        assert!(is_panic(&reason, "callback"), "{reason:?}");
        let line = log.line();
        assert!(line.ends_with(&format!("terminate({reason:#})")), "{line}");
        assert!(!line.contains("never"), "{line}");
    }
}

/// Goal: there is no bad return value. Method: this compiles only if callbacks return nothing but success or a
/// reason to stop, and every such reason has become an exit reason.
#[tokio::test]
async fn gs_043_a_callback_returns_nothing_but_success_or_a_stop() {
    async fn all<S: GenServer>(
        server: &mut S,
        messages: [S::Message; 2],
        ctx: &mut Context<S>,
    ) -> std::result::Result<(), Stop> {
        let [first, second] = messages;
        let handled: std::result::Result<(), Stop> = server.handle(first, ctx).await;
        handled?;
        let told: std::result::Result<(), Stop> = server.handle_info(Info::Timeout, ctx).await;
        told?;
        server.handle_continue(second, ctx).await
    }
    let _compiles = all::<Robot>;
    for stop in [Stop::normal(), Stop::shutdown(), Stop::because(custom()), Stop::ignore()] {
        let log = Log::default();
        let robot = robot(&log).await;
        let join = watch(&robot);
        let reason = stop.reason().clone();
        tell(&robot, |_, _| Err(stop));
        assert_eq!(join.await, reason);
        assert_eq!(log.line(), format!("terminate({reason:#})"));
    }
}

#[test]
fn gs_044_a_crash_in_terminate_replaces_the_reason() {
    everywhere(50, async |_| {
        for way in 0..4 {
            let robot = robot(&Log::default()).await;
            let join = watch(&robot);
            tell(&robot, |robot, _| {
                robot.last = Some(Box::new(|| panic!("terminate")));
                Ok(())
            });
            match way {
                0 => tell(&robot, |_, _| Err(Stop::normal())),
                1 => tell(&robot, |_, _| panic!("callback")),
                2 => tell(&robot, |_, ctx| {
                    ctx.stop(custom());
                    Ok(())
                }),
                _ => match robot.pid().stop(ExitReason::shutdown(), None).await {
                    Err(StopError::Exited(reason)) => assert!(is_panic(&reason, "terminate")),
                    other => panic!("{other:?}"),
                },
            }
            let reason = join.await;
            assert!(is_panic(&reason, "terminate"), "{reason:?}");
        }
    });
}

/// Starts a robot linked with a process, which becomes its parent.
async fn child_of(parent: &Actor, log: &Log, traps: Trap) -> Handle {
    let log = log.clone();
    let start = begin(parent, move |ctx| {
        let init = job(move |_, ctx| {
            ctx.trap_exits(traps);
            Ok(())
        });
        // Launched by this very process; only the acknowledgement is waited for elsewhere.
        Robot::start((log, init)).link(ctx).into_future()
    });
    start.await.expect("the parent lives").await.expect("starts")
}

/// Has the process end with a reason.
fn leave(parent: &Actor, reason: ExitReason) {
    drop(begin(parent, move |ctx| ctx.exit(ctx.pid(), reason)));
}

#[tokio::test]
async fn gs_045_terminate_runs_for_own_ends_and_requests_only() {
    let log = Log::default();
    for way in 0..3 {
        let robot = robot(&log).await;
        let join = watch(&robot);
        tell(&robot, move |_, ctx| match way {
            0 => panic!("callback"),
            1 => Err(Stop::because(custom())),
            _ => {
                ctx.stop(custom());
                Ok(())
            }
        });
        join.await;
        assert_eq!(log.take().len(), 1, "{way}");
    }
    let server = robot(&log).await;
    server.pid().stop(custom(), None).await.expect("stops");
    assert_eq!(log.take(), ["terminate(error: \"done\")"]);
    let parent = actor();
    let server = child_of(&parent, &log, Trap::On).await;
    let join = watch(&server);
    leave(&parent, custom());
    join.await;
    assert_eq!(log.take(), ["terminate(error: \"done\")"]);

    for traps in [Trap::On, Trap::Off] {
        let server = child_of(&actor(), &log, traps).await;
        assert!(end(&server).await.is_killed());
    }
    let server = robot(&log).await;
    let join = watch(&server);
    server.pid().exit(custom());
    assert_eq!(join.await, custom());
    let parent = actor();
    let server = child_of(&parent, &log, Trap::Off).await;
    let join = watch(&server);
    leave(&parent, custom());
    assert_eq!(join.await, custom());
    for way in 0..3 {
        let init = job(move |_, _| match way {
            0 => panic!("init"),
            1 => Err(Stop::because(custom())),
            _ => Err(Stop::ignore()),
        });
        let failed: std::result::Result<_, StartError> = Robot::start((log.clone(), init)).await;
        failed.expect_err("fails");
    }
    assert_eq!(log.line(), "", "none of these");
}

#[test]
fn gs_046_a_trapping_server_ends_with_its_parent_in_queue_order() {
    everywhere(100, async |_| {
        for reason in [custom(), ExitReason::Normal, ExitReason::shutdown()] {
            let log = Log::default();
            let parent = actor();
            let server = child_of(&parent, &log, Trap::On).await;
            let (left, join) = (watch(&parent), watch(&server));
            let to = server.clone();
            drop(begin(&parent, move |_| to.cast(Message::Note("ahead"))));
            leave(&parent, reason.clone());
            let behind = async {
                assert_eq!(left.await, reason);
                server.cast(Message::Note("behind"));
            };
            let (ended, ()) = tokio::join!(join, behind);
            assert_eq!(ended, reason);
            assert_eq!(log.line(), format!("ahead terminate({reason:#})"));
        }
    });
}

#[tokio::test]
async fn gs_047_an_exit_from_anybody_else_is_information() {
    let log = Log::default();
    let parent = actor();
    let server = child_of(&parent, &log, Trap::On).await;
    let other = actor();
    for reason in [custom(), ExitReason::Normal, ExitReason::shutdown()] {
        let pid = server.pid();
        begin(&other, move |ctx| ctx.exit(pid, reason)).await.expect("lives");
        sync(&server).await;
    }
    server.pid().exit(custom());
    sync(&server).await;
    assert_eq!(
        log.line(),
        "exit(error: \"done\") exit(normal) exit(shutdown) exit(error: \"done\")"
    );
    assert!(parent.is_alive());
}

#[test]
fn gs_048_a_parents_normal_end_does_not_stop_a_server_that_does_not_trap() {
    everywhere(100, async |_| {
        let log = Log::default();
        let parent = actor();
        let server = child_of(&parent, &log, Trap::Off).await;
        let left = watch(&parent);
        leave(&parent, ExitReason::Normal);
        assert_eq!(left.await, ExitReason::Normal);
        assert!(server.pid().info().await.is_some(), "its exit has been taken in");
        sync(&server).await;
        assert_eq!(log.line(), "");
    });
}

#[test]
fn gs_049_a_stop_returns_when_the_server_is_gone_and_its_name_free() {
    static NAME: Name<Robot> = Name::new("to be stopped");
    everywhere(200, async |_| {
        let log = Log::default();
        let init = job(|_, _| Ok(()));
        // Fails if the one of the round before still has it.
        let server = Robot::start((log.clone(), init)).name(&NAME).await.expect("the name is free");
        server.cast(Message::Note("ahead"));
        assert_eq!(server.pid().stop(ExitReason::Normal, None).await, Ok(()));
        assert!(!server.is_alive() && NAME.whereis().is_none());
        assert_eq!(log.line(), "ahead terminate(normal)");
        assert_eq!(server.pid().stop(ExitReason::Normal, None).await, Err(StopError::NoProc));
    });
}

#[tokio::test(start_paused = true)]
async fn gs_049_a_stop_that_does_not_end_well_says_why() {
    let log = Log::default();
    let server = robot(&log).await;
    tell(&server, |_, _| Err(Stop::because(custom())));
    let other = server.pid().stop(ExitReason::Normal, None).await;
    assert_eq!(other, Err(StopError::Exited(custom())));

    log.take();
    let server = robot(&log).await;
    let (open, gate) = oneshot::channel::<()>();
    tell(&server, |robot, _| {
        robot.finally = Some(Box::pin(async {
            let _opened = gate.await;
        }));
        Ok(())
    });
    let late = server.pid().stop(custom(), Some(Duration::from_secs(1))).await;
    assert_eq!(late, Err(StopError::Timeout));
    assert!(server.is_alive(), "it is the caller's error only");
    let join = watch(&server);
    open.send(()).expect("terminate waits");
    assert_eq!(join.await, custom());
    assert_eq!(log.line(), "terminate(error: \"done\")");
}
