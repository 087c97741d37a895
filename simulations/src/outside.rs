//! What is outside of the program, and survives whatever happens in it: a disk, a customer, the passing of time.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use fauxtp::prelude::*;
use fauxtp::testing::Sim;

/// Something that no crash of a process takes along. All clones are the same.
#[derive(Default)]
pub struct Outside<T>(Arc<Mutex<T>>);

impl<T> Outside<T> {
    /// What is there at the beginning.
    pub fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    /// Looks at it, or changes it, in one step.
    pub fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T: Clone> Outside<T> {
    /// A copy of what is there now.
    #[must_use]
    pub fn get(&self) -> T {
        self.with(|value| value.clone())
    }
}

impl<T> Clone for Outside<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for Outside<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outside")
    }
}

/// How many do something at the same time.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Outside<u32>);

impl Gauge {
    /// One more, until the guard is dropped.
    #[must_use]
    pub fn enter(&self) -> Entered {
        self.0.with(|count| *count += 1);
        Entered(self.clone())
    }

    /// How many there are now.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.get()
    }
}

/// Somebody does something until this is dropped, be it because he was struck down.
#[derive(Debug)]
pub struct Entered(Gauge);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.0.with(|count| *count -= 1);
    }
}

/// Something that takes a while, and in the midst of which one may be struck: a write, a request to another machine.
///
/// Whoever waits is woken at once. tokio's own `yield_now` would have the runtime look for I/O first, which is most of
/// what a step costs here.
pub async fn latency() {
    let mut has_waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Asks until there is an answer, as a patient customer does.
pub async fn insist<T, E>(sim: &Sim, mut ask: impl AsyncFnMut() -> Result<T, E>) -> T {
    loop {
        if let Ok(answer) = ask().await {
            return answer;
        }
        sim.advance(Duration::from_millis(10)).await;
    }
}
