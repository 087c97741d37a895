//! Where we differ from OTP on purpose: all that is excused, each with where it is written down; mostly ADR 16.
//!
//! One more difference needs no excuse, for our driver waits as long as it may take: who waits for a reply that was
//! handed on learns within 100 ms that the server has ended (GS-012, ADR 4).

use crate::words::words;

words! {
    /// A difference that is meant.
    Rule {
        CrossedEnd = "crossed_end",
        TrapTakesIn = "trap_takes_in",
        NoprocAtOnce = "noproc_at_once",
        TwoCauses = "two_causes",
        Expired = "expired",
        StoppedByOthers = "stopped_by_others",
        Phantom = "phantom",
        LateStart = "late_start",
        AskedMeanwhile = "asked_meanwhile",
    }
}

impl Rule {
    /// What it is, and where it is written down.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            // The process was not dead yet; its farewell tells everybody who had asked by then (step 3).
            Self::CrossedEnd => {
                "MON-003, LINK-005, ADR 16: whoever links with a process that is about to end, or watches it, learns why it ended; in OTP `noproc`"
            }
            Self::TrapTakesIn => {
                "PROC-014, ADR 16: what had arrived before a process changed its trap flag is judged by the flag of before"
            }
            Self::NoprocAtOnce => {
                "MON-003, LINK-005, ADR 16: that somebody is not there is known at once; OTP says so when the process waits next"
            }
            // The first cause wins, and which that is OTP leaves open.
            Self::TwoCauses => {
                "PROC-007, PROC-012, ADR 16: who is taken along by two ends of the same moment has the reason of either; so has who ends by itself then"
            }
            Self::Expired => {
                "CALL-005, ADR 13: a call whose time was over before it was handled is not handled any more"
            }
            Self::StoppedByOthers => {
                "GS-049, ADR 16: a stop is well if the server ends with its reason, whoever has brought that about"
            }
            Self::Phantom => {
                "SUP-078: a child of a template whose restart is ignored is forgotten; OTP keeps one without a process, and counts it"
            }
            Self::AskedMeanwhile => {
                "ADR 7: dynamic supervisors do not wait for a start or a stop; who asks meanwhile is told how it is before"
            }
            Self::LateStart => {
                "ADR 7: dynamic supervisors do not wait for a start; who is about to when they give up does not begin"
            }
        }
    }
}
