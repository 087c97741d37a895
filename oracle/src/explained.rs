//! Where we differ from OTP on purpose: all there is, each with where it is written down; mostly ADR 16.

/// A monitor or link that reaches a process behind what ends it: OTP answers `noproc`, we answer with the reason.
///
/// The process was not dead yet; its farewell tells everybody who had asked by then (step 3).
pub(crate) const CROSSED_END: &str = "MON-003, LINK-005, ADR 16: whoever links with a process that is about to end, or watches it, learns why it ended";

/// A process that signals itself, and then changes whether it traps exits: OTP judges by the new flag.
pub(crate) const TRAP_TAKES_IN: &str = "PROC-014, ADR 16: what had arrived before a process changed its trap flag is judged by the flag of before";

/// A process that watches or links with somebody who is not there, and looks for the answer before it waits for
/// anything: with us it is there.
pub(crate) const NOPROC_AT_ONCE: &str = "MON-003, LINK-005, ADR 16: that somebody is not there is known at once; OTP says so when the process waits next";

/// A call whose deadline has passed before its turn came: we drop it unhandled.
pub(crate) const EXPIRED: &str =
    "CALL-005, ADR 13: a call whose time was over before it was handled is not handled any more";

/// A stop whose server ends before it has taken the request, with the very reason that was asked for: OTP raises it.
pub(crate) const STOPPED_BY_OTHERS: &str = "GS-049, ADR 16: a stop is well if the server ends with its reason, whoever has brought that about";

/// A call whose reply was handed on by a server that has ended since.
pub(crate) const HANDED_ON: &str = "GS-012, ADR 4: who waits for a reply that was handed on learns within 100 ms that the server has ended";

/// Two who end at the same moment, for reasons of their own, take a third one along: the first cause wins, and which
/// that is OTP leaves open.
pub(crate) const TWO_CAUSES: &str = "PROC-007, PROC-012, ADR 16: who is taken along by two ends of the same moment has the reason of either";

/// A child of a template whose restart is ignored.
pub(crate) const PHANTOM: &str = "SUP-078: a child of a template whose restart is ignored is forgotten; OTP keeps one without a process";

/// A child of a template that was about to start when its supervisor gave up.
pub(crate) const LATE_START: &str = "ADR 7: dynamic supervisors do not wait for a start; who is about to when they give up does not begin";
