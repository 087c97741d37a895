//! What fauxtp tells about itself; one file per way of telling it, with the same names. What is told has parts of the
//! user's, and so have those who listen; if telling panics, nothing is told, and life goes on.

#[cfg(not(feature = "tracing"))]
#[path = "instrument/stub.rs"]
mod backend;
#[cfg(feature = "tracing")]
#[path = "instrument/tracing.rs"]
mod backend;

use std::fmt;

use fauxtp_logic::reason::PanicReport;
use fauxtp_logic::start_type::StartType;
use fauxtp_logic::supervisor::Report;
use fauxtp_logic::{ExitReason, Pid};

use crate::facts::Facts;
use crate::payload::contain;
use crate::shared::Core;

pub(crate) use backend::somebody_listens;

/// A process has ended abnormally through its own doing (PL-007, PL-008). Its facts are gathered only if somebody wants to
/// know them.
pub(crate) fn crash(core: &Core, reason: &ExitReason, facts: impl FnOnce() -> (Facts, Vec<Pid>)) {
    contain(|| {
        if somebody_listens() {
            let (facts, neighbours) = facts();
            let last_message =
                core.private(|private| private.owned().and_then(|owned| owned.last_message));
            backend::crash(&facts, &neighbours, last_message, reason);
        }
    });
}

/// A destructor has panicked while its process ended.
pub(crate) fn dropped_badly(core: &Core, report: &PanicReport) {
    contain(|| backend::dropped_badly(core, report));
}

/// A bounded mailbox has dropped a message.
pub(crate) fn dropped(core: &Core) {
    contain(|| backend::dropped(core));
}

/// Something has arrived that nobody handles.
pub(crate) fn unhandled(core: &Core, what: impl FnOnce() -> String) {
    contain(|| backend::unhandled(core, &what()));
}

/// A killed child does not yield.
pub(crate) fn unkillable(supervisor: Pid, child: Pid) {
    contain(|| backend::unkillable(supervisor, child));
}

/// Whether anybody would hear of some report of a supervisor.
pub(crate) fn reports_are_heard() -> bool {
    let mut heard = false;
    contain(|| heard = backend::reports_are_heard());
    heard
}

/// A supervisor reports: progress as information, everything else as an error (LOG-001).
pub(crate) fn supervisor(supervisor: Pid, report: &Report) {
    contain(|| backend::supervisor(supervisor, report, 1));
}

/// The same for several children at once that did not shut down as asked (SUP-116).
pub(crate) fn shutdown_errors(supervisor: Pid, report: &Report, children: usize) {
    contain(|| backend::supervisor(supervisor, report, children));
}

/// An application has started.
pub(crate) fn application_started(application: &str, supervisor: Pid) {
    contain(|| backend::application_started(application, supervisor));
}

/// An application has stopped, in time.
pub(crate) fn application_stopped(application: &str, how: &dyn fmt::Display) {
    contain(|| backend::application_stopped(application, how));
}

/// Something of an application had not ended in time, and was killed.
pub(crate) fn application_killed(application: &str, how: &dyn fmt::Display) {
    contain(|| backend::application_killed(application, how));
}

/// An application's top supervisor has ended by itself (APP-005).
pub(crate) fn application_ended(application: &str, start_type: StartType, reason: &ExitReason) {
    contain(|| backend::application_ended(application, start_type, reason));
}

/// A callback of an application has panicked, or returned an error.
pub(crate) fn callback_failed(application: &str, callback: &dyn fmt::Display, reason: &ExitReason) {
    contain(|| backend::callback_failed(application, callback, reason));
}

/// A system begins to stop.
pub(crate) fn shutting_down(cause: &dyn fmt::Display) {
    contain(|| backend::shutting_down(cause));
}
