//! Lines: one for each second, and one for what is worth it.

use std::collections::BTreeSet;
use std::io::{Result, Write, stdout};
use std::time::Duration;

use super::words;
use crate::figures::{brief, thousands};
use crate::ledger::{Incident, Ledger, Midwife};
use crate::stage::Stage;
use crate::system::{DOCUMENTED, NAMES};

/// How often it looks whether there is something to say.
pub(super) const TICK: Duration = Duration::from_millis(100);

pub(super) struct Plain<'a> {
    stage: &'a Stage,
    /// When the last line about counters was due, and how many calls were answered then.
    last: (Duration, u64),
    /// Incidents up to here have been looked at.
    seen: usize,
    /// Ways to end that have been shown.
    shown: BTreeSet<crate::harm::Harm>,
    /// Incidents whose victim was down when they were told.
    down: Vec<usize>,
}

impl<'a> Plain<'a> {
    pub(super) fn new(stage: &'a Stage, length: Duration) -> Result<Self> {
        let mut out = stdout();
        writeln!(out, "fauxtp tour: {} s, seed {}", length.as_secs_f64(), stage.seed)?;
        let system = &stage.system;
        writeln!(
            out,
            "  registry {}",
            system.registry.pid().map_or_else(String::new, |pid| pid.to_string())
        )?;
        writeln!(
            out,
            "  supervisor {}, one_for_one, restarts after errors only",
            system.supervisor.pid()
        )?;
        writeln!(out, "    {}", NAMES[..DOCUMENTED].join(", "))?;
        writeln!(out, "  pool {}, dynamic, restarts always", system.pool.pid())?;
        writeln!(out, "    {}", NAMES[DOCUMENTED..].join(", "))?;
        let last = (stage.tally.now(), 0);
        Ok(Self { stage, last, seen: 0, shown: BTreeSet::new(), down: Vec::new() })
    }

    pub(super) fn tick(&mut self) -> Result<()> {
        let now = self.stage.tally.now();
        self.tell_incidents(now)?;
        if now.saturating_sub(self.last.0) >= Duration::from_secs(1) {
            self.tell_counters(now)?;
        }
        Ok(())
    }

    pub(super) fn end(&mut self) -> Result<()> {
        self.tell_incidents(Duration::MAX)
    }

    fn tell_counters(&mut self, now: Duration) -> Result<()> {
        let tally = &self.stage.tally;
        let answered = tally.answered();
        let per_second = (answered - self.last.1) as f64 / (now - self.last.0).as_secs_f64();
        self.last = (now, answered);
        let up =
            (0..NAMES.len()).filter(|place| self.stage.system.worker(*place).is_some()).count();
        let ledger = tally.ledger();
        let line = format!(
            "{:>5.1}s  {} calls/s, answered {}, failed {}, crashes {}, restarts {}, running {up} of {}",
            now.as_secs_f64(),
            thousands(per_second as u64),
            thousands(answered),
            thousands(ledger.failed_total()),
            ledger.incidents.len(),
            ledger.successors_by(Midwife::Supervisor) + ledger.successors_by(Midwife::Hand),
            NAMES.len(),
        );
        drop(ledger);
        writeln!(stdout(), "{line}")
    }

    /// Tells of the first end of each kind, and of everybody who stays down.
    fn tell_incidents(&mut self, now: Duration) -> Result<()> {
        let mut lines = Vec::new();
        let ledger = self.stage.tally.ledger();
        let settled = |incident: &&Incident| now.saturating_sub(incident.struck) >= SETTLED;
        while let Some(incident) = ledger.incidents.get(self.seen).filter(settled) {
            let waits = incident.successor.is_none();
            if self.shown.insert(incident.blow.harm) || waits {
                lines.push(tell(incident));
            }
            if waits {
                self.down.push(self.seen);
            }
            self.seen += 1;
        }
        self.down.retain(|index| tell_return(&ledger, *index, &mut lines));
        drop(ledger);
        let mut out = stdout();
        lines.iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}

fn tell(incident: &Incident) -> String {
    let toll = words::toll(incident);
    let comma = if toll.is_empty() { "" } else { "; " };
    format!(
        "{:>5.1}s  {} {} {}: {}{comma}{toll}",
        incident.struck.as_secs_f64(),
        words::name(incident),
        incident.blow.victim,
        incident.blow.harm.done(),
        words::consequence(incident),
    )
}

/// Whether a worker is still down; if not, says so.
fn tell_return(ledger: &Ledger, index: usize, lines: &mut Vec<String>) -> bool {
    let incident = &ledger.incidents[index];
    let (Some(successor), Some(gap)) = (incident.successor, incident.gap()) else { return true };
    let how = match successor.by {
        Midwife::Supervisor => "restarted",
        Midwife::Hand => "started again by hand",
    };
    let (at, name, gap) = (successor.born.as_secs_f64(), words::name(incident), brief(gap));
    lines.push(format!("{at:>5.1}s  {name} {how} as {} after {gap}", successor.pid));
    false
}

/// How old an incident is when it is told, so that its consequences are known.
const SETTLED: Duration = Duration::from_millis(80);
