//! Races of what a process does with its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;

use super::checker::{CROWD, Depth, check, explore, settle};
use super::world::{World, block_on};
use crate::process::{self, Context, PidExt};
use crate::sync::thread;

/// Counts how often something is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A process is killed, by several, while it is polled: it counts as dead at once, finishes at most the poll it is in, and
/// ends once.
#[test]
fn kill_and_poll() {
    check("kill_and_poll", Depth::ThreePreemptions, || {
        let mut world = World::new(1);
        let (drops, killed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, seen) = (Counted(drops.clone()), killed.clone());
        let process = process::spawn(async move |_: Context<()>| {
            let _counted = counted;
            let mut late = 0;
            std::future::poll_fn(|cx| {
                late += u32::from(seen.load(Ordering::Relaxed));
                assert!(late < 2, "a poll that began after the kill");
                cx.waker().wake_by_ref();
                thread::yield_now();
                Poll::<()>::Pending
            })
            .await;
        })
        .expect("in a runtime");
        let pid = process.pid();
        explore();
        let kill = |_| {
            let killed = killed.clone();
            world.thread(move || {
                pid.kill();
                killed.store(true, Ordering::Relaxed);
                assert!(!pid.is_alive());
            })
        };
        let killers: Vec<_> = (1..CROWD).map(kill).collect();
        let mut hand = world.hand();
        let reason = hand.work_until(process.join());
        assert!(reason.is_killed(), "{reason}");
        assert_eq!(drops.load(Ordering::Relaxed), 1);
        killers.into_iter().for_each(|killer| killer.join().expect("it does not panic"));
        settle();
        world.put(hand);
        world.end();
    });
}

/// A runtime closes while a process is woken, and somebody waits for its end: he hears of it.
#[test]
fn shutdown_and_wake() {
    check("shutdown_and_wake", Depth::ThreePreemptions, || {
        let mut world = World::new(1);
        let process = process::spawn(async |mut ctx: Context<()>| {
            loop {
                drop(ctx.recv().await);
            }
        })
        .expect("in a runtime");
        world.settle();
        explore();
        let join = |_| {
            let process = process.clone();
            world.thread(move || {
                process.send(());
                let reason = block_on(process.join());
                assert!(reason.is_killed(), "{reason}");
            })
        };
        let joiners: Vec<_> = (1..CROWD).map(join).collect();
        let mut hand = world.hand();
        let _never_done = hand.poll();
        drop(hand);
        joiners.into_iter().for_each(|joiner| joiner.join().expect("it does not panic"));
        settle();
        world.end();
    });
}

/// A runtime closes while a process starts: it ends, whether it has run or not.
#[test]
fn shutdown_and_start() {
    check("shutdown_and_start", Depth::ThreePreemptions, || {
        let mut world = World::new(1);
        let mut hand = world.hand();
        explore();
        let start = |_| {
            world.thread(|| {
                let process = process::spawn(async |_: Context<()>| {}).expect("in a runtime");
                let reason = block_on(process.join());
                assert!(reason.is_killed() || reason.is_normal(), "{reason}");
            })
        };
        let starters: Vec<_> = (1..CROWD).map(start).collect();
        let _never_done = hand.poll();
        drop(hand);
        starters.into_iter().for_each(|starter| starter.join().expect("it does not panic"));
        settle();
        world.end();
    });
}
