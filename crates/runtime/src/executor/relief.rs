//! The hand that helps out: it runs what waits behind a fiber that blocks its thread.
//!
//! A fiber that is woken by another one waits in the line of the same hand, and a hand that has been called for help
//! may itself wait for the thread of the one that called. Both are for a moment, unless that fiber blocks. So
//! in multi-thread runtimes one more task looks every [`TICK`] whether a line has stood still, and has it served.
//! While all hands sleep, it sleeps as well, without a timer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Sleep;

use super::Executor;
use crate::clock;

/// For how long a line may stand still.
const TICK: Duration = Duration::from_millis(20);

/// The task.
pub(super) struct Relief {
    executor: Arc<Executor>,
    /// Not while all hands sleep.
    sleep: Option<Pin<Box<Sleep>>>,
    /// How many fibers each hand had run at the last look.
    beats: Vec<u32>,
}

impl Relief {
    pub(super) fn new(executor: Arc<Executor>) -> Self {
        Self { executor, sleep: None, beats: Vec::new() }
    }
}

impl Future for Relief {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let crew = this.executor.crew();
        loop {
            let Some(sleep) = &mut this.sleep else {
                if crew.doze(cx) {
                    return Poll::Pending;
                }
                this.beats = crew.beats().collect();
                this.sleep = Some(Box::pin(clock::sleep_until(clock::now().plus(TICK))));
                continue;
            };
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now: Vec<u32> = crew.beats().collect();
            let stuck = (0..now.len()).filter(|hand| now[*hand] == this.beats[*hand]);
            for hand in stuck {
                // In a task of its own, for what is run there may block as well.
                if this.executor.waits(hand) {
                    let executor = this.executor.clone();
                    this.executor.spawn(async move { executor.relieve(hand) });
                    this.executor.let_go();
                }
            }
            this.sleep = None;
        }
    }
}
