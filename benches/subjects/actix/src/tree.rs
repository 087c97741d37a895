//! Actors that start actors, and add up what these say.

use actix::prelude::*;
use tokio::sync::oneshot;

use crate::arbiters;

struct Node {
    first: u64,
    leaves: u64,
    parent: Option<Parent>,
    sum: u64,
    waiting_for: u64,
}

enum Parent {
    Node(Addr<Node>),
    Nobody(oneshot::Sender<u64>),
}

#[derive(Message)]
#[rtype(result = "()")]
struct Sum(u64);

impl Node {
    const fn new(first: u64, leaves: u64, parent: Parent) -> Self {
        Self { first, leaves, parent: Some(parent), sum: 0, waiting_for: 10 }
    }

    fn tell(&mut self, sum: u64) {
        match self.parent.take() {
            Some(Parent::Node(node)) => node.do_send(Sum(sum)),
            Some(Parent::Nobody(asker)) => {
                let _nobody_waits = asker.send(sum);
            }
            None => {}
        }
    }
}

impl Actor for Node {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if self.leaves == 1 {
            self.tell(self.first);
            return ctx.stop();
        }
        let is_root = matches!(self.parent, Some(Parent::Nobody(_)));
        let leaves = self.leaves / 10;
        for child in 0..10 {
            let first = self.first + child * leaves;
            let node = Self::new(first, leaves, Parent::Node(ctx.address()));
            if is_root {
                let arbiter = arbiters::number(usize::from(child % 2 == 1));
                Self::start_in_arbiter(arbiter, |_| node);
            } else {
                node.start();
            }
        }
    }
}

impl Handler<Sum> for Node {
    type Result = ();

    fn handle(&mut self, Sum(sum): Sum, ctx: &mut Context<Self>) {
        self.sum += sum;
        self.waiting_for -= 1;
        if self.waiting_for == 0 {
            self.tell(self.sum);
            ctx.stop();
        }
    }
}

pub(crate) async fn sum(leaves: u64) -> u64 {
    let (asker, sum) = oneshot::channel();
    Node::new(0, leaves, Parent::Nobody(asker)).start();
    sum.await.expect("the root tells the sum")
}
