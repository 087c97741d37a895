//! The loop of a server.
//!
//! The state lives here, outside of the callbacks' own frames: a panic unwinds the callback, and the state
//! is still there for `terminate`, and dropped last, by itself, where its own panic harms nobody.
//!
//! An idle server is this one future, and little else; so everything is in one frame, and there is one place
//! where callbacks run.

use std::future::Future;
use std::task::Poll;

use fauxtp_logic::ExitReason;
use fauxtp_logic::tray::Item;

use super::{Context, GenServer, Info};
use crate::behaviour::{self, Ack};
use crate::executor::stricken;
use crate::guard::{Kept, catch, guarded, panicked};
use crate::instrument;
use crate::mailbox::Notice;
use crate::process::{Either, Limit, Wait};

/// What a server has to deal with next. Kept small: it is part of every idle server.
enum Event<M> {
    Continue(M),
    Message(M),
    Info(Box<Info>),
    Stop(ExitReason),
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
        let init =
            behaviour::init(&ctx.handle(), ack, async { S::init(args, &mut ctx).await }).await;
        let mut state = match init {
            Ok(state) => Kept::new(state),
            Err(reason) => return reason,
        };
        let reason = loop {
            let event = match next_message(&mut ctx) {
                Some(message) => Event::Message(message),
                None => next_event(&mut ctx).await,
            };
            let mut name = None;
            let callback = async {
                match event {
                    Event::Message(message) => {
                        name = Some(S::message_name(&message));
                        handles(&ctx, name);
                        state.handle(message, &mut ctx).await
                    }
                    Event::Continue(message) => state.handle_continue(message, &mut ctx).await,
                    Event::Info(info) => state.handle_info(*info, &mut ctx).await,
                    Event::Stop(reason) => Err(crate::Stop::because(reason)),
                }
            };
            let fail = |reason| Err(crate::Stop::because(reason));
            let outcome = guarded(stricken(callback, fail)).await;
            let reason = match outcome {
                Ok(Ok(())) => continue,
                Ok(Err(stop)) => stop.into_reason(),
                Err(report) => panicked(report),
            };
            ctx.process.core().private(|private| {
                private.ending = true;
                private.possessions().last_message = name;
            });
            break reason;
        };
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

/// Notes what is handled.
#[inline]
fn handles<S: GenServer>(ctx: &Context<S>, message: Option<&'static str>) {
    let core = ctx.process.core();
    core.executor.scheduler().handles(core.pid, message.unwrap_or_default());
}

/// The next message, if it is there and nothing is to be done before.
#[inline]
fn next_message<S: GenServer>(ctx: &mut Context<S>) -> Option<S::Message> {
    if ctx.wishes.is_some() { None } else { ctx.process.take_message() }
}

/// Waits for something to deal with.
async fn next_event<S: GenServer>(ctx: &mut Context<S>) -> Event<S::Message> {
    let mut limit = Limit::Never;
    if let Some(wishes) = &mut ctx.wishes {
        limit = wishes.timeout.take().map_or(Limit::Never, Limit::Quiet);
        if let Some(reason) = wishes.stopping.take() {
            return Event::Stop(reason);
        }
        if let Some(message) = wishes.first.take() {
            ctx.process.go_on().await;
            return Event::Continue(message);
        }
    }
    let mut wait = ctx.process.wait(limit);
    std::future::poll_fn(|cx| poll_event(ctx, &mut wait, cx)).await
}

/// Looks for something to deal with.
#[inline]
fn poll_event<S: GenServer>(
    ctx: &mut Context<S>,
    wait: &mut Wait,
    cx: &mut std::task::Context<'_>,
) -> Poll<Event<S::Message>> {
    let streams = ctx.wishes.as_mut().map(|wishes| &mut wishes.streams);
    let item = match streams.filter(|streams| !streams.is_empty()) {
        None => std::task::ready!(ctx.process.poll_item(wait, cx)),
        Some(streams) => {
            let first = std::mem::take(&mut streams.first);
            let poll = ctx.process.poll_either(wait, first, cx, |cx| streams.poll(cx));
            match std::task::ready!(poll) {
                Either::Other(Ok(message)) => return Poll::Ready(Event::Message(message)),
                Either::Other(Err(report)) => {
                    return Poll::Ready(Event::Stop(panicked(report)));
                }
                Either::Item(item) => {
                    streams.first = true;
                    Some(item)
                }
                Either::Nothing => None,
            }
        }
    };
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
        Some(Item::Notice(Notice::Exit(exit))) => Event::Info(Box::new(Info::Exit(exit))),
        Some(Item::Notice(Notice::Down(down))) => Event::Info(Box::new(Info::Down(down))),
        Some(Item::Notice(Notice::Barrier(_))) => unreachable!("reached when it is taken"),
        None => Event::Info(Box::new(Info::Timeout)),
    }
}
