//! What processes tell each other behind the user's back.

use std::sync::Arc;

use fauxtp_logic::signal::Origin;
use fauxtp_logic::{ExitReason, Pid, Ref};

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::statics;

/// A linked process has ended, or somebody sent an exit signal, and the receiver traps exits.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Exit {
    /// Who ended, or who sent the signal.
    pub from: Pid,
    /// Why.
    pub reason: ExitReason,
    /// Whether it came over a link, or was sent on purpose.
    pub(crate) origin: Origin,
}

/// A monitored process has ended. Exactly one per monitor (MON-001).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Down {
    /// Which monitor this answers.
    pub monitor: Monitor,
    /// The process, or nothing if a name was monitored that nobody held.
    pub pid: Option<Pid>,
    /// The name, if the monitor was set by name (MON-004).
    pub name: Option<Arc<str>>,
    /// Why it ended; `noproc` if it was not there when the monitor was set.
    pub reason: ExitReason,
}

/// A monitor that this process holds on another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monitor(pub(crate) Ref);

/// Whoever has to hear of an end without being a process: a stop that waits, a start that failed.
pub(crate) trait Listener: Send + Sync {
    fn ended(&self, reason: &ExitReason);
}

/// Somebody who watches a process.
pub(crate) enum Watcher {
    /// A process, and the name it asked for.
    Process(Pid, Option<Arc<str>>),
    /// A future.
    Listener(Arc<dyn Listener>),
}

/// What is known of a process, as told by itself.
pub(crate) type Inquiry = Box<dyn FnOnce(crate::facts::Facts) + Send>;

/// A signal from one process to another. Never dropped, never bounded (RUST-006).
pub(crate) enum Signal {
    Link {
        from: Pid,
        id: Ref,
    },
    Unlink {
        from: Pid,
        id: Ref,
    },
    Exit {
        from: Pid,
        origin: Origin,
        reason: ExitReason,
    },
    Kill,
    Monitor {
        id: Ref,
        watcher: Watcher,
    },
    Forget {
        id: Ref,
    },
    Down(Down),
    /// A behaviour is asked to end in its own way; anything else takes it as an exit signal. Whoever asked
    /// hears of the end.
    Stop {
        from: Pid,
        reason: ExitReason,
        id: Ref,
        watcher: Watcher,
    },
    Inquire(Inquiry),
    /// Whoever sent the message at this place waits for its answer no longer: the deadline has passed.
    Expire {
        place: u64,
    },
}

/// A reference that was never given out before.
pub(crate) fn fresh_ref() -> Ref {
    statics! {
        static NEXT: AtomicU64 = AtomicU64::new(1);
    }
    Ref { node: 0, number: NEXT.fetch_add(1, Ordering::Relaxed) }
}

/// The sender of signals that come from outside of all processes.
pub(crate) const NOBODY: Pid = Pid { node: 0, id: u32::MAX, serial: u32::MAX, creation: 0 };
