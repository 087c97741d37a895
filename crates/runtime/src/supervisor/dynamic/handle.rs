//! What may be asked of a running dynamic supervisor.

use std::fmt;
use std::sync::Arc;

use fauxtp_logic::pool::{ByIdError, Flavour, PoolAnswer, PoolFlags, PoolRequest, PoolStartError};
use fauxtp_logic::supervisor::{
    AutoShutdown, ChildInfo, ChildSpec as Described, Counts, Flags, SpecError, TerminateChildError,
};
use fauxtp_logic::{ExitReason, Pid};

use super::shell::Message;
use crate::address::Address;
use crate::behaviour::StartError;
use crate::call::{CallError, Dest};
use crate::cycle::Cycle;
use crate::guard::{catch, panicked};
use crate::hierarchy::Asker;
use crate::process::{self, PidExt, StopError};
use crate::supervisor::child::Factory;
use crate::supervisor::{ChildSpec, ManageError};

/// A running dynamic supervisor. Dropping the handle does not end it.
#[derive(Clone, Debug)]
pub struct DynamicSupervisorHandle {
    address: Address<Message>,
    flags: PoolFlags,
}

impl DynamicSupervisorHandle {
    pub(super) const fn new(address: Address<Message>, flags: PoolFlags) -> Self {
        Self { address, flags }
    }

    /// A handle for a dynamic supervisor that somebody else has started: a child of another supervisor, say.
    /// Nothing if there is none with this pid. One that was made with a template starts no children through this
    /// handle (SUP-110).
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
    /// [`PoolStartError`]: too many children, the child failed or was terminated before it was through its
    /// `init`, or the supervisor starts children from a template.
    ///
    /// # Cancel safety
    /// The child is started all the same.
    pub async fn start_child(
        &self,
        child: ChildSpec,
    ) -> Result<Option<Pid>, ManageError<PoolStartError>> {
        check(self.flags, &child).map_err(ManageError::Spec)?;
        match self.ask(PoolRequest::StartChild(self.flags.flavour, child.spec)).await? {
            PoolAnswer::StartChild(outcome) => outcome.map_err(ManageError::Refused),
            _ => unreachable!("an answer is to its request"),
        }
    }

    /// Asks for a child whose specification has been checked, and does not wait for an answer.
    pub(in crate::supervisor) fn request_child(&self, child: ChildSpec) {
        let request = PoolRequest::StartChild(self.flags.flavour, child.spec);
        let _told_otherwise =
            self.address.send_request(|from| Message::Request(from, None, request));
    }

    /// Stops a child, or cancels its restart if `pid` is the one it had; it is gone when this returns
    /// (DYN-006). One that is still in its `init` is stopped by its own shutdown as well.
    ///
    /// # Errors
    /// [`TerminateChildError`]: no such child. [`ManageError::Deadlock`]: the caller is the child or hangs below it,
    /// and would wait for itself, for it traps exits or is in its `init`.
    ///
    /// # Cancel safety
    /// The child is stopped all the same.
    pub async fn terminate_child(&self, pid: Pid) -> Result<(), ManageError<TerminateChildError>> {
        let caller = Asker::current().and_then(|asker| asker.holds_up(self.pid()));
        let alive = pid.is_alive();
        match self.ask(PoolRequest::TerminateChild { pid, alive, caller }).await? {
            PoolAnswer::TerminateChild(outcome) => outcome.map_err(ManageError::Refused),
            PoolAnswer::Deadlock => Err(ManageError::Deadlock(Cycle::through(&[self.pid()]))),
            _ => unreachable!("an answer is to its request"),
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
            _ => unreachable!("an answer is to its request"),
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
            _ => unreachable!("an answer is to its request"),
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
            _ => unreachable!("an answer is to its request"),
        }
    }

    /// Stops all children at once, each within its own time, then the supervisor (SUP-114, DYN-007).
    ///
    /// # Errors
    /// [`StopError`] if it had ended before, or ends with another reason, or cannot be waited for from here.
    ///
    /// # Cancel safety
    /// It is stopped all the same.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.pid().stop(ExitReason::shutdown(), None).await
    }

    /// Waits until the supervisor has ended, and tells why; also if it has ended long ago.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn wait(&self) -> ExitReason {
        process::join_or_recall(self.address.handle()).await
    }

    async fn ask<E>(&self, request: PoolRequest<Factory>) -> Result<PoolAnswer, ManageError<E>> {
        self.call(request).await.map_err(ManageError::from_call)
    }

    async fn call(&self, request: PoolRequest<Factory>) -> Result<PoolAnswer, CallError> {
        let asker = process::current_pid();
        let call = self.address.call(|from| Message::Request(from, asker, request));
        match call.no_timeout().await? {
            PoolAnswer::Ending(reason) => Err(CallError::Exited(reason)),
            answer => Ok(answer),
        }
    }
}

/// What is wrong with a specification, whichever supervisor is to start it.
pub(in crate::supervisor) fn check(flags: PoolFlags, child: &ChildSpec) -> Result<(), StartError> {
    if let Some(fault) = child.spec.start.fault() {
        return Err(fault.clone());
    }
    let auto_shutdown = match flags.flavour {
        Flavour::Dynamic => AutoShutdown::Never,
        Flavour::SimpleOneForOne => flags.auto_shutdown,
    };
    let checked = child.spec.check(&Flags { auto_shutdown, ..Flags::default() });
    checked.map_err(|error: SpecError| StartError::Spec(error))
}

/// A running supervisor of children from one template (SUP-110).
pub struct SimpleSupervisorHandle<A> {
    handle: DynamicSupervisorHandle,
    template: Template<A>,
}

/// Makes a child of what the caller of `start_child` gives.
type Template<A> = Arc<dyn Fn(A) -> ChildSpec + Send + Sync>;

impl<A> SimpleSupervisorHandle<A> {
    pub(super) fn new(handle: DynamicSupervisorHandle, template: Template<A>) -> Self {
        Self { handle, template }
    }

    /// Starts a child from the template and `extra`, which is kept for its restarts (SUP-115).
    ///
    /// # Errors
    /// [`PoolStartError`], bare (SUP-113).
    ///
    /// # Cancel safety
    /// The child is started all the same.
    pub async fn start_child(&self, extra: A) -> Result<Option<Pid>, ManageError<PoolStartError>> {
        let made = catch(|| (self.template)(extra))
            .map_err(|report| ManageError::Refused(PoolStartError::Failed(panicked(report))));
        self.handle.start_child(made?).await
    }

    /// The pid of the supervisor.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.handle.pid()
    }

    /// Ends a child and forgets it; one that is dead already is fine (SUP-111).
    ///
    /// # Errors
    /// As [`DynamicSupervisorHandle::terminate_child`].
    ///
    /// # Cancel safety
    /// The child is ended all the same.
    pub async fn terminate_child(&self, pid: Pid) -> Result<(), ManageError<TerminateChildError>> {
        self.handle.terminate_child(pid).await
    }

    /// As [`DynamicSupervisorHandle::which_children`].
    ///
    /// # Errors
    /// [`CallError`] if the supervisor has ended.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn which_children(&self) -> Result<Vec<ChildInfo>, CallError> {
        self.handle.which_children().await
    }

    /// As [`DynamicSupervisorHandle::count_children`]; the template is the one spec (SUP-112).
    ///
    /// # Errors
    /// [`CallError`] if the supervisor has ended.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn count_children(&self) -> Result<Counts, CallError> {
        self.handle.count_children().await
    }

    /// As [`DynamicSupervisorHandle::child_spec_of`].
    ///
    /// # Errors
    /// [`CallError`] if the supervisor has ended.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn child_spec_of(&self, pid: Pid) -> Result<Option<Described<()>>, CallError> {
        self.handle.child_spec_of(pid).await
    }

    /// As [`DynamicSupervisorHandle::stop`].
    ///
    /// # Errors
    /// [`StopError`].
    ///
    /// # Cancel safety
    /// The supervisor ends all the same.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.handle.stop().await
    }

    /// As [`DynamicSupervisorHandle::wait`].
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn wait(&self) -> ExitReason {
        self.handle.wait().await
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
            _ => unreachable!("an answer is to its request"),
        }
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
