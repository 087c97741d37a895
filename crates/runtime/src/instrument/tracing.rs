//! Tells by `tracing` events: one for each thing that happened, with stable field names.

use std::fmt;

use fauxtp_logic::reason::PanicReport;
use fauxtp_logic::start_type::StartType;
use fauxtp_logic::supervisor::{Report, ReportContext};
use fauxtp_logic::{ExitReason, Pid};
use tracing::{debug, error, info, warn};

use crate::facts::Facts;
use crate::shared::Core;

/// Whether anybody would hear of a crash; if not, the panic hook that was there before speaks.
pub(crate) fn somebody_listens() -> bool {
    // Asked as for an event: a subscriber may not want to hear of anything else.
    tracing::event_enabled!(target: "fauxtp::crash", tracing::Level::ERROR)
}

/// Whether anybody would hear of some report of a supervisor.
pub(crate) fn reports_are_heard() -> bool {
    tracing::event_enabled!(target: "fauxtp::supervisor", tracing::Level::ERROR)
        || tracing::event_enabled!(target: "fauxtp::supervisor", tracing::Level::INFO)
}

pub(crate) fn crash(
    facts: &Facts,
    neighbours: &[Pid],
    last_message: Option<&'static str>,
    reason: &ExitReason,
) {
    let panic = reason.panic();
    error!(
        target: "fauxtp::crash",
        pid = %facts.pid,
        name = facts.name.as_deref(),
        process = facts.label,
        reason = %Words(reason, false),
        detail = %Words(reason, true),
        location = panic.and_then(|panic| panic.location.as_deref()),
        backtrace = panic.and_then(|panic| panic.backtrace.as_deref()),
        last_message,
        queue_len = facts.queue_len,
        ancestors = ?facts.ancestors,
        callers = (!facts.callers.is_empty()).then(|| tracing::field::debug(&facts.callers)),
        links = ?facts.links,
        neighbours = ?neighbours,
        trapping = facts.trapping,
        restarts = facts.restarts,
        "process crashed"
    );
}

pub(crate) fn dropped_badly(core: &Core, report: &PanicReport) {
    error!(
        target: "fauxtp::crash",
        pid = %core.pid,
        process = core.label,
        panic = report.message,
        location = report.location.as_deref(),
        "destructor panicked while its process ended"
    );
}

pub(crate) fn dropped(core: &Core) {
    debug!(target: "fauxtp::mailbox", pid = %core.pid, process = core.label, "message dropped: mailbox full");
}

pub(crate) fn unhandled(core: &Core, what: &str) {
    warn!(target: "fauxtp::server", pid = %core.pid, process = core.label, what, "nobody handles this; dropped");
}

pub(crate) fn unkillable(supervisor: Pid, child: Pid) {
    error!(
        target: "fauxtp::supervisor",
        supervisor = %supervisor,
        child = %child,
        "killed child does not yield; it is left behind"
    );
}

/// A reason in its own words, in short or in detail.
struct Words<'a>(&'a ExitReason, bool);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(reason, detail) = *self;
        let text = words(|| if detail { format!("{reason:#}") } else { format!("{reason}") });
        f.write_str(&text)
    }
}

/// What the user's code says of an error; it may panic, and the report is made all the same.
fn words(say: impl FnOnce() -> String) -> String {
    let mut said = None;
    super::contain(|| said = Some(say()));
    said.unwrap_or_else(|| "(an error that panics when it is written)".to_owned())
}

/// A reason, as it is written.
enum Said<'a> {
    Word(&'static str),
    Reason(&'a ExitReason),
}

impl fmt::Debug for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Reason(reason) => f.write_str(&words(|| format!("{reason:?}"))),
        }
    }
}

pub(crate) fn supervisor(supervisor: Pid, report: &Report, children: usize) {
    let Report { context, offender } = report;
    // What OTP's reports say as an atom.
    let word = match context {
        ReportContext::ReachedMaxRestartIntensity => Some("reached_max_restart_intensity"),
        ReportContext::AutoShutdown => Some("auto_shutdown"),
        _ => None,
    };
    let reason = word.map(Said::Word).or_else(|| context.reason().map(Said::Reason));
    macro_rules! tell {
        ($level:ident) => {
            $level!(
                target: "fauxtp::supervisor",
                supervisor = %supervisor,
                context = context.name(),
                reason = reason.as_ref().map(tracing::field::debug),
                child = &*offender.id,
                pid = offender.pid.map(tracing::field::display),
                children,
                restart = ?offender.restart,
                shutdown = ?offender.shutdown,
                kind = ?offender.kind,
                significant = offender.significant,
                restarts = offender.restarts,
                "supervisor report"
            )
        };
    }
    match context {
        // A supervisor that has done its work is no fault.
        ReportContext::Progress | ReportContext::AutoShutdown => tell!(info),
        _ => tell!(error),
    }
}

pub(crate) fn application_started(application: &str, supervisor: Pid) {
    info!(target: "fauxtp::application", application, supervisor = %supervisor, "application started");
}

pub(crate) fn application_stopped(application: &str, how: &dyn fmt::Display) {
    info!(target: "fauxtp::application", application, how = %words(|| how.to_string()), "application stopped");
}

pub(crate) fn application_killed(application: &str, how: &dyn fmt::Display) {
    error!(target: "fauxtp::application", application, how = %words(|| how.to_string()), "application killed");
}

pub(crate) fn application_ended(application: &str, start_type: StartType, reason: &ExitReason) {
    let (short, detail) = (Words(reason, false), Words(reason, true));
    macro_rules! tell {
        ($level:ident) => {
            $level!(
                target: "fauxtp::application",
                application,
                start_type = ?start_type,
                reason = %short,
                detail = %detail,
                "application ended by itself"
            )
        };
    }
    // One that has done its work is no fault.
    if reason.is_normal() { tell!(info) } else { tell!(error) }
}

pub(crate) fn callback_failed(application: &str, callback: &dyn fmt::Display, reason: &ExitReason) {
    let (reason, detail) = (Words(reason, false), Words(reason, true));
    error!(
        target: "fauxtp::application",
        application,
        callback = %callback,
        reason = %reason,
        detail = %detail,
        "callback of an application failed"
    );
}

pub(crate) fn shutting_down(cause: &dyn fmt::Display) {
    info!(target: "fauxtp::application", cause = %words(|| cause.to_string()), "system shuts down");
}
