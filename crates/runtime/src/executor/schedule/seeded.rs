//! As a seed says: who runs next, what is delivered late, and who is struck down, in a simulation; in all other
//! runtimes of the same program first come, first served.

mod bookings;
pub(crate) mod choices;
mod debt;
pub(crate) mod ledger;
pub(crate) mod record;
pub(crate) mod script;
mod strike;

use crate::sync::atomic::{AtomicU32, Ordering};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Waker};

use fauxtp_logic::{ExitReason, Pid};

use super::Next;
use crate::clock;
use crate::executor::crew::{Line, TURN};
use crate::executor::fiber::Fiber;
use crate::sync::{Mutex, thread_local};

use choices::Choices;
pub(crate) use debt::Debt;
use ledger::Ledger;
use record::{Event, Record};
use script::{Fault, Script};
pub(crate) use strike::{Imminent, stricken};

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

impl Director {
    fn deliver_all(&self, from: Option<Pid>, to: Pid) {
        let late = self.state.lock().post.remove(&(from, to));
        late.into_iter().flatten().for_each(|deliver| deliver());
    }

    fn next(&self, line: &Mutex<Line>) -> Next {
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

    fn stepped(&self) {
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
    fn fault(&mut self, pid: Pid) -> Option<Fault> {
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
