//! Supervisors: they start children in order, watch them, restart those that fail, and stop them in
//! reverse order.
//!
//! What to do is decided by a pure machine (`fauxtp_logic::supervisor`); the process here only carries out.
//!
//! ```text
//!   inbox ─► shell::next_event ─► Machine::on_event(now, event) ─► [Stop(c), Stop(a), Start(a), …]
//!                  ▲                                                     │ one at a time
//!                  └──────────────── Stopped · Started ◄─────────────────┘
//! ```
//!
//! # Examples
//! ```
//! use fauxtp::{ChildSpec, Supervisor, prelude::*};
//! # #[derive(Clone)] struct Worker;
//! # impl GenServer for Worker {
//! #     type Args = ();
//! #     type Message = Reply<u8>;
//! #     async fn init((): (), _: &mut Context<Self>) -> Result<Self> { Ok(Worker) }
//! #     async fn handle(&mut self, from: Reply<u8>, _: &mut Context<Self>) -> Result { from.send(1); Ok(()) }
//! # }
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
//! let registry = Registry::start().await?;
//! let sup = Supervisor::new([
//!     ChildSpec::new::<Worker>("worker-1", ()),
//!     ChildSpec::new::<Worker>("worker-2", ()),
//! ])
//! .registry(&registry)
//! .start()
//! .await?;
//! assert!(registry.get("worker-1").is_some());
//! sup.stop().await?;
//! assert!(registry.get("worker-1").is_none());
//! # Ok(()) }
//! ```

mod child;
mod handle;
mod orphans;
mod shell;
mod dynamic;
mod ensure;

use std::collections::BTreeSet;
use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fauxtp_logic::{ExitReason, Pid};

use crate::address::Address;
use crate::behaviour::{self, Ack, StartError, StartOptions, Starting};
use crate::executor::NoRuntime;
use crate::names::{Name, Receives, claim_at_start};
use crate::process;
use crate::registry::Registry;
use crate::shared::{Claim, Handle};

pub use child::{ChildSpec, Spec};
pub use dynamic::{
    DynamicSupervisor, DynamicSupervisorHandle, DynamicSupervisorName, SimpleSupervisorHandle,
    StartDynamicSupervisor,
};
pub use ensure::EnsureError;
pub use fauxtp_logic::backoff::Backoff;
pub use fauxtp_logic::budget::Intensity;
pub use fauxtp_logic::pool::{ByIdError, PoolStartError};
/// The description of a running child, as it was given; without the function that starts it.
pub use fauxtp_logic::supervisor::ChildSpec as Described;
pub use fauxtp_logic::supervisor::{
    AutoShutdown, ChildInfo, ChildKind, ChildState, Counts, DeleteChildError, FailedToStartChild,
    Flags, Restart, RestartChildError, RestartStrategy, Shutdown, SpecError, StartChildError,
    TerminateChildError,
};
pub use handle::{ManageError, SupervisorHandle};

/// Gets `(pid, reason)` of every child that ends, once per end (CON-02).
pub(crate) type Observer = Arc<dyn Fn(Pid, &ExitReason) + Send + Sync>;

/// A supervisor that has not started yet (CON-07). Awaiting it is [`start`](Self::start).
///
/// # Cancel safety
/// A start that is dropped before it is done is undone.
#[must_use = "a supervisor does nothing until it is started"]
pub struct Supervisor {
    children: Vec<ChildSpec>,
    flags: Flags,
    registry: Option<Registry>,
    observer: Option<Observer>,
    name: Option<Claim>,
    parent: Option<Handle>,
    ignored: bool,
}

/// Stands for a supervisor in [`Name`]: its messages are nobody's business.
#[derive(Debug)]
pub struct SupervisorName(());

impl Receives for SupervisorName {
    type Message = shell::Message;
}

impl Supervisor {
    /// A supervisor of these children, to be started in this order (SUP-001). Unless told otherwise:
    /// one_for_one, at most 3 restarts in 5 seconds, and a registry of its own.
    pub fn new(children: impl IntoIterator<Item = ChildSpec>) -> Self {
        Self {
            children: children.into_iter().collect(),
            flags: Flags::default(),
            registry: None,
            observer: None,
            name: None,
            parent: None,
            ignored: false,
        }
    }

    /// A supervisor that declines to start: nothing runs, its start fails with [`StartError::Ignored`], and
    /// its process ends normally (SUP-004). Below another supervisor it is kept as a child without pid, unless
    /// it is temporary.
    pub fn ignore() -> Self {
        Self { ignored: true, ..Self::new([]) }
    }

    /// Who shares the fate of a child that failed.
    pub const fn strategy(mut self, strategy: RestartStrategy) -> Self {
        self.flags.strategy = strategy;
        self
    }

    /// At most so many restarts in any period of this length; one more, and the supervisor gives up
    /// (SUP-050).
    pub const fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.flags.intensity = Intensity::new(restarts, period);
        self
    }

    /// As many restarts as it takes. It still lets others run between two attempts.
    pub const fn unlimited(mut self) -> Self {
        self.flags.intensity = Intensity::UNLIMITED;
        self
    }

    /// Whether the end of significant children ends the supervisor (SUP-120).
    pub const fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.flags.auto_shutdown = auto_shutdown;
        self
    }

    /// Registers children in this registry instead of one of its own (CON-08).
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.registry = Some(registry.clone());
        self
    }

    /// Tells of every child that ends: its pid and reason, once, after its names are free and before it is
    /// replaced (CON-02). Runs in the supervisor's process and must be short; if it panics, that is caught.
    pub fn on_exit(mut self, observer: impl Fn(Pid, &ExitReason) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Gives the supervisor a local name.
    pub fn name(mut self, name: &Name<SupervisorName>) -> Self {
        self.name = Some(claim_at_start(name));
        self
    }

    /// Links the supervisor with the calling process, which becomes its parent: when that ends, for
    /// whatever reason, the supervisor shuts down (SUP-028).
    pub fn link<M: Send + 'static>(mut self, parent: &process::Context<M>) -> Self {
        self.parent = Some(parent.handle());
        self
    }

    /// Starts the supervisor and all its children. Ready when the last child has started and is registered
    /// (CON-11).
    ///
    /// # Errors
    /// [`StartError`]; those children that had started have been stopped again, in reverse order (SUP-002).
    ///
    /// # Cancel safety
    /// A start that is dropped before it is done is undone.
    pub fn start(mut self) -> StartSupervisor {
        let mut options = StartOptions::new("Supervisor");
        options.parent = self.parent.take();
        let registry = self.registry.clone().unwrap_or_else(Registry::unowned);
        let (ack, pledge) = Ack::promise();
        let launched = self.launch_with(options, ack, registry.clone());
        let address = launched.as_ref().ok().cloned();
        let process = launched.map(|address| address.handle());
        StartSupervisor {
            starting: Starting::new(process, pledge, None).apart(),
            address,
            registry,
        }
    }

    pub(crate) fn launch(self, options: StartOptions, ack: Ack) -> Result<Handle, StartError> {
        let registry = self.registry.clone().unwrap_or_else(Registry::unowned);
        Ok(self.launch_with(options, ack, registry)?.handle())
    }

    fn launch_with(
        mut self,
        mut options: StartOptions,
        ack: Ack,
        registry: Registry,
    ) -> Result<Address<shell::Message>, StartError> {
        options.birth.trapping = true;
        options.claims.extend(self.name.take());
        if self.ignored {
            return behaviour::launch(options, move |_| async move {
                ack.fail_at_end(StartError::Ignored);
                ExitReason::Normal
            });
        }
        check(&self.children)?;
        let own = self.registry.is_none();
        let children = self.children.into_iter().map(|child| child.spec).collect();
        let shell =
            shell::Setting { flags: self.flags, children, registry, own, observer: self.observer };
        behaviour::launch(options, move |ctx| shell::run(shell, ctx, ack))
    }
}

/// What can be known to be wrong with the children before any of them has run (SUP-005), and the machine does not see.
fn check(children: &[ChildSpec]) -> Result<(), StartError> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for factory in children.iter().map(|child| &child.spec.start) {
        if let Some(fault) = factory.fault() {
            return Err(fault.clone());
        }
        if let Some(name) = factory.local_name().filter(|name| !names.insert(name)) {
            return Err(StartError::Spec(SpecError::DuplicateName(name.clone())));
        }
    }
    Ok(())
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("flags", &self.flags)
            .field("children", &self.children)
            .finish()
    }
}

impl IntoFuture for Supervisor {
    type Output = Result<SupervisorHandle, StartError>;
    type IntoFuture = StartSupervisor;

    fn into_future(self) -> StartSupervisor {
        self.start()
    }
}

/// A supervisor that is starting.
///
/// # Cancel safety
/// A start that is dropped before it is done is undone: what had been started is killed.
#[must_use = "a start that is dropped is undone"]
pub struct StartSupervisor {
    starting: Starting,
    /// Kept from the launch: a supervisor may have given up by the time its start is looked at (SUP-009).
    address: Option<Address<shell::Message>>,
    registry: Registry,
}

impl Future for StartSupervisor {
    type Output = Result<SupervisorHandle, StartError>;

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        let outcome = std::task::ready!(Pin::new(&mut self.starting).poll(cx));
        let address = self.address.take().ok_or(StartError::NoRuntime(NoRuntime::Absent));
        let registry = self.registry.clone();
        std::task::Poll::Ready(
            outcome.and_then(|_pid| Ok(SupervisorHandle::new(address?, registry))),
        )
    }
}

impl fmt::Debug for StartSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartSupervisor").finish_non_exhaustive()
    }
}
