//! Which process runs on this thread, while it is being polled.

use std::cell::RefCell;

use fauxtp_logic::{ExitReason, Pid};

use crate::shared::{Handle, Unkept};
use crate::sync::atomic::Ordering;
use crate::sync::thread_local;
use crate::table;

thread_local! {
    static CURRENT: RefCell<Option<Handle>> = const { RefCell::new(None) };
}

/// Makes `process` the current one until the guard is dropped.
pub(crate) struct Entered {
    before: Option<Handle>,
}

#[inline]
pub(crate) fn enter(process: Handle) -> Entered {
    Entered { before: CURRENT.try_with(|current| current.replace(Some(process))).ok().flatten() }
}

/// Runs `code` as if in no process.
pub(crate) fn as_nobody<T>(code: impl FnOnce() -> T) -> T {
    let before = CURRENT.try_with(RefCell::take).ok().flatten();
    let _back = Entered { before };
    code()
}

impl Entered {
    /// The process yields: settles the promises that it has dropped since it did so last, and tells whoever has asked.
    pub(crate) fn settle_and_tell(&self) {
        with(|process| {
            settle_unkept(process);
            let told = process.core().private(|private| {
                let owned = private.possessions();
                process.core().owes.store(!owned.unkept.is_empty(), Ordering::Relaxed);
                std::mem::take(&mut owned.at_yield)
            });
            told.into_iter().for_each(|tell| tell());
        });
    }

    /// Ends the visit and gives the handle back, so that it need not be cloned for every poll.
    #[inline]
    pub(crate) fn leave(mut self) -> Option<Handle> {
        let before = self.before.take();
        let process = CURRENT.try_with(|current| current.replace(before)).ok().flatten();
        std::mem::forget(self);
        process
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let before = self.before.take();
        // The handle is dropped outside of the cell's borrow; it may be the last one.
        let _left = CURRENT.try_with(|current| current.replace(before));
    }
}

/// Asks something of the current process.
pub(crate) fn with<T>(ask: impl FnOnce(&Handle) -> T) -> Option<T> {
    let process = CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()?;
    Some(ask(&process))
}

/// The same without keeping the process alive meanwhile; `ask` must be plain reading and storing.
#[inline]
pub(crate) fn with_borrowed<T>(ask: impl FnOnce(&Handle) -> T) -> Option<T> {
    CURRENT.try_with(|current| current.borrow().as_ref().map(ask)).ok().flatten()
}

/// The pid of the current process.
#[inline]
pub(crate) fn pid() -> Option<Pid> {
    with_borrowed(|process| process.core().pid)
}

/// A promise was dropped unkept: settles it when the current process yields or has ended, or at once if
/// this is no process.
pub(crate) fn unkept(settle: Unkept) {
    let mut settle = Some(settle);
    with(|process| {
        let core = process.core();
        core.private(|private| private.possessions().unkept.extend(settle.take()));
        core.owes.store(true, Ordering::Relaxed);
    });
    if let Some(settle) = settle {
        settle(None);
    }
}

/// The process has yielded or takes its next message: promises it dropped before are broken now, unless it
/// is about to end.
pub(crate) fn settle_unkept(process: &Handle) {
    let core = process.core();
    if !core.owes.load(Ordering::Relaxed) {
        return;
    }
    let unkept = core.private(|private| {
        let stays = !private.ending && private.doom().is_none();
        let owned = private.possessions();
        let unkept = if stays { std::mem::take(&mut owned.unkept) } else { Vec::new() };
        let owes = !owned.unkept.is_empty() || !owned.at_yield.is_empty();
        core.owes.store(owes, Ordering::Relaxed);
        unkept
    });
    settle_all(unkept, None);
}

/// Does something when the current process yields next, or has ended. Not when it takes its next message: it may be
/// about to wait at its inbox, which nobody could see yet.
pub(crate) fn at_yield(tell: impl FnOnce() + Send + 'static) {
    with(|process| {
        let core = process.core();
        core.private(|private| private.possessions().at_yield.push(Box::new(tell)));
        core.owes.store(true, Ordering::Relaxed);
    });
}

pub(crate) fn settle_all(unkept: Vec<Unkept>, reason: Option<&ExitReason>) {
    for settle in unkept {
        settle(reason);
    }
}

/// The live process with this pid.
pub(crate) fn find_alive(pid: Pid) -> Option<Handle> {
    table::find(pid).filter(|process| process.core().is_alive())
}
