//! Actors of which each knows the next one.

use actix::prelude::*;
use tokio::sync::oneshot;

pub(crate) struct Member(Option<Addr<Self>>);

/// Closes the ring.
#[derive(Message)]
#[rtype(result = "()")]
struct Next(Addr<Member>);

/// How often the ball was and will be handed on, and whom to tell.
#[derive(Message)]
#[rtype(result = "()")]
struct Ball {
    seen: u64,
    left: u64,
    done: oneshot::Sender<u64>,
}

impl Actor for Member {
    type Context = Context<Self>;
}

impl Handler<Next> for Member {
    type Result = ();

    fn handle(&mut self, Next(next): Next, _: &mut Context<Self>) {
        self.0 = Some(next);
    }
}

impl Handler<Ball> for Member {
    type Result = ();

    fn handle(&mut self, Ball { seen, left, done }: Ball, _: &mut Context<Self>) {
        if left == 1 {
            let _nobody_waits = done.send(seen + 1);
        } else if let Some(next) = &self.0 {
            next.do_send(Ball { seen: seen + 1, left: left - 1, done });
        }
    }
}

pub(crate) fn start(size: usize) -> Addr<Member> {
    let last = Member(None).start();
    let mut next = last.clone();
    for _ in 1..size {
        next = Member(Some(next)).start();
    }
    last.do_send(Next(next));
    last
}

pub(crate) async fn go_round(ring: &Addr<Member>, hops: u64) -> u64 {
    let (done, over) = oneshot::channel();
    ring.do_send(Ball { seen: 0, left: hops, done });
    over.await.expect("the ring stays closed")
}
