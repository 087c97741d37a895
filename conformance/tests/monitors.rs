//! Monitors (MON-001 … MON-011).

mod puppet;

use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::process;
use puppet::{Log, Order, Puppet, act, end, puppet, settled};

async fn monitor(a: &Puppet, b: &Puppet) -> fauxtp::Monitor {
    let pid = b.pid();
    act(a, move |ctx| ctx.monitor(pid)).await
}

#[tokio::test]
async fn mon_001_a_monitor_fires_once_and_says_for_whom() {
    let target = puppet(&Log::default());
    let (told, heard) = tokio::sync::oneshot::channel();
    let pid = target.pid();
    let watcher = process::spawn(async move |mut ctx: process::Context<()>| {
        let monitor = ctx.monitor(pid);
        let received = ctx.recv().await;
        let more = ctx.recv_timeout(Duration::from_millis(20)).await.is_some();
        let _ = told.send((monitor, received, more));
    })
    .expect("spawns");
    watcher.pid().info().await;
    end(&target, ExitReason::shutdown());
    let (monitor, process::Received::Down(down), false) = heard.await.expect("told") else {
        panic!("one down and nothing more");
    };
    assert_eq!((down.monitor, down.pid, down.reason), (monitor, Some(pid), ExitReason::shutdown()));
}

/// also: MON-009
#[tokio::test]
async fn mon_002_monitors_are_independent_and_do_not_touch_their_target() {
    let log = Log::default();
    let (watcher, target) = (puppet(&log), puppet(&Log::default()));
    for _ in 0..3 {
        monitor(&watcher, &target).await;
    }
    let other = puppet(&Log::default());
    monitor(&other, &target).await;
    end(&other, ExitReason::custom("watcher fails"));
    process::join(&other).await;
    settled(&target).await;
    end(&target, ExitReason::Normal);
    process::join(&target).await;
    settled(&watcher).await;
    assert_eq!(log.line(), "down(normal) down(normal) down(normal)");
}

#[tokio::test]
async fn mon_003_watching_nobody_is_answered_with_noproc() {
    static NOBODY: Name<Raw<Order>> = Name::new("mon-003");
    let log = Log::default();
    let (watcher, dead) = (puppet(&log), puppet(&Log::default()));
    end(&dead, ExitReason::Normal);
    process::join(&dead).await;
    monitor(&watcher, &dead).await;
    act(&watcher, |ctx| ctx.monitor_name(&NOBODY)).await;
    settled(&watcher).await;
    assert_eq!(log.line(), "down(error: noproc) down(error: noproc)");
}

#[tokio::test]
async fn mon_004_a_monitor_by_name_tells_the_name_and_does_not_follow_it() {
    static NAME: Name<Raw<Order>> = Name::new("mon-004");
    let (first, second) = (puppet(&Log::default()), puppet(&Log::default()));
    act(&first, |ctx| ctx.register(&NAME)).await.expect("free");
    let (told, heard) = tokio::sync::oneshot::channel();
    let watcher = process::spawn(async move |mut ctx: process::Context<()>| {
        ctx.monitor_name(&NAME);
        let _ = told
            .send((ctx.recv().await, ctx.recv_timeout(Duration::from_millis(20)).await.is_some()));
    })
    .expect("spawns");
    watcher.pid().info().await;
    end(&first, ExitReason::Normal);
    process::join(&first).await;
    act(&second, |ctx| ctx.register(&NAME)).await.expect("free again");
    end(&second, ExitReason::Normal);
    let (process::Received::Down(down), false) = heard.await.expect("told") else {
        panic!("one down")
    };
    assert_eq!((down.name.as_deref(), down.pid), (Some("mon-004"), Some(first.pid())));
}

/// also: MON-006
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mon_005_after_demonitor_no_down_arrives() {
    for _ in 0..1_000 {
        let log = Log::default();
        let (watcher, target) = (puppet(&log), puppet(&Log::default()));
        let armed = monitor(&watcher, &target).await;
        end(&target, ExitReason::Normal);
        let was_armed = act(&watcher, move |ctx| ctx.demonitor(armed)).await;
        process::join(&target).await;
        settled(&watcher).await;
        assert_eq!(log.line(), if was_armed { "" } else { "down(normal)" });
        assert!(!act(&watcher, move |ctx| ctx.demonitor(armed)).await, "harmless twice (MON-007)");
        assert!(act(&watcher, move |ctx| ctx.demonitor_flush(armed)).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mon_008_a_hundred_thousand_watchers_leave_nothing_behind() {
    let target = puppet(&Log::default());
    let pid = target.pid();
    let mut last = None;
    for _ in 0..100_000 {
        let watcher = process::spawn(async move |mut ctx: process::Context<()>| {
            ctx.monitor(pid);
        });
        last = Some(watcher.expect("spawns"));
    }
    process::join(&last.expect("one was last")).await;
    while target.pid().info().await.expect("lives").monitored_by > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn mon_010_a_reply_address_is_good_for_one_answer_in_time() {
    let target = puppet(&Log::default());
    let (kept, taken) = tokio::sync::oneshot::channel();
    let call = target.call(|from: Reply<u8>| {
        Order::Do(Box::new(move |_| {
            let _ = kept.send(from);
            None
        }))
    });
    assert_eq!(call.timeout(Duration::from_millis(5)).await, Err(CallError::Timeout));
    let late = taken.await.expect("kept");
    assert!(late.is_abandoned());
    assert_eq!(late.try_send(1), Err(1), "it vanishes before it reaches anybody");
}

#[tokio::test]
async fn mon_011_a_monitor_on_oneself_never_fires() {
    let log = Log::default();
    let own = puppet(&log);
    act(&own, |ctx| ctx.monitor(ctx.pid())).await;
    settled(&own).await;
    assert_eq!(log.line(), "");
    assert_eq!(own.pid().info().await.expect("lives").monitors, 0);
}
