//! What happened, in the names of the user's own processes.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use fauxtp_logic::{Pid, Time};

use crate::executor::record::Event;
use crate::executor::script::Fault;

/// So many lines of a timeline are printed; the last ones.
const LINES_MAX: usize = 60;

/// What a run has kept of itself.
type Events = [(Time, Event)];

/// One thing that happened, as people say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) at: Duration,
    pub(super) who: String,
    pub(super) what: What,
}

/// What somebody did, or what was done to him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Runs,
    RunsOnTheSpot,
    Starts { by: String },
    IsCalled(String),
    Sends { to: String, message: String },
    Receives { from: String },
    Handles(String),
    IsStruck(Fault),
    Ends(String),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runs => f.write_str("runs"),
            Self::RunsOnTheSpot => f.write_str("runs on the stack of whoever waits for it"),
            Self::Starts { by } => write!(f, "starts, by {by}"),
            Self::IsCalled(name) => write!(f, "is called {name}"),
            Self::Sends { to, message } => write!(f, "sends {message} to {to}"),
            Self::Receives { from } => write!(f, "receives what {from} had sent (late)"),
            Self::Handles(message) => write!(f, "handles {message}"),
            Self::IsStruck(fault) => write!(f, "is struck by the simulation: {fault}"),
            Self::Ends(reason) => write!(f, "ends: {reason}"),
        }
    }
}

/// What happened in one run.
pub(super) struct Timeline {
    pub(super) lines: Vec<Line>,
}

/// What people call the processes; changes as they get names.
struct Names(BTreeMap<Pid, String>);

impl Names {
    /// Each process has the name it is known by in the end.
    fn of_all(events: &Events) -> Self {
        let mut names = BTreeMap::new();
        for (_, event) in events {
            match event {
                Event::Born { pid, label, .. } => {
                    names.insert(*pid, format!("{}{pid}", short(label)));
                }
                Event::Named { pid, name } => {
                    names.insert(*pid, format!("{name}{pid}"));
                }
                _ => {}
            }
        }
        Self(names)
    }

    fn of(&self, pid: Pid) -> String {
        self.0.get(&pid).cloned().unwrap_or_else(|| pid.to_string())
    }

    fn of_any(&self, pid: Option<Pid>) -> String {
        pid.map_or_else(|| "the test".to_owned(), |pid| self.of(pid))
    }
}

impl Timeline {
    /// Tells what happened. Each process has the name it is known by in the end.
    pub(super) fn of(events: &Events, beginning: Time) -> Self {
        let names = Names::of_all(events);
        // Who ran when is too much.
        let is_told =
            |event: &Event| !matches!(event, Event::Guest | Event::Ran(_) | Event::OnTheSpot(_));
        let told = events.iter().filter(|(_, event)| is_told(event));
        let lines = told.map(|(at, event)| {
            let (who, what) = said(event, &names);
            Line { at: at.since(beginning), who, what }
        });
        Self { lines: lines.collect() }
    }
}

/// The first thing that is not the same in two runs, with who did it.
pub(super) fn difference(one: (&Events, Time), other: (&Events, Time)) -> Option<String> {
    let (names, other_names) = (Names::of_all(one.0), Names::of_all(other.0));
    let length = one.0.len().max(other.0.len());
    let said = |(run, beginning): (&Events, Time), names: &Names, at: usize| {
        run.get(at).map_or_else(
            || "nothing".to_owned(),
            |(time, event)| {
                let (who, what) = said(event, names);
                format!("{who} {what}, after {:?}", time.since(beginning))
            },
        )
    };
    // Pids are not the same in two runs; what they are numbered is.
    (0..length).find_map(|at| {
        let both = (said(one, &names, at), said(other, &other_names, at));
        (both.0 != both.1).then(|| format!("step {}: {}; {}", at + 1, both.0, both.1))
    })
}

/// What people say of an event.
fn said(event: &Event, names: &Names) -> (String, What) {
    match event {
        Event::Guest => (names.of_any(None), What::Runs),
        Event::Ran(pid) => (names.of(*pid), What::Runs),
        Event::OnTheSpot(pid) => (names.of(*pid), What::RunsOnTheSpot),
        Event::Born { pid, parent, .. } => {
            (names.of(*pid), What::Starts { by: names.of_any(*parent) })
        }
        Event::Named { pid, name } => (names.of(*pid), What::IsCalled(name.clone())),
        Event::Sent { from, to, what } => {
            let message = short(what);
            (names.of_any(*from), What::Sends { to: names.of(*to), message })
        }
        Event::Arrives { from, to } => {
            (names.of(*to), What::Receives { from: names.of_any(*from) })
        }
        Event::Handles { pid, what } => (names.of(*pid), What::Handles((*what).to_owned())),
        Event::Struck { pid, fault, .. } => (names.of(*pid), What::IsStruck(*fault)),
        Event::Ended { pid, reason } => (names.of(*pid), What::Ends(reason.clone())),
    }
}

/// A type's name without the way to it; a closure has the name of what it stands in.
fn short(type_name: &str) -> String {
    let mut text = String::new();
    let mut word = String::new();
    for letter in type_name.replace("::{{closure}}", "").chars() {
        if letter.is_alphanumeric() || letter == '_' {
            word.push(letter);
        } else if letter == ':' {
            word.clear();
        } else {
            text.push_str(&word);
            word.clear();
            text.push(letter);
        }
    }
    text + &word
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left_out = self.lines.len().saturating_sub(LINES_MAX);
        if left_out > 0 {
            writeln!(f, "  … {left_out} earlier lines are in the picture")?;
        }
        let shown = &self.lines[left_out..];
        let width = shown.iter().map(|line| line.who.chars().count()).max().unwrap_or(0);
        for Line { at, who, what } in shown {
            let what = what.to_string();
            let what = what.lines().next().unwrap_or_default();
            writeln!(f, "  {:>10.3} s  {who:<width$}  {what}", at.as_secs_f64())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types_lose_their_ways_and_keep_their_shape() {
        assert_eq!(short("my_crate::bank::Teller"), "Teller");
        assert_eq!(short("a::Pool<b::Worker, c::d::Job>"), "Pool<Worker, Job>");
        assert_eq!(short("u32"), "u32");
        assert_eq!(short("a::run::{{closure}}::{{closure}}"), "run");
    }
}
