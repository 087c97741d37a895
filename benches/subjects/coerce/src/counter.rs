//! The counter, and an actor whose children are counters that come and go.

use async_trait::async_trait;
use coerce::actor::context::ActorContext;
use coerce::actor::message::{Handler, Message};
use coerce::actor::{Actor, LocalActorRef, new_actor_id};
use fauxtp_bench_workloads::{Pool, Total};
use tokio::sync::oneshot;

use crate::system;

#[derive(Debug, Default)]
pub(crate) struct Counter(Total);

pub(crate) struct Add(pub(crate) u64);
pub(crate) struct Told;
pub(crate) struct Hold(pub(crate) oneshot::Receiver<()>);

impl Message for Add {
    type Result = ();
}

impl Message for Told {
    type Result = Total;
}

impl Message for Hold {
    type Result = ();
}

impl Actor for Counter {}

#[async_trait]
impl Handler<Add> for Counter {
    async fn handle(&mut self, Add(n): Add, _: &mut ActorContext) {
        self.0.add(n);
    }
}

#[async_trait]
impl Handler<Told> for Counter {
    async fn handle(&mut self, Told: Told, _: &mut ActorContext) -> Total {
        self.0
    }
}

#[async_trait]
impl Handler<Hold> for Counter {
    async fn handle(&mut self, Hold(gate): Hold, _: &mut ActorContext) {
        let _opened_or_gone = gate.await;
    }
}

struct Supervisor;

impl Actor for Supervisor {}

struct StartChild;

impl Message for StartChild {
    type Result = LocalActorRef<Counter>;
}

#[async_trait]
impl Handler<StartChild> for Supervisor {
    async fn handle(
        &mut self,
        StartChild: StartChild,
        ctx: &mut ActorContext,
    ) -> LocalActorRef<Counter> {
        ctx.spawn(new_actor_id(), Counter::default()).await.expect("its start cannot fail")
    }
}

/// Whoever counters are children of.
pub(crate) struct CounterPool(LocalActorRef<Supervisor>);

impl Pool for CounterPool {
    type Counter = LocalActorRef<Counter>;

    async fn start() -> Self {
        Self(system::start(Supervisor).await)
    }

    async fn start_child(&self) -> Self::Counter {
        self.0.send(StartChild).await.expect("nobody stops it")
    }

    async fn stop_child(&self, child: Self::Counter) {
        child.stop().await.expect("it lives until here");
    }
}
