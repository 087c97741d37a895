//! Calls: a message that carries the address of its answer, and a future that cannot hang.
//!
//! The answer does not pass through a mailbox: caller and callee share one slot. A call ends with the
//! answer; at once with the callee's exit reason if the callee ends (GS-012); at once if whoever holds the
//! [`Reply`] drops it (GS-020); or when its deadline passes (GS-013). A late answer is dropped (GS-014). If the callee
//! ends having handed the reply on, in the first 100 ms of a call, it is within these 100 ms that the call ends.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use fauxtp_logic::ExitReason;
use tokio::task::coop;

use crate::address::Address;
use crate::current;
use crate::mailbox::SendError;
use crate::shared::Handle;
use crate::slot::{self, Broken, Pledge, Promise};
use crate::waiting::Patience;

/// How long a call waits unless told otherwise (GS-010).
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a call was not answered.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CallError {
    /// There is no such process, or nobody holds the name (GS-011).
    NoProc,
    /// The callee ended before it answered, with this reason; or whoever it had handed the reply to did (GS-012).
    Exited(ExitReason),
    /// The deadline passed; the callee may still do the work (GS-013).
    Timeout,
    /// The reply was dropped unanswered, and whoever dropped it lives on (GS-020).
    NoReply,
    /// The caller is the callee (GS-016), or a supervisor that waits for the caller's `init`.
    CallingSelf,
    /// The callee's bounded mailbox refused the message.
    Full,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProc => f.write_str("call server: no such process"),
            Self::Exited(reason) => write!(f, "call server: it ended first: {reason:#}"),
            Self::Timeout => f.write_str("call server: not answered in time"),
            Self::NoReply => f.write_str("call server: the reply was dropped unanswered"),
            Self::CallingSelf => {
                f.write_str("call server: a process cannot call itself, nor who waits for it")
            }
            Self::Full => f.write_str("call server: mailbox is full"),
        }
    }
}

impl std::error::Error for CallError {}

impl From<Broken> for CallError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Dropped => Self::NoReply,
            Broken::Exited(reason) => Self::Exited(reason),
        }
    }
}

/// The address of an answer: good for exactly one, by anybody, at any time (GS-017).
///
/// Answering twice is impossible (GS-018):
///
/// ```compile_fail,E0382
/// fn answer(from: fauxtp::Reply<u8>) {
///     from.send(1);
///     from.send(2);
/// }
/// ```
///
/// It may be kept, or sent on to another process. Dropping it fails the call at once, which OTP does not
/// do: there the caller waits for its timeout (GS-020).
#[must_use = "a call whose reply is dropped fails"]
pub struct Reply<T: Send + 'static>(Promise<T>);

impl<T: Send> Reply<T> {
    /// Answers. An answer that nobody waits for any more is dropped.
    pub fn send(self, value: T) {
        let _nobody_waits = self.0.keep(value);
    }

    /// Answers.
    ///
    /// # Errors
    /// The value, if nobody waits for it any more.
    pub fn try_send(self, value: T) -> Result<(), T> {
        self.0.keep(value)
    }

    /// Whether nobody waits for the answer any more: the call was dropped, or its deadline passed.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.0.is_abandoned()
    }
}

impl<T: Send> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("abandoned", &self.is_abandoned()).finish()
    }
}

/// Where messages of one type go: an address, or something that finds one at every send.
#[diagnostic::on_unimplemented(
    message = "messages cannot be sent to `{Self}`",
    note = "send to an `Address<M>`, a `Name<S>`, or `registry.via(key)`"
)]
pub trait Dest {
    /// What it takes.
    type Message: Send + 'static;

    /// The process it means now.
    fn resolve(&self) -> Option<Address<Self::Message>>;

    /// Sends a message and forgets it: whether anybody is there makes no difference (GS-030).
    fn cast(&self, message: Self::Message) {
        if let Some(address) = self.resolve() {
            address.send(message);
        }
    }

    /// Sends a message that carries the address of its answer, and waits for the answer: 5 s by default.
    ///
    /// Where it goes is settled now; nothing is sent before the future is polled.
    ///
    /// # Errors
    /// [`CallError`], never a hang.
    ///
    /// # Cancel safety
    /// A call dropped before it was polled sends nothing. Dropped later, the callee may still do the work;
    /// its answer is dropped.
    fn call<T, F>(&self, message: F) -> Call<'static, Self::Message, T, F>
    where
        T: Send + 'static,
        F: FnOnce(Reply<T>) -> Self::Message,
    {
        Call::new(self.resolve().map_or(Target::Nobody, Target::Owned), message)
    }

    /// Sends a request at once, whose answer can be waited for later, more than once (GS-060). Sending to
    /// nobody yields a request whose answer is [`CallError::NoProc`].
    fn send_request<T: Send + 'static>(
        &self,
        message: impl FnOnce(Reply<T>) -> Self::Message,
    ) -> Request<T> {
        let (promise, pledge) = slot::promise();
        let address = self.resolve();
        let refused = match &address {
            Some(address) => address.try_send(message(Reply(promise))).err().map(refusal),
            None => Some(CallError::NoProc),
        };
        Request { pledge, refused, callee: address.as_ref().map(Address::handle) }
    }
}

impl<M: Send + 'static> Dest for Address<M> {
    type Message = M;

    fn resolve(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl<M: Send + 'static> Address<M> {
    /// Sends a message and forgets it (GS-030). The same as [`send`](Self::send), by OTP's name.
    #[inline]
    pub fn cast(&self, message: M) {
        self.send(message);
    }

    /// Sends a message that carries the address of its answer, and waits for the answer: see [`Dest::call`].
    ///
    /// # Cancel safety
    /// As [`Dest::call`].
    #[inline]
    pub fn call<T, F>(&self, message: F) -> Call<'_, M, T, F>
    where
        T: Send + 'static,
        F: FnOnce(Reply<T>) -> M,
    {
        Call::new(Target::Borrowed(self), message)
    }
}

fn refusal<M>(error: SendError<M>) -> CallError {
    match error {
        SendError::Full(_) => CallError::Full,
        SendError::NoProc(_) => CallError::NoProc,
    }
}

impl<M: Send + 'static> Target<'_, M> {
    fn address(&self) -> Option<&Address<M>> {
        match self {
            Self::Borrowed(address) => Some(address),
            Self::Owned(address) => Some(address),
            Self::Nobody => None,
        }
    }
}

#[derive(Debug)]
enum Target<'a, M> {
    Borrowed(&'a Address<M>),
    Owned(Address<M>),
    Nobody,
}

/// A call under way. Does nothing unless awaited.
#[must_use = "a call does nothing unless awaited"]
pub struct Call<'a, M, T, F> {
    target: Target<'a, M>,
    /// Until the message is sent.
    message: Option<F>,
    patience: Patience,
    /// Once the message is sent, or refused.
    sent: Option<Result<Pledge<T>, CallError>>,
}

// Nothing in a call is ever pinned: the message's maker is moved out before it runs.
impl<M, T, F> Unpin for Call<'_, M, T, F> {}

impl<'a, M, T, F> Call<'a, M, T, F> {
    fn new(target: Target<'a, M>, message: F) -> Self {
        let patience = Patience::new(Some(DEFAULT_TIMEOUT));
        Self { target, message: Some(message), patience, sent: None }
    }

    /// Waits no longer than this. Deadlines of a second and more are coarse: never early, and up to 100 ms
    /// late.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.patience.timeout = Some(timeout);
        self
    }

    /// Waits as long as it takes. It still ends if the callee ends.
    pub fn no_timeout(mut self) -> Self {
        self.patience.timeout = None;
        self
    }
}

impl<M, T, F> Future for Call<'_, M, T, F>
where
    M: Send + 'static,
    T: Send + 'static,
    F: FnOnce(Reply<T>) -> M,
{
    type Output = Result<T, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.sent.is_none() {
            this.sent = Some(this.send(cx));
        }
        let Some(Ok(pledge)) = &mut this.sent else {
            // Whoever tries again and again lets others run in between (RUST-007).
            std::task::ready!(coop::poll_proceed(cx)).made_progress();
            let refused = this.sent.take().and_then(Result::err);
            return Poll::Ready(Err(refused.unwrap_or(CallError::NoReply)));
        };
        let target = &this.target;
        let callee = || target.address().map(Address::handle);
        this.patience.poll_answer(pledge, callee, cx).map(|outcome| match outcome {
            Some(answer) => answer.map_err(CallError::from),
            None => {
                this.sent = None;
                Err(CallError::Timeout)
            }
        })
    }
}

impl<M: Send + 'static, T: Send + 'static, F: FnOnce(Reply<T>) -> M> Call<'_, M, T, F> {
    /// Sends the message. The callee may run at once, and then the answer is there already.
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Pledge<T>, CallError> {
        let address = self.target.address().ok_or(CallError::NoProc)?;
        let Some(message) = self.message.take() else { return Err(CallError::NoReply) };
        if current::pid() == Some(address.pid()) {
            return Err(CallError::CallingSelf);
        }
        let (promise, pledge) = slot::promise();
        address.shared().push_and_wait(message(Reply(promise)), cx).map_err(refusal)?;
        Ok(pledge)
    }
}

impl<M, T, F> fmt::Debug for Call<'_, M, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("timeout", &self.patience.timeout)
            .field("sent", &self.sent.is_some())
            .finish()
    }
}

/// A request whose answer has not been taken yet (GS-060).
#[must_use = "dropping a request abandons it"]
pub struct Request<T> {
    pledge: Pledge<T>,
    /// Why it was not even sent.
    refused: Option<CallError>,
    callee: Option<Handle>,
}

impl<T: Send + 'static> Request<T> {
    /// Waits for the answer; nothing after `timeout`, as coarse as a [call's](Call::timeout), and the request stays
    /// alive: it may be waited for again.
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
