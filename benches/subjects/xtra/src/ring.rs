//! Actors of which each knows the next one.

use tokio::sync::oneshot;
use xtra::{Actor, Address, Context, Handler, Mailbox};

pub(crate) struct Member(Option<Address<Self>>);

/// Closes the ring.
struct Next(Address<Member>);

/// How often the ball was and will be handed on, and whom to tell.
struct Ball {
    seen: u64,
    left: u64,
    done: oneshot::Sender<u64>,
}

impl Actor for Member {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<Next> for Member {
    type Return = ();

    async fn handle(&mut self, Next(next): Next, _: &mut Context<Self>) {
        self.0 = Some(next);
    }
}

impl Handler<Ball> for Member {
    type Return = ();

    async fn handle(&mut self, Ball { seen, left, done }: Ball, _: &mut Context<Self>) {
        if left == 1 {
            let _nobody_waits = done.send(seen + 1);
        } else if let Some(next) = &self.0 {
            let ball = Ball { seen: seen + 1, left: left - 1, done };
            let _nobody_waits = next.send(ball).detach().await;
        }
    }
}

pub(crate) async fn start(size: usize) -> Address<Member> {
    let last = xtra::spawn_tokio(Member(None), Mailbox::unbounded());
    let mut next = last.clone();
    for _ in 1..size {
        next = xtra::spawn_tokio(Member(Some(next)), Mailbox::unbounded());
    }
    last.send(Next(next)).await.expect("nobody stops it");
    last
}

pub(crate) async fn go_round(ring: &Address<Member>, hops: u64) -> u64 {
    let (done, over) = oneshot::channel();
    let _nobody_waits = ring.send(Ball { seen: 0, left: hops, done }).detach().await;
    over.await.expect("the ring stays closed")
}
