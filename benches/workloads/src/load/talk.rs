//! W5, W6, W9 and W10: actors that talk with each other.

use std::marker::PhantomData;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::{Load, Timed, ensure_arrived};
use crate::subject::Subject;

/// Two actors throw a ball to and fro.
pub(crate) struct PingPong<S>(PhantomData<S>);

impl<S: Subject> PingPong<S> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S: Subject> Load for PingPong<S> {
    async fn go(&mut self, count: u64) -> Result<Timed> {
        let start = Instant::now();
        let round_trips = S::ping_pong(count).await;
        let took = start.elapsed();
        ensure_arrived(round_trips, count)?;
        Ok(Timed { operations: count, took })
    }
}

/// A ball goes round a ring.
pub(crate) struct Ring<S: Subject>(S::Ring);

impl<S: Subject> Ring<S> {
    pub(crate) async fn of(size: usize) -> Self {
        Self(S::ring(size).await)
    }
}

impl<S: Subject> Load for Ring<S> {
    async fn go(&mut self, count: u64) -> Result<Timed> {
        let start = Instant::now();
        let hops = S::go_round(&self.0, count).await;
        let took = start.elapsed();
        ensure_arrived(hops, count)?;
        Ok(Timed { operations: count, took })
    }
}

/// One tells many something, again when all have acknowledged it. An operation is one of them told and heard.
pub(crate) struct FanOut<S: Subject> {
    hub: S::Hub,
    others: u64,
}

impl<S: Subject> FanOut<S> {
    pub(crate) async fn to(others: usize) -> Self {
        Self { hub: S::hub(others).await, others: others as u64 }
    }
}

impl<S: Subject> Load for FanOut<S> {
    async fn go(&mut self, count: u64) -> Result<Timed> {
        let rounds = count.div_ceil(self.others);
        let start = Instant::now();
        let acknowledged = S::broadcast(&self.hub, rounds).await;
        let took = start.elapsed();
        ensure_arrived(acknowledged, rounds * self.others)?;
        Ok(Timed { operations: acknowledged, took })
    }
}

/// Processes start processes. An operation is one process; the leaves are nine tenths of them.
pub(crate) async fn tree<S: Subject>(leaves: u64) -> Result<Timed> {
    let warm_up = leaves / 10;
    let sum = S::tree(warm_up).await;
    ensure!(sum == sum_below(warm_up), "the leaves of a small tree add up to {sum}");
    let start = Instant::now();
    let sum = S::tree(leaves).await;
    let took = start.elapsed();
    ensure!(sum == sum_below(leaves), "the leaves add up to {sum}");
    Ok(Timed { operations: nodes(leaves), took })
}

const fn sum_below(n: u64) -> u64 {
    n * (n - 1) / 2
}

/// How many nodes there are in a tree with so many leaves.
const fn nodes(leaves: u64) -> u64 {
    if leaves == 1 { 1 } else { leaves + nodes(leaves / 10) }
}
