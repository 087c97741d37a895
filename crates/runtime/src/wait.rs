//! What a process waits for, written by itself, for others to read. (Whoever it waits for may add for whom he waits in
//! turn, on its behalf.)
//!
//! A process that waits for an answer, a start or an end says so here before it asks. Whoever is about to wait for it
//! in turn follows these records from process to process and sees whether they lead back to him (see `cycle`).

use fauxtp_logic::Pid;

use crate::sync::atomic::{AtomicU64, Ordering};

/// How far a process has got with its messages: how many it has taken, and whether it is busy with the last of them.
///
/// A message has the *place* of how many were accepted before it.
#[derive(Default)]
pub(crate) struct Progress(AtomicU64);

/// The process is busy with something else than the message it has taken last.
const ASIDE: u64 = 1 << 63;

impl Progress {
    /// The process has taken so many messages, and deals with the last of them.
    #[inline]
    pub(crate) fn set(&self, taken: u64) {
        self.0.store(taken, Ordering::Relaxed);
    }

    /// The process deals with something else, or has handed on what it owes for the last message.
    pub(crate) fn aside(&self) {
        self.0.fetch_or(ASIDE, Ordering::Relaxed);
    }

    /// It is not known any more which places have been taken.
    pub(crate) fn lose(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }

    pub(crate) fn stage(&self, place: u64) -> Stage {
        let progress = self.0.load(Ordering::Relaxed);
        match progress & !ASIDE {
            taken if place >= taken => Stage::Queued,
            taken if place + 1 == taken && progress & ASIDE == 0 => Stage::Current,
            _ => Stage::Past,
        }
    }

    /// The place of the message the process deals with.
    pub(crate) fn current(&self) -> Option<u64> {
        let progress = self.0.load(Ordering::Relaxed);
        if progress & ASIDE == 0 { progress.checked_sub(1) } else { None }
    }
}

/// What has become of the message at some place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Queued,
    Current,
    /// It has been handled; if it has not been answered, the reply is kept somewhere.
    Past,
}

/// The record of one process.
#[derive(Default)]
pub(crate) struct Wait {
    /// Whom it waits for, packed; 0 for nobody.
    on: AtomicU64,
    /// Where its message lies there, or why else it waits.
    place: AtomicU64,
    /// Whom the process it waits for has to wait for before it can answer this one, packed; 0 for nobody. Written by
    /// that one.
    detour: AtomicU64,
}

/// What one record said at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) on: Pid,
    place: u64,
    /// Who comes after that one, as far as this wait is concerned.
    pub(crate) detour: Option<Pid>,
}

/// The message is not sent yet.
const SENDING: u64 = u64::MAX;
/// It waits for a start or an end, as well as for whatever else arrives, if it is at its inbox.
const WATCHING: u64 = u64::MAX - 1;
/// It waits for a start or an end, whatever arrives.
const HELD: u64 = u64::MAX - 2;
/// It waits for an answer, but where its message lies cannot be said.
pub(crate) const SOMEWHERE: u64 = u64::MAX - 3;

impl Wait {
    /// Before a call is sent. Whoever begins to wait at the same time sees this record, or is seen by whoever looks
    /// after this: both are SeqCst, as is the load in [`is_waiting`](Self::is_waiting).
    #[inline]
    pub(crate) fn begin_call(&self, on: Pid) {
        self.begin(on, SENDING);
    }

    /// Its message lies at this place now. If another wait, beside this one, has ended the record, here it is again.
    pub(crate) fn sent(&self, on: Pid, place: u64) {
        match self.on.load(Ordering::Relaxed) {
            0 => self.begin(on, place),
            known if known == pack(on) => self.place.store(place, Ordering::Release),
            _ => {}
        }
    }

    /// Its message was sent before, and lies at this place.
    pub(crate) fn begin_waiting(&self, on: Pid, place: u64) {
        self.begin(on, place);
    }

    pub(crate) fn begin_watching(&self, on: Pid) {
        self.begin(on, WATCHING);
    }

    pub(crate) fn begin_holding(&self, on: Pid) {
        self.begin(on, HELD);
    }

    #[inline]
    fn begin(&self, on: Pid, place: u64) {
        self.place.store(place, Ordering::Relaxed);
        self.detour.store(0, Ordering::Relaxed);
        self.on.store(pack(on), Ordering::SeqCst);
    }

    /// The one that is waited for waits in turn, for this wait only.
    pub(crate) fn set_detour(&self, on: Pid, detour: Pid) {
        if self.on.load(Ordering::SeqCst) == pack(on) {
            self.detour.store(pack(detour), Ordering::SeqCst);
        }
    }

    /// The wait for this process is over.
    #[inline]
    pub(crate) fn end(&self, on: Pid) {
        if self.on.load(Ordering::Relaxed) == pack(on) {
            self.on.store(0, Ordering::Release);
        }
    }

    pub(crate) fn is_for(&self, on: Pid) -> bool {
        self.on.load(Ordering::Relaxed) == pack(on)
    }

    #[inline]
    pub(crate) fn is_waiting(&self) -> bool {
        self.on.load(Ordering::SeqCst) != 0
    }

    /// What it says; `creation` is that of the process itself, and so of everybody it waits for.
    pub(crate) fn now(&self, creation: u32) -> Option<Waiting> {
        let on = unpack(self.on.load(Ordering::SeqCst), creation)?;
        let detour = unpack(self.detour.load(Ordering::SeqCst), creation);
        Some(Waiting { on, place: self.place.load(Ordering::Acquire), detour })
    }
}

impl Waiting {
    /// Whether both say that the same is waited for.
    pub(crate) fn is_about(self, other: Self) -> bool {
        (self.on, self.detour) == (other.on, other.detour)
    }

    /// Whether this is for as long as the record says so, and not until a future is ready that somebody may have left.
    pub(crate) const fn is_held(self) -> bool {
        self.place == HELD
    }

    /// Whether it cannot go on before that process does, which has got so far. `is_receiving`: it also waits at its
    /// own inbox.
    pub(crate) fn depends(self, progress: &Progress, is_receiving: bool) -> bool {
        match self.place {
            HELD => true,
            SENDING | WATCHING => !is_receiving,
            SOMEWHERE => false,
            place => !is_receiving && progress.stage(place) != Stage::Past,
        }
    }
}

/// One word for a local pid without its creation, which is that of whoever waits (see `cycle`); never 0.
fn pack(pid: Pid) -> u64 {
    !(u64::from(pid.serial) << 32 | u64::from(pid.id))
}

fn unpack(word: u64, creation: u32) -> Option<Pid> {
    let both = !word;
    let (serial, id) = ((both >> 32) as u32, both as u32);
    (word != 0).then_some(Pid { node: 0, id, serial, creation })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOMEBODY: Pid = Pid { node: 0, id: 0, serial: 0, creation: 0 };
    const OTHER: Pid = Pid { node: 0, id: 7, serial: 9, creation: 0 };

    #[test]
    fn a_record_says_whom_it_is_about_until_that_wait_ends() {
        let wait = Wait::default();
        assert_eq!((wait.now(0), wait.is_waiting()), (None, false));
        for pid in [SOMEBODY, OTHER] {
            wait.begin_call(pid);
            assert_eq!(wait.now(0).map(|waiting| waiting.on), Some(pid));
        }
        wait.end(SOMEBODY);
        assert!(wait.is_waiting(), "the wait of before is over, this one is not");
        wait.end(OTHER);
        assert!(!wait.is_waiting());
        for pid in [OTHER, SOMEBODY] {
            wait.sent(pid, 3);
            let known = Waiting { on: OTHER, place: 3, detour: None };
            assert_eq!(wait.now(0), Some(known), "it was the first");
        }
    }

    #[test]
    fn a_detour_belongs_to_one_wait() {
        let wait = Wait::default();
        wait.set_detour(OTHER, SOMEBODY);
        wait.begin_call(OTHER);
        assert_eq!(wait.now(0).and_then(|waiting| waiting.detour), None);
        wait.set_detour(OTHER, SOMEBODY);
        assert_eq!(wait.now(0).and_then(|waiting| waiting.detour), Some(SOMEBODY));
        wait.begin_call(OTHER);
        assert_eq!(wait.now(0).and_then(|waiting| waiting.detour), None);
    }

    #[test]
    fn places_are_queued_then_current_then_past() {
        let progress = Progress::default();
        assert_eq!((progress.stage(0), progress.current()), (Stage::Queued, None));
        progress.set(3);
        let stages = [1, 2, 3].map(|place| progress.stage(place));
        assert_eq!(stages, [Stage::Past, Stage::Current, Stage::Queued]);
        assert_eq!(progress.current(), Some(2));
        progress.aside();
        assert_eq!((progress.stage(2), progress.stage(3)), (Stage::Past, Stage::Queued));
        assert_eq!(progress.current(), None);
        progress.lose();
        assert_eq!(progress.stage(1_000_000), Stage::Past);
    }

    /// What a record means for whoever would have to wait for it.
    #[test]
    fn only_what_cannot_go_on_depends() {
        let progress = Progress::default();
        progress.set(1);
        let of = |place| Waiting { on: OTHER, place, detour: None };
        for (place, alone, receiving) in [
            (SENDING, true, false),
            (WATCHING, true, false),
            (HELD, true, true),
            (SOMEWHERE, false, false),
            (0, true, false),
            (5, true, false),
        ] {
            assert_eq!(of(place).depends(&progress, false), alone, "{place}");
            assert_eq!(of(place).depends(&progress, true), receiving, "{place}");
        }
        progress.set(2);
        assert!(!of(0).depends(&progress, false), "the reply is kept, or was handed on");
    }
}
