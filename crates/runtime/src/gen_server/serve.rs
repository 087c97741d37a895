//! The loop of a server.
//!
//! The state lives here, outside of the callbacks' own frames: a panic unwinds the callback, and the state
//! is still there for `terminate`, and dropped last, by itself, where its own panic harms nobody.
//!
//! An idle server is this one future, and little else; so messages are handled in its own frame, and what is rare has a
//! frame elsewhere.

use std::future::Future;
use std::task::Poll;

use fauxtp_logic::ExitReason;
use fauxtp_logic::tray::Item;

use super::{Context, GenServer, Info};
use crate::behaviour::{self, Ack};
use crate::executor::{stricken, struck};
use crate::guard::{Kept, catch, guarded, panicked};
use crate::instrument;
use crate::mailbox::Notice;
use crate::process::{Either, Limit};

/// What a server has to deal with next.
enum Event<M> {
    /// A message lies in the tray.
    Arrival,
    Message(M),
    Stop(ExitReason),
    Other(Other<M>),
}

/// What is not one message among others.
enum Other<M> {
    Continue(M),
    Info(Box<Info>),
}

/// The life of a server.
#[allow(
    clippy::manual_async_fn,
    reason = "an `async fn` would have its parameters in the frame twice"
)]
pub(super) fn serve<S: GenServer>(
    args: S::Args,
    mut ctx: Context<S>,
    ack: Ack,
) -> impl Future<Output = ExitReason> + Send {
    async move {
        let init = async { S::init(args, &mut ctx).await };
        let mut state = match behaviour::init(ack, init).await {
            Ok(state) => Kept::new(state),
            Err(reason) => return reason,
        };
        let mut name = None;
        let reason = guarded(run(&mut *state, &mut ctx, &mut name)).await.unwrap_or_else(panicked);
        ctx.process.core().private(|private| {
            private.ending = true;
            private.possessions().last_message = name;
        });
        let last = guarded(async { state.terminate(&reason, &mut ctx).await }).await;
        // Nobody may wait for it any more, and then it is dropped: another destructor.
        let last_words = ctx.wishes.take().and_then(|mut wishes| wishes.last_words.take());
        let unsaid = last_words.and_then(|last_words| catch(last_words).err());
        for report in unsaid.into_iter().chain(state.end()) {
            instrument::dropped_badly(ctx.process.core(), &report);
        }
        last.map_or_else(panicked, |()| reason)
    }
}

/// Handles one thing after the other, until one of them ends the server. Notes the name of the last message, if it was one.
#[allow(clippy::manual_async_fn, reason = "as above")]
fn run<'a, S: GenServer>(
    state: &'a mut S,
    ctx: &'a mut Context<S>,
    name: &'a mut Option<&'static str>,
) -> impl Future<Output = ExitReason> + Send + use<'a, S> {
    async move {
        let fail = |reason| Err(crate::Stop::because(reason));
        'next: loop {
            *name = None;
            // What is rare has its frame elsewhere, and leaves this block before it is awaited: an idle server is smaller
            // for that.
            let callback = 'rare: {
                let message = if has_message(ctx) {
                    let Some(message) = ctx.process.take_message() else { continue 'next };
                    message
                } else {
                    match std::future::poll_fn(|cx| poll_event(ctx, cx)).await {
                        Event::Arrival => continue 'next,
                        Event::Message(message) => message,
                        Event::Stop(reason) => return struck(reason),
                        Event::Other(other) => {
                            break 'rare Box::pin(stricken(deal_with(other, state, ctx), fail));
                        }
                    }
                };
                *name = Some(S::message_name(&message));
                handles(ctx, *name);
                match stricken(state.handle(message, ctx), fail).await {
                    Ok(()) => continue 'next,
                    Err(stop) => return stop.into_reason(),
                }
            };
            if let Err(stop) = callback.await {
                return stop.into_reason();
            }
        }
    }
}

/// Deals with what is no message, or is one that is handled in another way.
async fn deal_with<S: GenServer>(
    other: Other<S::Message>,
    state: &mut S,
    ctx: &mut Context<S>,
) -> crate::Result {
    match other {
        Other::Continue(message) => state.handle_continue(message, ctx).await,
        Other::Info(info) => state.handle_info(*info, ctx).await,
    }
}

/// Notes what is handled.
#[inline]
fn handles<S: GenServer>(ctx: &Context<S>, message: Option<&'static str>) {
    let core = ctx.process.core();
    core.executor.scheduler().handles(core.pid, message.unwrap_or_default());
}

/// Whether the next message is there and nothing is to be done before.
#[inline]
fn has_message<S: GenServer>(ctx: &Context<S>) -> bool {
    ctx.wishes.is_none() && ctx.process.has_message()
}

/// Looks for something to deal with.
#[inline]
fn poll_event<S: GenServer>(
    ctx: &mut Context<S>,
    cx: &mut std::task::Context<'_>,
) -> Poll<Event<S::Message>> {
    if ctx.wishes.is_some() {
        return poll_wishes(ctx, cx);
    }
    loop {
        std::task::ready!(ctx.process.poll_any_arrival(cx));
        if ctx.process.has_message() {
            return Poll::Ready(Event::Arrival);
        }
        if let Some(item) = ctx.process.take_item() {
            return Poll::Ready(event(ctx, Some(item)));
        }
    }
}

/// The same for a server that has wished for something.
fn poll_wishes<S: GenServer>(
    ctx: &mut Context<S>,
    cx: &mut std::task::Context<'_>,
) -> Poll<Event<S::Message>> {
    let Context { process, wishes } = ctx;
    let Some(wishes) = wishes else { return Poll::Pending };
    if wishes.wait.is_none() {
        let limit = wishes.timeout.take().map_or(Limit::Never, Limit::Quiet);
        if let Some(reason) = wishes.stopping.take() {
            return Poll::Ready(Event::Stop(reason));
        }
        if wishes.first.is_some() {
            std::task::ready!(process.poll_go_on(cx));
            if let Some(message) = wishes.first.take() {
                return Poll::Ready(Event::Other(Other::Continue(message)));
            }
        }
        wishes.wait = Some(process.wait(limit));
    }
    let Some(wait) = &mut wishes.wait else { return Poll::Pending };
    let streams = &mut wishes.streams;
    let item = if streams.is_empty() {
        std::task::ready!(process.poll_item(wait, cx))
    } else {
        let first = std::mem::take(&mut streams.first);
        let poll = process.poll_either(wait, first, cx, |cx| streams.poll(cx));
        match std::task::ready!(poll) {
            Either::Other(outcome) => {
                wishes.wait = None;
                return Poll::Ready(match outcome {
                    Ok(message) => Event::Message(message),
                    Err(report) => Event::Stop(panicked(report)),
                });
            }
            Either::Item(item) => {
                streams.first = true;
                Some(item)
            }
            Either::Nothing => None,
        }
    };
    wishes.wait = None;
    Poll::Ready(event(ctx, item))
}

/// What an item means for a server.
fn event<S: GenServer>(
    ctx: &mut Context<S>,
    item: Option<Item<S::Message, Notice<S::Message>>>,
) -> Event<S::Message> {
    match item {
        Some(Item::Message(message)) => Event::Message(message),
        Some(Item::Notice(Notice::Timer(timer, message))) => {
            ctx.process.timer_expired(timer);
            Event::Message(message)
        }
        Some(Item::Notice(Notice::Stop { reason, .. })) => Event::Stop(reason),
        Some(Item::Notice(Notice::Exit(exit))) if ctx.process.parent() == Some(exit.from) => {
            Event::Stop(exit.reason)
        }
        Some(Item::Notice(Notice::Exit(exit))) => {
            Event::Other(Other::Info(Box::new(Info::Exit(exit))))
        }
        Some(Item::Notice(Notice::Down(down))) => {
            Event::Other(Other::Info(Box::new(Info::Down(down))))
        }
        Some(Item::Notice(Notice::Barrier(_))) => unreachable!("reached when it is taken"),
        None => Event::Other(Other::Info(Box::new(Info::Timeout))),
    }
}
