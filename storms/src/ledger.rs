//! What a mixed load has done: whatever was sent must have been handled, or have been lost with its receiver.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::figures::thousands;
use crate::scene::Scene;

/// Shared by everybody.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) ticks: Count,
    pub(crate) notes_sent: Count,
    pub(crate) notes_handled: Count,
    pub(crate) notes_lost: Count,
    pub(crate) calls_made: Count,
    pub(crate) calls_served: Count,
    pub(crate) calls_answered: Count,
    pub(crate) calls_failed: Count,
    pub(crate) tasks_begun: Count,
    pub(crate) tasks_told: Count,
    pub(crate) monitors_set: Count,
    pub(crate) downs: Count,
    pub(crate) children_begun: Count,
    pub(crate) children_ended: Count,
    pub(crate) crashes: Count,
    pub(crate) starts: Count,
    /// Of workers: they may not have heard of everything they had begun.
    pub(crate) ends: Count,
    /// How many workers there are at the same time.
    pub(crate) workers: u64,
}

/// A number that only grows.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn one_more(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&thousands(self.get()))
    }
}

/// A note under way. Dropped unhandled it counts as lost.
#[derive(Debug)]
pub(crate) struct Note {
    ledger: Arc<Ledger>,
    handled: bool,
}

impl Note {
    pub(crate) fn send(ledger: &Arc<Ledger>) -> Self {
        ledger.notes_sent.one_more();
        Self { ledger: ledger.clone(), handled: false }
    }

    pub(crate) fn handle(mut self) {
        self.handled = true;
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let count = if self.handled { &self.ledger.notes_handled } else { &self.ledger.notes_lost };
        count.one_more();
    }
}

/// A call under way. Dropped unanswered it counts as failed.
#[derive(Debug)]
pub(crate) struct Asked {
    ledger: Arc<Ledger>,
    answered: bool,
}

impl Asked {
    pub(crate) fn begin(ledger: &Arc<Ledger>) -> Self {
        ledger.calls_made.one_more();
        Self { ledger: ledger.clone(), answered: false }
    }

    pub(crate) fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let count =
            if self.answered { &self.ledger.calls_answered } else { &self.ledger.calls_failed };
        count.one_more();
    }
}

/// The life of a child of the dynamic supervisor.
#[derive(Debug)]
pub(crate) struct Childhood(Arc<Ledger>);

impl Childhood {
    pub(crate) fn begin(ledger: &Arc<Ledger>) -> Self {
        ledger.children_begun.one_more();
        Self(ledger.clone())
    }
}

impl Drop for Childhood {
    fn drop(&mut self) {
        self.0.children_ended.one_more();
    }
}

impl Ledger {
    /// Everything that somebody was woken for.
    pub(crate) fn events(&self) -> u64 {
        let Self { ticks, notes_handled, calls_served, tasks_told, downs, children_ended, .. } =
            self;
        [ticks, notes_handled, calls_served, tasks_told, downs, children_ended]
            .map(Count::get)
            .iter()
            .sum()
    }

    /// Notes as a fault what does not add up, when nobody runs any more.
    pub(crate) fn check(&self, scene: &mut Scene) {
        let notes = self.notes_handled.get() + self.notes_lost.get() == self.notes_sent.get();
        let calls = self.calls_answered.get() + self.calls_failed.get() == self.calls_made.get();
        let restarts = self.crashes.get() + self.workers == self.starts.get();
        let children = self.children_begun.get() == self.children_ended.get();
        // Whoever ends hears no more of what it has begun: one thing of each kind at most, for they end soon.
        let ends = self.ends.get();
        let told = self.tasks_told.get() <= self.tasks_begun.get()
            && self.tasks_begun.get() <= self.tasks_told.get() + ends
            && self.downs.get() <= self.monitors_set.get()
            && self.monitors_set.get() <= self.downs.get() + ends;
        // A caller may have left before its request was handled, and a server before it had answered.
        let served = self.calls_answered.get() <= self.calls_served.get()
            && self.calls_served.get() <= self.calls_made.get();
        scene.check(notes && calls && restarts && children && told && served, || {
            format!("the sums are wrong: {self:?}")
        });
    }
}
