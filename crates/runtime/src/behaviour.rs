//! What all behaviours share: a start that is acknowledged.
//!
//! ```text
//!   starter                                       new process
//!   makes it, claims its names for it ── wakes ──► init ─► acknowledges ─► loop
//!     └─► Err: a name is taken      ◄── Ok ────────────────┘
//!                                   ◄── Err, after its farewell: nothing is left ── (failed init, kill)
//! ```

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use fauxtp_logic::{ExitReason, Pid};

use crate::address::Address;
use crate::clock;
use crate::current;
use crate::cycle::Watching;
use crate::executor::{NoRuntime, stricken};
use crate::guard::{catch, guarded, panicked};
use crate::host::Sleep;
use crate::process::{self, Birth, PidExt};
use crate::shared::{Claims, Handle, Refused, Tie};
use crate::slot::{self, Broken, Pledge, Promise};
use crate::stop::{Manner, Stop};
use crate::sync::atomic::Ordering;
use crate::table;

/// Why a process did not start. Nothing of it is left (PL-003), unless it was killed while it blocked its thread: then
/// it is waited for no longer than 5 s, and left behind with a report (RUST-001).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StartError {
    /// There is no tokio runtime here that could run it.
    NoRuntime(NoRuntime),
    /// The name is taken by this process (PL-002).
    AlreadyStarted(Pid),
    /// The name is not fit to be one: empty.
    BadName,
    /// Its `init` said that there is nothing to do (GS-002).
    Ignored,
    /// It had not acknowledged in time and was killed (PL-005).
    Timeout,
    /// It ended before it acknowledged, with this reason.
    Failed(ExitReason),
    /// Its specification is wrong; nothing was started (SUP-005).
    Spec(fauxtp_logic::supervisor::SpecError),
    /// The name is one for processes that take other messages.
    NameOfOtherType,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRuntime(error) => fmt::Display::fmt(error, f),
            Self::AlreadyStarted(pid) => write!(f, "start process: name is taken by {pid}"),
            Self::BadName => f.write_str("start process: a name must not be empty"),
            Self::Ignored => f.write_str("start process: its init ignored the start"),
            Self::Timeout => f.write_str("start process: not acknowledged in time"),
            Self::Failed(reason) => write!(f, "start process: it failed: {reason:#}"),
            Self::Spec(error) => write!(f, "start process: {error}"),
            Self::NameOfOtherType => {
                f.write_str("start process: the name is one for processes that take other messages")
            }
        }
    }
}

impl std::error::Error for StartError {}

impl From<NoRuntime> for StartError {
    fn from(error: NoRuntime) -> Self {
        Self::NoRuntime(error)
    }
}

impl StartError {
    /// The exit reason that says the same.
    #[must_use]
    pub fn into_reason(self) -> ExitReason {
        match self {
            Self::Failed(reason) => reason,
            Self::Timeout => ExitReason::Error(fauxtp_logic::reason::Failure::Timeout),
            other => ExitReason::error(other),
        }
    }
}

/// What becomes of a start, told once: to a future that waits, or to an inbox.
///
/// Dropped untold, it tells that the process ended, once it has.
pub(crate) struct Ack {
    teller: Option<Teller>,
}

enum Teller {
    Promise(Promise<Started>),
    Post(Box<dyn FnOnce(Started) + Send>),
}

/// What becomes of a start.
pub(crate) type Started = Result<(), StartError>;

impl Ack {
    /// To be waited for.
    pub(crate) fn promise() -> (Self, Pledge<Started>) {
        let (promise, pledge) = slot::promise();
        (Self { teller: Some(Teller::Promise(promise)) }, pledge)
    }

    /// To be called with what became of the start, from the new process's task; from its starter's if it has none of its
    /// own to tell of.
    pub(crate) fn post(tell: impl FnOnce(Started) + Send + 'static) -> Self {
        Self { teller: Some(Teller::Post(Box::new(tell))) }
    }

    /// Lets somebody else hear of it first.
    pub(crate) fn overheard(mut self, hear: impl FnOnce(&Started) + Send + 'static) -> Self {
        let teller = self.teller.take();
        Self::post(move |outcome| {
            hear(&outcome);
            match teller {
                Some(Teller::Promise(promise)) => {
                    let _starter_is_gone = promise.keep(outcome);
                }
                Some(Teller::Post(tell)) => tell(outcome),
                None => {}
            }
        })
    }

    /// The current process has started.
    pub(crate) fn ready(self) {
        current::with_borrowed(|process| {
            process.core().acknowledged.store(true, Ordering::Release)
        });
        self.begun();
    }

    /// A process has started that is never asked whether it has.
    pub(crate) fn begun(mut self) {
        match self.teller.take() {
            Some(Teller::Promise(promise)) => {
                let _starter_is_gone = promise.keep(Ok(()));
            }
            Some(Teller::Post(tell)) => tell(Ok(())),
            None => {}
        }
    }

    /// The start has failed; told when the process is gone.
    pub(crate) fn fail_at_end(mut self, error: StartError) {
        match self.teller.take() {
            Some(Teller::Promise(promise)) => promise.keep_at_end(Err(error)),
            Some(Teller::Post(tell)) => current::unkept(Box::new(move |_| tell(Err(error)))),
            None => {}
        }
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        if let Some(Teller::Post(tell)) = self.teller.take() {
            current::unkept(Box::new(move |reason| {
                let reason = reason.cloned().unwrap_or_else(ExitReason::killed);
                tell(Err(StartError::Failed(reason)));
            }));
        }
    }
}

/// How a behaviour starts.
pub(crate) struct StartOptions {
    pub(crate) birth: Birth,
    pub(crate) claims: Claims,
    pub(crate) timeout: Option<Duration>,
    /// Whom to link with, instead of the process this runs in.
    pub(crate) parent: Option<Handle>,
}

impl StartOptions {
    pub(crate) fn new(label: &'static str) -> Self {
        let birth = Birth { takes_stop: true, ..Birth::new(label) };
        Self { birth, claims: Claims::new(), timeout: None, parent: None }
    }
}

/// Launches a behaviour; it has its names, and has to be woken and to be acknowledged.
pub(crate) fn launch<M, F>(
    options: StartOptions,
    body: impl FnOnce(process::Context<M>) -> F,
) -> Result<Address<M>, StartError>
where
    M: Send + 'static,
    F: Future<Output = ExitReason> + Send + 'static,
{
    let StartOptions { mut birth, claims, parent, .. } = options;
    let entered = parent.clone().map(current::enter);
    if parent.is_some() {
        birth.tie = Tie::Linked;
    }
    let child = process::launch(birth, None, |process| claim_all(claims, process), body)?;
    drop(entered);
    Ok(child)
}

/// Takes names for a process. Their keys are the user's, and may panic.
fn claim_all(claims: Claims, process: &Handle) -> Result<(), StartError> {
    for claim in claims {
        let refused = match catch(|| claim(process)) {
            Ok(Ok(())) => continue,
            Ok(Err(refused)) => refused,
            Err(report) => Refused::Because(panicked(report)),
        };
        return Err(match refused {
            Refused::Taken(pid) => StartError::AlreadyStarted(pid),
            Refused::Unfit => StartError::BadName,
            Refused::Because(reason) => StartError::Failed(reason),
        });
    }
    Ok(())
}

/// Runs the current process's `init` and acknowledges; gives the state, or the reason to end with.
#[allow(
    clippy::manual_async_fn,
    reason = "an `async fn` would have its parameters in the frame twice"
)]
pub(crate) fn init<S, F>(
    ack: Ack,
    init: F,
) -> impl Future<Output = Result<S, ExitReason>> + use<S, F>
where
    F: Future<Output = crate::Result<S>>,
{
    async move {
        let fail = |reason| Err(Stop::because(reason));
        let stop = match guarded(stricken(init, fail)).await {
            Ok(Ok(state)) => {
                ack.ready();
                return Ok(state);
            }
            Ok(Err(stop)) => stop,
            Err(report) => Stop::because(panicked(report)),
        };
        current::with_borrowed(|process| process.core().private(|private| private.ending = true));
        Err(match stop.manner() {
            Manner::Plain => {
                ack.fail_at_end(StartError::Failed(stop.reason().clone()));
                stop.into_reason()
            }
            Manner::Quiet => {
                ack.fail_at_end(StartError::Failed(stop.into_reason()));
                ExitReason::Normal
            }
            Manner::Ignore => {
                ack.fail_at_end(StartError::Ignored);
                ExitReason::Normal
            }
        })
    }
}

/// How long a killed process may take to be gone before it is left behind (RUST-001).
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// A start under way. Dropping it before it is done kills what had been started.
#[must_use = "a start that is dropped is undone"]
pub(crate) struct Starting {
    /// Until the start is done.
    child: Option<Handle>,
    /// Whether the child still has to be woken.
    newborn: bool,
    pledge: Pledge<Started>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// What the start has failed with, although the process may not be gone yet.
    failed: Option<StartError>,
    waiting: Option<Watching>,
}

impl Starting {
    pub(crate) fn new(
        launched: Result<Handle, StartError>,
        pledge: Pledge<Started>,
        timeout: Option<Duration>,
    ) -> Self {
        let (child, failed) = match launched {
            Ok(child) => (Some(child), None),
            Err(error) => (None, Some(error)),
        };
        let sleep = timeout
            .filter(|_| child.is_some())
            .map(|timeout| Box::pin(clock::sleep_until(clock::now().plus(timeout))));
        Self { child, newborn: true, pledge, sleep, failed, waiting: None }
    }

    /// A child that has been roused already: not even its `init` may hold up whoever waits.
    pub(crate) fn apart(mut self) -> Self {
        if let Some(child) = self.child.clone().filter(|_| std::mem::take(&mut self.newborn)) {
            // Before it runs: it may wait for us.
            self.waiting = Some(Watching::begin(child.core().pid));
            child.rouse();
        }
        self
    }

    fn finish(&mut self, outcome: Result<Pid, StartError>) -> Poll<Result<Pid, StartError>> {
        self.child = None;
        self.waiting = None;
        Poll::Ready(outcome)
    }
}

impl Future for Starting {
    type Output = Result<Pid, StartError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let newborn = std::mem::take(&mut this.newborn);
        let Some(child) = &this.child else {
            let error = this.failed.take().unwrap_or(StartError::NoRuntime(NoRuntime::Absent));
            return Poll::Ready(Err(error));
        };
        let pid = child.core().pid;
        this.waiting.get_or_insert_with(|| Watching::begin(pid)).goes_on();
        if newborn {
            // The starter waits anyway: `init` may run on its stack.
            child.clone().rouse_and_wait(cx);
        }
        if let Poll::Ready(outcome) = this.pledge.poll(cx) {
            let outcome = match (outcome, this.failed.take()) {
                (_, Some(error)) | (Ok(Err(error)), None) => Err(error),
                (Ok(Ok(())), None) => Ok(pid),
                (Err(Broken::Exited(reason)), None) => Err(StartError::Failed(reason)),
                (Err(Broken::Dropped), None) => Err(StartError::Failed(ExitReason::killed())),
            };
            return this.finish(outcome);
        }
        while let Some(sleep) = &mut this.sleep {
            if sleep.as_mut().poll(cx).is_pending() {
                break;
            }
            if this.failed.is_some() {
                let starter = current::pid().unwrap_or(crate::signal::NOBODY);
                crate::instrument::unkillable(starter, pid);
                return this.finish(Err(StartError::Timeout));
            }
            give_up(child);
            this.failed = Some(StartError::Timeout);
            this.sleep = Some(Box::pin(clock::sleep_until(clock::now().plus(GRACE))));
        }
        Poll::Pending
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            give_up(&child);
            if self.newborn {
                child.rouse();
            }
        }
    }
}

/// Kills what its parent had begun to start; first parts the parent from it, so that the kill does not come back
/// over the link (PL-005), whoever waits for the start.
fn give_up(child: &Handle) {
    let core = child.core();
    if let Some(parent) = core.parent().and_then(table::find) {
        parent.core().private(|private| {
            if private.is_linked(core.pid) {
                private.relations().unlink(core.pid);
            }
        });
    }
    core.pid.kill();
}
