//! What a pool and its shell say to each other.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::budget::Intensity;
use crate::pid::Pid;
use crate::reason::ExitReason;
use crate::supervisor::{
    AutoShutdown, ChildInfo, ChildSpec, Counts, Report, SpecError, TerminateChildError,
};

/// One child of a pool, from its first start until it is forgotten; never given out twice.
///
/// A child outlives its processes: a restart keeps the key. Not the key of a static supervisor's child, so
/// that the two cannot be mixed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildKey(pub(super) u64);

/// The flags of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PoolFlags {
    /// How many restarts there may be before the pool gives up.
    pub intensity: Intensity,
    /// The most children at one time, those included that are starting, restarting or stopping (DYN-002);
    /// `None` is no limit.
    pub children_max: Option<usize>,
    /// Which of OTP's two dynamic supervisors the pool is.
    pub flavour: Flavour,
    /// Whether the end of significant children ends the pool. [`Flavour::Dynamic`] does not know significant
    /// children and refuses them (DYN-010).
    pub auto_shutdown: AutoShutdown,
}

/// Which of OTP's two dynamic supervisors a pool is; they differ in what they answer, not in what they do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// Elixir's `DynamicSupervisor`: every child has its own spec; to terminate a dead pid is an error (DYN-006).
    #[default]
    Dynamic,
    /// Erlang's `simple_one_for_one`: one template, of which the shell makes the spec of each child; to
    /// terminate a dead pid is fine (SUP-111), and the template is the one spec that is counted (SUP-112).
    SimpleOneForOne,
}

/// What happened, as told by the shell. `S` starts a child, `T` is the return address of a request.
#[derive(Clone, Debug)]
pub enum PoolEvent<S, T> {
    /// Somebody asks for something.
    Request(T, PoolRequest<S>),
    /// The child of a [`PoolAction::Start`] is this process, which has not started yet.
    Launched(ChildKey, Pid),
    /// The process that was launched has started.
    Started(ChildKey),
    /// The child of a [`PoolAction::Start`] could not be started.
    StartFailed(ChildKey, ExitReason),
    /// The child of a [`PoolAction::Start`] did not want to be started.
    StartIgnored(ChildKey),
    /// A process that may be a child is gone. Whether it was asked to end is for the pool to know.
    Exited(Pid, ExitReason),
    /// The time of a [`PoolAction::Retry`] has come.
    Retry(ChildKey),
    /// The time of a [`PoolAction::ArmDeadline`] has come.
    DeadlinePassed(ChildKey),
    /// The pool is told to end, for this reason (SUP-028, DYN-012).
    Shutdown(ExitReason),
}

/// What the shell is to do, one after the other and without waiting for any of it.
#[derive(Clone, Debug)]
#[must_use]
pub enum PoolAction<T> {
    /// Start the child, with what [`Pool::start_of`](super::Pool::start_of) holds; answered by `Launched` if
    /// there is a process, then, once, by `Started`, `StartFailed` or `StartIgnored`.
    Start(ChildKey),
    /// Send the process, which runs or starts, the exit signal shutdown.
    Ask(Pid),
    /// Kill the process, which runs or starts.
    Kill(Pid),
    /// Tell [`PoolEvent::DeadlinePassed`] after this long. There is no need to call it off.
    ArmDeadline(ChildKey, Duration),
    /// Tell [`PoolEvent::Retry`] after whatever has already arrived (SUP-074), or later if the child has a
    /// backoff: the number is the attempt to compute the delay for, counted from one.
    Retry(ChildKey, u32),
    /// Nobody wants to hear of that retry any more; it does no harm.
    CancelRetry(ChildKey),
    /// Answer a request. Every request is answered exactly once.
    Answer(T, PoolAnswer),
    /// Tell whoever keeps the log.
    Report(Report),
    /// Tell whoever keeps the log how children ended that should have ended otherwise while the pool ended:
    /// this many in the way of the one reported (SUP-116).
    ShutdownErrors {
        /// The first of them.
        report: Report,
        /// How many there are.
        children: usize,
    },
    /// The pool ends, for this reason; nobody is left alive and no start is in progress. Nothing happens after
    /// it but that late requests are answered with [`PoolAnswer::Ending`].
    Exit(ExitReason),
}

/// What may be asked of a pool.
#[derive(Clone, Debug)]
pub enum PoolRequest<S> {
    /// Add a child, and start it. The id is for the log only; any number of children may share one (DYN-001).
    /// The spec is one for pools of this flavour: a `simple_one_for_one` takes none but its template's (SUP-110).
    StartChild(Flavour, ChildSpec<S>),
    /// End the process of a child, started or not, and forget the child (DYN-006). One that is being restarted
    /// goes by its last pid as well (SUP-115).
    TerminateChild {
        /// The process.
        pid: Pid,
        /// Whether it is alive, which matters if it is no child (SUP-111).
        alive: bool,
        /// The process of the child that could not end before whoever asks has his answer, if it is one.
        caller: Option<Pid>,
    },
    /// Anything asked of a child by its id: to terminate, restart, delete or describe it (SUP-111).
    ById,
    /// List the children.
    WhichChildren,
    /// Count the children.
    CountChildren,
    /// Describe the child that runs, or last ran, as this process (SUP-097).
    GetChildSpecOf(Pid),
}

/// The answer to a request; the variant has the name of the request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PoolAnswer {
    /// The process, or none if the child did not want to be started and is forgotten.
    StartChild(Result<Option<Pid>, PoolStartError>),
    /// The process is gone.
    TerminateChild(Result<(), TerminateChildError>),
    /// To a request to terminate the child that asks: it would wait for itself.
    Deadlock,
    /// What was wrong with asking by id.
    ById(ByIdError),
    /// The children that have been started, the newest first.
    WhichChildren(Vec<ChildInfo>),
    /// The numbers of children that have been started.
    CountChildren(Counts),
    /// The description; none if there is no such child.
    GetChildSpec(Option<ChildSpec<()>>),
    /// To any request: the pool ended, for this reason, before it could serve it (SUP-032).
    Ending(ExitReason),
}

/// Why a child was not added; nothing is left of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PoolStartError {
    /// There are as many children as there may be (DYN-002).
    MaxChildren,
    /// It could not be started, for this reason (DYN-003, SUP-113).
    Failed(ExitReason),
    /// The spec is wrong (SUP-099, DYN-010).
    Spec(SpecError),
    /// The spec is not made from the template of the pool, or the pool has none (SUP-110).
    Template,
}

impl fmt::Display for PoolStartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxChildren => f.write_str("start child: there are as many children as allowed"),
            Self::Failed(reason) => write!(f, "start child: it failed: {reason:#}"),
            Self::Spec(_) => f.write_str("start child: the spec is wrong"),
            Self::Template => f.write_str(
                "start child: a simple_one_for_one starts children from its template only",
            ),
        }
    }
}

impl core::error::Error for PoolStartError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Spec(error) => Some(error),
            Self::MaxChildren | Self::Failed(_) | Self::Template => None,
        }
    }
}

/// Why a pool does nothing by id: its children go by their pids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ByIdError {
    /// OTP's answer of a `simple_one_for_one` (SUP-111).
    SimpleOneForOne,
    /// No child of a dynamic supervisor is found by id, because ids are ignored (DYN-001).
    NotFound,
}

impl fmt::Display for ByIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SimpleOneForOne => "find child: the children of a simple_one_for_one have no ids",
            Self::NotFound => "find child: the children of a dynamic supervisor have no ids",
        })
    }
}

impl core::error::Error for ByIdError {}
