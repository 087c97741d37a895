//! Models of races among fibers, hands, timers and alarms; see `crate::models`.

mod fibers;
mod hands;
mod clocks;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use fauxtp_logic::Pid;

use super::Executor;
use super::fiber::{self, Berth, Fiber, Stage};
use crate::signal::NOBODY;

/// The least that a fiber can be.
struct Bit {
    stage: Stage,
    berth: Berth,
    executor: Arc<Executor>,
}

impl Bit {
    /// One that has no future yet.
    fn unborn(executor: &Arc<Executor>) -> Arc<Self> {
        Arc::new(Self { stage: Stage::new(), berth: Berth::default(), executor: executor.clone() })
    }

    /// One that waits to be woken.
    fn new(
        executor: &Arc<Executor>,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> Arc<Self> {
        let bit = Self::unborn(executor);
        fiber::embody(&bit, future);
        fiber::let_go(&bit);
        bit
    }
}

impl Fiber for Bit {
    fn pid(&self) -> Pid {
        NOBODY
    }

    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn berth(&self) -> &Berth {
        &self.berth
    }

    fn executor(&self) -> &Arc<Executor> {
        &self.executor
    }
}

impl Wake for Bit {
    fn wake(self: Arc<Self>) {
        fiber::wake(&self);
    }
}

/// Tells when it is dropped. No checker sees that, so it is no help to what is checked.
struct Mark(Arc<AtomicBool>);

impl Drop for Mark {
    fn drop(&mut self) {
        assert!(!self.0.swap(true, Ordering::Relaxed), "it is dropped once");
    }
}
