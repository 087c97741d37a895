//! Who hangs below whom, and who waits for whom: supervisors wait for those below them, while these start and while
//! they end, and must not be waited for by them meanwhile.
//!
//! ```text
//!   supervisor ──waits for the start, or the end, of──► child
//!       ▲                                                 │ (and so on downwards)
//!       └────────────── asks, and waits for ──────────────┘
//! ```
//!
//! OTP hangs in these cases; here they are errors (SUP-101).

use fauxtp_logic::Pid;

use crate::current;
use crate::shared::{Core, Handle, Tie};
use crate::sync::atomic::Ordering;
use crate::table;

/// A process that asks a supervisor and waits for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    pid: Pid,
    /// Whether being told to end does not end its waiting: it traps exits, or is in its `init`.
    stays: bool,
}

impl Asker {
    /// The current process, if this is one.
    pub(crate) fn current() -> Option<Self> {
        current::with(|process| {
            let core = process.core();
            let stays = is_starting(core) || core.private(|private| private.trapping);
            Self { pid: core.pid, stays }
        })
    }

    /// Whether this process is what `above` waits for at this moment.
    pub(crate) fn is_waited_for_by(self, above: Pid) -> bool {
        let mut below = self.pid;
        while let Some(process) = table::find(below) {
            let core = process.core();
            let is_waited_for = is_starting(core) || core.dismissed.load(Ordering::Acquire);
            match core.ancestors.first() {
                // Who starts something that is not supervised by him need not wait for it.
                Some(parent) if is_waited_for && parent == above => {
                    return core.tie == Tie::Supervised;
                }
                Some(parent) if is_waited_for => below = parent,
                _ => return false,
            }
        }
        false
    }

    /// Whether the end of `above` would have to wait for the end of this process, and that for the former.
    pub(crate) fn would_outwait(self, above: Pid) -> bool {
        self.stays && (self.pid == above || child_above(self.pid, above).is_some())
    }

    /// The child of a supervisor whose end would have to wait for the end of this process.
    pub(crate) fn holds_up(self, supervisor: Pid) -> Option<Pid> {
        child_above(self.pid, supervisor).filter(|_| self.stays)
    }
}

/// The processes that have not ended and hang below one of these supervisors: their children, and theirs. Looks at
/// every process there is.
pub(crate) fn supervised_by(above: &[Pid]) -> Vec<Handle> {
    let mut all = table::list();
    all.retain(|process| supervisors_of(process.core()).any(|pid| above.contains(&pid)));
    all
}

/// The child of a supervisor that a process is, or hangs below.
fn child_above(below: Pid, supervisor: Pid) -> Option<Pid> {
    let process = table::find(below)?;
    let mut child = below;
    for above in supervisors_of(process.core()) {
        if above == supervisor {
            return Some(child);
        }
        child = above;
    }
    None
}

/// The supervisor of a process, and who supervises that one, …; they may have ended before it.
fn supervisors_of(core: &Core) -> impl Iterator<Item = Pid> + '_ {
    let has_one = core.tie == Tie::Supervised;
    has_one.then(|| core.ancestors.supervisors()).into_iter().flatten()
}

/// Whether `above` waits for the current process, which therefore must not wait for it.
pub(crate) fn waits_for_us(above: Pid) -> bool {
    Asker::current().is_some_and(|asker| asker.is_waited_for_by(above))
}

/// Whether a supervisor's child is starting, or has been told to end.
pub(crate) fn is_waited_for(child: Pid, supervisor: Pid) -> bool {
    table::find(child).is_some_and(|child| {
        let core = child.core();
        let is_waited_for = is_starting(core) || core.dismissed.load(Ordering::Acquire);
        is_waited_for && core.parent() == Some(supervisor)
    })
}

/// Whether `above` cannot have started before this process has: it, and all between them, are in their `init`.
pub(crate) fn starts_below(mut below: Pid, above: Pid) -> bool {
    while let Some(process) = table::find(below).filter(|process| is_starting(process.core())) {
        match process.core().ancestors.first() {
            Some(parent) if parent == above => return true,
            Some(parent) => below = parent,
            None => return false,
        }
    }
    false
}

fn is_starting(core: &Core) -> bool {
    !core.acknowledged.load(Ordering::Acquire)
}
