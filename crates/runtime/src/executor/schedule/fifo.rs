//! First come, first served: what programs use.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use fauxtp_logic::budget::Intensity;
use fauxtp_logic::{ExitReason, Pid, Time};

use super::Next;
use crate::clock;
use crate::executor::crew::{Line, TURN};
use crate::sync::Mutex;

/// Nothing is decided here, and nothing noted.
pub(crate) struct Scheduler;

/// What somebody owes is not kept account of.
pub(crate) struct Debt;

/// No fault is ever planned for a process.
pub(crate) struct Imminent;

#[allow(clippy::unused_self, reason = "the twin decides")]
impl Scheduler {
    pub(in crate::executor) fn of_this_thread() -> Self {
        Self
    }

    #[inline]
    pub(in crate::executor) fn next(&self, line: &Mutex<Line>) -> Next {
        line.lock().fibers.pop_front().map_or(Next::Nothing, Next::Fiber)
    }

    /// Whether fibers run in the order in which they were woken.
    pub(in crate::executor) const fn leaves_order_alone(&self) -> bool {
        true
    }

    /// How many fibers a hand polls before it lets the rest of its runtime run.
    #[inline]
    pub(in crate::executor) const fn turn(&self) -> u32 {
        TURN
    }

    #[inline]
    pub(in crate::executor) fn stepped(&self) {}

    #[inline]
    pub(in crate::executor) fn allows_on_the_spot(&self, _callee: Pid) -> bool {
        true
    }

    pub(in crate::executor) fn jitter(&self) -> u32 {
        clock::jitter()
    }

    /// The pid of the next process, if it must not depend on what else there is in this program.
    #[inline]
    pub(crate) const fn fresh_pid(&self) -> Option<Pid> {
        None
    }

    #[inline]
    pub(crate) fn imminent(&self, _pid: Pid, _behaves: impl FnOnce() -> bool) -> Imminent {
        Imminent
    }

    /// Whether a message is to be delivered at once, and not later by somebody else.
    #[inline]
    pub(crate) fn delivers_at_once(&self, _from: impl FnOnce() -> Option<Pid>, _to: Pid) -> bool {
        true
    }

    pub(crate) fn deliver_later(
        &self,
        _from: impl FnOnce() -> Option<Pid>,
        _to: Pid,
        deliver: impl FnOnce() + Send + 'static,
    ) {
        deliver();
    }

    #[inline]
    pub(crate) fn deliver_all(&self, _from: impl FnOnce() -> Option<Pid>, _to: Pid) {}

    #[inline]
    pub(crate) fn born(&self, _pid: Pid, _parent: Option<Pid>, _label: &'static str) {}

    #[inline]
    pub(crate) fn named(&self, _pid: Pid, _name: &dyn fmt::Display) {}

    #[inline]
    pub(crate) fn sent(&self, _from: impl FnOnce() -> Option<Pid>, _to: Pid, _what: &'static str) {}

    #[inline]
    pub(crate) fn accepted(&self, _to: Pid) {}

    #[inline]
    pub(crate) fn returned(&self, _to: Pid) {}

    #[inline]
    pub(crate) fn taken(&self, _pid: Pid) {}

    #[inline]
    pub(crate) fn displaced(&self, _pid: Pid, _count: usize) {}

    #[inline]
    pub(crate) fn discarded(&self, _pid: Pid, _count: usize) {}

    #[inline]
    pub(crate) fn posted(&self, _pid: Pid) {}

    #[inline]
    pub(crate) fn waits(&self, _pid: Pid) {}

    #[inline]
    pub(crate) fn tells_of_end(&self, _holds_names: impl FnOnce() -> bool) {}

    #[inline]
    pub(crate) fn gone(&self, _pid: Pid) {}

    #[inline]
    pub(crate) fn launched(&self, _supervisor: Pid, _child: &dyn fmt::Debug, _pid: Pid) {}

    #[inline]
    pub(crate) fn restarts(&self, _supervisor: Pid, _decision: u64, _at: Time, _limit: &Intensity) {
    }

    #[inline]
    pub(crate) fn handles(&self, _pid: Pid, _what: &'static str) {}

    #[inline]
    pub(crate) fn ended(&self, _pid: Pid, _reason: &ExitReason) {}
}

#[allow(clippy::unused_self, reason = "the twin keeps account")]
impl Debt {
    #[inline]
    pub(crate) fn to(_creditor: impl FnOnce() -> Option<Pid>) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn is_left(&self, _debtor: impl FnOnce() -> Option<Pid>) {}

    #[inline]
    pub(crate) fn is_paid(&self, _debtor: impl FnOnce() -> Option<Pid>) {}
}

impl Imminent {
    #[inline]
    pub(crate) const fn kills(&self) -> bool {
        false
    }

    #[inline]
    pub(crate) fn poll<F: Future<Output = ExitReason>>(
        &self,
        body: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<ExitReason> {
        body.poll(cx)
    }
}

/// A callback, as it is.
#[inline]
pub(crate) fn stricken<F: Future>(callback: F, _fail: fn(ExitReason) -> F::Output) -> F {
    callback
}

/// The reason of a process that is about to end without a callback, as it is.
#[inline]
pub(crate) const fn struck(reason: ExitReason) -> ExitReason {
    reason
}

/// Whether panics of this thread's processes are expected, and nobody wants to read of them.
#[inline]
pub(crate) fn is_quiet() -> bool {
    false
}
