//! Incidents and counters in words.

use std::fmt::Display;

use crate::figures::{brief, count};
use crate::harm::Harm;
use crate::ledger::{Incident, Ledger, Midwife};
use crate::system::{NAMES, wants_restart};

/// What became of the victim, in a few words.
pub(super) fn consequence(incident: &Incident) -> String {
    let Some((reason, ended)) = &incident.end else { return "…".to_owned() };
    match incident.successor {
        Some(successor) => {
            let gap = brief(successor.born.saturating_sub(*ended));
            match successor.by {
                Midwife::Supervisor => format!("back as {} after {gap}", successor.pid),
                Midwife::Hand => format!("down {gap}, started by hand as {}", successor.pid),
            }
        }
        None if wants_restart(incident.blow.place, reason) => "restarting".to_owned(),
        None => STAYS_DOWN.to_owned(),
    }
}

/// The calls that failed with it.
pub(super) fn toll(incident: &Incident) -> String {
    match incident.failed() {
        0 => String::new(),
        failed => format!("{} failed", count(failed as usize, "call")),
    }
}

pub(super) fn name(incident: &Incident) -> &'static str {
    NAMES[incident.blow.place]
}

/// `panic 3, error 4`.
pub(super) fn list<N: Display>(parts: impl IntoIterator<Item = (N, u64)>) -> String {
    let parts = parts.into_iter().filter(|(_, number)| *number > 0);
    let parts: Vec<_> = parts.map(|(name, number)| format!("{name} {number}")).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

pub(super) fn crashes(ledger: &Ledger) -> String {
    list(Harm::ALL.map(|harm| (harm, ledger.ends_by(harm))))
}

pub(super) fn failures(ledger: &Ledger) -> String {
    list(ledger.failed.iter().map(|(name, calls)| (*name, *calls)))
}

/// Killed and cancelled alike: the reason is no error, so the documented workers stay down (CON-03).
const STAYS_DOWN: &str = "stays down, as it was no error";
