//! How user code says that its process should end, and what the end of a body means.

use std::error::Error;
use std::fmt;

use fauxtp_logic::ExitReason;
use fauxtp_logic::reason::Failure;

/// What a callback returns to end its process: an error of any kind, or a reason.
///
/// Every `std::error::Error` becomes a `Stop` by `?`, and the process then ends with that error. `Stop` is
/// no `Error` itself, which is what makes that possible. What is no `Error`, as `anyhow::Error`, `Box<dyn Error>`
/// and `String` are none, becomes one by `.map_err(Stop::error)?`.
///
/// # Examples
/// ```
/// # use fauxtp::{ExitReason, Result, Stop};
/// fn parse(text: &str) -> Result<u32> {
///     if text.is_empty() {
///         return Err(Stop::normal());
///     }
///     Ok(text.parse::<u32>()?)
/// }
/// assert!(parse("").unwrap_err().reason().is_normal());
/// assert!(parse("x").unwrap_err().reason().is_error());
/// ```
pub struct Stop {
    reason: ExitReason,
    manner: Manner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Ends with the reason; a failure is reported.
    Plain,
    /// In `init`: there is nothing to do, start nothing.
    Ignore,
    /// In `init`: the starter is told the reason, the process itself ends normally and unreported.
    Quiet,
}

/// The result of callbacks, bodies and `main`.
pub type Result<T = (), E = Stop> = std::result::Result<T, E>;

impl Stop {
    /// Ends with any reason.
    #[must_use]
    pub const fn because(reason: ExitReason) -> Self {
        Self { reason, manner: Manner::Plain }
    }

    /// Ends with an error.
    pub fn error(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::because(ExitReason::error(error))
    }

    /// The work is done.
    #[must_use]
    pub const fn normal() -> Self {
        Self::because(ExitReason::Normal)
    }

    /// An orderly shutdown.
    #[must_use]
    pub fn shutdown() -> Self {
        Self::because(ExitReason::shutdown())
    }

    /// In `init`: nothing to do here; start returns `Ignored` and the process ends normally (GS-002).
    #[must_use]
    pub const fn ignore() -> Self {
        Self { reason: ExitReason::Normal, manner: Manner::Ignore }
    }

    /// In `init`: start fails with `error`, but the process ends normally and without a crash report.
    /// As in OTP 26 and later, `{error, Reason}` (GS-001).
    #[must_use]
    pub fn quietly(error: ExitReason) -> Self {
        Self { reason: error, manner: Manner::Quiet }
    }

    /// The reason to end with.
    #[must_use]
    pub const fn reason(&self) -> &ExitReason {
        &self.reason
    }

    /// The reason to end with.
    #[must_use]
    pub fn into_reason(self) -> ExitReason {
        self.reason
    }

    pub(crate) const fn manner(&self) -> Manner {
        self.manner
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::because(ExitReason::error(error))
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.reason)
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.reason, f)
    }
}

/// What the end of a body means for its process.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how a process ended",
    note = "return `()`, `fauxtp::Result`, `Result<(), E>` with an error, or an `ExitReason`"
)]
pub trait Outcome: Send + 'static {
    /// The reason of the process.
    fn into_reason(self) -> ExitReason;
}

impl Outcome for () {
    fn into_reason(self) -> ExitReason {
        ExitReason::Normal
    }
}

impl Outcome for ExitReason {
    fn into_reason(self) -> ExitReason {
        self
    }
}

impl<E: Into<Stop> + Send + 'static> Outcome for std::result::Result<(), E> {
    fn into_reason(self) -> ExitReason {
        match self {
            Ok(()) => ExitReason::Normal,
            Err(stop) => stop.into().into_reason(),
        }
    }
}

/// The reason `kill`, as a process may end with it: over its links it can be trapped, unlike the kill signal
/// (PROC-004).
#[must_use]
pub fn kill_reason() -> ExitReason {
    ExitReason::Error(Failure::Kill)
}

/// A body that never returns: it loops for ever, or always panics.
impl Outcome for <fn() -> ! as never::Returns>::Type {
    fn into_reason(self) -> ExitReason {
        self
    }
}

mod never {
    //! The only way to write `!` in an `impl` today: as the return type of a function.

    /// A function, whose return type can be named.
    pub trait Returns {
        /// What it returns.
        type Type;
    }

    impl<T> Returns for fn() -> T {
        type Type = T;
    }
}
