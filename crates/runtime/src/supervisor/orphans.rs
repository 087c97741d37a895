//! What is left below supervisors that were killed, or failed, and so have stopped nobody. Their children have that end as
//! their own, but some take their time; whoever comes after them waits (CON-05).

use std::collections::BTreeMap;
use std::time::Duration;

use fauxtp_logic::Pid;

use crate::hierarchy;
use crate::instrument;
use crate::process::{Context, PidExt};
use crate::shared::Handle;
use crate::signal::{Down, Monitor};

/// How long they may take before they are killed.
pub(super) const ORPHANS_TIME: Duration = Duration::from_secs(5);

/// Those of them that have not ended.
#[derive(Default)]
pub(super) struct Orphans(BTreeMap<Pid, (Monitor, Handle)>);

impl Orphans {
    /// Whatever hangs below these supervisors. The process whose context this is hears of each end by a `Down`.
    pub(super) fn below<M: Send + 'static>(failed: &[Pid], ctx: &mut Context<M>) -> Self {
        let orphans = hierarchy::supervised_by(failed).into_iter().map(|orphan| {
            let pid = orphan.core().pid;
            (pid, (ctx.monitor(pid), orphan))
        });
        Self(orphans.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn pids(&self) -> impl Iterator<Item = Pid> + '_ {
        self.0.keys().copied()
    }

    /// Strikes one off that has ended; says whether it was one of them.
    pub(super) fn ended(&mut self, down: &Down) -> bool {
        down.pid.is_some_and(|pid| self.0.remove(&pid).is_some())
    }

    pub(super) fn kill(&self) {
        self.pids().for_each(PidExt::kill);
    }

    /// Leaves those behind that cannot even be killed (RUST-001).
    pub(super) fn abandon<M: Send + 'static>(self, ctx: &mut Context<M>) {
        for (pid, (monitor, orphan)) in self.0 {
            ctx.demonitor(monitor);
            if !orphan.core().has_ended() {
                instrument::unkillable(ctx.pid(), pid);
            }
        }
    }
}
