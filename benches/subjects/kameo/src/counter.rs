//! The counter, and a supervisor of counters that come and go.

use fauxtp_bench_workloads::{Pool, Total};
use kameo::error::Infallible;
use kameo::mailbox;
use kameo::prelude::*;
use kameo::supervision::RestartPolicy;
use tokio::sync::oneshot;

#[derive(Debug)]
pub(crate) struct Counter(Total);

pub(crate) struct Add(pub(crate) u64);
pub(crate) struct Told;
pub(crate) struct Hold(pub(crate) oneshot::Receiver<()>);

/// What it answers.
#[derive(Debug, Reply)]
pub(crate) struct Sum(pub(crate) Total);

impl Actor for Counter {
    type Args = ();
    type Error = Infallible;

    async fn on_start((): (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self(Total::default()))
    }
}

impl Message<Add> for Counter {
    type Reply = ();

    async fn handle(&mut self, Add(n): Add, _: &mut Context<Self, ()>) {
        self.0.add(n);
    }
}

impl Message<Told> for Counter {
    type Reply = Sum;

    async fn handle(&mut self, Told: Told, _: &mut Context<Self, Sum>) -> Sum {
        Sum(self.0)
    }
}

impl Message<Hold> for Counter {
    type Reply = ();

    async fn handle(&mut self, Hold(gate): Hold, _: &mut Context<Self, ()>) {
        let _opened_or_gone = gate.await;
    }
}

struct Supervisor;

impl Actor for Supervisor {
    type Args = ();
    type Error = Infallible;

    async fn on_start((): (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

/// Whoever counters are children of.
pub(crate) struct CounterPool(ActorRef<Supervisor>);

impl Pool for CounterPool {
    type Counter = ActorRef<Counter>;

    async fn start() -> Self {
        Self(Supervisor::spawn(()))
    }

    async fn start_child(&self) -> ActorRef<Counter> {
        let child = Counter::supervise(&self.0, ()).restart_policy(RestartPolicy::Never);
        child.spawn_with_mailbox(mailbox::unbounded()).await
    }

    async fn stop_child(&self, child: ActorRef<Counter>) {
        child.stop_gracefully().await.expect("it lives until here");
        child.wait_for_shutdown().await;
    }
}
