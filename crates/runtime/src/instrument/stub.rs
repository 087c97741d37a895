//! Says nothing: the twin of `tracing.rs` for builds without that feature.

use fauxtp_logic::reason::PanicReport;
use fauxtp_logic::supervisor::Report;
use fauxtp_logic::{ExitReason, Pid};

use crate::facts::Facts;
use crate::shared::Core;

pub(crate) fn somebody_listens() -> bool {
    false
}

pub(crate) fn crash(
    _facts: &Facts,
    _neighbours: &[Pid],
    _last_message: Option<&'static str>,
    _reason: &ExitReason,
) {
}

pub(crate) fn dropped_badly(_core: &Core, _report: &PanicReport) {}

pub(crate) fn dropped(_core: &Core) {}

pub(crate) fn unhandled(_core: &Core, _what: &str) {}

pub(crate) fn unkillable(_supervisor: Pid, _child: Pid) {}

pub(crate) fn supervisor(_supervisor: Pid, _report: &Report, _children: usize) {}
