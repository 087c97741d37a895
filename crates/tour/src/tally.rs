//! The counters of the tour, shared by all who take part.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fauxtp::{CallError, ExitReason, Pid};
use tokio::time::Instant;

use crate::ledger::Ledger;

/// Counts everything. The counters are independent of each other while calls are under way; they are summed
/// up when everybody has been waited for, so `Relaxed` is enough.
#[derive(Debug)]
pub(crate) struct Tally {
    started: Instant,
    made: AtomicU64,
    answered: Box<[AtomicU64]>,
    wrong: AtomicU64,
    slowest_us: AtomicU64,
    ledger: Mutex<Ledger>,
}

impl Tally {
    pub(crate) fn new(places: usize) -> Self {
        Self {
            started: Instant::now(),
            made: AtomicU64::new(0),
            answered: (0..places).map(|_| AtomicU64::new(0)).collect(),
            wrong: AtomicU64::new(0),
            slowest_us: AtomicU64::new(0),
            ledger: Mutex::new(Ledger::new(places)),
        }
    }

    /// The time since the tour began.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many calls are about to be made; each has to be resolved.
    pub(crate) fn making(&self, calls: u64) {
        self.made.fetch_add(calls, Relaxed);
    }

    /// A call was resolved. `pid` is whom it went to, if anybody held the name.
    pub(crate) fn resolved(&self, place: usize, pid: Option<Pid>, outcome: Resolved) {
        match outcome.answer {
            Ok(answer) => {
                self.answered[place].fetch_add(1, Relaxed);
                if answer != outcome.expected {
                    self.wrong.fetch_add(1, Relaxed);
                }
            }
            Err(error) => self.ledger().failed(place, pid, &error),
        }
        let waited_us = outcome.asked.elapsed().as_micros() as u64;
        if waited_us > self.slowest_us.load(Relaxed) {
            self.slowest_us.fetch_max(waited_us, Relaxed);
        }
    }

    pub(crate) fn born(&self, place: usize, pid: Pid) {
        let now = self.now();
        self.ledger().born(place, pid, now);
    }

    pub(crate) fn exited(&self, pid: Pid, reason: &ExitReason) {
        let now = self.now();
        self.ledger().exited(pid, reason, now);
    }

    pub(crate) fn made(&self) -> u64 {
        self.made.load(Relaxed)
    }

    pub(crate) fn answered(&self) -> u64 {
        self.answered.iter().map(|answered| answered.load(Relaxed)).sum()
    }

    pub(crate) fn answered_by(&self, place: usize) -> u64 {
        self.answered[place].load(Relaxed)
    }

    pub(crate) fn wrong(&self) -> u64 {
        self.wrong.load(Relaxed)
    }

    pub(crate) fn slowest(&self) -> Duration {
        Duration::from_micros(self.slowest_us.load(Relaxed))
    }
}

/// What became of a call.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) asked: Instant,
    pub(crate) expected: u64,
    pub(crate) answer: Result<u64, CallError>,
}
