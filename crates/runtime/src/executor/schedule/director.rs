//! What a simulation decides: whose turn it is, what arrives late, who is struck; and what its test may ask for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Context;

use fauxtp_logic::Pid;

use super::record::{Event, Record};
use super::script::Fault;
use super::{Delivery, Director, Guest, State};
use crate::executor::crew::Line;
use crate::executor::fiber::Fiber;
use crate::executor::schedule::Next;
use crate::sync::Mutex;

impl Director {
    pub(super) fn deliver_all(&self, from: Option<Pid>, to: Pid) {
        let late = self.state.lock().post.remove(&(from, to));
        late.into_iter().flatten().for_each(|deliver| deliver());
    }

    pub(super) fn next(&self, line: &Mutex<Line>) -> Next {
        let (turn, late) = {
            let fibers = &mut line.lock().fibers;
            self.state.lock().choose(fibers)
        };
        if let Some(deliver) = late {
            deliver();
            self.stepped();
        }
        turn
    }

    pub(super) fn stepped(&self) {
        let watch = self.after_step.lock().take();
        if let Some(mut watch) = watch {
            watch();
            self.after_step.lock().get_or_insert(watch);
        }
    }

    /// Has something done after each step.
    pub(crate) fn after_each_step(&self, watch: impl FnMut() + Send + 'static) {
        *self.after_step.lock() = Some(Box::new(watch));
    }

    /// The guest wants to go on; whether it may, or will be woken for that.
    pub(crate) fn may_go_on(&self, cx: &Context<'_>) -> bool {
        let mut state = self.state.lock();
        let granted = matches!(state.guest, Guest::HasTheFloor);
        state.guest = if granted { Guest::Elsewhere } else { Guest::Asks(cx.waker().clone()) };
        granted
    }

    /// The scheduler does not run this process until it is released.
    pub(crate) fn hold(&self, pid: Pid) {
        self.state.lock().held.insert(pid);
    }

    pub(crate) fn release(&self, pid: Pid) {
        let mut state = self.state.lock();
        state.held.remove(&pid);
        let (released, still): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.shelved).into_iter().partition(|fiber| fiber.pid() == pid);
        state.shelved = still;
        drop(state);
        for fiber in released {
            let executor = fiber.executor().clone();
            executor.enqueue(fiber);
        }
    }

    /// This process is never struck.
    pub(crate) fn spare(&self, pid: Pid) {
        self.state.lock().spared.insert(pid);
    }

    /// Nobody is struck until the guard is dropped.
    pub(crate) fn keep_safe(self: &Arc<Self>) -> Safe {
        self.state.lock().safe += 1;
        Safe(self.clone())
    }

    /// Nothing goes wrong any more.
    pub(crate) fn heal(&self) {
        self.state.lock().healed = true;
    }

    /// How many steps there have been.
    pub(crate) fn steps(&self) -> u64 {
        self.state.lock().steps
    }

    /// How many deliveries are outstanding.
    pub(crate) fn on_the_way(&self) -> usize {
        self.state.lock().post.values().map(VecDeque::len).sum()
    }

    pub(crate) fn creation(&self) -> u32 {
        self.creation
    }

    /// What has been decided and what has happened, at the end.
    pub(crate) fn story(&self) -> Story {
        let mut state = self.state.lock();
        let left = (std::mem::take(&mut state.shelved), std::mem::take(&mut state.post));
        drop(state);
        // What is left leads back here, and is the user's to drop.
        drop(left);
        let mut state = self.state.lock();
        Story {
            path: state.choices.take(),
            record: state.record.take(),
            points: state.points,
            struck: state.struck,
            steps: state.steps,
        }
    }
}

/// Nobody is struck until this is dropped.
pub(crate) struct Safe(Arc<Director>);

impl Drop for Safe {
    fn drop(&mut self) {
        self.0.state.lock().safe -= 1;
    }
}

/// What happened in a simulation.
pub(crate) struct Story {
    /// What was decided.
    pub(crate) path: Vec<u32>,
    pub(crate) record: Record,
    /// How many times a process might have been struck, and was.
    pub(crate) points: u64,
    pub(crate) struck: u32,
    pub(crate) steps: u64,
}

impl State {
    /// Whose turn it is, and what is delivered.
    fn choose(&mut self, fibers: &mut VecDeque<Arc<dyn Fiber>>) -> (Next, Option<Delivery>) {
        if !self.held.is_empty() {
            let held = &self.held;
            let (shelved, free): (VecDeque<_>, VecDeque<_>) =
                std::mem::take(fibers).into_iter().partition(|fiber| held.contains(&fiber.pid()));
            *fibers = free;
            self.shelved.extend(shelved);
        }
        let asks = usize::from(matches!(self.guest, Guest::Asks(_)));
        let all = asks + fibers.len() + self.post.len();
        if all == 0 {
            return (Next::Nothing, None);
        }
        self.steps += 1;
        let chosen = self.choices.among(all);
        if chosen < asks {
            self.record.step(None, || Event::Guest);
            if let Guest::Asks(waker) = std::mem::replace(&mut self.guest, Guest::HasTheFloor) {
                waker.wake();
            }
            return (Next::Other, None);
        }
        if let Some(fiber) = fibers.remove(chosen - asks) {
            let pid = fiber.pid();
            self.record.step(Some(pid), || Event::Ran(pid));
            return (Next::Fiber(fiber), None);
        }
        let pair = self.post.keys().nth(chosen - asks - fibers.len()).copied();
        let late = pair.and_then(|pair| self.delivery(pair));
        (Next::Other, late)
    }

    fn delivery(&mut self, pair: (Option<Pid>, Pid)) -> Option<Delivery> {
        let waiting = self.post.get_mut(&pair)?;
        let first = waiting.pop_front();
        if waiting.is_empty() {
            self.post.remove(&pair);
        }
        self.record.note(|| Event::Arrives { from: pair.0, to: pair.1 });
        first
    }

    /// What befalls a process at this point.
    pub(super) fn fault(&mut self, pid: Pid) -> Option<Fault> {
        if self.healed || self.safe > 0 || self.spared.contains(&pid) {
            return None;
        }
        let point = self.points;
        self.points += 1;
        let planned =
            self.script.strikes.iter().find(|(at, _)| *at == point).map(|strike| strike.1);
        let fault = planned.or_else(|| {
            if self.by_chance == self.script.faults_max {
                return None;
            }
            let chances = &self.script.chances;
            let chosen = self.choices.one_of(chances.iter().map(|(_, chance)| *chance))?;
            self.by_chance += 1;
            Some(chances[chosen].0)
        })?;
        self.struck += 1;
        self.record.note(|| Event::Struck { pid, fault, point });
        Some(fault)
    }
}
