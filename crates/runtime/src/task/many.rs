//! Waiting for many tasks at once.

use std::fmt;
use std::future::{IntoFuture, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use fauxtp_logic::supervisor::Shutdown;

use super::{Task, TaskError};
use crate::call::DEFAULT_TIMEOUT;
use crate::waiting::Patience;

/// Waits for the values of all these tasks, in this order; one deadline for all (TASK-008).
///
/// # Errors
/// The first failure, as soon as it is known, or [`TaskError::Timeout`]. The other tasks are detached then: they go on,
/// as they do when this is dropped.
///
/// # Cancel safety
/// Dropping this detaches the tasks.
pub async fn join_many<T: Send + 'static>(
    tasks: impl IntoIterator<Item = Task<T>>,
    timeout: Duration,
) -> Result<Vec<T>, TaskError> {
    let mut tasks: Vec<Task<T>> = tasks.into_iter().collect();
    let mut wait = Wait::new(tasks.len(), timeout);
    poll_fn(|cx| {
        let ended = wait.poll(&mut tasks, cx);
        let failure = wait.outcomes.iter_mut().find(|outcome| matches!(outcome, Some(Err(_))));
        if let Some(Some(Err(error))) = failure.map(Option::take) {
            return Poll::Ready(Err(error));
        }
        match ended {
            Progress::Waiting => Poll::Pending,
            Progress::Late => Poll::Ready(Err(TaskError::Timeout)),
            Progress::Complete => {
                let outcomes = std::mem::take(&mut wait.outcomes);
                Poll::Ready(outcomes.into_iter().flatten().collect())
            }
        }
    })
    .await
}

/// What is done to tasks that have not ended in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unfinished {
    /// Nothing: they may be waited for again.
    #[default]
    Keep,
    /// As [`Task::ignore`].
    Ignore,
    /// They are killed, and waited for: see [`Task::shutdown`].
    Kill,
}

/// Waits for these tasks, 5 s unless told otherwise, and gives what there is then: an outcome, or nothing, for each of
/// them, in this order (TASK-009). Await it, or set more first.
///
/// # Cancel safety
/// Outcomes that a dropped wait had taken are lost; all other tasks stay as they were.
///
/// # Examples
/// ```
/// use fauxtp::prelude::*;
/// use fauxtp::task::{self, Task, Unfinished};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
/// let mut tasks = [Task::spawn(async { 1 })?, Task::spawn(std::future::pending())?];
/// let some = task::yield_many(&mut tasks)
///     .timeout(Duration::from_millis(10))
///     .unfinished(Unfinished::Kill)
///     .await;
/// assert_eq!(some, [Some(Ok(1)), None]);
/// # Ok(()) }
/// ```
pub fn yield_many<T: Send + 'static>(tasks: &mut [Task<T>]) -> YieldMany<'_, T> {
    let limit = tasks.len();
    YieldMany { tasks, limit, timeout: DEFAULT_TIMEOUT, unfinished: Unfinished::default() }
}

/// Many tasks that are to be waited for; see [`yield_many`].
///
/// # Cancel safety
/// As [`yield_many`].
#[must_use = "nothing is waited for unless this is awaited"]
pub struct YieldMany<'a, T> {
    tasks: &'a mut [Task<T>],
    limit: usize,
    timeout: Duration,
    unfinished: Unfinished,
}

impl<T: Send + 'static> YieldMany<'_, T> {
    /// Waits no longer than this.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Ends as soon as so many have ended. The others are kept then, whatever else is said.
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// What is done to those that have not ended in time; unless told otherwise, nothing.
    pub const fn unfinished(mut self, unfinished: Unfinished) -> Self {
        self.unfinished = unfinished;
        self
    }

    async fn wait(self) -> Vec<Option<Result<T, TaskError>>> {
        let Self { tasks, limit, timeout, unfinished } = self;
        let mut wait = Wait::new(tasks.len(), timeout);
        let late = poll_fn(|cx| match wait.poll(tasks, cx) {
            _ if wait.outcomes.iter().flatten().count() >= limit => Poll::Ready(false),
            Progress::Complete => Poll::Ready(false),
            Progress::Late => Poll::Ready(true),
            Progress::Waiting => Poll::Pending,
        })
        .await;
        let mut outcomes = wait.outcomes;
        let left = outcomes.iter_mut().zip(tasks).filter(|(outcome, _)| outcome.is_none());
        match unfinished {
            Unfinished::Ignore if late => {
                for (outcome, task) in left {
                    *outcome = task.take().ignore();
                }
            }
            Unfinished::Kill if late => {
                // All at once: those that block their thread are left behind after one grace, not after one for each.
                let mut killed: Vec<_> = left
                    .map(|(outcome, task)| (outcome, task.take().shutdown(Shutdown::BrutalKill)))
                    .collect();
                poll_fn(|cx| {
                    killed.retain_mut(|(outcome, halt)| match halt.poll_end(cx) {
                        Poll::Ready(ended) => {
                            **outcome = ended;
                            false
                        }
                        Poll::Pending => true,
                    });
                    if killed.is_empty() { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            }
            _ => {}
        }
        outcomes
    }
}

impl<'a, T: Send + 'static> IntoFuture for YieldMany<'a, T> {
    type Output = Vec<Option<Result<T, TaskError>>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.wait())
    }
}

impl<T> fmt::Debug for YieldMany<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("YieldMany")
            .field("tasks", &self.tasks)
            .field("limit", &self.limit)
            .field("timeout", &self.timeout)
            .field("unfinished", &self.unfinished)
            .finish()
    }
}

/// How far a wait has come.
enum Progress {
    Waiting,
    /// Time is over, and some have not ended.
    Late,
    Complete,
}

/// A wait for many, from the first look on.
struct Wait<T> {
    patience: Vec<Patience>,
    /// What has come of each, if anything has.
    outcomes: Vec<Option<Result<T, TaskError>>>,
}

impl<T: Send + 'static> Wait<T> {
    fn new(count: usize, timeout: Duration) -> Self {
        let patience = (0..count).map(|_| Patience::new(Some(timeout))).collect();
        Self { patience, outcomes: (0..count).map(|_| None).collect() }
    }

    fn poll(&mut self, tasks: &mut [Task<T>], cx: &mut Context<'_>) -> Progress {
        let mut progress = Progress::Complete;
        let waits = self.patience.iter_mut().zip(&mut self.outcomes).zip(tasks);
        for ((patience, outcome), task) in waits.filter(|((_, outcome), _)| outcome.is_none()) {
            match task.poll_outcome(patience, cx) {
                Poll::Ready(Some(ended)) => *outcome = Some(ended),
                Poll::Ready(None) => progress = Progress::Late,
                Poll::Pending if matches!(progress, Progress::Complete) => {
                    progress = Progress::Waiting;
                }
                Poll::Pending => {}
            }
        }
        progress
    }
}
