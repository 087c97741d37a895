//! The counter.

use actix::prelude::*;
use fauxtp_bench_workloads::Total;
use tokio::sync::oneshot;

#[derive(Debug, Default)]
pub(crate) struct Counter {
    total: Total,
    /// Who wants to know that it has stopped.
    asker: Option<oneshot::Sender<()>>,
}

#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Add(pub(crate) u64);

#[derive(Message)]
#[rtype(result = "Total")]
pub(crate) struct Told;

#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Hold(pub(crate) oneshot::Receiver<()>);

#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Stop(pub(crate) oneshot::Sender<()>);

impl Actor for Counter {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Context<Self>) {
        if let Some(asker) = self.asker.take() {
            let _nobody_waits = asker.send(());
        }
    }
}

impl Handler<Add> for Counter {
    type Result = ();

    fn handle(&mut self, Add(n): Add, _: &mut Context<Self>) {
        self.total.add(n);
    }
}

impl Handler<Told> for Counter {
    type Result = MessageResult<Told>;

    fn handle(&mut self, Told: Told, _: &mut Context<Self>) -> MessageResult<Told> {
        MessageResult(self.total)
    }
}

impl Handler<Hold> for Counter {
    type Result = ();

    fn handle(&mut self, Hold(gate): Hold, ctx: &mut Context<Self>) {
        let opened_or_gone = async { drop(gate.await) };
        ctx.wait(opened_or_gone.into_actor(self));
    }
}

impl Handler<Stop> for Counter {
    type Result = ();

    fn handle(&mut self, Stop(asker): Stop, ctx: &mut Context<Self>) {
        self.asker = Some(asker);
        ctx.stop();
    }
}
