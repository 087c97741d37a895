//! Servers of which each knows the next one.

use fauxtp::prelude::*;

#[derive(Debug)]
struct Member(Option<Address<Hop>>);

/// What goes round.
#[derive(Debug)]
pub(crate) enum Hop {
    /// Closes the ring.
    Next(Address<Self>),
    /// How often the ball was and will be handed on, and whom to tell.
    Ball { seen: u64, left: u64, done: Reply<u64> },
}

impl GenServer for Member {
    type Args = Option<Address<Hop>>;
    type Message = Hop;

    async fn init(next: Option<Address<Hop>>, _: &mut Context<Self>) -> Result<Self> {
        Ok(Self(next))
    }

    async fn handle(&mut self, hop: Hop, _: &mut Context<Self>) -> Result {
        match hop {
            Hop::Next(next) => self.0 = Some(next),
            Hop::Ball { seen, left: 1, done } => done.send(seen + 1),
            Hop::Ball { seen, left, done } => {
                let next = self.0.as_ref().ok_or_else(|| Stop::error("the ring is open"))?;
                next.cast(Hop::Ball { seen: seen + 1, left: left - 1, done });
            }
        }
        Ok(())
    }
}

pub(crate) async fn start(size: usize) -> Address<Hop> {
    let last = Member::start(None).await.expect("its init cannot fail");
    let mut next = last.clone();
    for _ in 1..size {
        next = Member::start(Some(next)).await.expect("its init cannot fail");
    }
    last.cast(Hop::Next(next));
    last
}

pub(crate) async fn go_round(ring: &Address<Hop>, hops: u64) -> u64 {
    let call = ring.call(|done| Hop::Ball { seen: 0, left: hops, done }).no_timeout();
    call.await.expect("the ring stays closed")
}
