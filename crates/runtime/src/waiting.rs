//! Waiting for what another process owes: its end, or an answer, as long as one's patience lasts.
//!
//! Whoever has a reply answers for it (see `slot`), so a call need not watch its callee. But the callee may have
//! handed the reply on, and end. So a call that takes long begins to watch: most calls never do (GS-012).

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use fauxtp_logic::{ExitReason, Pid, Ref};

use crate::current;
use crate::cycle::Watching;
use crate::executor::{Alarm, Executor};
use crate::shared::Handle;
use crate::signal::{Signal, Watcher, fresh_ref};
use crate::slot::{self, Broken, Pledge};
use crate::table;

/// A watch that is not a process: waits for one end.
pub(crate) struct Watch {
    target: Pid,
    id: Ref,
    pledge: Pledge<ExitReason>,
}

impl Watch {
    /// Watches a process from outside of all processes.
    pub(crate) fn begin(target: Pid) -> Self {
        let monitor = |id, watcher| Signal::Monitor { id, watcher };
        Self::by(target, monitor, |process, monitor| process.signal(monitor)).0
    }

    /// Watches a process by a signal that says so; tells whether the process was there to take it.
    pub(crate) fn by(
        target: Pid,
        signal: impl FnOnce(Ref, Watcher) -> Signal,
        send: impl FnOnce(Handle, Signal) -> Result<(), Signal>,
    ) -> (Self, bool) {
        let (listener, pledge) = slot::listener();
        let id = fresh_ref();
        let signal = signal(id, Watcher::Listener(listener.clone()));
        let taken = table::find(target).is_some_and(|process| send(process, signal).is_ok());
        if !taken {
            listener.ended(&ExitReason::no_proc());
        }
        (Self { target, id, pledge }, taken)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ExitReason> {
        self.pledge.poll(cx).map(reason)
    }

    pub(crate) async fn wait(&mut self) -> ExitReason {
        let waiting = Watching::begin(self.target);
        std::future::poll_fn(|cx| {
            waiting.goes_on();
            self.poll(cx)
        })
        .await
    }

    /// Waits no longer than `timeout`.
    pub(crate) async fn wait_for(&mut self, timeout: Option<Duration>) -> Option<ExitReason> {
        let waiting = Watching::begin(self.target);
        let mut patience = Patience::new(timeout);
        let target = self.target;
        let its = || table::find(target).map(|process| process.core().executor.clone());
        std::future::poll_fn(|cx| {
            waiting.goes_on();
            match self.poll(cx) {
                Poll::Pending if patience.is_over(its, cx) => Poll::Ready(None),
                poll => poll.map(Some),
            }
        })
        .await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.pledge.is_done() {
            return;
        }
        if let Some(process) = table::find(self.target) {
            let _ended_already = process.signal(Signal::Forget { id: self.id });
        }
    }
}

fn reason(ended: Result<ExitReason, Broken>) -> ExitReason {
    match ended {
        Ok(reason) | Err(Broken::Exited(reason)) => reason,
        Err(Broken::Dropped) => ExitReason::no_proc(),
    }
}

/// The reason of an end for somebody who has a way to the process, however late he asks.
pub(crate) fn recalled(reason: ExitReason, process: &Handle) -> ExitReason {
    if !reason.is_no_proc() {
        return reason;
    }
    process.core().private(|private| private.fate.clone()).unwrap_or(reason)
}

/// How long somebody waits, from his first look on.
pub(crate) struct Patience {
    /// For ever if there is none.
    pub(crate) timeout: Option<Duration>,
    alarm: Option<Alarm>,
    /// Over the callee, once the wait has become long.
    watch: Option<Box<Watch>>,
}

impl Patience {
    pub(crate) const fn new(timeout: Option<Duration>) -> Self {
        Self { timeout, alarm: None, watch: None }
    }

    /// Waits for an answer that `callee` owes, unless it has handed the debt on; nothing once patience is over. An
    /// answer that raced the deadline, or the end, and has arrived is an answer (GS-015).
    #[inline]
    pub(crate) fn poll_answer<T>(
        &mut self,
        pledge: &mut Pledge<T>,
        callee: impl FnOnce() -> Option<Handle>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<T, Broken>>> {
        match pledge.poll(cx) {
            Poll::Pending => {}
            ready => return ready.map(Some),
        }
        if self.timeout.is_some() || self.watch.is_none() {
            let Some(alarm) = &mut self.alarm else {
                let timeout = self.timeout.unwrap_or(Duration::MAX);
                if timeout.is_zero() {
                    return Poll::Ready(None);
                }
                let callees = callee().map(|callee| callee.core().executor.clone());
                self.alarm = callees.map(|callees| arm(timeout, &callees, cx));
                return Poll::Pending;
            };
            alarm.rearm(cx.waker());
            if alarm.has_fired() {
                return Poll::Ready(None);
            }
            if !alarm.is_long() {
                return Poll::Pending;
            }
        }
        if self.timeout.is_none() {
            // Nobody need look at it any more.
            self.alarm = None;
        }
        let Some(callee) = callee() else { return Poll::Pending };
        let begin = || Box::new(Watch::begin(callee.core().pid));
        let reason = std::task::ready!(self.watch.get_or_insert_with(begin).poll(cx));
        if let Poll::Ready(answer) = pledge.poll(cx) {
            return Poll::Ready(Some(answer));
        }
        Poll::Ready(Some(Err(Broken::Exited(recalled(reason, &callee)))))
    }

    /// Whether it is over, without an answer. `elsewhere` watches the deadline if there is no runtime here.
    pub(crate) fn is_over(
        &mut self,
        elsewhere: impl FnOnce() -> Option<Arc<Executor>>,
        cx: &mut Context<'_>,
    ) -> bool {
        match (&mut self.alarm, self.timeout) {
            (Some(alarm), _) => {
                alarm.rearm(cx.waker());
                alarm.has_fired()
            }
            (None, Some(Duration::ZERO)) => true,
            (alarm, Some(timeout)) => {
                *alarm = elsewhere().map(|elsewhere| arm(timeout, &elsewhere, cx));
                false
            }
            (None, None) => false,
        }
    }
}

fn arm(timeout: Duration, elsewhere: &Arc<Executor>, cx: &mut Context<'_>) -> Alarm {
    let home = current::with_borrowed(|process| process.core().executor.sweep_id());
    Alarm::arm(timeout, cx.waker(), home, elsewhere)
}
