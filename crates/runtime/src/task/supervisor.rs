//! Tasks that are children of a supervisor.

use std::any::TypeId;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fauxtp_logic::pool::PoolStartError;
use fauxtp_logic::signal::Origin;
use fauxtp_logic::supervisor::{ChildState, Restart, TerminateChildError};
use fauxtp_logic::{ExitReason, Pid};

use super::Task;
use super::parcel::{Inside, Running, Work};
use crate::behaviour::{self, Ack, StartError, StartOptions};
use crate::call::CallError;
use crate::current;
use crate::names::Name;
use crate::process::{self, StopError};
use crate::shared::Handle;
use crate::signal::{Signal, fresh_ref};
use crate::supervisor::{
    ChildSpec, DynamicSupervisor, DynamicSupervisorHandle, DynamicSupervisorName, ManageError,
};
use crate::sync::Mutex;
use crate::table;

/// A supervisor of tasks that has not started yet: a dynamic supervisor whose children are wanted for what they compute.
///
/// Who uses a task is one thing, who is responsible for it another: supervised tasks end in order when their part of
/// the program does, and can be counted, while their value still goes to whoever has asked for it.
///
/// # Examples
/// ```
/// use fauxtp::prelude::*;
/// use fauxtp::task::TaskSupervisor;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
/// let tasks = TaskSupervisor::new().max_children(100).start().await?;
/// let answer = tasks.spawn(async { 6 * 7 }).await?;
/// assert_eq!(answer.await?, 42);
///
/// let endless = tasks.spawn_nolink(std::future::pending::<()>()).await?;
/// assert_eq!(tasks.children().await?, [endless.pid().expect("it runs")]);
/// tasks.stop().await?; // and all tasks with it
/// assert!(endless.await.is_err());
/// # Ok(()) }
/// ```
#[must_use = "a supervisor does nothing until it is started"]
#[derive(Debug, Default)]
pub struct TaskSupervisor(DynamicSupervisor);

impl TaskSupervisor {
    /// A supervisor for any number of tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// At most so many tasks; whoever wants one more is refused (TASK-030).
    pub fn max_children(self, max: usize) -> Self {
        Self(self.0.max_children(max))
    }

    /// At most so many restarts in any period of this length. Only children that were started by
    /// [`start_child`](TaskSupervisorHandle::start_child), and are to be restarted, ever need one.
    pub fn intensity(self, restarts: u32, period: Duration) -> Self {
        Self(self.0.intensity(restarts, period))
    }

    /// Gives the supervisor a local name.
    pub fn name(self, name: &Name<DynamicSupervisorName>) -> Self {
        Self(self.0.name(name))
    }

    /// Links the supervisor with the calling process; as [`Supervisor::link`](crate::Supervisor::link).
    pub fn link<M: Send + 'static>(self, parent: &process::Context<M>) -> Self {
        Self(self.0.link(parent))
    }

    /// Starts the supervisor.
    ///
    /// # Errors
    /// [`StartError`].
    ///
    /// # Cancel safety
    /// A start that is dropped is undone.
    pub async fn start(self) -> Result<TaskSupervisorHandle, StartError> {
        self.0.start().await.map(TaskSupervisorHandle)
    }
}

impl ChildSpec {
    /// A supervisor of tasks; otherwise as [`supervisor`](Self::supervisor). The tasks are started through
    /// [`TaskSupervisorHandle::of`] its pid.
    pub fn task_supervisor(
        name: impl Into<String>,
        make: impl Fn() -> TaskSupervisor + Send + Sync + 'static,
    ) -> Self {
        Self::dynamic_supervisor(name, move || make().0)
    }
}

/// A running supervisor of tasks. Dropping the handle does not end it.
#[derive(Clone, Debug)]
pub struct TaskSupervisorHandle(DynamicSupervisorHandle);

impl TaskSupervisorHandle {
    /// A handle for a supervisor that somebody else has started: a child of another supervisor, say. Nothing if there
    /// is none with this pid.
    #[must_use]
    pub fn of(pid: Pid) -> Option<Self> {
        DynamicSupervisorHandle::of(pid).map(Self)
    }

    /// The supervisor's pid.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.0.pid()
    }

    /// Starts a task that is supervised, and linked with the calling process, if this is one: as [`Task::spawn`]
    /// (TASK-030). It is never restarted.
    ///
    /// # Errors
    /// [`PoolStartError::MaxChildren`] if there are as many tasks as there may be, or the supervisor has ended.
    ///
    /// # Cancel safety
    /// If this is dropped before it is ready, or its caller ends, the task ends with a shutdown, if it has begun at
    /// all (TASK-031).
    pub async fn spawn<F>(&self, future: F) -> Result<Task<F::Output>, ManageError<PoolStartError>>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.order(future, current::pid()).await
    }

    /// The same without a link, as [`Task::spawn_nolink`]: neither end makes the other one end. Whoever
    /// [monitors](process::Context::monitor) it hears of every end, the normal one included (TASK-032).
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    ///
    /// # Cancel safety
    /// As [`spawn`](Self::spawn).
    pub async fn spawn_nolink<F>(
        &self,
        future: F,
    ) -> Result<Task<F::Output>, ManageError<PoolStartError>>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.order(future, None).await
    }

    async fn order<F>(
        &self,
        future: F,
        owner: Option<Pid>,
    ) -> Result<Task<F::Output>, ManageError<PoolStartError>>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let caller = current::pid();
        let order = Withdrawn(Arc::new(Mutex::new(Order::Wanted(future))));
        let wanted = order.0.clone();
        let launch = move |mut options: StartOptions, ack| {
            options.birth.caller = caller;
            launch(&wanted, options, ack, owner)
        };
        let started = self.0.start_child(ChildSpec::once::<F>(launch)).await?;
        match order.take() {
            Order::Started(running) if started.is_some() => Ok(Task::running(running)),
            _ => {
                let reason = ExitReason::shutdown_with(ExitReason::no_proc());
                Err(ManageError::Refused(PoolStartError::Failed(reason)))
            }
        }
    }

    /// Starts a child that nobody waits for (TASK-011, TASK-030): mostly a [`ChildSpec::temporary_task`], which may be
    /// given another [`restart`](ChildSpec::restart) and [`shutdown`](ChildSpec::shutdown). Nothing if its start was
    /// ignored.
    ///
    /// # Errors
    /// As [`DynamicSupervisorHandle::start_child`].
    ///
    /// # Cancel safety
    /// The child is started all the same.
    pub async fn start_child(
        &self,
        child: ChildSpec,
    ) -> Result<Option<Pid>, ManageError<PoolStartError>> {
        self.0.start_child(child).await
    }

    /// The tasks that run, newest first.
    ///
    /// # Errors
    /// [`CallError`] if the supervisor has ended.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn children(&self) -> Result<Vec<Pid>, CallError> {
        let children = self.0.which_children().await?;
        let pid = |state| if let ChildState::Running(pid) = state { Some(pid) } else { None };
        Ok(children.into_iter().filter_map(|child| pid(child.state)).collect())
    }

    /// Ends a task; it is gone when this returns.
    ///
    /// # Errors
    /// As [`DynamicSupervisorHandle::terminate_child`].
    ///
    /// # Cancel safety
    /// The task is ended all the same.
    pub async fn terminate_child(&self, pid: Pid) -> Result<(), ManageError<TerminateChildError>> {
        self.0.terminate_child(pid).await
    }

    /// Ends all tasks at once, each within its own time, then the supervisor (TASK-033).
    ///
    /// # Errors
    /// [`StopError`].
    ///
    /// # Cancel safety
    /// It is stopped all the same.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.0.stop().await
    }

    /// Waits until the supervisor has ended, and tells why; also if it has ended long ago.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn wait(&self) -> ExitReason {
        self.0.wait().await
    }
}

impl ChildSpec {
    /// Something that is started once.
    fn once<F>(
        launch: impl Fn(StartOptions, Ack) -> Result<Handle, StartError> + Send + Sync + 'static,
    ) -> Self {
        let child = Self::worker("task", Some(TypeId::of::<Infallible>()), move |ground, ack| {
            let mut options = ground.options(std::any::type_name::<F>());
            // Nothing here understands a stop request; it is taken as an exit signal.
            options.birth.takes_stop = false;
            launch(options, ack)
        });
        child.restart(Restart::Temporary)
    }
}

/// A task that somebody wants, on its way through its supervisor.
enum Order<F: Future<Output: Send + 'static>> {
    Wanted(F),
    Started(Running<F::Output>),
    Withdrawn,
}

/// What is ordered is wanted as long as this lives.
struct Withdrawn<F: Future<Output: Send + 'static>>(Arc<Mutex<Order<F>>>);

impl<F: Future<Output: Send + 'static>> Withdrawn<F> {
    fn take(&self) -> Order<F> {
        std::mem::replace(&mut *self.0.lock(), Order::Withdrawn)
    }
}

impl<F: Future<Output: Send + 'static>> Drop for Withdrawn<F> {
    fn drop(&mut self) {
        if let Order::Started(mut running) = self.take() {
            running.part();
            let fate =
                current::with(|caller| caller.core().private(|private| private.fate.clone()));
            running.dismiss(orphaned(fate.flatten()));
        }
    }
}

/// How a task ends that nobody waits for any more.
fn orphaned(caller: Option<ExitReason>) -> ExitReason {
    ExitReason::shutdown_with(caller.unwrap_or_else(ExitReason::no_proc))
}

/// Launches what was ordered, if it is still wanted; in its supervisor.
fn launch<F>(
    order: &Mutex<Order<F>>,
    options: StartOptions,
    ack: Ack,
    owner: Option<Pid>,
) -> Result<Handle, StartError>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let caller = options.birth.caller.map(|caller| table::find(caller).ok_or(()));
    let alive = |process: &Handle| process.core().private(|private| private.fate.is_none());
    let is_gone = caller.is_some_and(|caller| !caller.is_ok_and(|process| alive(&process)));
    // Nothing of the user's runs while this is held: a process is made, and not polled.
    let mut order = order.lock();
    let future = match std::mem::replace(&mut *order, Order::Withdrawn) {
        Order::Wanted(future) if !is_gone => future,
        unwanted => {
            drop(order);
            drop(unwanted);
            let void = behaviour::launch(options, |_: Inside| async move {
                ack.fail_at_end(StartError::Ignored);
                orphaned(None)
            })?;
            return Ok(void.handle());
        }
    };
    let (work, waiting) = Work::new(future);
    let child = behaviour::launch(options, |_: Inside| work.done())?.handle();
    *order = Order::Started(waiting.of(child.clone(), owner));
    drop(order);
    if let Some(owner) = owner {
        link(&child, owner);
    }
    ack.begun();
    Ok(child)
}

/// Links a task that does not run yet with whoever has asked for it.
fn link(child: &Handle, owner: Pid) {
    let (pid, id) = (child.core().pid, fresh_ref());
    child.core().private(|private| private.relations().link(owner, id));
    let linked = table::find(owner).is_some_and(|owner| {
        owner.core().private(|private| {
            let lives = private.fate.is_none();
            if lives {
                private.relations().link(pid, id);
            }
            lives
        })
    });
    if !linked {
        let exit = Signal::Exit { from: owner, origin: Origin::Sent, reason: orphaned(None) };
        let _gone_as_well = child.clone().signal(exit);
    }
}
