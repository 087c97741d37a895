//! Waiting for the value of one task.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::{Task, TaskError};
use crate::call::DEFAULT_TIMEOUT;
use crate::cycle::Watching;
use crate::waiting::Patience;

/// A task that is waited for; see [`Task::join`].
///
/// # Cancel safety
/// Dropping this detaches the task.
#[must_use = "nobody waits for the task unless this is awaited"]
pub struct Join<T> {
    task: Task<T>,
    patience: Patience,
    waiting: Option<Watching>,
}

impl<T: Send + 'static> Join<T> {
    pub(super) const fn new(task: Task<T>) -> Self {
        Self { task, patience: Patience::new(Some(DEFAULT_TIMEOUT)), waiting: None }
    }

    /// Waits no longer than this, as coarse as a [call's](crate::Call::timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.patience.timeout = Some(timeout);
        self
    }

    /// Waits as long as it takes.
    pub fn no_timeout(mut self) -> Self {
        self.patience.timeout = None;
        self
    }
}

impl<T: Send + 'static> Future for Join<T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.waiting.is_none() {
            // The task must not wait for us.
            this.waiting = this.task.pid().map(Watching::begin);
        }
        if let Some(waiting) = &this.waiting {
            waiting.goes_on();
        }
        let outcome = this.task.poll_outcome(&mut this.patience, cx);
        outcome.map(|outcome| outcome.unwrap_or(Err(TaskError::Timeout)))
    }
}

impl<T: Send + 'static> IntoFuture for Task<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = Join<T>;

    fn into_future(self) -> Join<T> {
        self.join()
    }
}

impl<T> fmt::Debug for Join<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Join").field(&self.task).finish()
    }
}
