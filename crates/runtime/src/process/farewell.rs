//! Every end of a process, in five steps.
//!
//! 1. The reason is fixed; the body is dropped, its destructors run, none of them can change the reason.
//! 2. Names, timers and whatever else it owned are released.
//! 3. What was unread is dropped, and with it the promises in it.
//! 4. In one step for everybody: the supervisor has the exit, and the process counts as dead. Whoever sees that
//!    it is dead, and asks its supervisor, sees the replacement (§0 of the spec); the replacement never sees its
//!    predecessor alive. Only then the inbox is closed: whoever is refused by it sees a dead process (PROC-008).
//! 5. Exits go to the linked processes, downs to those who watch; callers who wait for an answer get the reason.
//!
//! All of this is plain enqueuing: nothing is spawned, awaited or bounded (RUST-005).

use std::pin::Pin;
use std::sync::Arc;

use fauxtp_logic::relations::Notices;
use fauxtp_logic::signal::Origin;
use fauxtp_logic::{ExitReason, Pid};

use crate::current;
use crate::guard::{catch, drop_caught, drop_each};
use crate::instrument;
use crate::mailbox::Shared;
use crate::shared::{self, Core, Private, Process, Tie};
use crate::signal::{Down, Monitor, Signal, Watcher};
use crate::table;

/// Who is to blame for an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The process itself; an abnormal end is reported (PL-007).
    Own,
    /// A signal from outside.
    Imposed,
}

pub(super) fn farewell<M: Send + 'static, F>(
    shared: &Arc<Shared<M>>,
    mut body: Pin<&mut Option<F>>,
    reason: ExitReason,
    cause: Cause,
) {
    let core = &shared.core;
    let entered = current::enter(shared.clone());
    core.private(|private| private.ending = true);
    if cause == Cause::Own && !reason.is_clean() {
        let waiting = shared.queue_len();
        let facts = core.private(|private| shared::facts(core, private, waiting));
        instrument::crash(core, &facts, &reason);
    }

    // Step 1.
    if let Err(report) = catch(|| body.set(None)) {
        instrument::dropped_badly(core, &report);
    }
    // Step 2.
    release(core);
    // Step 3.
    drop_each(shared.unread());
    // Step 4.
    die(core, &reason);
    let (messages, signals, notices) = shared.close();
    drop_each(messages);
    drop_each(notices);
    for signal in signals {
        take_leave_of(core, signal);
    }
    table::leave(core.pid);
    // Step 5.
    let owned = core.private(Private::bequeath);
    let (relations, unkept) = match owned {
        Some(owned) => (owned.relations, owned.unkept),
        None => Default::default(),
    };
    tell_everybody(core, relations.farewell(), &reason);
    current::settle_all(unkept, Some(&reason));
    drop(entered);
}

/// Names become free, timers stop.
fn release(core: &Core) {
    let owned = core.private(|private| {
        private.owned()?;
        let owned = private.possessions();
        Some((std::mem::take(&mut owned.estate), std::mem::take(&mut owned.timers)))
    });
    let Some((estate, timers)) = owned else { return };
    for key in timers.into_values() {
        let _fired_already = core.executor.timers().cancel(key);
    }
    for owned in estate {
        owned.release(core.pid);
    }
}

/// Signals that had arrived but were not taken in: who wanted to know of the end shall know.
fn take_leave_of(core: &Core, signal: Signal) {
    let spent = core.private(|private| {
        let relations = private.relations();
        let mut forgotten = None;
        match signal {
            Signal::Link { from, id } => relations.link(from, id),
            Signal::Unlink { from, id } => relations.unlinked(from, id),
            Signal::Monitor { id, watcher } | Signal::Stop { id, watcher, .. } => {
                relations.watched_by(id, watcher);
            }
            // Dropped outside of the lock, for its promise looks for the current process.
            Signal::Forget { id } => forgotten = relations.forget_watcher(id),
            other => return (Some(other), None),
        }
        (None, forgotten)
    });
    let _reported_nowhere = drop_caught(spent);
}

/// The moment of death.
fn die(core: &Core, reason: &ExitReason) {
    let supervisor = core.parent().filter(|_| core.tie == Tie::Supervised);
    match supervisor.and_then(table::find) {
        Some(supervisor) => supervisor.bereave(core, reason.clone()),
        None => core.mark_dead(),
    }
}

fn tell_everybody(core: &Core, notices: Notices<Watcher>, reason: &ExitReason) {
    for peer in notices.links {
        tell(peer, Signal::Exit { from: core.pid, origin: Origin::Link, reason: reason.clone() });
    }
    for (id, watcher) in notices.watchers {
        match watcher {
            Watcher::Process(pid, name) => {
                let down = Down {
                    monitor: Monitor(id),
                    pid: Some(core.pid),
                    name,
                    reason: reason.clone(),
                };
                tell(pid, Signal::Down(down));
            }
            Watcher::Listener(listener) => listener.ended(reason),
        }
    }
    for (id, target) in notices.watching {
        tell(target, Signal::Forget { id });
    }
}

fn tell(pid: Pid, signal: Signal) {
    if let Some(process) = table::find(pid) {
        let _ended_already = process.signal(signal);
    }
}
