//! What may be asked of a running supervisor.

use std::fmt;

use fauxtp_logic::supervisor::{
    Answer, ChildInfo, ChildSpec as Described, Counts, DeleteChildError, Request,
    RestartChildError, SpecError, StartChildError, TerminateChildError,
};
use fauxtp_logic::{ExitReason, Pid};

use super::ChildSpec;
use super::child::Factory;
use super::shell::Message;
use crate::address::Address;
use crate::behaviour::StartError;
use crate::call::CallError;
use crate::cycle::Cycle;
use crate::hierarchy::{Asker, waits_for_us};
use crate::names::Receives;
use crate::process::{self, PidExt, StopError};
use crate::registry::{Registry, Via};

/// Why a supervisor did not do what it was asked.
#[derive(Clone, Debug, PartialEq)]
pub enum ManageError<E> {
    /// It refused, or the child did.
    Refused(E),
    /// It could not be asked, or has ended meanwhile (SUP-032).
    Call(CallError),
    /// The child's specification is wrong.
    Spec(StartError),
    /// The supervisor waits for the caller, to start or to end, or would have to; perhaps by way of others. The answer
    /// would never come (SUP-101).
    Deadlock(Cycle),
}

impl<E> ManageError<E> {
    pub(super) fn from_call(error: CallError) -> Self {
        match error {
            CallError::Deadlock(cycle) => Self::Deadlock(cycle),
            error => Self::Call(error),
        }
    }
}

impl<E: fmt::Display> fmt::Display for ManageError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => fmt::Display::fmt(error, f),
            Self::Call(error) => fmt::Display::fmt(error, f),
            Self::Spec(error) => fmt::Display::fmt(error, f),
            Self::Deadlock(cycle) => write!(f, "call supervisor: would wait for itself: {cycle}"),
        }
    }
}

impl<E: std::error::Error> std::error::Error for ManageError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Shown as it is; what is behind it is behind this.
            Self::Refused(error) => error.source(),
            Self::Call(error) => error.source(),
            Self::Spec(error) => error.source(),
            Self::Deadlock(_) => None,
        }
    }
}

/// A running supervisor. Dropping the handle does not end it.
#[derive(Clone, Debug)]
pub struct SupervisorHandle {
    address: Address<Message>,
    registry: Registry,
}

impl SupervisorHandle {
    pub(super) const fn new(address: Address<Message>, registry: Registry) -> Self {
        Self { address, registry }
    }

    /// A handle for a supervisor that somebody else has started: a child of another one, say.
    ///
    /// # Errors
    /// [`CallError::NoProc`] if there is no supervisor with this pid.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn of(pid: Pid) -> Result<Self, CallError> {
        if waits_for_us(pid) {
            return Err(CallError::Deadlock(Cycle::through(&[pid])));
        }
        let address = Address::of(pid).ok_or(CallError::NoProc)?;
        let registry = address.call(Message::Registry).no_timeout().await?;
        Ok(Self { address, registry })
    }

    /// The supervisor's pid.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.address.pid()
    }

    /// The registry its children are registered in: the one it was given, or its own (CON-09).
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The process with this name in the supervisor's [registry](Self::registry): its child, if that is
    /// alive, be it still in its `init`. A registry that is shared knows the children of others as well.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.registry.get(name)
    }

    /// The child with this name, whichever process that is when something is sent: it follows restarts. Nobody is meant
    /// if there is none, or it takes other messages than `S`.
    ///
    /// # Examples
    /// ```
    /// use fauxtp::prelude::*;
    /// # struct Counter(u64);
    /// # impl GenServer for Counter {
    /// #     type Args = ();
    /// #     type Message = Reply<u64>;
    /// #     async fn init((): (), _: &mut Context<Self>) -> Result<Self> { Ok(Self(0)) }
    /// #     async fn handle(&mut self, from: Reply<u64>, _: &mut Context<Self>) -> Result {
    /// #         self.0 += 1;
    /// #         from.send(self.0);
    /// #         Ok(())
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
    /// let sup = Supervisor::new([Counter::spec(()).id("c1")]).start().await?;
    /// let c1 = sup.child::<Counter>("c1");
    /// assert_eq!(c1.call(|from| from).await?, 1);
    /// sup.whereis("c1").expect("runs").exit(ExitReason::error("crash"));
    /// c1.await_restart().await?;
    /// assert_eq!(c1.call(|from| from).await?, 1);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn child<S: Receives>(&self, name: &str) -> Via<S> {
        self.registry.via(name)
    }

    /// Starts one more child, last in the order (SUP-090). Nothing if its `init` ignored the start.
    ///
    /// # Errors
    /// [`StartChildError`]: the name is known already, or the child failed.
    ///
    /// # Cancel safety
    /// The child is started all the same.
    pub async fn start_child(
        &self,
        child: ChildSpec,
    ) -> Result<Option<Pid>, ManageError<StartChildError>> {
        if let Some(fault) = child.spec.start.fault() {
            return Err(ManageError::Spec(fault.clone()));
        }
        match self.ask(Request::StartChild(Box::new(child.spec))).await? {
            Answer::StartChild(outcome) => outcome.map_err(ManageError::Refused),
            _ => unreachable!("an answer is to its request"),
        }
    }

    /// Stops a child; it is gone when this returns. Its specification stays unless it is temporary (SUP-091).
    ///
    /// # Errors
    /// [`TerminateChildError`]: no such child.
    ///
    /// # Cancel safety
    /// The child is stopped all the same.
    pub async fn terminate_child(
        &self,
        name: &str,
    ) -> Result<(), ManageError<TerminateChildError>> {
        match self.ask(Request::TerminateChild(name.into())).await? {
            Answer::TerminateChild(outcome) => outcome.map_err(ManageError::Refused),
            _ => unreachable!("an answer is to its request"),
        }
    }

    /// Starts a child again that is known but does not run (SUP-093).
    ///
    /// # Errors
    /// [`RestartChildError`]: it runs, is restarting, is not known, or failed.
    ///
    /// # Cancel safety
    /// The child is started all the same.
    pub async fn restart_child(
        &self,
        name: &str,
    ) -> Result<Option<Pid>, ManageError<RestartChildError>> {
        match self.ask(Request::RestartChild(name.into())).await? {
            Answer::RestartChild(outcome) => outcome.map_err(ManageError::Refused),
            _ => unreachable!("an answer is to its request"),
        }
    }

    /// Forgets a child that does not run (SUP-094).
    ///
    /// # Errors
    /// [`DeleteChildError`]: it runs, is restarting, or is not known.
    ///
    /// # Cancel safety
    /// The child is forgotten all the same.
    pub async fn delete_child(&self, name: &str) -> Result<(), ManageError<DeleteChildError>> {
        match self.ask(Request::DeleteChild(name.into())).await? {
            Answer::DeleteChild(outcome) => outcome.map_err(ManageError::Refused),
            _ => unreachable!("an answer is to its request"),
        }
    }

    /// The children, newest first (SUP-095).
    ///
    /// # Errors
    /// [`CallError`] if the supervisor has ended.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn which_children(&self) -> Result<Vec<ChildInfo>, CallError> {
        match self.call(Request::WhichChildren).await? {
            Answer::WhichChildren(children) => Ok(children),
            _ => unreachable!("an answer is to its request"),
        }
    }

    /// How many children there are, by kind (SUP-096).
    ///
    /// # Errors
    /// [`CallError`] if the supervisor has ended.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn count_children(&self) -> Result<Counts, CallError> {
        match self.call(Request::CountChildren).await? {
            Answer::CountChildren(counts) => Ok(counts),
            _ => unreachable!("an answer is to its request"),
        }
    }

    /// The specification of a child, with all defaults filled in; nothing if it is not known (SUP-097).
    ///
    /// # Errors
    /// [`CallError`] if the supervisor has ended.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn child_spec(&self, name: &str) -> Result<Option<Described<()>>, CallError> {
        match self.call(Request::GetChildSpec(name.into())).await? {
            Answer::GetChildSpec(spec) => Ok(spec.map(|spec| *spec)),
            _ => unreachable!("an answer is to its request"),
        }
    }

    /// The specification of the child that runs as `pid` (SUP-097).
    ///
    /// # Errors
    /// [`CallError`] if the supervisor has ended.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn child_spec_of(&self, pid: Pid) -> Result<Option<Described<()>>, CallError> {
        match self.call(Request::GetChildSpecOf(pid)).await? {
            Answer::GetChildSpec(spec) => Ok(spec.map(|spec| *spec)),
            _ => unreachable!("an answer is to its request"),
        }
    }

    /// Stops all children in reverse order, then the supervisor, with reason shutdown (SUP-031).
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

    async fn ask<E>(&self, request: Request<Factory>) -> Result<Answer, ManageError<E>> {
        self.call(request).await.map_err(ManageError::from_call)
    }

    async fn call(&self, request: Request<Factory>) -> Result<Answer, CallError> {
        let deadlock = || CallError::Deadlock(Cycle::through(&[self.pid()]));
        if waits_for_us(self.pid()) {
            return Err(deadlock());
        }
        let asker = Asker::current();
        let call = self.address.call(|from| Message::Request(from, asker, request));
        match call.no_timeout().await? {
            Answer::Deadlock => Err(deadlock()),
            // unreached: its end comes first, and tells whoever still waits.
            Answer::Ending(reason) => Err(CallError::Exited(reason)),
            answer => Ok(answer),
        }
    }
}

/// For people who look for it: a specification error as a start error.
impl From<SpecError> for StartError {
    fn from(error: SpecError) -> Self {
        Self::Spec(error)
    }
}
