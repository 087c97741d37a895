//! actix, as its documentation shows it.
//!
//! An actor runs on the thread of whoever starts it, and stays there. With two workers there is a second arbiter; what can be
//! shared among them is: producers, callers and readers, the others of a hub, and the children of a tree's root.

mod arbiters;
mod counter;
mod ping_pong;
mod ring;
mod hub;
mod tree;
mod flock;

use std::future::Future;
use std::process::ExitCode;

use actix::prelude::*;
use anyhow::Result;
use fauxtp_bench_workloads::{Cannot, Flavor, Subject, Total, Workload, program};
use tokio::sync::oneshot;

use counter::{Add, Counter, Hold, Stop, Told};

/// actix.
#[derive(Debug)]
struct Actix;

fn main() -> ExitCode {
    program::run::<Actix>()
}

impl Subject for Actix {
    const NAME: &'static str = "actix";

    type Counter = Addr<Counter>;
    type Pool = Cannot<Addr<Counter>>;
    type Shepherd = flock::Flock;
    type Names = Cannot<()>;
    type Ring = Addr<ring::Member>;
    type Hub = Addr<hub::Hub>;

    fn cannot(workload: Workload) -> Option<&'static str> {
        match workload {
            Workload::Supervised => {
                Some("its supervisors are for one actor each, and never end it")
            }
            Workload::Panic => Some("a panic ends the actor and its supervisor"),
            Workload::Lookup => Some("its registry knows one actor of each type, and no names"),
            _ => None,
        }
    }

    fn enter<T: Send + 'static>(
        flavor: Flavor,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T> {
        let system = System::new();
        Ok(system.block_on(async move {
            arbiters::start(flavor);
            actix::spawn(work).await.expect("what is measured does not panic")
        }))
    }

    fn beside<T: Send + 'static>(
        number: usize,
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        let (done, over) = oneshot::channel();
        arbiters::number(number).spawn(async move {
            let _nobody_waits = done.send(work.await);
        });
        async move { over.await.expect("what is measured does not panic") }
    }

    async fn start() -> Addr<Counter> {
        Counter::default().start()
    }

    async fn add(counter: &Addr<Counter>, n: u64) {
        counter.do_send(Add(n));
    }

    async fn total(counter: &Addr<Counter>) -> Total {
        counter.send(Told).await.expect("nobody stops it meanwhile")
    }

    async fn hold(counter: &Addr<Counter>, gate: oneshot::Receiver<()>) {
        counter.do_send(Hold(gate));
    }

    async fn stop(counter: Addr<Counter>) {
        let (stopped, end) = oneshot::channel();
        counter.do_send(Stop(stopped));
        end.await.expect("it tells when it has stopped");
    }

    async fn ping_pong(round_trips: u64) -> u64 {
        ping_pong::play(round_trips).await
    }

    async fn ring(size: usize) -> Self::Ring {
        ring::start(size)
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
