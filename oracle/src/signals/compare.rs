//! Compares two traces of signals: exactly, but for what OTP leaves open, which is brought into one form first.
//!
//! What one robot receives, and what it tells, is compared in its order; robots among each other have none within one
//! step. What is left open:
//!
//! - Several end in one step: in which order a third one hears of them. Runs of exits and downs are sorted by sender;
//!   those of one sender stay in their order.
//! - Whoever kills its peer and asks whether it lives may be dead before it has its answer told.

use std::collections::BTreeMap;

use super::history::{Act, History, Step};
use crate::oracle::Verdict;
use crate::term::Term;

pub(crate) fn compare(history: &History, ours: &Term, theirs: &Term) -> Verdict {
    if ours == theirs {
        return Verdict::Same;
    }
    match (canonical(history, ours), canonical(history, theirs)) {
        (Some(ours), Some(theirs)) if ours == theirs => Verdict::Same,
        _ => Verdict::Different,
    }
}

/// The trace in one form; nothing if it is none.
fn canonical(history: &History, trace: &Term) -> Option<Vec<Vec<Term>>> {
    let steps = trace.as_list().ok()?;
    let steps: Vec<Vec<Term>> = steps
        .iter()
        .map(|step| step.as_list().ok().map(<[Term]>::to_vec))
        .collect::<Option<_>>()?;
    let ends = ends(&steps);
    let canonical = steps.into_iter().enumerate().map(|(number, mut events)| {
        events.retain(|event| !is_untold(history, number, event, &ends));
        sort_runs(&mut events, &ends);
        events
    });
    Some(canonical.collect())
}

/// In which step each robot has ended.
fn ends(steps: &[Vec<Term>]) -> BTreeMap<Term, usize> {
    let mut ends = BTreeMap::new();
    for (number, events) in steps.iter().enumerate() {
        for event in events {
            if let Ok(("died", [robot, _])) = event.as_tagged() {
                ends.insert(robot.clone(), number);
            }
        }
    }
    ends
}

/// Whether it is the answer of somebody who has asked about whom it killed, and died in the same step.
fn is_untold(history: &History, number: usize, event: &Term, ends: &BTreeMap<Term, usize>) -> bool {
    let Ok(("result", [robot, step, _])) = event.as_tagged() else { return false };
    let step = step.as_int().ok().and_then(|step| history.steps.get(usize::try_from(step).ok()?));
    matches!(step, Some(Step::Act(_, Act::KillAlive(_)))) && ends.get(robot) == Some(&number)
}

/// Sorts what one robot hears of several who ended in the same step.
fn sort_runs(events: &mut [Term], ends: &BTreeMap<Term, usize>) {
    let mut start = 0;
    while start < events.len() {
        let Some((robot, _, end)) = told_of(&events[start], ends) else {
            start += 1;
            continue;
        };
        let same = |event: &&Term| {
            told_of(event, ends).is_some_and(|(to, _, when)| to == robot && when == end)
        };
        let length = events[start..].iter().take_while(same).count();
        events[start..start + length]
            .sort_by_cached_key(|event| told_of(event, ends).map(|(_, from, _)| from.clone()));
        start += length;
    }
}

/// Who hears of whose end, and when that was. Of whom nothing was there any more the order is clear.
fn told_of<'a>(event: &'a Term, ends: &BTreeMap<Term, usize>) -> Option<(Term, &'a Term, usize)> {
    let Ok(("got", [robot, item])) = event.as_tagged() else { return None };
    let from = match item.as_tagged().ok()? {
        ("exit", [from, reason]) | ("down", [_, from, reason]) if !is_noproc(reason) => from,
        _ => return None,
    };
    Some((robot.clone(), from, *ends.get(from)?))
}

fn is_noproc(reason: &Term) -> bool {
    reason.as_atom().is_ok_and(|name| name == "noproc")
}
