//! How servers end, and who hears of it (GS-040 … GS-044, GS-049). Ends from outside are in `stops_from_outside.rs`.

use crate::robot;
use crate::support;

use std::sync::LazyLock;

use fauxtp::prelude::*;
use fauxtp::process::{Received, StopError};
use robot::{Log, Message, Robot, ask, job, robot, tell, trapping};
use support::{end, everywhere, watch};
use tokio::sync::oneshot;

/// Always the same: what reasons carry is compared by identity.
fn custom() -> ExitReason {
    static REASON: LazyLock<ExitReason> = LazyLock::new(|| ExitReason::custom("done"));
    REASON.clone()
}

fn is_panic(reason: &ExitReason, message: &str) -> bool {
    let panicked = reason.panic().is_some_and(|panic| panic.message == message);
    // Briefly without the place, at length with it.
    let briefly = format!("error: panic: {message}");
    assert_eq!(reason.to_string() == briefly, panicked, "{reason}");
    assert_eq!(
        format!("{reason:#}").starts_with(&format!("{briefly} at ")),
        panicked,
        "{reason:#}"
    );
    panicked
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

#[tokio::test]
async fn gs_040_every_caller_of_a_stop_with_a_reply_is_answered() {
    let log = Log::default();
    let robot = robot(&log).await;
    let first = robot.send_request(|from| {
        Message::Call(
            from,
            Box::new(|robot, _, from| {
                robot.held.push(from);
                Ok(())
            }),
        )
    });
    let join = watch(&robot);
    let second = ask(&robot, |robot, ctx, from| {
        let held = robot.held.pop().expect("one waits");
        ctx.stop_with_reply(ExitReason::shutdown(), held, 7);
        ctx.stop_with_reply(custom(), from, 8);
        Ok(())
    });
    assert_eq!(second.await, Ok(8));
    assert_eq!(first.receive_response(Duration::from_secs(5)).await, Ok(7));
    assert_eq!(join.await, custom(), "the last reason counts");
    assert_eq!(log.line(), "terminate(error: \"done\")", "once");
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
        assert!(!robot.is_alive());
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

#[test]
fn gs_049_a_stop_returns_when_the_server_is_gone_and_its_name_free() {
    static NAME: Name<Robot> = Name::new("to be stopped");
    everywhere(200, async |round| {
        let log = Log::default();
        let init = job(|_, _| Ok(()));
        // Fails if the one of the round before still has it.
        let server = Robot::start((log.clone(), init)).name(&NAME).await.expect("the name is free");
        server.cast(Message::Note("ahead"));
        let reason = if round % 2 == 0 { ExitReason::Normal } else { ExitReason::shutdown() };
        assert_eq!(server.pid().stop(reason.clone(), None).await, Ok(()));
        assert!(!server.is_alive() && NAME.whereis().is_none());
        assert_eq!(log.line(), format!("ahead terminate({reason:#})"));
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
    assert_eq!(log.take(), ["terminate(error: \"done\")"]);

    let server = robot(&log).await;
    server.cast(Message::Forever);
    let late = server.pid().stop(custom(), Some(Duration::from_secs(1))).await;
    assert_eq!(late, Err(StopError::Timeout), "it never comes to it");
    assert!(end(&server).await.is_killed());
    assert_eq!(server.pid().stop(custom(), None).await, Err(StopError::NoProc));
    assert_eq!(log.line(), "");
}

/// Receives by itself while it handles a message.
struct Listens(Option<oneshot::Sender<Option<ExitReason>>>);

impl GenServer for Listens {
    type Args = oneshot::Sender<Option<ExitReason>>;
    /// For how long; for ever if that is not said.
    type Message = Option<Duration>;

    async fn init(tell: Self::Args, _: &mut Context<Self>) -> Result<Self> {
        Ok(Self(Some(tell)))
    }

    async fn handle(&mut self, timeout: Option<Duration>, ctx: &mut Context<Self>) -> Result {
        let received = match timeout {
            Some(timeout) => ctx.recv_timeout(timeout).await,
            None => Some(ctx.recv().await),
        };
        let exit = match received {
            Some(Received::Exit(exit)) => Some(exit.reason),
            None => None,
            other => panic!("{other:?}"),
        };
        let told = self.0.take().expect("once").send(exit.clone());
        assert!(told.is_ok(), "the test listens");
        exit.map_or(Ok(()), |reason| Err(Stop::because(reason)))
    }
}

/// A handler that receives by itself sees the stop as an exit. One that does so with a limit, or picks what it receives,
/// does not: then it is the server that stops, as soon as the handler is through.
#[tokio::test(start_paused = true)]
async fn gs_049_a_stop_gets_at_a_handler_that_receives_by_itself() {
    for (timeout, seen) in
        [(None, Some(ExitReason::shutdown())), (Some(Duration::from_millis(10)), None)]
    {
        let (tell, told) = oneshot::channel();
        let server = Listens::start(tell).await.expect("starts");
        server.cast(timeout);
        tokio::task::yield_now().await;
        server.pid().stop(ExitReason::shutdown(), None).await.expect("stops for this reason");
        assert_eq!(told.await.expect("told"), seen, "{timeout:?}");
    }
}
