//! Recognises where supervisors differ from OTP's on purpose, as narrowly as can be.

use std::collections::BTreeSet;

use super::compare::ids;
use super::history::{Act, Auto, Body, History, Start, Strategy, Sup};
use crate::sides::{Explanation, Sides};
use crate::term::{Term, atom, int, tuple};

/// A child of a template whose restart was ignored: OTP lists and counts it in this step, without a process.
pub(super) fn phantom(history: &History, sides: &Sides, step: usize) -> Explanation {
    let mut alike = sides.clone();
    let haunted = haunted(history, sides, step);
    if haunted.is_empty() {
        return Explanation::None;
    }
    if haunted.contains(&Vec::new())
        && (ends_badly(sides, step) || does_not_end(&history.root, sides, step))
    {
        return Explanation::Apart;
    }
    let [ours, theirs] = sides.one_sided(step);
    for entry in &mut alike.theirs[step] {
        if !theirs.contains(entry) {
            continue;
        }
        let is_haunted = match entry.as_tagged() {
            Ok(("family", [path, ..])) => haunted.contains(&ids(path)),
            Ok(("answer", _)) => true,
            _ => false,
        };
        let laid = [atom("worker"), atom("supervisor")].map(|kind| without_phantom(entry, &kind));
        if let Some(laid) =
            laid.into_iter().flatten().find(|laid| is_haunted && ours.contains(laid))
        {
            *entry = laid;
        }
    }
    if alike == *sides { Explanation::None } else { Explanation::Alike(alike) }
}

/// Whether OTP's supervisor fails because it is to stop a child that has no process, and nothing differs in this step but
/// how it and its children end.
fn ends_badly(sides: &Sides, step: usize) -> bool {
    let ended = |trace: &[Vec<Term>], how| {
        trace[step..].iter().flatten().any(|entry| *entry == tuple([atom("ended"), atom(how)]))
    };
    let is_end = |entry: &Term| match entry.as_tagged() {
        Ok(("ended" | "terminate" | "survivors", _)) => true,
        Ok(("answer", [_, said])) => matches!(said.as_tagged(), Ok(("down", _))),
        _ => false,
    };
    ended(&sides.ours, "shutdown")
        && ended(&sides.theirs, "error")
        && sides.one_sided(step).iter().flatten().all(is_end)
}

/// Whether ours ends, for no child is left and all were significant, and OTP's has only some that have no process; and
/// nothing differs in this step but that it can still be asked.
fn does_not_end(root: &Sup, sides: &Sides, step: usize) -> bool {
    let is_template = root.strategy == Strategy::Simple && root.auto == Auto::All;
    let ended = tuple([atom("ended"), atom("shutdown")]);
    let ends = step + 2 == sides.ours.len() && sides.ours[step + 1].contains(&ended);
    let has_no_process =
        |child: &Term| matches!(child.as_tuple(), Ok([_, pid, _]) if *pid == atom("undefined"));
    let is_haunted = |entry: &Term| match entry.as_tagged() {
        Ok(("family", [path, Term::List(children), _])) => {
            ids(path).is_empty() && !children.is_empty() && children.iter().all(has_no_process)
        }
        _ => false,
    };
    let [ours, theirs] = sides.one_sided(step);
    is_template
        && root.specs.iter().all(|spec| spec.significant)
        && ends
        && ours.is_empty()
        && matches!(theirs.as_slice(), [family] if is_haunted(family))
}

/// The supervisors that have lost a child to an ignored restart by the end of this step, on both sides.
fn haunted(history: &History, sides: &Sides, step: usize) -> BTreeSet<Vec<u8>> {
    let mut ignored = BTreeSet::new();
    for batch in &history.batches {
        for act in &batch.acts {
            let Act::StartDynamic(id, plan) = act else { continue };
            let later = plan.iter().enumerate().skip(1);
            for (index, _) in later.filter(|(_, start)| **start == Start::Ignore) {
                let path = [batch.path.as_slice(), &[*id]].concat();
                let path = Term::List(path.into_iter().map(int).collect());
                ignored.insert(tuple([atom("start"), path, int(index + 1)]));
            }
        }
    }
    let told = |trace: &[Vec<Term>]| -> BTreeSet<Term> {
        trace[..=step].iter().flatten().cloned().collect()
    };
    let (ours, theirs) = (told(&sides.ours), told(&sides.theirs));
    let both = ignored.iter().filter(|start| ours.contains(start) && theirs.contains(start));
    let above = both.filter_map(|start| {
        let ("start", [path, _]) = start.as_tagged().ok()? else { return None };
        let mut path = ids(path);
        path.pop();
        Some(path)
    });
    above.collect()
}

/// What is said of the children, without the one of this kind that has no process.
fn without_phantom(entry: &Term, kind: &Term) -> Option<Term> {
    let Term::Tuple(elements) = entry else { return None };
    let child = tuple([atom("undefined"), atom("undefined"), kind.clone()]);
    let mut changed = false;
    let elements = elements.iter().map(|element| match element {
        Term::List(children) if children.contains(&child) => {
            changed = true;
            let place = children.iter().position(|other| *other == child);
            let mut children = children.clone();
            place.map(|place| children.remove(place));
            Term::List(children)
        }
        Term::Tuple(_) => {
            let ("counts", [specs, Term::Int(active), Term::Int(sups), Term::Int(workers)]) =
                element.as_tagged().unwrap_or(("", &[]))
            else {
                return element.clone();
            };
            changed = true;
            let is_worker = *kind == atom("worker");
            let (sups, workers) = (sups - i64::from(!is_worker), workers - i64::from(is_worker));
            tuple([atom("counts"), specs.clone(), int(active - 1), int(sups), int(workers)])
        }
        other => other.clone(),
    });
    let laid = Term::Tuple(elements.collect());
    changed.then_some(laid)
}

/// The children of a template were asked for while some were about to start or to end, in the same batch: OTP has waited.
pub(super) fn asked_meanwhile(history: &History, sides: &Sides, step: usize) -> Explanation {
    let templates = templates(&history.root);
    let is_start_below = |entry: &&Term| match entry.as_tagged() {
        Ok(("start", [path, _])) => {
            ids(path).split_last().is_some_and(|(_, above)| templates.contains(above))
        }
        _ => false,
    };
    // The numbers of those who have started in this batch.
    let mut begun: Vec<Term> = (sides.theirs[step].iter().filter(is_start_below))
        .filter_map(|entry| Some(entry.as_tuple::<3>().ok()?[2].clone()))
        .collect();
    if !haunted(history, sides, step).is_empty() {
        // Who has no process in OTP, and is not there in ours.
        begun.push(atom("undefined"));
    }
    let stops = |entry: &&Term| matches!(entry.as_tagged(), Ok(("answer", [verb, _])) if *verb == atom("terminate_child"));
    let stopped = sides.theirs[step].iter().filter(stops).count();
    let mut alike = sides.clone();
    for (ours, theirs) in alike.ours[step].iter_mut().zip(&sides.theirs[step]) {
        if ours != theirs && is_answer_of_before(ours, theirs, &begun, stopped) {
            ours.clone_from(theirs);
        }
    }
    if alike == *sides { Explanation::None } else { Explanation::Alike(alike) }
}

/// Whether our answer is that of OTP but for some who have begun since, who are about to be restarted or not there yet,
/// and for at most so many who are about to end.
fn is_answer_of_before(ours: &Term, theirs: &Term, begun: &[Term], stopped: usize) -> bool {
    let said = |entry: &Term| match entry.as_tagged() {
        Ok(("answer", [verb, said])) => Some((verb.clone(), said.clone())),
        _ => None,
    };
    let (Some((verb, ours)), Some((other, theirs))) = (said(ours), said(theirs)) else {
        return false;
    };
    if verb != other {
        return false;
    }
    if let (Term::List(ours), Term::List(theirs)) = (&ours, &theirs) {
        return is_list_of_before(ours, theirs, begun, stopped);
    }
    let numbers = |said: &Term| match said.as_tagged() {
        Ok(("counts", [specs, active, sups, workers])) => {
            [specs, active, sups, workers].iter().map(|count| count.as_int().ok()).collect()
        }
        _ => None,
    };
    let (Some(ours), Some(theirs)): (Option<Vec<i64>>, Option<Vec<i64>>) =
        (numbers(&ours), numbers(&theirs))
    else {
        return false;
    };
    let missing: Vec<i64> = theirs.iter().zip(&ours).map(|(their, our)| their - our).collect();
    let (most, least) = (begun.len() as i64, -(stopped as i64));
    // Those who are restarted are counted, but not as active.
    missing[0] == 0
        && missing[2] + missing[3] <= missing[1]
        && missing[1..].iter().all(|missing| (least..=most).contains(missing))
}

/// Whether our list is that of OTP without some who have begun since, or with them as restarting, and with at most so
/// many who are about to end.
fn is_list_of_before(ours: &[Term], theirs: &[Term], begun: &[Term], stopped: usize) -> bool {
    let most = begun.len();
    let mut begun = begun.to_vec();
    let mut ours = ours.to_vec();
    let mut missing = 0;
    for child in theirs {
        if let Some(place) = ours.iter().position(|other| other == child) {
            ours.remove(place);
            continue;
        }
        let Ok([_, number, _]) = child.as_tuple() else { return false };
        let Some(place) = begun.iter().position(|other| other == number) else { return false };
        begun.remove(place);
        missing += 1;
    }
    let is_restarting = |child: &Term| matches!(child.as_tuple(), Ok([_, state, _]) if *state == atom("restarting"));
    // Numbers may be the same, so who is who is not known of those that are left.
    let restarting = ours.iter().filter(|child| is_restarting(child)).count();
    restarting <= most && ours.len() <= missing + stopped
}

/// Who of a template was about to start in the last batch, in which the supervisor has given up: ours does not begin.
pub(super) fn late_start(history: &History, sides: &Sides, step: usize) -> Explanation {
    let has_ended = |trace: &[Vec<Term>]| {
        let is_end = |entry: &Term| matches!(entry.as_tagged(), Ok(("ended", _)));
        step + 2 == trace.len() && trace[step + 1].iter().any(is_end)
    };
    let is_over = has_ended(&sides.ours) && has_ended(&sides.theirs);
    // Those who have given up; below others they have begun again, or are not there to be asked.
    let gone = |place: &Vec<u8>, told: &[Term]| {
        let is_it = |path: &Term| ids(path) == *place;
        let begins = told
            .iter()
            .any(|entry| matches!(entry.as_tagged(), Ok(("start", [path, _])) if is_it(path)));
        let is_there = told
            .iter()
            .any(|entry| matches!(entry.as_tagged(), Ok(("family", [path, ..])) if is_it(path)));
        is_over || !place.is_empty() && (begins || !is_there)
    };
    let mut templates = templates(&history.root);
    templates.retain(|place| gone(place, &sides.ours[step]) && gone(place, &sides.theirs[step]));
    let incarnation = |entry: &Term| match entry.as_tagged() {
        Ok(("start" | "terminate", [path, attempt, ..])) => Some((path.clone(), attempt.clone())),
        _ => None,
    };
    let begun = |entries: &[Term]| -> BTreeSet<_> {
        let is_start = |entry: &&Term| matches!(entry.as_tagged(), Ok(("start", _)));
        entries.iter().filter(is_start).filter_map(incarnation).collect()
    };
    let (ours, theirs) = (begun(&sides.ours[step]), begun(&sides.theirs[step]));
    let is_late = |entry: &Term| {
        incarnation(entry).is_some_and(|one| {
            let path = ids(&one.0);
            let is_of_template =
                path.split_last().is_some_and(|(_, above)| templates.contains(above));
            is_of_template && theirs.contains(&one) && !ours.contains(&one)
        })
    };
    let mut alike = sides.clone();
    for (place, entry) in sides.theirs[step].iter().enumerate().filter(|(_, entry)| is_late(entry))
    {
        if place <= alike.ours[step].len() {
            alike.ours[step].insert(place, entry.clone());
        }
    }
    match alike.difference() {
        _ if alike == *sides => Explanation::None,
        // It begins once more with OTP: from there on incarnations have other numbers.
        Some(first) if first > step && !is_over => Explanation::Apart,
        _ => Explanation::Alike(alike),
    }
}

/// The places of supervisors with a template, as far as they are known beforehand.
fn templates(root: &Sup) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    let mut left = vec![(Vec::new(), root)];
    while let Some((path, sup)) = left.pop() {
        for spec in &sup.specs {
            if let Body::Sup(below) = &spec.body {
                left.push(([path.as_slice(), &[spec.id]].concat(), below));
            }
        }
        if sup.strategy == Strategy::Simple {
            found.insert(path);
        }
    }
    found
}
