//! Recognises where we differ from OTP on purpose, as narrowly as can be.

mod absent;
mod crossed;
mod flag;
mod two_causes;

use std::collections::BTreeMap;

use super::history::{Act, Child, History, Step, Tie};
use crate::explained::Rule;
use crate::sides::{Explain, Trace};
use crate::term::{Term, atom, int, tuple};

/// All that is excused.
pub(super) const RULES: [(Rule, Explain<History>); 4] = [
    (Rule::CrossedEnd, crossed::explain),
    (Rule::TwoCauses, two_causes::explain),
    (Rule::NoprocAtOnce, absent::explain),
    (Rule::TrapTakesIn, flag::explain),
];

/// A stretch of a history in which one robot is held.
struct Window {
    robot: usize,
    begin: usize,
    /// The step in which it goes on.
    end: usize,
}

impl Window {
    /// All of them that are over in this step.
    fn until(history: &History, step: usize) -> Vec<Self> {
        let (mut windows, mut held) = (Vec::new(), None);
        for (number, step) in history.steps.iter().enumerate() {
            match step {
                Step::Hold(robot) if held.is_none() => held = Some((*robot, number)),
                Step::Release => {
                    let end = |(robot, begin)| Self { robot, begin, end: number };
                    windows.extend(held.take().map(end));
                }
                _ => {}
            }
        }
        // In the end everybody goes on.
        let last = |(robot, begin)| Self { robot, begin, end: history.steps.len() };
        windows.extend(held.map(last));
        windows.retain(|window| window.end <= step);
        windows
    }

    /// What is done meanwhile, by whom, and in which step.
    fn acts<'a>(&self, history: &'a History) -> impl Iterator<Item = (usize, usize, &'a Act)> {
        let steps = history.steps.iter().enumerate().take(self.end).skip(self.begin);
        steps.filter_map(|(number, step)| match step {
            Step::Act(robot, act) => Some((number, *robot, act)),
            _ => None,
        })
    }

    /// What the one who is held is told to do meanwhile.
    fn own_acts<'a>(&self, history: &'a History) -> impl Iterator<Item = (usize, &'a Act)> {
        let held = self.robot;
        self.acts(history)
            .filter(move |(_, robot, _)| *robot == held)
            .map(|(step, _, act)| (step, act))
    }
}

/// What a robot has got of somebody's end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum News {
    /// By a link.
    Exit { to: usize, of: usize },
    /// By the monitor of this step.
    Down { to: usize, made: usize, of: usize },
    /// By asking in this step.
    Flushed { by: usize, step: usize, of: usize },
    /// It is the end itself.
    Died { of: usize },
}

impl News {
    /// What this tells of an end, and the reason.
    fn of(history: &History, event: &Term) -> Option<(Self, Term)> {
        Some(match event.as_tagged().ok()? {
            ("died", [robot, reason]) => (Self::Died { of: number(robot)? }, reason.clone()),
            ("got", [to, item]) => match item.as_tagged().ok()? {
                ("exit", [of, reason]) => {
                    (Self::Exit { to: number(to)?, of: number(of)? }, reason.clone())
                }
                ("down", [made, of, reason]) => {
                    let made = number(made)?;
                    (Self::Down { to: number(to)?, made, of: number(of)? }, reason.clone())
                }
                _ => return None,
            },
            ("result", [by, step, reason]) => {
                let step = number(step)?;
                let of = asked_of(history, step)?;
                (Self::Flushed { by: number(by)?, step, of }, reason.clone())
            }
            _ => return None,
        })
    }

    /// How it is told with this reason.
    fn to_term(&self, reason: Term) -> Term {
        match self {
            Self::Died { of } => tuple([atom("died"), int(*of), reason]),
            Self::Exit { to, of } => {
                tuple([atom("got"), int(*to), tuple([atom("exit"), int(*of), reason])])
            }
            Self::Down { to, made, of } => {
                let item = tuple([atom("down"), int(*made), int(*of), reason]);
                tuple([atom("got"), int(*to), item])
            }
            Self::Flushed { by, step, .. } => tuple([atom("result"), int(*by), int(*step), reason]),
        }
    }

    const fn whose(&self) -> usize {
        match self {
            Self::Exit { of, .. }
            | Self::Down { of, .. }
            | Self::Flushed { of, .. }
            | Self::Died { of } => *of,
        }
    }
}

/// The trace with other reasons in its news, where this function has any.
fn retold(
    history: &History,
    trace: &Trace,
    reason: impl Fn(&News, &Term) -> Option<Term>,
) -> Trace {
    let told = |event: &Term| {
        let news = News::of(history, event);
        let other = news.and_then(|(news, was)| Some(news.to_term(reason(&news, &was)?)));
        other.unwrap_or_else(|| event.clone())
    };
    trace.iter().map(|events| events.iter().map(told).collect()).collect()
}

/// Of whom somebody wanted to know in this step whether he had ended.
fn asked_of(history: &History, step: usize) -> Option<usize> {
    match history.steps.get(step)? {
        Step::Act(_, Act::UnlinkFlush(target)) => Some(*target),
        Step::Act(_, Act::DemonitorFlush(made)) => match history.steps.get(*made)? {
            Step::Act(_, Act::Monitor(target)) => Some(*target),
            _ => None,
        },
        _ => None,
    }
}

/// Why each robot has ended that did in this step.
fn ended_in(trace: &Trace, step: usize) -> BTreeMap<usize, Term> {
    let died = |event: &Term| match event.as_tagged() {
        Ok(("died", [robot, reason])) => Some((number(robot)?, reason.clone())),
        _ => None,
    };
    trace.get(step).into_iter().flatten().filter_map(died).collect()
}

/// Who may be linked with this robot by the end of this step, over however many others, itself too.
fn tied_to(history: &History, robot: usize, step: usize) -> Vec<usize> {
    let mut born = history.robots.len();
    let mut pairs = Vec::new();
    for what in history.steps.iter().take(step + 1) {
        match what {
            Step::Act(one, Act::Link(other) | Act::TryLink(other)) => pairs.push((*one, *other)),
            Step::Act(one, Act::Spawn { tie, child: Child::Robot(_) | Child::Ends(_) }) => {
                // Who is born has the next number, or a lower one if somebody was not there to spawn.
                if *tie == Tie::Link {
                    pairs.extend((history.robots.len()..=born).map(|child| (*one, child)));
                }
                born += 1;
            }
            _ => {}
        }
    }
    let mut tied = vec![robot];
    let mut looked = 0;
    while let Some(robot) = tied.get(looked).copied() {
        looked += 1;
        for (one, other) in &pairs {
            for (from, to) in [(*one, *other), (*other, *one)] {
                if from == robot && !tied.contains(&to) {
                    tied.push(to);
                }
            }
        }
    }
    tied
}

/// The number of a robot or a step.
fn number(term: &Term) -> Option<usize> {
    usize::try_from(term.as_int().ok()?).ok()
}

/// Who tells this.
fn teller(event: &Term) -> Option<usize> {
    let (_, others) = event.as_tagged().ok()?;
    number(others.first()?)
}

fn is_noproc(reason: &Term) -> bool {
    *reason == atom("noproc")
}
