//! Takes in what has arrived: signals take effect, in order, before anything else runs.

use std::sync::Arc;

use fauxtp_logic::ExitReason;
use fauxtp_logic::reason::Failure;
use fauxtp_logic::signal::{self, Origin, Verdict};

use crate::current;
use crate::executor;
use crate::mailbox::{Fresh, Notice, Shared};
use crate::shared::{self, Core, Private, Process, Tie};
use crate::signal::{Exit, Inquiry, Signal, Watcher};
use crate::sync::atomic::Ordering;

/// What became of one signal.
enum Effect<M> {
    /// It has taken effect, or is void; whatever it carried is dropped outside of locks.
    Spent(#[allow(dead_code, reason = "held to be dropped later")] Option<Signal>),
    /// A watcher that is gone; dropped outside of locks, for its promise looks for the current process.
    Forgotten(#[allow(dead_code, reason = "held to be dropped later")] Option<Watcher>),
    /// User code will see it.
    Notice(Notice<M>),
    Inquiry(Inquiry),
}

/// Lets all signals that have arrived take effect. Runs at the start of every poll, and whenever the
/// process looks into its inbox; hence nothing sent after an exit signal is ever handled (PROC-005).
#[inline]
pub(super) fn take_in<M: Send + 'static>(shared: &Arc<Shared<M>>) {
    if shared.core.signalled.load(Ordering::Relaxed) {
        take_in_at_home(shared);
    }
}

#[cold]
fn take_in_at_home<M: Send + 'static>(shared: &Arc<Shared<M>>) {
    if !is_at_home(shared) {
        executor::wake(shared);
    // Pairs with the Release store in `post`.
    } else if shared.core.signalled.swap(false, Ordering::AcqRel) {
        take_in_all(shared);
    }
}

/// Whether this is the process itself. A context may be carried into a task of its own; signals take effect in
/// the process nevertheless, and nowhere else.
pub(super) fn is_at_home<M: Send + 'static>(shared: &Shared<M>) -> bool {
    current::pid() == Some(shared.core.pid)
}

fn take_in_all<M: Send + 'static>(shared: &Arc<Shared<M>>) {
    let core = &shared.core;
    while let Some(Fresh { signal, number, last }) = shared.next_signal() {
        // What a spent signal carried is dropped here, outside of all locks: it may be the user's.
        match core.private(|private| apply(core, private, signal)) {
            Effect::Notice(notice) => shared.put_notice(number, notice),
            Effect::Inquiry(inquiry) => {
                core.inquiries.fetch_add(1, Ordering::Relaxed);
                let waiting = shared.queue_len();
                inquiry(core.private(|private| shared::facts(core, private, waiting)));
            }
            Effect::Spent(spent) => drop(crate::guard::drop_caught(spent)),
            Effect::Forgotten(spent) => drop(crate::guard::drop_caught(spent)),
        }
        // What has come meanwhile is announced anew.
        if last {
            break;
        }
    }
    if core.read_elsewhere.load(Ordering::Relaxed) {
        shared.wake_reader();
    }
}

fn apply<M>(core: &Core, private: &mut Private, signal: Signal) -> Effect<M> {
    match signal {
        Signal::Link { from, id } => private.relations().link(from, id),
        Signal::Unlink { from, id } => private.relations().unlinked(from, id),
        Signal::Monitor { id, watcher } => private.relations().watched_by(id, watcher),
        Signal::Forget { id } => return Effect::Forgotten(private.relations().forget_watcher(id)),
        Signal::Kill => {
            private.doom_by_kill();
            core.doomed.store(true, Ordering::Relaxed);
        }
        Signal::Exit { from, origin, reason } => {
            return exit(core, private, Exit { from, reason, origin });
        }
        Signal::Down(down) => {
            // A monitor that was taken back is void, even if its answer was under way (MON-005).
            if private.relations().unwatch(down.monitor.0).is_some() {
                return Effect::Notice(Notice::Down(down));
            }
            return Effect::Spent(Some(Signal::Down(down)));
        }
        Signal::Stop { from, reason, id, watcher } if private.takes_stop => {
            private.relations().watched_by(id, watcher);
            return Effect::Notice(Notice::Stop { from, reason });
        }
        Signal::Stop { from, reason, id, watcher } => {
            private.relations().watched_by(id, watcher);
            if matches!(reason, ExitReason::Error(Failure::Kill)) {
                return apply(core, private, Signal::Kill);
            }
            // It is asked to end, so it ends: even with reason normal, which as an exit signal means nothing.
            if reason.is_normal() && !private.trapping && private.doom().is_none() {
                private.possessions().doom = Some(reason);
                core.doomed.store(true, Ordering::Relaxed);
                return Effect::Spent(None);
            }
            return exit(core, private, Exit { from, reason, origin: Origin::Sent });
        }
        Signal::Expire { place } => core.expire(private, place),
        Signal::Inquire(inquiry) => return Effect::Inquiry(inquiry),
    }
    Effect::Spent(None)
}

fn exit<M>(core: &Core, private: &mut Private, exit: Exit) -> Effect<M> {
    let Exit { from, mut reason, origin } = exit;
    // What is owned ends with its owner, also if that has just done its work.
    let from_owner = core.tie == Tie::Owned && core.parent() == Some(from);
    if from_owner && origin != Origin::Sent && reason.is_normal() {
        reason = ExitReason::shutdown();
    }
    let void = || Signal::Exit { from, origin, reason: reason.clone() };
    if private.doom().is_some() {
        return Effect::Spent(Some(void()));
    }
    if origin != Origin::Sent {
        let from_supervisor = core.tie == Tie::Supervised && core.parent() == Some(from);
        // The exit of an inactive link is dropped (LINK-007).
        if !from_supervisor && private.relations().unlink(from).is_empty() {
            return Effect::Spent(Some(void()));
        }
    }
    match signal::receive(core.pid, private.trapping, from, origin, &reason) {
        Verdict::Ignore => Effect::Spent(Some(void())),
        Verdict::Deliver => Effect::Notice(Notice::Exit(Exit { from, reason, origin })),
        Verdict::Die(doom) => {
            private.possessions().doom = Some(doom);
            core.doomed.store(true, Ordering::Relaxed);
            Effect::Spent(Some(void()))
        }
    }
}
