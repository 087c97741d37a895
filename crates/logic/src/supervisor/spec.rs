//! What a supervisor is told about itself and its children.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use crate::backoff::Backoff;
use crate::budget::Intensity;
use crate::reason::ExitReason;

/// Who shares the fate of a child that is restarted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RestartStrategy {
    /// Nobody: only the child itself is started again (SUP-070).
    #[default]
    OneForOne,
    /// Everybody: all others are stopped, then all are started (SUP-071).
    OneForAll,
    /// All children after it in the order of the list (SUP-072).
    RestForOne,
}

/// Which ends of a child are followed by a restart (SUP-040, CON-03).
///
/// | | normal | shutdown | killed | error |
/// | --- | --- | --- | --- | --- |
/// | `OnError` | no | no | no | yes |
/// | `Permanent` | yes | yes | yes | yes |
/// | `Transient` | no | no | yes | yes |
/// | `Temporary` | no | no | no | no |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Restart {
    /// Restarted only after a failure of its own.
    #[default]
    OnError,
    /// Always restarted.
    Permanent,
    /// Restarted after every end that is not clean; as `OnError`, but killed counts as a failure.
    Transient,
    /// Never restarted, and forgotten when it ends.
    Temporary,
}

impl Restart {
    /// Whether a child that ended by itself in this way is started again.
    #[must_use]
    pub fn wants_restart(&self, reason: &ExitReason) -> bool {
        !self.is_temporary() && self.is_failure(reason)
    }

    /// Whether this end is one that should not have happened: it is reported, restarted or not (LOG-003).
    #[must_use]
    pub fn is_failure(&self, reason: &ExitReason) -> bool {
        match self {
            Self::OnError => reason.is_error(),
            Self::Permanent => true,
            Self::Transient | Self::Temporary => !reason.is_clean(),
        }
    }

    /// Whether the child is forgotten when it ends.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Temporary)
    }
}

/// How a child is asked to end: by the exit signal shutdown, at which a server runs its `terminate` only if it traps
/// exits.
///
/// A child that is killed and still does not end, because it blocks its thread, is left behind five seconds later, and
/// reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shutdown {
    /// Not asked at all: killed (SUP-021).
    BrutalKill,
    /// Asked, and killed if it is not gone after this long; zero is legal (SUP-022).
    Timeout(Duration),
    /// Asked, and waited for as long as it takes (SUP-023).
    Infinity,
}

/// Asked, and killed after five seconds (SUP-006).
impl Default for Shutdown {
    fn default() -> Self {
        Self::Timeout(Duration::from_secs(5))
    }
}

impl Shutdown {
    /// Whether a child that was asked to end in this way ended as it should (SUP-024). Any other end is
    /// reported, and does not disturb the shutdown.
    #[must_use]
    pub fn accepts(&self, restart: Restart, reason: &ExitReason) -> bool {
        let as_asked = match self {
            Self::BrutalKill => reason.is_killed(),
            Self::Timeout(_) | Self::Infinity => *reason == ExitReason::shutdown(),
        };
        as_asked || (reason.is_clean() && restart != Restart::Permanent)
    }
}

/// What sort of process a child is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ChildKind {
    /// A process that does the work.
    #[default]
    Worker,
    /// A process with children of its own.
    Supervisor,
}

/// Whether a supervisor ends when its significant children have (SUP-120 to SUP-126).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AutoShutdown {
    /// It does not, and no child may be significant.
    #[default]
    Never,
    /// When the first significant child ended by itself.
    AnySignificant,
    /// When a significant child ended by itself and no other one is left.
    AllSignificant,
}

/// The flags of a supervisor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    /// Who shares the fate of a restarted child.
    pub strategy: RestartStrategy,
    /// How many restarts there may be before the supervisor gives up.
    pub intensity: Intensity,
    /// Whether the end of significant children ends the supervisor.
    pub auto_shutdown: AutoShutdown,
}

/// One child of a supervisor: `S` is whatever the shell needs to start it, again and again (SUP-082).
///
/// A `ChildSpec<()>` is the description of a child without the means to start it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChildSpec<S> {
    /// The name of the child within its supervisor.
    pub id: ChildId,
    /// What starts it.
    pub start: S,
    /// Which of its ends are followed by a restart.
    pub restart: Restart,
    /// How it is asked to end.
    pub shutdown: Shutdown,
    /// What sort of process it is.
    pub kind: ChildKind,
    /// Whether its end may end the supervisor, see [`AutoShutdown`].
    pub significant: bool,
    /// How long to wait before it is restarted; `None` is at once (SUP-060).
    pub backoff: Option<Backoff>,
}

/// The name of a child within its supervisor.
pub type ChildId = Arc<str>;

impl<S> ChildSpec<S> {
    /// A worker with the usual policies: restarted on error, five seconds to shut down, no backoff.
    pub fn worker(id: impl Into<ChildId>, start: S) -> Self {
        Self {
            id: id.into(),
            start,
            restart: Restart::default(),
            shutdown: Shutdown::default(),
            kind: ChildKind::Worker,
            significant: false,
            backoff: None,
        }
    }

    /// The description of the child, and what starts it.
    pub fn split(self) -> (ChildSpec<()>, S) {
        let Self { id, start, restart, shutdown, kind, significant, backoff } = self;
        (ChildSpec { id, start: (), restart, shutdown, kind, significant, backoff }, start)
    }

    /// Checks this spec as a child of a supervisor with these flags (SUP-005, SUP-098, SUP-120).
    ///
    /// # Errors
    ///
    /// The first rule the spec breaks.
    pub fn check(&self, flags: &Flags) -> Result<(), SpecError> {
        if self.id.is_empty() {
            return Err(SpecError::EmptyId);
        }
        if self.significant && self.restart == Restart::Permanent {
            return Err(SpecError::SignificantPermanent(self.id.clone()));
        }
        if self.significant && flags.auto_shutdown == AutoShutdown::Never {
            return Err(SpecError::SignificantNeverShutsDown(self.id.clone()));
        }
        if self.backoff.is_some_and(|backoff| !backoff.is_valid()) {
            return Err(SpecError::InvalidBackoff(self.id.clone()));
        }
        Ok(())
    }
}

impl Flags {
    /// Checks the flags alone.
    ///
    /// # Errors
    ///
    /// [`SpecError::ZeroPeriod`] if restarts are limited to so many within no time.
    pub fn check(&self) -> Result<(), SpecError> {
        let Intensity { restarts_max, period } = self.intensity;
        if restarts_max.is_some() && period.is_zero() { Err(SpecError::ZeroPeriod) } else { Ok(()) }
    }
}

/// Checks everything that can be known before any child has run (SUP-005).
///
/// # Errors
///
/// The first rule the flags or a spec break, in the order of the list.
pub fn check<S>(flags: &Flags, specs: &[ChildSpec<S>]) -> Result<(), SpecError> {
    flags.check()?;
    let mut ids = BTreeSet::new();
    for spec in specs {
        spec.check(flags)?;
        if !ids.insert(&spec.id) {
            return Err(SpecError::DuplicateChild(spec.id.clone()));
        }
    }
    Ok(())
}

/// Why flags or child specs were rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpecError {
    /// Two children have this id.
    DuplicateChild(ChildId),
    /// Two children would hold this name outside of the supervisor.
    DuplicateName(ChildId),
    /// A child has no id.
    EmptyId,
    /// A limit of restarts within no time.
    ZeroPeriod,
    /// This child is significant, yet the supervisor never shuts down by itself.
    SignificantNeverShutsDown(ChildId),
    /// This child is significant and permanent, so its end can never be final.
    SignificantPermanent(ChildId),
    /// A dynamic supervisor without a template has no automatic shutdown (DYN-010).
    AutoShutdownWithoutTemplate,
    /// The backoff of this child has `min` above `max`, or more jitter than 1000 ‰.
    InvalidBackoff(ChildId),
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateChild(id) => write!(f, "check specs: two children have the id {id:?}"),
            Self::DuplicateName(name) => {
                write!(f, "check specs: two children have the local name {name:?}")
            }
            Self::EmptyId => f.write_str("check specs: a child has an empty id"),
            Self::AutoShutdownWithoutTemplate => f.write_str(
                "check flags: a dynamic supervisor without a template has no automatic shutdown",
            ),
            Self::ZeroPeriod => {
                f.write_str("check flags: the period of a limited restart intensity is zero")
            }
            Self::SignificantNeverShutsDown(id) => {
                write!(f, "check specs: child {id:?} is significant but auto_shutdown is never")
            }
            Self::SignificantPermanent(id) => {
                write!(f, "check specs: child {id:?} is significant and permanent")
            }
            Self::InvalidBackoff(id) => {
                let rule = "min must not be above max, nor jitter above 1000 ‰";
                write!(f, "check specs: child {id:?} has an impossible backoff: {rule}")
            }
        }
    }
}

impl core::error::Error for SpecError {}
