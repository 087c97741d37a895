//! Waits for ends: of a child that is stopped, and of what is left below a supervisor that was killed. Nobody may wait
//! for the supervisor meanwhile whom it waits for.

use fauxtp_logic::signal::Origin;
use fauxtp_logic::supervisor::{Answer, ChildKey, ChildKind, Request, Shutdown};
use fauxtp_logic::tray::Item;
use fauxtp_logic::{ExitReason, Pid, Time};

use super::{Incoming, Message, Shell};
use crate::behaviour::GRACE;
use crate::clock;
use crate::hierarchy::Asker;
use crate::instrument;
use crate::mailbox::Notice;
use crate::process::{Limit, PidExt};
use crate::signal::Signal;
use crate::supervisor::child::Factory;
use crate::supervisor::orphans::{ORPHANS_TIME, Orphans};
use crate::sync::atomic::Ordering;
use crate::table;

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

    /// Waits until nothing is left of what hung below supervisors that were killed or failed (CON-05).
    pub(super) async fn wait_for_orphans(&mut self) {
        let failed = std::mem::take(&mut self.family.failed);
        if failed.is_empty() {
            return;
        }
        let mut orphans = Orphans::below(&failed, &mut self.ctx);
        self.refuse_those_below(orphans.pids().collect());
        for patience in [ORPHANS_TIME, GRACE] {
            let deadline = clock::now().plus(patience);
            while !orphans.is_empty() && clock::now() < deadline {
                match self.ctx.next_item(Limit::At(deadline)).await {
                    Some(Item::Notice(Notice::Down(down))) => drop(orphans.ended(&down)),
                    Some(item) => self.file(item),
                    None => {}
                }
            }
            orphans.kill();
        }
        orphans.abandon(&mut self.ctx);
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
