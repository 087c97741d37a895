//! Tells by `tracing` events: one for each thing that happened, with stable field names.

use fauxtp_logic::reason::PanicReport;
use fauxtp_logic::supervisor::{Report, ReportContext};
use fauxtp_logic::{ExitReason, Pid};
use tracing::{debug, error, info, warn};

use crate::facts::Facts;
use crate::shared::Core;

/// Whether anybody would hear of a crash; if not, the panic hook that was there before speaks.
pub(crate) fn somebody_listens() -> bool {
    tracing::enabled!(target: "fauxtp::crash", tracing::Level::ERROR)
}

/// One report for a process that ended abnormally through its own doing (PL-007, PL-008).
pub(crate) fn crash(core: &Core, facts: &Facts, reason: &ExitReason) {
    let panic = reason.panic();
    let (last_message, restarts) = core.private(|private| {
        (private.owned().and_then(|owned| owned.last_message), private.restarts)
    });
    error!(
        target: "fauxtp::crash",
        pid = %facts.pid,
        name = facts.name.as_deref(),
        process = facts.label,
        reason = %reason,
        detail = format_args!("{reason:#}"),
        location = panic.and_then(|panic| panic.location.as_deref()),
        backtrace = panic.and_then(|panic| panic.backtrace.as_deref()),
        last_message,
        queue_len = facts.queue_len,
        ancestors = ?facts.ancestors,
        links = ?facts.links,
        trapping = facts.trapping,
        restarts,
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

/// What a supervisor reports: progress as information, everything else as an error (LOG-001).
pub(crate) fn supervisor(supervisor: Pid, report: &Report) {
    shutdown_errors(supervisor, report, 1);
}

/// The same for several children at once that did not shut down as asked (SUP-116).
pub(crate) fn shutdown_errors(supervisor: Pid, report: &Report, children: usize) {
    let Report { context, offender } = report;
    macro_rules! tell {
        ($level:ident) => {
            $level!(
                target: "fauxtp::supervisor",
                supervisor = %supervisor,
                context = context.name(),
                reason = context.reason().map(tracing::field::debug),
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
        ReportContext::Progress => tell!(info),
        _ => tell!(error),
    }
}
