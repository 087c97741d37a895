//! Every end of a process, in five steps.
//!
//! 1. The reason is fixed; the body is dropped, its destructors run, none of them can change the reason.
//! 2. Names, timers and whatever else it owned are released.
//! 3. What was unread is dropped, and with it the promises in it. Then the inbox is closed; what has come in
//!    meanwhile is dropped last.
//! 4. Exits go to the supervisor and to the linked processes, downs to those who watch;
//!    callers who wait for an answer get the reason. The supervisor's is the first: whoever has heard of the end,
//!    and asks the supervisor, sees the replacement (§0 of the spec).
//! 5. The process is dead. During step 4 nobody gets an answer to whether it lives, nor to what he sends it; see
//!    `Core::is_alive`. Hence no code of the user's runs in that step.
//!
//! All of this is plain enqueuing: nothing is spawned, awaited or bounded (RUST-005).

use std::pin::Pin;
use std::sync::Arc;

use fauxtp_logic::signal::Origin;
use fauxtp_logic::{ExitReason, Pid};

use crate::current;
use crate::facts::Facts;
use crate::guard::{catch, drop_each};
use crate::instrument;
use crate::mailbox::{Shared, Unread};
use crate::shared::{self, Core, Private, Process, Telling, Tie};
use crate::signal::{Down, Monitor, Signal, Watcher};
use crate::sync::atomic::Ordering;
use crate::table;

/// How many of those who end as well are named in a crash report, as in OTP (PL-008).
const NEIGHBOURS_MAX: usize = 15;

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
    core.private(|private| {
        private.ending = true;
        private.fate = Some(reason.clone());
    });
    core.executor.scheduler().ended(core.pid, &reason);
    // A start that failed is told to the starter as an error, and by no exit (PL-004); and owners are never hit by
    // what they own.
    let failed_to_start = core.tie == Tie::Linked && !core.acknowledged.load(Ordering::Relaxed);
    if failed_to_start || core.tie == Tie::Owned {
        part_from_parent(core);
    }
    if cause == Cause::Own && !reason.is_clean() {
        instrument::crash(core, &reason, || crashed(shared));
    }

    // Step 1.
    if let Err(report) = catch(|| body.set(None)) {
        instrument::dropped_badly(core, &report);
    }
    // Step 2.
    release(core);
    // Step 3.
    let (telling, late) = leave(core, shared);
    // Step 4.
    core.executor.scheduler().tells_of_end(|| holds_names(core));
    let late = late.map(|late| (late.messages, late.notices, take_leave(core, late.signals)));
    if let Some(supervisor) = core.parent().filter(|_| core.tie == Tie::Supervised) {
        tell(supervisor, exit(core, &reason));
    }
    tell_everybody(core, &reason);
    // Step 5.
    core.mark_dead();
    drop(telling);
    table::leave(core.pid);
    core.executor.scheduler().gone(core.pid);
    if let Some((messages, notices, void)) = late {
        core.executor.scheduler().discarded(core.pid, messages.len());
        drop_each(messages);
        drop_each(notices);
        drop_each(void);
    }
    // What has been dropped since, here or on the next round, may owe something as well. That ends: it only gets less.
    while tell_everybody(core, &reason) {}
    drop(entered);
}

/// What is told of a process that has crashed: about itself, and about those who end as well.
fn crashed<M: Send + 'static>(shared: &Shared<M>) -> (Facts, Vec<Pid>) {
    let core = &shared.core;
    let taken_over = core.private(|private| private.owned().map_or(0, |owned| owned.unread));
    let waiting = shared.queue_len() + taken_over;
    let facts = core.private(|private| shared::facts(core, private, waiting));
    let neighbours = facts.links.iter().copied().filter(dies_too).take(NEIGHBOURS_MAX).collect();
    (facts, neighbours)
}

/// Whether a linked process does not trap exits, and so ends as well.
fn dies_too(pid: &Pid) -> bool {
    table::find(*pid).is_some_and(|peer| !peer.core().private(|private| private.trapping))
}

/// Undoes the link with whoever started this process.
fn part_from_parent(core: &Core) {
    let Some(parent) = core.parent() else { return };
    for id in core.private(|private| private.relations().unlink(parent)) {
        tell(parent, Signal::Unlink { from: core.pid, id });
    }
}

/// Step 3: empties and closes the inbox. What has come in while it was emptied comes back.
fn leave<M: Send + 'static>(core: &Core, shared: &Shared<M>) -> (Telling, Option<Unread<M>>) {
    let telling = Telling::begin();
    let Some(unread) = shared.close_if_empty() else { return (telling, None) };
    drop(telling);
    core.executor.scheduler().discarded(core.pid, unread.messages.len());
    drop_each(unread.messages);
    drop_each(unread.notices);
    drop_each(take_leave(core, unread.signals));
    let telling = Telling::begin();
    (telling, Some(shared.close()))
}

/// Names become free, timers stop.
fn release(core: &Core) {
    let owned = core.private(|private| {
        private.owned()?;
        let owned = private.possessions();
        Some((std::mem::take(&mut owned.estate), std::mem::take(&mut owned.timers)))
    });
    let Some((estate, timers)) = owned else { return };
    // What a timer would have sent, and what the entries hold, is the user's: its destructors may panic.
    for key in timers.into_values() {
        let _thrown = catch(|| core.executor.timers().cancel(key));
    }
    for owned in estate {
        let _thrown = catch(|| owned.release(core.pid));
    }
}

/// Whether the process is still to be found by a name, or by anything else it owns.
#[allow(dead_code, reason = "only a simulation asks")]
fn holds_names(core: &Core) -> bool {
    let has_estate =
        core.private(|private| private.owned().is_some_and(|owned| !owned.estate.is_empty()));
    has_estate || core.executor.names().list().iter().any(|(_, pid)| *pid == core.pid)
}

/// Signals that had arrived but were not taken in: who wanted to know of the end shall know. What is void comes
/// back, to be dropped outside of all locks.
fn take_leave(core: &Core, signals: Vec<Signal>) -> Vec<Void> {
    let takes_leave = |private: &mut Private, signal| {
        let relations = private.relations();
        match signal {
            Signal::Link { from, id } => relations.link(from, id),
            Signal::Unlink { from, id } => relations.unlinked(from, id),
            Signal::Monitor { id, watcher } | Signal::Stop { id, watcher, .. } => {
                relations.watched_by(id, watcher);
            }
            Signal::Forget { id } => return Some(Void::Watcher(relations.forget_watcher(id))),
            other => return Some(Void::Signal(other)),
        }
        None
    };
    let told = signals.into_iter();
    told.filter_map(|signal| core.private(|private| takes_leave(private, signal))).collect()
}

/// What has no effect any more.
enum Void {
    Signal(#[allow(dead_code, reason = "held to be dropped later")] Signal),
    Watcher(#[allow(dead_code, reason = "held to be dropped later")] Option<Watcher>),
}

fn exit(core: &Core, reason: &ExitReason) -> Signal {
    Signal::Exit { from: core.pid, origin: Origin::Link, reason: reason.clone() }
}

/// Tells everybody who is concerned, as far as is known now; says whether there was anything to tell.
fn tell_everybody(core: &Core, reason: &ExitReason) -> bool {
    let Some(owned) = core.private(Private::bequeath) else { return false };
    let notices = owned.relations.farewell();
    for peer in notices.links {
        tell(peer, exit(core, reason));
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
    current::settle_all(owned.unkept, Some(reason));
    owned.at_yield.into_iter().for_each(|tell| tell());
    true
}

fn tell(pid: Pid, signal: Signal) {
    if let Some(process) = table::find(pid) {
        let _ended_already = process.signal(signal);
    }
}
