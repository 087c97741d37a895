//! MON-007 … MON-011: what monitors leave alone and do not leave behind, and reply addresses.

use crate::common;

use std::pin::pin;
use std::task::{Context as Task, Poll, Waker};

use fauxtp::prelude::*;
use fauxtp::process;

use common::{Do, Puppet, carries, custom, puppet, trapper};
use tokio::sync::oneshot;

#[tokio::test]
async fn mon_007_removing_twice_is_harmless_and_removing_anothers_is_refused() {
    let (watcher, stranger, target) = (puppet(), trapper().await, puppet());
    let pid = target.pid();
    let (spent, kept) = watcher.run(move |ctx| (ctx.monitor(pid), ctx.monitor(pid))).await;
    assert!(watcher.run(move |ctx| ctx.demonitor(spent)).await);
    for _ in 0..3 {
        assert!(!watcher.run(move |ctx| ctx.demonitor(spent)).await);
        assert_eq!(watcher.run(move |ctx| ctx.demonitor_flush(spent)).await, None);
        assert!(!stranger.run(move |ctx| ctx.demonitor(kept)).await);
        assert_eq!(stranger.run(move |ctx| ctx.demonitor_flush(kept)).await, None);
        assert!(!target.run(move |ctx| ctx.demonitor(kept)).await, "it is not the target's either");
    }
    let (monitored_by, monitors) = counts(&target, &watcher).await;
    assert_eq!((monitored_by, monitors), (1, 1), "the other one is armed as ever");
    target.ended(custom("over")).await;
    // What has arrived can be taken out by him only whose it is.
    assert_eq!(stranger.run(move |ctx| ctx.demonitor_flush(kept)).await, None);
    let downs = watcher.downs().await;
    let [down] = &downs[..] else { panic!("{downs:?}") };
    assert!(down.monitor == kept && carries(&down.reason, "over"), "{down:?}");
    for monitor in [spent, kept] {
        assert!(!watcher.run(move |ctx| ctx.demonitor(monitor)).await);
        assert_eq!(watcher.run(move |ctx| ctx.demonitor_flush(monitor)).await, None);
    }
    assert_eq!((watcher.events().await, stranger.events().await), (vec![], vec![]));
}

/// How many monitors there are on the first, and how many the second holds.
async fn counts(target: &Puppet, watcher: &Puppet) -> (usize, usize) {
    let target = target.pid().info().await.expect("it lives");
    (target.monitored_by, watcher.pid().info().await.expect("it lives").monitors)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mon_008_a_hundred_thousand_watchers_leave_nothing_behind() {
    let target = puppet();
    let pid = target.pid();
    let before = pid.info().await.expect("it lives").monitored_by;
    for round in 0..1_000 {
        let watchers: Vec<_> = (0..100)
            .map(|number| {
                let watcher = process::spawn(async move |mut ctx: process::Context<()>| {
                    ctx.monitor(pid);
                    match number % 3 {
                        0 => ctx.exit(ctx.pid(), ExitReason::shutdown()),
                        1 => ctx.pid().kill(),
                        _ => {
                            // Few panic: that is slow, for it is reported.
                            assert_ne!(number, 2, "a watcher panics");
                            return;
                        }
                    }
                    ctx.recv().await;
                });
                watcher.expect("there is a runtime")
            })
            .collect();
        if round % 100 == 0 {
            // Some that are not processes, and look away.
            let mut join = pin!(process::join(pid));
            let polled = join.as_mut().poll(&mut Task::from_waker(Waker::noop()));
            assert_eq!(polled, Poll::Pending);
        }
        for watcher in watchers {
            process::join(&watcher).await;
            assert!(!watcher.is_alive());
        }
    }
    // Whoever has joined may know of the end before the target does.
    let gone = async {
        while pid.info().await.expect("it lives").monitored_by > before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("nothing is left");
    assert_eq!(target.events().await, []);
    target.ended(custom("over")).await;
}

#[tokio::test]
async fn mon_009_being_watched_changes_nothing_for_the_target() {
    for target in [puppet(), trapper().await] {
        let pid = target.pid();
        let untouched = pid.info().await.expect("it lives");
        for end in 0..4 {
            let (watcher, other) = (puppet(), trapper().await);
            for watcher in [&watcher, &other] {
                watcher.run(move |ctx| (ctx.monitor(pid), ctx.monitor(pid))).await;
            }
            assert_eq!(pid.info().await.expect("it lives").monitored_by, 4);
            match end {
                0 => watcher.ended(custom("watcher fails")).await,
                1 => watcher.ended(ExitReason::Normal).await,
                2 => {
                    watcher.tell(|_| panic!("watcher panics"));
                    process::join(&watcher).await;
                }
                _ => {
                    watcher.pid().kill();
                    process::join(&watcher).await;
                }
            }
            other.ended(ExitReason::Normal).await;
            assert_eq!(target.events().await, [], "nothing comes to it");
            let facts = pid.info().await.expect("it lives");
            assert_eq!((facts.links, facts.monitored_by, facts.monitors), (vec![], 0, 0));
            assert_eq!((facts.queue_len, facts.trapping), (0, untouched.trapping));
        }
        let watcher = puppet();
        watcher.run(move |ctx| ctx.monitor(pid)).await;
        target.ended(custom("its own reason")).await;
        assert!(watcher.pid().is_alive(), "and nothing for the watcher but a message");
        assert_eq!(watcher.downs().await.len(), 1);
    }
}

/// Has the puppet keep the reply address that comes with a call.
fn keep(kept: oneshot::Sender<Reply<u8>>) -> impl FnOnce(Reply<u8>) -> Do {
    move |from| Do::job(move |_| drop(kept.send(from)))
}

#[tokio::test(start_paused = true)]
async fn mon_010_a_reply_address_can_be_withdrawn_and_is_good_for_one_answer() {
    let target = puppet();
    let second = Duration::from_secs(1);
    for way in 0..4 {
        let (kept, keeps) = oneshot::channel();
        match way {
            0 => {
                let late = target.address.call(keep(kept)).timeout(second).await;
                assert_eq!(late, Err(CallError::Timeout));
            }
            1 => {
                let call = target.address.call(keep(kept)).no_timeout();
                tokio::time::timeout(second, call).await.expect_err("it is dropped");
            }
            2 => {
                let request = target.address.send_request(keep(kept));
                assert_eq!(request.receive_response(second).await, Err(CallError::Timeout));
            }
            _ => drop(target.address.send_request(keep(kept))),
        }
        let late: Reply<u8> = keeps.await.expect("it is kept");
        assert!(late.is_abandoned(), "{way}");
        assert_eq!(late.try_send(1), Err(1), "{way}: it vanishes before it reaches anybody");
    }
    // What was answered in time remains, however late it is looked at; and there is nothing left to answer with.
    let (kept, keeps) = oneshot::channel();
    let mut request = target.address.send_request(keep(kept));
    assert_eq!(request.wait_response(second).await, None, "waiting withdraws nothing");
    let from: Reply<u8> = keeps.await.expect("it is kept");
    assert!(!from.is_abandoned());
    assert_eq!(from.try_send(7), Ok(()));
    target.ended(custom("over")).await;
    tokio::time::advance(second).await;
    assert_eq!(request.receive_response(Duration::ZERO).await, Ok(7));
}

#[tokio::test]
async fn mon_011_a_monitor_on_oneself_never_fires() {
    for own in [puppet(), trapper().await] {
        let me = own.pid();
        let monitor = own.run(move |ctx| ctx.monitor(me)).await;
        let facts = me.info().await.expect("it lives");
        assert_eq!((facts.monitors, facts.monitored_by), (0, 0));
        let another = own.run(move |ctx| ctx.monitor(me)).await;
        assert_ne!(monitor, another, "each is a reference of its own");
        assert!(!own.run(move |ctx| ctx.demonitor(monitor)).await);
        assert_eq!(own.run(move |ctx| ctx.demonitor_flush(another)).await, None);
        own.run(move |ctx| ctx.monitor(me)).await;
        assert_eq!(own.events().await, []);
        own.ended(custom("own")).await;
    }
}
