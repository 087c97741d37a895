//! The part of a process that others may hold: who it is, whether it lives, and the way to its inbox.
//!
//! [`Core`] is the same for all processes, whatever messages they take. Its `private` part is locked, but
//! hardly ever contended: the process itself uses it, from its poll loop and from its context, and others only
//! to look, or while it starts. The lock is what safe Rust asks for two owners that run one after the other.

mod ancestors;
mod late;

use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Context;

use fauxtp_logic::relations::Relations;
use fauxtp_logic::{ExitReason, Pid, Ref};
use smallvec::SmallVec;

use crate::executor::{Berth, Executor, Stage, TimerKey};
use crate::facts::Facts;
use crate::signal::{Signal, Watcher};
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, Ordering};
use crate::sync::{Mutex, thread, thread_local};
use crate::wait::{Progress, Wait};

pub(crate) use ancestors::Ancestors;

use late::Late;

/// A way to a process for those who do not know its messages.
pub(crate) type Handle = Arc<dyn Process>;

/// What everybody may do with a process.
pub(crate) trait Process: Send + Sync {
    fn core(&self) -> &Core;
    /// Puts a signal in the inbox; gives it back if the process has ended.
    fn signal(self: Arc<Self>, signal: Signal) -> Result<(), Signal>;
    /// The same by somebody who waits for what comes of it: the process may run on his stack.
    fn signal_and_wait(self: Arc<Self>, signal: Signal, cx: &mut Context<'_>)
    -> Result<(), Signal>;
    /// Lets a new process run soon.
    fn rouse(self: Arc<Self>);
    /// Lets a new process run now, on the stack of somebody who waits for it, or soon.
    fn rouse_and_wait(self: Arc<Self>, cx: &mut Context<'_>);
    /// Drops the process's future; its runtime has ended.
    fn end(&self);
    fn queue_len(&self) -> usize;
    /// Tells once everything has been handled that lies in the inbox now.
    fn barrier(self: Arc<Self>, barrier: Barrier);
    /// Whether it waits at its inbox.
    fn is_receiving(&self) -> bool;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// Tells somebody that a process has handled everything before this; dropped if it never does.
pub(crate) struct Barrier(Box<dyn FnOnce() + Send + Sync>);

impl Barrier {
    pub(crate) fn new(tell: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Box::new(tell))
    }

    pub(crate) fn reached(self) {
        (self.0)();
    }
}

/// How a process hangs together with the one that started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tie {
    /// Not at all.
    None,
    /// By an ordinary link.
    Linked,
    /// As a supervisor's child; no unlink removes this (LINK-010).
    Supervised,
    /// By a link of one direction: the child ends with its parent, however that ends, and never takes it along.
    Owned,
}

/// Something a process owns and that is released when it ends: a name, a timer, a table.
pub(crate) trait Release: Send + Sync {
    /// Where it is kept; a process owns at most one thing in each place.
    fn place(&self) -> usize;

    fn release(&self, owner: Pid);
}

/// Takes a name for a new process, before it is first polled.
pub(crate) type Claim = Arc<dyn Fn(&Handle) -> Result<(), Refused> + Send + Sync>;

/// Most processes have one name, or none.
pub(crate) type Claims = SmallVec<[Claim; 2]>;

/// Why a name was not given.
pub(crate) enum Refused {
    /// A live process holds it.
    Taken(Pid),
    /// It is not fit to be a name.
    Unfit,
    /// Anything else.
    Because(ExitReason),
}

/// A promise that was dropped unkept inside a process. It is settled when the process yields (the process
/// lives: no reply) or when it has ended (with its reason).
pub(crate) type Unkept = Box<dyn FnOnce(Option<&ExitReason>) + Send>;

pub(crate) struct Core {
    pub(crate) pid: Pid,
    status: AtomicU8,
    /// Set by others when a signal is in the inbox, cleared by the process when it takes signals in.
    pub(crate) signalled: AtomicBool,
    /// Set, under the lock of its inbox, whenever whoever puts something in need not be told that it waits; cleared by the
    /// process when it takes everything out, and asks to be woken for what comes next.
    pub(crate) arrived: AtomicBool,
    /// Whether it has looked in vain into its inbox since it was last polled; written by itself.
    pub(crate) receiving: AtomicBool,
    /// Set by the process when something is to be done as soon as it yields.
    pub(crate) owes: AtomicBool,
    /// Set by the process when its doom is set.
    pub(crate) doomed: AtomicBool,
    /// Set when a context has been carried into another task, and waits there.
    pub(crate) read_elsewhere: AtomicBool,
    /// Whether the process is through its start; written by itself, read by supervisors that are called.
    pub(crate) acknowledged: AtomicBool,
    /// Whether its supervisor has told it to end.
    pub(crate) dismissed: AtomicBool,
    /// How many inquiries the process has answered; each one restarts an inactivity timeout (GS-033).
    /// Wraps; only asked whether it has changed.
    pub(crate) inquiries: AtomicU16,
    /// Set by the process when requests to it have run out of time.
    pub(crate) has_late: AtomicBool,
    /// How far it is with its messages; written by itself.
    pub(crate) progress: Progress,
    /// What it waits for; written by itself.
    pub(crate) wait: Wait,
    /// Whether nobody has looked for what it waits for since it was asked; written by itself.
    pub(crate) doubted: AtomicBool,
    pub(crate) tie: Tie,
    /// Who started this process, and who started that one, …; nearest first (PL-006).
    pub(crate) ancestors: Ancestors,
    pub(crate) executor: Arc<Executor>,
    /// The type of what runs here, for people.
    pub(crate) label: &'static str,
    pub(crate) berth: Berth,
    pub(crate) stage: Stage,
    private: Mutex<Private>,
}

/// What only the process itself touches.
#[derive(Default)]
pub(crate) struct Private {
    pub(crate) trapping: bool,
    /// Whether `Stop` is a request (behaviours) rather than an exit signal.
    pub(crate) takes_stop: bool,
    /// Whether messages that are taken still count as queued, so that nobody knows which has been handled.
    pub(crate) files_messages: bool,
    /// The process has decided to end, but user code (terminate) still runs.
    pub(crate) ending: bool,
    pub(crate) restarts: u32,
    /// Why it ended, once it has. From then on it owns nothing any more.
    pub(crate) fate: Option<ExitReason>,
    /// What few processes have at any one time; an idle one without relations has no such box.
    possessions: Option<Box<Possessions>>,
}

/// What a process may come to own.
#[derive(Default)]
pub(crate) struct Possessions {
    /// An exit signal has hit: the process ends before its next step.
    pub(crate) doom: Option<ExitReason>,
    pub(crate) relations: Relations<Watcher>,
    /// Promises it has dropped unkept since it last yielded.
    pub(crate) unkept: Vec<Unkept>,
    /// What others want to be told when it next yields.
    pub(crate) at_yield: Vec<Box<dyn FnOnce() + Send>>,
    pub(crate) estate: SmallVec<[Arc<dyn Release>; 2]>,
    /// Timers that are set, or whose message waits.
    pub(crate) timers: BTreeMap<Ref, TimerKey>,
    /// The name it is registered under, if any.
    pub(crate) name: Option<Arc<str>>,
    /// The ancestors of its children; made for the first child.
    pub(crate) lineage: Option<Ancestors>,
    /// How many messages it had taken over and not handled when it ended; for crash reports.
    pub(crate) unread: usize,
    /// What was being handled when it failed; for crash reports.
    pub(crate) last_message: Option<&'static str>,
    /// Requests whose callers have given up.
    pub(crate) late: Option<Box<Late>>,
}

thread_local! {
    /// Whether this thread tells of an end.
    static TELLS: Cell<bool> = const { Cell::new(false) };
}

/// While this thread tells of an end, it waits for no other one: two processes that end at the same time, and tell
/// each other, would wait for ever. What it finds leaving is as good as dead for it.
pub(crate) struct Telling(bool);

impl Telling {
    pub(crate) fn begin() -> Self {
        Self(TELLS.replace(true))
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        TELLS.set(self.0);
    }
}

const ALIVE: u8 = 0;
/// Somebody has killed it, but it has not noticed yet.
const KILLED: u8 = 1;
/// It tells everybody of its end.
const LEAVING: u8 = 2;
/// Everybody has been told.
const DEAD: u8 = 3;
/// It was killed, and tells everybody of its end.
const KILLED_LEAVING: u8 = 4;

impl Core {
    pub(crate) fn new(
        pid: Pid,
        tie: Tie,
        ancestors: Ancestors,
        executor: Arc<Executor>,
        label: &'static str,
        private: Private,
    ) -> Self {
        Self {
            pid,
            status: AtomicU8::new(ALIVE),
            signalled: AtomicBool::new(false),
            owes: AtomicBool::new(false),
            arrived: AtomicBool::new(true),
            receiving: AtomicBool::new(false),
            doomed: AtomicBool::new(false),
            read_elsewhere: AtomicBool::new(false),
            acknowledged: AtomicBool::new(false),
            dismissed: AtomicBool::new(false),
            inquiries: AtomicU16::new(0),
            has_late: AtomicBool::new(false),
            progress: Progress::default(),
            wait: Wait::default(),
            doubted: AtomicBool::new(false),
            tie,
            ancestors,
            executor,
            label,
            stage: Stage::new(),
            berth: Berth::default(),
            private: Mutex::new(private),
        }
    }

    /// Who started this process, if they hang together.
    pub(crate) fn parent(&self) -> Option<Pid> {
        if self.tie == Tie::None { None } else { self.ancestors.first() }
    }

    /// Whether the process may still do anything: false from the moment somebody kills it (PROC-009).
    ///
    /// Whoever has heard of an end must not find the process alive, and whoever finds it dead can rely on
    /// everybody having been told. So the answer waits for an end that is being told at this moment; that is
    /// plain enqueuing.
    pub(crate) fn is_alive(&self) -> bool {
        loop {
            // Pairs with the Release in `mark_killed`, `mark_leaving` and `mark_dead`.
            match self.status.load(Ordering::Acquire) {
                ALIVE => return true,
                LEAVING if TELLS.get() => return false,
                LEAVING => thread::yield_now(),
                _ => return false,
            }
        }
    }

    /// Whether its end has been told to everybody; waits while it is being told.
    pub(crate) fn has_ended(&self) -> bool {
        loop {
            match self.status.load(Ordering::Acquire) {
                LEAVING | KILLED_LEAVING if TELLS.get() => return true,
                LEAVING | KILLED_LEAVING => thread::yield_now(),
                status => return status == DEAD,
            }
        }
    }

    /// Whether it makes sense to try its inbox.
    pub(crate) fn may_be_open(&self) -> bool {
        matches!(self.status.load(Ordering::Acquire), ALIVE | LEAVING)
    }

    /// The one exception to the first law: `kill` marks the process dead for everybody at once.
    pub(crate) fn mark_killed(&self) {
        let _dead_already =
            self.status.compare_exchange(ALIVE, KILLED, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The process begins to tell of its end. A killed one is dead for everybody already.
    pub(crate) fn mark_leaving(&self) {
        let lives =
            self.status.compare_exchange(ALIVE, LEAVING, Ordering::AcqRel, Ordering::Acquire);
        if lives.is_err() {
            self.status.store(KILLED_LEAVING, Ordering::Release);
        }
    }

    pub(crate) fn mark_dead(&self) {
        self.status.store(DEAD, Ordering::Release);
    }

    /// To be called by the process itself; by others only to look.
    pub(crate) fn private<T>(&self, change: impl FnOnce(&mut Private) -> T) -> T {
        change(&mut self.private.lock())
    }
}

impl Private {
    pub(crate) fn new(trapping: bool, takes_stop: bool, restarts: u32) -> Self {
        Self { trapping, takes_stop, restarts, ..Self::default() }
    }

    pub(crate) fn possessions(&mut self) -> &mut Possessions {
        self.possessions.get_or_insert_default()
    }

    /// Has something released when the process ends; false if it has ended already.
    pub(crate) fn inherit(&mut self, owned: Arc<dyn Release>) -> bool {
        if self.fate.is_some() {
            return false;
        }
        self.possessions().inherit(owned);
        true
    }

    /// What there is, if there is anything.
    pub(crate) fn owned(&self) -> Option<&Possessions> {
        self.possessions.as_deref()
    }

    /// Lets go of everything; the process is ending.
    pub(crate) fn bequeath(&mut self) -> Option<Box<Possessions>> {
        self.possessions.take()
    }

    pub(crate) fn doom(&self) -> Option<&ExitReason> {
        self.owned()?.doom.as_ref()
    }

    /// Nothing but kill has hit; what has hit before counts.
    pub(crate) fn doom_by_kill(&mut self) {
        self.possessions().doom.get_or_insert_with(ExitReason::killed);
    }

    pub(crate) fn relations(&mut self) -> &mut Relations<Watcher> {
        &mut self.possessions().relations
    }

    pub(crate) fn is_linked(&self, peer: Pid) -> bool {
        self.owned().is_some_and(|owned| owned.relations.is_linked(peer))
    }
}

impl Possessions {
    /// Has something released when the process ends, unless it is already to be.
    fn inherit(&mut self, owned: Arc<dyn Release>) {
        if self.estate.iter().all(|known| known.place() != owned.place()) {
            self.estate.push(owned);
        }
    }
}

/// Everything that can be told of a process from its own side.
pub(crate) fn facts(core: &Core, private: &Private, queue_len: usize) -> Facts {
    let owned = private.owned();
    let relations = owned.map(|owned| &owned.relations);
    Facts {
        pid: core.pid,
        name: owned.and_then(|owned| owned.name.clone()),
        label: core.label,
        ancestors: core.ancestors.to_vec(),
        callers: core.ancestors.callers(),
        links: relations.map(|relations| relations.links().collect()).unwrap_or_default(),
        monitored_by: relations.map_or(0, Relations::watchers),
        monitors: relations.map_or(0, Relations::watching),
        queue_len,
        trapping: private.trapping,
        restarts: private.restarts,
        requests_expired: private.late_dropped(),
    }
}
