//! Races for a value that one party owes another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use super::checker::{Depth, check, explore, settle, spawn};
use super::world::block_on;
use crate::slot::{Broken, promise};

/// A value that counts how often one like it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A promise is kept while somebody begins to wait for it: he gets the value.
#[test]
fn keep_and_wait() {
    check("keep_and_wait", Depth::All, || {
        let (promise, mut pledge) = promise::<u8>();
        explore();
        let keeper = spawn(move || promise.keep(7));
        assert_eq!(block_on(pledge.wait()), Ok(7));
        assert_eq!(keeper.join().expect("it does not panic"), Ok(()));
        settle();
    });
}

/// A promise is kept while whoever has looked for it once gives up, or takes the wait to another thread: the value is
/// had by exactly one party, and is dropped once.
#[test]
fn keep_and_cancel() {
    check("keep_and_cancel", Depth::All, || {
        let drops = Arc::new(AtomicUsize::new(0));
        let value = Counted(drops.clone());
        let (promise, mut pledge) = promise::<Counted>();
        explore();
        let keeper = spawn(move || promise.keep(value).is_err());
        let got = {
            let mut cx = Context::from_waker(Waker::noop());
            matches!(pledge.poll(&mut cx), Poll::Ready(Ok(_)))
        };
        drop(pledge);
        let given_back = keeper.join().expect("it does not panic");
        settle();
        assert!(!(got && given_back), "one party has it");
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    });
}

/// A wait moves from one task to another while the promise is kept: the one that waits then is woken.
#[test]
fn keep_and_move() {
    check("keep_and_move", Depth::All, || {
        let (promise, mut pledge) = promise::<u8>();
        explore();
        let keeper = spawn(move || promise.keep(7));
        let first = {
            let mut cx = Context::from_waker(Waker::noop());
            pledge.poll(&mut cx)
        };
        let got = match first {
            Poll::Ready(got) => got,
            Poll::Pending => block_on(pledge.wait()),
        };
        assert_eq!(got, Ok(7));
        assert_eq!(keeper.join().expect("it does not panic"), Ok(()));
        settle();
    });
}

/// A promise is dropped by nobody's process while somebody waits, and another asks whether anybody does.
#[test]
fn break_and_wait() {
    check("break_and_wait", Depth::All, || {
        let (promise, mut pledge) = promise::<u8>();
        explore();
        let breaker = spawn(move || {
            assert!(!promise.is_abandoned(), "somebody waits until it is settled");
        });
        assert_eq!(block_on(pledge.wait()), Err(Broken::Dropped));
        breaker.join().expect("it does not panic");
        settle();
    });
}
