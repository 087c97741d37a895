//! coerce, as its documentation shows it: actors of one system, anonymous unless they need a name.

mod counter;
mod ping_pong;
mod ring;
mod hub;
mod tree;
mod flock;
mod names;
mod system;

use std::process::ExitCode;

use coerce::actor::LocalActorRef;
use fauxtp_bench_workloads::{Subject, Total, program};
use tokio::sync::oneshot;

use counter::{Add, Counter, Hold, Told};

/// coerce.
#[derive(Debug)]
struct Coerce;

fn main() -> ExitCode {
    program::run::<Coerce>()
}

impl Subject for Coerce {
    const NAME: &'static str = "coerce";

    type Counter = LocalActorRef<Counter>;
    type Pool = counter::CounterPool;
    type Shepherd = flock::Flock;
    type Names = names::Names;
    type Ring = LocalActorRef<ring::Member>;
    type Hub = LocalActorRef<hub::Hub>;

    async fn start() -> Self::Counter {
        system::start(Counter::default()).await
    }

    async fn add(counter: &Self::Counter, n: u64) {
        counter.notify(Add(n)).expect("nobody stops it meanwhile");
    }

    async fn total(counter: &Self::Counter) -> Total {
        counter.send(Told).await.expect("nobody stops it meanwhile")
    }

    async fn hold(counter: &Self::Counter, gate: oneshot::Receiver<()>) {
        counter.notify(Hold(gate)).expect("nobody stops it meanwhile");
    }

    async fn stop(counter: Self::Counter) {
        counter.stop().await.expect("it lives until here");
    }

    async fn ping_pong(round_trips: u64) -> u64 {
        ping_pong::play(round_trips).await
    }

    async fn ring(size: usize) -> Self::Ring {
        ring::start(size).await
    }

    async fn go_round(ring: &Self::Ring, hops: u64) -> u64 {
        ring::go_round(ring, hops).await
    }

    async fn hub(others: usize) -> Self::Hub {
        system::start(hub::Hub::of(others)).await
    }

    async fn broadcast(hub: &Self::Hub, rounds: u64) -> u64 {
        hub::broadcast(hub, rounds).await
    }

    async fn tree(leaves: u64) -> u64 {
        tree::sum(leaves).await
    }
}
