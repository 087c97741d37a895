//! The counter, and a dynamic supervisor of counters.

use fauxtp::prelude::*;
use fauxtp::supervisor::DynamicSupervisorHandle;
use fauxtp_bench_workloads::{Pool, Total};
use tokio::sync::oneshot;

#[derive(Debug)]
pub(crate) struct Counter(Total);

#[derive(Debug)]
pub(crate) enum Message {
    Add(u64),
    Total(Reply<Total>),
    Hold(oneshot::Receiver<()>),
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
            Message::Hold(gate) => gate.await?,
        }
        Ok(())
    }
}

/// A dynamic supervisor.
#[derive(Debug)]
pub(crate) struct CounterPool(DynamicSupervisorHandle);

impl Pool for CounterPool {
    type Counter = Address<Message>;

    async fn start() -> Self {
        Self(DynamicSupervisor::new().start().await.expect("it starts without children"))
    }

    async fn start_child(&self) -> Self::Counter {
        let child = Counter::spec(()).restart(Restart::Temporary);
        let started = self.0.start_child(child).await.expect("its init cannot fail");
        started.and_then(Address::of).expect("it lives, and takes these messages")
    }

    async fn stop_child(&self, child: Self::Counter) {
        self.0.terminate_child(child.pid()).await.expect("it is a child");
    }
}
