//! The summary: what was done, what came of it, and whether that agrees.

use std::io::{Result, Write, stdout};
use std::time::Duration;

use super::words;
use crate::figures::{brief, count, thousands};
use crate::ledger::{Incident, Ledger, Midwife, NOPROC};
use crate::sums::Outcome;
use crate::tally::Tally;

/// All the summary is made of.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    pub(crate) seed: u64,
    /// How long the storm was.
    pub(crate) length: Duration,
    pub(crate) interrupted: bool,
    pub(crate) tally: &'a Tally,
    pub(crate) outcome: &'a Outcome,
    pub(crate) disagreements: &'a [String],
}

/// Prints it.
///
/// # Errors
/// If the output cannot be written.
pub(crate) fn print(account: &Account<'_>) -> Result<()> {
    let mut lines = vec![String::new()];
    let cut = if account.interrupted { ", cut short" } else { "" };
    let length = account.length.as_secs_f64();
    lines.push(format!("fauxtp tour, {length:.1} s{cut}, seed {}", account.seed));
    lines.push(String::new());
    let ledger = account.tally.ledger();
    calls(&mut lines, account, &ledger);
    crashes(&mut lines, &ledger);
    restarts(&mut lines, &ledger);
    ends(&mut lines, account, &ledger);
    drop(ledger);
    lines.push(String::new());
    if account.disagreements.is_empty() {
        lines.push("The sums agree.".to_owned());
    } else {
        lines.push("The sums do not agree:".to_owned());
        lines.extend(account.disagreements.iter().map(|wrong| format!("  {wrong}")));
    }
    let mut out = stdout().lock();
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}

fn calls(lines: &mut Vec<String>, account: &Account<'_>, ledger: &Ledger) {
    let tally = account.tally;
    let (made, answered, failed) = (tally.made(), tally.answered(), ledger.failed_total());
    let per_second = (answered as f64 / account.length.as_secs_f64().max(1e-3)) as u64;
    row(lines, "calls", format!("{} made, {} a second", thousands(made), thousands(per_second)));
    row(lines, "answered", thousands(answered));
    row(lines, "failed", thousands(failed));
    let told = ledger.failed.iter().filter(|(name, _)| **name != NOPROC);
    let told = words::list(told.map(|(name, calls)| (*name, *calls)));
    row(lines, "", format!("as the callee ended: {told}"));
    let noproc = ledger.failed.get(NOPROC).copied().unwrap_or(0);
    row(lines, "", format!("as nobody was there: {NOPROC} {}", thousands(noproc)));
}

fn crashes(lines: &mut Vec<String>, ledger: &Ledger) {
    row(
        lines,
        "crashes",
        format!("{} by sabotage: {}", ledger.incidents.len(), words::crashes(ledger)),
    );
    let observed = ledger.incidents.iter().filter(|incident| incident.end.is_some()).count();
    let flogged = ledger.flogged();
    row(
        lines,
        "",
        format!("{observed} exits observed; {flogged} more blows at dead pids, without effect"),
    );
}

fn restarts(lines: &mut Vec<String>, ledger: &Ledger) {
    let by_supervisor = ledger.successors_by(Midwife::Supervisor);
    let by_hand = ledger.successors_by(Midwife::Hand);
    let automatic = |incident: &&Incident| {
        incident.successor.is_some_and(|successor| successor.by == Midwife::Supervisor)
    };
    let mut gaps: Vec<_> =
        ledger.incidents.iter().filter(automatic).filter_map(Incident::gap).collect();
    gaps.sort_unstable();
    let speed = match (gaps.get(gaps.len() / 2), gaps.last()) {
        (Some(median), Some(slowest)) => {
            format!(" (median {}, slowest {})", brief(*median), brief(*slowest))
        }
        _ => String::new(),
    };
    row(lines, "restarts", format!("{by_supervisor} by the supervisors{speed}"));
    row(
        lines,
        "",
        format!("{by_hand} by hand: cancelled or killed, they stayed down as they should"),
    );
}

fn ends(lines: &mut Vec<String>, account: &Account<'_>, ledger: &Ledger) {
    let open = account.tally.made() - account.tally.answered() - ledger.failed_total();
    let slowest = brief(account.tally.slowest());
    let hung = match open {
        0 => format!("nothing: every call was resolved, the slowest after {slowest}"),
        open => format!("{} never resolved", count(open as usize, "call")),
    };
    row(lines, "hung", hung);
    let remains = account.outcome.remains;
    let left = format!(
        "{}, {}, {} left; stopped in {}",
        count(remains.processes, "process"),
        count(remains.names, "name"),
        count(remains.timers, "timer"),
        brief(account.outcome.stopped_in),
    );
    let clean = remains.processes + remains.names + remains.timers == 0;
    row(lines, "leaked", if clean { format!("nothing: {left}") } else { left });
}

fn row(lines: &mut Vec<String>, head: &str, text: impl AsRef<str>) {
    lines.push(format!("  {head:<10}{}", text.as_ref()));
}
