//! A shard: the server that owns some of the keys. When it crashes, they are gone.

use std::sync::Arc;

use fauxtp::prelude::*;
use redis_protocol::resp2::types::BytesFrame as Frame;
use tokio::time::Instant;

use super::operation::Operation;
use super::store::Store;

/// The state of a shard.
#[derive(Debug)]
pub struct Shard {
    store: Store,
}

/// What a shard receives.
#[derive(Debug)]
pub enum Message {
    /// Do all this in order, as if at once; one answer each.
    Run(Arc<[Operation]>, Reply<Vec<Frame>>),
    /// Crash.
    Panic(Reply<()>),
    /// Time to remove what is due and nobody has asked for.
    Sweep,
}

impl GenServer for Shard {
    type Args = ();
    type Message = Message;

    async fn init((): (), ctx: &mut Context<Self>) -> Result<Self> {
        ctx.send_after(SWEEP_EVERY, Message::Sweep);
        Ok(Self { store: Store::default() })
    }

    async fn handle(&mut self, message: Message, ctx: &mut Context<Self>) -> Result {
        match message {
            Message::Run(operations, from) => {
                let now = Instant::now();
                let answers =
                    operations.iter().map(|operation| self.store.apply(operation, now)).collect();
                // Before the answer, so that the connection finds its read buffer free again.
                drop(operations);
                from.send(answers);
            }
            Message::Panic(_never_answered) => panic!("DEBUG PANIC"),
            Message::Sweep => {
                self.store.remove_due(Instant::now(), SWEEP_MAX);
                ctx.send_after(SWEEP_EVERY, Message::Sweep);
            }
        }
        Ok(())
    }

    fn message_name(message: &Message) -> &'static str {
        match message {
            Message::Run(..) => "Run",
            Message::Panic(_) => "Panic",
            Message::Sweep => "Sweep",
        }
    }
}

/// How often a shard looks for keys that are due.
const SWEEP_EVERY: Duration = Duration::from_millis(100);

/// The most keys it removes then; clients wait meanwhile.
const SWEEP_MAX: usize = 10_000;
