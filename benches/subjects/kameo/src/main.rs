//! kameo, as its documentation shows it; with unbounded mailboxes, which it offers for many messages.

mod counter;
mod ping_pong;
mod ring;
mod hub;
mod tree;
mod flock;
mod names;

use std::process::ExitCode;

use fauxtp_bench_workloads::{Subject, Total, program};
use kameo::mailbox;
use kameo::prelude::*;
use tokio::sync::oneshot;

use counter::{Add, Counter, Hold, Told};

/// kameo.
#[derive(Debug)]
struct Kameo;

fn main() -> ExitCode {
    // What panics is told to those who are linked; its own word about that is not to be heard.
    kameo::error::set_actor_error_hook(|_| {});
    program::run::<Kameo>()
}

impl Subject for Kameo {
    const NAME: &'static str = "kameo";

    type Counter = ActorRef<Counter>;
    type Pool = counter::CounterPool;
    type Shepherd = flock::Flock;
    type Names = names::Names;
    type Ring = ActorRef<ring::Member>;
    type Hub = ActorRef<hub::Hub>;

    async fn start() -> ActorRef<Counter> {
        Counter::spawn_with_mailbox((), mailbox::unbounded())
    }

    async fn add(counter: &ActorRef<Counter>, n: u64) {
        counter.tell(Add(n)).send().await.expect("nobody stops it meanwhile");
    }

    async fn total(counter: &ActorRef<Counter>) -> Total {
        counter.ask(Told).send().await.expect("nobody stops it meanwhile").0
    }

    async fn hold(counter: &ActorRef<Counter>, gate: oneshot::Receiver<()>) {
        counter.tell(Hold(gate)).send().await.expect("nobody stops it meanwhile");
    }

    async fn stop(counter: ActorRef<Counter>) {
        counter.stop_gracefully().await.expect("it lives until here");
        counter.wait_for_shutdown().await;
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
        hub::Hub::spawn_with_mailbox(others, mailbox::unbounded())
    }

    async fn broadcast(hub: &Self::Hub, rounds: u64) -> u64 {
        hub::broadcast(hub, rounds).await
    }

    async fn tree(leaves: u64) -> u64 {
        tree::sum(leaves).await
    }
}
