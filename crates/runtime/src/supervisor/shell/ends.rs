//! Waits for ends: of a child that is stopped, and of what is left below a supervisor that was killed. Nobody may wait
//! for the supervisor meanwhile whom it waits for.

use std::time::Duration;

use fauxtp_logic::signal::Origin;
use fauxtp_logic::supervisor::{Answer, ChildKey, ChildKind, Request, Shutdown};
use fauxtp_logic::{ExitReason, Pid, Time};

use super::{Incoming, Message, Shell};
use crate::behaviour::GRACE;
use crate::clock;
use crate::hierarchy::{self, Asker};
use crate::instrument;
use crate::process::{Limit, PidExt};
use crate::shared::Handle;
use crate::signal::Signal;
use crate::supervisor::child::Factory;
use crate::sync::atomic::Ordering;
use crate::table;

/// How long those may take that were below a supervisor which was killed, before they are killed as well.
const ORPHANS_TIME: Duration = Duration::from_secs(5);

impl Shell {
    /// Ends a child, and waits until it is gone: as it was asked, killed in the end, or left behind if even
    /// that does not help (RUST-001).
    pub(super) async fn stop(&mut self, pid: Pid, how: Shutdown) -> ExitReason {
        self.ctx.core().wait.begin_holding(pid);
        let reason = self.end_child(pid, how).await;
        self.ctx.core().wait.end(pid);
        reason
    }

    async fn end_child(&mut self, pid: Pid, how: Shutdown) -> ExitReason {
        let patience = match how {
            Shutdown::BrutalKill => None,
            Shutdown::Timeout(timeout) => Some(Some(clock::now().plus(timeout))),
            Shutdown::Infinity => Some(None),
        };
        if let Some(deadline) = patience {
            if let Some(reason) = self.family.dead.remove(&pid) {
                return reason;
            }
            ask_to_shut_down(self.ctx.pid(), pid);
            self.refuse_those_below(vec![pid]);
            let gone = self.gone(pid, deadline).await;
            self.awaited.clear();
            if let Some(reason) = gone {
                return reason;
            }
        }
        pid.kill();
        if let Some(reason) = self.gone(pid, Some(clock::now().plus(GRACE))).await {
            return reason;
        }
        instrument::unkillable(self.ctx.pid(), pid);
        self.family.bury(pid, ExitReason::killed());
        self.family.dead.remove(&pid).unwrap_or_else(ExitReason::killed)
    }

    /// Waits until nothing is left of what hung below supervisors that were killed or failed (CON-05): their children have
    /// their end as their own, but some take their time.
    pub(super) async fn wait_for_orphans(&mut self) {
        let failed = std::mem::take(&mut self.family.failed);
        if failed.is_empty() {
            return;
        }
        let mut orphans = hierarchy::supervised_by(&failed);
        let pid_of = |orphan: &Handle| orphan.core().pid;
        let monitors: Vec<_> =
            orphans.iter().map(|orphan| self.ctx.monitor(pid_of(orphan))).collect();
        self.refuse_those_below(orphans.iter().map(pid_of).collect());
        for patience in [ORPHANS_TIME, GRACE] {
            let deadline = clock::now().plus(patience);
            loop {
                orphans.retain(|orphan| !orphan.core().has_ended());
                if orphans.is_empty() || clock::now() >= deadline {
                    break;
                }
                if let Some(item) = self.ctx.next_item(Limit::At(deadline)).await {
                    self.file(item);
                }
            }
            orphans.iter().for_each(|orphan| pid_of(orphan).kill());
        }
        for orphan in &orphans {
            instrument::unkillable(self.ctx.pid(), pid_of(orphan));
        }
        for monitor in monitors {
            self.ctx.demonitor(monitor);
        }
        self.awaited.clear();
    }

    pub(super) fn is_supervisor(&self, key: ChildKey) -> bool {
        self.machine.spec_of(key).is_some_and(|spec| spec.kind == ChildKind::Supervisor)
    }

    /// From now on the end of these is waited for; who hangs below them, and waits, has to be told.
    fn refuse_those_below(&mut self, awaited: Vec<Pid>) {
        self.awaited = awaited;
        if !self.askers.iter().any(|asker| self.is_below(*asker)) {
            return;
        }
        for incoming in std::mem::take(&mut self.pending) {
            match incoming {
                Incoming::Message(Message::Request(from, Some(asker), _))
                    if self.is_below(asker) =>
                {
                    self.forget(Some(asker));
                    from.send(Answer::Deadlock);
                }
                other => self.pending.push_back(other),
            }
        }
    }

    /// Whether somebody who asks is waited for.
    pub(super) fn is_below(&self, asker: Asker) -> bool {
        asker.is_waited_for_by(self.ctx.pid())
            || self.awaited.iter().any(|awaited| asker.would_outwait(*awaited))
    }

    /// A request is no longer pending.
    pub(super) fn forget(&mut self, asker: Option<Asker>) {
        let index = self.askers.iter().position(|other| Some(*other) == asker);
        index.map(|index| self.askers.swap_remove(index));
    }

    /// Whether serving a request would mean to wait for whoever has asked.
    pub(super) fn would_wait_for_ever(&self, asker: Asker, request: &Request<Factory>) -> bool {
        let Request::TerminateChild(id) = request else { return false };
        let Some(key) = self.machine.key_of(id) else { return false };
        // A brutal kill asks nobody.
        let asks = |key| {
            self.machine.spec_of(key).is_some_and(|spec| spec.shutdown != Shutdown::BrutalKill)
        };
        let pid = self.machine.state_of(key).and_then(|state| state.pid());
        asks(key) && pid.is_some_and(|pid| asker.would_outwait(pid))
    }

    /// Waits for the end of a child.
    async fn gone(&mut self, pid: Pid, deadline: Option<Time>) -> Option<ExitReason> {
        loop {
            if let Some(reason) = self.family.dead.remove(&pid) {
                return Some(reason);
            }
            match self.ctx.next_item(deadline.map_or(Limit::Never, Limit::At)).await {
                Some(item) => self.file(item),
                None => return None,
            }
            // However much arrives.
            if deadline.is_some_and(|deadline| clock::now() >= deadline) {
                return self.family.dead.remove(&pid);
            }
        }
    }
}

/// Asks a child to shut down, as its parent.
pub(in crate::supervisor) fn ask_to_shut_down(supervisor: Pid, child: Pid) {
    if let Some(child) = table::find(child) {
        child.core().dismissed.store(true, Ordering::Release);
        let reason = ExitReason::shutdown();
        let _gone_already =
            child.signal(Signal::Exit { from: supervisor, origin: Origin::Parent, reason });
    }
}
