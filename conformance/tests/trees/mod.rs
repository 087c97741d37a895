//! Supervised probes that log what happens to them and do as they are told.

#![allow(unreachable_pub, reason = "shared by several test files")]
#![allow(dead_code, reason = "not every test file uses everything")]

use crate::pools::reports;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use fauxtp::SupervisorHandle;
use fauxtp::prelude::*;
use fauxtp::process::{self, Trap};
use fauxtp::reason::MaxRestartsReached;
use fauxtp::supervisor::ChildState;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// What happened, in order, each at its virtual millisecond.
///
/// `>a` the init of `a` begins, `+a` it is through, `!a` it failed, `?a` its `terminate` begins (if it
/// traps exits), `-a` its state is dropped: it is gone, however it ended.
#[derive(Clone, Debug)]
pub struct Log {
    events: Arc<Mutex<Vec<(u64, String)>>>,
    since: Instant,
}

impl Log {
    pub fn new() -> Self {
        reports::install();
        Self { events: Arc::default(), since: Instant::now() }
    }

    pub fn push(&self, event: impl Into<String>) {
        let now = self.now();
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push((now, event.into()));
    }

    /// The virtual milliseconds since the log began, in whole tens: timers are never early, but each may be
    /// up to a millisecond late.
    pub fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX) / 10 * 10
    }

    /// What has happened since the last look, with times.
    pub fn take_timed(&self) -> Vec<(u64, String)> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What has happened since the last look, as one line.
    pub fn take(&self) -> String {
        let events: Vec<_> = self.take_timed().into_iter().map(|(_, event)| event).collect();
        events.join(" ")
    }

    /// How often this has happened since the last look.
    pub fn count(&self, event: &str) -> usize {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().filter(|(_, other)| other == event).count()
    }
}

/// What one `init` does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    Up,
    /// Comes up, and ends so at once.
    UpThen(End),
    Fail,
    Panic,
    Ignore,
    /// Comes up after so many virtual milliseconds.
    Slow(u64),
    /// Comes up when the gate is opened.
    Gate,
}

/// How a probe ends by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    Normal,
    Shutdown,
    ShutdownWith,
    Killed,
    Error,
    Panic,
}

pub const ENDS: [End; 6] =
    [End::Normal, End::Shutdown, End::ShutdownWith, End::Killed, End::Error, End::Panic];

/// What `terminate` does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Last {
    /// The probe does not trap exits: it has no `terminate` when it is shut down.
    Untrapped,
    /// Takes so many virtual milliseconds.
    Slow(u64),
    /// Never returns.
    Never,
    Panic,
}

/// A pid and its supervisor's.
type Born = (Pid, Option<Pid>);

/// What a probe is started with, every time.
#[derive(Clone)]
pub struct Plan {
    pub id: &'static str,
    pub log: Log,
    pub last: Last,
    inits: Arc<Mutex<(VecDeque<Init>, Init)>>,
    gate: Arc<Semaphore>,
    /// Of the last start: its pid, and its supervisor's.
    born: Arc<Mutex<Option<Born>>>,
}

impl Plan {
    pub fn new(log: &Log, id: &'static str) -> Self {
        Self {
            id,
            log: log.clone(),
            last: Last::Untrapped,
            inits: Arc::new(Mutex::new((VecDeque::new(), Init::Up))),
            gate: Arc::new(Semaphore::new(0)),
            born: Arc::default(),
        }
    }

    pub fn last(mut self, last: Last) -> Self {
        self.last = last;
        self
    }

    /// What the next starts do; those after them, as `always` says.
    pub fn next<const N: usize>(self, inits: [Init; N]) -> Self {
        self.then(inits);
        self
    }

    /// The same for a plan in use.
    pub fn then<const N: usize>(&self, next: [Init; N]) {
        self.inits.lock().unwrap_or_else(PoisonError::into_inner).0.extend(next);
    }

    pub fn always(self, init: Init) -> Self {
        self.forever(init);
        self
    }

    pub fn forever(&self, init: Init) {
        self.inits.lock().unwrap_or_else(PoisonError::into_inner).1 = init;
    }

    /// Lets one start through that waits at the gate.
    pub fn open(&self) {
        self.gate.add_permits(1);
    }

    /// The process that was started last.
    pub fn pid(&self) -> Pid {
        self.born().0
    }

    /// The supervisor that started it last.
    pub fn parent(&self) -> Pid {
        self.born().1.expect("it has a supervisor")
    }

    fn born(&self) -> Born {
        let born = *self.born.lock().unwrap_or_else(PoisonError::into_inner);
        born.expect("a probe of this plan has started")
    }

    pub fn spec(&self) -> ChildSpec {
        ChildSpec::new::<Probe>(self.id, self.clone())
    }

    fn next_init(&self) -> Init {
        let mut inits = self.inits.lock().unwrap_or_else(PoisonError::into_inner);
        let usual = inits.1;
        inits.0.pop_front().unwrap_or(usual)
    }
}

/// A server that does as its plan says.
pub struct Probe {
    plan: Plan,
    count: u32,
}

pub enum Ask {
    End(End),
    /// Counts up, and answers with the number.
    Count(Reply<u32>),
    /// Unlinks from the supervisor.
    Unlink(Reply<()>),
    /// Handles nothing any more until killed.
    Hang,
}

#[derive(Debug)]
pub struct Oops;

impl std::fmt::Display for Oops {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("oops")
    }
}

impl std::error::Error for Oops {}

impl GenServer for Probe {
    type Args = Plan;
    type Message = Ask;

    async fn init(plan: Plan, ctx: &mut Context<Self>) -> Result<Self> {
        plan.log.push(format!(">{}", plan.id));
        *plan.born.lock().unwrap_or_else(PoisonError::into_inner) = Some((ctx.pid(), ctx.parent()));
        if plan.last != Last::Untrapped {
            ctx.trap_exits(Trap::On);
        }
        let init = plan.next_init();
        if matches!(init, Init::Fail | Init::Panic | Init::Ignore) {
            plan.log.push(format!("!{}", plan.id));
        }
        match init {
            Init::Up => {}
            Init::UpThen(end) => ctx.continue_with(Ask::End(end)),
            Init::Fail => return Err(Oops.into()),
            Init::Panic => panic!("init of {} panics", plan.id),
            Init::Ignore => return Err(Stop::ignore()),
            Init::Slow(millis) => pass(ctx, millis).await,
            Init::Gate => plan.gate.acquire().await.expect("is never closed").forget(),
        }
        plan.log.push(format!("+{}", plan.id));
        Ok(Self { plan, count: 0 })
    }

    async fn handle(&mut self, message: Ask, ctx: &mut Context<Self>) -> Result {
        match message {
            Ask::End(End::Normal) => return Err(Stop::normal()),
            Ask::End(End::Shutdown) => return Err(Stop::shutdown()),
            Ask::End(End::ShutdownWith) => ctx.stop(ExitReason::shutdown_with("why")),
            Ask::End(End::Killed) => ctx.pid().kill(),
            Ask::End(End::Error) => return Err(Oops.into()),
            Ask::End(End::Panic) => panic!("{} panics", self.plan.id),
            Ask::Count(from) => {
                self.count += 1;
                from.send(self.count);
            }
            Ask::Unlink(from) => {
                ctx.unlink(self.plan.parent());
                from.send(());
            }
            Ask::Hang => std::future::pending().await,
        }
        Ok(())
    }

    async fn terminate(&mut self, _: &ExitReason, ctx: &mut Context<Self>) {
        if self.plan.last != Last::Untrapped {
            self.plan.log.push(format!("?{}", self.plan.id));
        }
        match self.plan.last {
            Last::Untrapped => {}
            Last::Slow(millis) => pass(ctx, millis).await,
            Last::Never => std::future::pending().await,
            Last::Panic => panic!("terminate of {} panics", self.plan.id),
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.plan.log.push(format!("-{}", self.plan.id));
    }
}

/// Lets virtual time pass inside a process.
async fn pass(ctx: &mut Context<Probe>, millis: u64) {
    if millis > 0 {
        let nothing = ctx.recv_where_timeout(|_| false, ms(millis)).await;
        assert!(nothing.is_none());
    }
}

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Lets everybody run who can run at this moment of virtual time. Needs a current-thread runtime.
pub async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Lets virtual time pass, and everybody act on it.
pub async fn later(millis: u64) {
    settle().await;
    tokio::time::advance(ms(millis)).await;
    settle().await;
}

/// The running process of a child.
pub fn pid(sup: &SupervisorHandle, id: &str) -> Pid {
    sup.whereis(id).unwrap_or_else(|| panic!("{id} runs"))
}

/// The running process of a child, typed.
pub fn probe(sup: &SupervisorHandle, id: &str) -> Address<Ask> {
    sup.child::<Probe>(id).resolve().unwrap_or_else(|| panic!("{id} runs"))
}

/// Has a child end so; returns when it is gone. Its supervisor hears of it before whatever it is asked next.
pub async fn end(sup: &SupervisorHandle, id: &str, how: End) -> ExitReason {
    end_of(&probe(sup, id), how).await
}

pub async fn end_of(probe: &Address<Ask>, how: End) -> ExitReason {
    let ended = process::join(probe.pid());
    let ((), reason) = tokio::join!(async { probe.cast(Ask::End(how)) }, ended);
    reason
}

/// Each child by its name, oldest first: `a` runs, `a~` is restarting, `a.` is stopped.
pub async fn states(sup: &SupervisorHandle) -> String {
    let children = sup.which_children().await.expect("the supervisor lives");
    let shown = children.iter().rev().map(|child| match child.state {
        ChildState::Running(_) => child.id.to_string(),
        ChildState::Restarting => format!("{}~", child.id),
        ChildState::Stopped => format!("{}.", child.id),
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Whether a supervisor ended because its restart budget was spent.
pub fn gave_up(reason: &ExitReason) -> bool {
    reason.is_shutdown() && reason.downcast_ref::<MaxRestartsReached>().is_some()
}

/// Plans by these names.
pub fn plans<const N: usize>(log: &Log, ids: [&'static str; N]) -> [Plan; N] {
    ids.map(|id| Plan::new(log, id))
}
