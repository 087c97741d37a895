//! Dynamic supervisors: children come and go in any number, in no order, each with a specification of its own.
//!
//! Nothing blocks: while one child is slow to start or to stop, all others are served. A child's `init` runs
//! in the child, its acknowledgement is one message to the supervisor; callers that start children wait for
//! nothing but their own.
//!
//! As in Elixir's `DynamicSupervisor` children are restarted one for one (DYN-001); as OTP's
//! `simple_one_for_one`, all from one template, with [`DynamicSupervisor::simple_one_for_one`] (SUP-110).

mod handle;
mod shell;

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fauxtp_logic::budget::Intensity;
use fauxtp_logic::pool::{Flavour, Pool, PoolFlags};
use fauxtp_logic::supervisor::AutoShutdown;
use fauxtp_logic::{ExitReason, Pid};

use super::{ChildSpec, Observer};
use crate::address::Address;
use crate::behaviour::{self, Ack, StartError, StartOptions, Starting};
use crate::executor::NoRuntime;
use crate::names::{Name, Receives, claim_at_start};
use crate::process;
use crate::registry::Registry;
use crate::shared::{Claim, Handle};
use shell::Message;

pub(super) use handle::check;
pub use handle::{DynamicSupervisorHandle, SimpleSupervisorHandle};

/// A dynamic supervisor that has not started yet. Awaiting it is [`start`](Self::start).
///
/// # Cancel safety
/// A start that is dropped before it is done is undone.
///
/// # Examples
/// ```
/// use fauxtp::{prelude::*, supervisor::Restart};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
/// let sessions = DynamicSupervisor::new().max_children(1_000).start().await?;
/// let session = ChildSpec::task("session", || std::future::pending::<()>());
/// let pid = sessions.start_child(session.restart(Restart::Temporary)).await.expect("there is room");
/// assert_eq!(sessions.count_children().await?.active, 1);
/// sessions.terminate_child(pid.expect("it runs")).await.expect("it is a child");
/// assert_eq!(sessions.count_children().await?.active, 0);
/// # Ok(()) }
/// ```
#[must_use = "a supervisor does nothing until it is started"]
pub struct DynamicSupervisor {
    flags: PoolFlags,
    registry: Option<Registry>,
    observer: Option<Observer>,
    name: Option<Claim>,
    parent: Option<Handle>,
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
            parent: None,
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
    pub fn link<M: Send + 'static>(mut self, parent: &process::Context<M>) -> Self {
        self.parent = Some(parent.handle());
        self
    }

    /// Starts the supervisor.
    ///
    /// # Errors
    /// [`StartError`].
    ///
    /// # Cancel safety
    /// A start that is dropped before it is done is undone.
    pub fn start(mut self) -> StartDynamicSupervisor {
        let mut options = StartOptions::new("DynamicSupervisor");
        options.parent = self.parent.take();
        let flags = self.flags;
        let (ack, pledge) = Ack::promise();
        let launched = self.launch_address(options, ack);
        let address = launched.as_ref().ok().cloned();
        let process = launched.map(|address| address.handle());
        StartDynamicSupervisor {
            address,
            flags,
            starting: Starting::new(process, pledge, None).apart(),
        }
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
        Ok(SimpleSupervisorHandle::new(handle, Arc::new(template)))
    }

    /// Whether the end of significant children ends the supervisor; only with a template (SUP-123, DYN-010).
    pub const fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.flags.auto_shutdown = auto_shutdown;
        self
    }

    pub(crate) fn launch(self, options: StartOptions, ack: Ack) -> Result<Handle, StartError> {
        self.launch_address(options, ack).map(|address| address.handle())
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
        behaviour::launch(options, move |ctx| shell::run(pool, registry, observer, ctx, ack))
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
///
/// # Cancel safety
/// A start that is dropped before it is done is undone: what had been started is killed.
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
            Ok(DynamicSupervisorHandle::new(address, flags))
        }))
    }
}

impl fmt::Debug for StartDynamicSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartDynamicSupervisor").finish_non_exhaustive()
    }
}
