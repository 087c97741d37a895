//! Compares traces of supervisors: exactly where OTP defines an order, in one form where it does not.

use std::collections::BTreeSet;

use super::history::{Act, Body, History, Shutdown, Start, Strategy, Sup};
use crate::explained::{LATE_START, PHANTOM};
use crate::oracle::Verdict;
use crate::term::{Term, atom, int, list, tuple};

/// Where we differ from OTP on purpose: the reason, and whether that is all there is between two traces.
const DIFFERENCES: [(&str, Explains); 2] = [
    (PHANTOM, |history, _, theirs| has_phantom(history, theirs)),
    (LATE_START, |_, ours, theirs| without_late_starts(theirs, ours) == ours),
];

/// Of traces in canonical form, of a tree with a template; first ours.
type Explains = fn(&History, &[Term], &[Term]) -> bool;

pub(super) fn compare(history: &History, ours: &Term, theirs: &Term) -> Verdict {
    let (ours, theirs) = (canonical(history, ours), canonical(history, theirs));
    if ours == theirs {
        return Verdict::Same;
    }
    if history.root.strategy != Strategy::Simple {
        return Verdict::Different;
    }
    match DIFFERENCES.iter().find(|(_, explains)| explains(history, &ours, &theirs)) {
        Some((reason, _)) => Verdict::Explained(reason),
        None => Verdict::Different,
    }
}

/// The trace, batch by batch, without the order of what has none: ends of those who end together.
fn canonical(history: &History, trace: &Term) -> Vec<Term> {
    let Term::List(entries) = trace else { return vec![trace.clone()] };
    let is_simple = history.root.strategy == Strategy::Simple;
    let mut brutal = BTreeSet::new();
    brutally_killed(&history.root, &[], &mut brutal);
    // Those that were killed in this batch.
    let mut killed = BTreeSet::new();
    let mut canonical = Vec::with_capacity(entries.len());
    let mut together = Vec::new();
    for entry in entries {
        match entry.as_tagged() {
            Ok(("kill", _)) => {
                killed.insert(list([]));
            }
            Ok(("died", [path, _])) => {
                killed.insert(path.clone());
            }
            Ok(("terminate", [path, _, reason]))
                if is_simple
                    || *reason == atom("killed")
                    || is_below(path, &killed)
                    || is_below(path, &brutal) =>
            {
                together.push(entry.clone());
                continue;
            }
            Ok(("done" | "finished" | "started", _)) => {
                together.sort();
                canonical.append(&mut together);
                killed.clear();
            }
            _ => {}
        }
        canonical.push(if is_simple { without_order(entry) } else { entry.clone() });
    }
    canonical.append(&mut together);
    canonical
}

/// The places of supervisors that are killed without being asked: whoever is below them ends on his own.
fn brutally_killed(sup: &Sup, path: &[u8], found: &mut BTreeSet<Term>) {
    for spec in &sup.specs {
        if let Body::Sup(below) = &spec.body {
            let path = [path, &[spec.id]].concat();
            if spec.shutdown == Shutdown::Brutal {
                found.insert(list(path.iter().copied().map(int)));
            }
            brutally_killed(below, &path, found);
        }
    }
}

fn is_below(path: &Term, places: &BTreeSet<Term>) -> bool {
    let Term::List(ids) = path else { return false };
    (0..ids.len()).any(|length| places.contains(&Term::List(ids[..length].to_vec())))
}

/// The children of a template are listed in no order.
fn without_order(entry: &Term) -> Term {
    let Term::Tuple(elements) = entry else { return entry.clone() };
    if !matches!(entry.as_tagged(), Ok(("answer" | "family", _))) {
        return entry.clone();
    }
    let sorted = elements.iter().map(|element| match element {
        Term::List(list) => {
            let mut list = list.clone();
            list.sort();
            Term::List(list)
        }
        other => other.clone(),
    });
    Term::Tuple(sorted.collect())
}

/// Whether the restart of a child of a template was ignored.
fn has_phantom(history: &History, trace: &[Term]) -> bool {
    let acts = history.batches.iter().flat_map(|batch| &batch.acts);
    let ignored: Vec<_> = acts
        .filter_map(|act| match act {
            Act::StartDynamic(id, plan) => Some((*id, plan)),
            _ => None,
        })
        .flat_map(|(id, plan)| {
            let later = plan.iter().enumerate().skip(1);
            let ignored = later.filter(|(_, start)| **start == Start::Ignore);
            ignored.map(move |(index, _)| tuple([atom("start"), list([int(id)]), int(index + 1)]))
        })
        .collect();
    trace.iter().any(|entry| ignored.contains(entry))
}

/// A trace without what the other has not of those who began in the last batch, if the supervisor ended in it.
fn without_late_starts(trace: &[Term], other: &[Term]) -> Vec<Term> {
    let is_done = |entry: &Term| matches!(entry.as_tagged(), Ok(("done", _)));
    let is_end = |entry: &Term| matches!(entry.as_tagged(), Ok(("ended", _)));
    let dones: Vec<_> = (0..trace.len()).filter(|index| is_done(&trace[*index])).collect();
    if !trace.iter().any(is_end) || dones.is_empty() {
        return trace.to_vec();
    }
    let last = if dones.len() < 2 { 0 } else { dones[dones.len() - 2] };
    let incarnation = |entry: &Term| match entry.as_tagged() {
        Ok(("start" | "terminate", [path, attempt, ..])) => Some((path.clone(), attempt.clone())),
        _ => None,
    };
    let before: BTreeSet<_> = trace[..last].iter().filter_map(incarnation).collect();
    let known: BTreeSet<_> = other.iter().collect();
    let is_late = |entry: &Term| {
        incarnation(entry).is_some_and(|one| !before.contains(&one)) && !known.contains(entry)
    };
    trace.iter().filter(|entry| !is_late(entry)).cloned().collect()
}
