//! Dynamic supervisors: children come and go in any number, in no order, each with a specification of its own.
//!
//! Nothing blocks: while one child is slow to start or to stop, all others are served. A child's `init` runs
//! in the child, its acknowledgement is one message to the supervisor; callers that start children wait for
//! nothing but their own.
//!
//! As in Elixir's `DynamicSupervisor` children are restarted one for one (DYN-001); as OTP's
//! `simple_one_for_one`, all from one template, with [`DynamicSupervisor::simple_one_for_one`] (SUP-110).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fauxtp_logic::budget::Intensity;
use fauxtp_logic::pool::{
    ByIdError, ChildKey, Flavour, Pool, PoolAction, PoolAnswer, PoolEvent, PoolFlags, PoolRequest,
    PoolStartError,
};
use fauxtp_logic::signal::Origin;
use fauxtp_logic::supervisor::{
    AutoShutdown, ChildInfo, ChildSpec as Described, Counts, Flags, SpecError, TerminateChildError,
};
use fauxtp_logic::tray::Item;
use fauxtp_logic::{ExitReason, Pid};

use super::child::Factory;
use super::handle::waits_for_us;
use super::shell::{ask_to_shut_down, observe};
use super::{ChildSpec, ManageError, Observer};
use crate::address::Address;
use crate::behaviour::{self, Ack, GRACE, StartError, StartOptions, Started, Starting};
use crate::call::{CallError, Reply};
use crate::clock;
use crate::executor::NoRuntime;
use crate::guard::{catch, panicked};
use crate::instrument;
use crate::mailbox::Notice;
use crate::names::{Name, Receives, claim_at_start};
use crate::process::{self, Context, PidExt, StopError};
use crate::registry::Registry;
use crate::shared::{Claim, Tie};

/// What a dynamic supervisor receives.
#[derive(Debug)]
pub enum Message {
    /// Somebody asks.
    Request(Reply<PoolAnswer>, PoolRequest<Factory>),
    /// What became of a start.
    Told(ChildKey, Started),
    /// A restart is due.
    Retry(ChildKey),
    /// A child has had its time to shut down.
    Deadline(ChildKey),
    /// A child has had its time to start.
    StartDeadline(ChildKey, Pid),
    /// A killed child has had its time to be gone.
    Unkillable(Pid),
}

/// A dynamic supervisor that has not started yet.
#[must_use = "a supervisor does nothing until it is started"]
pub struct DynamicSupervisor {
    flags: PoolFlags,
    registry: Option<Registry>,
    observer: Option<Observer>,
    name: Option<Claim>,
    linked: bool,
}

/// Stands for a dynamic supervisor in [`Name`]: its messages are nobody's business.
#[derive(Debug)]
pub struct DynamicSupervisorName(());

impl Receives for DynamicSupervisorName {
    type Message = Message;
}

impl Default for DynamicSupervisor {
    fn default() -> Self {
        Self::new()
    }
}

impl DynamicSupervisor {
    /// A supervisor without children, for any number of them; at most 3 restarts in 5 seconds.
    pub fn new() -> Self {
        Self {
            flags: PoolFlags::default(),
            registry: None,
            observer: None,
            name: None,
            linked: false,
        }
    }

    /// At most so many children, those included that start or wait for a restart (DYN-002).
    pub const fn max_children(mut self, max: usize) -> Self {
        self.flags.children_max = Some(max);
        self
    }

    /// At most so many restarts in any period of this length; one more, and the supervisor gives up.
    pub const fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.flags.intensity = Intensity::new(restarts, period);
        self
    }

    /// As many restarts as it takes.
    pub const fn unlimited(mut self) -> Self {
        self.flags.intensity = Intensity::UNLIMITED;
        self
    }

    /// Registers children under their names in this registry. Without one, children need not have different
    /// names.
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.registry = Some(registry.clone());
        self
    }

    /// Tells of every child that ends; as [`Supervisor::on_exit`](super::Supervisor::on_exit).
    pub fn on_exit(mut self, observer: impl Fn(Pid, &ExitReason) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Gives the supervisor a local name.
    pub fn name(mut self, name: &Name<DynamicSupervisorName>) -> Self {
        self.name = Some(claim_at_start(name));
        self
    }

    /// Links the supervisor with the calling process; as [`Supervisor::link`](super::Supervisor::link).
    pub fn link<M: Send + 'static>(mut self, _parent: &Context<M>) -> Self {
        self.linked = true;
        self
    }

    /// Starts the supervisor.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(self) -> StartDynamicSupervisor {
        let mut options = StartOptions::new("DynamicSupervisor");
        if self.linked {
            options.birth.tie = Tie::Linked;
        }
        let flags = self.flags;
        let (ack, pledge) = Ack::promise();
        let launched = self.launch_address(options, ack);
        let address = launched.as_ref().ok().cloned();
        let pid = launched.map(|address| address.pid());
        StartDynamicSupervisor { address, flags, starting: Starting::new(pid, pledge, None) }
    }

    /// Starts a supervisor all of whose children come from one template, which is given what
    /// [`start_child`](SimpleSupervisorHandle::start_child) is given (SUP-110).
    ///
    /// # Errors
    /// [`StartError`].
    ///
    /// # Cancel safety
    /// A start that is dropped is undone.
    pub async fn simple_one_for_one<A>(
        mut self,
        template: impl Fn(A) -> ChildSpec + Send + Sync + 'static,
    ) -> Result<SimpleSupervisorHandle<A>, StartError> {
        self.flags.flavour = Flavour::SimpleOneForOne;
        let handle = self.start().await?;
        Ok(SimpleSupervisorHandle { handle, template: Arc::new(template) })
    }

    /// Whether the end of significant children ends the supervisor; only with a template (SUP-123, DYN-010).
    pub const fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.flags.auto_shutdown = auto_shutdown;
        self
    }

    pub(crate) fn launch(self, options: StartOptions, ack: Ack) -> Result<Pid, StartError> {
        self.launch_address(options, ack).map(|address| address.pid())
    }

    fn launch_address(
        mut self,
        mut options: StartOptions,
        ack: Ack,
    ) -> Result<Address<Message>, StartError> {
        options.birth.trapping = true;
        options.claims.extend(self.name.take());
        let pool = Pool::new(self.flags).map_err(StartError::Spec)?;
        let (registry, observer) = (self.registry, self.observer);
        let address = behaviour::launch(options, ack, move |ctx, ack| async move {
            let Some(ack) = ack.claim_names(&ctx.handle()) else { return ExitReason::Normal };
            ack.ready();
            let mut shell = Shell {
                ctx,
                pool,
                starting: BTreeMap::new(),
                live: BTreeSet::new(),
                registry,
                observer,
            };
            shell.live().await
        })?;
        Ok(address)
    }
}

impl fmt::Debug for DynamicSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamicSupervisor").field("flags", &self.flags).finish_non_exhaustive()
    }
}

impl IntoFuture for DynamicSupervisor {
    type Output = Result<DynamicSupervisorHandle, StartError>;
    type IntoFuture = StartDynamicSupervisor;

    fn into_future(self) -> StartDynamicSupervisor {
        self.start()
    }
}

/// A dynamic supervisor that is starting.
#[must_use = "a start that is dropped is undone"]
pub struct StartDynamicSupervisor {
    address: Option<Address<Message>>,
    flags: PoolFlags,
    starting: Starting,
}

impl Future for StartDynamicSupervisor {
    type Output = Result<DynamicSupervisorHandle, StartError>;

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        let outcome = std::task::ready!(Pin::new(&mut self.starting).poll(cx));
        let (address, flags) = (self.address.take(), self.flags);
        std::task::Poll::Ready(outcome.and_then(|_pid| {
            let address = address.ok_or(StartError::NoRuntime(NoRuntime::Absent))?;
            Ok(DynamicSupervisorHandle { address, flags })
        }))
    }
}

impl fmt::Debug for StartDynamicSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartDynamicSupervisor").finish_non_exhaustive()
    }
}

/// A running dynamic supervisor. Dropping the handle does not end it.
#[derive(Clone, Debug)]
pub struct DynamicSupervisorHandle {
    address: Address<Message>,
    flags: PoolFlags,
}

impl DynamicSupervisorHandle {
    /// A handle for a dynamic supervisor that somebody else has started: a child of another supervisor, say.
    /// Nothing if there is none with this pid.
    #[must_use]
    pub fn of(pid: Pid) -> Option<Self> {
        Some(Self { address: Address::of(pid)?, flags: PoolFlags::default() })
    }

    /// The supervisor's pid.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.address.pid()
    }

    /// Starts a child; nothing if its `init` ignored the start (DYN-003). The specification is checked here,
    /// before the supervisor is asked (DYN-010).
    ///
    /// # Errors
    /// [`PoolStartError`]: too many children, or the child failed.
    ///
    /// # Cancel safety
    /// The child is started all the same.
    pub async fn start_child(
        &self,
        child: ChildSpec,
    ) -> Result<Option<Pid>, ManageError<PoolStartError>> {
        self.check(&child)?;
        match self.ask(PoolRequest::StartChild(child.spec)).await? {
            PoolAnswer::StartChild(outcome) => outcome.map_err(ManageError::Refused),
            other => Err(ManageError::Call(ended(other))),
        }
    }

    fn check(&self, child: &ChildSpec) -> Result<(), ManageError<PoolStartError>> {
        if let Some(fault) = child.spec.start.fault() {
            return Err(ManageError::Spec(fault.clone()));
        }
        let auto_shutdown = match self.flags.flavour {
            Flavour::Dynamic => AutoShutdown::Never,
            Flavour::SimpleOneForOne => self.flags.auto_shutdown,
        };
        let checked = child.spec.check(&Flags { auto_shutdown, ..Flags::default() });
        checked.map_err(|error: SpecError| ManageError::Spec(StartError::Spec(error)))
    }

    /// Stops a child, or cancels its restart if `pid` is the one it had; it is gone when this returns
    /// (DYN-006).
    ///
    /// # Errors
    /// [`TerminateChildError`]: no such child.
    ///
    /// # Cancel safety
    /// The child is stopped all the same.
    pub async fn terminate_child(&self, pid: Pid) -> Result<(), ManageError<TerminateChildError>> {
        match self.ask(PoolRequest::TerminateChild { pid, alive: pid.is_alive() }).await? {
            PoolAnswer::TerminateChild(outcome) => outcome.map_err(ManageError::Refused),
            other => Err(ManageError::Call(ended(other))),
        }
    }

    /// The children, newest first.
    ///
    /// # Errors
    /// [`CallError`] if the supervisor has ended.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn which_children(&self) -> Result<Vec<ChildInfo>, CallError> {
        match self.call(PoolRequest::WhichChildren).await? {
            PoolAnswer::WhichChildren(children) => Ok(children),
            other => Err(ended(other)),
        }
    }

    /// How many children there are (DYN-011).
    ///
    /// # Errors
    /// [`CallError`] if the supervisor has ended.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn count_children(&self) -> Result<Counts, CallError> {
        match self.call(PoolRequest::CountChildren).await? {
            PoolAnswer::CountChildren(counts) => Ok(counts),
            other => Err(ended(other)),
        }
    }

    /// The specification of a child (SUP-097).
    ///
    /// # Errors
    /// [`CallError`] if the supervisor has ended.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn child_spec_of(&self, pid: Pid) -> Result<Option<Described<()>>, CallError> {
        match self.call(PoolRequest::GetChildSpecOf(pid)).await? {
            PoolAnswer::GetChildSpec(spec) => Ok(spec),
            other => Err(ended(other)),
        }
    }

    /// Stops all children at once, each within its own time, then the supervisor (SUP-114, DYN-007).
    ///
    /// # Errors
    /// [`StopError`] if it had ended before, or ends with another reason.
    ///
    /// # Cancel safety
    /// It is stopped all the same.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.pid().stop(ExitReason::shutdown(), None).await
    }

    /// Waits until the supervisor has ended, and tells why.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn wait(&self) -> ExitReason {
        process::join(self.pid()).await
    }

    async fn ask<E>(&self, request: PoolRequest<Factory>) -> Result<PoolAnswer, ManageError<E>> {
        self.call(request).await.map_err(ManageError::Call)
    }

    async fn call(&self, request: PoolRequest<Factory>) -> Result<PoolAnswer, CallError> {
        if waits_for_us(self.pid()) {
            return Err(CallError::CallingSelf);
        }
        self.address.call(|from| Message::Request(from, request)).no_timeout().await
    }
}

fn ended(answer: PoolAnswer) -> CallError {
    match answer {
        PoolAnswer::Ending(reason) => CallError::Exited(reason),
        _ => CallError::NoReply,
    }
}

/// A running supervisor of children from one template (SUP-110).
pub struct SimpleSupervisorHandle<A> {
    handle: DynamicSupervisorHandle,
    template: Arc<dyn Fn(A) -> ChildSpec + Send + Sync>,
}

impl<A> SimpleSupervisorHandle<A> {
    /// Starts a child from the template and `extra`, which is kept for its restarts (SUP-115).
    ///
    /// # Errors
    /// [`PoolStartError`], bare (SUP-113).
    ///
    /// # Cancel safety
    /// The child is started all the same.
    pub async fn start_child(&self, extra: A) -> Result<Option<Pid>, ManageError<PoolStartError>> {
        let child = (self.template)(extra);
        self.handle.start_child(child).await
    }

    /// Children have no names here (SUP-111).
    ///
    /// # Errors
    /// Always [`ByIdError::SimpleOneForOne`], or [`CallError`] if the supervisor has ended.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn terminate_child_by_id(&self, _name: &str) -> Result<(), ManageError<ByIdError>> {
        match self.handle.ask(PoolRequest::ById).await? {
            PoolAnswer::ById(error) => Err(ManageError::Refused(error)),
            other => Err(ManageError::Call(ended(other))),
        }
    }
}

impl<A> std::ops::Deref for SimpleSupervisorHandle<A> {
    type Target = DynamicSupervisorHandle;

    fn deref(&self) -> &DynamicSupervisorHandle {
        &self.handle
    }
}

impl<A> Clone for SimpleSupervisorHandle<A> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), template: self.template.clone() }
    }
}

impl<A> fmt::Debug for SimpleSupervisorHandle<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SimpleSupervisorHandle").field(&self.handle).finish()
    }
}

/// A start under way.
#[derive(Clone, Copy, Debug)]
struct Birthing {
    pid: Pid,
    timed_out: bool,
}

struct Shell {
    ctx: Context<Message>,
    pool: Pool<Factory, Reply<PoolAnswer>>,
    starting: BTreeMap<ChildKey, Birthing>,
    live: BTreeSet<Pid>,
    registry: Option<Registry>,
    observer: Option<Observer>,
}

type Event = PoolEvent<Factory, Reply<PoolAnswer>>;

impl Shell {
    async fn live(&mut self) -> ExitReason {
        loop {
            let Some(item) = self.ctx.next_item(None).await else { continue };
            let Some(mut event) = self.event(item) else { continue };
            // A start that fails on the spot is one more event.
            let mut more = Vec::new();
            loop {
                for action in self.pool.on_event(clock::now(), event) {
                    if let PoolAction::Exit(reason) = action {
                        return reason;
                    }
                    more.extend(self.carry_out(action));
                }
                match more.pop() {
                    Some(next) => event = next,
                    None => break,
                }
            }
        }
    }

    fn event(&mut self, item: Item<Message, Notice<Message>>) -> Option<Event> {
        match item {
            Item::Message(message) => self.message(message),
            Item::Notice(Notice::Timer(timer, message)) => {
                self.ctx.timer_expired(timer);
                self.message(message)
            }
            Item::Notice(Notice::Stop { reason, .. }) => Some(PoolEvent::Shutdown(reason)),
            Item::Notice(Notice::Exit(exit)) if self.ctx.parent() == Some(exit.from) => {
                Some(PoolEvent::Shutdown(exit.reason))
            }
            // Strangers are not obeyed, and a child that only says that it ends has not ended (SUP-029).
            Item::Notice(Notice::Exit(exit)) if exit.origin == Origin::Sent => None,
            Item::Notice(Notice::Exit(exit)) => self.bury(exit.from, exit.reason),
            Item::Notice(Notice::Down(_)) => None,
        }
    }

    fn message(&mut self, message: Message) -> Option<Event> {
        match message {
            Message::Request(from, request) => Some(PoolEvent::Request(from, request)),
            Message::Retry(key) => Some(PoolEvent::Retry(key)),
            Message::Deadline(key) => Some(PoolEvent::DeadlinePassed(key)),
            Message::Told(key, outcome) => self.told(key, outcome),
            Message::StartDeadline(key, pid) => {
                let birthing =
                    self.starting.get_mut(&key).filter(|birthing| birthing.pid == pid)?;
                birthing.timed_out = true;
                pid.kill();
                None
            }
            Message::Unkillable(pid) => {
                self.live.get(&pid)?;
                instrument::unkillable(self.ctx.pid(), pid);
                self.bury(pid, ExitReason::killed())
            }
        }
    }

    fn told(&mut self, key: ChildKey, outcome: Started) -> Option<Event> {
        let Birthing { pid, timed_out } = self.starting.remove(&key)?;
        Some(match outcome {
            Ok(()) => {
                self.live.insert(pid);
                PoolEvent::Started(key, pid)
            }
            Err(_) if timed_out => PoolEvent::StartFailed(key, StartError::Timeout.into_reason()),
            Err(StartError::Ignored) => PoolEvent::StartIgnored(key),
            Err(error) => PoolEvent::StartFailed(key, error.into_reason()),
        })
    }

    fn bury(&mut self, pid: Pid, reason: ExitReason) -> Option<Event> {
        if !self.live.remove(&pid) {
            return None;
        }
        observe(self.observer.as_ref(), pid, &reason);
        Some(PoolEvent::Exited(pid, reason))
    }

    /// Does one thing; gives the event that follows on the spot, if one does.
    fn carry_out(&mut self, action: PoolAction<Reply<PoolAnswer>>) -> Option<Event> {
        match action {
            PoolAction::Start(key) => return self.start(key),
            PoolAction::Ask(pid) => ask_to_shut_down(self.ctx.pid(), pid),
            PoolAction::Kill(pid) => {
                pid.kill();
                let _fires_into_the_void = self.ctx.send_after(GRACE, Message::Unkillable(pid));
            }
            PoolAction::ArmDeadline(key, timeout) => {
                let _fires_into_the_void = self.ctx.send_after(timeout, Message::Deadline(key));
            }
            PoolAction::Retry(key, attempt) => self.retry(key, attempt),
            PoolAction::Answer(from, answer) => from.send(answer),
            PoolAction::Report(report) => instrument::supervisor(self.ctx.pid(), &report),
            PoolAction::ShutdownErrors { report, children } => {
                instrument::shutdown_errors(self.ctx.pid(), &report, children);
            }
            PoolAction::Exit(_) => unreachable!("taken care of before"),
        }
        None
    }

    fn retry(&mut self, key: ChildKey, attempt: u32) {
        match self.pool.spec_of(key).and_then(|spec| spec.backoff) {
            Some(backoff) => {
                let delay = backoff.delay(attempt, clock::jitter());
                let _fires_into_the_void = self.ctx.send_after(delay, Message::Retry(key));
            }
            None => self.ctx.address().send(Message::Retry(key)),
        }
    }

    fn start(&mut self, key: ChildKey) -> Option<Event> {
        let (Some(factory), Some(spec)) = (self.pool.start_of(key), self.pool.spec_of(key)) else {
            let reason = ExitReason::error("start child: its start function is gone");
            return Some(PoolEvent::StartFailed(key, reason));
        };
        let (factory, id) = (factory.clone(), spec.id.clone());
        let restarts = self.pool.restarts_of(key);
        let address = self.ctx.address();
        let ack = Ack::post(move |outcome| address.send(Message::Told(key, outcome)));
        let launched = catch(|| factory.launch(&id, self.registry.as_ref(), restarts, ack));
        match launched.unwrap_or_else(|report| Err(StartError::Failed(panicked(report)))) {
            Ok(pid) => {
                self.starting.insert(key, Birthing { pid, timed_out: false });
                if let Some(timeout) = factory.timeout {
                    let deadline = Message::StartDeadline(key, pid);
                    let _fires_into_the_void = self.ctx.send_after(timeout, deadline);
                }
                None
            }
            Err(error) => Some(PoolEvent::StartFailed(key, error.into_reason())),
        }
    }
}
