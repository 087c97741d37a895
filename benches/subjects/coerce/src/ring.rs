//! Actors of which each knows the next one.

use async_trait::async_trait;
use coerce::actor::context::ActorContext;
use coerce::actor::message::{Handler, Message};
use coerce::actor::{Actor, LocalActorRef};
use tokio::sync::oneshot;

use crate::system;

pub(crate) struct Member(Option<LocalActorRef<Self>>);

/// Closes the ring.
struct Next(LocalActorRef<Member>);

/// How often the ball was and will be handed on, and whom to tell.
struct Ball {
    seen: u64,
    left: u64,
    done: oneshot::Sender<u64>,
}

impl Message for Next {
    type Result = ();
}

impl Message for Ball {
    type Result = ();
}

impl Actor for Member {}

#[async_trait]
impl Handler<Next> for Member {
    async fn handle(&mut self, Next(next): Next, _: &mut ActorContext) {
        self.0 = Some(next);
    }
}

#[async_trait]
impl Handler<Ball> for Member {
    async fn handle(&mut self, Ball { seen, left, done }: Ball, _: &mut ActorContext) {
        if left == 1 {
            let _nobody_waits = done.send(seen + 1);
        } else if let Some(next) = &self.0 {
            let _it_has_ended = next.notify(Ball { seen: seen + 1, left: left - 1, done });
        }
    }
}

pub(crate) async fn start(size: usize) -> LocalActorRef<Member> {
    let last = system::start(Member(None)).await;
    let mut next = last.clone();
    for _ in 1..size {
        next = system::start(Member(Some(next))).await;
    }
    last.notify(Next(next)).expect("nobody stops it");
    last
}

pub(crate) async fn go_round(ring: &LocalActorRef<Member>, hops: u64) -> u64 {
    let (done, over) = oneshot::channel();
    ring.notify(Ball { seen: 0, left: hops, done }).expect("nobody stops it");
    over.await.expect("the ring stays closed")
}
