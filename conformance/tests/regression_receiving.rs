//! What a review of receiving found: an exit that was overtaken, places that moved, turns that were not counted.

#![allow(missing_docs, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tasks of the runtime are what it is about")]

mod common;

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
