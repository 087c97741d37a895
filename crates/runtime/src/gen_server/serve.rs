//! The loop of a server.
//!
//! The state lives here, outside of the callbacks' own frames: a panic unwinds the callback, and the state
//! is still there for `terminate`, and dropped last, by itself, where its own panic harms nobody.

use std::future::Future;

use fauxtp_logic::ExitReason;
use fauxtp_logic::tray::Item;

use super::{Context, GenServer, Info};
use crate::behaviour::{self, Ack};
use crate::guard::{drop_caught, guarded, panicked};
use crate::instrument;
use crate::mailbox::Notice;
use crate::process;
use crate::stop::Result;

pub(super) async fn serve<S: GenServer>(
    args: S::Args,
    ctx: process::Context<S::Message>,
    ack: Ack,
) -> ExitReason {
    let handle = ctx.handle();
    let mut ctx = Context::<S>::new(ctx);
    let init = async { S::init(args, &mut ctx).await };
    let mut state = match behaviour::init(&handle, ack, init).await {
        Ok(state) => state,
        Err(reason) => return reason,
    };
    let reason = handle_all(&mut state, &mut ctx).await;

    handle.core().private(|private| private.ending = true);
    let last = guarded(async { state.terminate(&reason, &mut ctx).await }).await;
    if let Some(last_words) = ctx.last_words.take() {
        last_words();
    }
    if let Some(report) = drop_caught(state) {
        instrument::dropped_badly(handle.core(), &report);
    }
    last.map_or_else(panicked, |()| reason)
}

/// Handles whatever arrives, until something says stop.
async fn handle_all<S: GenServer>(state: &mut S, ctx: &mut Context<S>) -> ExitReason {
    loop {
        if let Some(reason) = ctx.stopping.take() {
            return reason;
        }
        let outcome = if let Some(message) = ctx.first.take() {
            run(async { state.handle_continue(message, ctx).await }).await
        } else {
            let timeout = ctx.timeout.take();
            match ctx.process.next_item(timeout).await {
                Some(Item::Message(message)) => handle(state, message, ctx).await,
                Some(Item::Notice(Notice::Timer(timer, message))) => {
                    ctx.process.timer_expired(timer);
                    handle(state, message, ctx).await
                }
                Some(Item::Notice(Notice::Stop { reason, .. })) => Err(reason),
                Some(Item::Notice(Notice::Exit(exit)))
                    if ctx.process.parent() == Some(exit.from) =>
                {
                    Err(exit.reason)
                }
                Some(Item::Notice(Notice::Exit(exit))) => {
                    inform(state, Info::Exit(exit), ctx).await
                }
                Some(Item::Notice(Notice::Down(down))) => {
                    inform(state, Info::Down(down), ctx).await
                }
                None => inform(state, Info::Timeout, ctx).await,
            }
        };
        if let Err(reason) = outcome {
            return reason;
        }
    }
}

#[inline]
async fn handle<S: GenServer>(
    state: &mut S,
    message: S::Message,
    ctx: &mut Context<S>,
) -> std::result::Result<(), ExitReason> {
    let name = S::message_name(&message);
    let outcome = run(async { state.handle(message, ctx).await }).await;
    if outcome.is_err() {
        ctx.process.handle().core().private(|private| private.last_message = Some(name));
    }
    outcome
}

async fn inform<S: GenServer>(
    state: &mut S,
    info: Info,
    ctx: &mut Context<S>,
) -> std::result::Result<(), ExitReason> {
    run(async { state.handle_info(info, ctx).await }).await
}

/// Runs one callback; gives the reason if it ends the server.
#[inline]
async fn run(callback: impl Future<Output = Result>) -> std::result::Result<(), ExitReason> {
    match guarded(callback).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(stop)) => Err(stop.into_reason()),
        Err(report) => Err(panicked(report)),
    }
}
