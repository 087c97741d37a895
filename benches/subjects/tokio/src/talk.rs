//! Actors that talk with each other.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::{mpsc, oneshot};

/// What a player of ping-pong gets.
enum Ball {
    /// Who to throw to, how often, and whom to tell that it is over.
    Serve(mpsc::UnboundedSender<Self>, u64, oneshot::Sender<u64>),
    Ping(mpsc::UnboundedSender<Self>),
    Pong,
}

async fn play(me: mpsc::UnboundedSender<Ball>, mut balls: mpsc::UnboundedReceiver<Ball>) {
    let mut game = None;
    let mut seen = 0;
    while let Some(ball) = balls.recv().await {
        match ball {
            Ball::Serve(other, round_trips, done) => {
                let _it_has_ended = other.send(Ball::Ping(me.clone()));
                game = Some((other, round_trips, done));
            }
            Ball::Ping(other) => {
                let _it_has_ended = other.send(Ball::Pong);
            }
            Ball::Pong => {
                seen += 1;
                let Some((other, round_trips, done)) = game.take() else { return };
                if seen == round_trips {
                    let _nobody_waits = done.send(seen);
                    return;
                }
                let _it_has_ended = other.send(Ball::Ping(me.clone()));
                game = Some((other, round_trips, done));
            }
        }
    }
}

fn player() -> mpsc::UnboundedSender<Ball> {
    let (sender, balls) = mpsc::unbounded_channel();
    tokio::spawn(play(sender.clone(), balls));
    sender
}

pub(crate) async fn ping_pong(round_trips: u64) -> u64 {
    let (one, other) = (player(), player());
    let (done, over) = oneshot::channel();
    let _it_has_ended = one.send(Ball::Serve(other, round_trips, done));
    over.await.expect("they play to the end")
}

/// What goes round a ring: how often it was and will be handed on, and whom to tell.
struct Hop {
    seen: u64,
    left: u64,
    done: oneshot::Sender<u64>,
}

/// Actors of which each knows the next one.
#[derive(Debug)]
pub(crate) struct Ring(mpsc::UnboundedSender<Hop>);

async fn hand_on(mut hops: mpsc::UnboundedReceiver<Hop>, next: mpsc::UnboundedSender<Hop>) {
    while let Some(Hop { seen, left, done }) = hops.recv().await {
        if left == 1 {
            let _nobody_waits = done.send(seen + 1);
        } else {
            let _it_has_ended = next.send(Hop { seen: seen + 1, left: left - 1, done });
        }
    }
}

impl Ring {
    pub(crate) fn start(size: usize) -> Self {
        let (last, first_of_all) = mpsc::unbounded_channel();
        let mut next = last.clone();
        for _ in 1..size {
            let (sender, hops) = mpsc::unbounded_channel();
            tokio::spawn(hand_on(hops, next));
            next = sender;
        }
        tokio::spawn(hand_on(first_of_all, next));
        Self(last)
    }

    pub(crate) async fn go_round(&self, hops: u64) -> u64 {
        let (done, over) = oneshot::channel();
        let _it_has_ended = self.0.send(Hop { seen: 0, left: hops, done });
        over.await.expect("the ring stays closed")
    }
}

enum ToHub {
    Rounds(u64, oneshot::Sender<u64>),
    Acknowledged,
}

/// An actor that knows many others.
#[derive(Debug)]
pub(crate) struct Hub(mpsc::UnboundedSender<ToHub>);

async fn acknowledge(mut told: mpsc::UnboundedReceiver<()>, hub: mpsc::UnboundedSender<ToHub>) {
    while let Some(()) = told.recv().await {
        let _it_has_ended = hub.send(ToHub::Acknowledged);
    }
}

async fn tell_all(
    others: Vec<mpsc::UnboundedSender<()>>,
    mut messages: mpsc::UnboundedReceiver<ToHub>,
) {
    let tell = || {
        for other in &others {
            let _it_has_ended = other.send(());
        }
    };
    let mut heard = 0;
    let mut task = None;
    while let Some(message) = messages.recv().await {
        match message {
            ToHub::Rounds(rounds, done) => {
                heard = 0;
                task = Some((rounds * others.len() as u64, done));
                tell();
            }
            ToHub::Acknowledged => {
                heard += 1;
                let Some((wanted, _)) = &task else { continue };
                if heard == *wanted {
                    let done = task.take().map(|(_, done)| done);
                    let _nobody_waits = done.map(|done| done.send(heard));
                } else if heard.is_multiple_of(others.len() as u64) {
                    tell();
                }
            }
        }
    }
}

impl Hub {
    pub(crate) fn start(others: usize) -> Self {
        let (hub, messages) = mpsc::unbounded_channel();
        let other = |_| {
            let (sender, told) = mpsc::unbounded_channel();
            tokio::spawn(acknowledge(told, hub.clone()));
            sender
        };
        tokio::spawn(tell_all((0..others).map(other).collect(), messages));
        Self(hub)
    }

    pub(crate) async fn broadcast(&self, rounds: u64) -> u64 {
        let (done, over) = oneshot::channel();
        let _it_has_ended = self.0.send(ToHub::Rounds(rounds, done));
        over.await.expect("the hub stays")
    }
}

/// A leaf says its number, everybody else what his children's add up to.
fn node(
    first: u64,
    leaves: u64,
    parent: mpsc::UnboundedSender<u64>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let mut sum = first;
        if leaves > 1 {
            let (me, mut sums) = mpsc::unbounded_channel();
            let each = leaves / 10;
            for child in 0..10 {
                tokio::spawn(node(first + child * each, each, me.clone()));
            }
            drop(me);
            sum = 0;
            while let Some(child) = sums.recv().await {
                sum += child;
            }
        }
        let _it_has_ended = parent.send(sum);
    })
}

pub(crate) async fn tree(leaves: u64) -> u64 {
    let (me, mut sums) = mpsc::unbounded_channel();
    tokio::spawn(node(0, leaves, me));
    sums.recv().await.expect("the root tells the sum")
}
