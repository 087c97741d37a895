//! Races of timers and alarms with those who take them back.

use std::sync::Arc;
use std::time::Duration;

use crate::clock;
use crate::executor::{Alarm, Executor};
use crate::host::advance;
use crate::models::checker::{Depth, FEW, check, explore, settle};
use crate::models::world::{Hand, World, block_on, keep};
use crate::slot::promise;
use crate::sync::atomic::{AtomicUsize, Ordering};

const SECOND: Duration = Duration::from_secs(1);

/// A timer is cancelled, by several, when it is due: either it never fires, and one of them gets what was left of it; or
/// it has fired when the call returns.
#[test]
fn cancel_and_fire() {
    check("cancel_and_fire", Depth::All, || {
        let world = World::new(1);
        let fired = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let fires = fired.clone();
        let key = world.executor.set_timer(clock::now().plus(SECOND), move || {
            fires[0].store(1, Ordering::Relaxed);
            fires[1].store(1, Ordering::Relaxed);
        });
        let mut driver = driver(&world);
        let _sleeps = driver.poll();
        advance(SECOND);
        explore();
        let cancel = |_| {
            let (executor, fired) = (world.executor.clone(), fired.clone());
            world.thread(move || {
                let left = executor.timers().cancel(key);
                let seen = fired.iter().map(|cell| cell.load(Ordering::Relaxed)).sum::<usize>();
                (left.is_some(), seen)
            })
        };
        let threads: Vec<_> = (0..FEW).map(cancel).collect();
        let _over = driver.poll();
        let heard: Vec<_> =
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        settle();
        let cancelled = heard.iter().filter(|(cancelled, _)| *cancelled).count();
        let fired = fired[0].load(Ordering::Relaxed);
        assert_eq!(cancelled + fired, 1, "one thing or the other");
        assert!(cancelled == 1 || heard.iter().all(|(_, seen)| *seen == 2), "all of it");
        assert_eq!(world.executor.timers().pending(), 0);
        drop(driver);
        world.end();
    });
}

fn driver(world: &World) -> Hand {
    world.spawned().pop().expect("the first timer has it started")
}

/// Timers are set while the one who drives them goes to sleep or ends: each of them fires.
#[test]
fn set_and_drive() {
    check("set_and_drive", Depth::All, || {
        let world = World::new(1);
        let fired = Arc::new(AtomicUsize::new(0));
        let count = fired.clone();
        world.executor.set_timer(clock::now(), || {});
        let mut driver = driver(&world);
        explore();
        let set = |_| {
            let executor = world.executor.clone();
            let count = count.clone();
            world.thread(move || {
                executor.set_timer(clock::now(), move || {
                    count.fetch_add(1, Ordering::Relaxed);
                });
            })
        };
        let threads: Vec<_> = (0..FEW).map(set).collect();
        let _over = driver.poll();
        threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
        settle();
        for mut driver in world.spawned() {
            let _over = driver.poll();
        }
        assert_eq!(fired.load(Ordering::Relaxed), FEW);
        drop(driver);
        world.end();
    });
}

/// A timer is set that is due before all others, while their driver goes to sleep: it is woken.
#[test]
fn set_and_sleep() {
    check("set_and_sleep", Depth::All, || {
        let world = World::new(1);
        world.executor.set_timer(clock::now().plus(SECOND), || {});
        let mut driver = driver(&world);
        explore();
        let executor = world.executor.clone();
        let (finished, mut is_over) = promise();
        let setter = world.thread(move || {
            let (done, mut fires) = promise();
            executor.set_timer(clock::now(), move || keep(done));
            assert_eq!(block_on(fires.wait()), Ok(()));
            keep(finished);
        });
        assert_eq!(driver.work_until(is_over.wait()), Ok(()));
        setter.join().expect("it does not panic");
        settle();
        drop(driver);
        world.end();
    });
}

/// An alarm is armed while the sweep lets go of it, for nobody has used it for a while: it fires nevertheless.
#[test]
fn arm_and_let_go() {
    check("arm_and_let_go", Depth::All, || {
        let world = World::new(1);
        let mut sweeper = {
            drop(arm(&world.executor));
            world.spawned().pop().expect("the first alarm has it started")
        };
        // One look less than it takes until it is let go of.
        for _ in 0..4 {
            let _sleeps = sweeper.poll();
            advance(SECOND);
        }
        explore();
        let sweep = world.thread(move || {
            let _perhaps_over = sweeper.poll();
            sweeper
        });
        let alarm = arm(&world.executor);
        let sweeper = sweep.join().expect("it does not panic");
        settle();
        let mut sweepers = world.spawned();
        sweepers.push(sweeper);
        for _ in 0..3 {
            advance(2 * SECOND);
            sweepers.retain_mut(|sweeper| sweeper.poll().is_pending());
        }
        assert!(alarm.has_fired());
        drop(alarm);
        drop(sweepers);
        world.end();
    });
}

fn arm(executor: &Arc<Executor>) -> Alarm {
    Alarm::arm(SECOND, std::task::Waker::noop(), None, executor)
}
