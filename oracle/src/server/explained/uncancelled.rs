//! Ours does what it is to do if nothing arrives, and OTP's is told instead that somebody is not there: ours was told
//! before it came to what it had sent itself, which is what it handled last.

use super::{Side, extra, extra_event, is_by_server, plans, timed_out, told};
use crate::server::compare::is_absence;
use crate::server::history::{Before, History, Next, Plan, Request};
use crate::sides::{Explanation, Sides};
use crate::term::{Term, atom};

pub(super) fn explain(history: &History, sides: &Sides, step: usize) -> Explanation {
    let place = extra_event(&sides.ours, &sides.theirs, step);
    let is_it = |place: &usize| sides.ours[step][*place] == timed_out();
    let Some(place) = place.filter(is_it) else { return Explanation::None };
    match uncancelled(history, sides, step, place) {
        Some(plan) if only_absences(sides, step, place) => {
            extra(history, sides, Side::Ours, step, place, plan)
        }
        _ => Explanation::None,
    }
}

/// Whether OTP's server tells nothing more in this step than who is not there.
fn only_absences(sides: &Sides, step: usize, place: usize) -> bool {
    let before = sides.ours[step][..place].iter().filter(|event| is_by_server(event)).count();
    let mut rest = sides.theirs[step].iter().filter(|event| is_by_server(event)).skip(before);
    rest.all(is_absence)
}

/// What ours does in this place, if it was to do so by what it had sent itself, and was told of an absence in the same
/// step in which it came to that. OTP's must have been told by now.
fn uncancelled<'a>(
    history: &'a History,
    sides: &Sides,
    step: usize,
    place: usize,
) -> Option<&'a Plan> {
    let before = |number: usize| if number == step { place } else { usize::MAX };
    let events = sides.ours[..=step].iter().enumerate().flat_map(|(number, events)| {
        events.iter().take(before(number)).map(move |event| (number, event))
    });
    let mut events: Vec<_> = events.filter(|(_, event)| is_of_callback(event)).collect();
    let mut asked = None;
    while let Some((number, event)) = events.pop() {
        let Some(("handle", [kind, Term::Int(tag)])) = told(event) else { return None };
        let plan = plan_of(history, kind, *tag)?;
        let timeout = asked.get_or_insert(plan);
        // What it goes on with belongs to what it was sent.
        if *kind == atom("cast") {
            let Next::Timeout { plan, .. } = &timeout.next else { return None };
            let absences = sides.ours[number].iter().filter(|event| is_absence(event));
            let theirs: Vec<_> = sides.theirs[number..=step].iter().flatten().collect();
            return absences.into_iter().any(|event| theirs.contains(&event)).then_some(plan);
        }
    }
    None
}

/// Whether the server tells by this that a callback has begun, or that it has itself, or ends; absences apart.
fn is_of_callback(event: &Term) -> bool {
    let within = |what: &Term| {
        *what == atom("blocked") || what.as_tagged().is_ok_and(|(tag, _)| tag == "self_call")
    };
    let is_within = event.as_tuple::<2>().is_ok_and(|[_, what]| within(what));
    is_by_server(event) && !is_absence(event) && !is_within
}

/// What a server does that has sent itself this, or goes on with it.
fn plan_of<'a>(history: &'a History, kind: &Term, tag: i64) -> Option<&'a Plan> {
    let is_it = |request: &&Request| i64::try_from(request.tag).is_ok_and(|request| request == tag);
    let sends = |before: &'a Before| match before {
        Before::SelfCast(request) => Some(request),
        _ => None,
    };
    let plans = plans(history).into_iter();
    let asked = plans.flat_map(|plan| match &plan.next {
        Next::Continue(request) if *kind == atom("continue") => vec![&**request],
        _ if *kind == atom("cast") => plan.before.iter().filter_map(sends).collect(),
        _ => Vec::new(),
    });
    asked.into_iter().find(is_it).map(|request| &request.plan)
}
