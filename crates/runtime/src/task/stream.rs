//! Mapping many things by tasks, a few at a time.
//!
//! ```text
//!   source ──pulled when a slot is free──► running ──► done ──in order──► next
//!                                             └─ too late ─► ending (killed, keeps its slot until it is gone)
//! ```

mod crew;
mod input;

use std::fmt;
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use fauxtp_logic::{ExitReason, Pid};
use futures_core::Stream;
use tokio::task::coop;

use super::{Task, TaskError};
use crate::call::DEFAULT_TIMEOUT;
use crate::current;
use crate::process::PidExt;
use crate::shared::Tie;

use crew::{Crew, HaltOnPanic};

pub use input::{Bare, WithInput, ZipInput};

/// What happens when a task of a stream has not ended in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnTimeout {
    /// All tasks are killed and waited for; then [`TaskError::Timeout`] is the last item. Other outcomes that have
    /// not been taken are lost.
    #[default]
    Exit,
    /// This one is killed, [`TaskError::Timeout`] is its outcome, and the others go on.
    KillTask,
}

/// A stream of no tasks at a time would never give anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroConcurrency;

impl fmt::Display for ZeroConcurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("make stream of tasks: a concurrency of zero")
    }
}

impl std::error::Error for ZeroConcurrency {}

/// Runs a task for each thing that `source` gives, a few at a time, and gives what they compute, in the order of the
/// source (TASK-020).
///
/// Unless told otherwise: as many at a time as there are cores, 5 s for each of them, and linked.
///
/// - The source is pulled only while the stream is polled, and only if fewer tasks run than may (TASK-021); one that has
///   ended counts until its outcome has been looked at, so the source is never far ahead of who reads. A slow
///   one does not hold up those behind it. Their results wait, and become ever more if the source is endless and the
///   task has [no timeout](AsyncStream::no_timeout); [unordered](AsyncStream::unordered) ones do not wait.
/// - The tasks belong to the process that polls the stream: they end with it, whatever it ends with.
/// - If a task fails, a linked stream ends the process that polls it with the same reason, unless this traps exits; then,
///   and outside of processes, the failure is an item (TASK-023).
/// - Dropping the stream kills what runs; [`close`](AsyncStream::close) also waits until it has ended (TASK-024).
///
/// # Panics
/// Polling the stream panics if `source` or `work` does; the tasks that run are killed (TASK-025).
///
/// # Examples
/// ```
/// use fauxtp::prelude::*;
/// use fauxtp::task::async_stream;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
/// let mut lengths = async_stream(["a", "bc", "def"], async |word: &str| word.len()).max_concurrency(2)?;
/// let mut sum = 0;
/// while let Some(length) = lengths.next().await {
///     sum += length?;
/// }
/// assert_eq!(sum, 6);
/// # Ok(()) }
/// ```
pub fn async_stream<S, W, F>(source: S, work: W) -> AsyncStream<S::IntoIter, W, F::Output>
where
    S: IntoIterator,
    W: FnMut(S::Item) -> F,
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let options = Options {
        concurrency_max: cores,
        timeout: Some(DEFAULT_TIMEOUT),
        order: Order::Input,
        failure: Failure::EndsCaller,
        on_timeout: OnTimeout::Exit,
    };
    AsyncStream { source: Some(source.into_iter()), work, options, crew: Crew::new() }
}

#[derive(Clone, Copy, Debug)]
struct Options {
    concurrency_max: usize,
    timeout: Option<Duration>,
    order: Order,
    failure: Failure,
    on_timeout: OnTimeout,
}

/// In which order outcomes are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Input,
    Completion,
}

/// What the failure of a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    EndsCaller,
    IsAnItem,
}

/// What many tasks compute, a few of them at a time; see [`async_stream`]. A [`Stream`], too.
#[must_use = "no task runs unless the stream is polled"]
pub struct AsyncStream<I, W, T, Z = Bare>
where
    I: Iterator,
    T: Send + 'static,
    Z: ZipInput<I::Item>,
{
    /// Until it has given everything.
    source: Option<I>,
    work: W,
    options: Options,
    crew: Crew<T, Z::Kept>,
}

// Nothing in it is ever pinned: futures are moved into their tasks.
impl<I, W, T, Z> Unpin for AsyncStream<I, W, T, Z>
where
    I: Iterator,
    T: Send + 'static,
    Z: ZipInput<I::Item>,
{
}

impl<I, W, T, Z> AsyncStream<I, W, T, Z>
where
    I: Iterator,
    T: Send + 'static,
    Z: ZipInput<I::Item>,
{
    /// At most so many tasks run at a time.
    ///
    /// # Errors
    /// [`ZeroConcurrency`], at once and not when the stream is polled (TASK-026).
    pub fn max_concurrency(mut self, max: usize) -> Result<Self, ZeroConcurrency> {
        if max == 0 {
            return Err(ZeroConcurrency);
        }
        self.options.concurrency_max = max;
        Ok(self)
    }

    /// Gives outcomes in the order in which they come (TASK-020).
    pub fn unordered(mut self) -> Self {
        self.options.order = Order::Completion;
        self
    }

    /// Gives each task this long, as coarse as a [call's](crate::Call::timeout) (TASK-022).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// Gives each task as long as it takes.
    pub fn no_timeout(mut self) -> Self {
        self.options.timeout = None;
        self
    }

    /// What happens when a task has not ended in time.
    pub fn on_timeout(mut self, on_timeout: OnTimeout) -> Self {
        self.options.on_timeout = on_timeout;
        self
    }

    /// Makes every failure an item, also for a process that does not trap exits (TASK-023).
    pub fn nolink(mut self) -> Self {
        self.options.failure = Failure::IsAnItem;
        self
    }

    /// Gives the input with every error, as `(error, input)` (TASK-023). To be said before the stream is polled: what
    /// runs by then is killed.
    pub fn zip_input_on_exit(self) -> AsyncStream<I, W, T, WithInput>
    where
        I::Item: Clone,
    {
        let Self { source, work, options, .. } = self;
        AsyncStream { source, work, options, crew: Crew::new() }
    }

    /// Kills all tasks that run, and waits until they have ended (TASK-024).
    ///
    /// # Cancel safety
    /// They are killed all the same.
    pub async fn close(mut self) {
        self.source = None;
        self.crew.halt();
        poll_fn(|cx| self.crew.poll_halted(cx)).await;
    }
}

/// What a stream gives for one input.
type Given<T, I, Z> = Result<T, <Z as ZipInput<I>>::Error>;

impl<I, W, F, T, Z> AsyncStream<I, W, T, Z>
where
    I: Iterator,
    W: FnMut(I::Item) -> F,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
    Z: ZipInput<I::Item>,
{
    /// The next outcome; nothing when the source and all tasks are at their end.
    ///
    /// # Cancel safety
    /// Strict: tasks go on, and no outcome is lost.
    pub async fn next(&mut self) -> Option<Given<T, I::Item, Z>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Starts as many tasks as may run.
    fn fill(&mut self) {
        while self.crew.len() < self.options.concurrency_max {
            let Some(mut source) = self.source.take() else { return };
            let unless_it_panics = HaltOnPanic(&mut self.crew);
            let Some(input) = source.next() else { return };
            let kept = Z::keep(&input);
            let future = (self.work)(input);
            drop(unless_it_panics);
            match Task::launch(Tie::Owned, future) {
                Ok(task) => {
                    self.source = Some(source);
                    self.crew.add(task, kept, self.options.timeout);
                }
                Err(error) => self.crew.give_up(TaskError::NoRuntime(error), kept),
            }
        }
    }

    /// Sees whether somebody has ended. One at a time: the others keep their slots until their outcome can be taken, or
    /// a slow reader would be outrun.
    fn reap(&mut self, cx: &mut Context<'_>) -> Reaped {
        let buried = self.crew.bury(cx);
        let Some((element, outcome)) = self.crew.next_ended(cx) else { return buried };
        if let Some(Err(TaskError::Exited(reason))) = &outcome {
            if let Some(caller) = self.taken_down_by(reason) {
                caller.exit(reason.clone());
                return Reaped::Doom;
            }
        }
        match (outcome, self.options.on_timeout) {
            (Some(outcome), _) => self.crew.enter(element, outcome, self.options.order),
            (None, OnTimeout::KillTask) => self.crew.kill(element, self.options.order),
            (None, OnTimeout::Exit) => {
                self.source = None;
                let kept = self.crew.halt_one(element);
                self.crew.give_up(TaskError::Timeout, kept);
            }
        }
        Reaped::Some
    }

    /// The process this runs in, if a task's end with this reason is its own as well.
    fn taken_down_by(&self, reason: &ExitReason) -> Option<Pid> {
        if reason.is_normal() || self.options.failure == Failure::IsAnItem {
            return None;
        }
        let caller = current::with(|process| {
            let core = process.core();
            (!core.private(|private| private.trapping)).then_some(core.pid)
        });
        caller.flatten()
    }
}

/// What a look at the tasks has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaped {
    None,
    Some,
    /// The process this runs in ends, before anything else happens in it.
    Doom,
}

impl<I, W, F, T, Z> Stream for AsyncStream<I, W, T, Z>
where
    I: Iterator,
    W: FnMut(I::Item) -> F,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
    Z: ZipInput<I::Item>,
{
    type Item = Given<T, I::Item, Z>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            // However fast tasks end, others run in between.
            let budget = std::task::ready!(coop::poll_proceed(cx));
            if this.crew.gives_up() {
                std::task::ready!(this.crew.poll_halted(cx));
            }
            if let Some(outcome) = this.crew.next_outcome() {
                budget.made_progress();
                return Poll::Ready(Some(outcome.map_err(|(error, kept)| Z::error(error, kept))));
            }
            this.fill();
            match this.reap(cx) {
                Reaped::Some => budget.made_progress(),
                Reaped::Doom => return Poll::Pending,
                // What could not be started at all may be the last thing to be told.
                Reaped::None if this.crew.gives_up() => {}
                Reaped::None if this.source.is_none() && this.crew.len() == 0 => {
                    return Poll::Ready(None);
                }
                Reaped::None => return Poll::Pending,
            }
        }
    }
}

impl<I, W, T, Z> fmt::Debug for AsyncStream<I, W, T, Z>
where
    I: Iterator,
    T: Send + 'static,
    Z: ZipInput<I::Item>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncStream")
            .field("options", &self.options)
            .field("running", &self.crew.len())
            .finish_non_exhaustive()
    }
}
