//! What happened in a simulation, step by step.

use std::hash::{DefaultHasher, Hash, Hasher};

use fauxtp_logic::{Pid, Time};

use super::script::Fault;
use crate::clock;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    /// The code that drives the simulation ran.
    Guest,
    Ran(Pid),
    /// It ran on the stack of whoever waits for it.
    OnTheSpot(Pid),
    Born {
        pid: Pid,
        parent: Option<Pid>,
        label: &'static str,
    },
    Named {
        pid: Pid,
        name: String,
    },
    Sent {
        from: Option<Pid>,
        to: Pid,
        what: &'static str,
    },
    /// A message that was late.
    Arrives {
        from: Option<Pid>,
        to: Pid,
    },
    Handles {
        pid: Pid,
        what: &'static str,
    },
    Struck {
        pid: Pid,
        fault: Fault,
        point: u64,
    },
    Ended {
        pid: Pid,
        reason: String,
    },
}

/// What happened, and when.
#[derive(Default)]
pub(crate) struct Record {
    keeps: bool,
    pub(crate) events: Vec<(Time, Event)>,
    /// Tells orders of execution apart.
    order: DefaultHasher,
    /// Tells apart who has sent whom something.
    traffic: DefaultHasher,
}

/// The same in each run, unlike the creation.
fn number(who: Option<Pid>) -> u32 {
    who.map_or(0, |pid| pid.id)
}

/// More events than that are not kept; a timeline that long is no help.
const EVENTS_MAX: usize = 200_000;

impl Record {
    pub(crate) fn new(keeps: bool) -> Self {
        Self { keeps, ..Self::default() }
    }

    /// Notes that somebody ran: a process, or the code that drives the simulation.
    pub(crate) fn step(&mut self, who: Option<Pid>, event: impl FnOnce() -> Event) {
        number(who).hash(&mut self.order);
        self.note(event);
    }

    /// Notes that somebody has sent something.
    pub(crate) fn sent(&mut self, from: Option<Pid>, to: Pid, what: &'static str) {
        (number(from), to.id).hash(&mut self.traffic);
        self.note(|| Event::Sent { from, to, what });
    }

    /// Notes an event, if events are kept.
    pub(crate) fn note(&mut self, event: impl FnOnce() -> Event) {
        if self.keeps && self.events.len() < EVENTS_MAX {
            self.events.push((clock::now(), event()));
        }
    }

    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// A number that is the same if the same have sent to the same, in the same order.
    pub(crate) fn traffic(&self) -> u64 {
        self.traffic.finish()
    }

    /// A number that is the same for the same order of execution.
    pub(crate) fn order(&self) -> u64 {
        self.order.finish()
    }
}
