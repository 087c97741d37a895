//! How a process is struck: in a callback, where there is one, so that everything follows that would.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use fauxtp_logic::ExitReason;
use pin_project_lite::pin_project;

use super::script::Fault;
use crate::sync::thread_local;

thread_local! {
    /// What befalls the callback that is polled next.
    static ARMED: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// What befalls a process that is about to be polled.
pub(crate) struct Imminent {
    fault: Option<Fault>,
    /// Whether it has callbacks, which are struck rather than what is around them.
    behaves: bool,
}

impl Imminent {
    pub(super) fn new(fault: Option<Fault>, behaves: impl FnOnce() -> bool) -> Self {
        Self { fault, behaves: fault.is_some() && behaves() }
    }

    pub(crate) fn kills(&self) -> bool {
        self.fault == Some(Fault::Kill)
    }

    /// Polls the body of the process, and lets what must happen happen.
    pub(crate) fn poll<F: Future<Output = ExitReason>>(
        &self,
        body: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<ExitReason> {
        match self.fault {
            Some(fault) if !self.behaves => Poll::Ready(fault.befall()),
            fault => {
                let _outer = Armed(ARMED.replace(fault));
                let poll = body.poll(cx);
                match ARMED.take() {
                    Some(fault) if poll.is_pending() => Poll::Ready(fault.befall()),
                    _ => poll,
                }
            }
        }
    }
}

/// What was armed before, and is so again when this is dropped.
struct Armed(Option<Fault>);

impl Drop for Armed {
    fn drop(&mut self) {
        ARMED.set(self.0);
    }
}

pin_project! {
    /// A callback that fails when its process is struck.
    pub(crate) struct Stricken<F: Future> {
        #[pin]
        callback: F,
        fail: fn(ExitReason) -> F::Output,
    }
}

/// A callback that fails when its process is struck.
pub(crate) fn stricken<F: Future>(callback: F, fail: fn(ExitReason) -> F::Output) -> Stricken<F> {
    Stricken { callback, fail }
}

/// The reason of a process that is about to end without a callback, unless it is struck.
pub(crate) fn struck(reason: ExitReason) -> ExitReason {
    ARMED.take().map_or(reason, Fault::befall)
}

impl<F: Future> Future for Stricken<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match ARMED.take() {
            None => this.callback.poll(cx),
            Some(fault) => Poll::Ready((this.fail)(fault.befall())),
        }
    }
}
