//! The tasks of one stream: those that run, those that are being ended, and what has become of the others.

use std::collections::BTreeMap;
use std::task::{Context, Poll};
use std::time::Duration;

use fauxtp_logic::supervisor::Shutdown;

use super::{Order, Reaped};
use crate::task::{Halt, Task, TaskError};
use crate::waiting::Patience;

/// What becomes of one input.
type Outcome<T, K> = Result<T, (TaskError, K)>;

pub(super) struct Crew<T: Send + 'static, K> {
    running: Vec<Element<T, K>>,
    /// Killed, and not gone yet.
    ending: Vec<Halt<T>>,
    /// By the number under which they are given.
    done: BTreeMap<u64, Outcome<T, K>>,
    /// The last thing that is given, once all tasks have ended.
    last: Option<(TaskError, K)>,
    /// How many were started, have ended, and were given.
    started: u64,
    ended: u64,
    given: u64,
}

/// One task of a stream.
pub(super) struct Element<T, K> {
    number: u64,
    task: Task<T>,
    /// What an error is told with.
    kept: K,
    patience: Patience,
}

impl<T: Send + 'static, K> Crew<T, K> {
    pub(super) const fn new() -> Self {
        Self {
            running: Vec::new(),
            ending: Vec::new(),
            done: BTreeMap::new(),
            last: None,
            started: 0,
            ended: 0,
            given: 0,
        }
    }

    /// How many are not gone yet.
    pub(super) fn len(&self) -> usize {
        self.running.len() + self.ending.len()
    }

    pub(super) fn add(&mut self, task: Task<T>, kept: K, timeout: Option<Duration>) {
        let patience = Patience::new(timeout);
        self.running.push(Element { number: self.started, task, kept, patience });
        self.started += 1;
    }

    /// Looks after those that have been killed.
    pub(super) fn bury(&mut self, cx: &mut Context<'_>) -> Reaped {
        let before = self.ending.len();
        self.ending.retain_mut(|halt| halt.poll_end(cx).is_pending());
        if self.ending.len() < before { Reaped::Some } else { Reaped::None }
    }

    /// Takes out one that has ended, with its outcome, or one whose time is over.
    #[allow(clippy::type_complexity, reason = "said once")]
    pub(super) fn next_ended(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Option<(Element<T, K>, Option<Result<T, TaskError>>)> {
        let mut running = self.running.iter_mut().enumerate();
        let (index, outcome) = running.find_map(|(index, element)| {
            match element.task.poll_outcome(&mut element.patience, cx) {
                Poll::Ready(outcome) => Some((index, outcome)),
                Poll::Pending => None,
            }
        })?;
        Some((self.running.remove(index), outcome))
    }

    /// Enters what has become of an input.
    pub(super) fn enter(
        &mut self,
        element: Element<T, K>,
        outcome: Result<T, TaskError>,
        order: Order,
    ) {
        let number = match order {
            Order::Input => element.number,
            Order::Completion => self.ended,
        };
        self.ended += 1;
        self.done.insert(number, outcome.map_err(|error| (error, element.kept)));
    }

    /// Kills one whose time is over; its outcome is known.
    pub(super) fn kill(&mut self, mut element: Element<T, K>, order: Order) {
        self.ending.push(element.task.take().shutdown(Shutdown::BrutalKill));
        self.enter(element, Err(TaskError::Timeout), order);
    }

    /// Kills one, and gives what was kept for it.
    pub(super) fn halt_one(&mut self, element: Element<T, K>) -> K {
        self.ending.push(element.task.shutdown(Shutdown::BrutalKill));
        element.kept
    }

    /// Kills all of them; what they have computed is lost.
    pub(super) fn halt(&mut self) {
        for element in std::mem::take(&mut self.running) {
            self.halt_one(element);
        }
        self.done = BTreeMap::new();
    }

    /// Kills all of them, and has this be the last outcome.
    pub(super) fn give_up(&mut self, error: TaskError, kept: K) {
        self.halt();
        self.last.get_or_insert((error, kept));
    }

    pub(super) const fn gives_up(&self) -> bool {
        self.last.is_some()
    }

    /// Waits until all that were killed are gone.
    pub(super) fn poll_halted(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.bury(cx);
        if self.ending.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The next thing to be given, if it is there.
    pub(super) fn next_outcome(&mut self) -> Option<Outcome<T, K>> {
        if let Some(last) = self.last.take() {
            return Some(Err(last));
        }
        let outcome = self.done.remove(&self.given)?;
        self.given += 1;
        Some(outcome)
    }
}

/// Whoever does not want the stream any more does not want its tasks.
impl<T: Send + 'static, K> Drop for Crew<T, K> {
    fn drop(&mut self) {
        self.halt();
    }
}

/// Kills the tasks if the code that runs meanwhile, which is the user's, panics.
pub(super) struct HaltOnPanic<'a, T: Send + 'static, K>(pub(super) &'a mut Crew<T, K>);

impl<T: Send + 'static, K> Drop for HaltOnPanic<'_, T, K> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.halt();
        }
    }
}
