//! Races among the hands of a crew.

use std::task::Poll;

use super::Bit;
use crate::executor::fiber;
use crate::models::checker::{CROWD, Depth, check, explore, settle};
use crate::models::world::{World, block_on, keep};
use crate::slot::promise;
use crate::sync::atomic::Ordering;

/// Fibers are woken from outside while two hands go to sleep: each of them runs.
#[test]
fn enqueue_and_sleep() {
    check("enqueue_and_sleep", Depth::ThreePreemptions, || {
        let mut world = World::new(2);
        explore();
        let wake = |_| {
            let executor = world.executor.clone();
            let (done, has_run) = promise();
            let thread = world.thread(move || {
                fiber::wake(&Bit::new(&executor, async move { keep(done) }));
            });
            (thread, has_run)
        };
        let threads: Vec<_> = (1..CROWD).map(wake).collect();
        let running = world.start();
        let mut hand = world.hand();
        for (thread, mut has_run) in threads {
            assert_eq!(hand.work_until(has_run.wait()), Ok(()));
            thread.join().expect("it does not panic");
        }
        settle();
        world.put(hand);
        world.stop(running);
        world.end();
    });
}

/// A fiber wakes two others, and blocks its hand until the first of them has run: the other hand runs it, even if it is
/// about to sleep, or has just been woken for something else; and whichever of them got the fiber, from outside or from
/// the other one.
#[test]
fn help_and_sleep() {
    check("help_and_sleep", Depth::ThreePreemptions, || {
        let mut world = World::new(2);
        world.settle();
        let (finished, mut is_over) = promise();
        let executor = world.executor.clone();
        let blocks = Bit::new(&world.executor, async move {
            let (done, mut has_run) = promise();
            fiber::wake(&Bit::new(&executor, async move { keep(done) }));
            fiber::wake(&Bit::new(&executor, async {}));
            assert_eq!(block_on(has_run.wait()), Ok(()));
            keep(finished);
        });
        explore();
        let wake = |_| {
            let (blocks, executor) = (blocks.clone(), world.executor.clone());
            world.thread(move || {
                fiber::wake(&Bit::new(&executor, async {}));
                fiber::wake(&Bit::new(&executor, async move { fiber::wake(&blocks) }));
            })
        };
        let threads: Vec<_> = (1..CROWD).map(wake).collect();
        let running = world.start();
        let mut hand = world.hand();
        assert_eq!(hand.work_until(is_over.wait()), Ok(()));
        threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
        settle();
        world.put(hand);
        world.stop(running);
        world.end();
    });
}

/// The relief goes to sleep while a hand gets up: either it stays awake, or it is told.
#[test]
fn doze_and_rouse() {
    check("doze_and_rouse", Depth::All, || {
        let mut world = World::new(1);
        world.settle();
        let bit = Bit::new(&world.executor, std::future::poll_fn(|_| Poll::Pending));
        explore();
        let waker = bit.clone();
        let waker = world.thread(move || fiber::wake(&waker));
        let crew = world.executor.crew();
        let dozes = crew.doze();
        waker.join().expect("it does not panic");
        settle();
        assert!(!crew.sleeps(0), "it has been woken");
        assert!(!dozes || !crew.dozing.load(Ordering::SeqCst), "the relief was told");
        world.settle();
        world.end();
    });
}
