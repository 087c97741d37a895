//! Recognises where we differ from OTP on purpose, as narrowly as can be.

use std::collections::BTreeMap;

use super::compare::{Trace, canonical, difference, ends};
use super::history::{Act, History, Step};
use crate::explained::{CROSSED_END, NOPROC_AT_ONCE, TRAP_TAKES_IN, TWO_CAUSES};
use crate::term::{Term, atom, int, tuple};

/// The reason for which the traces differ from this step on, if there is one.
pub(super) fn by(
    history: &History,
    ours: Trace,
    theirs: Trace,
    first: usize,
) -> Option<&'static str> {
    let windows = windows(history);
    // Who leaves everything where it is shows later what it has got.
    let flips = |window: &Window| {
        window.end == first
            || window.end < first && is_about(window.robot, &ours[first], &theirs[first])
    };
    if windows.iter().any(|window| flips(window) && flips_the_flag(history, window)) {
        return Some(TRAP_TAKES_IN);
    }
    if has_two_causes(&ours[first], &theirs[first]) {
        return Some(TWO_CAUSES);
    }
    let dead = ends(&ours);
    let looks = |window: &Window| looks_for_the_dead(history, window, &dead);
    if windows.iter().any(|window| window.end == first && looks(window)) {
        return Some(NOPROC_AT_ONCE);
    }
    let crossed = crossed(history, &windows, &ours);
    if crossed.is_empty() {
        return None;
    }
    let fates = fates(&ours);
    let [ours, theirs] =
        [ours, theirs].map(|trace| canonical(history, untold(history, trace, &crossed, &fates)));
    // Whoever dies of `noproc`, where we tell him of another reason, takes others along: from there on nothing can be
    // compared. What comes before must be the same.
    let first = difference(&ours, &theirs);
    first.is_none_or(|first| crossed.values().any(|step| *step == first)).then_some(CROSSED_END)
}

/// A stretch of a history in which one robot is held.
struct Window {
    robot: usize,
    begin: usize,
    /// The step in which it goes on.
    end: usize,
}

fn windows(history: &History) -> Vec<Window> {
    let (mut windows, mut held) = (Vec::new(), None);
    for (number, step) in history.steps.iter().enumerate() {
        match step {
            Step::Hold(robot) if held.is_none() => held = Some((*robot, number)),
            Step::Release => windows.extend(held.take().map(|held| window(held, number))),
            _ => {}
        }
    }
    // In the end everybody goes on.
    windows.extend(held.map(|held| window(held, history.steps.len())));
    windows
}

const fn window((robot, begin): (usize, usize), end: usize) -> Window {
    Window { robot, begin, end }
}

/// Whether the same robots end on both sides, and all that differs is for which of the reasons of this step.
fn has_two_causes(ours: &[Term], theirs: &[Term]) -> bool {
    let ends = |events: &[Term]| fates(&vec![events.to_vec()]);
    let (ours, theirs) = (ends(ours), ends(theirs));
    let same = |robot: &Term| ours.get(robot) == theirs.get(robot);
    let of_others = |robot: &Term, reason: &Term| {
        ours.iter().any(|(other, cause)| other != robot && cause == reason && same(other))
    };
    let either = |robot: &Term| of_others(robot, &ours[robot]) && of_others(robot, &theirs[robot]);
    ours.keys().eq(theirs.keys())
        && !ours.keys().all(same)
        && ours.keys().all(|robot| same(robot) || either(robot))
}

/// Whether all that is told on one side only is told by this robot.
fn is_about(robot: usize, ours: &[Term], theirs: &[Term]) -> bool {
    let by_it = |event: &Term| {
        event.as_tagged().is_ok_and(|(_, others)| others.first() == Some(&int(robot)))
    };
    let one_sided = |event: &&Term| !(ours.contains(event) && theirs.contains(event));
    ours.iter().chain(theirs).filter(one_sided).all(by_it)
}

/// Whether somebody sends itself an exit, or may get one by linking with somebody dead, and then changes its flag.
fn flips_the_flag(history: &History, window: &Window) -> bool {
    let mut acts = acts(history, window);
    let signals_itself = |act: &&Act| match act {
        Act::Exit(target, _) => *target == window.robot,
        Act::Link(_) | Act::TryLink(_) => true,
        _ => false,
    };
    acts.find(signals_itself).is_some() && acts.any(|act| matches!(act, Act::Trap(_)))
}

/// Whether somebody turns to one who has ended by then, and looks whether he has been told.
fn looks_for_the_dead(history: &History, window: &Window, ends: &BTreeMap<Term, usize>) -> bool {
    let mut acts = acts(history, window);
    let turns_to_the_dead = |act: &&Act| match act {
        Act::Link(target) | Act::TryLink(target) | Act::Monitor(target) => {
            ends.get(&int(*target)).is_some_and(|end| *end <= window.end)
        }
        _ => false,
    };
    let looks = |act: &Act| {
        let is_flush = matches!(act, Act::DemonitorFlush(_) | Act::UnlinkFlush(_));
        is_flush || matches!(act, Act::Demonitor(_) | Act::Collect)
    };
    acts.find(turns_to_the_dead).is_some() && acts.any(looks)
}

/// What the one who is held is told to do meanwhile.
fn acts<'a>(history: &'a History, window: &Window) -> impl Iterator<Item = &'a Act> {
    let robot = window.robot;
    history.steps[window.begin..window.end].iter().filter_map(move |step| match step {
        Step::Act(who, act) if *who == robot => Some(act),
        _ => None,
    })
}

/// Who was linked with or watched when his end was on its way, and the step in which he ended: somebody held, of whom
/// somebody else asked, or somebody of whom the one who was held has asked right after what he did to him.
fn crossed(history: &History, windows: &[Window], ours: &Trace) -> BTreeMap<usize, usize> {
    let ends = ends(ours);
    let mut crossed = BTreeMap::new();
    for window in windows {
        for step in &history.steps[window.begin..window.end] {
            let Step::Act(robot, Act::Link(target) | Act::TryLink(target) | Act::Monitor(target)) =
                step
            else {
                continue;
            };
            let meets = *target == window.robot || *robot == window.robot;
            if meets && ends.get(&int(*target)) == Some(&window.end) {
                crossed.insert(*target, window.end);
            }
        }
    }
    crossed
}

/// Why each robot has ended.
fn fates(trace: &Trace) -> BTreeMap<Term, Term> {
    let died = |event: &Term| match event.as_tagged() {
        Ok(("died", [robot, reason])) => Some((robot.clone(), reason.clone())),
        _ => None,
    };
    trace.iter().flatten().filter_map(died).collect()
}

/// The trace as if nobody had been told the reason of an end that somebody has crossed.
fn untold(
    history: &History,
    trace: Trace,
    crossed: &BTreeMap<usize, usize>,
    fates: &BTreeMap<Term, Term>,
) -> Trace {
    let noproc = atom("noproc");
    let is_fate = |robot: &Term, reason: &Term| {
        let number = robot.as_int().ok().and_then(|number| usize::try_from(number).ok());
        number.is_some_and(|number| crossed.contains_key(&number))
            && fates.get(robot) == Some(reason)
    };
    let tell = |event: &Term| -> Option<Term> {
        match event.as_tagged().ok()? {
            ("got", [robot, item]) => {
                let item = match item.as_tagged().ok()? {
                    ("exit", [from, reason]) if is_fate(from, reason) => {
                        tuple([atom("exit"), from.clone(), noproc.clone()])
                    }
                    ("down", [made, from, reason]) if is_fate(from, reason) => {
                        tuple([atom("down"), made.clone(), from.clone(), noproc.clone()])
                    }
                    _ => return None,
                };
                Some(tuple([atom("got"), robot.clone(), item]))
            }
            ("result", [robot, step, value]) => {
                let asked = flushed(history, usize::try_from(step.as_int().ok()?).ok()?)?;
                let told = tuple([atom("result"), robot.clone(), step.clone(), noproc.clone()]);
                is_fate(&int(asked), value).then_some(told)
            }
            _ => None,
        }
    };
    let told = |event: Term| tell(&event).unwrap_or(event);
    trace.into_iter().map(|events| events.into_iter().map(told).collect()).collect()
}

/// Of whom somebody wanted to know in this step whether he had ended.
fn flushed(history: &History, step: usize) -> Option<usize> {
    match history.steps.get(step)? {
        Step::Act(_, Act::UnlinkFlush(target)) => Some(*target),
        Step::Act(_, Act::DemonitorFlush(made)) => match history.steps.get(*made)? {
            Step::Act(_, Act::Monitor(target)) => Some(*target),
            _ => None,
        },
        _ => None,
    }
}
