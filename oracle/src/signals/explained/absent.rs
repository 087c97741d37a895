//! Somebody asks of one who is not there, and looks for the answer before he waits for anything: ours has it.

use std::collections::BTreeSet;

use super::{News, Window, asked_of, is_noproc, number};
use crate::sides::{Explanation, Sides, Trace};
use crate::signals::compare::{canonical, ends};
use crate::signals::history::{Act, History, Step};
use crate::term::{Term, atom, int, tuple};

pub(super) fn explain(history: &History, sides: &Sides, step: usize) -> Explanation {
    let mut alike = sides.clone();
    for window in Window::until(history, step) {
        let asked = Asked::in_window(history, sides, &window);
        if asked.looks {
            alike = alike.map(|trace| asked.told_last(history, trace));
        }
    }
    let alike = alike.map(|trace| canonical(history, trace));
    if alike == *sides { Explanation::None } else { Explanation::Alike(alike) }
}

/// What somebody who is held asks of the dead.
struct Asked {
    robot: usize,
    /// With whom he links, and which steps make monitors.
    links: BTreeSet<usize>,
    monitors: BTreeSet<usize>,
    /// In which steps he takes that back, or looks what came of it.
    flushes: BTreeSet<usize>,
    looks: bool,
    /// Whether he ends later, and may not hear of anything.
    ends: bool,
}

impl Asked {
    fn in_window(history: &History, sides: &Sides, window: &Window) -> Self {
        let (ours, theirs) = (ends(&sides.ours), ends(&sides.theirs));
        // Who asks of itself is told nothing (LINK-009, MON-011).
        let is_dead = |robot: &usize| {
            let has_ended = |ends: &std::collections::BTreeMap<Term, usize>| {
                ends.get(&int(*robot)).is_some_and(|end| *end <= window.end)
            };
            *robot != window.robot && has_ended(&ours) && has_ended(&theirs)
        };
        let mut asked = Self {
            robot: window.robot,
            links: BTreeSet::new(),
            monitors: BTreeSet::new(),
            flushes: BTreeSet::new(),
            looks: false,
            ends: ours.contains_key(&int(window.robot)) || theirs.contains_key(&int(window.robot)),
        };
        for (step, act) in window.own_acts(history) {
            match act {
                Act::Link(target) | Act::TryLink(target) if is_dead(target) => {
                    asked.links.insert(*target);
                }
                Act::Monitor(target) if is_dead(target) => {
                    asked.monitors.insert(step);
                }
                Act::UnlinkFlush(target) if asked.links.contains(target) => {
                    asked.flushes.insert(step);
                }
                Act::Demonitor(made) | Act::DemonitorFlush(made)
                    if asked.monitors.contains(made) =>
                {
                    asked.flushes.insert(step);
                }
                Act::Collect => {
                    asked.looks |= !(asked.links.is_empty() && asked.monitors.is_empty())
                }
                _ => {}
            }
        }
        asked.looks |= !asked.flushes.is_empty();
        // With OTP he may find later what he has been told before with ours.
        for (step, later) in history.steps.iter().enumerate().skip(window.end) {
            let finds = match later {
                Step::Act(robot, _) if *robot != window.robot => false,
                Step::Act(_, Act::UnlinkFlush(target)) => asked.links.contains(target),
                Step::Act(_, Act::DemonitorFlush(made)) => asked.monitors.contains(made),
                _ => false,
            };
            if finds {
                asked.flushes.insert(step);
            }
        }
        asked
    }

    /// The trace in which he hears of the dead last of all, unless he has taken his question back.
    fn told_last(&self, history: &History, trace: Trace) -> Trace {
        let mut late = Vec::new();
        let mut told: Trace = Vec::with_capacity(trace.len());
        for events in trace {
            let mut kept = Vec::with_capacity(events.len());
            for event in events {
                match self.sort(history, &event) {
                    Sort::Other => kept.push(event),
                    Sort::Late => late.push(event),
                    Sort::Either => {}
                    Sort::Flush(step) => {
                        let either = atom("either");
                        kept.push(tuple([atom("result"), int(self.robot), int(step), either]));
                    }
                }
            }
            told.push(kept);
        }
        if let (Some(last), false) = (told.last_mut(), self.ends) {
            last.extend(late);
        }
        told
    }

    fn sort(&self, history: &History, event: &Term) -> Sort {
        if let Ok(("result", [robot, step, value])) = event.as_tagged() {
            let of = number(step).filter(|step| self.flushes.contains(step));
            let says = matches!(value.as_atom(), Ok("noproc" | "nothing" | "true" | "false"));
            return match of {
                Some(step) if *robot == int(self.robot) && says => Sort::Flush(step),
                _ => Sort::Other,
            };
        }
        let taken_back = |of: usize, made: Option<usize>| {
            self.flushes.iter().any(|step| match history.steps.get(*step) {
                Some(Step::Act(_, Act::Demonitor(other) | Act::DemonitorFlush(other))) => {
                    Some(*other) == made
                }
                _ => made.is_none() && asked_of(history, *step) == Some(of),
            })
        };
        match News::of(history, event) {
            Some((News::Exit { to, of }, reason))
                if to == self.robot && self.links.contains(&of) && is_noproc(&reason) =>
            {
                if taken_back(of, None) {
                    Sort::Either
                } else {
                    Sort::Late
                }
            }
            Some((News::Down { to, made, of }, reason))
                if to == self.robot && self.monitors.contains(&made) && is_noproc(&reason) =>
            {
                if taken_back(of, Some(made)) {
                    Sort::Either
                } else {
                    Sort::Late
                }
            }
            _ => Sort::Other,
        }
    }
}

/// What the rule makes of something that is told.
enum Sort {
    Other,
    /// It comes sooner with us, but it comes.
    Late,
    /// It may come or not, for the question was taken back.
    Either,
    /// It is what he has found in this step.
    Flush(usize),
}
