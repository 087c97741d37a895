//! An actor that knows many others, and these.

use tokio::sync::oneshot;
use xtra::{Actor, Address, Context, Handler, Mailbox};

pub(crate) struct Hub {
    others: Vec<Address<Other>>,
    heard: u64,
    task: Option<(u64, oneshot::Sender<u64>)>,
}

struct Rounds(u64, oneshot::Sender<u64>);
struct Acknowledged;

impl Actor for Hub {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<Rounds> for Hub {
    type Return = ();

    async fn handle(&mut self, Rounds(rounds, done): Rounds, _: &mut Context<Self>) {
        self.heard = 0;
        self.task = Some((rounds * self.others.len() as u64, done));
        self.tell().await;
    }
}

impl Handler<Acknowledged> for Hub {
    type Return = ();

    async fn handle(&mut self, Acknowledged: Acknowledged, _: &mut Context<Self>) {
        self.heard += 1;
        if let Some((_, done)) = self.task.take_if(|(wanted, _)| *wanted == self.heard) {
            let _nobody_waits = done.send(self.heard);
        } else if self.heard.is_multiple_of(self.others.len() as u64) {
            self.tell().await;
        }
    }
}

impl Hub {
    async fn tell(&self) {
        for other in &self.others {
            let _nobody_waits = other.send(Told).detach().await;
        }
    }
}

struct Other(Address<Hub>);
struct Told;

impl Actor for Other {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<Told> for Other {
    type Return = ();

    async fn handle(&mut self, Told: Told, _: &mut Context<Self>) {
        let _nobody_waits = self.0.send(Acknowledged).detach().await;
    }
}

pub(crate) fn start(others: usize) -> Address<Hub> {
    let (hub, mailbox) = Mailbox::unbounded();
    let other = |_| xtra::spawn_tokio(Other(hub.clone()), Mailbox::unbounded());
    let others = (0..others).map(other).collect();
    xtra::spawn_tokio(Hub { others, heard: 0, task: None }, (hub, mailbox))
}

pub(crate) async fn broadcast(hub: &Address<Hub>, rounds: u64) -> u64 {
    let (done, over) = oneshot::channel();
    let _nobody_waits = hub.send(Rounds(rounds, done)).detach().await;
    over.await.expect("the hub stays")
}
