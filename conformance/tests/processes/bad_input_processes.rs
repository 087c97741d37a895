//! BAD-005 … BAD-011: what processes make of odd input. BAD-001 … BAD-004 are in `bad_input_mailboxes.rs`.

use std::future::pending;
use std::sync::{Arc, Mutex, mpsc};

use fauxtp::names::{NameError, Raw};
use fauxtp::prelude::*;
use fauxtp::process::{self, NoProc, Received, Trap};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::Instant;

type Inside = process::Context<u32>;

/// Runs a body to its end, which must be normal: an assertion that fails inside is told here.
async fn through<F>(body: impl FnOnce(Inside) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let address = process::spawn(body).expect("there is a runtime");
    assert_eq!(process::join(&address).await, ExitReason::Normal);
}

fn idle() -> Address<u32> {
    process::spawn(async |_: Inside| pending::<()>().await).expect("there is a runtime")
}

async fn dead() -> Pid {
    let pid = idle().pid();
    pid.kill();
    process::join(pid).await;
    pid
}

/// Everything that waits.
async fn some(ctx: &mut Inside) -> Vec<Received<u32>> {
    let mut items = Vec::new();
    while let Some(item) = ctx.recv_timeout(Duration::ZERO).await {
        items.push(item);
    }
    items
}

#[tokio::test(start_paused = true)]
async fn bad_005_links_and_monitors_of_the_dead_of_oneself_and_twice_are_harmless() {
    through(async |mut ctx| {
        let (me, gone) = (ctx.pid(), dead().await);
        assert_eq!(ctx.link(gone), Err(NoProc(gone)));
        assert_eq!(ctx.link(me), Ok(()));
        let own = ctx.monitor(me);
        assert!(!ctx.demonitor(own), "there is no such monitor");
        assert!(some(&mut ctx).await.is_empty());

        ctx.trap_exits(Trap::On);
        assert_eq!(ctx.link(gone), Ok(()), "one that traps is told otherwise");
        let [Received::Exit(exit)] = &some(&mut ctx).await[..] else { panic!("one exit") };
        assert!(exit.from == gone && exit.reason.is_no_proc());
        for _ in 0..2 {
            let monitor = ctx.monitor(gone);
            let [Received::Down(down)] = &some(&mut ctx).await[..] else { panic!("one down") };
            assert!(down.monitor == monitor && down.reason.is_no_proc());
            assert!(!ctx.demonitor(monitor), "it is spent");
        }

        let other = idle().pid();
        ctx.link(other).and_then(|()| ctx.link(other)).expect("it lives");
        let monitors = [ctx.monitor(other), ctx.monitor(other)];
        let facts = other.info().await.expect("it lives");
        assert_eq!((facts.links, facts.monitored_by), (vec![me], 2));
        ctx.unlink(gone);
        ctx.unlink(me);
        other.exit(ExitReason::shutdown());
        process::join(other).await;
        let (mut exits, mut downs) = (0, Vec::new());
        for item in some(&mut ctx).await {
            match item {
                Received::Exit(exit) if exit.from == other => exits += 1,
                Received::Down(down) => downs.push(down.monitor),
                odd => panic!("{odd:?}"),
            }
        }
        downs.sort();
        assert_eq!((exits, downs), (1, monitors.to_vec()));
        ctx.unlink(other);
        ctx.unlink(other);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bad_006_a_hundred_thousand_timers_and_cancels_that_come_late_are_no_trouble() {
    const MANY: u32 = 100_000;
    through(async |mut ctx| {
        let before = process::timers_pending();
        // Set last to first, so that each one is the earliest when it is set.
        let mut timers = Vec::new();
        for number in (0..MANY).rev() {
            timers.push(ctx.send_after(Duration::from_millis(u64::from(number / 100)), number));
        }
        timers.reverse();
        assert_eq!(process::timers_pending(), before + MANY as usize);
        for timer in timers.iter().skip(1).step_by(2) {
            assert!(ctx.cancel_timer(*timer).is_some());
            assert_eq!(ctx.cancel_timer(*timer), None, "cancelled before");
        }
        let mut seen = Vec::new();
        while let Some(Received::Message(number)) = ctx.recv_timeout(Duration::from_secs(2)).await {
            seen.push(number);
        }
        // Those of one moment come in the order in which they were set: the last one first.
        let expected = (0..MANY / 100).flat_map(|ms| (0..50).rev().map(move |n| ms * 100 + 2 * n));
        assert!(seen.iter().copied().eq(expected), "{:?}", &seen[..200]);
        for timer in timers {
            assert_eq!(ctx.cancel_timer(timer), None, "too late");
            assert_eq!(ctx.cancel_timer_flush(timer), None, "too late, and nothing to flush");
        }
        assert_eq!(process::timers_pending(), before);
        // Those left over go with their process.
        for number in 0..MANY {
            ctx.send_after(Duration::from_secs(3_600), number);
        }
    })
    .await;
    assert_eq!(process::timers_pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn bad_007_the_longest_and_the_shortest_wait_are_waits() {
    through(async |mut ctx| {
        let longest = ctx.send_after(Duration::MAX, 1);
        let since = Instant::now();
        ctx.send_after(Duration::from_secs(60), 2);
        let received = ctx.recv_timeout(Duration::MAX).await;
        assert!(matches!(received, Some(Received::Message(2))), "{received:?}");
        assert_eq!(since.elapsed().as_secs(), 60);
        let left = ctx.cancel_timer(longest).expect("it has not expired");
        assert!(left > Duration::from_secs(60 * 60 * 24 * 365), "{left:?}");
        let nothing = ctx.recv_where_timeout(|_| false, Duration::ZERO).await;
        assert!(nothing.is_none());
        ctx.send_after(Duration::ZERO, 3);
        let received = ctx.recv_timeout(Duration::MAX).await;
        assert!(matches!(received, Some(Received::Message(3))), "{received:?}");
        let stopped = idle().pid().stop(ExitReason::shutdown(), Some(Duration::MAX)).await;
        assert_eq!(stopped, Ok(()));
    })
    .await;
}

/// Does something when it is dropped.
struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(last) = self.0.take() {
            last();
        }
    }
}

/// A process that does `last` when it is dropped, and says when it runs.
async fn with_last(last: impl FnOnce() + Send + 'static) -> Address<u32> {
    let (begun, begins) = oneshot::channel();
    let held = OnDrop(Some(last));
    let address = process::spawn(async move |_: Inside| {
        let _held = held;
        begun.send(()).expect("the test waits");
        pending::<()>().await;
    });
    begins.await.expect("it runs");
    address.expect("there is a runtime")
}

#[tokio::test]
async fn bad_008_a_destructor_may_start_a_process() {
    let (told, tells) = oneshot::channel();
    let parent = with_last(move || {
        let child = process::spawn(async |mut ctx: Inside| {
            let Received::Message(sum) = ctx.recv().await else { return ExitReason::killed() };
            ExitReason::custom(sum)
        });
        told.send(child.expect("there is a runtime")).expect("the test waits");
    })
    .await;
    parent.pid().kill();
    assert_eq!(process::join(&parent).await, ExitReason::killed());
    let child = tells.await.expect("it has started");
    let watch = process::join(&child);
    child.send(7);
    assert_eq!(watch.await.downcast_ref::<u32>(), Some(&7));
}

#[test]
fn bad_009_destructors_may_send_watch_and_start_while_their_runtime_closes() {
    for threads in [1, 2] {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_time()
            .build()
            .expect("builds");
        let (told, tells) = mpsc::channel();
        let pids: Vec<Pid> = runtime.block_on(async {
            let peer = Arc::new(Mutex::new(None::<Address<u32>>));
            let mut pids = Vec::new();
            for _ in 0..20 {
                let (peer, told) = (peer.clone(), told.clone());
                let process = {
                    let peer = peer.clone();
                    with_last(move || {
                        let peer = peer.lock().expect("unpoisoned").clone();
                        if let Some(peer) = peer {
                            peer.send(1);
                            peer.pid().exit(ExitReason::error("gone"));
                        }
                        let child = process::spawn(async |_: Inside| pending::<()>().await);
                        told.send(child.map(|child| child.pid())).expect("the test listens");
                    })
                    .await
                };
                pids.push(process.pid());
                *peer.lock().expect("unpoisoned") = Some(process);
            }
            pids
        });
        drop(runtime);
        drop(told);
        assert!(pids.iter().all(|pid| !pid.is_alive()));
        let children: Vec<_> = tells.iter().collect();
        assert_eq!(children.len(), 20, "every destructor ran to its end");
        assert!(children.iter().flatten().all(|child| !child.is_alive()), "none is left half-made");
        assert!(!process::list().iter().any(|pid| pids.contains(pid)));
    }
}

#[tokio::test]
async fn bad_010_an_exit_reason_of_megabytes_reaches_everybody_whole() {
    let huge = ExitReason::custom("x".repeat(16 << 20));
    let expected = huge.clone();
    through(async move |mut ctx| {
        ctx.trap_exits(Trap::On);
        let child = ctx.spawn_link(async |_: Inside| pending::<()>().await).expect("a runtime");
        let monitors: Vec<_> = (0..100).map(|_| ctx.monitor(&child)).collect();
        child.pid().exit(huge);
        let (mut exits, mut downs) = (0, 0);
        while (exits, downs) != (1, monitors.len()) {
            let reason = match ctx.recv().await {
                Received::Exit(exit) => (exits += 1, exit.reason).1,
                Received::Down(down) => (downs += 1, down.reason).1,
                odd => panic!("{odd:?}"),
            };
            assert!(reason == expected, "the whole of it");
        }
    })
    .await;
}

#[tokio::test]
async fn bad_011_a_name_is_given_once_and_taken_back_by_its_holder_only() {
    static ONE: Name<Raw<u32>> = Name::new("bad-011-one");
    static TWO: Name<Raw<u32>> = Name::new("bad-011-two");
    through(async |mut ctx| {
        let me = ctx.pid();
        assert_eq!(ctx.unregister(&ONE), Err(NameError::NotHeld));
        assert_eq!(ctx.register(&ONE), Ok(()));
        assert!(ctx.register(&ONE).is_err(), "it has it already");
        assert_eq!(ctx.register(&TWO), Err(NameError::HasName));
        assert_eq!(TWO.whereis(), None, "a refusal leaves nothing");
        let thief = ctx.spawn(async move |mut ctx: Inside| {
            assert_eq!(ctx.register(&ONE), Err(NameError::Taken(me)));
            assert_eq!(ctx.unregister(&ONE), Err(NameError::NotHeld));
            assert_eq!(ctx.register(&TWO), Ok(()), "the refusals did not use up its one name");
        });
        let thief = thief.expect("there is a runtime").pid();
        assert_eq!(process::join(thief).await, ExitReason::Normal);
        assert_eq!(ONE.whereis().map(|holder| holder.pid()), Some(me));
        assert_eq!(TWO.whereis(), None, "its holder has ended");
        assert_eq!((ctx.unregister(&ONE), ctx.register(&TWO)), (Ok(()), Ok(())));
        assert_eq!(ONE.whereis(), None);
    })
    .await;
    assert_eq!(TWO.whereis(), None);
}
