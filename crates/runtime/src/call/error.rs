//! Why a call was not answered.

use std::convert::Infallible;
use std::fmt;

use fauxtp_logic::ExitReason;

use crate::cycle::Cycle;
use crate::slot::Broken;

/// Why a call was not answered; or [`Failed`](Self::Failed), the error it was answered with, where an answer is a
/// `Result` (see [`TryCall`](crate::TryCall)).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CallError<E = Infallible> {
    /// There is no such process, or nobody holds the name (GS-011).
    NoProc,
    /// The callee ended before it answered, with this reason; or whoever it had handed the reply to did (GS-012).
    Exited(ExitReason),
    /// The deadline passed; the callee may still do the work (GS-013), if it had begun: a request that has not had its
    /// turn by then is dropped, with all that its message carries. Or that of the request which the caller is
    /// handling: what is done for a request ends with it.
    Timeout,
    /// The reply was dropped unanswered, and whoever dropped it lives on (GS-020).
    NoReply,
    /// The caller would wait for itself: it calls itself (GS-016), or somebody who waits for it. Nothing was sent.
    ///
    /// It makes no difference that a deadline, or another branch of a `select!`, would have freed somebody in the circle
    /// later. Of several calls that a process joins, only the one begun last is seen.
    Deadlock(Cycle),
    /// The callee's bounded mailbox refused the message.
    Full,
    /// The callee's answer is an error.
    Failed(E),
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProc => f.write_str("call server: no such process"),
            Self::Exited(reason) => write!(f, "call server: it ended first: {reason:#}"),
            Self::Timeout => f.write_str("call server: not answered in time"),
            Self::NoReply => f.write_str("call server: the reply was dropped unanswered"),
            Self::Deadlock(cycle) => write!(f, "call server: would wait for itself: {cycle}"),
            Self::Full => f.write_str("call server: mailbox is full"),
            Self::Failed(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl<E: std::error::Error> std::error::Error for CallError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Shown as it is; what is behind it is behind this.
            Self::Failed(error) => error.source(),
            _ => None,
        }
    }
}

impl CallError {
    /// The same for calls whose answer may be an error, which this is not.
    #[must_use]
    pub fn widen<E>(self) -> CallError<E> {
        match self {
            Self::NoProc => CallError::NoProc,
            Self::Exited(reason) => CallError::Exited(reason),
            Self::Timeout => CallError::Timeout,
            Self::NoReply => CallError::NoReply,
            Self::Deadlock(cycle) => CallError::Deadlock(cycle),
            Self::Full => CallError::Full,
            Self::Failed(never) => match never {},
        }
    }
}

impl From<Broken> for CallError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Dropped => Self::NoReply,
            Broken::Exited(reason) => Self::Exited(reason),
        }
    }
}
