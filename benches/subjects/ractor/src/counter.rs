//! The counter, and a supervisor of counters that come and go.

use fauxtp_bench_workloads::{Pool, Total};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use tokio::sync::oneshot;

#[derive(Debug)]
pub(crate) struct Counter;

#[derive(Debug)]
pub(crate) enum Message {
    Add(u64),
    Total(RpcReplyPort<Total>),
    Hold(oneshot::Receiver<()>),
}

impl Actor for Counter {
    type Msg = Message;
    type State = Total;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<Total, ActorProcessingErr> {
        Ok(Total::default())
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        total: &mut Total,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Add(n) => total.add(n),
            Message::Total(from) => from.send(*total)?,
            Message::Hold(gate) => gate.await?,
        }
        Ok(())
    }
}

/// An actor that supervises.
#[derive(Debug)]
struct Supervisor;

impl Actor for Supervisor {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    /// Its children come and go. Unless told so, it would end with them.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        _: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

/// What children are linked with.
#[derive(Debug)]
pub(crate) struct CounterPool(ActorRef<()>);

impl Pool for CounterPool {
    type Counter = ActorRef<Message>;

    async fn start() -> Self {
        Self(Actor::spawn(None, Supervisor, ()).await.expect("its start cannot fail").0)
    }

    async fn start_child(&self) -> Self::Counter {
        let child = Actor::spawn_linked(None, Counter, (), self.0.get_cell()).await;
        child.expect("its start cannot fail").0
    }

    async fn stop_child(&self, child: Self::Counter) {
        child.stop_and_wait(None, None).await.expect("it lives until here");
    }
}
