//! A supervisor that is asked while it is busy counts who lives when it answers, and not when it last looked.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use fauxtp::prelude::*;
use fauxtp::process::{self, Received};
use tokio::sync::Notify;

/// Traps exits, and does not end before it may.
fn slow(asked: Arc<Notify>, may_end: Arc<Notify>) -> ChildSpec {
    ChildSpec::process("slow", move |mut ctx: process::Context<()>| {
        let (asked, may_end) = (asked.clone(), may_end.clone());
        async move {
            ctx.trap_exits(Trap::On);
            while !matches!(ctx.recv().await, Received::Exit(_)) {}
            asked.notify_one();
            may_end.notified().await;
        }
    })
}

#[tokio::test]
async fn a_child_that_died_behind_the_request_is_not_counted() {
    let (asked, may_end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let idle = ChildSpec::task("idle", std::future::pending::<()>);
    let children = [slow(asked.clone(), may_end.clone()), idle];
    let sup = Supervisor::new(children).start().await.expect("both start");
    let idle = sup.whereis("idle").expect("it runs");

    let mut terminated = pin!(sup.terminate_child("slow"));
    assert!(poll_fn(|cx| Poll::Ready(terminated.as_mut().poll(cx).is_pending())).await);
    asked.notified().await;
    let mut counted = pin!(sup.count_children());
    assert!(poll_fn(|cx| Poll::Ready(counted.as_mut().poll(cx).is_pending())).await);
    idle.kill();
    process::join(idle).await;
    may_end.notify_one();

    terminated.await.expect("it is a child");
    let counts = counted.await.expect("the supervisor lives");
    assert_eq!((counts.specs, counts.active), (2, 0));
}
