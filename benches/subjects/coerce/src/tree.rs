//! Actors that start actors, and add up what these say.

use async_trait::async_trait;
use coerce::actor::context::ActorContext;
use coerce::actor::message::{Handler, Message};
use coerce::actor::scheduler::ActorType;
use coerce::actor::{Actor, LocalActorRef, new_actor_id};
use tokio::sync::oneshot;

use crate::system;

struct Node {
    first: u64,
    leaves: u64,
    parent: Option<Parent>,
    sum: u64,
    waiting_for: u64,
}

enum Parent {
    Node(LocalActorRef<Node>),
    Nobody(oneshot::Sender<u64>),
}

struct Sum(u64);

impl Message for Sum {
    type Result = ();
}

impl Node {
    /// Does not wait for it, so that a parent goes on to start the next.
    async fn spawn(first: u64, leaves: u64, parent: Parent) {
        let node = Self { first, leaves, parent: Some(parent), sum: 0, waiting_for: 10 };
        let system = system::system();
        system.new_actor_deferred(new_actor_id(), node, ActorType::Anonymous).await;
    }

    fn tell(&mut self, sum: u64) {
        match self.parent.take() {
            Some(Parent::Node(node)) => {
                let _it_has_ended = node.notify(Sum(sum));
            }
            Some(Parent::Nobody(asker)) => {
                let _nobody_waits = asker.send(sum);
            }
            None => {}
        }
    }
}

#[async_trait]
impl Actor for Node {
    async fn started(&mut self, ctx: &mut ActorContext) {
        if self.leaves == 1 {
            self.tell(self.first);
            return ctx.stop(None);
        }
        let leaves = self.leaves / 10;
        for child in 0..10 {
            let parent = Parent::Node(self.actor_ref(ctx));
            Self::spawn(self.first + child * leaves, leaves, parent).await;
        }
    }
}

#[async_trait]
impl Handler<Sum> for Node {
    async fn handle(&mut self, Sum(sum): Sum, ctx: &mut ActorContext) {
        self.sum += sum;
        self.waiting_for -= 1;
        if self.waiting_for == 0 {
            self.tell(self.sum);
            ctx.stop(None);
        }
    }
}

pub(crate) async fn sum(leaves: u64) -> u64 {
    let (asker, sum) = oneshot::channel();
    Node::spawn(0, leaves, Parent::Nobody(asker)).await;
    sum.await.expect("the root tells the sum")
}
