//! Says nothing: the twin of `tracing.rs` for builds without that feature.

use std::fmt;

use fauxtp_logic::reason::PanicReport;
use fauxtp_logic::start_type::StartType;
use fauxtp_logic::supervisor::Report;
use fauxtp_logic::{ExitReason, Pid};

use crate::facts::Facts;
use crate::shared::Core;

pub(crate) fn somebody_listens() -> bool {
    false
}

pub(crate) fn reports_are_heard() -> bool {
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

pub(crate) fn application_started(_application: &str, _supervisor: Pid) {}

pub(crate) fn application_stopped(_application: &str, _how: &dyn fmt::Display) {}

pub(crate) fn application_killed(_application: &str, _how: &dyn fmt::Display) {}

pub(crate) fn application_ended(_application: &str, _start_type: StartType, _reason: &ExitReason) {}

pub(crate) fn callback_failed(
    _application: &str,
    _callback: &dyn fmt::Display,
    _reason: &ExitReason,
) {
}

pub(crate) fn shutting_down(_cause: &dyn fmt::Display) {}
