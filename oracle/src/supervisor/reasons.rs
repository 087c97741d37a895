//! Exit reasons and refusals in the words of both sides.

use fauxtp::reason::{Cancelled, Failure, MaxRestartsReached};
use fauxtp::supervisor::{
    DeleteChildError, FailedToStartChild, ManageError, PoolStartError, RestartChildError,
    StartChildError, TerminateChildError,
};
use fauxtp::{CallError, ExitReason, StartError};

use crate::term::{Term, atom, int, tuple};

/// Of what kind a reason is.
pub(super) fn class(reason: &ExitReason) -> Term {
    atom(match reason {
        ExitReason::Normal => "normal",
        ExitReason::Cancelled(Cancelled::Shutdown) => "shutdown",
        // OTP says no more than shutdown, and is understood alike by everybody above (SUP-056).
        ExitReason::Cancelled(Cancelled::ShutdownWith(_))
            if reason.downcast_ref::<MaxRestartsReached>().is_some() =>
        {
            "shutdown"
        }
        ExitReason::Cancelled(Cancelled::ShutdownWith(_)) => "shutdown_with",
        ExitReason::Cancelled(Cancelled::Killed) => "killed",
        ExitReason::Error(Failure::Kill) => "kill",
        ExitReason::Error(Failure::NoProc) => "noproc",
        ExitReason::Error(_) => "error",
    })
}

/// How the start of a tree failed.
pub(super) fn start_failure(error: &StartError) -> Term {
    match error {
        StartError::Spec(_) => atom("bad_spec"),
        StartError::Failed(reason) => match reason.downcast_ref::<FailedToStartChild>() {
            Some(failed) => {
                tuple([atom("failed_to_start"), int(failed.id.parse::<i64>().unwrap_or(-1))])
            }
            None => atom("failed"),
        },
        _ => atom("failed"),
    }
}

/// A refusal, and who is meant by the pid it may name.
pub(super) trait Refusal {
    fn to_term(&self, name: &dyn Fn(fauxtp::Pid) -> Term) -> Term;
}

impl Refusal for StartChildError {
    fn to_term(&self, name: &dyn Fn(fauxtp::Pid) -> Term) -> Term {
        match self {
            Self::AlreadyStarted(pid) => tuple([atom("already_started"), name(*pid)]),
            Self::AlreadyPresent => atom("already_present"),
            Self::Spec(_) => atom("bad_spec"),
            _ => atom("failed"),
        }
    }
}

impl Refusal for RestartChildError {
    fn to_term(&self, _: &dyn Fn(fauxtp::Pid) -> Term) -> Term {
        atom(match self {
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::NotFound => "not_found",
            _ => "failed",
        })
    }
}

impl Refusal for DeleteChildError {
    fn to_term(&self, _: &dyn Fn(fauxtp::Pid) -> Term) -> Term {
        atom(match self {
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::NotFound => "not_found",
            _ => "unknown",
        })
    }
}

impl Refusal for TerminateChildError {
    fn to_term(&self, _: &dyn Fn(fauxtp::Pid) -> Term) -> Term {
        atom(match self {
            Self::NotFound => "not_found",
            _ => "unknown",
        })
    }
}

impl Refusal for PoolStartError {
    fn to_term(&self, _: &dyn Fn(fauxtp::Pid) -> Term) -> Term {
        match self {
            Self::Failed(_) => atom("failed"),
            other => Term::Atom(format!("{other:?}").into()),
        }
    }
}

/// The answer to somebody who was refused, or not answered at all.
pub(super) fn refusal<E: Refusal>(
    error: &ManageError<E>,
    name: &dyn Fn(fauxtp::Pid) -> Term,
) -> Term {
    match error {
        ManageError::Refused(error) => tuple([atom("error"), error.to_term(name)]),
        ManageError::Spec(_) => tuple([atom("error"), atom("bad_spec")]),
        ManageError::Call(error) => lost(error),
        ManageError::Deadlock(_) => atom("deadlock"),
    }
}

/// What is said about a supervisor that did not answer.
pub(super) fn lost(error: &CallError) -> Term {
    match error {
        CallError::Exited(reason) => tuple([atom("down"), class(reason)]),
        CallError::NoProc => tuple([atom("down"), atom("noproc")]),
        other => Term::Atom(format!("{other:?}").into()),
    }
}
