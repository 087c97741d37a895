//! Races for one fiber.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, Waker};

use super::{Bit, Mark};
use crate::executor::{Executor, fiber};
use crate::models::checker::{Depth, FEW, check, explore, settle};
use crate::models::world::World;
use crate::slot::{Pledge, promise};
use crate::sync::atomic::{self, AtomicUsize, Ordering};

/// Some threads, and the one of the model.
const ALL: usize = FEW + 1;

/// What these threads have written before they woke a fiber. Only the wake orders that before a poll.
struct Written([AtomicUsize; ALL]);

impl Written {
    fn new() -> Arc<Self> {
        Arc::new(Self(std::array::from_fn(|_| AtomicUsize::new(0))))
    }

    fn write(&self, number: usize) {
        self.0[number].store(1, Ordering::Relaxed);
    }

    /// A fiber that is over when it has seen all of it, and who waits for that.
    fn reader(self: Arc<Self>) -> (impl Future<Output = ()> + Send + 'static, Pledge<()>) {
        let (done, pledge) = promise();
        let mut done = Some(done);
        let reader = std::future::poll_fn(move |_| {
            if self.0.iter().any(|cell| cell.load(Ordering::Relaxed) == 0) {
                return Poll::Pending;
            }
            if let Some(done) = done.take() {
                let _nobody_waits = done.keep(());
            }
            Poll::Ready(())
        });
        (reader, pledge)
    }
}

/// Runs a hand until a fiber has seen everything that was written, while other threads write and wake it.
fn race(
    begin: impl FnOnce(&World, Arc<Written>) -> (Arc<Bit>, Pledge<()>),
    poke: impl Fn(usize, &Arc<Bit>) + Clone + Send + 'static,
    finish: impl FnOnce(&Arc<Bit>),
) {
    let mut world = World::new(1);
    let written = Written::new();
    let (bit, mut all_seen) = begin(&world, written.clone());
    explore();
    let thread = |number| {
        let (written, bit, poke) = (written.clone(), bit.clone(), poke.clone());
        world.thread(move || {
            written.write(number);
            poke(number, &bit);
        })
    };
    let threads: Vec<_> = (0..FEW).map(thread).collect();
    written.write(FEW);
    finish(&bit);
    let mut hand = world.hand();
    assert_eq!(hand.work_until(all_seen.wait()), Ok(()));
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    settle();
    world.put(hand);
    world.end();
}

fn idle(world: &World, written: Arc<Written>) -> (Arc<Bit>, Pledge<()>) {
    let (reader, all_seen) = written.reader();
    (Bit::new(&world.executor, reader), all_seen)
}

/// Several wake a fiber that runs, is queued, or idle: what they wrote before is seen by a poll.
#[test]
fn wake_and_run() {
    check("wake_and_run", Depth::All, || race(idle, |_, bit| fiber::wake(bit), fiber::wake));
}

/// A fiber is woken while it gets its future and is let go: it is polled, and sees what was written before.
#[test]
fn embody_and_wake() {
    check("embody_and_wake", Depth::All, || {
        let future = Arc::new(std::sync::Mutex::new(None));
        let later = future.clone();
        race(
            |world, written| {
                let (reader, all_seen) = written.reader();
                *later.lock().expect("nobody panics") = Some(reader);
                (Bit::unborn(&world.executor), all_seen)
            },
            |_, bit| fiber::wake(bit),
            |bit| {
                let reader = future.lock().expect("nobody panics").take();
                fiber::embody(bit, reader.expect("it was put there"));
                fiber::let_go(bit);
            },
        );
    });
}

/// Several wake a fiber, or want it to run on their stacks, before it is let go: it does not run before that, and then
/// sees what was written before.
#[test]
fn held_until_let_go() {
    check("held_until_let_go", Depth::All, || {
        let future = Arc::new(std::sync::Mutex::new(None));
        let (later, free) = (future.clone(), Arc::new(atomic::AtomicBool::new(false)));
        race(
            |world, written| {
                let (reader, all_seen) = written.reader();
                *later.lock().expect("nobody panics") = Some(reader);
                (Bit::unborn(&world.executor), all_seen)
            },
            poke,
            |bit| {
                let reader = future.lock().expect("nobody panics").take();
                let is_free = free.clone();
                fiber::embody(bit, async move {
                    assert!(is_free.load(Ordering::Relaxed), "it was let go");
                    reader.expect("it was put there").await;
                });
                free.store(true, Ordering::Relaxed);
                fiber::let_go(bit);
            },
        );
    });
}

/// Wakes a fiber; every other one has it run at once, if it can be had.
fn poke(number: usize, bit: &Arc<Bit>) {
    let mut cx = Context::from_waker(Waker::noop());
    if number % 2 == 1 || !Executor::run_on_the_spot(bit, &mut cx) {
        fiber::wake(bit);
    }
}

/// Several want a fiber to run on their stacks, while others wake it: what they wrote before is seen by a poll.
#[test]
fn on_the_spot_and_wake() {
    check("on_the_spot_and_wake", Depth::All, || {
        race(idle, poke, fiber::wake);
    });
}

/// A fiber is ended while it gets its future, while it is woken, and while it runs: the future is dropped once, and
/// nothing of it is left.
#[test]
fn end_and_run() {
    check("end_and_run", Depth::All, || {
        let mut world = World::new(1);
        let dropped = Arc::new(AtomicBool::new(false));
        let mark = Mark(dropped.clone());
        let bit = Bit::unborn(&world.executor);
        explore();
        let end = |_| {
            let bit = bit.clone();
            world.thread(move || fiber::end(&*bit))
        };
        let threads: Vec<_> = (0..FEW).map(end).collect();
        fiber::embody(
            &bit,
            std::future::poll_fn(move |_| {
                let _held = &mark;
                Poll::Pending
            }),
        );
        fiber::let_go(&bit);
        fiber::wake(&bit);
        world.settle();
        threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
        settle();
        world.settle();
        assert!(dropped.load(Ordering::Relaxed), "it is gone");
        world.end();
    });
}
