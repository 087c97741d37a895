//! What a review of receiving found: an exit that was overtaken, places that moved, turns that were not counted.

#![allow(clippy::disallowed_methods, reason = "tasks of the runtime are what it is about")]

use crate::common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use common::puppet;
use fauxtp::prelude::*;
use fauxtp::process::{self, Peek, Received, StopError, Trap};
use fauxtp::{Mailbox, Overflow};
use tokio::sync::oneshot;
use tokio::task::block_in_place;

/// An exit that was taken in by `demonitor` or `trap_exits` was known, and messages behind it were handled.
///
/// also: PROC-012
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proc_005_an_exit_met_outside_of_a_receive_is_not_overtaken() {
    for returns in [false, true] {
        let other = puppet();
        let target = other.pid();
        let (begin, begun) = oneshot::channel();
        let (go, gate) = mpsc::channel::<()>();
        let handled = Arc::<AtomicBool>::default();
        let seen = handled.clone();
        let body = async move |mut ctx: process::Context<()>| {
            let monitor = ctx.monitor(target);
            begin.send(()).expect("somebody waits");
            block_in_place(|| gate.recv()).expect("it is opened");
            ctx.demonitor(monitor);
            ctx.trap_exits(Trap::On);
            if !returns {
                ctx.recv().await;
                seen.store(true, Ordering::SeqCst);
            }
        };
        let process = process::spawn(body).expect("there is a runtime");
        begun.await.expect("it begins");
        process.pid().exit(ExitReason::shutdown());
        process.send(());
        let (reason, ()) = tokio::join!(process::join(&process), async {
            go.send(()).expect("it waits");
        });
        assert!(reason.is_shutdown(), "the first cause: {reason:?}");
        assert!(!handled.load(Ordering::SeqCst));
    }
}

/// What a full mailbox dropped moved the others, and the receive looked behind them.
#[tokio::test(start_paused = true)]
async fn bad_002_a_selective_receive_misses_nothing_in_a_mailbox_that_drops() {
    let (tell, told) = oneshot::channel();
    let mailbox = Mailbox::bounded(2, Overflow::DropOldest).expect("room for two");
    let body = async move |mut ctx: process::Context<u32>| {
        let _ = tell.send(ctx.recv_where(|item| matches!(item, Peek::Message(3))).await);
    };
    let process = process::spawn_with(mailbox, body).expect("there is a runtime");
    process.send(1);
    process.send(2);
    process.pid().info().await;
    process.send(3);
    let third = tokio::time::timeout(Duration::from_secs(5), told).await;
    assert!(matches!(third, Ok(Ok(Received::Message(3)))), "{third:?}");
}

/// Only the plain receive counted its turns.
#[tokio::test]
async fn rust_007_selective_receives_let_others_run() {
    let ran = Arc::<AtomicBool>::default();
    let flag = ran.clone();
    let body = async move |mut ctx: process::Context<u32>| {
        let me = ctx.address();
        me.send(0);
        tokio::spawn(async move { flag.store(true, Ordering::SeqCst) });
        for n in 0..100_000 {
            ctx.recv_where(|_| true).await;
            me.send(n);
        }
        assert!(ran.load(Ordering::SeqCst), "nobody else has run");
    };
    let process = process::spawn(body).expect("there is a runtime");
    assert!(process::join(&process).await.is_normal());
}

/// The exit of a removed link was told over a new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn link_007_a_new_link_with_the_dead_says_noproc() {
    let trapping = common::trapper().await;
    let peer = puppet();
    let pid = peer.pid();
    trapping.link(pid).await;
    let linked = common::while_blocked(&trapping, &peer, move |ctx| {
        ctx.unlink(pid);
        ctx.link(pid)
    });
    assert_eq!(linked.await, Ok(()));
    assert_eq!(trapping.exits().await, [(pid, ExitReason::no_proc())]);
}

/// The first call with a coarse deadline, made outside of all runtimes, panicked, and no deadline ever passed after.
#[test]
fn gs_013_a_call_from_outside_of_all_runtimes_has_a_deadline() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime");
    let inside = runtime.enter();
    let keeps = async |mut ctx: process::Context<Reply<()>>| {
        let mut kept = Vec::new();
        while let Received::Message(from) = ctx.recv().await {
            kept.push(from);
        }
    };
    let server = process::spawn(keeps).expect("there is a runtime");
    drop(inside);
    let call = |server: &Address<Reply<()>>| {
        let server = server.clone();
        async move { server.call(|from| from).timeout(Duration::from_secs(1)).await }
    };
    let outside = call(&server);
    let outside = std::thread::spawn(move || futures_free::block_on(outside));
    assert_eq!(outside.join().expect("no panic"), Err(CallError::Timeout));
    assert_eq!(runtime.block_on(call(&server)), Err(CallError::Timeout));
}

/// Waiting with a deadline for an end, or for the answer to a request, panicked outside of all runtimes.
///
/// also: GS-060
#[test]
fn gs_049_who_is_outside_of_all_runtimes_waits_with_a_deadline() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime");
    let (trapping, other) = runtime.block_on(async {
        let (traps, trapping) = oneshot::channel();
        let process = process::spawn(async move |mut ctx: process::Context<Reply<()>>| {
            ctx.trap_exits(Trap::On);
            let _the_test_waits = traps.send(());
            std::future::pending::<()>().await;
        });
        trapping.await.expect("it begins");
        let other =
            process::spawn(async |_: process::Context<()>| std::future::pending::<()>().await);
        (process.expect("there is a runtime"), other.expect("there is a runtime"))
    });
    for timeout in [Duration::ZERO, Duration::from_millis(5), Duration::from_secs(1)] {
        let begun = Instant::now();
        let mut request = trapping.send_request(|from| from);
        assert_eq!(futures_free::block_on(request.wait_response(timeout)), None);
        assert!(begun.elapsed() >= timeout);
        let (begun, stop) =
            (Instant::now(), trapping.pid().stop(ExitReason::shutdown(), Some(timeout)));
        assert_eq!(futures_free::block_on(stop), Err(StopError::Timeout));
        assert!(begun.elapsed() >= timeout);
    }
    let stop = other.pid().stop(ExitReason::shutdown(), Some(Duration::from_secs(60)));
    assert_eq!(futures_free::block_on(stop), Ok(()));
}

/// A server that hands its first reply on, and ends.
fn hands_on(to: impl FnOnce(Reply<u8>) + Send + 'static) -> Address<Reply<u8>> {
    let body = async move |mut ctx: process::Context<Reply<u8>>| {
        if let Received::Message(from) = ctx.recv().await {
            to(from);
        }
        Err::<(), _>(Stop::error("over"))
    };
    process::spawn(body).expect("there is a runtime")
}

/// A call whose reply had been handed on outlived its callee, for ever if it had no deadline.
///
/// also: GS-060
#[tokio::test(start_paused = true)]
async fn gs_012_a_call_ends_with_its_callee_whoever_has_the_reply() {
    let (keep, mut kept) = tokio::sync::mpsc::unbounded_channel();
    let server = || {
        let keep = keep.clone();
        hands_on(move |from| keep.send(from).expect("the test listens"))
    };
    let told = |answer: Result<u8, CallError>| match answer {
        Err(CallError::Exited(reason)) => reason.to_string().contains("over"),
        _ => false,
    };
    for timeout in [Some(500), Some(60_000), None] {
        let server = server();
        let call = server.call(|from| from);
        let call = match timeout {
            Some(millis) => call.timeout(Duration::from_millis(millis)),
            None => call.no_timeout(),
        };
        let begun = tokio::time::Instant::now();
        assert!(told(call.await), "{timeout:?}");
        assert!(begun.elapsed() <= Duration::from_millis(110), "{:?}", begun.elapsed());
        assert!(kept.recv().await.expect("it was handed on").is_abandoned());
    }
    let mut request = server().send_request(|from| from);
    assert!(request.wait_response(Duration::from_secs(60)).await.is_some_and(told));
    // The living may take as long as they like, and whoever has the reply may answer.
    let lives = process::spawn(async move |mut ctx: process::Context<Reply<u8>>| {
        while let Received::Message(from) = ctx.recv().await {
            keep.send(from).expect("the test listens");
        }
    });
    let lives = lives.expect("there is a runtime");
    let call = lives.call(|from| from).no_timeout();
    let answer = async {
        kept.recv().await.expect("the last one").send(0);
        let from = kept.recv().await.expect("it was handed on");
        // sleep: on virtual time, and the time itself is the subject.
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        from.send(7);
    };
    assert_eq!(tokio::join!(call, answer).0, Ok(7));
}

/// A reply that was displaced from a full mailbox failed with the end of whoever had displaced it, and what was
/// displaced could make that one panic.
///
/// also: BAD-002
#[tokio::test(start_paused = true)]
async fn gs_020_a_displaced_call_is_not_answered_by_the_one_that_displaced_it() {
    struct Message(Option<Reply<u8>>);
    impl Drop for Message {
        fn drop(&mut self) {
            assert!(self.0.is_some(), "it panics when it is dropped");
        }
    }
    let mailbox = Mailbox::bounded(1, Overflow::DropOldest).expect("it has room");
    let body = async |_: process::Context<Message>| std::future::pending::<()>().await;
    let full = process::spawn_with(mailbox, body).expect("there is a runtime");
    let displaces = |message: Message| {
        let full = full.clone();
        let displaces = process::spawn(async move |_: process::Context<()>| {
            full.send(message);
            Err::<(), _>(Stop::error("an innocent end"))
        });
        process::join(displaces.expect("there is a runtime").pid())
    };
    let call = full.call(|from| Message(Some(from))).no_timeout();
    let (answer, _) = tokio::join!(call, displaces(Message(None)));
    assert_eq!(answer, Err(CallError::NoReply));
    let end = displaces(Message(None)).await;
    assert!(end.to_string().contains("an innocent end"), "{end}");
}

/// A raw process ignored that it was asked to stop, if the reason was normal, and whoever had asked waited for ever.
#[tokio::test(start_paused = true)]
async fn gs_049_a_raw_process_that_is_stopped_ends() {
    for (reason, expected) in [
        (ExitReason::Normal, Ok(())),
        (ExitReason::shutdown(), Ok(())),
        (ExitReason::error("x"), Ok(())),
        (fauxtp::stop::kill_reason(), Err(StopError::Exited(ExitReason::killed()))),
    ] {
        let body = async |_: process::Context<()>| std::future::pending::<()>().await;
        let raw = process::spawn(body).expect("there is a runtime");
        assert_eq!(raw.pid().stop(reason.clone(), None).await, expected, "{reason:?}");
    }
}

/// A call without a deadline kept the clock of a paused runtime running.
#[tokio::test(start_paused = true)]
async fn rust_010_a_call_without_deadline_lets_time_stand_still() {
    let server = process::spawn(async |mut ctx: process::Context<Reply<u8>>| {
        let Received::Message(from) = ctx.recv().await else { return };
        let _ = tokio::task::spawn_blocking(|| ()).await;
        let (open, gate) = oneshot::channel();
        // Real time passes; a runtime that is paused does not count it, unless somebody waits for a timer.
        std::thread::spawn(move || {
            std::thread::park_timeout(Duration::from_millis(200));
            open.send(())
        });
        let _ = gate.await;
        from.send(7);
    });
    let begun = tokio::time::Instant::now();
    let answer = server.expect("there is a runtime").call(|from| from).no_timeout().await;
    assert_eq!(answer, Ok(7));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

mod futures_free {
    //! Waiting for a future with nothing but a thread.

    use std::sync::Arc;
    use std::task::{Context, Poll, Wake};
    use std::thread::{self, Thread};

    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
        let waker = Arc::new(Unpark(thread::current())).into();
        let mut future = std::pin::pin!(future);
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => return output,
                Poll::Pending => thread::park(),
            }
        }
    }
}
