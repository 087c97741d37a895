//! The book of what befell the workers: every blow, with the end, the failed calls and the restart that followed.

use std::collections::BTreeMap;
use std::time::Duration;

use fauxtp::{CallError, ExitReason, Pid};

use crate::harm::{Blow, Harm};

/// One blow and its consequences. Times count from the start of the tour.
#[derive(Debug)]
pub(crate) struct Incident {
    pub(crate) blow: Blow,
    pub(crate) struck: Duration,
    /// The end of the victim, once its supervisor has told.
    pub(crate) end: Option<(ExitReason, Duration)>,
    /// Whoever took its place.
    pub(crate) successor: Option<Successor>,
    /// The reasons that calls to the victim failed with, and how many; one reason if all is well.
    pub(crate) failures: Vec<(ExitReason, u64)>,
    /// Calls to the victim when it was dead already.
    pub(crate) too_late: u64,
    /// Further blows at the dead victim.
    pub(crate) flogged: u64,
}

/// The next incarnation of a worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Successor {
    pub(crate) pid: Pid,
    pub(crate) born: Duration,
    pub(crate) by: Midwife,
}

/// Who started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Midwife {
    Supervisor,
    /// The attendant, with `restart_child`.
    Hand,
}

impl Incident {
    pub(crate) fn failed(&self) -> u64 {
        self.failures.iter().map(|(_, calls)| calls).sum::<u64>() + self.too_late
    }

    /// How long there was nobody.
    pub(crate) fn gap(&self) -> Option<Duration> {
        let (successor, (_, ended)) = (self.successor.as_ref()?, self.end.as_ref()?);
        Some(successor.born.saturating_sub(*ended))
    }
}

/// One worker, through all its incarnations.
#[derive(Debug, Default)]
pub(crate) struct Career {
    pub(crate) starts: u64,
    /// The last incident, by its place in the book.
    pub(crate) last: Option<usize>,
    /// The attendant is about to start it.
    expects_hand: bool,
}

/// The book. Incidents are never removed, so that the sums can be done at the end.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) incidents: Vec<Incident>,
    pub(crate) careers: Vec<Career>,
    by_victim: BTreeMap<Pid, usize>,
    /// Failed calls by what they failed with.
    pub(crate) failed: BTreeMap<&'static str, u64>,
    /// Ends after the system was told to stop.
    pub(crate) farewells: BTreeMap<Pid, ExitReason>,
    stopping: bool,
    /// What should not have happened, in words; the first few.
    pub(crate) oddities: Vec<String>,
    pub(crate) oddities_count: u64,
}

impl Ledger {
    pub(crate) fn new(places: usize) -> Self {
        Self {
            incidents: Vec::new(),
            careers: (0..places).map(|_| Career::default()).collect(),
            by_victim: BTreeMap::new(),
            failed: BTreeMap::new(),
            farewells: BTreeMap::new(),
            stopping: false,
            oddities: Vec::new(),
            oddities_count: 0,
        }
    }

    pub(crate) fn odd(&mut self, text: String) {
        self.oddities_count += 1;
        if self.oddities.len() < ODDITIES_MAX {
            self.oddities.push(text);
        }
    }

    /// A blow is about to be struck; false if that worker was struck before.
    pub(crate) fn strike(&mut self, blow: Blow, now: Duration) -> bool {
        if self.by_victim.contains_key(&blow.victim) {
            return false;
        }
        let index = self.incidents.len();
        self.by_victim.insert(blow.victim, index);
        self.careers[blow.place].last = Some(index);
        self.incidents.push(Incident {
            blow,
            struck: now,
            end: None,
            successor: None,
            failures: Vec::new(),
            too_late: 0,
            flogged: 0,
        });
        true
    }

    /// A worker runs; told by itself, in its `init`.
    pub(crate) fn born(&mut self, place: usize, pid: Pid, now: Duration) {
        let career = &mut self.careers[place];
        career.starts += 1;
        let hand = std::mem::take(&mut career.expects_hand);
        let by = if hand { Midwife::Hand } else { Midwife::Supervisor };
        let Some(index) = career.last else { return };
        let incident = &mut self.incidents[index];
        let successor = Successor { pid, born: now, by };
        if incident.end.is_none() {
            let victim = incident.blow.victim;
            self.odd(format!(
                "{pid} took the place of {victim} before anybody was told of its end"
            ));
        } else if let Some(other) = incident.successor.replace(successor) {
            let victim = incident.blow.victim;
            self.odd(format!("{victim} was replaced twice: by {} and {pid}", other.pid));
        }
    }

    /// A worker ended; told by its supervisor.
    pub(crate) fn exited(&mut self, pid: Pid, reason: &ExitReason, now: Duration) {
        match self.by_victim.get(&pid).map(|index| &mut self.incidents[*index]) {
            Some(incident) if incident.end.is_none() => incident.end = Some((reason.clone(), now)),
            Some(_) => self.odd(format!("the end of {pid} was told twice")),
            None if !self.stopping => self.odd(format!("{pid} ended unharmed: {reason:#}")),
            None => {
                if self.farewells.insert(pid, reason.clone()).is_some() {
                    self.odd(format!("the end of {pid} was told twice"));
                }
            }
        }
    }

    /// From here on workers end because the system does.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
    }

    /// A call was not answered. `pid` is whom it went to, if anybody held the name.
    pub(crate) fn failed(&mut self, place: usize, pid: Option<Pid>, error: &CallError) {
        *self.failed.entry(name_of(error)).or_default() += 1;
        let incident = match pid {
            Some(pid) => self.by_victim.get(&pid).copied(),
            None => self.careers[place].last,
        };
        let Some(incident) = incident.map(|index| &mut self.incidents[index]) else {
            return self.odd(format!("a call to an unharmed worker failed: {error}"));
        };
        match error {
            CallError::NoProc => incident.too_late += 1,
            CallError::Exited(reason) => {
                match incident.failures.iter_mut().find(|(known, _)| known == reason) {
                    Some((_, calls)) => *calls += 1,
                    None => incident.failures.push((reason.clone(), 1)),
                }
            }
            other => self.odd(format!("a call failed as none should: {other}")),
        }
    }

    /// The attendant found a worker down and is about to start it again.
    pub(crate) fn expect_hand(&mut self, place: usize) {
        self.careers[place].expects_hand = true;
    }

    /// A worker that died a while ago, for one more blow; the `choice`th of them.
    pub(crate) fn flog(&mut self, choice: usize) -> Option<Pid> {
        let dead = self.incidents.iter().filter(|incident| incident.end.is_some()).count();
        let nth = choice.checked_rem(dead)?;
        let incident =
            self.incidents.iter_mut().filter(|incident| incident.end.is_some()).nth(nth)?;
        incident.flogged += 1;
        Some(incident.blow.victim)
    }

    pub(crate) fn last(&self, place: usize) -> Option<&Incident> {
        self.careers[place].last.map(|index| &self.incidents[index])
    }

    pub(crate) fn ends_by(&self, harm: Harm) -> u64 {
        let ended = |incident: &&Incident| incident.blow.harm == harm && incident.end.is_some();
        self.incidents.iter().filter(ended).count() as u64
    }

    pub(crate) fn successors_by(&self, by: Midwife) -> u64 {
        self.incidents
            .iter()
            .filter(|incident| incident.successor.is_some_and(|successor| successor.by == by))
            .count() as u64
    }

    pub(crate) fn failed_total(&self) -> u64 {
        self.failed.values().sum()
    }

    pub(crate) fn flogged(&self) -> u64 {
        self.incidents.iter().map(|incident| incident.flogged).sum()
    }
}

/// What a call failed with, in one word.
fn name_of(error: &CallError) -> &'static str {
    match error {
        CallError::NoProc => NOPROC,
        CallError::Exited(reason) if reason.panic().is_some() => "panic",
        CallError::Exited(reason) if reason.is_killed() => "killed",
        CallError::Exited(reason) if reason.is_shutdown() => "cancelled",
        CallError::Exited(reason) if reason.is_error() => "error",
        CallError::Exited(_) => "exited",
        CallError::Timeout => "timeout",
        CallError::NoReply => "no reply",
        _ => "refused",
    }
}

/// What calls fail with while nobody is there.
pub(crate) const NOPROC: &str = "noproc";

const ODDITIES_MAX: usize = 12;
