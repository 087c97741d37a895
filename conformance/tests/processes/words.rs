//! What people read of processes: the words of every error, and how things look in a log.

use crate::support::{Job, act, actor, check_words, end};

use std::collections::HashSet;

use fauxtp::names::NameError;
use fauxtp::prelude::*;
use fauxtp::process::{NoProc, StopError};
use fauxtp::supervisor::SpecError;
use fauxtp::{Mailbox, NoRuntime, Overflow, SendError, StartError, ZeroCapacity};

fn pid() -> Pid {
    "<0.7.1>".parse().expect("a pid")
}

fn boom() -> ExitReason {
    ExitReason::error("boom")
}

#[test]
fn the_words_of_starts_and_stops() {
    let absent =
        "start process: no tokio runtime here; call it from inside one, or inside `Runtime::enter`";
    let without_time = "start process: the tokio runtime has no time driver; build it with `enable_time` or `enable_all`";
    check_words(&[
        (&NoRuntime::Absent, absent),
        (&NoRuntime::WithoutTime, without_time),
        (&StartError::from(NoRuntime::Absent), absent),
        (&StartError::AlreadyStarted(pid()), "start process: name is taken by <0.7.1>"),
        (&StartError::BadName, "start process: a name must not be empty"),
        (&StartError::Ignored, "start process: its init ignored the start"),
        (&StartError::Timeout, "start process: not acknowledged in time"),
        (&StartError::Failed(boom()), "start process: it failed: error: boom"),
        (
            &StartError::Spec(SpecError::EmptyId),
            "start process: check specs: a child has an empty id",
        ),
        (
            &StartError::NameOfOtherType,
            "start process: the name is one for processes that take other messages",
        ),
        (&StopError::NoProc, "stop process: no such process"),
        (&StopError::Exited(boom()), "stop process: it ended with another reason: error: boom"),
        (&StopError::Timeout, "stop process: it had not ended in time"),
        (&StopError::CallingSelf, "stop process: a process cannot wait for its own end"),
        (&StopError::Deadlock, "stop process: it ends, but has to wait for the caller"),
    ]);
}

#[test]
fn the_words_of_links_names_and_mailboxes() {
    check_words(&[
        (&NoProc(pid()), "link process: no such process: <0.7.1>"),
        (&NameError::Taken(pid()), "register name: taken by <0.7.1>"),
        (&NameError::HasName, "register name: this process has a name already"),
        (&NameError::NotHeld, "unregister name: this process does not hold it"),
        (&NameError::Empty, "register name: a name must not be empty"),
        (&NameError::NoProc, "register name: this process has ended"),
        (
            &ZeroCapacity,
            "bound mailbox: a capacity of 0 could never hold a message; use at least 1",
        ),
        (&SendError::NoProc(1), "send message: no such process"),
        (&SendError::Full(1), "send message: mailbox is full"),
    ]);
    assert_eq!(Mailbox::bounded(0, Overflow::Reject), Err(ZeroCapacity));
    // The message need not be one that can be shown.
    struct Secret;
    assert_eq!(format!("{:?}", SendError::NoProc(Secret)), "NoProc");
    assert_eq!(format!("{:?}", SendError::Full(Secret)), "Full");
}

/// A `main` that returns a `Stop` prints its debug form.
#[test]
fn a_stop_shows_as_its_reason() {
    let stop = Stop::error(std::fmt::Error);
    let words = "an error occurred when formatting an argument";
    assert_eq!(format!("{stop:?}"), format!("error: {words}"));
    assert_eq!(stop.to_string(), stop.reason().to_string());
    assert_eq!(format!("{:?}", Stop::shutdown()), "shutdown");
    assert_eq!(Stop::shutdown().to_string(), "cancelled");
}

#[tokio::test]
async fn what_is_shown_of_a_process_names_it() {
    let someone = actor();
    let shown = act(&someone, |ctx| format!("{ctx:?} {:?}", ctx.address())).await;
    let pid = someone.pid();
    assert_eq!(shown, format!("Context({pid}) Address({pid})"));
    let (task, shown) = act(&someone, |ctx| {
        let task = ctx.spawn_task(std::future::pending::<()>(), |_| Job::new(|_| ()));
        let task = task.expect("there is a runtime");
        (Pid::from(&task), format!("{task:?}"))
    })
    .await;
    assert_eq!(shown, format!("OwnedTask({task})"));
    assert!(task.is_alive());
    end(pid).await;
    let name = Name::<fauxtp::names::Raw<Job>>::new("words");
    assert_eq!(format!("{name} {name:?}"), "words Name(\"words\")");
    assert_eq!(HashSet::from([someone.clone(), someone]).len(), 1);
}
