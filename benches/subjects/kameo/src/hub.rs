//! An actor that knows many others, and these.

use kameo::error::Infallible;
use kameo::mailbox;
use kameo::prelude::*;
use tokio::sync::oneshot;

pub(crate) struct Hub {
    others: Vec<ActorRef<Other>>,
    heard: u64,
    task: Option<(u64, oneshot::Sender<u64>)>,
}

struct Rounds(u64, oneshot::Sender<u64>);
struct Acknowledged;

impl Actor for Hub {
    type Args = usize;
    type Error = Infallible;

    async fn on_start(others: usize, me: ActorRef<Self>) -> Result<Self, Infallible> {
        let other = |_| Other::spawn_with_mailbox(me.clone(), mailbox::unbounded());
        Ok(Self { others: (0..others).map(other).collect(), heard: 0, task: None })
    }
}

impl Message<Rounds> for Hub {
    type Reply = ();

    async fn handle(&mut self, Rounds(rounds, done): Rounds, _: &mut Context<Self, ()>) {
        self.heard = 0;
        self.task = Some((rounds * self.others.len() as u64, done));
        self.tell().await;
    }
}

impl Message<Acknowledged> for Hub {
    type Reply = ();

    async fn handle(&mut self, Acknowledged: Acknowledged, _: &mut Context<Self, ()>) {
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
            let _it_has_ended = other.tell(Told).send().await;
        }
    }
}

struct Other(ActorRef<Hub>);
struct Told;

impl Actor for Other {
    type Args = ActorRef<Hub>;
    type Error = Infallible;

    async fn on_start(hub: ActorRef<Hub>, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self(hub))
    }
}

impl Message<Told> for Other {
    type Reply = ();

    async fn handle(&mut self, Told: Told, _: &mut Context<Self, ()>) {
        let _it_has_ended = self.0.tell(Acknowledged).send().await;
    }
}

pub(crate) async fn broadcast(hub: &ActorRef<Hub>, rounds: u64) -> u64 {
    let (done, over) = oneshot::channel();
    hub.tell(Rounds(rounds, done)).send().await.expect("nobody stops it");
    over.await.expect("the hub stays")
}
