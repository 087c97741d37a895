//! Processes: what they are, how they start, and what may be done with them.
//!
//! A process is a future with a pid, an inbox and a fate. It ends exactly once, with exactly one
//! [`ExitReason`], and everybody who is linked with it or watches it hears of that.
//!
//! ```text
//!                 ┌ take in signals ─► doomed? ──────────────┐
//!   poll ────────►│                                          ├─► farewell ─► links, watchers
//!                 └ poll the body ──► ready? panic? doomed? ─┘
//! ```
//!
//! The [`Context`] here is a process's own; the prelude's is that of a server, and has everything this one has.
//!
//! # Examples
//! ```
//! use fauxtp::process::{self, Received};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> fauxtp::Result {
//! let greeter = process::spawn(async |mut ctx: process::Context<String>| {
//!     while let Received::Message(name) = ctx.recv().await {
//!         assert_eq!(name, "Joe");
//!         return;
//!     }
//! })?;
//! greeter.send("Joe".to_owned());
//! assert!(process::join(&greeter).await.is_normal());
//! # Ok(())
//! # }
//! ```
//!
//! Links, monitors, timers, and receiving what is wanted first:
//!
//! ```
//! use std::time::Duration;
//! use fauxtp::process::{self, Context, Peek, Received, Trap};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> fauxtp::Result {
//! let watcher = process::spawn(async |mut ctx: Context<&'static str>| {
//!     ctx.trap_exits(Trap::On);
//!     let (_worker, monitor) = ctx.spawn_monitor(async |_: Context<()>| panic!("boom")).expect("in a runtime");
//!     ctx.send_after(Duration::from_millis(1), "tick");
//!     // The message first, whichever comes first.
//!     let tick = ctx.recv_where(|item| matches!(item, Peek::Message(_))).await;
//!     assert!(matches!(tick, Received::Message("tick")));
//!     let Received::Down(down) = ctx.recv().await else { panic!("nothing else comes") };
//!     assert_eq!(down.monitor, monitor);
//!     assert!(down.reason.panic().is_some());
//! })?;
//! assert!(process::join(&watcher).await.is_normal());
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//! A process is stopped between two polls. Code that blocks or never awaits cannot be stopped from
//! outside, only marked dead (RUST-001). A build with `panic = "abort"` has no supervision at all.

mod context;
mod intake;
mod life;
mod farewell;

use std::future::Future;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fauxtp_logic::reason::Failure;
use fauxtp_logic::signal::Origin;
use fauxtp_logic::{ExitReason, Pid, Ref};

use crate::address::Address;
use crate::current;
use crate::cycle::Watching;
use crate::executor::{self, Executor, NoRuntime};
use crate::facts::Facts;
use crate::guard;
use crate::hierarchy::Asker;
use crate::mailbox::{Mailbox, Shared};
use crate::shared::{Ancestors, Core, Handle, Private, Tie};
use crate::signal::{NOBODY, Signal, Watcher, fresh_ref};
use crate::slot;
use crate::stop::Outcome;
use crate::sync::atomic::Ordering;
use crate::table;
use crate::waiting::{Watch, recalled};

pub use context::{Context, NoProc, OwnedTask, Peek, Received, Timer, Trap};
pub(crate) use context::{Either, Limit, Wait};

use life::Life;

/// How a process starts, before it has a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Birth {
    pub(crate) tie: Tie,
    pub(crate) mailbox: Mailbox,
    pub(crate) label: &'static str,
    /// Whether it is a behaviour, which takes a stop as a request.
    pub(crate) takes_stop: bool,
    pub(crate) trapping: bool,
    pub(crate) restarts: u32,
    /// On whose behalf it runs, if it is a task.
    pub(crate) caller: Option<Pid>,
}

impl Birth {
    pub(crate) fn new(label: &'static str) -> Self {
        Self {
            tie: Tie::None,
            mailbox: Mailbox::UNBOUNDED,
            label,
            takes_stop: false,
            trapping: false,
            restarts: 0,
            caller: None,
        }
    }
}

/// Starts a process, and lets it run. The one that starts it may watch it by a monitor of its own.
pub(crate) fn start<M, F>(
    birth: Birth,
    watched: Option<Ref>,
    body: impl FnOnce(Context<M>) -> F,
) -> Result<Address<M>, NoRuntime>
where
    M: Send + 'static,
    F: Future<Output = ExitReason> + Send + 'static,
{
    let process = launch(birth, watched, |_| Ok::<_, NoRuntime>(()), body)?;
    process.handle().rouse();
    Ok(process)
}

/// Makes a process that does not run before it is roused, whoever sends it what. Links and watchers are in place
/// before it is first polled (PROC-013), and so is what it claims; if it does not get that, nothing of it is left.
pub(crate) fn launch<M, F, E: From<NoRuntime>>(
    birth: Birth,
    watched: Option<Ref>,
    claim: impl FnOnce(&Handle) -> Result<(), E>,
    body: impl FnOnce(Context<M>) -> F,
) -> Result<Address<M>, E>
where
    M: Send + 'static,
    F: Future<Output = ExitReason> + Send + 'static,
{
    guard::install_hook();
    executor::when_a_runtime_ends(end_all_of);
    let parent = current::with(Arc::clone);
    let executor = match &parent {
        Some(parent) => parent.core().executor.clone(),
        None => executor::current()?,
    };
    let mut ancestors = parent.as_ref().map(|parent| lineage(parent.core())).unwrap_or_default();
    if let Some(caller) = birth.caller {
        ancestors = behalf(&ancestors, caller);
    }
    let tie = if parent.is_some() { birth.tie } else { Tie::None };
    let shared = table::enter(executor.scheduler().fresh_pid(), |pid| {
        let mut private = Private::new(birth.trapping, birth.takes_stop, birth.restarts);
        if let Some(parent) = &parent {
            bind(parent.core(), pid, &mut private, tie, watched);
        }
        let core = Core::new(pid, tie, ancestors, executor.clone(), birth.label, private);
        core.acknowledged.store(!birth.takes_stop, Ordering::Relaxed);
        let shared = Arc::new(Shared::new(core, birth.mailbox));
        (shared.clone() as _, shared)
    });
    let scheduler = executor.scheduler();
    scheduler.born(shared.core.pid, parent.as_ref().map(|parent| parent.core().pid), birth.label);
    let address = Address::new(shared.clone());
    let unborn = Unborn { shared: Some(&shared), watched };
    if let Err(refused) = claim(&address.handle()) {
        unborn.refused();
        return Err(refused);
    }
    let body = body(Context::new(shared.clone(), birth.mailbox.is_bounded()));
    unborn.born();
    executor::embody(&shared, Life::new(shared.clone(), body));
    // A context may outlive its process.
    let gone = |parent: &Handle| parent.core().private(|private| private.fate.is_some());
    if let Some(parent) = parent.filter(|parent| tie != Tie::None && gone(parent)) {
        orphan(shared, parent.core().pid);
    }
    Ok(address)
}

/// Puts in place what is between a process and the one that starts it.
fn bind(parent: &Core, pid: Pid, private: &mut Private, tie: Tie, watched: Option<Ref>) {
    let at_parents = |bind: &dyn Fn(&mut Private)| {
        parent.private(|parent| {
            if parent.fate.is_none() {
                bind(parent)
            }
        });
    };
    if tie != Tie::None {
        let link = fresh_ref();
        if tie != Tie::Supervised {
            private.relations().link(parent.pid, link);
        }
        at_parents(&|parent| parent.relations().link(pid, link));
    }
    if let Some(id) = watched {
        private.relations().watched_by(id, Watcher::Process(parent.pid, None));
        at_parents(&|parent| parent.relations().watch(id, pid));
    }
}

/// Ends every process of a runtime that is gone (RUST-004).
fn end_all_of(executor: &Executor) {
    for process in table::list() {
        if std::ptr::eq(&*process.core().executor, executor) {
            process.end();
        }
    }
}

/// Tells a child that its parent was gone before the two were tied.
fn orphan(child: Handle, parent: Pid) {
    let reason = ExitReason::no_proc();
    let _gone_as_well = child.signal(Signal::Exit { from: parent, origin: Origin::Link, reason });
}

/// A process that has no body yet. If making the body panics, the starter has the panic, and nothing of the
/// process is left (RUST-002), nor if it does not get what it claims.
struct Unborn<'a, M: Send + 'static> {
    shared: Option<&'a Arc<Shared<M>>>,
    watched: Option<Ref>,
}

impl<M: Send + 'static> Unborn<'_, M> {
    fn born(mut self) {
        self.shared = None;
    }

    /// It ends like one that finds nothing to do: somebody may know it by a name that it did get.
    fn refused(self) {
        if let Some(shared) = self.shared {
            shared.core.private(|private| private.possessions().doom = Some(ExitReason::Normal));
        }
    }
}

impl<M: Send + 'static> Drop for Unborn<'_, M> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared {
            shared.core.acknowledged.store(false, Ordering::Relaxed);
            let watched = self.watched;
            current::with(|parent| {
                parent.core().private(|private| watched.map(|id| private.relations().unwatch(id)));
            });
            drop(Life::new(shared.clone(), std::future::pending::<ExitReason>()));
        }
    }
}

/// The ancestors of this process's children; made once and shared by all of them.
fn lineage(parent: &Core) -> Ancestors {
    let supervised = parent.tie == Tie::Supervised;
    let make = || parent.ancestors.of_children_of(parent.pid, supervised);
    parent.private(|private| private.possessions().lineage.get_or_insert_with(make).clone())
}

/// The ancestors of a task that `caller` has asked for.
fn behalf(ancestors: &Ancestors, caller: Pid) -> Ancestors {
    let process = table::find(caller);
    let callers = process.map(|process| process.core().ancestors.clone()).unwrap_or_default();
    ancestors.on_behalf_of(caller, &callers)
}

/// Starts a process that runs `body`.
///
/// # Errors
/// [`NoRuntime`] outside of a tokio runtime.
pub fn spawn<M, F>(body: impl FnOnce(Context<M>) -> F) -> Result<Address<M>, NoRuntime>
where
    M: Send + 'static,
    F: Future<Output: Outcome> + Send + 'static,
{
    spawn_with(Mailbox::UNBOUNDED, body)
}

/// Starts a process whose mailbox is `mailbox`.
///
/// # Errors
/// [`NoRuntime`] outside of a tokio runtime.
pub fn spawn_with<M, F>(
    mailbox: Mailbox,
    body: impl FnOnce(Context<M>) -> F,
) -> Result<Address<M>, NoRuntime>
where
    M: Send + 'static,
    F: Future<Output: Outcome> + Send + 'static,
{
    let birth = Birth { mailbox, ..Birth::new(std::any::type_name::<F>()) };
    start(birth, None, |ctx| into_body(body(ctx)))
}

pub(crate) async fn into_body<F: Future<Output: Outcome>>(body: F) -> ExitReason {
    body.await.into_reason()
}

/// Waits until a process has ended, and tells why. `noproc` if it had ended before: a pid remembers nothing. Whoever has
/// an address can ask that, see [`Address::join`].
///
/// # Cancel safety
/// Strict: nothing is lost and nothing is left behind.
pub async fn join(process: impl Into<Pid>) -> ExitReason {
    Watch::begin(process.into()).wait().await
}

impl<M: Send + 'static> Address<M> {
    /// Waits until the process has ended, and tells why, however late it is asked.
    ///
    /// # Cancel safety
    /// Strict: nothing is lost and nothing is left behind.
    ///
    /// # Examples
    /// ```
    /// use fauxtp::process::{self, Context};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> fauxtp::Result {
    /// let done = process::spawn(async |_: Context<()>| Err::<(), _>(std::fmt::Error))?;
    /// assert!(done.join().await.is_error());
    /// assert!(done.join().await.is_error()); // it is remembered as long as somebody has the address
    /// # Ok(()) }
    /// ```
    pub async fn join(&self) -> ExitReason {
        join_or_recall(self.handle()).await
    }
}

/// The same for somebody who has a way to the process, and so learns the reason however late he asks.
pub(crate) async fn join_or_recall(process: Handle) -> ExitReason {
    recalled(join(process.core().pid).await, &process)
}

/// Why a stop did not end well.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StopError {
    /// There was no such process.
    NoProc,
    /// It ended, but with another reason.
    Exited(ExitReason),
    /// It had not ended in time; it still ends.
    Timeout,
    /// The process would wait for its own end. Nothing was asked for.
    CallingSelf,
    /// The process would wait for the end of a supervisor which has to wait for this process: it is in its `init`, or
    /// it traps exits. The supervisor has been asked, and ends as soon as this one lets it.
    Deadlock,
}

impl std::fmt::Display for StopError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoProc => f.write_str("stop process: no such process"),
            Self::Exited(reason) => {
                write!(f, "stop process: it ended with another reason: {reason:#}")
            }
            Self::Timeout => f.write_str("stop process: it had not ended in time"),
            Self::CallingSelf => f.write_str("stop process: a process cannot wait for its own end"),
            Self::Deadlock => f.write_str("stop process: it ends, but has to wait for the caller"),
        }
    }
}

impl std::error::Error for StopError {}

/// What may be done with any process whose pid is known.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no pid",
    note = "take the pid of a process: `address.pid()`"
)]
pub trait PidExt: Copy {
    /// Sends an exit signal (PROC-003). Returns at once; nothing happens if the process has ended. A supervisor
    /// ignores those of strangers (SUP-029); [`stop`](Self::stop) it. The reason kill, sent like this, is the
    /// kill signal; only over a link it is a reason like others (PROC-004).
    fn exit(self, reason: ExitReason);

    /// Ends the process, trapping or not; its reason is *killed* and none of its code runs any more
    /// (PROC-011). [`is_alive`](Self::is_alive) is false at once (PROC-009); whoever waits for the end waits
    /// until the process's code has returned to its next await (RUST-001).
    fn kill(self);

    /// Whether the process may still do anything. If it is just ending, this waits until everybody concerned has
    /// been told; that takes microseconds.
    fn is_alive(self) -> bool;

    /// Asks the process to end and waits until it has: its `terminate` has run and its names are free
    /// (GS-049). `None` waits for ever; a timeout is as coarse as a [call's](crate::Call::timeout). A raw process
    /// takes the request as an exit signal.
    ///
    /// # Errors
    /// [`StopError`]: no such process, another reason, too late, or the caller itself.
    ///
    /// # Cancel safety
    /// The request stays in force; only the waiting ends.
    fn stop(
        self,
        reason: ExitReason,
        timeout: Option<Duration>,
    ) -> impl Future<Output = Result<(), StopError>> + Send;

    /// What the process tells about itself, or nothing if it has ended first.
    ///
    /// # Cancel safety
    /// Strict.
    fn info(self) -> impl Future<Output = Option<Facts>> + Send;
}

impl PidExt for Pid {
    fn exit(self, reason: ExitReason) {
        if matches!(reason, ExitReason::Error(Failure::Kill)) {
            return self.kill();
        }
        if let Some(process) = table::find(self) {
            let from = current::pid().unwrap_or(NOBODY);
            let _ended_already =
                process.signal(Signal::Exit { from, origin: Origin::Sent, reason });
        }
    }

    fn kill(self) {
        if let Some(process) = table::find(self) {
            process.core().mark_killed();
            let _ended_already = process.signal(Signal::Kill);
        }
    }

    fn is_alive(self) -> bool {
        current::find_alive(self).is_some()
    }

    async fn stop(self, reason: ExitReason, timeout: Option<Duration>) -> Result<(), StopError> {
        let from = current::pid().unwrap_or(NOBODY);
        let waits_for_us = |asker: Asker| asker.is_waited_for_by(self) || asker.would_outwait(self);
        if from == self {
            return Err(StopError::CallingSelf);
        }
        let is_circle = Asker::current().is_some_and(waits_for_us);
        let asked_for = reason.clone();
        let mut asked_for = Some((from, asked_for));
        // Before it is asked: it may run on the spot.
        let _waiting = Watching::begin(self);
        let (mut watch, asked) = std::future::poll_fn(|cx| {
            let (from, reason) = asked_for.take().expect("it is ready at once");
            let stop = |id, watcher| Signal::Stop { from, reason, id, watcher };
            let send = |process: Handle, stop| match is_circle {
                true => process.signal(stop),
                false => process.signal_and_wait(stop, cx),
            };
            Poll::Ready(Watch::by(self, stop, send))
        })
        .await;
        if is_circle && asked {
            return Err(StopError::Deadlock);
        }
        match watch.wait_for(timeout).await {
            None => Err(StopError::Timeout),
            Some(_) if !asked => Err(StopError::NoProc),
            Some(ended) if ended == reason => Ok(()),
            Some(ended) => Err(StopError::Exited(ended)),
        }
    }

    async fn info(self) -> Option<Facts> {
        let (promise, mut pledge) = slot::promise();
        let inquiry = Signal::Inquire(Box::new(move |facts| {
            let _nobody_asks_any_more = promise.keep(facts);
        }));
        table::find(self)?.signal(inquiry).ok()?;
        pledge.wait().await.ok()
    }
}

/// Says whether an idle callee may run on its caller's stack, in the whole program; it may unless told otherwise.
///
/// Whoever calls, starts or stops a process, and waits for it, then does its work himself, without a
/// detour over the run queue: a call costs a fraction. Only an idle process of the same runtime runs so, never one
/// that is queued or running, at most four deep, and only as often between two yields as tokio's budget for one
/// poll allows. What remains:
///
/// - Code that blocks or computes for long, on the spot, holds up everything else in its caller's task: a timeout
///   around the call, or a second call joined with it. A program with such handlers should switch this off, or
///   better move that work to `spawn_blocking`.
/// - The callee runs in its caller's tokio task: it sees that task's locals and tracing span, and
///   `block_in_place` panics if the caller is in a `LocalSet`.
pub fn run_callees_on_the_spot(allow: bool) {
    executor::allow_on_the_spot(allow);
}

/// All processes there are, in no meaningful order.
#[must_use]
pub fn list() -> Vec<Pid> {
    table::list().iter().map(|process| process.core().pid).collect()
}

/// The pid of the process this code runs in, if it runs in one.
#[must_use]
pub fn current_pid() -> Option<Pid> {
    current::pid()
}

/// The number of timers that are set in this runtime; for leak checks.
#[must_use]
pub fn timers_pending() -> usize {
    executor::current().map_or(0, |executor: Arc<Executor>| executor.timers().pending())
}
