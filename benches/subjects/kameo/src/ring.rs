//! Actors of which each knows the next one.

use kameo::error::Infallible;
use kameo::mailbox;
use kameo::prelude::*;
use tokio::sync::oneshot;

pub(crate) struct Member(Option<ActorRef<Self>>);

/// Closes the ring.
struct Next(ActorRef<Member>);

/// How often the ball was and will be handed on, and whom to tell.
struct Ball {
    seen: u64,
    left: u64,
    done: oneshot::Sender<u64>,
}

impl Actor for Member {
    type Args = Option<ActorRef<Self>>;
    type Error = Infallible;

    async fn on_start(next: Self::Args, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self(next))
    }
}

impl Message<Next> for Member {
    type Reply = ();

    async fn handle(&mut self, Next(next): Next, _: &mut Context<Self, ()>) {
        self.0 = Some(next);
    }
}

impl Message<Ball> for Member {
    type Reply = ();

    async fn handle(&mut self, Ball { seen, left, done }: Ball, _: &mut Context<Self, ()>) {
        if left == 1 {
            let _nobody_waits = done.send(seen + 1);
        } else if let Some(next) = &self.0 {
            let ball = Ball { seen: seen + 1, left: left - 1, done };
            let _it_has_ended = next.tell(ball).send().await;
        }
    }
}

pub(crate) async fn start(size: usize) -> ActorRef<Member> {
    let last = Member::spawn_with_mailbox(None, mailbox::unbounded());
    let mut next = last.clone();
    for _ in 1..size {
        next = Member::spawn_with_mailbox(Some(next), mailbox::unbounded());
    }
    last.tell(Next(next)).send().await.expect("nobody stops it");
    last
}

pub(crate) async fn go_round(ring: &ActorRef<Member>, hops: u64) -> u64 {
    let (done, over) = oneshot::channel();
    let ball = Ball { seen: 0, left: hops, done };
    ring.tell(ball).send().await.expect("nobody stops it");
    over.await.expect("the ring stays closed")
}
