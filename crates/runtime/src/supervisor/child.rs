//! Child specifications: how a child starts, and what its ends mean.

use std::any::TypeId;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fauxtp_logic::backoff::Backoff;
use fauxtp_logic::supervisor::{self as machine, ChildId, ChildKind, Restart, Shutdown};

use super::{DynamicSupervisor, DynamicSupervisorName, Supervisor, SupervisorName};
use crate::behaviour::{self, Ack, StartError, StartOptions};
use crate::gen_server::GenServer;
use crate::guard::Harmless;
use crate::mailbox::Mailbox;
use crate::names::{Name, Receives, claim_at_start};
use crate::process::{self, into_body};
use crate::registry::Registry;
use crate::shared::{Claim, Claims, Handle, Tie};
use crate::stop::Outcome;

/// What a child starts from, besides its own arguments.
pub(crate) struct Ground {
    /// Names the child has before its `init`.
    pub(crate) claims: Claims,
    /// How often it has been restarted before.
    pub(crate) restarts: u32,
    pub(crate) mailbox: Mailbox,
}

impl Ground {
    pub(crate) fn options(self, label: &'static str) -> StartOptions {
        let mut options = StartOptions::new(label);
        self.apply(&mut options);
        options
    }

    fn apply(self, options: &mut StartOptions) {
        options.birth.tie = Tie::Supervised;
        options.birth.restarts = self.restarts;
        options.birth.mailbox = self.mailbox;
        options.claims.extend(self.claims);
    }
}

/// Launches one incarnation of a child; what becomes of it is told to the acknowledgement.
pub(super) type Launch = dyn Fn(Ground, Ack) -> Result<Handle, StartError> + Send + Sync;

/// A local name, and the claim of it.
#[derive(Clone)]
struct LocalName {
    text: Arc<str>,
    claim: Claim,
}

/// How a child starts; all the machine keeps of it. One word, for it travels in requests.
#[derive(Clone)]
pub struct Factory(Arc<Recipe>);

#[derive(Clone)]
struct Recipe {
    /// Holds the arguments, which are the user's.
    launch: Arc<Harmless<Box<Launch>>>,
    timeout: Option<Duration>,
    mailbox: Mailbox,
    name: Option<LocalName>,
    /// Which messages the child takes, if it takes any.
    messages: Option<TypeId>,
    /// What is wrong with it, found while it was put together.
    fault: Option<StartError>,
}

impl fmt::Debug for Factory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Factory").field("timeout", &self.0.timeout).finish_non_exhaustive()
    }
}

impl Factory {
    /// Launches the child, which registers under `id` if there is a registry.
    pub(crate) fn launch(
        &self,
        id: &ChildId,
        registry: Option<&Registry>,
        restarts: u32,
        ack: Ack,
    ) -> Result<Handle, StartError> {
        let local = self.0.name.as_ref().map(|name| name.claim.clone());
        let keyed = registry.map(|registry| registry.claim(id.to_string(), ()));
        let claims = local.into_iter().chain(keyed).collect();
        let child = (self.0.launch)(Ground { claims, restarts, mailbox: self.0.mailbox }, ack)?;
        child.core().executor.scheduler().named(child.core().pid, id);
        Ok(child)
    }

    pub(crate) fn fault(&self) -> Option<&StartError> {
        self.0.fault.as_ref()
    }

    pub(crate) fn local_name(&self) -> Option<&Arc<str>> {
        self.0.name.as_ref().map(|name| &name.text)
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.0.timeout
    }

    fn change(&mut self) -> &mut Recipe {
        Arc::make_mut(&mut self.0)
    }
}

/// How one child starts, and what its ends mean (CON-06).
///
/// A child restarts only after an error unless told otherwise ([`Restart::OnError`]); it gets 5 seconds to
/// shut down, and is registered under its name in the supervisor's registry.
///
/// # Examples
/// ```
/// use fauxtp::{ChildSpec, supervisor::{Restart, Shutdown}, prelude::*};
/// let poller = ChildSpec::task("poller", || async { std::future::pending::<()>().await })
///     .restart(Restart::Permanent)
///     .shutdown(Shutdown::Timeout(Duration::from_secs(1)));
/// # let _ = poller;
/// ```
#[derive(Clone, Debug)]
pub struct ChildSpec {
    pub(crate) spec: machine::ChildSpec<Factory>,
    /// Whether the id was said, and is not just the name.
    id_given: bool,
}

impl ChildSpec {
    pub(crate) fn worker(
        id: impl Into<String>,
        messages: Option<TypeId>,
        launch: impl Fn(Ground, Ack) -> Result<Handle, StartError> + Send + Sync + 'static,
    ) -> Self {
        let recipe = Recipe {
            launch: Arc::new(Harmless::new(Box::new(launch))),
            timeout: None,
            mailbox: Mailbox::UNBOUNDED,
            name: None,
            messages,
            fault: None,
        };
        let spec = machine::ChildSpec::worker(id.into(), Factory(Arc::new(recipe)));
        Self { spec, id_given: false }
    }

    /// A server, started with a copy of `args` each time (SUP-082).
    pub fn new<S: GenServer<Args: Clone + Sync>>(name: impl Into<String>, args: S::Args) -> Self {
        Self::worker(name, Some(TypeId::of::<S::Message>()), move |ground, ack| {
            let mut start = S::start(args.clone());
            ground.apply(start.options());
            Ok(start.launch(ack)?.handle())
        })
    }

    /// A plain async task: no messages, started as soon as it is spawned, stopped at its next await.
    ///
    /// The task fails with the error it returns, or by panicking.
    pub fn task<F, T>(name: impl Into<String>, task: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output: Outcome> + Send + 'static,
    {
        let task = Arc::new(task);
        Self::process(name, move |_: process::Context<std::convert::Infallible>| {
            let task = task.clone();
            async move { task().await }
        })
    }

    /// A raw process, started as soon as it is spawned.
    pub fn process<M, F, T>(name: impl Into<String>, body: F) -> Self
    where
        M: Send + 'static,
        F: Fn(process::Context<M>) -> T + Send + Sync + 'static,
        T: Future<Output: Outcome> + Send + 'static,
    {
        let body = Arc::new(body);
        Self::worker(name, Some(TypeId::of::<M>()), move |ground, ack| {
            let body = body.clone();
            let mut options = ground.options(std::any::type_name::<T>());
            // Nothing here understands a stop request; it is taken as an exit signal.
            options.birth.takes_stop = false;
            let address =
                behaviour::launch(options, move |ctx| async move { into_body(body(ctx)).await })?;
            // It has no `init` that could fail, so that nobody need wait until it runs.
            ack.begun();
            Ok(address.handle())
        })
    }

    /// A supervisor with its own children. It is restarted whatever its reason ([`Restart::Permanent`]), so
    /// that a supervisor that has given up is a failure of this one (SUP-057), and it may take as long as it
    /// needs to shut down.
    pub fn supervisor(
        name: impl Into<String>,
        make: impl Fn() -> Supervisor + Send + Sync + 'static,
    ) -> Self {
        let messages = TypeId::of::<<SupervisorName as Receives>::Message>();
        Self::of_supervisor(name, messages, move |ground, ack| {
            make().launch(ground.options("Supervisor"), ack)
        })
    }

    /// A dynamic supervisor; otherwise as [`supervisor`](Self::supervisor).
    pub fn dynamic_supervisor(
        name: impl Into<String>,
        make: impl Fn() -> DynamicSupervisor + Send + Sync + 'static,
    ) -> Self {
        let messages = TypeId::of::<<DynamicSupervisorName as Receives>::Message>();
        Self::of_supervisor(name, messages, move |ground, ack| {
            make().launch(ground.options("DynamicSupervisor"), ack)
        })
    }

    fn of_supervisor(
        name: impl Into<String>,
        messages: TypeId,
        launch: impl Fn(Ground, Ack) -> Result<Handle, StartError> + Send + Sync + 'static,
    ) -> Self {
        let mut child = Self::worker(name, Some(messages), launch).restart(Restart::Permanent);
        child.spec.kind = ChildKind::Supervisor;
        child.shutdown(Shutdown::Infinity)
    }

    /// Has something done about every launch.
    pub(super) fn around(
        mut self,
        around: impl Fn(&Launch, Ground, Ack) -> Result<Handle, StartError> + Send + Sync + 'static,
    ) -> Self {
        let inner = self.spec.start.0.launch.clone();
        let launch: Box<Launch> = Box::new(move |ground, ack| around(&***inner, ground, ack));
        self.spec.start.change().launch = Arc::new(Harmless::new(launch));
        self
    }

    /// Whether the child takes messages of this type.
    pub(super) fn takes(&self, messages: TypeId) -> bool {
        self.spec.start.0.messages == Some(messages)
    }

    /// Registers the child under a local name as well. Its id, unless one is [given](Self::id), is that text.
    pub fn name<S: Receives + 'static>(mut self, name: &Name<S>) -> Self {
        if self.spec.start.0.messages != Some(TypeId::of::<S::Message>()) {
            self.spec.start.change().fault = Some(StartError::NameOfOtherType);
        }
        if !self.id_given {
            self.spec.id = name.as_str().into();
        }
        if name.as_str().is_empty() {
            self.spec.start.change().fault = Some(StartError::BadName);
        }
        let text = name.as_str().into();
        let claim = claim_at_start(name);
        self.spec.start.change().name = Some(LocalName { text, claim });
        self
    }

    /// The name within the supervisor, and in its registry.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.spec.id = id.into().into();
        self.id_given = true;
        self
    }

    /// Which ends restart it.
    #[must_use]
    pub const fn restart(mut self, restart: Restart) -> Self {
        self.spec.restart = restart;
        self
    }

    /// How it is stopped.
    #[must_use]
    pub const fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.spec.shutdown = shutdown;
        self
    }

    /// Whether its end may end the supervisor (SUP-120).
    #[must_use]
    pub const fn significant(mut self) -> Self {
        self.spec.significant = true;
        self
    }

    /// Waits between restarts, longer each time; the supervisor is not blocked meanwhile (SUP-060).
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.spec.backoff = Some(backoff);
        self
    }

    /// Gives its `init` this long (SUP-010). Unless set, it may take as long as it likes.
    #[must_use]
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.spec.start.change().timeout = Some(timeout);
        self
    }

    /// The mailbox of each incarnation; unbounded unless told otherwise. Supervisors and plain tasks make no
    /// use of it.
    #[must_use]
    pub fn mailbox(mut self, mailbox: Mailbox) -> Self {
        self.spec.start.change().mailbox = mailbox;
        self
    }
}

/// The part of [`GenServer`] that supervisors need.
#[diagnostic::on_unimplemented(
    message = "no child specification can be made of `{Self}`",
    note = "it is a `GenServer` whose arguments are `Clone + Sync`: each restart starts from a copy of them",
    note = "a task is supervised by `ChildSpec::task`"
)]
pub trait Spec: GenServer<Args: Clone + Sync> {
    /// A child specification; its name is the server's type until it is given one.
    fn spec(args: Self::Args) -> ChildSpec {
        let path = std::any::type_name::<Self>();
        let short = path.split('<').next().and_then(|path| path.rsplit("::").next());
        ChildSpec::new::<Self>(short.unwrap_or(path), args)
    }
}

impl<S: GenServer<Args: Clone + Sync>> Spec for S {}
