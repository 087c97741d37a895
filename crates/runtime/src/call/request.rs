//! Requests: a call in two parts, of which the second one can wait.

use std::fmt;
use std::time::Duration;

use super::{CallError, Reply, refusal};
use crate::address::Address;
use crate::shared::Handle;
use crate::slot::{self, Pledge};
use crate::waiting::Patience;

/// A request whose answer has not been taken yet (GS-060).
#[must_use = "dropping a request abandons it"]
pub struct Request<T> {
    pledge: Pledge<T>,
    /// Why it was not even sent.
    refused: Option<CallError>,
    callee: Option<Handle>,
}

impl<T: Send + 'static> Request<T> {
    pub(super) fn send<M: Send + 'static>(
        address: Option<Address<M>>,
        message: impl FnOnce(Reply<T>) -> M,
    ) -> Self {
        let (promise, pledge) = slot::promise();
        let refused = match &address {
            Some(address) => address.try_send(message(Reply(promise))).err().map(refusal),
            None => Some(CallError::NoProc),
        };
        Self { pledge, refused, callee: address.as_ref().map(Address::handle) }
    }

    /// Waits for the answer; nothing after `timeout`, as coarse as a [call's](super::Call::timeout), and the request
    /// stays alive: it may be waited for again.
    ///
    /// # Cancel safety
    /// Strict: the request stays as it was.
    pub async fn wait_response(&mut self, timeout: Duration) -> Option<Result<T, CallError>> {
        if let Some(error) = self.refused.take() {
            return Some(Err(error));
        }
        let mut patience = Patience::new(Some(timeout));
        std::future::poll_fn(move |cx| {
            let answer = patience.poll_answer(&mut self.pledge, || self.callee.clone(), cx);
            answer.map(|answer| Some(answer?.map_err(CallError::from)))
        })
        .await
    }

    /// Waits for the answer, and abandons the request when `timeout` has passed: a late answer is dropped.
    ///
    /// # Errors
    /// [`CallError`].
    ///
    /// # Cancel safety
    /// Dropping this abandons the request.
    pub async fn receive_response(mut self, timeout: Duration) -> Result<T, CallError> {
        self.wait_response(timeout).await.unwrap_or(Err(CallError::Timeout))
    }
}

impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}
