//! Two ends of the same moment take a third robot along, each with a reason of its own.

use std::collections::BTreeMap;

use super::{ended_in, retold, tied_to};
use crate::sides::{Explanation, Sides};
use crate::signals::compare::canonical;
use crate::signals::history::{Act, Child, History, Step};
use crate::term::Term;

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
                tied.iter().any(|other| other != robot && of(other))
                    || bears(history, &tied, reason)
            };
            (is_cause(our) && is_cause(their)).then(|| (*robot, (our.clone(), their.clone())))
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
