//! Servers that start servers, and add up what these say.

use fauxtp::prelude::*;
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
    Node(Address<Message>),
    Nobody(oneshot::Sender<u64>),
}

impl Parent {
    fn tell(self, sum: u64) {
        match self {
            Self::Node(address) => address.cast(Message::Sum(sum)),
            Self::Nobody(asker) => {
                let _nobody_waits = asker.send(sum);
            }
        }
    }
}

enum Message {
    Grow { first: u64, leaves: u64 },
    Sum(u64),
}

impl GenServer for Node {
    type Args = Args;
    type Message = Message;

    async fn init(args: Args, ctx: &mut Context<Self>) -> Result<Self> {
        let Args { first, leaves, parent } = args;
        if leaves == 1 {
            parent.tell(first);
            ctx.stop(ExitReason::Normal);
            return Ok(Self { parent: None, sum: first, waiting_for: 0 });
        }
        // Not here: whoever has started this one goes on to start the next.
        ctx.continue_with(Message::Grow { first, leaves });
        Ok(Self { parent: Some(parent), sum: 0, waiting_for: 10 })
    }

    async fn handle(&mut self, message: Message, ctx: &mut Context<Self>) -> Result {
        match message {
            Message::Grow { first, leaves } => {
                let leaves = leaves / 10;
                for child in 0..10 {
                    let parent = Parent::Node(ctx.address());
                    Self::start(Args { first: first + child * leaves, leaves, parent }).await?;
                }
            }
            Message::Sum(sum) => {
                self.sum += sum;
                self.waiting_for -= 1;
                if self.waiting_for == 0 {
                    let parent = self.parent.take();
                    parent.ok_or_else(|| Stop::error("there are too many sums"))?.tell(self.sum);
                    ctx.stop(ExitReason::Normal);
                }
            }
        }
        Ok(())
    }
}

pub(crate) async fn sum(leaves: u64) -> u64 {
    let (asker, sum) = oneshot::channel();
    let root = Args { first: 0, leaves, parent: Parent::Nobody(asker) };
    Node::start(root).await.expect("its init cannot fail");
    sum.await.expect("the root tells the sum")
}
