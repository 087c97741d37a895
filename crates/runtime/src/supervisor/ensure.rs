//! Keys whose holders are started when somebody asks for them.
//!
//! The tenant of a key is a child of the registry's own dynamic supervisor, its *home*. Whoever finds a key vacant posts
//! one request to the home and waits like everybody else; nothing is lost if he stops waiting.

use std::any::TypeId;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use fauxtp_logic::Pid;
use fauxtp_logic::pool::PoolFlags;

use super::ChildSpec;
use super::dynamic::{self, DynamicSupervisor, DynamicSupervisorHandle};
use crate::address::Address;
use crate::behaviour::{Ack, StartError, StartOptions};
use crate::current;
use crate::cycle::{self, Cycle, Suspicion, Watching};
use crate::names::Receives;
use crate::process::PidExt;
use crate::registry::{Registry, Stage, Tenancy, Tenant, Via};
use crate::table;

/// Why there is no process under a key (CALL-008).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EnsureError {
    /// The registry has ended.
    Closed,
    /// The registry allows duplicates, so a key cannot mean one process (REG-007).
    Duplicate,
    /// The process did not start; or its specification is wrong, and nothing was started.
    Start(StartError),
    /// This process holds the key, and takes other messages.
    OtherType(Pid),
    /// The process that starts waits for the caller. It goes on to start.
    Deadlock(Cycle),
}

impl fmt::Display for EnsureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("ensure key: the registry has ended"),
            Self::Duplicate => {
                f.write_str("ensure key: the registry allows duplicate keys, so none is a name")
            }
            Self::Start(error) => fmt::Display::fmt(error, f),
            Self::OtherType(pid) => {
                write!(f, "ensure key: it is held by {pid}, which takes other messages")
            }
            Self::Deadlock(cycle) => write!(f, "ensure key: would wait for itself: {cycle}"),
        }
    }
}

impl std::error::Error for EnsureError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Shown as it is; what is behind it is behind this.
            Self::Start(error) => error.source(),
            _ => None,
        }
    }
}

impl<K, V> Registry<K, V>
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Clone + Default + Send + Sync + 'static,
{
    /// Gives the process under `key`, and starts it from `spec` if there is none (CALL-008).
    ///
    /// Of many who ask at the same time one has it started, and all get the same; so there is one process per session,
    /// room or connection, without anybody being responsible for starting it. Where there is a process, `spec` does
    /// not matter. One that is between two lives is waited for, until it holds the key again.
    ///
    /// The processes are children of a dynamic supervisor of the registry's own, which starts with the first of them
    /// and is told to shut down when the registry ends. Each is restarted as its `spec` says, and takes the key again
    /// before its `init`; its value is the default one. If they fail more than 3 times in 5 seconds together, that
    /// supervisor gives up and ends them all, and the next `ensure` starts another one.
    ///
    /// It takes as long as the `init` takes, unless [`start_timeout`](ChildSpec::start_timeout) says otherwise.
    ///
    /// # Errors
    /// [`EnsureError`], the same for everybody who waited for this start. Whoever asks later has it started anew.
    ///
    /// # Cancel safety
    /// Dropped before it was polled, it does nothing. Dropped later, the process is started all the same.
    ///
    /// # Examples
    /// ```
    /// use fauxtp::prelude::*;
    /// struct Room(u64);
    ///
    /// # #[cfg(feature = "macros")]
    /// #[gen_server]
    /// impl Room {
    ///     fn init() -> Self {
    ///         Self(0)
    ///     }
    ///
    ///     #[call]
    ///     fn enter(&mut self) -> u64 {
    ///         self.0 += 1;
    ///         self.0
    ///     }
    /// }
    ///
    /// # #[cfg(feature = "macros")]
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
    /// let rooms: Registry = Registry::start().await?;
    /// assert_eq!(rooms.ensure::<Room>("lobby", Room::spec(())).await?.enter().await, Ok(1));
    /// assert_eq!(rooms.ensure::<Room>("lobby", Room::spec(())).await?.enter().await, Ok(2));
    /// assert_eq!(rooms.ensure::<Room>("attic", Room::spec(())).await?.enter().await, Ok(1));
    /// # Ok(()) }
    /// # #[cfg(not(feature = "macros"))] fn main() {}
    /// ```
    pub async fn ensure<S: Receives>(
        &self,
        key: impl Into<K>,
        spec: ChildSpec,
    ) -> Result<Via<S, K, V>, EnsureError> {
        let key = key.into();
        let via = self.via(key.clone());
        check::<S, K, V>(self, &spec)?;
        // Ends when there is a process or a start has failed: it goes round only if somebody has ended meanwhile.
        loop {
            let tenant = match self.nursery().take(&key) {
                Err(tenant) => tenant,
                Ok(tenancy) => match self.get(&key) {
                    Some(holder) => {
                        tenancy.withdraw();
                        return known_to::<S>(holder).map(|()| via);
                    }
                    None => self.settle_in(tenancy, spec.clone())?,
                },
            };
            let mut wait = Wait::default();
            if let Some(holder) =
                poll_fn(|cx| self.poll_tenant(&key, &tenant, &mut wait, cx)).await?
            {
                return known_to::<S>(holder).map(|()| via);
            }
        }
    }

    /// Has the tenant started, and waits for nothing.
    fn settle_in(&self, tenancy: Tenancy<K>, spec: ChildSpec) -> Result<Arc<Tenant>, EnsureError> {
        let tenant = tenancy.tenant.clone();
        let home = match self.home() {
            Ok(home) => home,
            Err(EnsureError::Start(error)) => {
                tenancy.told(&Err(error.clone()));
                return Err(EnsureError::Start(error));
            }
            Err(error) => return Err(error),
        };
        let (registry, tenancy) = (self.clone(), Arc::new(tenancy));
        home.request_child(spec.around(move |launch, mut ground, ack| {
            ground.claims.push(registry.claim(tenancy.key.clone(), V::default()));
            let told = tenancy.clone();
            let launched = launch(ground, ack.overheard(move |outcome| told.told(outcome)));
            match &launched {
                Ok(child) => tenancy.launched(child.core().pid),
                Err(error) => tenancy.told(&Err(error.clone())),
            }
            launched
        }));
        Ok(tenant)
    }

    /// The supervisor of all tenants; started if there is none. It runs where the registry does, whoever asks.
    fn home(&self) -> Result<DynamicSupervisorHandle, EnsureError> {
        let mut home = self.nursery().home.lock();
        if let Some(handle) =
            home.filter(|home| home.is_alive()).and_then(DynamicSupervisorHandle::of)
        {
            return Ok(handle);
        }
        // Closed first and then looked for a home: whoever closes the registry finds this one, or is found here.
        if !self.is_open() {
            return Err(EnsureError::Closed);
        }
        let options = StartOptions::new("DynamicSupervisor");
        let launch = || DynamicSupervisor::new().launch(options, Ack::post(|_told_to_nobody| {}));
        let entered = self.pid().and_then(table::find).map(current::enter);
        let launched = launch();
        drop(entered);
        let process = launched.map_err(EnsureError::Start)?;
        let pid = process.core().pid;
        *home = Some(pid);
        process.rouse();
        DynamicSupervisorHandle::of(pid).ok_or(EnsureError::Closed)
    }

    /// The holder of the key, once the tenant runs; nothing if it has been forgotten.
    fn poll_tenant(
        &self,
        key: &K,
        tenant: &Tenant,
        wait: &mut Wait,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Pid>, EnsureError>> {
        self.arrivals().wake_me_once(cx);
        match tenant.stage(cx) {
            Stage::Gone => Poll::Ready(Ok(None)),
            Stage::Failed(_) if !self.is_open() => Poll::Ready(Err(EnsureError::Closed)),
            // Somebody has taken the key meanwhile, and perhaps has ended again.
            Stage::Failed(StartError::AlreadyStarted(rival)) if self.get(key) == Some(rival) => {
                Poll::Ready(Ok(Some(rival)))
            }
            Stage::Failed(StartError::AlreadyStarted(rival)) if !rival.is_alive() => {
                Poll::Ready(Ok(None))
            }
            Stage::Failed(error) => Poll::Ready(Err(EnsureError::Start(error))),
            // It asks for itself, in its own `init`.
            Stage::Starting(Some(child)) if current::pid() == Some(child) => {
                Poll::Ready(Ok(Some(child)))
            }
            Stage::Starting(None) => Poll::Pending,
            Stage::Starting(Some(child)) => wait.poll(child, cx).map(Err),
            Stage::Started => match self.get(key) {
                Some(holder) => Poll::Ready(Ok(Some(holder))),
                None if !self.is_open() => Poll::Ready(Err(EnsureError::Closed)),
                None => Poll::Pending,
            },
        }
    }
}

/// What can be known to be wrong before anything is started.
fn check<S: Receives, K, V>(registry: &Registry<K, V>, spec: &ChildSpec) -> Result<(), EnsureError>
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    if !registry.has_unique_keys() {
        return Err(EnsureError::Duplicate);
    }
    if !spec.takes(TypeId::of::<S::Message>()) {
        return Err(EnsureError::Start(StartError::NameOfOtherType));
    }
    dynamic::check(PoolFlags::default(), spec).map_err(EnsureError::Start)
}

fn known_to<S: Receives>(holder: Pid) -> Result<(), EnsureError> {
    // One that has ended has no type any more; that is for the next send to say.
    match table::find(holder) {
        Some(process) if Address::<S::Message>::from_handle(process.clone()).is_none() => {
            Err(EnsureError::OtherType(holder))
        }
        _ => Ok(()),
    }
}

/// The wait of a process for another one to start.
#[derive(Default)]
struct Wait {
    on: Option<Watching>,
    suspicion: Option<Suspicion>,
}

impl Wait {
    /// Ready if that one waits for this one.
    fn poll(&mut self, child: Pid, cx: &mut Context<'_>) -> Poll<EnsureError> {
        if self.on.is_none() {
            // On record before looking: of two that begin at the same time one sees the other.
            self.on = Some(Watching::begin(child));
            let child = table::find(child).filter(|child| child.core().wait.is_waiting());
            self.suspicion = child.and_then(cycle::suspect);
        }
        self.on.as_ref().inspect(|on| on.goes_on());
        let Some(suspicion) = &mut self.suspicion else { return Poll::Pending };
        let cycle = std::task::ready!(suspicion.poll(cx));
        self.suspicion = None;
        cycle.map_or(Poll::Pending, |cycle| Poll::Ready(EnsureError::Deadlock(cycle)))
    }
}
