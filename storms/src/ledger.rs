//! What a mixed load has done: whatever was sent must have been handled, or have been lost with its receiver.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fauxtp::Pid;

use crate::figures::thousands;
use crate::scene::Scene;

/// Shared by everybody.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Who is at work.
    pub(crate) crew: Crew,
    pub(crate) ticks: Count,
    pub(crate) notes_sent: Count,
    pub(crate) notes_handled: Count,
    /// Dropped, or refused, after their receiver had left.
    pub(crate) notes_lost: Count,
    pub(crate) calls_made: Count,
    pub(crate) calls_served: Count,
    pub(crate) calls_answered: Count,
    /// After the callee had left.
    pub(crate) calls_failed: Count,
    /// The caller has left.
    pub(crate) calls_given_up: Count,
    /// Notes and calls for whose receivers there was nobody at that moment.
    pub(crate) unaddressed: Count,
    /// Notes and calls that were lost although their receivers were at work. That must not happen.
    pub(crate) lost_by_the_living: Count,
    pub(crate) tasks_begun: Count,
    pub(crate) tasks_told: Count,
    pub(crate) monitors_set: Count,
    pub(crate) downs: Count,
    pub(crate) children_begun: Count,
    pub(crate) children_ended: Count,
    pub(crate) crashes: Count,
    /// Of those, how many were heard of after the end had begun: nobody may have been started in their place.
    late_crashes: Count,
    is_ending: AtomicBool,
    pub(crate) starts: Count,
    /// Of workers: they may not have heard of everything they had begun.
    pub(crate) ends: Count,
}

/// Which incarnation of each worker is at work: from its `init` until its state is dropped. Only then a process may lose
/// what was sent to it.
#[derive(Default)]
pub(crate) struct Crew(Vec<Mutex<Option<Pid>>>);

impl Crew {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn place(&self, number: u64) -> MutexGuard<'_, Option<Pid>> {
        self.0[number as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn enters(&self, number: u64, pid: Pid) {
        let before = self.place(number).replace(pid);
        assert_eq!(before, None, "worker {number} is there twice");
    }

    pub(crate) fn leaves(&self, number: u64) {
        let left = self.place(number).take();
        assert!(left.is_some(), "worker {number} was not there");
    }

    fn is_at_work(&self, (number, pid): Receiver) -> bool {
        *self.place(number) == Some(pid)
    }
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} workers", self.size())
    }
}

/// A worker, and which incarnation of it.
pub(crate) type Receiver = (u64, Pid);

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
    to: Receiver,
    handled: bool,
}

impl Note {
    pub(crate) fn send(ledger: &Arc<Ledger>, to: Receiver) -> Self {
        ledger.notes_sent.one_more();
        Self { ledger: ledger.clone(), to, handled: false }
    }

    pub(crate) fn handle(mut self) {
        self.handled = true;
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let Self { ledger, to, handled } = self;
        let count =
            if *handled { &ledger.notes_handled } else { ledger.loss(*to, &ledger.notes_lost) };
        count.one_more();
    }
}

/// A call under way. Dropped before it has come to an end it counts as given up.
#[derive(Debug)]
pub(crate) struct Asked {
    ledger: Arc<Ledger>,
    of: Receiver,
    /// Whether it was answered.
    ended: Option<bool>,
}

impl Asked {
    pub(crate) fn begin(ledger: &Arc<Ledger>, of: Receiver) -> Self {
        ledger.calls_made.one_more();
        Self { ledger: ledger.clone(), of, ended: None }
    }

    pub(crate) fn ends(mut self, answered: bool) {
        self.ended = Some(answered);
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let Self { ledger, of, ended } = self;
        let count = match ended {
            None => &ledger.calls_given_up,
            Some(true) => &ledger.calls_answered,
            Some(false) => ledger.loss(*of, &ledger.calls_failed),
        };
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
    pub(crate) fn new(workers: u64) -> Self {
        let crew = Crew((0..workers).map(|_| Mutex::default()).collect());
        Self { crew, ..Self::default() }
    }

    /// A worker has crashed.
    pub(crate) fn crashed(&self) {
        self.crashes.one_more();
        if self.is_ending.load(Ordering::SeqCst) {
            self.late_crashes.one_more();
        }
    }

    /// From now on nobody need be replaced who crashes.
    pub(crate) fn begin_to_end(&self) {
        self.is_ending.store(true, Ordering::SeqCst);
    }

    /// Where the loss of something is counted: nobody who is at work may lose it.
    fn loss<'a>(&'a self, receiver: Receiver, usual: &'a Count) -> &'a Count {
        if self.crew.is_at_work(receiver) { &self.lost_by_the_living } else { usual }
    }

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
        let workers = self.crew.size();
        // Each note is dropped once, handled or not; a sum that is less is a note that is still kept.
        let lost_by_the_living = self.lost_by_the_living.get();
        let ended = [&self.notes_handled, &self.notes_lost, &self.calls_answered];
        let ended = ended.into_iter().chain([&self.calls_failed, &self.calls_given_up]);
        let ended: u64 = ended.map(Count::get).sum();
        let kept = self.notes_sent.get() + self.calls_made.get() != ended + lost_by_the_living;
        // Nobody crashes in a call; at the end each caller is stopped once. Who has left is back before most have noticed.
        let lost = lost_by_the_living > 0
            || self.calls_given_up.get() > workers
            || self.unaddressed.get() > self.ends.get();
        let owed = self.crashes.get() + workers;
        let restarts = (owed - self.late_crashes.get()..=owed).contains(&self.starts.get());
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
        scene.check(!kept && !lost && restarts && children && told && served, || {
            format!("the sums are wrong: {self:?}")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PID: Pid = Pid { node: 0, id: 1, serial: 0, creation: 0 };

    /// Whether the sums are right after one note to, and one call of, a worker that may have left before they end.
    fn adds_up(left: bool, handled: bool, answered: Option<bool>) -> bool {
        let ledger = Arc::new(Ledger::new(1));
        ledger.starts.one_more();
        ledger.calls_served.one_more();
        ledger.crew.enters(0, PID);
        let (note, asked) = (Note::send(&ledger, (0, PID)), Asked::begin(&ledger, (0, PID)));
        if left {
            ledger.crew.leaves(0);
        }
        if handled {
            note.handle()
        } else {
            drop(note)
        }
        match answered {
            Some(answered) => asked.ends(answered),
            None => drop(asked),
        }
        let mut scene = Scene::new("test", false);
        ledger.check(&mut scene);
        scene.end().is_ok()
    }

    #[test]
    fn only_those_who_have_left_may_lose_something() {
        for (left, handled, answered, fine) in [
            (false, true, Some(true), true),
            (true, false, Some(false), true),
            (false, true, None, true),
            (false, false, Some(true), false),
            (false, true, Some(false), false),
        ] {
            assert_eq!(adds_up(left, handled, answered), fine, "{left} {handled} {answered:?}");
        }
    }

    #[test]
    fn only_who_crashes_at_the_end_need_not_be_replaced() {
        for (late, starts, fine) in [
            (false, 2, true),
            (false, 1, false),
            (true, 1, true),
            (true, 2, true),
            (true, 3, false),
        ] {
            let ledger = Ledger::new(1);
            for _ in 0..starts {
                ledger.starts.one_more();
            }
            if late {
                ledger.begin_to_end();
            }
            ledger.crashed();
            let mut scene = Scene::new("test", false);
            ledger.check(&mut scene);
            assert_eq!(scene.end().is_ok(), fine, "{late} {starts}");
        }
    }

    #[test]
    fn what_is_kept_is_missed() {
        let ledger = Arc::new(Ledger::new(0));
        std::mem::forget(Note::send(&ledger, (0, PID)));
        let mut scene = Scene::new("test", false);
        ledger.check(&mut scene);
        assert!(scene.end().is_err());
    }
}
