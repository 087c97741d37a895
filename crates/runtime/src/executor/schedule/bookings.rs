//! What the runtime books as it does it, and when the sums are made.

use std::collections::VecDeque;
use std::fmt;

use fauxtp_logic::budget::Intensity;
use fauxtp_logic::{Pid, Time};

use super::ledger::{Fate, Law};
use super::{Director, Scheduler, State};

/// What the runtime does.
impl Scheduler {
    pub(crate) fn accepted(&self, to: Pid) {
        self.with(|state| state.ledger.book(to, Fate::Accepted, 1));
    }

    pub(crate) fn returned(&self, to: Pid) {
        self.with(|state| state.ledger.book(to, Fate::Returned, 1));
    }

    pub(crate) fn taken(&self, pid: Pid) {
        self.with(|state| state.ledger.book(pid, Fate::Taken, 1));
    }

    pub(crate) fn displaced(&self, pid: Pid, count: usize) {
        self.with(|state| state.ledger.book(pid, Fate::Displaced, count as u64));
    }

    pub(crate) fn discarded(&self, pid: Pid, count: usize) {
        self.with(|state| state.ledger.book(pid, Fate::Discarded, count as u64));
    }

    /// The process has got a signal, or a message of a timer.
    pub(crate) fn posted(&self, pid: Pid) {
        self.with(|state| state.ledger.posted(pid));
    }

    /// The process waits at its inbox.
    pub(crate) fn waits(&self, pid: Pid) {
        self.with(|state| state.ledger.waits(pid));
    }

    /// Somebody is about to be told of the end of a process.
    pub(crate) fn tells_of_end(&self, holds_names: impl FnOnce() -> bool) {
        if self.0.is_some() && holds_names() {
            self.with(|state| state.ledger.breach(Law::NamesAreFree));
        }
    }

    /// The process is dead for everybody.
    pub(crate) fn gone(&self, pid: Pid) {
        self.with(|state| state.ledger.gone(pid));
    }

    /// A supervisor has launched a child.
    pub(crate) fn launched(&self, supervisor: Pid, child: &dyn fmt::Debug, pid: Pid) {
        self.with(|state| {
            state.ledger.launched(supervisor, format!("{child:?}"), pid, &state.held);
        });
    }

    /// A supervisor restarts.
    pub(crate) fn restarts(&self, supervisor: Pid, decision: u64, at: Time, limit: &Intensity) {
        self.with(|state| state.ledger.restarts(supervisor, decision, at, limit));
    }
}

/// What is looked at in between, and at the end.
impl Director {
    /// A law that has been broken.
    pub(crate) fn broken(&self) -> Option<&'static str> {
        self.state.lock().ledger.broken().map(Law::text)
    }

    /// Nobody has anything to do. `ties_with_the_dead` tells whether somebody has relations with whoever is gone; and
    /// `is_ending` whether somebody lives whose code runs for the last time.
    pub(crate) fn settled(
        &self,
        ties_with_the_dead: impl FnOnce() -> bool,
        is_ending: impl Fn(Pid) -> bool,
    ) {
        let (has_held, debtors) = {
            let state = self.state.lock();
            (!state.held.is_empty(), state.ledger.debtors())
        };
        let ties = !has_held && ties_with_the_dead();
        let has_forgotten = |debtor: &Option<Pid>| !debtor.is_some_and(&is_ending);
        let debts = debtors.iter().any(has_forgotten);
        let mut state = self.state.lock();
        let State { ledger, held, .. } = &mut *state;
        ledger.settled(held);
        if ties {
            ledger.breach(Law::Relations);
        }
        if debts {
            ledger.breach(Law::Calls);
        }
    }

    /// The simulation is over, and everybody has ended with it.
    pub(crate) fn close_books(&self) {
        let mut state = self.state.lock();
        let on_the_way = state.post.values().map(VecDeque::len).sum::<usize>() as u64;
        state.ledger.close(on_the_way);
    }
}
