//! As a seed says: who runs next, what is delivered late, and who is struck down, in a simulation; in all other
//! runtimes of the same program first come, first served.

mod bookings;
pub(crate) mod choices;
mod debt;
mod director;
pub(crate) mod ledger;
mod places;
pub(crate) mod record;
pub(crate) mod script;
mod strike;

use crate::sync::atomic::{AtomicU32, Ordering};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use fauxtp_logic::{ExitReason, Pid};

use super::Next;
use crate::clock;
use crate::executor::crew::{Line, TURN};
use crate::executor::fiber::Fiber;
use crate::sync::{Mutex, thread_local};

use choices::Choices;
pub(crate) use debt::Debt;
pub(crate) use director::Story;
use ledger::Ledger;
use record::{Event, Record};
use script::Script;
pub(crate) use strike::{Imminent, stricken, struck};

thread_local! {
    /// The simulation that runs on this thread.
    static DIRECTOR: RefCell<Option<Arc<Director>>> = const { RefCell::new(None) };
}

/// Who runs next in one runtime.
pub(crate) struct Scheduler(Option<Arc<Director>>);

/// What decides in a simulation, and notes what happens.
pub(crate) struct Director {
    creation: u32,
    is_quiet: bool,
    state: Mutex<State>,
    /// Called after each step, outside of all locks.
    after_step: Mutex<Option<AfterStep>>,
}

/// What those are labelled that nobody would start again, if no process has started them.
const ROOTS: [&str; 3] = ["Supervisor", "DynamicSupervisor", "fauxtp::Registry"];

type AfterStep = Box<dyn FnMut() + Send>;
type Delivery = Box<dyn FnOnce() + Send>;

struct State {
    script: Script,
    choices: Choices,
    record: Record,
    ledger: Ledger,
    /// How many processes there have been.
    born: u32,
    /// How many times a process was about to run that may be struck.
    points: u64,
    struck: u32,
    /// How many times that was left to chance.
    by_chance: u32,
    steps: u64,
    /// Nothing goes wrong any more.
    healed: bool,
    /// How many want nobody to be struck.
    safe: u32,
    spared: BTreeSet<Pid>,
    held: BTreeSet<Pid>,
    /// Held processes that would run.
    shelved: Vec<Arc<dyn Fiber>>,
    /// What is delivered late: first in, first out between any two.
    post: BTreeMap<(Option<Pid>, Pid), VecDeque<Delivery>>,
    guest: Guest,
}

/// The code that drives the simulation, which is no process.
enum Guest {
    Elsewhere,
    Asks(Waker),
    HasTheFloor,
}

/// Makes this the simulation of all runtimes that are made on this thread until the guard is dropped.
pub(crate) fn direct(script: Script) -> (Arc<Director>, Directing) {
    static CREATIONS: AtomicU32 = AtomicU32::new(1);
    let choices = Choices::new(script.source.clone());
    let record = Record::new(script.records);
    let director = Arc::new(Director {
        creation: CREATIONS.fetch_add(1, Ordering::Relaxed),
        is_quiet: script.is_quiet,
        state: Mutex::new(State {
            script,
            choices,
            record,
            ledger: Ledger::default(),
            born: 0,
            points: 0,
            struck: 0,
            by_chance: 0,
            steps: 0,
            healed: false,
            safe: 0,
            spared: BTreeSet::new(),
            held: BTreeSet::new(),
            shelved: Vec::new(),
            post: BTreeMap::new(),
            guest: Guest::Elsewhere,
        }),
        after_step: Mutex::new(None),
    });
    let before = DIRECTOR.replace(Some(director.clone()));
    (director, Directing(before))
}

/// Ends a simulation when it is dropped.
pub(crate) struct Directing(Option<Arc<Director>>);

impl Drop for Directing {
    fn drop(&mut self) {
        drop(DIRECTOR.replace(self.0.take()));
    }
}

/// Whether panics of this thread's processes are expected, and nobody wants to read of them.
pub(crate) fn is_quiet() -> bool {
    DIRECTOR
        .try_with(|director| {
            director
                .try_borrow()
                .is_ok_and(|director| director.as_ref().is_some_and(|it| it.is_quiet))
        })
        .unwrap_or(false)
}

impl Scheduler {
    pub(in crate::executor) fn of_this_thread() -> Self {
        Self(DIRECTOR.with_borrow(Clone::clone))
    }

    pub(in crate::executor) fn next(&self, line: &Mutex<Line>) -> Next {
        match &self.0 {
            None => line.lock().fibers.pop_front().map_or(Next::Nothing, Next::Fiber),
            Some(director) => director.next(line),
        }
    }

    /// Whether fibers run in the order in which they were woken.
    pub(in crate::executor) const fn leaves_order_alone(&self) -> bool {
        self.0.is_none()
    }

    /// How many fibers a hand polls before it lets the rest of its runtime run.
    pub(in crate::executor) fn turn(&self) -> u32 {
        if self.0.is_some() { 1 } else { TURN }
    }

    pub(in crate::executor) fn stepped(&self) {
        if let Some(director) = &self.0 {
            director.stepped();
        }
    }

    pub(in crate::executor) fn allows_on_the_spot(&self, callee: Pid) -> bool {
        self.with(|state| {
            let allows = !state.held.contains(&callee) && !state.choices.chance(0.5);
            if allows {
                state.record.step(Some(callee), || Event::OnTheSpot(callee));
            }
            allows
        })
        .unwrap_or(true)
    }

    pub(in crate::executor) fn jitter(&self) -> u32 {
        self.with(|state| state.choices.number()).unwrap_or_else(clock::jitter)
    }

    /// The pid of the next process, if it must not depend on what else there is in this program.
    pub(crate) fn fresh_pid(&self) -> Option<Pid> {
        let creation = self.0.as_ref()?.creation;
        self.with(|state| {
            state.born += 1;
            Pid { node: 0, id: state.born, serial: 0, creation }
        })
    }

    /// What is about to befall a process that is about to be polled.
    pub(crate) fn imminent(&self, pid: Pid, behaves: impl FnOnce() -> bool) -> Imminent {
        let fault = self.with(|state| {
            state.ledger.runs(pid);
            state.fault(pid)
        });
        let fault = fault.flatten();
        Imminent::new(fault, behaves)
    }

    /// Whether a message is to be delivered at once, and not later by somebody else.
    pub(crate) fn delivers_at_once(&self, from: impl FnOnce() -> Option<Pid>, to: Pid) -> bool {
        self.with(|state| {
            let from = from();
            if from == Some(to) {
                return true;
            }
            let is_behind = state.post.contains_key(&(from, to));
            let delay = if state.healed { 0.0 } else { state.script.delay };
            !is_behind && !state.choices.chance(delay)
        })
        .unwrap_or(true)
    }

    pub(crate) fn deliver_later(
        &self,
        from: impl FnOnce() -> Option<Pid>,
        to: Pid,
        deliver: impl FnOnce() + Send + 'static,
    ) {
        self.with(|state| {
            state.post.entry((from(), to)).or_default().push_back(Box::new(deliver));
        });
    }

    /// What has been sent is delivered before what is sent next.
    pub(crate) fn deliver_all(&self, from: impl FnOnce() -> Option<Pid>, to: Pid) {
        if let Some(director) = &self.0 {
            director.deliver_all(from(), to);
        }
    }

    pub(crate) fn born(&self, pid: Pid, parent: Option<Pid>, label: &'static str) {
        self.with(|state| {
            // A tree whose root is struck is gone, and the simulation with it.
            if parent.is_none() && ROOTS.contains(&label) {
                state.spared.insert(pid);
            }
            state.record.note(|| Event::Born { pid, parent, label });
        });
    }

    pub(crate) fn named(&self, pid: Pid, name: &dyn fmt::Display) {
        self.with(|state| state.record.note(|| Event::Named { pid, name: name.to_string() }));
    }

    pub(crate) fn sent(&self, from: impl FnOnce() -> Option<Pid>, to: Pid, what: &'static str) {
        self.with(|state| {
            state.ledger.sent();
            state.record.sent(from(), to, what);
        });
    }

    pub(crate) fn handles(&self, pid: Pid, what: &'static str) {
        self.with(|state| state.record.note(|| Event::Handles { pid, what }));
    }

    pub(crate) fn ended(&self, pid: Pid, reason: &ExitReason) {
        self.with(|state| {
            state.record.note(|| Event::Ended { pid, reason: format!("{reason:#}") });
        });
    }

    fn with<T>(&self, ask: impl FnOnce(&mut State) -> T) -> Option<T> {
        self.0.as_ref().map(|director| ask(&mut director.state.lock()))
    }
}
