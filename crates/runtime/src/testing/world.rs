//! What a test sees of its simulation.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fauxtp_logic::Pid;

use crate::address::Address;
use crate::clock;
use crate::executor::{self, Executor};
use crate::names::{Name, Receives};
use crate::signal::Watcher;
use crate::table;

/// Everything that lives in a simulation, at this moment.
///
/// Looking changes nothing: no process is asked, none runs.
#[derive(Clone)]
pub struct World {
    executor: Arc<Executor>,
    creation: u32,
}

impl World {
    pub(super) fn here(creation: u32) -> Self {
        let executor = executor::current().expect("a simulation runs in a runtime that tells time");
        Self { executor, creation }
    }

    /// The processes that are alive, oldest first.
    #[must_use]
    pub fn processes(&self) -> Vec<Pid> {
        let all = table::list().into_iter().map(|process| process.core().pid);
        all.filter(|pid| pid.creation == self.creation).collect()
    }

    /// How many processes of this kind are alive: servers of the type `S`.
    #[must_use]
    pub fn count<S>(&self) -> usize {
        let label = std::any::type_name::<S>();
        let is_one = |pid: &Pid| self.label(*pid) == Some(label);
        self.processes().iter().filter(|pid| is_one(pid)).count()
    }

    /// The type of what runs in a process that is alive.
    #[must_use]
    pub fn label(&self, pid: Pid) -> Option<&'static str> {
        table::find(pid).map(|process| process.core().label)
    }

    /// Whether a process is alive.
    #[must_use]
    pub fn is_alive(&self, pid: Pid) -> bool {
        table::find(pid).is_some_and(|process| process.core().is_alive())
    }

    /// Whether nothing is left of a process. One that was killed is not alive, but may have code that runs.
    pub(super) fn has_ended(&self, pid: Pid) -> bool {
        table::find(pid).is_none_or(|process| process.core().has_ended())
    }

    /// The process that holds a name.
    #[must_use]
    pub fn whereis<S: Receives>(&self, name: &Name<S>) -> Option<Address<S::Message>> {
        name.whereis()
    }

    /// How much time has passed since the simulation began.
    #[must_use]
    pub fn now(&self) -> Duration {
        clock::now().since(super::stage::beginning())
    }

    /// What would be left if the simulation ended now: processes, names, timers, in words.
    pub(super) fn left(&self) -> Vec<String> {
        let mut left: Vec<String> = Vec::new();
        for pid in self.processes() {
            left.push(format!("process {pid} ({})", self.label(pid).unwrap_or("ended")));
        }
        for (name, pid) in self.executor.names().list() {
            left.push(format!("name {name:?}, held by {pid}"));
        }
        match self.executor.timers().pending() {
            0 => {}
            timers => left.push(format!("{timers} timers")),
        }
        left
    }

    /// Whether a process lives, and none of its code but `terminate` and destructors runs any more.
    pub(super) fn is_ending(pid: Pid) -> bool {
        table::find(pid).is_some_and(|process| {
            process.core().private(|private| private.ending || private.doom().is_some())
        })
    }

    /// Whether somebody who lives is linked with somebody who does not, or watches him. To be asked when nobody has
    /// anything to do.
    pub(super) fn has_ties_with_the_dead(&self) -> bool {
        let is_dead = |pid: Pid| table::find(pid).is_none();
        let dead_ties = |pid: &Pid| {
            table::find(*pid).is_some_and(|process| {
                process.core().private(|private| {
                    private.owned().is_some_and(|owned| {
                        let relations = &owned.relations;
                        let watchers =
                            relations.watched_by_whom().filter_map(|watcher| match watcher {
                                Watcher::Process(pid, _) => Some(*pid),
                                Watcher::Listener(_) => None,
                            });
                        relations.links().chain(relations.watched()).chain(watchers).any(is_dead)
                    })
                })
            })
        };
        self.processes().iter().any(dead_ties)
    }

    pub(super) fn executor(&self) -> &Executor {
        &self.executor
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("processes", &self.processes()).finish_non_exhaustive()
    }
}
