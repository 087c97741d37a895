//! Actors that start actors, and add up what these say.

use tokio::sync::oneshot;
use xtra::{Actor, Address, Context, Handler, Mailbox};

struct Node {
    /// Until its children have it: an actor ends when nobody has its address.
    me: Option<Address<Self>>,
    first: u64,
    leaves: u64,
    parent: Option<Parent>,
    sum: u64,
    waiting_for: u64,
}

enum Parent {
    Node(Address<Node>),
    Nobody(oneshot::Sender<u64>),
}

impl Parent {
    async fn tell(self, sum: u64) {
        match self {
            Self::Node(node) => {
                let _nobody_waits = node.send(Sum(sum)).detach().await;
            }
            Self::Nobody(asker) => {
                let _nobody_waits = asker.send(sum);
            }
        }
    }
}

struct Sum(u64);

impl Node {
    fn spawn(first: u64, leaves: u64, parent: Parent) {
        let (me, mailbox) = Mailbox::unbounded();
        let parent = Some(parent);
        let node = Self { me: Some(me.clone()), first, leaves, parent, sum: 0, waiting_for: 10 };
        xtra::spawn_tokio(node, (me, mailbox));
    }

    async fn tell(&mut self, sum: u64) {
        if let Some(parent) = self.parent.take() {
            parent.tell(sum).await;
        }
    }
}

impl Actor for Node {
    type Stop = ();

    /// An error ends the actor before its first message: a leaf has said everything.
    async fn started(&mut self, _: &Mailbox<Self>) -> Result<(), ()> {
        if self.leaves == 1 {
            self.tell(self.first).await;
            return Err(());
        }
        let me = self.me.take().ok_or(())?;
        let leaves = self.leaves / 10;
        for child in 0..10 {
            Self::spawn(self.first + child * leaves, leaves, Parent::Node(me.clone()));
        }
        Ok(())
    }

    async fn stopped(self) {}
}

impl Handler<Sum> for Node {
    type Return = ();

    async fn handle(&mut self, Sum(sum): Sum, ctx: &mut Context<Self>) {
        self.sum += sum;
        self.waiting_for -= 1;
        if self.waiting_for == 0 {
            self.tell(self.sum).await;
            ctx.stop_self();
        }
    }
}

pub(crate) async fn sum(leaves: u64) -> u64 {
    let (asker, sum) = oneshot::channel();
    Node::spawn(0, leaves, Parent::Nobody(asker));
    sum.await.expect("the root tells the sum")
}
