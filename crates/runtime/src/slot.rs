//! A value that one party owes another: the reply to a call, the acknowledgement of a start.
//!
//! ```text
//!   Promise ──keep(value)──►  Slot  ◄──poll── Pledge
//!      └──dropped unkept──►   (Exited(reason) once the process that dropped it has ended,
//!                              Broken if it lives or there is none)
//! ```

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use fauxtp_logic::ExitReason;

use crate::current;
use crate::executor::Debt;
use crate::signal::Listener;
use crate::sync::Mutex;

/// How a promise ended without being kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Broken {
    /// Whoever had it dropped it and lives on.
    Dropped,
    /// Whoever had it has ended.
    Exited(ExitReason),
}

struct Slot<T> {
    state: Mutex<State<T>>,
    debt: Debt,
}

enum State<T> {
    /// The pledge waits; its waker if it has been polled.
    Open(Option<Waker>),
    Settled(Result<T, Broken>),
    /// The pledge is gone or has its value.
    Closed,
}

impl<T> Slot<T> {
    /// One that the current process waits for.
    fn open() -> Arc<Self> {
        let state = Mutex::new(State::Open(None));
        Arc::new(Self { state, debt: Debt::to(current::pid) })
    }

    /// Gives the value back if nobody waits for it any more.
    fn settle(&self, outcome: Result<T, Broken>) -> Result<(), Result<T, Broken>> {
        self.debt.is_paid(current::pid);
        let mut state = self.state.lock();
        let State::Open(waker) = &mut *state else {
            return Err(outcome);
        };
        let waker = waker.take();
        *state = State::Settled(outcome);
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }
}

/// The side that owes.
pub(crate) struct Promise<T: Send + 'static>(Option<Arc<Slot<T>>>);

/// The side that waits.
pub(crate) struct Pledge<T> {
    slot: Arc<Slot<T>>,
    /// Whether it has got what it waited for.
    done: bool,
}

/// A promise and the pledge that waits for it.
pub(crate) fn promise<T: Send>() -> (Promise<T>, Pledge<T>) {
    let slot = Slot::open();
    (Promise(Some(slot.clone())), Pledge { slot, done: false })
}

impl<T: Send> Promise<T> {
    /// Keeps the promise; gives the value back if nobody waits any more.
    pub(crate) fn keep(mut self, value: T) -> Result<(), T> {
        let Some(slot) = self.0.take() else { return Err(value) };
        slot.settle(Ok(value)).map_err(|outcome| match outcome {
            Ok(value) => value,
            Err(_) => unreachable!("a kept promise comes back as it was"),
        })
    }

    /// Keeps the promise as the last act of the current process, after everybody else has heard of its end.
    pub(crate) fn keep_at_end(mut self, value: T) {
        if let Some(slot) = self.0.take() {
            slot.debt.is_left(current::pid);
            current::unkept(Box::new(move |_| {
                let _nobody_waits = slot.settle(Ok(value));
            }));
        }
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.as_ref().is_none_or(|slot| matches!(*slot.state.lock(), State::Closed))
    }
}

impl<T: Send + 'static> Drop for Promise<T> {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.debt.is_left(current::pid);
            current::unkept(Box::new(move |reason| {
                let broken =
                    reason.map_or(Broken::Dropped, |reason| Broken::Exited(reason.clone()));
                let _nobody_waits = slot.settle(Err(broken));
            }));
        }
    }
}

impl<T> Pledge<T> {
    /// Waits for the value. Must not be polled again once it was ready.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Broken>> {
        let mut state = self.slot.state.lock();
        match &mut *state {
            State::Open(Some(waker)) if waker.will_wake(cx.waker()) => Poll::Pending,
            State::Open(waker) => {
                let _former = waker.replace(cx.waker().clone());
                Poll::Pending
            }
            State::Settled(_) => match std::mem::replace(&mut *state, State::Closed) {
                State::Settled(outcome) => {
                    self.done = true;
                    Poll::Ready(outcome)
                }
                _ => unreachable!("the state was just looked at"),
            },
            State::Closed => Poll::Ready(Err(Broken::Dropped)),
        }
    }

    pub(crate) async fn wait(&mut self) -> Result<T, Broken> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    /// Whether the value has been taken.
    pub(crate) const fn is_done(&self) -> bool {
        self.done
    }
}

impl<T> Drop for Pledge<T> {
    fn drop(&mut self) {
        if !self.done {
            // What had arrived is dropped outside of the lock: it is the user's.
            let left = std::mem::replace(&mut *self.slot.state.lock(), State::Closed);
            drop(left);
        }
    }
}

/// An end that somebody waits for: settled by the farewell of the process that is waited for.
impl Listener for Slot<ExitReason> {
    fn ended(&self, reason: &ExitReason) {
        let _nobody_waits = self.settle(Ok(reason.clone()));
    }
}

/// A listener and the pledge that waits for what it hears.
pub(crate) fn listener() -> (Arc<dyn Listener>, Pledge<ExitReason>) {
    let slot = Slot::open();
    (slot.clone(), Pledge { slot, done: false })
}
