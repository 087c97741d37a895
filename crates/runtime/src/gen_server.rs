//! Servers: a state, messages that are handled one after the other, and a start that is acknowledged.
//!
//! # Examples
//! ```
//! use fauxtp::prelude::*;
//!
//! struct Counter(i64);
//!
//! enum Message {
//!     Add(i64, Reply<i64>),
//!     Reset,
//! }
//!
//! impl GenServer for Counter {
//!     type Args = i64;
//!     type Message = Message;
//!
//!     async fn init(n: i64, _: &mut Context<Self>) -> Result<Self> {
//!         Ok(Counter(n))
//!     }
//!
//!     async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
//!         match message {
//!             Message::Add(k, from) => {
//!                 self.0 += k;
//!                 from.send(self.0);
//!             }
//!             Message::Reset => self.0 = 0,
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
//! let counter = Counter::start(1).await?;
//! assert_eq!(counter.call(|from| Message::Add(5, from)).await?, 6);
//! counter.cast(Message::Reset);
//! assert_eq!(counter.call(|from| Message::Add(5, from)).await?, 5);
//! counter.pid().stop(ExitReason::Normal, None).await?;
//! # Ok(()) }
//! ```

mod streams;
mod serve;

use std::fmt;
use std::future::{Future, IntoFuture};
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use fauxtp_logic::ExitReason;
use futures_core::Stream;

use crate::address::Address;
use crate::behaviour::{self, Ack, StartError, StartOptions, Starting};
use crate::call::Reply;
use crate::executor::NoRuntime;
use crate::guard::drop_each;
use crate::instrument;
use crate::mailbox::Mailbox;
use crate::names::{Name, Receives, claim_at_start};
use crate::process::{self, Wait};
use crate::registry::Registry;
use crate::signal::{Down, Exit};
use crate::stop::Result;

pub use streams::StreamId;
use streams::Streams;

/// What reaches a server besides its messages.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Info {
    /// An exit signal, trapped, from anybody but the parent (GS-047).
    Exit(Exit),
    /// A monitored process has ended.
    Down(Down),
    /// Nothing has arrived for as long as [`Context::set_timeout`] said (GS-032).
    Timeout,
}

/// A server.
///
/// What a call returns is data; only an error returned from a callback, [`Context::stop`], or a panic ends
/// the server. After any of them [`terminate`](Self::terminate) runs (GS-045) with the state as it was left.
///
/// # Cancel safety
/// A callback is dropped at an await if the server is killed, or hit by an exit signal that it does not trap. Nobody sees its
/// state any more then, but what it has done to others stays done.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no server",
    note = "implement `GenServer` with `Args`, `Message`, `init` and `handle`"
)]
pub trait GenServer: Sized + Send + 'static {
    /// What it is started with.
    type Args: Send + 'static;
    /// What it receives; a call's variant carries a [`Reply`].
    type Message: Send + 'static;

    /// Makes the state, in the new process; the starter waits for it (PL-001).
    ///
    /// # Errors
    /// An error, or [`Stop`](crate::Stop) with a reason, fails the start; `Stop::ignore()` makes it void
    /// (GS-001, GS-002). `terminate` is not called in any of these.
    fn init(args: Self::Args, ctx: &mut Context<Self>)
    -> impl Future<Output = Result<Self>> + Send;

    /// Handles one message.
    ///
    /// # Errors
    /// Any error ends the server with it.
    fn handle(
        &mut self,
        message: Self::Message,
        ctx: &mut Context<Self>,
    ) -> impl Future<Output = Result> + Send;

    /// Handles what is no message. Unless overridden, it is logged and dropped (GS-031).
    ///
    /// # Errors
    /// Any error ends the server with it.
    fn handle_info(
        &mut self,
        info: Info,
        ctx: &mut Context<Self>,
    ) -> impl Future<Output = Result> + Send {
        ctx.log_unhandled(&info);
        async { Ok(()) }
    }

    /// Handles what [`Context::continue_with`] put first (GS-003). Unless overridden, as any message.
    ///
    /// # Errors
    /// Any error ends the server with it.
    fn handle_continue(
        &mut self,
        message: Self::Message,
        ctx: &mut Context<Self>,
    ) -> impl Future<Output = Result> + Send {
        self.handle(message, ctx)
    }

    /// The last thing that runs, whenever the server ends by its own doing or by [`stop`](crate::PidExt::stop); not
    /// when it is killed, hit by an untrapped exit signal, or never got through `init` (GS-045). If it
    /// panics, that is the server's exit reason (GS-044).
    ///
    /// A supervisor stops its children by an exit signal. So `terminate` runs at a supervisor's shutdown only if
    /// the server traps exits, which it says in `init`: `ctx.trap_exits(Trap::On)`.
    fn terminate(
        &mut self,
        reason: &ExitReason,
        ctx: &mut Context<Self>,
    ) -> impl Future<Output = ()> + Send {
        let _ = (reason, ctx);
        async {}
    }

    /// What a message is called in crash reports. Unless overridden, by its type.
    fn message_name(message: &Self::Message) -> &'static str {
        let _ = message;
        std::any::type_name::<Self::Message>()
    }

    /// Starts a server; await the result, or set more first.
    ///
    /// # Examples
    /// See the [module](self).
    fn start(args: Self::Args) -> Start<Self> {
        Start { args, options: StartOptions::new(std::any::type_name::<Self>()) }
    }
}

impl<S: GenServer> Receives for S {
    type Message = S::Message;
}

/// A start that has not begun: awaiting it starts the server and waits until `init` is through.
///
/// # Cancel safety
/// A start that is dropped before it is done is undone.
#[must_use = "a server starts when this is awaited"]
pub struct Start<S: GenServer> {
    args: S::Args,
    options: StartOptions,
}

impl<S: GenServer> Start<S> {
    /// Under this name, which the new process has before its `init` runs (PL-002).
    pub fn name(mut self, name: &Name<S>) -> Self {
        self.options.claims.push(claim_at_start(name));
        self
    }

    /// Under this key, which the new process has before its `init` runs (REG-007).
    pub fn via<K, V>(mut self, registry: &Registry<K, V>, key: impl Into<K>, value: V) -> Self
    where
        K: Ord + Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        self.options.claims.push(registry.claim(key.into(), value));
        self
    }

    /// Gives `init` this long; then the half-started server is killed and the start fails (PL-005). Unless
    /// set, it may take as long as it likes.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// With this mailbox.
    pub fn mailbox(mut self, mailbox: Mailbox) -> Self {
        self.options.birth.mailbox = mailbox;
        self
    }

    /// Linked with the calling process, which becomes its parent: if a trapping server's parent ends, the
    /// server terminates (GS-046).
    pub fn link<M: Send + 'static>(mut self, parent: &process::Context<M>) -> Self {
        self.options.parent = Some(parent.handle());
        self
    }

    pub(crate) fn options(&mut self) -> &mut StartOptions {
        &mut self.options
    }

    /// Launches the server for somebody who waits for the acknowledgement in his own way.
    pub(crate) fn launch(self, ack: Ack) -> std::result::Result<Address<S::Message>, StartError> {
        let Self { args, options } = self;
        behaviour::launch(options, move |ctx| serve::serve(args, Context::<S>::new(ctx), ack))
    }
}

impl<S: GenServer> IntoFuture for Start<S> {
    type Output = std::result::Result<Address<S::Message>, StartError>;
    type IntoFuture = StartFuture<S::Message>;

    fn into_future(self) -> StartFuture<S::Message> {
        let timeout = self.options.timeout;
        let (ack, pledge) = Ack::promise();
        let launched = self.launch(ack);
        let address = launched.as_ref().ok().cloned();
        let process = launched.map(|address| address.handle());
        StartFuture { address, starting: Starting::new(process, pledge, timeout) }
    }
}

/// A start under way.
///
/// # Cancel safety
/// A start that is dropped before it is done is undone: what had been started is killed.
#[must_use = "a start that is dropped is undone"]
pub struct StartFuture<M: Send + 'static> {
    /// Until the start is done.
    address: Option<Address<M>>,
    starting: Starting,
}

impl<M: Send + 'static> Future for StartFuture<M> {
    type Output = std::result::Result<Address<M>, StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<Self::Output> {
        let outcome = std::task::ready!(Pin::new(&mut self.starting).poll(cx));
        let address = self.address.take().ok_or(StartError::NoRuntime(NoRuntime::Absent));
        Poll::Ready(outcome.and(address))
    }
}

impl<M: Send + 'static> fmt::Debug for StartFuture<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StartFuture").field(&self.address).finish()
    }
}

impl<S: GenServer> fmt::Debug for Start<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Start({})", std::any::type_name::<S>())
    }
}

/// The inside of a server's process: everything a [`process::Context`] can, and what only servers need.
pub struct Context<S: GenServer> {
    process: process::Context<S::Message>,
    /// What callbacks have asked for; most servers never do, and are the smaller for it.
    wishes: Option<Box<Wishes<S::Message>>>,
}

/// What a callback asks to happen after it.
struct Wishes<M> {
    /// What is handled before anything that waits.
    first: Option<M>,
    /// How long nothing may arrive; good until the next callback.
    timeout: Option<Duration>,
    stopping: Option<ExitReason>,
    /// Sent after `terminate`.
    last_words: Option<Box<dyn FnOnce() + Send>>,
    /// What it reads besides its mailbox.
    streams: Streams<M>,
    /// For the next thing to deal with, once that has begun.
    wait: Option<Wait>,
}

/// What was wished and not granted is dropped piece by piece: destructors may panic.
impl<M> Drop for Wishes<M> {
    fn drop(&mut self) {
        drop_each(self.first.take());
        drop_each(self.last_words.take());
    }
}

impl<S: GenServer> Context<S> {
    const fn new(process: process::Context<S::Message>) -> Self {
        Self { process, wishes: None }
    }

    pub(crate) fn log_unhandled(&self, info: &Info) {
        instrument::unhandled(self.core(), || format!("{info:?}"));
    }

    fn wishes(&mut self) -> &mut Wishes<S::Message> {
        self.wishes.get_or_insert_with(|| {
            Box::new(Wishes {
                first: None,
                timeout: None,
                stopping: None,
                last_words: None,
                streams: Streams::new(),
                wait: None,
            })
        })
    }

    /// Has `message` handled by [`GenServer::handle_continue`] before anything that waits, even if it has
    /// waited since before `init` (GS-003). The last one set by a callback counts.
    pub fn continue_with(&mut self, message: S::Message) {
        self.wishes().first = Some(message);
    }

    /// Has [`Info::Timeout`] arrive if nothing else does for this long after the current callback. Anything
    /// that arrives cancels it; zero fires only if nothing waits (GS-032).
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.wishes().timeout = Some(timeout);
    }

    /// Ends the server after the current callback.
    pub fn stop(&mut self, reason: ExitReason) {
        self.wishes().stopping = Some(reason);
    }

    /// Ends the server after the current callback and answers a call: `terminate` runs first, then the reply
    /// is sent, then the process ends; the caller gets the reply even if `terminate` panics (GS-040). Said more
    /// than once, every caller is answered, and the last reason counts.
    pub fn stop_with_reply<T: Send + 'static>(
        &mut self,
        reason: ExitReason,
        from: Reply<T>,
        value: T,
    ) {
        let wishes = self.wishes();
        wishes.stopping = Some(reason);
        let before = wishes.last_words.take();
        wishes.last_words = Some(Box::new(move || {
            if let Some(before) = before {
                before();
            }
            from.send(value);
        }));
    }

    /// Has the server read a stream along with its mailbox: each item is a message, handled as any other one.
    ///
    /// The server pulls an item when it is ready to handle it, so the stream is never ahead of it. Neither starves the
    /// other: if both have something, they take turns, and so do several streams; signals come before either. The
    /// order of a stream is kept; between streams, and between them and the mailbox, there is none. An item counts as
    /// an arrival for [`set_timeout`](Self::set_timeout).
    ///
    /// All attached streams are asked whenever the server looks for something to do, so this is for a few; merge
    /// many into one. At its end a stream is forgotten; to hear of that, chain a last message. A stream that panics, or
    /// whose destructor does at its end, is the server's own panic. What is attached is dropped with the
    /// server, after [`terminate`](GenServer::terminate).
    ///
    /// # Examples
    /// ```
    /// use std::pin::Pin;
    /// use std::task::{self, Poll};
    /// use fauxtp::prelude::*;
    /// # struct Ticks(u32);
    /// # impl futures_core::Stream for Ticks {
    /// #     type Item = Message;
    /// #     fn poll_next(mut self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<Option<Message>> {
    /// #         self.0 += 1;
    /// #         Poll::Ready((self.0 <= 3).then_some(Message::Tick))
    /// #     }
    /// # }
    ///
    /// struct Clock { ticks: u32, asked: Vec<Reply<u32>> }
    ///
    /// enum Message {
    ///     Tick,
    ///     AfterThree(Reply<u32>),
    /// }
    ///
    /// impl GenServer for Clock {
    ///     type Args = Ticks; // any `Stream` of messages
    ///     type Message = Message;
    ///
    ///     async fn init(ticks: Ticks, ctx: &mut Context<Self>) -> Result<Self> {
    ///         ctx.attach(ticks);
    ///         Ok(Clock { ticks: 0, asked: Vec::new() })
    ///     }
    ///
    ///     async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
    ///         match message {
    ///             Message::Tick => self.ticks += 1,
    ///             Message::AfterThree(from) => self.asked.push(from),
    ///         }
    ///         if self.ticks == 3 {
    ///             self.asked.drain(..).for_each(|from| from.send(self.ticks));
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
    /// let clock = Clock::start(Ticks(0)).await?;
    /// assert_eq!(clock.call(Message::AfterThree).await?, 3);
    /// # Ok(()) }
    /// ```
    pub fn attach(&mut self, stream: impl Stream<Item = S::Message> + Send + 'static) -> StreamId {
        self.wishes().streams.attach(stream)
    }

    /// Stops reading a stream, and drops it; false if it is not attached, or at its end. What it has given is handled
    /// or being handled: nothing of it waits.
    pub fn detach(&mut self, id: StreamId) -> bool {
        let Some(wishes) = &mut self.wishes else { return false };
        wishes.streams.detach(id).is_some()
    }

    /// Gives memory back that the mailbox holds from busier times. Semantically invisible (GS-034).
    pub fn hibernate(&mut self) {
        self.process.shrink();
    }
}

impl<S: GenServer> Deref for Context<S> {
    type Target = process::Context<S::Message>;

    fn deref(&self) -> &Self::Target {
        &self.process
    }
}

impl<S: GenServer> DerefMut for Context<S> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.process
    }
}

impl<S: GenServer> fmt::Debug for Context<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.process, f)
    }
}
