//! fauxtp, used as anybody would use it: servers, started by themselves or by a supervisor.

mod counter;
mod ping_pong;
mod ring;
mod hub;
mod tree;
mod flock;
mod names;

use std::process::ExitCode;

use fauxtp::prelude::*;
use fauxtp_bench_workloads::{Subject, Total, program};
use tokio::sync::oneshot;

/// fauxtp.
#[derive(Debug)]
struct Ours;

fn main() -> ExitCode {
    program::run::<Ours>()
}

impl Subject for Ours {
    const NAME: &'static str = "fauxtp";

    type Counter = Address<counter::Message>;
    type Pool = counter::CounterPool;
    type Shepherd = flock::Flock;
    type Names = names::Names;
    type Ring = Address<ring::Hop>;
    type Hub = Address<hub::Message>;

    async fn start() -> Self::Counter {
        counter::Counter::start(()).await.expect("it has no name and its init cannot fail")
    }

    async fn add(counter: &Self::Counter, n: u64) {
        counter.cast(counter::Message::Add(n));
    }

    async fn total(counter: &Self::Counter) -> Total {
        counter.call(counter::Message::Total).await.expect("nobody stops it meanwhile")
    }

    async fn hold(counter: &Self::Counter, gate: oneshot::Receiver<()>) {
        counter.cast(counter::Message::Hold(gate));
    }

    async fn stop(counter: Self::Counter) {
        counter.pid().stop(ExitReason::Normal, None).await.expect("it lives until here");
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
        hub::Hub::start(others).await.expect("its init cannot fail")
    }

    async fn broadcast(hub: &Self::Hub, rounds: u64) -> u64 {
        let call = hub.call(|from| hub::Message::Rounds(rounds, from)).no_timeout();
        call.await.expect("the hub stays")
    }

    async fn tree(leaves: u64) -> u64 {
        tree::sum(leaves).await
    }
}
