//! Ending one task, and waiting until it has ended.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use fauxtp_logic::ExitReason;
use fauxtp_logic::supervisor::Shutdown;

use super::{Task, TaskError};
use crate::behaviour::GRACE;
use crate::current;
use crate::instrument;
use crate::process::PidExt;
use crate::signal::NOBODY;
use crate::waiting::Patience;

/// A task that is being ended; see [`Task::shutdown`].
///
/// # Cancel safety
/// Dropping this kills the task: it ends in any case.
#[must_use = "a task whose shutdown is dropped is killed, and not waited for"]
pub struct Halt<T: Send + 'static> {
    task: Task<T>,
    patience: Patience,
    /// Whether it has been killed.
    killed: bool,
    /// What the task ends with if it does as it is asked.
    expected: ExitReason,
    done: bool,
}

impl<T: Send + 'static> Halt<T> {
    pub(super) fn new(mut task: Task<T>, how: Shutdown) -> Self {
        task.part();
        let (timeout, expected) = match how {
            Shutdown::BrutalKill => (Some(GRACE), ExitReason::killed()),
            Shutdown::Timeout(timeout) => (Some(timeout), ExitReason::shutdown()),
            Shutdown::Infinity => (None, ExitReason::shutdown()),
        };
        let killed = expected.is_killed();
        if let Some(pid) = task.under_way() {
            if killed { pid.kill() } else { pid.exit(expected.clone()) }
        }
        Self { task, patience: Patience::new(timeout), killed, expected, done: false }
    }

    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, TaskError>>> {
        loop {
            let outcome = std::task::ready!(self.task.poll_outcome(&mut self.patience, cx));
            let Some(pid) = self.task.under_way().filter(|_| outcome.is_none()) else {
                self.done = true;
                let as_asked = TaskError::Exited(self.expected.clone());
                return Poll::Ready(
                    outcome.filter(|ended| ended.as_ref().err() != Some(&as_asked)),
                );
            };
            if self.killed {
                instrument::unkillable(current::pid().unwrap_or(NOBODY), pid);
                self.done = true;
                return Poll::Ready(Some(Err(TaskError::Exited(ExitReason::killed()))));
            }
            pid.kill();
            self.killed = true;
            self.patience = Patience::new(Some(GRACE));
        }
    }
}

impl<T: Send + 'static> Future for Halt<T> {
    type Output = Option<Result<T, TaskError>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().poll_end(cx)
    }
}

impl<T: Send + 'static> Drop for Halt<T> {
    fn drop(&mut self) {
        if let Some(pid) = self.task.under_way().filter(|_| !self.done) {
            pid.kill();
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Halt<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Halt").field("task", &self.task).field("killed", &self.killed).finish()
    }
}
