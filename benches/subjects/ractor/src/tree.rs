//! Actors that start actors, and add up what these say.

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

struct Node;

struct Args {
    first: u64,
    leaves: u64,
    parent: Parent,
}

enum Parent {
    Node(ActorRef<u64>),
    Nobody(oneshot::Sender<u64>),
}

impl Parent {
    fn tell(self, sum: u64) -> Result<(), ActorProcessingErr> {
        match self {
            Self::Node(node) => node.cast(sum)?,
            Self::Nobody(asker) => asker.send(sum).map_err(|_| "nobody waits")?,
        }
        Ok(())
    }
}

struct State {
    first: u64,
    leaves: u64,
    parent: Option<Parent>,
    sum: u64,
    waiting_for: u64,
}

impl Actor for Node {
    type Msg = u64;
    type State = State;
    type Arguments = Args;

    async fn pre_start(&self, me: ActorRef<u64>, args: Args) -> Result<State, ActorProcessingErr> {
        let Args { first, leaves, parent } = args;
        let mut state = State { first, leaves, parent: Some(parent), sum: 0, waiting_for: 10 };
        if leaves == 1 {
            state.tell(first)?;
            me.stop(None);
        }
        Ok(state)
    }

    async fn post_start(
        &self,
        me: ActorRef<u64>,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        if state.leaves > 1 {
            let leaves = state.leaves / 10;
            for child in 0..10 {
                let parent = Parent::Node(me.clone());
                let first = state.first + child * leaves;
                Actor::spawn(None, Self, Args { first, leaves, parent }).await?;
            }
        }
        Ok(())
    }

    async fn handle(
        &self,
        me: ActorRef<u64>,
        sum: u64,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        state.sum += sum;
        state.waiting_for -= 1;
        if state.waiting_for == 0 {
            state.tell(state.sum)?;
            me.stop(None);
        }
        Ok(())
    }
}

impl State {
    fn tell(&mut self, sum: u64) -> Result<(), ActorProcessingErr> {
        self.parent.take().ok_or("there are too many sums")?.tell(sum)
    }
}

pub(crate) async fn sum(leaves: u64) -> u64 {
    let (asker, sum) = oneshot::channel();
    let root = Args { first: 0, leaves, parent: Parent::Nobody(asker) };
    Actor::spawn(None, Node, root).await.expect("its start cannot fail");
    sum.await.expect("the root tells the sum")
}
