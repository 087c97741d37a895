//! Actors that start actors, and add up what these say.

use kameo::error::Infallible;
use kameo::mailbox;
use kameo::prelude::*;
use tokio::sync::oneshot;

struct Node {
    parent: Option<Parent>,
    sum: u64,
    waiting_for: u64,
}

struct Args {
    first: u64,
    leaves: u64,
    parent: Parent,
}

enum Parent {
    Node(ActorRef<Node>),
    Nobody(oneshot::Sender<u64>),
}

impl Parent {
    async fn tell(self, sum: u64) {
        match self {
            Self::Node(node) => {
                let _it_has_ended = node.tell(Sum(sum)).send().await;
            }
            Self::Nobody(asker) => {
                let _nobody_waits = asker.send(sum);
            }
        }
    }
}

struct Sum(u64);

impl Actor for Node {
    type Args = Args;
    type Error = Infallible;

    async fn on_start(args: Args, me: ActorRef<Self>) -> Result<Self, Infallible> {
        let Args { first, leaves, parent } = args;
        if leaves == 1 {
            parent.tell(first).await;
            // It ends when nobody refers to it, which is at once.
            return Ok(Self { parent: None, sum: first, waiting_for: 0 });
        }
        let leaves = leaves / 10;
        for child in 0..10 {
            let parent = Parent::Node(me.clone());
            let args = Args { first: first + child * leaves, leaves, parent };
            Self::spawn_with_mailbox(args, mailbox::unbounded());
        }
        Ok(Self { parent: Some(parent), sum: 0, waiting_for: 10 })
    }
}

impl Message<Sum> for Node {
    type Reply = ();

    async fn handle(&mut self, Sum(sum): Sum, ctx: &mut Context<Self, ()>) {
        self.sum += sum;
        self.waiting_for -= 1;
        if self.waiting_for == 0 {
            if let Some(parent) = self.parent.take() {
                parent.tell(self.sum).await;
            }
            ctx.stop();
        }
    }
}

pub(crate) async fn sum(leaves: u64) -> u64 {
    let (asker, sum) = oneshot::channel();
    let root = Args { first: 0, leaves, parent: Parent::Nobody(asker) };
    Node::spawn_with_mailbox(root, mailbox::unbounded());
    sum.await.expect("the root tells the sum")
}
