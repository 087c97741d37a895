//! Exact timers: one queue and one sleeping task per runtime, however many timers there are.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fauxtp_logic::Time;
use fauxtp_logic::deadline::Deadlines;

use super::Executor;
use crate::clock;
use crate::host::Sleep;
use crate::payload::contain;
use crate::sync::{Mutex, thread, thread_local};

pub(crate) use fauxtp_logic::deadline::TimerKey;

type Fire = Box<dyn FnOnce() + Send>;

thread_local! {
    /// Whether a timer fires on this thread, which then must not wait for it.
    static FIRES: Cell<bool> = const { Cell::new(false) };
}

/// The timers of one runtime.
#[derive(Default)]
pub(crate) struct Timers {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: Deadlines<Fire>,
    /// The driver's, while it sleeps.
    waker: Option<Waker>,
    /// Whether a driver exists. It ends when the queue is empty.
    driven: bool,
    /// The timer that fires at this moment.
    firing: Option<TimerKey>,
}

impl Executor {
    /// Calls `fire` at `due`, on the driver's task. `fire` must be short and must not block.
    pub(crate) fn set_timer(
        self: &Arc<Self>,
        due: Time,
        fire: impl FnOnce() + Send + 'static,
    ) -> TimerKey {
        let mut state = self.timers().state.lock();
        let earliest = state.queue.next().is_none_or(|next| due < next);
        let key = state.queue.set(due, Box::new(fire));
        if !state.driven {
            state.driven = true;
            drop(state);
            self.spawn(Driver { executor: self.clone(), sleep: None, done: false });
            self.let_go();
        } else if earliest {
            let waker = state.waker.take();
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
                self.let_go();
            }
        }
        key
    }
}

impl Timers {
    /// Stops a timer; tells how long it still had, or nothing if it has fired (TMR-002). In that case nothing
    /// of it comes any more that has not come yet: a timer that fires at this moment is waited for, which is short.
    pub(crate) fn cancel(&self, key: TimerKey) -> Option<Duration> {
        let now = clock::now();
        loop {
            let mut state = self.state.lock();
            let cancelled = state.queue.cancel(key, now);
            let firing = state.firing == Some(key) && !FIRES.get();
            drop(state);
            match cancelled {
                Some((remaining, _fire)) => return Some(remaining),
                None if firing => thread::yield_now(),
                None => return None,
            }
        }
    }

    /// How many timers are set.
    pub(crate) fn pending(&self) -> usize {
        self.state.lock().queue.len()
    }
}

/// The task that sleeps until the next timer is due.
struct Driver {
    executor: Arc<Executor>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Whether the task ended because the queue was empty.
    done: bool,
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = clock::now();
            let next = {
                let mut state = self.executor.timers().state.lock();
                if let Some((key, fire)) = state.queue.pop_due_entry(now) {
                    state.firing = Some(key);
                    drop(state);
                    FIRES.set(true);
                    // What a refused message's destructor throws must not end all timers.
                    contain(fire);
                    FIRES.set(false);
                    self.executor.timers().state.lock().firing = None;
                    continue;
                }
                let Some(next) = state.queue.next() else {
                    state.driven = false;
                    state.waker = None;
                    drop(state);
                    self.done = true;
                    return Poll::Ready(());
                };
                state.waker = Some(cx.waker().clone());
                next
            };
            if clock::is_never(next) {
                self.sleep = None;
                return Poll::Pending;
            }
            let sleep = match &mut self.sleep {
                Some(sleep) => {
                    sleep.as_mut().reset(clock::instant(next));
                    sleep
                }
                none => none.insert(Box::pin(clock::sleep_until(next))),
            };
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // The runtime is shutting down: timers left over can never fire.
        let mut state = self.executor.timers().state.lock();
        state.driven = false;
        state.waker = None;
        let left = std::mem::take(&mut state.queue);
        drop(state);
        let mut left = left;
        while let Some(fire) = left.pop_due(Time(Duration::MAX)) {
            contain(|| drop(fire));
        }
    }
}
