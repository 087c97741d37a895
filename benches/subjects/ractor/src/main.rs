//! ractor, as its documentation shows it: actors with a state beside them, supervised by actors that start them again.

mod counter;
mod ping_pong;
mod ring;
mod hub;
mod tree;
mod flock;
mod names;

use std::process::ExitCode;

use fauxtp_bench_workloads::{Subject, Total, program};
use ractor::{Actor, ActorRef};
use tokio::sync::oneshot;

/// ractor.
#[derive(Debug)]
struct Ractor;

fn main() -> ExitCode {
    program::run::<Ractor>()
}

impl Subject for Ractor {
    const NAME: &'static str = "ractor";

    type Counter = ActorRef<counter::Message>;
    type Pool = counter::CounterPool;
    type Shepherd = flock::Flock;
    type Names = names::Names;
    type Ring = ActorRef<ring::Hop>;
    type Hub = ActorRef<hub::Message>;

    async fn start() -> Self::Counter {
        Actor::spawn(None, counter::Counter, ()).await.expect("its start cannot fail").0
    }

    async fn add(counter: &Self::Counter, n: u64) {
        counter.cast(counter::Message::Add(n)).expect("nobody stops it meanwhile");
    }

    async fn total(counter: &Self::Counter) -> Total {
        ractor::call!(counter, counter::Message::Total).expect("nobody stops it meanwhile")
    }

    async fn hold(counter: &Self::Counter, gate: oneshot::Receiver<()>) {
        counter.cast(counter::Message::Hold(gate)).expect("nobody stops it meanwhile");
    }

    async fn stop(counter: Self::Counter) {
        counter.stop_and_wait(None, None).await.expect("it lives until here");
    }

    async fn ping_pong(round_trips: u64) -> u64 {
        ping_pong::play(round_trips).await
    }

    async fn ring(size: usize) -> Self::Ring {
        ring::start(size).await
    }

    async fn go_round(ring: &Self::Ring, hops: u64) -> u64 {
        ractor::call!(ring, |done| ring::Hop::Ball { seen: 0, left: hops, done })
            .expect("the ring stays closed")
    }

    async fn hub(others: usize) -> Self::Hub {
        Actor::spawn(None, hub::Hub, others).await.expect("its start cannot fail").0
    }

    async fn broadcast(hub: &Self::Hub, rounds: u64) -> u64 {
        ractor::call!(hub, |from| hub::Message::Rounds(rounds, from)).expect("the hub stays")
    }

    async fn tree(leaves: u64) -> u64 {
        tree::sum(leaves).await
    }
}
