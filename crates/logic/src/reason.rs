//! Why a process ended.
//!
//! | reason | who decided | clean | shows as |
//! | --- | --- | --- | --- |
//! | [`Normal`](ExitReason::Normal) | the process had done its work | yes | `normal` |
//! | [`Cancelled`](ExitReason::Cancelled) | somebody else, from outside | all but killed | `cancelled` |
//! | [`Error`](ExitReason::Error) | the process failed | no | `error: …` |
//!
//! Payloads are shared, never turned into text on the way (PROC-016): whoever receives a reason holds
//! the very value the ending process left behind.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::any::Any;
use core::error::Error as StdError;
use core::fmt;

/// A value that travels inside an exit reason.
pub trait Payload: Any + fmt::Debug + Send + Sync {
    /// The value as [`Any`], so that a receiver may ask for its type.
    fn as_any(&self) -> &dyn Any;
}

impl<T: Any + fmt::Debug + Send + Sync> Payload for T {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Why a process ended. Exactly one per process, fixed once (PROC-001).
#[derive(Clone)]
pub enum ExitReason {
    /// The process had done its work.
    Normal,
    /// The end was imposed from outside.
    Cancelled(Cancelled),
    /// The process failed.
    Error(Failure),
}

/// An end imposed from outside.
#[derive(Clone)]
pub enum Cancelled {
    /// An orderly shutdown.
    Shutdown,
    /// An orderly shutdown that says more. As OTP's `{shutdown, Term}`.
    ShutdownWith(Arc<dyn Payload>),
    /// The effect of the kill signal: untrappable, and the only abnormal end of this group (PROC-004).
    Killed,
}

/// A failure of the process itself.
#[derive(Clone)]
pub enum Failure {
    /// User code panicked.
    Panic(Arc<PanicReport>),
    /// A returned error.
    Returned(Arc<dyn StdError + Send + Sync>),
    /// A reason of the user's own making.
    Custom(Arc<dyn Payload>),
    /// The *reason* kill, which a process may give itself; unlike the kill signal it can be trapped (PROC-004).
    Kill,
    /// There was no such process.
    NoProc,
    /// The connection to the process's node was lost.
    NoConnection,
    /// A start was not acknowledged in time.
    Timeout,
}

/// What is known of a panic: text, place and stack, as taken when it happened.
#[derive(Clone, PartialEq, Eq)]
pub struct PanicReport {
    /// The panic message.
    pub message: String,
    /// `file:line:column`, where known.
    pub location: Option<String>,
    /// The stack, if backtraces are switched on.
    pub backtrace: Option<String>,
}

/// The value inside [`Cancelled::ShutdownWith`] of a supervisor whose restart budget is spent.
///
/// As in OTP the supervisor ends *cleanly*, with a shutdown (SUP-056): a transient or temporary parent
/// entry does not start it again, a permanent one does (SUP-057).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxRestartsReached;

impl ExitReason {
    /// An orderly shutdown.
    #[must_use]
    pub fn shutdown() -> Self {
        Self::Cancelled(Cancelled::Shutdown)
    }

    /// An orderly shutdown that carries a value.
    pub fn shutdown_with(payload: impl Payload) -> Self {
        Self::Cancelled(Cancelled::ShutdownWith(Arc::new(payload)))
    }

    /// The effect of the kill signal.
    #[must_use]
    pub fn killed() -> Self {
        Self::Cancelled(Cancelled::Killed)
    }

    /// An error returned by user code.
    pub fn error(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Error(Failure::Returned(Arc::from(error.into())))
    }

    /// A reason of the user's own making, which counts as a failure.
    pub fn custom(payload: impl Payload) -> Self {
        Self::Error(Failure::Custom(Arc::new(payload)))
    }

    /// There was no such process.
    #[must_use]
    pub fn no_proc() -> Self {
        Self::Error(Failure::NoProc)
    }

    /// Whether this end is no failure: normal, shutdown, or shutdown with a value (PROC-002). Killed is abnormal.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        match self {
            Self::Normal => true,
            Self::Cancelled(cancelled) => !matches!(cancelled, Cancelled::Killed),
            Self::Error(_) => false,
        }
    }

    /// Whether the process had done its work.
    #[must_use]
    pub fn is_normal(&self) -> bool {
        matches!(self, Self::Normal)
    }

    /// Whether this is a shutdown, with or without a value.
    #[must_use]
    pub fn is_shutdown(&self) -> bool {
        matches!(self, Self::Cancelled(Cancelled::Shutdown | Cancelled::ShutdownWith(_)))
    }

    /// Whether the kill signal ended the process.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        matches!(self, Self::Cancelled(Cancelled::Killed))
    }

    /// Whether the process failed by itself; the contract restarts exactly these (CON-03).
    #[must_use]
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }

    /// Whether there was no such process.
    #[must_use]
    pub fn is_no_proc(&self) -> bool {
        matches!(self, Self::Error(Failure::NoProc))
    }

    /// The panic that ended the process, if one did.
    #[must_use]
    pub fn panic(&self) -> Option<&PanicReport> {
        match self {
            Self::Error(Failure::Panic(report)) => Some(report),
            _ => None,
        }
    }

    /// The value the reason carries, if it is a `T`: of [`shutdown_with`](Self::shutdown_with) or
    /// [`custom`](Self::custom). For a returned error see [`downcast_error`](Self::downcast_error).
    #[must_use]
    pub fn downcast_ref<T: Payload>(&self) -> Option<&T> {
        match self {
            Self::Cancelled(Cancelled::ShutdownWith(payload))
            | Self::Error(Failure::Custom(payload)) => (**payload).as_any().downcast_ref(),
            _ => None,
        }
    }

    /// The error the process returned, if it is an `E`.
    #[must_use]
    pub fn downcast_error<E: StdError + 'static>(&self) -> Option<&E> {
        match self {
            Self::Error(Failure::Returned(error)) => error.downcast_ref(),
            _ => None,
        }
    }
}

/// Two reasons are equal if they are of the same kind and carry the same payload (the same value in
/// memory, or for panics and texts the same text).
impl PartialEq for ExitReason {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Normal, Self::Normal) => true,
            (Self::Cancelled(a), Self::Cancelled(b)) => match (a, b) {
                (Cancelled::Shutdown, Cancelled::Shutdown)
                | (Cancelled::Killed, Cancelled::Killed) => true,
                (Cancelled::ShutdownWith(a), Cancelled::ShutdownWith(b)) => same(a, b),
                _ => false,
            },
            (Self::Error(a), Self::Error(b)) => match (a, b) {
                (Failure::Panic(a), Failure::Panic(b)) => a == b,
                (Failure::Returned(a), Failure::Returned(b)) => same(a, b),
                (Failure::Custom(a), Failure::Custom(b)) => same(a, b),
                (Failure::Kill, Failure::Kill)
                | (Failure::NoProc, Failure::NoProc)
                | (Failure::NoConnection, Failure::NoConnection)
                | (Failure::Timeout, Failure::Timeout) => true,
                _ => false,
            },
            _ => false,
        }
    }
}

fn same<T: ?Sized>(a: &Arc<T>, b: &Arc<T>) -> bool {
    core::ptr::addr_eq(Arc::as_ptr(a), Arc::as_ptr(b))
}

/// Shows exactly `normal`, `cancelled` or `error: …` with the error's debug form (CON-10); the alternate form
/// `{:#}`, for people, tells which kind of cancellation it was, where a panic happened, and an error's own words
/// with those of its causes.
impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Cancelled(cancelled) if f.alternate() => fmt::Debug::fmt(cancelled, f),
            Self::Cancelled(_) => f.write_str("cancelled"),
            Self::Error(failure) => {
                f.write_str("error: ")?;
                fmt::Display::fmt(failure, f)
            }
        }
    }
}

impl fmt::Debug for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Cancelled(cancelled) => fmt::Debug::fmt(cancelled, f),
            Self::Error(failure) => write!(f, "error: {failure}"),
        }
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shutdown => f.write_str("shutdown"),
            Self::ShutdownWith(payload) => write!(f, "shutdown({payload:?})"),
            Self::Killed => f.write_str("killed"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic(report) => {
                write!(f, "panic: {}", report.message)?;
                match &report.location {
                    Some(location) if f.alternate() => write!(f, " at {location}"),
                    _ => Ok(()),
                }
            }
            Self::Returned(error) if f.alternate() => {
                write!(f, "{error}")?;
                let mut cause = error.source();
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
            Self::Returned(error) => fmt::Debug::fmt(error, f),
            Self::Custom(payload) => fmt::Debug::fmt(payload, f),
            Self::Kill => f.write_str("kill"),
            Self::NoProc => f.write_str("noproc"),
            Self::NoConnection => f.write_str("noconnection"),
            Self::Timeout => f.write_str("timeout"),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for PanicReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    #[test]
    fn a_reason_shows_as_the_contract_says() {
        let rows: &[(ExitReason, &str, &str, bool)] = &[
            (ExitReason::Normal, "normal", "normal", true),
            (ExitReason::shutdown(), "cancelled", "shutdown", true),
            (ExitReason::shutdown_with(7), "cancelled", "shutdown(7)", true),
            (ExitReason::killed(), "cancelled", "killed", false),
            (ExitReason::error("boom"), "error: \"boom\"", "error: boom", false),
            (ExitReason::custom("x"), "error: \"x\"", "error: \"x\"", false),
            (ExitReason::no_proc(), "error: noproc", "error: noproc", false),
            (ExitReason::Error(Failure::Kill), "error: kill", "error: kill", false),
            (
                ExitReason::Error(Failure::NoConnection),
                "error: noconnection",
                "error: noconnection",
                false,
            ),
            (ExitReason::Error(Failure::Timeout), "error: timeout", "error: timeout", false),
        ];
        for (reason, plain, detail, clean) in rows {
            assert_eq!(reason.to_string(), *plain);
            assert_eq!(format!("{reason:#}"), *detail);
            assert_eq!(reason.is_clean(), *clean, "{reason:?}");
            if let ExitReason::Error(failure) = reason {
                assert_eq!(format!("error: {failure:?}"), *plain, "as inside of other values");
            }
        }
    }

    #[test]
    fn a_panic_shows_its_message_and_for_people_its_place() {
        let report = PanicReport {
            message: String::from("boom"),
            location: Some(String::from("src/lib.rs:1:2")),
            backtrace: None,
        };
        assert_eq!(format!("{report:?}"), "boom");
        let reason = ExitReason::Error(Failure::Panic(Arc::new(report)));
        assert_eq!(reason.to_string(), "error: panic: boom");
        assert_eq!(format!("{reason:#}"), "error: panic: boom at src/lib.rs:1:2");
    }

    #[test]
    fn a_payload_arrives_as_the_value_it_was() {
        let reason = ExitReason::shutdown_with(String::from("why"));
        assert_eq!(reason.clone().downcast_ref::<String>().map(String::as_str), Some("why"));
        assert_eq!(reason.downcast_ref::<u8>(), None);
        assert_eq!(reason, reason.clone());
        assert_ne!(reason, ExitReason::shutdown_with(String::from("why")));
    }
}
