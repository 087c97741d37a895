//! The one poll loop: takes signals in, polls the body, and sees to it that every end is a farewell.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use fauxtp_logic::ExitReason;
use pin_project_lite::pin_project;

use super::farewell::{Cause, farewell};
use super::intake::take_in;
use crate::current;
use crate::executor::Imminent;
use crate::guard::{catch, panicked};
use crate::mailbox::Shared;
use crate::shared::{Core, Handle, Private};
use crate::sync::atomic::Ordering;

pin_project! {
    /// A process as its runtime sees it: a future that is done when the process has said farewell.
    pub(super) struct Life<M, F>
    where
        M: Send,
        M: 'static,
    {
        shared: Arc<Shared<M>>,
        handle: Option<Handle>,
        #[pin]
        body: Option<F>,
        ended: bool,
    }

    impl<M, F> PinnedDrop for Life<M, F>
    where
        M: Send,
        M: 'static,
    {
        /// The runtime has dropped the task: it is shutting down. Everybody concerned still hears of it
        /// (RUST-004).
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !std::mem::replace(this.ended, true) {
                let doom = this.shared.core.private(|private| private.doom().cloned());
                let reason = doom.unwrap_or_else(ExitReason::killed);
                farewell(this.shared, this.body, reason, Cause::Imposed);
            }
        }
    }
}

impl<M: Send + 'static, F> Life<M, F> {
    pub(super) fn new(shared: Arc<Shared<M>>, body: F) -> Self {
        Self { handle: Some(shared.clone()), shared, body: Some(body), ended: false }
    }
}

impl<M: Send + 'static, F: Future<Output = ExitReason>> Future for Life<M, F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let core = &this.shared.core;
        let Some(handle) = this.handle.take() else { return Poll::Ready(()) };
        let entered = current::enter(handle);

        core.receiving.store(false, Ordering::Relaxed);
        take_in(this.shared);
        let imminent = imminent(this.shared);
        let mut body = this.body;
        let end = doomed(this.shared).or_else(|| {
            let Some(running) = body.as_mut().as_pin_mut() else {
                unreachable!("it is dropped in the farewell, after which nothing is polled")
            };
            match catch(|| imminent.poll(running, cx)) {
                Ok(Poll::Ready(reason)) => doomed(this.shared).or(Some((reason, Cause::Own))),
                Err(report) => doomed(this.shared).or(Some((panicked(report), Cause::Own))),
                // The body may have looked into the inbox itself, and met its end there.
                Ok(Poll::Pending) => doomed(this.shared),
            }
        });
        let Some((reason, cause)) = end else {
            if core.owes.load(Ordering::Relaxed) {
                entered.settle_and_tell();
            }
            *this.handle = entered.leave();
            return Poll::Pending;
        };
        *this.ended = true;
        farewell(this.shared, body, reason, cause);
        drop(entered);
        Poll::Ready(())
    }
}

/// What a simulation has in store for the process, this time.
#[inline]
fn imminent<M: Send + 'static>(shared: &Shared<M>) -> Imminent {
    let core = &shared.core;
    let behaves = || core.private(|private| private.takes_stop);
    let imminent = core.executor.scheduler().imminent(core.pid, behaves);
    if imminent.kills() {
        core.mark_killed();
        core.private(Private::doom_by_kill);
        core.doomed.store(true, Ordering::Relaxed);
    }
    imminent
}

#[inline]
fn doomed<M: Send + 'static>(shared: &Shared<M>) -> Option<(ExitReason, Cause)> {
    if shared.core.doomed.load(Ordering::Relaxed) { doom(&shared.core) } else { None }
}

#[cold]
fn doom(core: &Core) -> Option<(ExitReason, Cause)> {
    let doom = core.private(|private| private.doom().cloned())?;
    Some((doom, Cause::Imposed))
}
