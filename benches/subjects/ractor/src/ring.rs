//! Actors of which each knows the next one.

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

struct Member;

/// What goes round.
pub(crate) enum Hop {
    /// Closes the ring.
    Next(ActorRef<Self>),
    /// How often the ball was and will be handed on, and whom to tell.
    Ball { seen: u64, left: u64, done: RpcReplyPort<u64> },
}

impl Actor for Member {
    type Msg = Hop;
    type State = Option<ActorRef<Hop>>;
    type Arguments = Option<ActorRef<Hop>>;

    async fn pre_start(
        &self,
        _: ActorRef<Hop>,
        next: Option<ActorRef<Hop>>,
    ) -> Result<Option<ActorRef<Hop>>, ActorProcessingErr> {
        Ok(next)
    }

    async fn handle(
        &self,
        _: ActorRef<Hop>,
        hop: Hop,
        state: &mut Option<ActorRef<Hop>>,
    ) -> Result<(), ActorProcessingErr> {
        match hop {
            Hop::Next(next) => *state = Some(next),
            Hop::Ball { seen, left: 1, done } => done.send(seen + 1)?,
            Hop::Ball { seen, left, done } => {
                let next = state.as_ref().ok_or("the ring is open")?;
                next.cast(Hop::Ball { seen: seen + 1, left: left - 1, done })?;
            }
        }
        Ok(())
    }
}

pub(crate) async fn start(size: usize) -> ActorRef<Hop> {
    let (last, _) = Actor::spawn(None, Member, None).await.expect("its start cannot fail");
    let mut next = last.clone();
    for _ in 1..size {
        next = Actor::spawn(None, Member, Some(next)).await.expect("its start cannot fail").0;
    }
    last.cast(Hop::Next(next)).expect("nobody stops it");
    last
}
