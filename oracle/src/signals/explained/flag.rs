//! Somebody has signals on the way to itself, and changes its trap flag: OTP judges them by the new one.

use std::collections::{BTreeMap, BTreeSet};

use super::{News, Window, asked_of, ended_in, is_noproc, number, teller, tied_to};
use crate::reasons::Reason;
use crate::sides::{Explanation, Sides};
use crate::signals::compare::{canonical, ends};
use crate::signals::history::{Act, History};
use crate::term::{Term, atom, int, tuple};

pub(super) fn explain(history: &History, sides: &Sides, step: usize) -> Explanation {
    let mut alike = sides.clone();
    for window in Window::until(history, step) {
        let Some((since, own)) = own_signals(history, sides, &window) else { continue };
        if window.end == step && decides_an_end(history, sides, &window, (since, &own)) {
            return Explanation::Apart;
        }
        alike = alike.map(|trace| {
            trace.into_iter().map(|told| untold(history, &window, &own, told)).collect()
        });
        if ends_sooner(sides, &window, &own) {
            alike = told_until(since, alike, &window);
        }
    }
    let alike = alike.map(|trace| canonical(history, trace));
    if alike == *sides { Explanation::None } else { Explanation::Alike(alike) }
}

/// What somebody who is held sends itself before it changes its flag, by exits and by links with the dead: of whom it
/// tells, and with which reason; and since which step OTP judges them.
fn own_signals(
    history: &History,
    sides: &Sides,
    window: &Window,
) -> Option<(usize, BTreeSet<(usize, Term)>)> {
    let dead = ends(&sides.ours);
    let (mut sent, mut judged, mut since) = (BTreeSet::new(), BTreeSet::new(), None);
    for (step, act) in window.own_acts(history) {
        match act {
            Act::Exit(target, reason) if *target == window.robot => {
                sent.insert((*target, reason.to_term()));
            }
            Act::Link(target) | Act::TryLink(target)
                if *target != window.robot
                    && dead.get(&int(*target)).is_some_and(|end| *end <= window.end) =>
            {
                sent.insert((*target, atom("noproc")));
            }
            Act::Trap(_) if !sent.is_empty() => {
                judged.append(&mut sent);
                since.get_or_insert(step);
            }
            _ => {}
        }
    }
    since.map(|since| (since, judged))
}

/// Whether the robot ends of one of these signals on one side only, or on the other of something else, and all that
/// differs in this step is about that and whom it takes along.
fn decides_an_end(
    history: &History,
    sides: &Sides,
    window: &Window,
    (since, own): (usize, &BTreeSet<(usize, Term)>),
) -> bool {
    let [ours, theirs] = [&sides.ours, &sides.theirs].map(|trace| ended_in(trace, window.end));
    let (our, their) = (ours.get(&window.robot), theirs.get(&window.robot));
    let is_own = |reason: Option<&Term>| {
        reason.is_some_and(|reason| own.iter().any(|(_, sent)| sent == reason))
    };
    if our == their || !(is_own(our) || is_own(their)) {
        return false;
    }
    let tied = tied_to(history, window.robot, window.end);
    // Those who end on one side only must have been taken along there; then what is told by them and of them differs.
    let fates = [(&ours, our), (&theirs, their)];
    let mut concerned = BTreeSet::from([window.robot]);
    for robot in tied {
        let taken = |(fates, cause): &(&_, Option<&Term>)| {
            let fates: &Fates = fates;
            // Of a newborn the driver may hear too late why it ended.
            let is_newborn = robot >= history.robots.len();
            let fate = fates.get(&robot);
            cause.is_some() && (fate == *cause || is_newborn && fate.is_some_and(is_noproc))
        };
        if ours.get(&robot) != theirs.get(&robot) && fates.iter().any(taken) {
            concerned.insert(robot);
        }
    }
    // So do those whom it ends later, where it still can.
    let later = || window.own_acts(history).filter(|(step, _)| *step > since).map(|(_, act)| act);
    concerned.extend(later().filter_map(|act| ended_by(act, &ours, &theirs)));
    let is_note = |event: &Term| later().any(|act| is_note(event, window.robot, act));
    let is_about = |event: &Term| {
        let of = News::of(history, event).map(|(news, _)| news.whose());
        [of, teller(event)].into_iter().flatten().any(|robot| concerned.contains(&robot))
    };
    sides.one_sided(window.end).iter().flatten().all(|event| is_about(event) || is_note(event))
}

/// Whom this act has ended on one side, and on the other nobody.
fn ended_by(act: &Act, ours: &Fates, theirs: &Fates) -> Option<usize> {
    let Act::Exit(target, reason) = act else { return None };
    let fate = if *reason == Reason::Kill { atom("killed") } else { reason.to_term() };
    let [our, their] = [ours, theirs].map(|fates| fates.get(target));
    let is_one_sided = our.is_none() || their.is_none();
    (is_one_sided && [our, their].contains(&Some(&fate))).then_some(*target)
}

/// Whether somebody tells that he has got what this robot has sent by this act.
fn is_note(event: &Term, robot: usize, act: &Act) -> bool {
    let Act::Note(target, tag) = act else { return false };
    let note = tuple([atom("note"), int(robot), int(*tag)]);
    *event == tuple([atom("got"), int(*target), note])
}

/// Who has ended in a step, and why.
type Fates = BTreeMap<usize, Term>;

/// Whether the robot ends on both sides of the reason of one of these signals; with ours it may be that of another one.
fn ends_sooner(sides: &Sides, window: &Window, own: &BTreeSet<(usize, Term)>) -> bool {
    let [our, their] = [&sides.ours, &sides.theirs]
        .map(|trace| ended_in(trace, window.end).get(&window.robot).cloned());
    our == their && own.iter().any(|(_, sent)| Some(sent) == our.as_ref())
}

/// Without what the robot does of ours since OTP's has ended of such a signal, and tells no more.
fn told_until(since: usize, mut sides: Sides, window: &Window) -> Sides {
    let is_behind = |event: &Term| match event.as_tagged() {
        Ok(("result", [robot, step, _])) => {
            *robot == int(window.robot) && number(step).is_some_and(|step| step > since)
        }
        _ => false,
    };
    let theirs = sides.theirs[window.end].clone();
    sides.ours[window.end].retain(|event| !is_behind(event) || theirs.contains(event));
    sides
}

/// What is told in a step, but for these signals.
fn untold(
    history: &History,
    window: &Window,
    own: &BTreeSet<(usize, Term)>,
    events: Vec<Term>,
) -> Vec<Term> {
    let is_own = |event: &Term| match News::of(history, event) {
        Some((News::Exit { to, of }, reason)) => to == window.robot && own.contains(&(of, reason)),
        _ => false,
    };
    let mut told: Vec<Term> = events.into_iter().filter(|event| !is_own(event)).collect();
    for event in &mut told {
        let Ok(("result", [robot, step, value])) = event.as_tagged() else { continue };
        let of = number(step).and_then(|step| asked_of(history, step));
        let is_found =
            *value == atom("nothing") || of.is_some_and(|of| own.contains(&(of, value.clone())));
        if *robot == int(window.robot)
            && of.is_some_and(|of| own.iter().any(|(sent, _)| *sent == of))
            && is_found
        {
            *event = tuple([atom("result"), robot.clone(), step.clone(), atom("either")]);
        }
    }
    told
}
