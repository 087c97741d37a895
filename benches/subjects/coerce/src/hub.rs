//! An actor that knows many others, and these.

use async_trait::async_trait;
use coerce::actor::context::ActorContext;
use coerce::actor::message::{Handler, Message};
use coerce::actor::{Actor, LocalActorRef};
use tokio::sync::oneshot;

use crate::system;

pub(crate) struct Hub {
    /// How many there are to be.
    number: usize,
    others: Vec<LocalActorRef<Other>>,
    heard: u64,
    task: Option<(u64, oneshot::Sender<u64>)>,
}

struct Rounds(u64, oneshot::Sender<u64>);
struct Acknowledged;

impl Message for Rounds {
    type Result = ();
}

impl Message for Acknowledged {
    type Result = ();
}

#[async_trait]
impl Actor for Hub {
    async fn started(&mut self, ctx: &mut ActorContext) {
        for _ in 0..self.number {
            self.others.push(system::start(Other(self.actor_ref(ctx))).await);
        }
    }
}

#[async_trait]
impl Handler<Rounds> for Hub {
    async fn handle(&mut self, Rounds(rounds, done): Rounds, _: &mut ActorContext) {
        self.heard = 0;
        self.task = Some((rounds * self.others.len() as u64, done));
        self.tell();
    }
}

#[async_trait]
impl Handler<Acknowledged> for Hub {
    async fn handle(&mut self, Acknowledged: Acknowledged, _: &mut ActorContext) {
        self.heard += 1;
        if let Some((_, done)) = self.task.take_if(|(wanted, _)| *wanted == self.heard) {
            let _nobody_waits = done.send(self.heard);
        } else if self.heard.is_multiple_of(self.others.len() as u64) {
            self.tell();
        }
    }
}

impl Hub {
    pub(crate) const fn of(number: usize) -> Self {
        Self { number, others: Vec::new(), heard: 0, task: None }
    }

    fn tell(&self) {
        for other in &self.others {
            let _it_has_ended = other.notify(Told);
        }
    }
}

struct Other(LocalActorRef<Hub>);
struct Told;

impl Message for Told {
    type Result = ();
}

impl Actor for Other {}

#[async_trait]
impl Handler<Told> for Other {
    async fn handle(&mut self, Told: Told, _: &mut ActorContext) {
        let _it_has_ended = self.0.notify(Acknowledged);
    }
}

pub(crate) async fn broadcast(hub: &LocalActorRef<Hub>, rounds: u64) -> u64 {
    let (done, over) = oneshot::channel();
    hub.notify(Rounds(rounds, done)).expect("nobody stops it");
    over.await.expect("the hub stays")
}
