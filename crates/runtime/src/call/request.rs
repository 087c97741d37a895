//! Requests: a call in two parts, of which the second one can wait.

use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use super::{CallError, Reply, refusal};
use crate::address::Address;
use crate::cycle::{self, Watching};
use crate::shared::Handle;
use crate::signal::Signal;
use crate::slot::{self, Pledge};
use crate::wait::SOMEWHERE;
use crate::waiting::Patience;

/// A request whose answer has not been taken yet (GS-060).
///
/// Dropping it abandons it: the callee may still do the work, and its answer is dropped.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use fauxtp::prelude::*;
/// use fauxtp::process::{self, Context, Received};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
/// let doubler = process::spawn(async |mut ctx: Context<(u32, Reply<u32>)>| {
///     while let Received::Message((number, from)) = ctx.recv().await {
///         from.send(number * 2);
///     }
/// })?;
/// let first = doubler.send_request(|from| (1, from));
/// let second = doubler.send_request(|from| (2, from));
/// // Anything may be done in the meantime.
/// assert_eq!(second.receive_response(Duration::from_secs(1)).await?, 4);
/// assert_eq!(first.receive_response(Duration::from_secs(1)).await?, 2);
/// # Ok(()) }
/// ```
#[must_use = "dropping a request abandons it"]
pub struct Request<T>(Stage<T>);

/// What has become of a request.
enum Stage<T> {
    /// The message lies at this place; the answer has not been taken.
    Sent {
        pledge: Pledge<T>,
        callee: Handle,
        place: u64,
    },
    Refused(CallError),
    /// The answer has been taken.
    Over,
}

impl<T: Send + 'static> Request<T> {
    pub(super) fn send<M: Send + 'static>(
        address: Option<Address<M>>,
        message: impl FnOnce(Reply<T>) -> M,
    ) -> Self {
        let Some(address) = address else { return Self(Stage::Refused(CallError::NoProc)) };
        let (promise, pledge) = slot::promise();
        Self(match address.shared().push_for_later(message(Reply(promise))) {
            Ok(place) => Stage::Sent { pledge, callee: address.handle(), place },
            Err(error) => Stage::Refused(refusal(error)),
        })
    }

    /// Waits for the answer; nothing after `timeout`, as coarse as a [call's](super::Call::timeout), and the request
    /// stays alive: it may be waited for again (GS-060). An answer that has been taken does not come again: that is
    /// [`CallError::NoReply`].
    ///
    /// While a process waits, whoever calls it and is waited for is [refused](CallError::Deadlock), as with a call. The
    /// waiting process is not refused, for its request has been sent. And it ends, with nothing, when the deadline of
    /// the request passes which that process is handling.
    ///
    /// # Cancel safety
    /// Strict: the request stays as it was.
    pub async fn wait_response(&mut self, timeout: Duration) -> Option<Result<T, CallError>> {
        let (mut patience, mut waiting) = (Patience::new(Some(timeout)), None);
        std::future::poll_fn(move |cx| match self.poll_answer(&mut patience, cx) {
            // What is done for a request ends with it.
            Poll::Pending if cycle::is_overdue() => Poll::Ready(None),
            Poll::Pending => {
                if waiting.is_none() {
                    waiting = self.watching();
                }
                waiting.as_ref().inspect(|waiting| waiting.goes_on());
                Poll::Pending
            }
            ready => ready,
        })
        .await
    }

    /// Waits for the answer, and abandons the request when `timeout` has passed: a late answer is dropped, and if the
    /// callee has not begun to handle it, it drops it unhandled.
    ///
    /// # Errors
    /// [`CallError`].
    ///
    /// # Cancel safety
    /// Dropping this abandons the request; of its deadline the callee hears nothing then.
    pub async fn receive_response(mut self, timeout: Duration) -> Result<T, CallError> {
        let response = self.wait_response(timeout).await;
        if response.is_none() {
            self.expire();
        }
        response.unwrap_or(Err(CallError::Timeout))
    }

    /// Nothing once patience is over.
    pub(super) fn poll_answer(
        &mut self,
        patience: &mut Patience,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<T, CallError>>> {
        let answer = match &mut self.0 {
            Stage::Sent { pledge, callee, .. } => {
                let answer = patience.poll_answer(pledge, || Some(callee.clone()), cx);
                let Some(answer) = std::task::ready!(answer) else { return Poll::Ready(None) };
                answer.map_err(CallError::from)
            }
            Stage::Refused(error) => Err(error.clone()),
            Stage::Over => Err(CallError::NoReply),
        };
        self.0 = Stage::Over;
        Poll::Ready(Some(answer))
    }
}

impl<T> Request<T> {
    /// To be kept while the current process waits for the answer.
    pub(super) fn watching(&self) -> Option<Watching> {
        match &self.0 {
            Stage::Sent { callee, place, .. } => {
                Some(Watching::for_answer(callee.core().pid, *place))
            }
            Stage::Refused(_) | Stage::Over => None,
        }
    }

    /// Tells the callee that nobody waits any more, because the deadline has passed.
    pub(super) fn expire(self) {
        if let Stage::Sent { callee, place, .. } = &self.0 {
            if *place != SOMEWHERE {
                let _ended = callee.clone().signal(Signal::Expire { place: *place });
            }
        }
    }

    pub(super) fn callee(&self) -> Option<&Handle> {
        match &self.0 {
            Stage::Sent { callee, .. } => Some(callee),
            Stage::Refused(_) | Stage::Over => None,
        }
    }
}

impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("callee", &self.callee().map(|it| it.core().pid)).finish()
    }
}
