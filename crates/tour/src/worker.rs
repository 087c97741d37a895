//! The worker: it answers, and fails in every way it is told to.

use std::sync::Arc;

use fauxtp::prelude::*;

use crate::harm::{Sabotaged, cry};
use crate::tally::Tally;

/// A server that doubles numbers.
#[derive(Debug)]
pub(crate) struct Worker;

/// What a worker is started with.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) place: usize,
    pub(crate) tally: Arc<Tally>,
}

/// What a worker is asked and told.
#[derive(Debug)]
pub(crate) enum Message {
    Double(u64, Reply<u64>),
    Panic(u64),
    Fail(u64),
}

impl GenServer for Worker {
    type Args = Post;
    type Message = Message;

    async fn init(post: Post, ctx: &mut Context<Self>) -> Result<Self> {
        post.tally.born(post.place, ctx.pid());
        Ok(Self)
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
        match message {
            Message::Double(number, from) => {
                if number % SLOW_EVERY == 0 {
                    tokio::time::sleep(SLOW).await;
                }
                from.send(number * 2);
            }
            Message::Panic(blow) => panic!("{}", cry(blow)),
            Message::Fail(blow) => return Err(Sabotaged(blow).into()),
        }
        Ok(())
    }
}

/// Some numbers take a worker some time, so that blows hit in the middle of a handler, too.
const SLOW_EVERY: u64 = 200;
const SLOW: Duration = Duration::from_millis(2);
