//! What has not ended in time: who it is, by name, and its end.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fauxtp_logic::{Pid, Time};

use super::race::{Either, race};
use crate::behaviour::GRACE;
use crate::clock;
use crate::instrument;
use crate::process::{self, PidExt};
use crate::shared::{Handle, Tie};
use crate::supervisor::SupervisorHandle;
use crate::sync::atomic::Ordering;
use crate::table;

/// A process that had not ended when its application had to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Survivor {
    /// What it is called: its local name, its name within its supervisor, or else the type of what runs in it.
    pub name: Arc<str>,
    /// Which process.
    pub pid: Pid,
    /// Whether its supervisor had asked it to end. If not, its turn had not come: it waited for another one.
    pub asked: bool,
}

impl fmt::Display for Survivor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.name, self.pid)?;
        if self.asked { Ok(()) } else { f.write_str(" (its turn had not come)") }
    }
}

/// The processes that have not ended and hang below one of these, tied or not; and `as_well`, if it has not ended.
/// Looks at every process there is.
pub(super) fn below(tops: &[Pid], as_well: Option<Pid>) -> Vec<Handle> {
    let mut all = table::list();
    all.retain(|process| {
        let core = process.core();
        let hangs_below = core.ancestors.iter().any(|pid| tops.contains(&pid));
        (hangs_below || as_well == Some(core.pid)) && !core.has_ended()
    });
    all
}

/// Who of these has still to be waited for, by name. Those that were asked to end come first.
pub(super) async fn named(alive: &[Handle]) -> Vec<Survivor> {
    let mut children = BTreeMap::new();
    let mut survivors = Vec::new();
    let until = clock::now().plus(NAMES_TIME);
    for process in waited_for(alive) {
        let core = process.core();
        let local = core.private(|private| private.owned().and_then(|owned| owned.name.clone()));
        let name = match (local, core.parent()) {
            (Some(name), _) => Some(name),
            (None, Some(parent)) => name_within(parent, core.pid, &mut children, until).await,
            (None, None) => None,
        };
        let name = name.unwrap_or_else(|| core.label.into());
        let asked = core.dismissed.load(Ordering::Acquire);
        survivors.push(Survivor { name, pid: core.pid, asked });
    }
    survivors.sort_by_key(|survivor| !survivor.asked);
    survivors
}

/// Children, without supervisors that only wait for others of them. What a child has started besides goes down with
/// it; if there are no children left, it is what is left.
fn waited_for(alive: &[Handle]) -> Vec<&Handle> {
    let is_child = |process: &&Handle| {
        let core = process.core();
        core.tie == Tie::Supervised && core.label != REGISTRY
    };
    let above = |process: &Handle| process.core().parent();
    let parents: BTreeSet<Pid> = alive.iter().filter(is_child).filter_map(above).collect();
    let is_parent = |process: &&Handle| parents.contains(&process.core().pid);
    let children: Vec<_> =
        alive.iter().filter(is_child).filter(|child| !is_parent(child)).collect();
    if !children.is_empty() {
        return children;
    }
    let mut ancestors = BTreeSet::new();
    for process in alive {
        // Whoever is known has brought his own ancestors.
        let _rest = process.core().ancestors.iter().find(|above| !ancestors.insert(*above));
    }
    alive.iter().filter(|process| !ancestors.contains(&process.core().pid)).collect()
}

/// What a supervisor calls its child. Supervisors tell their registry even while they stop somebody.
async fn name_within(
    supervisor: Pid,
    child: Pid,
    known: &mut BTreeMap<Pid, Option<SupervisorHandle>>,
    until: Time,
) -> Option<Arc<str>> {
    let handle = match known.entry(supervisor) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => {
            let asked = SupervisorHandle::of(supervisor);
            entry.insert(match race(asked, clock::sleep_until(until)).await {
                Either::Left(handle) => handle.ok(),
                Either::Right(()) => None,
            })
        }
    };
    handle.as_ref()?.registry().keys(child).into_iter().next().map(Arc::from)
}

/// Kills what `find` finds until it finds nothing any more; what does not yield within the grace is left behind, with
/// a report (RUST-001).
pub(super) async fn end(killer: Pid, find: impl Fn() -> Vec<Handle>) {
    let deadline = clock::now().plus(GRACE);
    loop {
        let alive = find();
        if alive.is_empty() {
            return;
        }
        alive.iter().for_each(|process| process.core().pid.kill());
        if !gone(&alive, deadline).await {
            break;
        }
    }
    for process in find() {
        instrument::unkillable(killer, process.core().pid);
    }
}

/// Waits until all of these have ended; says whether they had in time.
pub(super) async fn gone(processes: &[Handle], deadline: Time) -> bool {
    for process in processes {
        let end = process::join(process.core().pid);
        if let Either::Right(()) = race(end, clock::sleep_until(deadline)).await {
            return false;
        }
    }
    true
}

/// How long it may take altogether to ask for names.
const NAMES_TIME: Duration = Duration::from_millis(200);

/// The label of registries, which end after everybody else of their supervisor.
const REGISTRY: &str = "fauxtp::Registry";
