//! Compares two traces of signals: exactly, but for what OTP leaves open, which is brought into one form first.
//!
//! What one robot receives, and what it tells, is compared in its order; robots among each other have none within one
//! step. What is left open:
//!
//! - Several end in one step: in which order a third one hears of them, and when of what it sends itself. Such runs
//!   are sorted by sender; those of one sender stay in their order.
//! - When somebody is told that a process is not there (`noproc`): it comes last.
//! - Somebody ends: what he receives in the same step, he may or may not have taken by then (PROC-005).
//! - Whoever kills its peer and asks whether it lives may be dead before it has its answer told.

use std::collections::BTreeMap;

use super::explained;
use super::history::{Act, History, Step};
use crate::oracle::Verdict;
use crate::term::Term;

pub(crate) fn compare(history: &History, ours: &Term, theirs: &Term) -> Verdict {
    if ours == theirs {
        return Verdict::Same;
    }
    let (Some(ours), Some(theirs)) = (events(ours), events(theirs)) else {
        return Verdict::Different;
    };
    let canonical_theirs = canonical(history, theirs.clone());
    match difference(&canonical(history, ours.clone()), &canonical_theirs) {
        None => Verdict::Same,
        Some(first) => explained::by(history, ours, theirs, first)
            .map_or(Verdict::Different, Verdict::Explained),
    }
}

/// The trace by steps; nothing if it is none.
fn events(trace: &Term) -> Option<Trace> {
    let step = |step: &Term| step.as_list().ok().map(<[Term]>::to_vec);
    trace.as_list().ok()?.iter().map(step).collect()
}

/// The first step in which the traces differ.
pub(super) fn difference(ours: &Trace, theirs: &Trace) -> Option<usize> {
    let differs = |(ours, theirs): (&Vec<Term>, &Vec<Term>)| ours != theirs;
    let missing = || (ours.len() != theirs.len()).then(|| ours.len().min(theirs.len()));
    ours.iter().zip(theirs).position(differs).or_else(missing)
}

/// What happened in each step.
pub(super) type Trace = Vec<Vec<Term>>;

/// The trace in one form.
pub(super) fn canonical(history: &History, trace: Trace) -> Trace {
    let ends = ends(&trace);
    let canonical = trace.into_iter().enumerate().map(|(number, mut events)| {
        events.retain(|event| !is_last(history, number, event, &ends));
        noproc_last(&mut events);
        sort_runs(number, &mut events, &ends);
        events
    });
    canonical.collect()
}

/// In which step each robot has ended.
pub(super) fn ends(steps: &[Vec<Term>]) -> BTreeMap<Term, usize> {
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

/// Whether it is something that a robot tells in the step in which it ends, and may have had no time to.
fn is_last(history: &History, number: usize, event: &Term, ends: &BTreeMap<Term, usize>) -> bool {
    let Ok((tag, [robot, what, ..])) = event.as_tagged() else { return false };
    if ends.get(robot) != Some(&number) {
        return false;
    }
    let step = || history.steps.get(usize::try_from(what.as_int().ok()?).ok()?);
    tag == "got" || tag == "result" && matches!(step(), Some(Step::Act(_, Act::KillAlive(_))))
}

/// Moves what each robot is told of those who are not there behind all else that it tells.
fn noproc_last(events: &mut [Term]) {
    let place = |event: &Term| {
        let (tag, others) = event.as_tagged().ok()?;
        let absent = match others {
            [_, item] if tag == "got" => match item.as_tagged().ok()? {
                ("exit", [_, reason]) | ("down", [_, _, reason]) => is_noproc(reason),
                _ => false,
            },
            _ => false,
        };
        Some((others.first()?.clone(), absent.then(|| event.clone())))
    };
    events.sort_by_cached_key(place);
}

/// Sorts what one robot hears of several who ended in the same step.
fn sort_runs(number: usize, events: &mut [Term], ends: &BTreeMap<Term, usize>) {
    let mut start = 0;
    while start < events.len() {
        let Some((robot, _, end)) = told_of(number, &events[start], ends) else {
            start += 1;
            continue;
        };
        let same = |event: &&Term| {
            told_of(number, event, ends).is_some_and(|(to, _, when)| to == robot && when == end)
        };
        let length = events[start..].iter().take_while(same).count();
        events[start..start + length].sort_by_cached_key(|event| {
            told_of(number, event, ends).map(|(_, from, _)| from.clone())
        });
        start += length;
    }
}

/// Who hears of whose end, or from himself, and when that was. Of whom nothing was there any more the order is clear.
fn told_of<'a>(
    number: usize,
    event: &'a Term,
    ends: &BTreeMap<Term, usize>,
) -> Option<(Term, &'a Term, usize)> {
    let Ok(("got", [robot, item])) = event.as_tagged() else { return None };
    let from = match item.as_tagged().ok()? {
        ("exit", [from, reason]) | ("down", [_, from, reason]) if !is_noproc(reason) => from,
        ("note", [from, _]) if from == robot => from,
        _ => return None,
    };
    let when = if from == robot { number } else { *ends.get(from)? };
    Some((robot.clone(), from, when))
}

fn is_noproc(reason: &Term) -> bool {
    reason.as_atom().is_ok_and(|name| name == "noproc")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(steps: &str, ours: &str, theirs: &str) -> Verdict {
        let term = |text: &str| Term::parse(text).expect("it is a term");
        let history = format!("{{[{{true,eager}},{{true,eager}},{{true,eager}}],{steps}}}");
        let history = History::parse(&term(&history)).expect("it is a history");
        compare(&history, &term(ours), &term(theirs))
    }

    #[test]
    fn those_who_end_together_are_heard_of_in_any_order() {
        let [one, other] = ["{got,0,{exit,1,a}}", "{got,0,{down,3,2,a}}"];
        let ends = "{died,1,a},{died,2,a}";
        let (ours, theirs) =
            (format!("[[{one},{other},{ends}]]"), format!("[[{other},{one},{ends}]]"));
        assert_eq!(verdict("[]", &ours, &theirs), Verdict::Same);
    }

    #[test]
    fn those_who_end_one_after_the_other_are_not() {
        let [one, other] = ["{got,0,{exit,1,a}}", "{got,0,{exit,2,a}}"];
        let (ours, theirs) = (
            format!("[[{{died,1,a}}],[{{died,2,a}}],[{one},{other}]]"),
            format!("[[{{died,1,a}}],[{{died,2,a}}],[{other},{one}]]"),
        );
        assert_eq!(verdict("[]", &ours, &theirs), Verdict::Different);
    }

    #[test]
    fn one_sender_is_heard_in_its_order() {
        let [one, other] = ["{got,0,{exit,1,a}}", "{got,0,{down,3,1,a}}"];
        let (ours, theirs) =
            (format!("[[{one},{other},{{died,1,a}}]]"), format!("[[{other},{one},{{died,1,a}}]]"));
        assert_eq!(verdict("[]", &ours, &theirs), Verdict::Different);
    }

    #[test]
    fn a_reason_is_explained_only_where_somebody_came_too_late() {
        let (ours, theirs) = (
            "[[],[],[],[{got,2,{exit,0,a}},{died,0,a}]]",
            "[[],[],[],[{got,2,{exit,0,noproc}},{died,0,a}]]",
        );
        let late = "[{hold,0},{exit,1,0,a},{link,2,0},{release}]";
        assert!(matches!(verdict(late, ours, theirs), Verdict::Explained(_)));
        let in_time = "[{link,2,0},{hold,0},{exit,1,0,a},{release}]";
        assert_eq!(verdict(in_time, ours, theirs), Verdict::Different);
    }
}
