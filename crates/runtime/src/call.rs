//! Calls: a message that carries the address of its answer, and a future that cannot hang.
//!
//! The answer does not pass through a mailbox: caller and callee share one slot. A call ends with the
//! answer; at once with the callee's exit reason if the callee ends (GS-012); at once if whoever holds the
//! [`Reply`] drops it (GS-020); or when its deadline passes (GS-013). A late answer is dropped (GS-014). If the callee
//! ends having handed the reply on, in the first 100 ms of a call, it is within these 100 ms that the call ends.
//!
//! A call that would wait for itself is refused before anything is sent (CALL-001), and a call that is made for a request
//! ends with the deadline of that request (CALL-004).
//!
//! A [`Request`] is a call in two parts; a [`RequestCollection`] holds many of them. The same message goes to many by
//! [`multi_call`] and [`abcast`].

mod error;
mod reply;
mod ready;
mod request;
mod collection;
mod multi;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::coop;

use crate::address::Address;
use crate::cycle::{self, Cycle, Outlook, Suspicion};
use crate::mailbox::SendError;
use crate::signal::Signal;
use crate::slot::{self, Pledge};
use crate::wait::SOMEWHERE;
use crate::waiting::Patience;

pub use collection::{Collected, Deadline, RequestCollection};
pub use error::CallError;
pub use multi::{MultiReply, abcast, multi_call};
pub use reply::Reply;
pub use request::Request;

/// How long a call waits unless told otherwise (GS-010).
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

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

    /// The address, if this is one, and not something that finds it.
    #[doc(hidden)]
    #[inline]
    fn as_address(&self) -> Option<&Address<Self::Message>> {
        None
    }

    /// Sends a message and forgets it: whether anybody is there makes no difference (GS-030).
    fn cast(&self, message: Self::Message) {
        if let Some(address) = self.as_address() {
            address.send(message);
        } else if let Some(address) = self.resolve() {
            address.send(message);
        }
    }

    /// Sends a message that carries the address of its answer, and waits for the answer: 5 s by default.
    ///
    /// Nothing is sent before the future is polled, and where it goes is settled then.
    ///
    /// # Errors
    /// [`CallError`], never a hang.
    ///
    /// # Cancel safety
    /// A call dropped before it was polled sends nothing. Dropped later, the callee may still do the work;
    /// its answer is dropped.
    fn call<T, F>(&self, message: F) -> Call<'_, Self, T, F>
    where
        T: Send + 'static,
        F: FnOnce(Reply<T>) -> Self::Message,
    {
        Call::new(self, message)
    }

    /// The same for an answer that is a `Result`: its error is [`CallError::Failed`], so that one `?` does for both.
    ///
    /// # Errors
    /// [`CallError`], never a hang.
    ///
    /// # Cancel safety
    /// As [`call`](Self::call).
    fn try_call<T, E, F>(&self, message: F) -> TryCall<'_, Self, T, E, F>
    where
        T: Send + 'static,
        E: Send + 'static,
        F: FnOnce(Reply<Result<T, E>>) -> Self::Message,
    {
        TryCall(Call::new(self, message))
    }

    /// Sends a request at once, whose answer can be waited for later, more than once (GS-060). Sending to
    /// nobody yields a request whose answer is [`CallError::NoProc`].
    fn send_request<T: Send + 'static>(
        &self,
        message: impl FnOnce(Reply<T>) -> Self::Message,
    ) -> Request<T> {
        Request::send(self.resolve(), message)
    }
}

impl<M: Send + 'static> Dest for Address<M> {
    type Message = M;

    fn resolve(&self) -> Option<Self> {
        Some(self.clone())
    }

    #[inline]
    fn as_address(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<D: Dest + ?Sized> Dest for &D {
    type Message = D::Message;

    fn resolve(&self) -> Option<Address<D::Message>> {
        D::resolve(self)
    }

    #[inline]
    fn as_address(&self) -> Option<&Address<D::Message>> {
        D::as_address(self)
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
    pub fn call<T, F>(&self, message: F) -> Call<'_, Self, T, F>
    where
        T: Send + 'static,
        F: FnOnce(Reply<T>) -> M,
    {
        Call::new(self, message)
    }
}

fn refusal<M>(error: SendError<M>) -> CallError {
    match error {
        SendError::Full(_) => CallError::Full,
        SendError::NoProc(_) => CallError::NoProc,
    }
}

/// A call under way. Does nothing unless awaited.
///
/// # Cancel safety
/// As [`Dest::call`]: dropped before it was polled it sends nothing; later, the callee may still do the work.
#[must_use = "a call does nothing unless awaited"]
pub struct Call<'a, D: Dest + ?Sized, T, F> {
    destination: &'a D,
    /// Whom that meant when this was polled first, unless it is an address itself.
    found: Option<Address<D::Message>>,
    /// Until the message is sent.
    message: Option<F>,
    patience: Patience,
    /// Once the message is sent.
    pledge: Option<Pledge<T>>,
    /// Where the message lies.
    place: u64,
    /// Whether the caller is on record as waiting.
    waits: bool,
    trouble: Option<Box<Trouble>>,
}

/// What keeps a message from being sent.
enum Trouble {
    /// It may be that the callee waits for us; nothing is sent before that is settled.
    Suspicion(Suspicion),
    Refused(CallError),
}

// Nothing in a call is ever pinned: the message's maker is moved out before it runs.
impl<D: Dest + ?Sized, T, F> Unpin for Call<'_, D, T, F> {}

impl<'a, D: Dest + ?Sized, T, F> Call<'a, D, T, F> {
    #[inline]
    fn new(destination: &'a D, message: F) -> Self {
        let patience = Patience::new(Some(DEFAULT_TIMEOUT));
        Self {
            destination,
            found: None,
            message: Some(message),
            patience,
            pledge: None,
            place: SOMEWHERE,
            waits: false,
            trouble: None,
        }
    }

    /// Waits no longer than this. Deadlines of a second and more are coarse: never early, and up to 100 ms
    /// late. Whatever it says, a call made while a request is handled ends with the deadline of that request.
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

impl<D, T, F> Future for Call<'_, D, T, F>
where
    D: Dest + ?Sized,
    T: Send + 'static,
    F: FnOnce(Reply<T>) -> D::Message,
{
    type Output = Result<T, CallError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.pledge.is_none() {
            std::task::ready!(this.send(cx));
        }
        let Some(pledge) = &mut this.pledge else { return this.fail(cx) };
        let address = this.destination.as_address().or(this.found.as_ref());
        let callee = || address.map(Address::handle);
        let answer = match this.patience.poll_answer(pledge, callee, cx) {
            Poll::Ready(answer) => answer,
            // What is done for a request ends with it.
            Poll::Pending if address.is_some_and(|to| cycle::sent(to.pid(), this.place)) => None,
            Poll::Pending => return Poll::Pending,
        };
        // Where places change, nobody could find it.
        if answer.is_none() && this.place != SOMEWHERE {
            let expire = Signal::Expire { place: this.place };
            let _ended = callee().map(|callee| callee.signal(expire));
        }
        this.leave();
        Poll::Ready(
            answer.map_or(Err(CallError::Timeout), |answer| answer.map_err(CallError::from)),
        )
    }
}

impl<D, T, F> Call<'_, D, T, F>
where
    D: Dest + ?Sized,
    T: Send + 'static,
    F: FnOnce(Reply<T>) -> D::Message,
{
    /// Sends the message, unless that would be the last thing the caller does. The callee may run at once, and then
    /// the answer is there already. Without a pledge afterwards, there was trouble.
    #[inline]
    fn send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if matches!(self.trouble.as_deref(), Some(Trouble::Refused(_))) {
            return Poll::Ready(());
        }
        if self.destination.as_address().is_none() && self.found.is_none() {
            self.found = self.destination.resolve();
        }
        let Some(address) = self.address() else { return self.refuse(CallError::NoProc) };
        match cycle::begin(&address.shared().core) {
            Outlook::Clear => {}
            Outlook::Itself => return self.refuse(CallError::Deadlock(Cycle::through(&[]))),
            Outlook::Overdue => return self.refuse(CallError::Timeout),
            Outlook::Waits => {
                self.waits = true;
                if let Some(refused) = std::task::ready!(self.suspect(cx)) {
                    return self.refuse(refused);
                }
            }
        }
        self.waits = true;
        let (Some(address), Some(message)) =
            (self.destination.as_address().or(self.found.as_ref()), self.message.take())
        else {
            return Poll::Ready(());
        };
        let (promise, pledge) = slot::promise();
        match address.shared().push_and_wait(message(Reply(promise)), cx) {
            Ok(place) => {
                self.place = place;
                self.pledge = Some(pledge);
                Poll::Ready(())
            }
            Err(error) => self.refuse(refusal(error)),
        }
    }

    #[cold]
    fn refuse(&mut self, error: CallError) -> Poll<()> {
        self.leave();
        self.trouble = Some(Box::new(Trouble::Refused(error)));
        Poll::Ready(())
    }

    #[cold]
    fn fail(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, CallError>> {
        // Whoever tries again and again lets others run in between (RUST-007).
        std::task::ready!(coop::poll_proceed(cx)).made_progress();
        Poll::Ready(Err(match self.trouble.take().map(|trouble| *trouble) {
            Some(Trouble::Refused(refused)) => refused,
            Some(Trouble::Suspicion(_)) | None => CallError::NoReply,
        }))
    }

    /// The callee waits as well. Nothing if that is not for us; otherwise why not to call.
    #[cold]
    fn suspect(&mut self, cx: &mut Context<'_>) -> Poll<Option<CallError>> {
        let Some(callee) = self.address().map(Address::handle) else {
            return Poll::Ready(None);
        };
        if self.trouble.is_none() {
            let suspicion = cycle::suspect(callee.clone());
            self.trouble = suspicion.map(|suspicion| Box::new(Trouble::Suspicion(suspicion)));
        }
        let Some(Trouble::Suspicion(suspicion)) = self.trouble.as_deref_mut() else {
            return Poll::Ready(None);
        };
        match suspicion.poll(cx) {
            Poll::Ready(Some(cycle)) => Poll::Ready(Some(CallError::Deadlock(cycle))),
            // Who closes a circle from now on sees that we wait, and suspects in turn.
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                cycle::waits(callee.core().pid);
                let elsewhere = || Some(callee.core().executor.clone());
                let over = self.patience.is_over(elsewhere, cx) || cycle::is_overdue();
                if over { Poll::Ready(Some(CallError::Timeout)) } else { Poll::Pending }
            }
        }
    }
}

impl<D: Dest + ?Sized, T, F> Call<'_, D, T, F> {
    /// Nobody waits any more.
    #[inline]
    fn leave(&mut self) {
        if std::mem::take(&mut self.waits) {
            if let Some(address) = self.address() {
                cycle::end(address.shared().core.pid);
            }
        }
    }

    #[inline]
    fn address(&self) -> Option<&Address<D::Message>> {
        self.destination.as_address().or(self.found.as_ref())
    }
}

impl<D: Dest + ?Sized, T, F> Drop for Call<'_, D, T, F> {
    #[inline]
    fn drop(&mut self) {
        self.leave();
    }
}

impl<D: Dest + ?Sized, T, F> fmt::Debug for Call<'_, D, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("timeout", &self.patience.timeout)
            .field("sent", &self.pledge.is_some())
            .finish()
    }
}

/// A call whose answer is a `Result`, made flat. Does nothing unless awaited.
///
/// # Cancel safety
/// As [`Dest::call`].
#[must_use = "a call does nothing unless awaited"]
pub struct TryCall<'a, D: Dest + ?Sized, T, E, F>(Call<'a, D, Result<T, E>, F>);

impl<D: Dest + ?Sized, T, E, F> TryCall<'_, D, T, E, F> {
    /// Waits no longer than this: see [`Call::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.patience.timeout = Some(timeout);
        self
    }

    /// Waits as long as it takes: see [`Call::no_timeout`].
    pub fn no_timeout(mut self) -> Self {
        self.0.patience.timeout = None;
        self
    }
}

impl<D, T, E, F> Future for TryCall<'_, D, T, E, F>
where
    D: Dest + ?Sized,
    T: Send + 'static,
    E: Send + 'static,
    F: FnOnce(Reply<Result<T, E>>) -> D::Message,
{
    type Output = Result<T, CallError<E>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|outcome| match outcome {
            Ok(answer) => answer.map_err(CallError::Failed),
            Err(error) => Err(error.widen()),
        })
    }
}

impl<D: Dest + ?Sized, T, E, F> fmt::Debug for TryCall<'_, D, T, E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
