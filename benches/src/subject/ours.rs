//! The counter as a [`GenServer`], used as anybody would use it.

use fauxtp::prelude::*;
use fauxtp::supervisor::{DynamicSupervisorHandle, Restart};

use super::{Subject, Total};

/// fauxtp.
#[derive(Debug)]
pub(crate) struct Ours;

pub(crate) struct Counter(Total);

pub(crate) enum Message {
    Add(u64),
    Total(Reply<Total>),
}

impl GenServer for Counter {
    type Args = ();
    type Message = Message;

    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self(Total::default()))
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
        match message {
            Message::Add(n) => self.0.add(n),
            Message::Total(from) => from.send(self.0),
        }
        Ok(())
    }
}

impl Subject for Ours {
    type Counter = Address<Message>;
    type Pool = DynamicSupervisorHandle;

    async fn start() -> Self::Counter {
        Counter::start(()).await.expect("it has no name and its init cannot fail")
    }

    fn add(counter: &Self::Counter, n: u64) {
        counter.cast(Message::Add(n));
    }

    async fn total(counter: &Self::Counter) -> Total {
        counter.call(Message::Total).await.expect("nobody stops it meanwhile")
    }

    async fn stop(counter: Self::Counter) {
        counter.pid().stop(ExitReason::Normal, None).await.expect("it lives until here");
    }

    async fn start_pool() -> Self::Pool {
        DynamicSupervisor::new().start().await.expect("a pool without children starts")
    }

    async fn start_in(pool: &Self::Pool) -> Self::Counter {
        let child = ChildSpec::new::<Counter>("counter", ()).restart(Restart::Temporary);
        let started = pool.start_child(child).await.expect("its init cannot fail");
        started.and_then(Address::of).expect("it lives, and takes these messages")
    }

    async fn stop_in(pool: &Self::Pool, counter: Self::Counter) {
        pool.terminate_child(counter.pid()).await.expect("it is a child");
    }
}
