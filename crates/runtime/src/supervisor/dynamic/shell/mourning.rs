//! A supervisor that has failed has ended, for the pool, when nothing is left below it either: it is not started again
//! before, and who waits for its end waits for theirs (CON-05).

use fauxtp_logic::Pid;
use fauxtp_logic::pool::ChildKey;
use fauxtp_logic::supervisor::ChildKind;

use super::{Due, Event, Message, Shell};
use crate::behaviour::GRACE;
use crate::process::Context;
use crate::signal::Down;
use crate::supervisor::orphans::{ORPHANS_TIME, Orphans};

/// One that has ended, and what the pool will hear of it.
pub(super) struct Mourned {
    pid: Pid,
    orphans: Orphans,
    event: Event,
}

impl Mourned {
    /// Waits no longer.
    pub(super) fn end(self, ctx: &mut Context<Message>) -> Event {
        self.orphans.abandon(ctx);
        self.event
    }
}

impl Shell {
    /// A child has ended, and not as it should; gives the event back if nothing is left of it.
    pub(super) fn mourn(&mut self, key: ChildKey, pid: Pid, event: Event) -> Option<Event> {
        let is_supervisor =
            self.pool.spec_of(key).is_some_and(|spec| spec.kind == ChildKind::Supervisor);
        if !is_supervisor {
            return Some(event);
        }
        let orphans = Orphans::below(&[pid], &mut self.ctx);
        if orphans.is_empty() {
            return Some(event);
        }
        self.mourned.insert(key, Mourned { pid, orphans, event });
        self.arm(key, ORPHANS_TIME, Due::Orphans);
        None
    }

    /// The last one is the end of the supervisor it hung below.
    pub(super) fn orphan_ended(&mut self, down: &Down) -> Option<Event> {
        let mut mourned = self.mourned.iter_mut();
        let key = mourned.find_map(|(key, it)| it.orphans.ended(down).then_some(*key))?;
        if !self.mourned.get(&key)?.orphans.is_empty() {
            return None;
        }
        self.disarm(key);
        self.mourned.remove(&key).map(|mourned| mourned.event)
    }

    /// They have had their time, or nobody gives them any.
    pub(super) fn kill_orphans(&mut self, key: ChildKey) {
        let Some(mourned) = self.mourned.get(&key) else { return };
        mourned.orphans.kill();
        let pid = mourned.pid;
        self.arm(key, GRACE, Due::Unkillable(pid));
    }
}
