//! Tasks: processes that compute one value, for somebody who waits for it.
//!
//! A [`Task`] is what `tokio::spawn` and its `JoinHandle` are elsewhere, and a process: it has a pid, it is linked
//! with whoever started it, and however it ends, whoever waits for it hears of that, with the reason.
//!
//! | you want to | use |
//! | --- | --- |
//! | wait for a value | [`Task::spawn`], and `await` it |
//! | go on in a server, and get the value as a message | [`spawn_task`](crate::process::Context::spawn_task) |
//! | map many things, a few at a time | [`async_stream`] |
//! | forget it | [`start`], [`start_link`] |
//! | have it supervised | [`TaskSupervisor`]; for what runs for ever, [`ChildSpec::task`](crate::ChildSpec::task) |
//!
//! # Examples
//! ```
//! use fauxtp::prelude::*;
//! use fauxtp::task::{self, Task, TaskError};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
//! let six = Task::spawn(async { 1 + 2 + 3 })?;
//! assert_eq!(six.await?, 6);
//!
//! // A panic is a reason, nothing more.
//! let failing = Task::spawn_nolink(async { panic!("boom") })?;
//! let error: TaskError = failing.await.map(|(): ()| ()).unwrap_err();
//! assert!(matches!(error, TaskError::Exited(reason) if reason.panic().is_some()));
//!
//! // All of them, or the first failure.
//! let squares = (1..=3).map(|n| Task::spawn(async move { n * n })).collect::<Result<Vec<_>, _>>()?;
//! assert_eq!(task::join_many(squares, Duration::from_secs(1)).await?, [1, 4, 9]);
//! # Ok(()) }
//! ```
//!
//! # Limits
//! A task takes no messages and does not trap exits. What a task returns is data, `Result`s included: an error that
//! is to end somebody has to be a panic, or the error of a [process](crate::process::spawn). One that blocks its thread
//! can be stopped only when it yields (RUST-001).

mod parcel;
mod join;
mod halt;
mod many;
mod stream;
mod supervisor;

use std::fmt;
use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fauxtp_logic::supervisor::Shutdown;
use fauxtp_logic::{ExitReason, Pid};

use crate::current;
use crate::executor::NoRuntime;
use crate::process::Birth;
use crate::shared::Tie;
use crate::supervisor::{ChildSpec, Restart};
use crate::waiting::Patience;

pub use halt::Halt;
pub use join::Join;
pub use many::{Unfinished, YieldMany, join_many, yield_many};
pub use stream::{
    AsyncStream, Bare, OnTimeout, WithInput, ZeroConcurrency, ZipInput, async_stream,
};
pub use supervisor::{TaskSupervisor, TaskSupervisorHandle};

use parcel::Running;

/// Why there is no value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TaskError {
    /// The task ended without a value, for this reason: even *normal*, if somebody has stopped it so (TASK-003). It is
    /// `noproc` if the outcome has been taken before.
    Exited(ExitReason),
    /// It had not ended in time; it goes on (TASK-004).
    Timeout,
    /// There is no runtime that could run it. Only streams of tasks, which start them later, end like this.
    NoRuntime(NoRuntime),
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(reason) => write!(f, "join task: it ended without a value: {reason:#}"),
            Self::Timeout => f.write_str("join task: it had not ended in time"),
            Self::NoRuntime(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl std::error::Error for TaskError {}

/// A process that computes one value.
///
/// Whoever has this may wait for the value; it may be given to somebody else (TASK-002). Awaiting it is
/// [`join`](Self::join).
///
/// Dropping it **detaches** the task: it goes on, its value is dropped, and so is the reason if it fails. If it is
/// linked, it still is (TASK-014). To end it, use [`shutdown`](Self::shutdown); to have it end with its owner whatever
/// happens, [`spawn_task`](crate::process::Context::spawn_task).
///
/// A task is joined once:
/// ```compile_fail,E0382
/// # async fn twice(task: fauxtp::task::Task<u8>) {
/// let first = task.join().await;
/// let second = task.join().await;
/// # }
/// ```
#[must_use = "a task that is dropped goes on, and its value is lost"]
pub struct Task<T> {
    pid: Option<Pid>,
    state: State<T>,
}

enum State<T> {
    Running(Running<T>),
    /// It never ran, and has its value.
    Completed(T),
    /// Its outcome has been taken.
    Consumed,
}

// A value is never pinned: it is moved out of here.
impl<T> Unpin for Task<T> {}

impl<T: Send + 'static> Task<T> {
    /// Starts a task that is linked with the calling process, if this is one, from its first moment (TASK-001).
    ///
    /// If the task fails, the caller ends as well, or is told so if it traps exits. If the caller fails, the task ends;
    /// if the caller ends normally, it goes on (TASK-014). Outside of processes there is no link.
    ///
    /// # Errors
    /// [`NoRuntime`] outside of a tokio runtime.
    pub fn spawn<F>(future: F) -> Result<Self, NoRuntime>
    where
        F: Future<Output = T> + Send + 'static,
    {
        Self::launch(Tie::Linked, future)
    }

    /// Starts a task that is not linked: neither end makes the other one end (TASK-014).
    ///
    /// # Errors
    /// [`NoRuntime`] outside of a tokio runtime.
    pub fn spawn_nolink<F>(future: F) -> Result<Self, NoRuntime>
    where
        F: Future<Output = T> + Send + 'static,
    {
        Self::launch(Tie::None, future)
    }

    /// A task that has its value already, and no process (TASK-010).
    pub const fn completed(value: T) -> Self {
        Self { pid: None, state: State::Completed(value) }
    }

    fn launch<F>(tie: Tie, future: F) -> Result<Self, NoRuntime>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let caller = current::pid();
        let birth = Birth { tie, caller, ..Birth::new(std::any::type_name::<F>()) };
        let owner = caller.filter(|_| tie != Tie::None);
        Ok(Self::running(Running::start(birth, owner, future)?))
    }

    fn running(running: Running<T>) -> Self {
        Self { pid: Some(running.pid()), state: State::Running(running) }
    }

    /// The pid of the task, unless it never had a process.
    #[must_use]
    pub const fn pid(&self) -> Option<Pid> {
        self.pid
    }

    /// Waits for the value: 5 s, unless told otherwise before the first poll. Awaiting a task does the same.
    ///
    /// When this is ready with an outcome the task has ended, and everybody concerned has been told.
    ///
    /// # Errors
    /// [`TaskError::Exited`] if the task ends without a value (TASK-003); [`TaskError::Timeout`] (TASK-004), and then it
    /// is detached: it goes on, and nothing more is heard of it.
    ///
    /// # Cancel safety
    /// Dropping this detaches the task. To wait more than once, use [`yield_within`](Self::yield_within).
    pub fn join(self) -> Join<T> {
        Join::new(self)
    }

    /// Waits for the value; nothing after `timeout`, as coarse as a [call's](crate::Call::timeout), and then this
    /// may be done again (TASK-005). Once it has been something, the outcome has been taken, and whoever asks again
    /// gets `Exited(noproc)`.
    ///
    /// # Cancel safety
    /// Strict: the task stays as it was.
    pub async fn yield_within(&mut self, timeout: Duration) -> Option<Result<T, TaskError>> {
        let mut patience = Patience::new(Some(timeout));
        std::future::poll_fn(|cx| self.poll_outcome(&mut patience, cx)).await
    }

    /// Ends the task, and waits until it has ended (TASK-006). It is asked at once, not when the future is polled, and
    /// the caller is not hit by its end. If its time is over it is killed, and if it blocks its thread even then, left
    /// behind after 5 s.
    ///
    /// The future gives the outcome if there was one: a value, also one that just arrives; the reason, if that is not
    /// what was asked for; `Exited(noproc)` if it had been taken. Nothing if the task has ended as asked.
    ///
    /// # Cancel safety
    /// The task is killed if this is dropped: it ends in any case.
    pub fn shutdown(self, how: Shutdown) -> Halt<T> {
        Halt::new(self, how)
    }

    /// Detaches the task, and unlinks it: it goes on, whatever becomes of its owner, and nothing more is heard of it
    /// (TASK-007). Gives the outcome if it is there already.
    pub fn ignore(mut self) -> Option<Result<T, TaskError>> {
        self.part();
        self.take_outcome()
    }

    /// The outcome, if it is there.
    fn take_outcome(&mut self) -> Option<Result<T, TaskError>> {
        let mut none = Patience::new(Some(Duration::ZERO));
        match self.poll_outcome(&mut none, &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => None,
        }
    }

    /// Waits for the outcome; nothing once patience is over.
    fn poll_outcome(
        &mut self,
        patience: &mut Patience,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<T, TaskError>>> {
        if let State::Running(running) = &mut self.state {
            let outcome = std::task::ready!(running.poll(patience, cx));
            if outcome.is_some() {
                self.state = State::Consumed;
            }
            return Poll::Ready(outcome);
        }
        Poll::Ready(Some(match std::mem::replace(&mut self.state, State::Consumed) {
            State::Completed(value) => Ok(value),
            _ => Err(TaskError::Exited(ExitReason::no_proc())),
        }))
    }

    /// Removes the link with the owner, so that neither hears of the other.
    fn part(&mut self) {
        if let State::Running(running) = &mut self.state {
            running.part();
        }
    }

    /// The process, as long as its outcome has not been taken.
    const fn under_way(&self) -> Option<Pid> {
        if let State::Running(_) = self.state { self.pid } else { None }
    }

    /// Takes the task out of somebody's hands.
    fn take(&mut self) -> Self {
        Self { pid: self.pid, state: std::mem::replace(&mut self.state, State::Consumed) }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Running(_) => "running",
            State::Completed(_) => "completed",
            State::Consumed => "consumed",
        };
        f.debug_struct("Task").field("pid", &self.pid).field("state", &state).finish()
    }
}

/// Starts a task and forgets it: nobody waits for what it computes (TASK-011). A panic is reported.
///
/// # Errors
/// [`NoRuntime`] outside of a tokio runtime.
pub fn start<F>(future: F) -> Result<Pid, NoRuntime>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    forget(Tie::None, future)
}

/// The same, linked with the calling process, if this is one.
///
/// # Errors
/// [`NoRuntime`] outside of a tokio runtime.
pub fn start_link<F>(future: F) -> Result<Pid, NoRuntime>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    forget(Tie::Linked, future)
}

fn forget<F>(tie: Tie, future: F) -> Result<Pid, NoRuntime>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let work = async move {
        let _nobody_waits = future.await;
        ExitReason::Normal
    };
    let birth = Birth { tie, caller: current::pid(), ..Birth::new(std::any::type_name::<F>()) };
    let task = crate::process::start(birth, None, |_: parcel::Inside| work)?;
    Ok(task.pid())
}

/// On whose behalf this task runs, on whose behalf that one did, …; nearest first (TASK-013). Empty outside of tasks.
///
/// Not the [ancestors](crate::process::Context::ancestors): the first of those, below a [`TaskSupervisor`], is the supervisor.
#[must_use]
pub fn callers() -> Vec<Pid> {
    current::with(|process| process.core().ancestors.callers()).unwrap_or_default()
}

impl ChildSpec {
    /// A plain async task as OTP's `Task` specifies it: as [`task`](Self::task), and started once
    /// ([`Restart::Temporary`]); its supervisor does not wait for its work (TASK-011).
    pub fn temporary_task<F, T>(name: impl Into<String>, task: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output: crate::stop::Outcome> + Send + 'static,
    {
        Self::task(name, task).restart(Restart::Temporary)
    }
}
