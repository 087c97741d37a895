//! What all behaviours share: a start that is acknowledged.
//!
//! ```text
//!   starter                        new process
//!   launch ───────────────────────► claims its names ─► init ─► acknowledges ─► loop
//!   waits ◄── Ok ────────────────────────────────────────┘
//!         ◄── Err, after its farewell: nothing is left ── (taken name, failed init, kill)
//! ```

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use fauxtp_logic::{ExitReason, Pid};
use tokio::time::Sleep;

use crate::address::Address;
use crate::clock;
use crate::executor::NoRuntime;
use crate::guard::{guarded, panicked};
use crate::mailbox::ZeroCapacity;
use crate::process::{self, Birth, PidExt};
use crate::shared::{Handle, Process, Tie};
use crate::signal::Signal;
use crate::slot::{self, Broken, Pledge, Promise};
use crate::stop::{Manner, Stop};
use crate::table;

/// Why a process did not start. Nothing of it is left (PL-003).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StartError {
    /// There is no tokio runtime here.
    NoRuntime,
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
    /// Its mailbox could hold no message.
    ZeroCapacity,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRuntime => fmt::Display::fmt(&NoRuntime, f),
            Self::AlreadyStarted(pid) => write!(f, "start process: name is taken by {pid}"),
            Self::BadName => f.write_str("start process: a name must not be empty"),
            Self::Ignored => f.write_str("start process: its init ignored the start"),
            Self::Timeout => f.write_str("start process: not acknowledged in time"),
            Self::Failed(reason) => write!(f, "start process: it failed: {reason:#}"),
            Self::Spec(error) => write!(f, "start process: {error}"),
            Self::ZeroCapacity => fmt::Display::fmt(&ZeroCapacity, f),
        }
    }
}

impl std::error::Error for StartError {}

impl From<NoRuntime> for StartError {
    fn from(_: NoRuntime) -> Self {
        Self::NoRuntime
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

/// Takes a name for a new process, in that process, before its `init`.
pub(crate) type Claim = Box<dyn FnOnce(&Handle) -> Result<(), StartError> + Send>;

/// What an acknowledgement says.
pub(crate) type Ack = Promise<Result<(), StartError>>;

/// How a behaviour starts.
pub(crate) struct StartOptions {
    pub(crate) birth: Birth,
    pub(crate) claims: Vec<Claim>,
    pub(crate) timeout: Option<Duration>,
}

impl StartOptions {
    pub(crate) fn new(label: &'static str) -> Self {
        let birth = Birth { takes_stop: true, ..Birth::new(label) };
        Self { birth, claims: Vec::new(), timeout: None }
    }
}

/// Starts a behaviour; the future is ready when it has acknowledged, or is gone.
pub(crate) fn start<M, F>(
    options: StartOptions,
    body: impl FnOnce(process::Context<M>, Ack) -> F + Send + 'static,
) -> Starting<M>
where
    M: Send + 'static,
    F: Future<Output = ExitReason> + Send + 'static,
{
    let (ack, pledge) = slot::promise(None);
    let claims = options.claims;
    let launched = process::launch(options.birth, None, |ctx| async move {
        let handle = ctx.handle();
        if let Err(error) = claims.into_iter().try_for_each(|claim| claim(&handle)) {
            part_from_parent(&handle);
            ack.keep_at_end(Err(error));
            return ExitReason::Normal;
        }
        drop(handle);
        body(ctx, ack).await
    });
    let sleep = options.timeout.map(|timeout| Box::pin(clock::sleep_until(clock::now().plus(timeout))));
    match launched {
        Ok(address) => Starting { address: Some(address), pledge, sleep, outcome: None },
        Err(error) => Starting { address: None, pledge, sleep: None, outcome: Some(error.into()) },
    }
}

/// Runs `init` and acknowledges; gives the state, or the reason to end with.
pub(crate) async fn init<S>(
    handle: &Handle,
    ack: Ack,
    init: impl Future<Output = crate::Result<S>>,
) -> Result<S, ExitReason> {
    let stop = match guarded(init).await {
        Ok(Ok(state)) => {
            let _starter_is_gone = ack.keep(Ok(()));
            return Ok(state);
        }
        Ok(Err(stop)) => stop,
        Err(report) => Stop::because(panicked(report)),
    };
    part_from_parent(handle);
    handle.core().private(|private| private.ending = true);
    Err(match stop.manner() {
        Manner::Plain => {
            ack.keep_at_end(Err(StartError::Failed(stop.reason().clone())));
            stop.into_reason()
        }
        Manner::Quiet => {
            ack.keep_at_end(Err(StartError::Failed(stop.into_reason())));
            ExitReason::Normal
        }
        Manner::Ignore => {
            ack.keep_at_end(Err(StartError::Ignored));
            ExitReason::Normal
        }
    })
}

/// A start that failed is told to the starter as an error, and not by an exit as well (PL-004).
fn part_from_parent(child: &Handle) {
    let core = child.core();
    let Some(parent) = core.parent().filter(|_| core.tie == Tie::Linked) else { return };
    let parent_handle = table::find(parent);
    for id in core.private(|private| private.relations().unlink(parent)) {
        if let Some(parent) = &parent_handle {
            let _ended_already = parent.signal(Signal::Unlink { from: core.pid, id });
        }
    }
}

/// A start under way. Dropping it before it is done kills what had been started.
#[must_use = "a start that is dropped is undone"]
pub(crate) struct Starting<M: Send + 'static> {
    /// Until the start is done.
    address: Option<Address<M>>,
    pledge: Pledge<Result<(), StartError>>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// What the start has failed with, although the process may not be gone yet.
    outcome: Option<StartError>,
}

/// How long a killed start may take to be gone before it is left behind (RUST-001).
const GRACE: Duration = Duration::from_secs(5);

impl<M: Send + 'static> Starting<M> {
    /// The process that is being started.
    pub(crate) fn pid(&self) -> Option<Pid> {
        self.address.as_ref().map(Address::pid)
    }
}

impl<M: Send + 'static> Future for Starting<M> {
    type Output = Result<Address<M>, StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(address) = &this.address else {
            return Poll::Ready(Err(this.outcome.take().unwrap_or(StartError::NoRuntime)));
        };
        if let Poll::Ready(outcome) = this.pledge.poll(cx) {
            let error = match (outcome, this.outcome.take()) {
                (_, Some(error)) => error,
                (Ok(Ok(())), None) => {
                    let started = address.clone();
                    this.address = None;
                    return Poll::Ready(Ok(started));
                }
                (Ok(Err(error)), None) => error,
                (Err(Broken::Exited(reason)), None) => StartError::Failed(reason),
                (Err(Broken::Dropped), None) => StartError::Failed(ExitReason::killed()),
            };
            this.address = None;
            return Poll::Ready(Err(error));
        }
        let pid = address.pid();
        while let Some(sleep) = &mut this.sleep {
            if sleep.as_mut().poll(cx).is_pending() {
                break;
            }
            if this.outcome.is_some() {
                this.address = None;
                return Poll::Ready(Err(StartError::Timeout));
            }
            pid.kill();
            this.outcome = Some(StartError::Timeout);
            this.sleep = Some(Box::pin(clock::sleep_until(clock::now().plus(GRACE))));
        }
        Poll::Pending
    }
}

impl<M: Send + 'static> Drop for Starting<M> {
    fn drop(&mut self) {
        if let Some(address) = self.address.take() {
            address.pid().kill();
        }
    }
}
