//! xtra on tokio, as its documentation shows it: unbounded mailboxes, and a message type for each thing that is said.

mod counter;
mod ping_pong;
mod ring;
mod hub;
mod tree;

use std::process::ExitCode;

use fauxtp_bench_workloads::{Cannot, Subject, Total, Workload, program};
use tokio::sync::oneshot;
use xtra::{Address, Mailbox};

use counter::{Add, Counter, Hold, Told};

/// xtra.
#[derive(Debug)]
struct Xtra;

fn main() -> ExitCode {
    program::run::<Xtra>()
}

impl Subject for Xtra {
    const NAME: &'static str = "xtra";

    type Counter = Address<Counter>;
    type Pool = Cannot<Address<Counter>>;
    type Shepherd = Cannot<()>;
    type Names = Cannot<()>;
    type Ring = Address<ring::Member>;
    type Hub = Address<hub::Hub>;

    fn cannot(workload: Workload) -> Option<&'static str> {
        match workload {
            Workload::Supervised | Workload::Panic | Workload::Error | Workload::ErrorAmongMany => {
                Some("it has no supervisors")
            }
            Workload::Lookup => Some("it has no names"),
            _ => None,
        }
    }

    async fn start() -> Address<Counter> {
        xtra::spawn_tokio(Counter::default(), Mailbox::unbounded())
    }

    async fn add(counter: &Address<Counter>, n: u64) {
        let _nobody_waits = counter.send(Add(n)).priority(1).detach().await;
    }

    /// Messages of the same priority wait in a heap, which does not keep their order: this one would overtake numbers that
    /// were sent before it. They go first, for they have more priority; and what holds them up, most of all.
    async fn total(counter: &Address<Counter>) -> Total {
        counter.send(Told).await.expect("nobody stops it meanwhile")
    }

    async fn hold(counter: &Address<Counter>, gate: oneshot::Receiver<()>) {
        let _nobody_waits = counter.send(Hold(gate)).priority(2).detach().await;
    }

    /// An actor ends with its last address.
    async fn stop(counter: Address<Counter>) {
        let end = counter.join();
        drop(counter);
        end.await;
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
        hub::start(others)
    }

    async fn broadcast(hub: &Self::Hub, rounds: u64) -> u64 {
        hub::broadcast(hub, rounds).await
    }

    async fn tree(leaves: u64) -> u64 {
        tree::sum(leaves).await
    }
}
