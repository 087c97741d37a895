//! The words of every error of this crate, as a user reads them.

use std::error::Error;

use fauxtp_logic::names::{AlreadyRegistered, UpdateError};
use fauxtp_logic::pid::ParsePidError;
use fauxtp_logic::pool::{ByIdError, PoolStartError};
use fauxtp_logic::supervisor::{
    DeleteChildError, RestartChildError, SpecError, StartChildError, TerminateChildError,
};
use fauxtp_logic::{ExitReason, Pid};

/// What somebody reads who prints an error and its causes.
fn read(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

fn check(rows: &[(&dyn Error, &str)]) {
    for (error, words) in rows {
        assert_eq!(read(*error), *words, "{error:?}");
    }
}

#[test]
fn specs_that_are_wrong() {
    check(&[
        (&SpecError::DuplicateChild("a".into()), "check specs: two children have the id \"a\""),
        (
            &SpecError::DuplicateName("a".into()),
            "check specs: two children have the local name \"a\"",
        ),
        (&SpecError::EmptyId, "check specs: a child has an empty id"),
        (&SpecError::ZeroPeriod, "check flags: the period of a limited restart intensity is zero"),
        (
            &SpecError::SignificantNeverShutsDown("a".into()),
            "check specs: child \"a\" is significant but auto_shutdown is never",
        ),
        (
            &SpecError::SignificantPermanent("a".into()),
            "check specs: child \"a\" is significant and permanent",
        ),
        (
            &SpecError::AutoShutdownWithoutTemplate,
            "check flags: a dynamic supervisor without a template has no automatic shutdown",
        ),
        (
            &SpecError::InvalidBackoff("a".into()),
            "check specs: child \"a\" has an impossible backoff: min must not be above max, nor jitter above 1000 ‰",
        ),
    ]);
}

#[test]
fn what_a_supervisor_refuses() {
    let pid = Pid { node: 0, id: 7, serial: 1, creation: 0 };
    let failed = || ExitReason::error("boom");
    check(&[
        (&StartChildError::AlreadyStarted(pid), "start child: already started as <0.7.1>"),
        (&StartChildError::AlreadyPresent, "start child: the id is already present"),
        (&StartChildError::Failed(failed()), "start child: it failed: error: boom"),
        (
            &StartChildError::Spec(SpecError::EmptyId),
            "start child: the spec is wrong: check specs: a child has an empty id",
        ),
        (&TerminateChildError::NotFound, "terminate child: no such child"),
        (&RestartChildError::Running, "restart child: the child is running"),
        (&RestartChildError::Restarting, "restart child: the child is restarting"),
        (&RestartChildError::NotFound, "restart child: no such child"),
        (&RestartChildError::Failed(failed()), "restart child: it failed: error: boom"),
        (&DeleteChildError::Running, "delete child: the child is running"),
        (&DeleteChildError::Restarting, "delete child: the child is restarting"),
        (&DeleteChildError::NotFound, "delete child: no such child"),
    ]);
}

#[test]
fn what_a_dynamic_supervisor_refuses() {
    check(&[
        (&PoolStartError::MaxChildren, "start child: there are as many children as allowed"),
        (&PoolStartError::Failed(ExitReason::error("boom")), "start child: it failed: error: boom"),
        (
            &PoolStartError::Spec(SpecError::EmptyId),
            "start child: the spec is wrong: check specs: a child has an empty id",
        ),
        (
            &PoolStartError::Template,
            "start child: a simple_one_for_one starts children from its template only",
        ),
        (
            &ByIdError::SimpleOneForOne,
            "find child: the children of a simple_one_for_one have no ids",
        ),
        (&ByIdError::NotFound, "find child: the children of a dynamic supervisor have no ids"),
    ]);
}

#[test]
fn names_and_pids() {
    let pid = Pid { node: 0, id: 7, serial: 1, creation: 0 };
    check(&[
        (&AlreadyRegistered { pid }, "register name: already registered by <0.7.1>"),
        (&UpdateError::NotHolder, "update value: the process does not hold the key"),
        (&UpdateError::DuplicateKeys, "update value: the registry has duplicate keys"),
        (&ParsePidError, "parse pid: expected the form <node.id.serial>"),
    ]);
}
