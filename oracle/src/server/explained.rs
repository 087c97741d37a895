//! Recognises where servers differ from OTP's on purpose, as narrowly as can be.

mod uncancelled;

use super::compare::{canonical, is_absence};
use super::history::{Before, History, Init, Next, Plan, Request, Step, Then};
use crate::reasons::Reason;
use crate::sides::{Explanation, Sides, Trace};
use crate::term::{Term, atom, int, tuple};

/// A stop of this step that was well is not, where OTP raises the very reason it asked for.
pub(super) fn stopped_by_others(history: &History, sides: &Sides, step: usize) -> Explanation {
    let mut alike = sides.clone();
    let [ours, theirs] = sides.one_sided(step);
    for event in &ours {
        let raised = stop_raised(history, event).filter(|raised| theirs.contains(raised));
        let place = || alike.ours[step].iter().position(|told| told == event);
        if let Some((raised, place)) = raised.and_then(|raised| Some((raised, place()?))) {
            alike.ours[step][place] = raised;
        }
    }
    if alike == *sides { Explanation::None } else { Explanation::Alike(alike) }
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

/// OTP's server handles calls whose time was over before, and ours never does.
pub(super) fn expired(history: &History, sides: &Sides, step: usize) -> Explanation {
    again_and_again(sides, |sides| match dropped(history, sides, step) {
        Explanation::None => idle(history, sides, step),
        found => found,
    })
}

/// What is left when nothing more can be explained. Ends, for each round removes an event of one step.
fn again_and_again(sides: &Sides, explain: impl Fn(&Sides) -> Explanation) -> Explanation {
    let mut explained = Explanation::None;
    let mut left = sides.clone();
    loop {
        match explain(&left) {
            Explanation::None => return explained,
            Explanation::Apart => return Explanation::Apart,
            Explanation::Alike(alike) => {
                left = alike.clone();
                explained = Explanation::Alike(alike);
            }
        }
    }
}

/// OTP's server handles a call of this step, whose time was over before.
fn dropped(history: &History, sides: &Sides, step: usize) -> Explanation {
    let Some(place) = extra_event(&sides.theirs, &sides.ours, step) else {
        return Explanation::None;
    };
    let handled = &sides.theirs[step][place];
    let is_it = |(timeout, request): &(Term, &Request)| {
        let before = |trace: &Trace| trace[..=step].iter().flatten().any(|told| told == timeout);
        *handled == call_of(request.tag) && before(&sides.ours) && before(&sides.theirs)
    };
    let handles = sides.ours.iter().flatten().any(|told| told == handled);
    match impatient(history).find(is_it).filter(|_| !handles) {
        Some((_, request)) => extra(history, sides, Side::Theirs, step, place, &request.plan),
        None => Explanation::None,
    }
}

/// Ours does what it is to do if nothing arrives; OTP's has handled a call meanwhile whose time was over before.
fn idle(history: &History, sides: &Sides, step: usize) -> Explanation {
    let Some(place) = extra_event(&sides.ours, &sides.theirs, step) else {
        return Explanation::None;
    };
    let begins = begins();
    let last = |event: &Term| {
        let step = sides.ours[..=step].iter().rposition(|events| events.contains(event));
        step.map_or(-1, |step| step as i64)
    };
    let is_dropped = |(timeout, request): (Term, &Request)| {
        let handles =
            |trace: &Trace| trace.iter().flatten().any(|told| *told == call_of(request.tag));
        // By the server that runs now.
        last(&timeout) > last(&begins) && !handles(&sides.ours)
    };
    if sides.ours[step][place] != timed_out() || !impatient(history).any(is_dropped) {
        return Explanation::None;
    }
    let plans = timeouts(history);
    let plan = plans.iter().map(|(_, plan)| *plan).find(|plan| !is_plain(plan));
    extra(history, sides, Side::Ours, step, place, plan.unwrap_or(&PLAIN))
}

/// The calls that are not waited for long: what is told when their time is over, and what they ask for.
fn impatient(history: &History) -> impl Iterator<Item = (Term, &Request)> {
    history.steps.iter().enumerate().filter_map(|(number, step)| match step {
        Step::Call { caller, patient: false, request, .. } => {
            let timeout = tuple([atom("result"), int(number), atom("timeout")]);
            Some((tuple([int(*caller), timeout]), request))
        }
        _ => None,
    })
}

fn call_of(tag: usize) -> Term {
    tuple([atom("server"), tuple([atom("handle"), atom("call"), int(tag)])])
}

fn begins() -> Term {
    tuple([atom("server"), atom("init")])
}

fn timed_out() -> Term {
    tuple([atom("server"), tuple([atom("handle"), atom("timeout"), atom("none")])])
}

/// Ours has been told that somebody it watches is not there, and OTP's has not yet.
pub(super) fn noproc_at_once(history: &History, sides: &Sides, step: usize) -> Explanation {
    again_and_again(sides, |sides| match not_yet_told(history, sides, step) {
        Explanation::None => match untold(history, sides, step) {
            Explanation::None => uncancelled::explain(history, sides, step),
            found => found,
        },
        found => found,
    })
}

/// OTP's server ends before it waits for anything, and is never told; or it is told in a later step.
fn untold(history: &History, sides: &Sides, step: usize) -> Explanation {
    let is_end = |event: &Term| is_by_server(event) && matches!(told(event), Some(("died", _)));
    let [ours, _] = sides.one_sided(step);
    let Some(absence) = ours.iter().find(|event| is_absence(event)) else {
        return Explanation::None;
    };
    let same = |event: &Term| event == absence;
    let never = || {
        let place = sides.ours[step].iter().position(same);
        let extra = |place| extra(history, sides, Side::Ours, step, place, &PLAIN);
        place.map_or(Explanation::None, extra)
    };
    let blocked = tuple([atom("server"), atom("blocked")]);
    let mut alike = sides.clone();
    let mut waits = false;
    for later in step..alike.theirs.len() {
        if let Some(place) = alike.theirs[later].iter().position(same).filter(|_| later > step) {
            let absence = alike.theirs[later].remove(place);
            alike.theirs[step].push(absence);
            return Explanation::Alike(alike.map(canonical));
        }
        if alike.theirs[later].iter().any(is_end) {
            return if waits { Explanation::None } else { never() };
        }
        // Absences stand behind all else.
        let is_place = |event: &&Term| is_by_server(event) && !is_absence(event);
        waits = alike.theirs[..=later].iter().flatten().rfind(is_place) != Some(&blocked);
    }
    Explanation::None
}

/// OTP's server does what it is to do if nothing arrives at once, or handles what ours does not come to, for it ends.
fn not_yet_told(history: &History, sides: &Sides, step: usize) -> Explanation {
    let Some(place) = extra_event(&sides.theirs, &sides.ours, step) else {
        return Explanation::None;
    };
    if !sides.ours[step].iter().any(is_absence) {
        return Explanation::None;
    }
    if sides.theirs[step][place] != timed_out() {
        // Its `terminate` may take longer than this step.
        let is_end = |event: &Term| {
            is_by_server(event) && matches!(told(event), Some(("terminate" | "died", _)))
        };
        let ends = sides.ours[step].iter().any(is_end) && history.steps.iter().any(ends_when_told);
        return if ends { Explanation::Apart } else { Explanation::None };
    }
    let plans = timeouts(history);
    let mut zero = plans.iter().filter(|(zero, _)| *zero).map(|(_, plan)| *plan);
    let plan = zero.find(|plan| !is_plain(plan));
    extra(history, sides, Side::Theirs, step, place, plan.unwrap_or(&PLAIN))
}

/// Whether a server is started that ends when it is told of somebody's end.
fn ends_when_told(step: &Step) -> bool {
    let ends = |then: &Then| {
        matches!(then, Then::Stop(_) | Then::StopReply(_) | Then::Error | Then::Exit(_))
    };
    matches!(step, Step::Start { init, .. } if ends(&init.told))
}

/// Whether a server is started whose `terminate` fails.
const fn fails_to_terminate(step: &Step) -> bool {
    matches!(step, Step::Start { init: Init { terminate_fails: true, .. }, .. })
}

/// The place of what a server tells in this step where the other tells something else, or nothing any more.
fn extra_event(trace: &Trace, other: &Trace, step: usize) -> Option<usize> {
    let other: Vec<_> = other.get(step)?.iter().filter(|event| is_by_server(event)).collect();
    let events = trace.get(step)?.iter().enumerate();
    let mut told = events.filter(|(_, event)| is_by_server(event)).enumerate();
    let differs =
        |(number, (_, event)): &(usize, (usize, &Term))| other.get(*number) != Some(event);
    told.find(differs).map(|(_, (place, _))| place)
}

fn is_by_server(event: &Term) -> bool {
    matches!(event.as_tuple(), Ok([who, _]) if *who == atom("server"))
}

/// Whose server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Ours,
    Theirs,
}

/// One server has run a callback which the other has not. If the callback does nothing that is seen, the rest is the
/// same; otherwise nothing that comes of it can be compared, but what the server has told before is.
fn extra(
    history: &History,
    sides: &Sides,
    side: Side,
    step: usize,
    place: usize,
    plan: &Plan,
) -> Explanation {
    let mut alike = sides.clone();
    let trace = match side {
        Side::Ours => &mut alike.ours,
        Side::Theirs => &mut alike.theirs,
    };
    let event = trace[step].remove(place);
    // Absences stand behind all else; the server may have begun in the same step.
    let begins = trace[step].iter().position(|event| *event == begins());
    let from = if is_absence(&event) { begins.map_or(0, |place| place + 1) } else { place };
    count_one_less(trace, step, from);
    let alike = alike.map(canonical);
    if is_plain(plan) || alike.difference().is_none() {
        return Explanation::Alike(alike);
    }
    // Ours goes on with what waits behind: it ends only of that, and answers nobody twice.
    let [ours, _] = alike.one_sided(step);
    let is_handling = |event: &Term| matches!(told(event), Some(("handle" | "down" | "exit", _)));
    let is_end = |event: &Term| matches!(told(event), Some(("died", _)));
    let is_answered = |event: &Term| {
        let Some(("result", [number, _])) = told(event) else { return false };
        let same = |other: &Term| matches!(told(other), Some(("result", [n, _])) if n == number);
        sides.ours[..step].iter().flatten().any(same)
    };
    let is_asked_for = |event: &Term| {
        let Some(("died", [reason])) = told(event) else { return false };
        let asked =
            |reason: &Term| history.steps.iter().take(step + 1).any(|step| asks_for(step, reason));
        // Whoever was to end with a reason that was asked for may fail at it.
        let was_to =
            |event: &Term| matches!(told(event), Some(("terminate", [to, _])) if asked(to));
        let fails = *reason == atom("error") && history.steps.iter().any(fails_to_terminate);
        asked(reason) || fails && ours.iter().any(was_to)
    };
    let ends_by_itself = side == Side::Theirs
        && ours.iter().any(|event| is_end(event) && !is_asked_for(event))
        && !ours.iter().any(is_handling);
    match ends_by_itself || ours.iter().any(is_answered) {
        true => Explanation::None,
        false => Explanation::Apart,
    }
}

/// Whether the server may end with this reason because of this step.
fn asks_for(step: &Step, reason: &Term) -> bool {
    match step {
        Step::Stop { reason: asked, .. } => asked.to_term() == *reason,
        Step::Exit(_, asked) | Step::Leave(_, asked) => match asked {
            Reason::Kill => *reason == atom("killed") || *reason == atom("kill"),
            other => other.to_term() == *reason,
        },
        _ => false,
    }
}

/// What somebody tells, whoever it is.
fn told(event: &Term) -> Option<(&str, &[Term])> {
    event.as_tuple::<2>().ok()?[1].as_tagged().ok()
}

/// Whether nothing comes of a callback but that it has run.
fn is_plain(plan: &Plan) -> bool {
    let ends_well = matches!(plan.then, Then::Reply | Then::Keep | Then::HandOn);
    plan.before.is_empty() && !plan.block && ends_well && plan.next == Next::None
}

/// The server that has run a callback says how many it has run, if it comes to terminate: one less.
fn count_one_less(trace: &mut Trace, step: usize, place: usize) {
    let begins = begins();
    for (number, events) in trace.iter_mut().enumerate().skip(step) {
        let from = if number == step { place } else { 0 };
        for event in &mut events[from..] {
            // That would be another server.
            if *event == begins {
                return;
            }
            let Ok([who, what]) = event.as_tuple() else { continue };
            let ("terminate", [reason, Term::Int(count)]) = what.as_tagged().unwrap_or(("", &[]))
            else {
                continue;
            };
            let what = tuple([atom("terminate"), reason.clone(), int(count - 1)]);
            *event = tuple([who.clone(), what]);
            return;
        }
    }
}

/// What servers of this history are told to do if nothing arrives, and whether at once.
fn timeouts(history: &History) -> Vec<(bool, &Plan)> {
    let plans = plans(history).into_iter();
    let timeouts = plans.filter_map(|plan| match &plan.next {
        Next::Timeout { zero, plan } => Some((*zero, &**plan)),
        _ => None,
    });
    timeouts.collect()
}

/// What callbacks of this history are told to do, one by the other too.
fn plans(history: &History) -> Vec<&Plan> {
    let mut found = Vec::new();
    let mut left: Vec<&Plan> = (history.steps.iter())
        .filter_map(|step| match step {
            Step::Start { init, .. } => Some(&init.plan),
            Step::Call { request, .. }
            | Step::Cast { request, .. }
            | Step::Info { request, .. } => Some(&request.plan),
            _ => None,
        })
        .collect();
    while let Some(plan) = left.pop() {
        found.push(plan);
        left.extend(plan.before.iter().filter_map(|before| match before {
            Before::SelfCast(request) => Some(&request.plan),
            _ => None,
        }));
        match &plan.next {
            Next::Timeout { plan, .. } => left.push(plan),
            Next::Continue(request) => left.push(&request.plan),
            Next::None | Next::Hibernate => {}
        }
    }
    found
}

/// A callback of which nothing comes.
const PLAIN: Plan = Plan::plain(Then::Reply);
