//! The actor a good engineer writes by hand: a task, an unbounded channel, a oneshot for each answer.
//!
//! No links, no names but a map, no deadlines; supervision where a workload is about it, and just as much as it needs.

mod counter;
mod talk;
mod shepherd;
mod names;

use std::process::ExitCode;

use fauxtp_bench_workloads::{Subject, Total, program};
use tokio::sync::oneshot;

use counter::Counter;

/// Plain tokio.
#[derive(Debug)]
struct Tokio;

fn main() -> ExitCode {
    program::run::<Tokio>()
}

impl Subject for Tokio {
    const NAME: &'static str = "tokio";

    type Counter = Counter;
    type Pool = counter::Nobody;
    type Shepherd = shepherd::Shepherd;
    type Names = names::Names;
    type Ring = talk::Ring;
    type Hub = talk::Hub;

    async fn start() -> Counter {
        Counter::start()
    }

    async fn add(counter: &Counter, n: u64) {
        counter.add(n);
    }

    async fn total(counter: &Counter) -> Total {
        counter.total().await
    }

    async fn hold(counter: &Counter, gate: oneshot::Receiver<()>) {
        counter.hold(gate);
    }

    async fn stop(counter: Counter) {
        counter.stop().await;
    }

    async fn ping_pong(round_trips: u64) -> u64 {
        talk::ping_pong(round_trips).await
    }

    async fn ring(size: usize) -> talk::Ring {
        talk::Ring::start(size)
    }

    async fn go_round(ring: &talk::Ring, hops: u64) -> u64 {
        ring.go_round(hops).await
    }

    async fn hub(others: usize) -> talk::Hub {
        talk::Hub::start(others)
    }

    async fn broadcast(hub: &talk::Hub, rounds: u64) -> u64 {
        hub.broadcast(rounds).await
    }

    async fn tree(leaves: u64) -> u64 {
        talk::tree(leaves).await
    }
}
