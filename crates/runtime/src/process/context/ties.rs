//! Exits, links and monitors, and processes that are tied to this one from their first moment.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use fauxtp_logic::signal::Origin;
use fauxtp_logic::{ExitReason, Pid, Ref};

use super::Context;
use crate::address::Address;
use crate::current;
use crate::executor::NoRuntime;
use crate::mailbox::Notice;
use crate::process::intake::take_in;
use crate::process::{Birth, PidExt, into_body, start};
use crate::shared::{Core, Process, Tie};
use crate::signal::{Down, Monitor, Signal, Watcher, fresh_ref};
use crate::stop::Outcome;
use crate::table;

/// There is no such process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoProc(pub Pid);

impl fmt::Display for NoProc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link process: no such process: {}", self.0)
    }
}

impl std::error::Error for NoProc {}

/// Whether a process traps exit signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// Exit signals become messages.
    On,
    /// Exit signals of other than normal reason end the process.
    Off,
}

impl<M: Send + 'static> Context<M> {
    /// Whether exit signals become messages; returns what it was. Read when a signal is received, not when
    /// it was sent (PROC-014).
    pub fn trap_exits(&mut self, trap: Trap) -> Trap {
        // What arrived before must be judged by the flag of before.
        take_in(&self.shared);
        let trapping = matches!(trap, Trap::On);
        let before =
            self.shared.core.private(|private| std::mem::replace(&mut private.trapping, trapping));
        if before { Trap::On } else { Trap::Off }
    }

    /// Links this process with another one: if either ends abnormally, the other ends too, or is told if
    /// it traps exits. At most one link exists per pair (LINK-001).
    ///
    /// # Errors
    /// [`NoProc`] if there is no such process and this one does not trap exits; if it does, an exit with
    /// `noproc` arrives instead (LINK-005).
    pub fn link(&mut self, peer: impl Into<Pid>) -> Result<(), NoProc> {
        let (peer, me) = (peer.into(), self.pid());
        if peer == me || self.shared.core.private(|private| private.is_linked(peer)) {
            return Ok(());
        }
        let id = fresh_ref();
        let alive = self.shared.core.private(|private| {
            let alive = private.fate.is_none();
            if alive {
                private.relations().link(peer, id);
            }
            alive
        });
        // A context may outlive its process.
        if !alive {
            return Err(NoProc(me));
        }
        if tell(peer, Signal::Link { from: me, id }) {
            return Ok(());
        }
        // Removed first, so that the exit of an earlier link, which may be under way, finds none (LINK-007).
        self.shared.core.private(|private| private.relations().unlink(peer));
        if self.shared.core.private(|private| private.trapping) {
            let reason = ExitReason::no_proc();
            let exit = Signal::Exit { from: peer, origin: Origin::Sent, reason };
            let _own_inbox_is_open = self.shared.clone().signal(exit);
            return Ok(());
        }
        Err(NoProc(peer))
    }

    /// Removes the link with another process. When this returns, no exit from that link can arrive any
    /// more; one that had arrived stays (LINK-006). A supervisor's hold on its child is no link, nor is that of a process
    /// on its [own tasks](Self::spawn_task): they end with it.
    pub fn unlink(&mut self, peer: impl Into<Pid>) {
        let (peer, me) = (peer.into(), self.pid());
        let is_own = |core: &Core| core.tie == Tie::Owned && core.parent() == Some(me);
        if table::find(peer).is_some_and(|peer| is_own(peer.core())) {
            return;
        }
        for id in self.shared.core.private(|private| private.relations().unlink(peer)) {
            tell(peer, Signal::Unlink { from: me, id });
        }
    }

    /// Removes the link, and takes the exit out of the mailbox if it had arrived.
    pub fn unlink_flush(&mut self, peer: impl Into<Pid>) -> Option<ExitReason> {
        let peer = peer.into();
        take_in(&self.shared);
        self.unlink(peer);
        let notice =
            self.take_notice(|notice| matches!(notice, Notice::Exit(exit) if exit.from == peer))?;
        if let Notice::Exit(exit) = notice { Some(exit.reason) } else { None }
    }

    /// Watches another process: exactly one [`Down`] arrives when it ends, at once and with `noproc` if it
    /// is not there (MON-001, MON-003).
    pub fn monitor(&mut self, target: impl Into<Pid>) -> Monitor {
        self.monitor_as(Some(target.into()), None)
    }

    pub(crate) fn monitor_as(&mut self, target: Option<Pid>, name: Option<Arc<str>>) -> Monitor {
        let id = fresh_ref();
        let me = self.pid();
        // One's own end comes too late; and a context may outlive its process.
        if target == Some(me) || self.shared.core.private(|private| private.fate.is_some()) {
            return Monitor(id);
        }
        let watched = target.unwrap_or(crate::signal::NOBODY);
        self.shared.core.private(|private| private.relations().watch(id, watched));
        let watcher = Watcher::Process(me, name.clone());
        if !target.is_some_and(|target| tell(target, Signal::Monitor { id, watcher })) {
            let down =
                Down { monitor: Monitor(id), pid: target, name, reason: ExitReason::no_proc() };
            let _own_inbox_is_open = self.shared.clone().signal(Signal::Down(down));
        }
        Monitor(id)
    }

    /// Ends a monitor. True if it was armed, so that no down will arrive; false if the down had arrived
    /// already (it stays in the mailbox) or there was no such monitor (MON-005, MON-006).
    pub fn demonitor(&mut self, monitor: Monitor) -> bool {
        take_in(&self.shared);
        let target = self.shared.core.private(|private| private.relations().unwatch(monitor.0));
        if let Some(target) = target {
            tell(target, Signal::Forget { id: monitor.0 });
        }
        target.is_some()
    }

    /// Ends a monitor, and takes its down out of the mailbox if it had arrived.
    pub fn demonitor_flush(&mut self, monitor: Monitor) -> Option<Down> {
        if self.demonitor(monitor) {
            return None;
        }
        let notice = self.take_notice(
            |notice| matches!(notice, Notice::Down(down) if down.monitor == monitor),
        )?;
        if let Notice::Down(down) = notice { Some(down) } else { None }
    }

    /// Sends an exit signal; to itself, too, where even `normal` ends a process that does not trap (PROC-003).
    pub fn exit(&self, target: impl Into<Pid>, reason: ExitReason) {
        target.into().exit(reason);
    }

    /// Starts a process that is linked with this one from its first moment (PROC-013). If this one is gone, its
    /// context carried elsewhere, the new one is told so by an exit.
    ///
    /// # Errors
    /// [`NoRuntime`] if the runtime is gone.
    pub fn spawn_link<N, F>(
        &mut self,
        body: impl FnOnce(Context<N>) -> F,
    ) -> Result<Address<N>, NoRuntime>
    where
        N: Send + 'static,
        F: Future<Output: Outcome> + Send + 'static,
    {
        self.start(Tie::Linked, None, body)
    }

    /// Starts a process that this one monitors from its first moment (PROC-013).
    ///
    /// # Errors
    /// [`NoRuntime`] if the runtime is gone.
    pub fn spawn_monitor<N, F>(
        &mut self,
        body: impl FnOnce(Context<N>) -> F,
    ) -> Result<(Address<N>, Monitor), NoRuntime>
    where
        N: Send + 'static,
        F: Future<Output: Outcome> + Send + 'static,
    {
        let id = fresh_ref();
        let address = self.start(Tie::None, Some(id), body)?;
        Ok((address, Monitor(id)))
    }

    /// Starts a process with this one as its ancestor, and nothing else between them.
    ///
    /// # Errors
    /// [`NoRuntime`] if the runtime is gone.
    pub fn spawn<N, F>(
        &mut self,
        body: impl FnOnce(Context<N>) -> F,
    ) -> Result<Address<N>, NoRuntime>
    where
        N: Send + 'static,
        F: Future<Output: Outcome> + Send + 'static,
    {
        self.start(Tie::None, None, body)
    }

    /// Starts a process as this one, wherever the context has been carried.
    fn start<N, F>(
        &self,
        tie: Tie,
        watched: Option<Ref>,
        body: impl FnOnce(Context<N>) -> F,
    ) -> Result<Address<N>, NoRuntime>
    where
        N: Send + 'static,
        F: Future<Output: Outcome> + Send + 'static,
    {
        let birth = Birth { tie, ..Birth::new(std::any::type_name::<F>()) };
        let _entered = current::enter(self.handle());
        start(birth, watched, |ctx| into_body(body(ctx)))
    }
}

/// Sends a signal; says whether it was accepted.
fn tell(target: Pid, signal: Signal) -> bool {
    table::find(target).is_some_and(|process| process.signal(signal).is_ok())
}
