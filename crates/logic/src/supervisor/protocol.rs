//! What a supervisor's machine and its shell say to each other.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::spec::{ChildId, ChildKind, ChildSpec, Restart, Shutdown, SpecError};
use crate::pid::Pid;
use crate::reason::ExitReason;

/// One entry in a supervisor's list of children, for as long as the entry lasts; never given out twice.
///
/// An entry outlives its processes: a restart keeps the key. An id that is deleted and added again is a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildKey(pub(super) u64);

/// What happened, as told by the shell. `S` starts a child, `T` is the return address of a request.
#[derive(Clone, Debug)]
pub enum Event<S, T> {
    /// The supervisor is to start its children. Told once, first.
    Begin,
    /// The child of the last [`Action::Start`] runs as this process.
    Started(Pid),
    /// The child of the last [`Action::Start`] could not be started.
    StartFailed(ExitReason),
    /// The child of the last [`Action::Start`] did not want to be started.
    StartIgnored,
    /// The child of the last [`Action::Stop`] is gone, for this actual reason: the one in its queued exit, if
    /// there is one, whose later arrival then means nothing (SUP-026).
    Stopped(ExitReason),
    /// A process that may be a child ended by itself.
    Exited(Pid, ExitReason),
    /// The time of an [`Action::Retry`] has come.
    Retry(ChildKey),
    /// Somebody asks for something.
    Request(T, Request<S>),
    /// The supervisor is told to end, for this reason (SUP-028).
    Shutdown(ExitReason),
}

/// What the shell is to do, one after the other.
#[derive(Clone, Debug)]
#[must_use]
pub enum Action<T> {
    /// Start the child, with what [`Machine::start_of`](super::Machine::start_of) holds. Always the last action;
    /// answered by `Started`, `StartFailed` or `StartIgnored` before anything else is told.
    Start(ChildKey),
    /// End the process of the child, and wait until it is gone. Always the last action; answered by `Stopped`
    /// before anything else is told.
    Stop(ChildKey, Pid, Shutdown),
    /// Tell [`Event::Retry`] after whatever has already arrived (SUP-074), or later if the child has a backoff:
    /// the number is the attempt to compute the delay for, counted from one. Replaces an earlier retry of
    /// the same child that has not been told yet.
    Retry(ChildKey, u32),
    /// Answer a request. Every request is answered exactly once.
    Answer(T, Answer),
    /// Tell whoever keeps the log.
    Report(Box<Report>),
    /// All children are started: whoever started the supervisor may go on.
    Begun,
    /// The supervisor ends, for this reason; nobody is left alive. Nothing happens after it but that late requests
    /// are answered with [`Answer::Ending`].
    Exit(ExitReason),
}

/// What may be asked of a supervisor.
#[derive(Clone, Debug)]
pub enum Request<S> {
    /// Add a child at the end of the list, and start it (SUP-090).
    StartChild(Box<ChildSpec<S>>),
    /// Stop the process of a child, keep the child (SUP-091).
    TerminateChild(ChildId),
    /// Start a child that is not running (SUP-093).
    RestartChild(ChildId),
    /// Forget a child that is not running (SUP-094).
    DeleteChild(ChildId),
    /// List the children (SUP-095).
    WhichChildren,
    /// Count the children (SUP-096).
    CountChildren,
    /// Describe the child with this id (SUP-097).
    GetChildSpec(ChildId),
    /// Describe the child that runs as this process (SUP-097).
    GetChildSpecOf(Pid),
}

/// The answer to a request; the variant has the name of the request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// The process, or none if the child did not want to be started.
    StartChild(Result<Option<Pid>, StartChildError>),
    /// The process is gone.
    TerminateChild(Result<(), TerminateChildError>),
    /// The process, or none if the child did not want to be started.
    RestartChild(Result<Option<Pid>, RestartChildError>),
    /// The child is forgotten.
    DeleteChild(Result<(), DeleteChildError>),
    /// The children, the newest first, as in OTP.
    WhichChildren(Vec<ChildInfo>),
    /// The numbers of children.
    CountChildren(Counts),
    /// The description, to `GetChildSpec` and `GetChildSpecOf`; none if there is no such child.
    GetChildSpec(Option<Box<ChildSpec<()>>>),
    /// To any request: the supervisor ended, for this reason, before it could serve it (SUP-032).
    Ending(ExitReason),
    /// To any request: not served, for whoever asks would wait for ever. Only a shell knows who asks.
    Deadlock,
}

/// One child, as `which_children` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildInfo {
    /// The name of the child.
    pub id: ChildId,
    /// Whether it runs, and as what.
    pub state: ChildState,
    /// What sort of process it is.
    pub kind: ChildKind,
    /// Which of its ends are followed by a restart.
    pub restart: Restart,
}

/// Whether a child runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChildState {
    /// It runs as this process.
    Running(Pid),
    /// It does not run; a retry is on its way.
    Restarting,
    /// It does not run, and nothing is done about it.
    Stopped,
}

impl ChildState {
    /// The process, if there is one.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        match self {
            Self::Running(pid) => Some(*pid),
            Self::Restarting | Self::Stopped => None,
        }
    }
}

/// How many children there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counts {
    /// All of them, alive or not.
    pub specs: usize,
    /// Those with a live process.
    pub active: usize,
    /// Those declared as supervisors, alive or not.
    pub supervisors: usize,
    /// Those declared as workers, alive or not.
    pub workers: usize,
}

/// Something the log should know (LOG-001).
#[derive(Clone, Debug)]
pub struct Report {
    /// What happened.
    pub context: ReportContext,
    /// The child it happened to.
    pub offender: Offender,
}

/// What a report is about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReportContext {
    /// The child was started. The only one that is no error.
    Progress,
    /// The child could not be started, or started again.
    StartError(ExitReason),
    /// The child ended by itself, in a way it should not have.
    ChildTerminated(ExitReason),
    /// The child was asked to end, but ended in another way than it should have (SUP-024).
    ShutdownError(ExitReason),
    /// The supervisor ends because it may not restart the child once more (SUP-056).
    ReachedMaxRestartIntensity,
    /// The supervisor ends because this significant child did (SUP-122, SUP-123). OTP says nothing here.
    AutoShutdown,
}

impl ReportContext {
    /// OTP's word for it, as a stable name for logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Progress => "progress",
            Self::StartError(_) => "start_error",
            Self::ChildTerminated(_) => "child_terminated",
            Self::ShutdownError(_) => "shutdown_error",
            Self::ReachedMaxRestartIntensity | Self::AutoShutdown => "shutdown",
        }
    }

    /// The reason that comes with it.
    #[must_use]
    pub fn reason(&self) -> Option<&ExitReason> {
        match self {
            Self::StartError(reason)
            | Self::ChildTerminated(reason)
            | Self::ShutdownError(reason) => Some(reason),
            Self::Progress | Self::ReachedMaxRestartIntensity | Self::AutoShutdown => None,
        }
    }
}

/// The child a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offender {
    /// Its name.
    pub id: ChildId,
    /// The process it is, or last was; none if it never ran.
    pub pid: Option<Pid>,
    /// Which of its ends are followed by a restart.
    pub restart: Restart,
    /// How it is asked to end.
    pub shutdown: Shutdown,
    /// What sort of process it is.
    pub kind: ChildKind,
    /// Whether it is significant.
    pub significant: bool,
    /// How often it has been restarted since it was added, this time included.
    pub restarts: u32,
}

/// The value inside the shutdown of a supervisor one of whose first children could not be started (SUP-002).
#[derive(Clone, Debug)]
pub struct FailedToStartChild {
    /// The child.
    pub id: ChildId,
    /// Why it could not be started.
    pub reason: ExitReason,
}

/// Why a child was not added.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StartChildError {
    /// A child with this id runs already, as this process.
    AlreadyStarted(Pid),
    /// There is a child with this id; it does not run.
    AlreadyPresent,
    /// It could not be started, for this reason, and is forgotten.
    Failed(ExitReason),
    /// The spec is wrong (SUP-099).
    Spec(SpecError),
}

/// Why a child was not terminated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TerminateChildError {
    /// There is no child with this id.
    NotFound,
}

/// Why a child was not started again.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RestartChildError {
    /// It runs.
    Running,
    /// It is being restarted.
    Restarting,
    /// There is no child with this id.
    NotFound,
    /// It could not be started, for this reason; it is kept.
    Failed(ExitReason),
}

/// Why a child was not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeleteChildError {
    /// It runs.
    Running,
    /// It is being restarted.
    Restarting,
    /// There is no child with this id.
    NotFound,
}

impl fmt::Display for StartChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyStarted(pid) => write!(f, "start child: already started as {pid}"),
            Self::AlreadyPresent => f.write_str("start child: the id is already present"),
            Self::Failed(reason) => write!(f, "start child: it failed: {reason:#}"),
            Self::Spec(_) => f.write_str("start child: the spec is wrong"),
        }
    }
}

impl fmt::Display for TerminateChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("terminate child: no such child"),
        }
    }
}

impl fmt::Display for RestartChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("restart child: the child is running"),
            Self::Restarting => f.write_str("restart child: the child is restarting"),
            Self::NotFound => f.write_str("restart child: no such child"),
            Self::Failed(reason) => write!(f, "restart child: it failed: {reason:#}"),
        }
    }
}

impl fmt::Display for DeleteChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("delete child: the child is running"),
            Self::Restarting => f.write_str("delete child: the child is restarting"),
            Self::NotFound => f.write_str("delete child: no such child"),
        }
    }
}

impl core::error::Error for StartChildError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Spec(error) => Some(error),
            Self::AlreadyStarted(_) | Self::AlreadyPresent | Self::Failed(_) => None,
        }
    }
}

impl core::error::Error for TerminateChildError {}
impl core::error::Error for RestartChildError {}
impl core::error::Error for DeleteChildError {}
