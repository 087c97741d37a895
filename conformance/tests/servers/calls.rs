//! Calls: answers, deadlines, ends and order (GS-010 … GS-021).

use crate::robot;

use std::time::Duration;

use fauxtp::prelude::*;
use fauxtp::process;
use robot::{Handle, Log, Message, Robot, ask, robot, sync, tell};
use tokio::time::Instant;

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

#[tokio::test(start_paused = true)]
async fn gs_010_a_call_waits_five_seconds_unless_told_otherwise() {
    let robot = robot(&Log::default()).await;
    let before = Instant::now();
    assert_eq!(robot.call(hold).await, Err(CallError::Timeout));
    let waited = before.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_millis(5_150)).contains(&waited), "{waited:?}");

    let endless = robot.call(hold).no_timeout();
    assert!(
        tokio::time::timeout(Duration::from_secs(3_600), endless).await.is_err(),
        "no deadline"
    );
}

#[tokio::test]
async fn gs_011_a_call_to_nobody_fails_at_once() {
    static NOBODY: Name<Robot> = Name::new("no-such-robot");
    let robot = robot(&Log::default()).await;
    robot.pid().kill();
    assert_eq!(robot.call(hold).no_timeout().await, Err(CallError::NoProc));
    process::join(&robot).await;
    assert_eq!(robot.call(hold).no_timeout().await, Err(CallError::NoProc));
    assert_eq!(NOBODY.call(hold).no_timeout().await, Err(CallError::NoProc));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gs_012_a_call_ends_with_the_reason_its_server_ends_with() {
    for round in 0..300 {
        let reasons = [
            ExitReason::Normal,
            ExitReason::shutdown(),
            ExitReason::custom(round),
            ExitReason::error("e"),
        ];
        for reason in reasons {
            let robot = robot(&Log::default()).await;
            // Answered by nobody: one is in the server's hands, the other still in its mailbox.
            let held = robot.send_request(hold);
            let stop = reason.clone();
            tell(&robot, |_, _| Err(Stop::because(stop)));
            let unread = robot.send_request(hold);
            let wait = Duration::from_secs(60);
            assert_eq!(held.receive_response(wait).await, Err(CallError::Exited(reason.clone())));
            let unread = unread.receive_response(wait).await;
            assert!(
                unread == Err(CallError::Exited(reason)) || unread == Err(CallError::NoProc),
                "{unread:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn gs_013_a_deadline_concerns_the_caller_only() {
    let log = Log::default();
    let robot = robot(&log).await;
    assert_eq!(robot.call(hold).timeout(Duration::from_millis(5)).await, Err(CallError::Timeout));
    robot.cast(Message::Note("carries on"));
    sync(&robot).await;
    assert_eq!(log.line(), "carries on");
}

#[tokio::test(start_paused = true)]
async fn gs_014_a_late_reply_is_dropped() {
    let robot = robot(&Log::default()).await;
    assert_eq!(robot.call(hold).timeout(Duration::from_millis(5)).await, Err(CallError::Timeout));
    let late = ask(&robot, |robot, _, from| {
        let refused = robot.held.pop().map(|late| late.try_send(9));
        from.send(u64::from(refused == Some(Err(9))));
        Ok(())
    });
    assert_eq!(late.await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn gs_015_an_answer_that_has_arrived_beats_the_deadline() {
    let robot = robot(&Log::default()).await;
    let call = robot.call(hold).timeout(Duration::from_millis(500));
    let mut call = std::pin::pin!(call);
    assert!(futures_poll(call.as_mut()).await.is_none(), "sent");
    tell(&robot, |robot, _| {
        robot.held.drain(..).for_each(|from| from.send(3));
        Ok(())
    });
    sync(&robot).await;
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(call.await, Ok(3));
}

/// Polls a future once.
async fn futures_poll<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut future).poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn gs_016_calling_oneself_fails_at_once() {
    struct Narcissus;
    impl GenServer for Narcissus {
        type Args = ();
        type Message = Reply<bool>;
        async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
            Ok(Self)
        }
        async fn handle(&mut self, from: Reply<bool>, ctx: &mut Context<Self>) -> Result {
            let outcome = ctx.address().call(|from| from).no_timeout().await;
            from.send(matches!(outcome, Err(CallError::Deadlock(_))));
            Ok(())
        }
    }
    let narcissus = Narcissus::start(()).await.expect("starts");
    assert_eq!(narcissus.call(|from| from).await, Ok(true));
}

#[tokio::test]
async fn gs_017_a_reply_may_come_later_from_anybody() {
    let robot = robot(&Log::default()).await;
    let first = robot.send_request(hold);
    let second = robot.send_request(hold);
    let (give, given) = tokio::sync::oneshot::channel();
    tell(&robot, |robot, _| {
        let mut held = robot.held.drain(..);
        let (first, second) = (held.next().expect("first"), held.next().expect("second"));
        second.send(2);
        let _ = give.send(first);
        Ok(())
    });
    let wait = Duration::from_secs(60);
    assert_eq!(second.receive_response(wait).await, Ok(2));
    let reply = given.await.expect("handed over");
    process::spawn(async |_: process::Context<()>| reply.send(1)).expect("spawns");
    assert_eq!(first.receive_response(wait).await, Ok(1));
}

/// A reply can be sent once: sending takes it. A second one does not compile:
/// its type has no copy.
#[tokio::test]
async fn gs_018_a_second_reply_is_impossible_and_one_to_nobody_harmless() {
    let robot = robot(&Log::default()).await;
    drop(robot.send_request(hold));
    let harmless = ask(&robot, |robot, _, from| {
        robot.held.drain(..).for_each(|nobody| nobody.send(1));
        from.send(5);
        Ok(())
    });
    assert_eq!(harmless.await, Ok(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gs_019_calls_casts_and_exits_of_one_client_arrive_in_order() {
    for _ in 0..500 {
        let log = Log::default();
        let robot = robot::trapping(&log).await;
        robot.cast(Message::Note("a"));
        robot.pid().exit(ExitReason::Normal);
        robot.cast(Message::Note("b"));
        sync(&robot).await;
        robot.cast(Message::Note("c"));
        sync(&robot).await;
        assert_eq!(log.line(), "a exit(normal) b c");
    }
}

#[tokio::test]
async fn gs_020_a_reply_that_is_dropped_fails_the_call_at_once() {
    let robot = robot(&Log::default()).await;
    let dropped = ask(&robot, |_, _, from| {
        drop(from);
        Ok(())
    });
    assert_eq!(dropped.await, Err(CallError::NoReply));
    // Though the handler goes on, nothing else arrives, and it never comes back.
    let goes_on = |from| {
        Message::Work(Box::pin(async move {
            drop(from);
            std::future::pending().await
        }))
    };
    let busy = self::robot(&Log::default()).await;
    let dropped = busy.call::<u64, _>(goes_on).timeout(Duration::from_secs(60));
    assert_eq!(dropped.await, Err(CallError::NoReply));
    let raw = process::spawn(async move |mut ctx: process::Context<Reply<u64>>| {
        let process::Received::Message(from) = ctx.recv().await else { return };
        tokio::task::yield_now().await;
        drop(from);
        std::future::pending().await
    });
    let raw = raw.expect("there is a runtime");
    let dropped = raw.call(|from| from).timeout(Duration::from_secs(60));
    assert_eq!(dropped.await, Err(CallError::NoReply));
    let reason = ExitReason::custom("by `?`");
    let stop = reason.clone();
    let failed = ask(&robot, |_, _, _from| Err(Stop::because(stop)));
    assert_eq!(failed.await, Err(CallError::Exited(reason)));
}

/// Goal: a call does not look through the caller's mailbox. Method: the median of many calls by a process
/// with nothing waiting and with half a million messages waiting.
#[tokio::test]
async fn gs_021_a_call_costs_the_same_however_much_waits_at_the_caller() {
    async fn median(server: &Handle) -> Duration {
        let mut times = Vec::new();
        for _ in 0..301 {
            let before = std::time::SystemTime::now();
            sync(server).await;
            times.push(before.elapsed().unwrap_or_default());
        }
        times.sort_unstable();
        times[times.len() / 2]
    }
    let server = robot(&Log::default()).await;
    let (told, heard) = tokio::sync::oneshot::channel();
    let caller = process::spawn(async move |ctx: process::Context<u64>| {
        let idle = median(&server).await;
        for number in 0..500_000 {
            ctx.address().send(number);
        }
        let _ = told.send((idle, median(&server).await));
    })
    .expect("spawns");
    let (idle, busy) = heard.await.expect("measured");
    process::join(&caller).await;
    assert!(busy < idle * 10 + Duration::from_millis(1), "idle {idle:?}, busy {busy:?}");
}
