//! The sums at the end: whether what was done, what was observed and what was counted agree.

use std::time::Duration;

use crate::ledger::{Incident, Ledger, Midwife};
use crate::system::{NAMES, wants_restart};
use crate::tally::Tally;

/// What is left when everything has been stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remains {
    /// Processes beyond those there were before the start.
    pub(crate) processes: usize,
    pub(crate) names: usize,
    pub(crate) timers: usize,
}

/// Everything the summary tells and the exit code depends on.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) remains: Remains,
    /// How long the system took to stop.
    pub(crate) stopped_in: Duration,
    /// Workers that did not answer after the storm.
    pub(crate) silent: Vec<&'static str>,
}

/// Checks everything; gives what disagrees, in words.
pub(crate) fn disagreements(tally: &Tally, outcome: &Outcome) -> Vec<String> {
    let mut book = Book { found: Vec::new() };
    let ledger = tally.ledger();
    let failed = ledger.failed_total();
    book.equal("calls made", tally.made(), "answered and failed", tally.answered() + failed);
    book.equal("wrong answers", tally.wrong(), "expected", 0);
    for incident in &ledger.incidents {
        book.incident(incident);
    }
    book.failures(&ledger, failed);
    book.starts(&ledger);
    book.farewells(&ledger);
    book.equal("processes left", outcome.remains.processes as u64, "expected", 0);
    book.equal("names left", outcome.remains.names as u64, "expected", 0);
    book.equal("timers left", outcome.remains.timers as u64, "expected", 0);
    for name in &outcome.silent {
        book.found.push(format!("{name} did not answer after the storm"));
    }
    book.found.extend(ledger.oddities.iter().cloned());
    let untold = ledger.oddities_count - ledger.oddities.len() as u64;
    if untold > 0 {
        book.found.push(format!("{untold} more of these"));
    }
    book.found
}

struct Book {
    found: Vec<String>,
}

impl Book {
    fn equal(&mut self, what: &str, one: u64, other_what: &str, other: u64) {
        if one != other {
            self.found.push(format!("{what}: {one}, but {other_what}: {other}"));
        }
    }

    /// The victim ended once, in the way it was harmed; its callers heard that and nothing else; and it was
    /// replaced by whom the contract says.
    fn incident(&mut self, incident: &Incident) {
        let blow = &incident.blow;
        let who = format!(
            "{} {} after blow {} ({})",
            NAMES[blow.place], blow.victim, blow.number, blow.harm
        );
        let Some((reason, _)) = &incident.end else {
            return self.found.push(format!("{who}: its end was not observed"));
        };
        if !blow.harm.explains(blow.number, reason) {
            self.found.push(format!("{who}: ended with {reason:#}"));
        }
        for (heard, calls) in incident.failures.iter().filter(|(heard, _)| heard != reason) {
            self.found.push(format!(
                "{who}: {calls} callers heard {heard:#}, but it ended with {reason:#}"
            ));
        }
        let expected = match wants_restart(blow.place, reason) {
            true => Midwife::Supervisor,
            false => Midwife::Hand,
        };
        match incident.successor {
            None => self.found.push(format!("{who}: was not replaced")),
            Some(successor) if successor.by != expected => {
                let by = successor.by;
                self.found.push(format!("{who}: was replaced by {by:?} instead of {expected:?}"));
            }
            Some(_) => {}
        }
    }

    /// Every failed call belongs to an incident.
    fn failures(&mut self, ledger: &Ledger, failed: u64) {
        let explained = ledger.incidents.iter().map(Incident::failed).sum();
        self.equal("failed calls", failed, "explained by a crash", explained);
    }

    /// Every worker was started once, and once more for every incident.
    fn starts(&mut self, ledger: &Ledger) {
        for (place, career) in ledger.careers.iter().enumerate() {
            let at_place = |incident: &&Incident| incident.blow.place == place;
            let incidents = ledger.incidents.iter().filter(at_place).count() as u64;
            let name = NAMES[place];
            self.equal(
                &format!("starts of {name}"),
                career.starts,
                "first one and its ends",
                1 + incidents,
            );
        }
    }

    /// Every worker that was left ended with the system, in the orderly way.
    fn farewells(&mut self, ledger: &Ledger) {
        let ends = ledger.farewells.len() as u64;
        self.equal("orderly ends at the stop", ends, "workers", NAMES.len() as u64);
        for (pid, reason) in ledger.farewells.iter().filter(|(_, reason)| !reason.is_shutdown()) {
            self.found.push(format!("{pid} ended with {reason:#} when the system was stopped"));
        }
    }
}

#[cfg(test)]
mod tests {
    use fauxtp::{CallError, ExitReason, Pid};

    use super::*;
    use crate::harm::{Blow, Harm};
    use crate::tally::Resolved;

    const CLEAN: Remains = Remains { processes: 0, names: 0, timers: 0 };

    fn pid(id: usize) -> Pid {
        Pid { node: 0, id: id as u32, serial: 0, creation: 0 }
    }

    /// Plays a tour in which a pool worker is killed while it is called; `twist` happens in between.
    fn found(
        twist: impl FnOnce(&Tally),
        remains: Remains,
        reason_heard: &ExitReason,
    ) -> Vec<String> {
        let tally = Tally::new(NAMES.len());
        for place in 0..NAMES.len() {
            tally.born(place, pid(place));
        }
        let blow = Blow { number: 1, harm: Harm::Kill, place: 5, victim: pid(5) };
        assert!(tally.ledger().strike(blow, Duration::ZERO));
        tally.exited(pid(5), &ExitReason::killed());
        tally.born(5, pid(50));
        tally.making(2);
        let asked = tokio::time::Instant::now();
        let answer = Err(CallError::Exited(reason_heard.clone()));
        tally.resolved(5, Some(pid(5)), Resolved { asked, expected: 2, answer });
        tally.resolved(5, Some(pid(50)), Resolved { asked, expected: 2, answer: Ok(2) });
        twist(&tally);
        tally.ledger().stop();
        for place in (0..NAMES.len()).filter(|place| *place != 5) {
            tally.exited(pid(place), &ExitReason::shutdown());
        }
        tally.exited(pid(50), &ExitReason::shutdown());
        let outcome = Outcome { remains, stopped_in: Duration::ZERO, silent: Vec::new() };
        disagreements(&tally, &outcome)
    }

    #[test]
    fn a_flawless_tour_agrees() {
        assert_eq!(found(|_| {}, CLEAN, &ExitReason::killed()), Vec::<String>::new());
    }

    #[test]
    fn every_flaw_is_found() {
        type Twist = fn(&Tally);
        let asked = tokio::time::Instant::now;
        let rows: [(&str, Twist); 10] = [
            ("calls made", |tally| tally.making(1)),
            ("told twice", |tally| tally.exited(pid(5), &ExitReason::killed())),
            ("ended unharmed", |tally| tally.exited(pid(7), &ExitReason::Normal)),
            ("replaced twice", |tally| tally.born(5, pid(51))),
            ("starts of worker-1", |tally| tally.born(0, pid(60))),
            ("end was not observed", |tally| {
                let blow = Blow { number: 2, harm: Harm::Kill, place: 6, victim: pid(77) };
                tally.ledger().strike(blow, Duration::ZERO);
            }),
            ("ended with normal", |tally| {
                let blow = Blow { number: 2, harm: Harm::Kill, place: 6, victim: pid(6) };
                tally.ledger().strike(blow, Duration::ZERO);
                tally.exited(pid(6), &ExitReason::Normal);
                tally.born(6, pid(61));
            }),
            ("replaced by Supervisor instead of Hand", |tally| {
                let blow = Blow { number: 2, harm: Harm::Cancel, place: 0, victim: pid(0) };
                tally.ledger().strike(blow, Duration::ZERO);
                tally.exited(pid(0), &ExitReason::shutdown());
                tally.born(0, pid(61));
            }),
            ("unharmed worker failed", |tally| {
                tally.ledger().failed(2, Some(pid(2)), &CallError::NoProc)
            }),
            ("as none should", |tally| tally.ledger().failed(5, Some(pid(5)), &CallError::Timeout)),
        ];
        for (flaw, twist) in rows {
            let found = found(twist, CLEAN, &ExitReason::killed());
            assert!(found.iter().any(|text| text.contains(flaw)), "{flaw}: {found:?}");
        }
        let wrong = found(
            |tally| {
                tally.making(1);
                let answer = Ok(3);
                tally.resolved(1, Some(pid(1)), Resolved { asked: asked(), expected: 2, answer });
            },
            CLEAN,
            &ExitReason::killed(),
        );
        assert_eq!(wrong, ["wrong answers: 1, but expected: 0"]);
    }

    #[test]
    fn a_caller_must_hear_how_the_callee_ended() {
        let found = found(|_| {}, CLEAN, &ExitReason::Normal);
        assert!(found[0].contains("1 callers heard normal, but it ended with killed"), "{found:?}");
    }

    #[test]
    fn nothing_may_remain() {
        let remains = Remains { processes: 1, names: 2, timers: 3 };
        let found = found(|_| {}, remains, &ExitReason::killed());
        assert_eq!(found.len(), 3, "{found:?}");
    }
}
