//! What an executor runs: a future that belongs to an object others hold, and that is polled where it is
//! convenient.
//!
//! ```text
//!   held ── let go, by whoever has made it ──► idle, or queued if it was woken meanwhile
//!
//!            wake                   a hand takes it              ready
//!   idle ───────────► queued ───────────────────────► running ─────────► over
//!    ▲ └── run at once, on the stack of whoever waits ────▲ │
//!    └────────────────────── pending ─────────────────────┘─┘ woken meanwhile: queued again
//! ```

use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use fauxtp_logic::Pid;

use super::Executor;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU8, Ordering};

/// An object that has a future.
pub(crate) trait Fiber: Send + Sync + 'static {
    fn stage(&self) -> &Stage;
    fn berth(&self) -> &Berth;
    fn executor(&self) -> &Arc<Executor>;
    fn pid(&self) -> Pid;
}

/// Where a fiber stands. Apart from its future, for it is but a byte.
pub(crate) struct Stage(AtomicU8);

/// The future of a fiber.
#[derive(Default)]
pub(crate) struct Berth(Mutex<Option<Living>>);

struct Living {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Made once; it holds its own fiber until the future is gone.
    waker: Waker,
}

/// Somebody polls it. It stays set when the future is gone, so that nothing is queued any more.
const RUNNING: u8 = 1;
/// It is queued, or will be as soon as it has been polled.
const WOKEN: u8 = 2;
/// Its runtime has ended.
const ENDED: u8 = 4;
/// Whoever has made it has not let it go yet. Wakes are remembered.
const HELD: u8 = 8;

impl Stage {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(RUNNING))
    }
}

/// Gives a fiber its future, which does not run before it is let go. A runtime that has ended drops it at once.
pub(crate) fn embody<F: Fiber + Wake>(
    fiber: &Arc<F>,
    future: impl Future<Output = ()> + Send + 'static,
) {
    let living = Living { future: Box::pin(future), waker: Waker::from(fiber.clone()) };
    *fiber.berth().0.lock() = Some(living);
    let stage = &fiber.stage().0;
    if !fiber.executor().has_ended() {
        if stage.compare_exchange(RUNNING, HELD, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            return;
        }
        let woken = RUNNING | WOKEN;
        let held = stage.compare_exchange(woken, HELD | WOKEN, Ordering::AcqRel, Ordering::Acquire);
        if held.is_ok() {
            return;
        }
    }
    stage.fetch_or(ENDED, Ordering::AcqRel);
    let left = fiber.berth().0.lock().take();
    drop(left);
}

/// A fiber may run from now on, if it is woken or was already. Said once.
pub(crate) fn let_go<F: Fiber>(fiber: &Arc<F>) {
    // Pairs with the exchange in `wake`: either that finds it free, or its wake is seen here.
    if fiber.stage().0.fetch_and(!HELD, Ordering::AcqRel) == HELD | WOKEN {
        fiber.executor().enqueue(fiber.clone());
    }
}

/// Has a fiber run soon.
#[inline]
pub(crate) fn wake<F: Fiber>(fiber: &Arc<F>) {
    // Pairs with the exchanges in `run`, `poll` and `embody`: what was written before the wake is seen by the poll.
    if fiber.stage().0.fetch_or(WOKEN, Ordering::AcqRel) == 0 {
        fiber.executor().enqueue(fiber.clone());
    }
}

/// Runs a fiber that was queued; tells whether it had more to do than it wanted to do at once.
pub(super) fn run(fiber: Arc<dyn Fiber>) -> bool {
    let stage = &fiber.stage().0;
    // Otherwise it has been ended.
    stage.compare_exchange(WOKEN, RUNNING, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        && poll(fiber)
}

/// Makes an idle fiber the caller's to run.
#[inline]
pub(super) fn claim<F: Fiber>(fiber: &Arc<F>) -> bool {
    let stage = &fiber.stage().0;
    stage.compare_exchange(0, RUNNING, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// Polls a fiber that is ours to run; tells whether it was woken meanwhile.
pub(super) fn poll(fiber: Arc<dyn Fiber>) -> bool {
    let berth = fiber.berth();
    let mut living = berth.0.lock();
    let over = living.as_mut().is_none_or(|living| {
        let mut cx = Context::from_waker(&living.waker);
        let future = living.future.as_mut();
        // What panics in a process is caught inside; this is for faults of ours.
        panic::catch_unwind(AssertUnwindSafe(|| future.poll(&mut cx)))
            .map_or(true, |poll| poll.is_ready())
    });
    if over {
        let left = living.take();
        drop(living);
        drop(left);
        return false;
    }
    drop(living);
    let stage = &fiber.stage().0;
    if stage.compare_exchange(RUNNING, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
        return false;
    }
    if stage.compare_exchange(RUNNING | WOKEN, WOKEN, Ordering::AcqRel, Ordering::Acquire).is_err()
    {
        let left = berth.0.lock().take();
        drop(left);
        return false;
    }
    let executor = fiber.executor().clone();
    executor.enqueue(fiber);
    true
}

/// Drops the future of a fiber whose runtime has ended.
pub(crate) fn end<F: Fiber + ?Sized>(fiber: &F) {
    // Whoever polls it at this moment, or makes it, ends it.
    if fiber.stage().0.fetch_or(ENDED | RUNNING, Ordering::AcqRel) & RUNNING == 0 {
        let left = fiber.berth().0.lock().take();
        drop(left);
    }
}
