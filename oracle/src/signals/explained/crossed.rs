//! Somebody asks of one whose end is on its way: OTP says `noproc`, we say why it has ended.

use std::collections::{BTreeMap, BTreeSet};

use super::{News, Window, ended_in, is_noproc, teller, tied_to};
use crate::sides::{Explanation, Sides};
use crate::signals::compare::canonical;
use crate::signals::history::{Act, History};
use crate::term::{Term, atom};

/// Who has asked of whom while the other's end was on its way.
#[derive(Default)]
struct Crossed {
    /// The reason of everybody of whom was asked, and of those who have ended of it on ours.
    fates: BTreeMap<usize, Term>,
    /// Who has linked with whom.
    links: BTreeSet<(usize, usize)>,
    /// The steps that have made monitors.
    monitors: BTreeSet<usize>,
    /// Who has ended on either side of what he has heard, and has others told.
    carried: BTreeMap<usize, Term>,
}

pub(super) fn explain(history: &History, sides: &Sides, step: usize) -> Explanation {
    let mut alike = sides.clone();
    let mut apart = false;
    for window in Window::until(history, step) {
        let crossed = Crossed::in_window(history, sides, &window);
        if crossed.fates.is_empty() {
            continue;
        }
        apart |= window.end == step && crossed.parts(history, sides, &window);
        alike = alike
            .map(|trace| super::retold(history, &trace, |news, was| crossed.noproc_for(news, was)));
    }
    let alike = alike.map(|trace| canonical(history, trace));
    match alike.difference() {
        Some(first) if first == step && apart => Explanation::Apart,
        _ if alike == *sides => Explanation::None,
        _ => Explanation::Alike(alike),
    }
}

impl Crossed {
    fn in_window(history: &History, sides: &Sides, window: &Window) -> Self {
        let (ours, theirs) =
            (ended_in(&sides.ours, window.end), ended_in(&sides.theirs, window.end));
        let mut crossed = Self::default();
        for (number, robot, act) in window.acts(history) {
            let (Act::Link(target) | Act::TryLink(target) | Act::Monitor(target)) = act else {
                continue;
            };
            // Who links with itself asks nobody (LINK-009, MON-011).
            let meets = robot != *target && (*target == window.robot || robot == window.robot);
            let Some(fate) = ours.get(target).filter(|_| meets && theirs.contains_key(target))
            else {
                continue;
            };
            crossed.fates.insert(*target, fate.clone());
            match act {
                Act::Monitor(_) => drop(crossed.monitors.insert(number)),
                _ => drop(crossed.links.insert((robot, *target))),
            }
        }
        crossed.carry(history, &ours, &theirs, window.end);
        crossed
    }

    /// Those who have ended of `noproc` in OTP, and on ours of the reason of one with whom they have linked; and those
    /// whom they have taken along.
    fn carry(
        &mut self,
        history: &History,
        ours: &BTreeMap<usize, Term>,
        theirs: &BTreeMap<usize, Term>,
        step: usize,
    ) {
        loop {
            let carries = |(robot, reason): &(&usize, &Term)| {
                let heard = |target: &usize| {
                    self.links.contains(&(**robot, *target))
                        && self.fates.get(target) == Some(*reason)
                };
                let is_taken_along = || {
                    let by = tied_to(history, **robot, step);
                    by.iter()
                        .any(|other| other != *robot && self.carried.get(other) == Some(*reason))
                };
                !self.carried.contains_key(*robot)
                    && theirs.get(*robot).is_some_and(is_noproc)
                    && !is_noproc(reason)
                    && (self.fates.keys().any(heard) || is_taken_along())
            };
            let Some((robot, reason)) = ours.iter().find(carries) else { return };
            self.carried.insert(*robot, reason.clone());
        }
    }

    /// `noproc`, if this is news that the crossing may have changed.
    fn noproc_for(&self, news: &News, was: &Term) -> Option<Term> {
        let of = news.whose();
        let crossed = match news {
            News::Exit { to, .. } => self.links.contains(&(*to, of)),
            News::Down { made, .. } => self.monitors.contains(made),
            News::Flushed { by, .. } => {
                self.links.contains(&(*by, of)) || !self.monitors.is_empty()
            }
            News::Died { .. } => false,
        };
        let is_fate = crossed && self.fates.get(&of) == Some(was);
        (is_fate || self.carried.get(&of) == Some(was)).then(|| atom("noproc"))
    }

    /// Whether somebody who has linked with one who ends normally is told `noproc` in OTP and ends of it, and all that
    /// differs in this step is about him and whom he takes along.
    fn parts(&self, history: &History, sides: &Sides, window: &Window) -> bool {
        let (ours, theirs) =
            (ended_in(&sides.ours, window.end), ended_in(&sides.theirs, window.end));
        let dies =
            |robot: &usize| theirs.get(robot).is_some_and(is_noproc) && !ours.contains_key(robot);
        let first = self.links.iter().filter(|(robot, target)| {
            self.fates.get(target) == Some(&atom("normal")) && dies(robot)
        });
        let mut dead: BTreeSet<usize> = first.map(|(robot, _)| *robot).collect();
        if dead.is_empty() {
            return false;
        }
        let taken: Vec<_> =
            dead.iter().flat_map(|robot| tied_to(history, *robot, window.end)).collect();
        dead.extend(taken.into_iter().filter(|robot| dies(robot)));
        let told = sides.clone().map(|trace| {
            let told = super::retold(history, &trace, |news, was| self.noproc_for(news, was));
            canonical(history, told)
        });
        let [ours, theirs] = told.one_sided(window.end);
        let is_about = |event: &Term| {
            let news = News::of(history, event);
            news.is_some_and(|(news, reason)| dead.contains(&news.whose()) && is_noproc(&reason))
        };
        // Who has ended tells nothing any more.
        let by_dead = |event: &Term| teller(event).is_some_and(|robot| dead.contains(&robot));
        theirs.iter().all(|event| is_about(event) || by_dead(event)) && ours.iter().all(by_dead)
    }
}
