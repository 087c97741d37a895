//! The counter.

use fauxtp_bench_workloads::Total;
use tokio::sync::oneshot;
use xtra::{Actor, Context, Handler};

#[derive(Debug, Default)]
pub(crate) struct Counter(Total);

pub(crate) struct Add(pub(crate) u64);
pub(crate) struct Told;
pub(crate) struct Hold(pub(crate) oneshot::Receiver<()>);

impl Actor for Counter {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<Add> for Counter {
    type Return = ();

    async fn handle(&mut self, Add(n): Add, _: &mut Context<Self>) {
        self.0.add(n);
    }
}

impl Handler<Told> for Counter {
    type Return = Total;

    async fn handle(&mut self, Told: Told, _: &mut Context<Self>) -> Total {
        self.0
    }
}

impl Handler<Hold> for Counter {
    type Return = ();

    async fn handle(&mut self, Hold(gate): Hold, _: &mut Context<Self>) {
        let _opened_or_gone = gate.await;
    }
}
