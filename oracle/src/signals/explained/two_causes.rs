//! Two ends of the same moment take a third robot along, each with a reason of its own; or one, and it ends by itself.

use std::collections::BTreeMap;

use super::{Window, ended_in, is_noproc, retold, tied_to};
use crate::sides::{Explanation, Sides};
use crate::signals::compare::{canonical, ends};
use crate::signals::history::{Act, Child, History, Step};
use crate::term::{Term, atom, int};

pub(super) fn explain(history: &History, sides: &Sides, step: usize) -> Explanation {
    let (ours, theirs) = (ended_in(&sides.ours, step), ended_in(&sides.theirs, step));
    let differs = |robot: &usize| ours.get(robot) != theirs.get(robot);
    let either: BTreeMap<usize, (Term, Term)> = (ours.iter())
        .filter(|(robot, _)| differs(robot))
        .filter_map(|(robot, our)| {
            let their = theirs.get(robot)?;
            let tied = tied_to(history, *robot, step);
            let is_cause = |reason: &Term| {
                let of = |other: &usize| !differs(other) && ours.get(other) == Some(reason);
                // Of a newborn the driver may hear too late why it ended; that is no cause.
                let is_known = |other: &usize| !is_noproc(reason) || *other < history.robots.len();
                tied.iter().any(|other| other != robot && is_known(other) && of(other))
                    || bears(history, &tied, reason)
            };
            // Whoever comes to an end by itself may be taken along sooner, or not.
            let by_itself = || ends_by_itself(history, sides, *robot, step, our);
            let is_either = is_cause(their) && (is_cause(our) || by_itself());
            is_either.then(|| (*robot, (our.clone(), their.clone())))
        })
        .collect();
    if either.is_empty() {
        return Explanation::None;
    }
    // OTP's cause is told as ours, wherever it is heard of.
    let theirs = retold(history, &sides.theirs, |news, was| {
        let (our, their) = either.get(&news.whose())?;
        (was == their).then(|| our.clone())
    });
    let alike = Sides { ours: sides.ours.clone(), theirs };
    Explanation::Alike(alike.map(|trace| canonical(history, trace)))
}

/// Whether one of these spawns a child that ends with this reason at once. Of such an end others may hear `noproc`.
fn bears(history: &History, robots: &[usize], reason: &Term) -> bool {
    history.steps.iter().any(|step| match step {
        Step::Act(robot, Act::Spawn { child: Child::Ends(end), .. }) => {
            robots.contains(robot) && end.to_term() == *reason
        }
        _ => false,
    })
}

/// Whether a robot that is let go on in this step is to end with this reason then: it leaves, or links with the dead.
fn ends_by_itself(
    history: &History,
    sides: &Sides,
    robot: usize,
    step: usize,
    reason: &Term,
) -> bool {
    let [ours, theirs] = [&sides.ours, &sides.theirs].map(|trace| ends(trace));
    let is_dead = |target: &usize| {
        let has_ended = |end: Option<&usize>| end.is_some_and(|end| *end < step);
        *target != robot && [&ours, &theirs].iter().all(|ends| has_ended(ends.get(&int(*target))))
    };
    let ends_it = |(_, act): (usize, &Act)| match act {
        Act::Leave(end) => end.to_term() == *reason,
        Act::Link(target) => is_dead(target) && *reason == atom("link_failed"),
        _ => false,
    };
    let windows = Window::until(history, step);
    let mut own = windows.iter().filter(|window| window.robot == robot && window.end == step);
    own.any(|window| window.own_acts(history).any(ends_it))
}
