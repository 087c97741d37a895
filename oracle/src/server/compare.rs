//! Compares two traces of a server: exactly, but for what OTP leaves open, which is brought into one form first.
//!
//! What one process tells is compared in its order; processes among each other have none within one step. What is left
//! open: when the server is told that somebody it watches is not there.

use std::collections::BTreeSet;

use super::history::{History, Step, Then};
use crate::explained::{EXPIRED, HANDED_ON, NOPROC_AT_ONCE, STOPPED_BY_OTHERS};
use crate::oracle::Verdict;
use crate::term::{Term, atom, tuple};

pub(crate) fn compare(history: &History, ours: &Term, theirs: &Term) -> Verdict {
    if ours == theirs {
        return Verdict::Same;
    }
    let (Some(ours), Some(theirs)) = (canonical(ours), canonical(theirs)) else {
        return Verdict::Different;
    };
    let (ours, others) = stopped_by_others(history, ours, &theirs);
    let differs = |(ours, theirs): (&Vec<Term>, &Vec<Term>)| ours != theirs;
    match ours.iter().zip(&theirs).position(differs) {
        None if ours.len() == theirs.len() && others => Verdict::Explained(STOPPED_BY_OTHERS),
        None if ours.len() == theirs.len() => Verdict::Same,
        Some(step) if ours[step].iter().any(is_absence) => Verdict::Explained(NOPROC_AT_ONCE),
        Some(step) if drops_expired(&ours, &theirs, step) => Verdict::Explained(EXPIRED),
        Some(step) if handed_on(history, &ours[step], &theirs[step]) => {
            Verdict::Explained(HANDED_ON)
        }
        _ => Verdict::Different,
    }
}

/// Whether in this step OTP's callers learn at once that the server has ended that handed their replies on.
fn handed_on(history: &History, ours: &[Term], theirs: &[Term]) -> bool {
    let missing = |event: &&Term| !ours.contains(event);
    let is_handed_on = |event: &Term| {
        let what = event.as_tuple().ok().map(|[_, what]| what.as_tagged())?.ok()?;
        let ("result", [step, _]) = what else { return None };
        let step = history.steps.get(usize::try_from(step.as_int().ok()?).ok()?)?;
        Some(matches!(step, Step::Call { request, .. } if request.plan.then == Then::HandOn))
    };
    let mut missing = theirs.iter().filter(missing).peekable();
    missing.peek().is_some() && missing.all(|event| is_handed_on(event) == Some(true))
}

/// The trace in one form, by steps; nothing if it is none.
fn canonical(trace: &Term) -> Option<Vec<Vec<Term>>> {
    let step = |step: &Term| {
        let mut events = step.as_list().ok()?.to_vec();
        // A stable sort: all but those keep their places.
        events.sort_by_key(|event| (place(event), is_absence(event)));
        Some(events)
    };
    trace.as_list().ok()?.iter().map(step).collect()
}

/// Where those who tell stand in a trace.
fn place(event: &Term) -> i64 {
    match event.as_tuple() {
        Ok([Term::Int(caller), _]) => *caller,
        Ok([who, _]) if *who == atom("parent") => -2,
        _ => -1,
    }
}

/// Whether the server is told that somebody it watches is not there.
fn is_absence(event: &Term) -> bool {
    let Ok([_, what]) = event.as_tuple() else { return false };
    matches!(what.as_tagged(), Ok(("down", [_, reason])) if *reason == atom("noproc"))
}

/// Our trace, in which stops that were well are not, where OTP raises the very reason they asked for; and whether there
/// are any.
fn stopped_by_others(
    history: &History,
    ours: Vec<Vec<Term>>,
    theirs: &[Vec<Term>],
) -> (Vec<Vec<Term>>, bool) {
    let mut any = false;
    let mut judge = |event: Term, theirs: Option<&Vec<Term>>| {
        let raised = stop_raised(history, &event)
            .filter(|raised| theirs.is_some_and(|theirs| theirs.contains(raised)));
        any |= raised.is_some();
        raised.unwrap_or(event)
    };
    let steps = ours.into_iter().enumerate().map(|(number, events)| {
        events.into_iter().map(|event| judge(event, theirs.get(number))).collect()
    });
    (steps.collect(), any)
}

/// What would have been told if this stop, which was well, had raised its reason.
fn stop_raised(history: &History, event: &Term) -> Option<Term> {
    let [who, what] = event.as_tuple().ok()?;
    let ("result", [step, value]) = what.as_tagged().ok()? else { return None };
    let number = usize::try_from(step.as_int().ok()?).ok()?;
    match history.steps.get(number)? {
        Step::Stop { reason, .. } if *value == atom("ok") => {
            Some(tuple([who.clone(), tuple([atom("result"), step.clone(), reason.to_term()])]))
        }
        _ => None,
    }
}

/// Whether from this step on OTP's server does what nobody waits for any more: a call whose time was over before it was
/// handled, and which ours has not handled at all.
fn drops_expired(ours: &[Vec<Term>], theirs: &[Vec<Term>], step: usize) -> bool {
    let handled = |events: &[Vec<Term>]| -> BTreeSet<Term> {
        events.iter().flatten().filter_map(handled_call).collect()
    };
    let ours_all = handled(ours);
    theirs[step].iter().filter_map(handled_call).any(|call| !ours_all.contains(&call))
        && theirs[..=step].iter().flatten().any(is_timeout)
}

/// The call that is handled, if this tells that one is.
fn handled_call(event: &Term) -> Option<Term> {
    let [_, what] = event.as_tuple().ok()?;
    match what.as_tagged().ok()? {
        ("handle", [kind, tag]) if *kind == atom("call") => Some(tag.clone()),
        _ => None,
    }
}

fn is_timeout(event: &Term) -> bool {
    let Ok([_, what]) = event.as_tuple() else { return false };
    matches!(what.as_tagged(), Ok(("result", [_, value])) if *value == atom("timeout"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(steps: &str, ours: &str, theirs: &str) -> Verdict {
        let term = |text: &str| Term::parse(text).expect("it is a term");
        let history = History::parse(&term(&format!("{{1,{steps}}}"))).expect("it is a history");
        compare(&history, &term(ours), &term(theirs))
    }

    #[test]
    fn a_call_that_ours_drops_is_explained_only_if_its_time_is_over() {
        let steps = "[{call,0,pid,short,1,{[],false,reply,none}},{elapse},{unblock}]";
        let (ours, theirs) = (
            "[[],[{0,{result,0,timeout}}],[]]",
            "[[],[{0,{result,0,timeout}}],[{server,{handle,call,1}}]]",
        );
        assert!(matches!(verdict(steps, ours, theirs), Verdict::Explained(_)));
        let (ours, theirs) = ("[[],[],[]]", "[[],[],[{server,{handle,call,1}}]]");
        assert_eq!(verdict(steps, ours, theirs), Verdict::Different);
    }

    #[test]
    fn a_stop_that_is_well_is_explained_only_by_its_own_reason() {
        let steps = "[{stop,0,pid,infinity,a}]";
        let ours = "[[{0,{result,0,ok}}]]";
        assert!(matches!(verdict(steps, ours, "[[{0,{result,0,a}}]]"), Verdict::Explained(_)));
        assert_eq!(verdict(steps, ours, "[[{0,{result,0,b}}]]"), Verdict::Different);
    }
}
