//! W7, W7d and W7s: actors that come and go, or come and stay.

use std::marker::PhantomData;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::{Load, Timed, ensure_arrived};
use crate::subject::{Pool, Subject, Total};

/// A counter is started, told a number, asked for its total and stopped, again and again.
pub(crate) struct Life<S>(PhantomData<S>);

impl<S: Subject> Life<S> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S: Subject> Load for Life<S> {
    async fn go(&mut self, count: u64) -> Result<Timed> {
        let start = Instant::now();
        let mut counted = 0;
        for _ in 0..count {
            let counter = S::start().await;
            S::add(&counter, 1).await;
            counted += S::total(&counter).await.count;
            S::stop(counter).await;
        }
        let took = start.elapsed();
        ensure_arrived(counted, count)?;
        Ok(Timed { operations: count, took })
    }
}

/// The same, but each counter is the child of a pool, which starts it and ends it.
pub(crate) struct Supervised<S: Subject>(S::Pool);

impl<S: Subject> Supervised<S> {
    pub(crate) async fn new() -> Self {
        Self(S::Pool::start().await)
    }
}

impl<S: Subject> Load for Supervised<S> {
    async fn go(&mut self, count: u64) -> Result<Timed> {
        let start = Instant::now();
        let mut counted = 0;
        for _ in 0..count {
            let counter = self.0.start_child().await;
            S::add(&counter, 1).await;
            counted += S::total(&counter).await.count;
            self.0.stop_child(counter).await;
        }
        let took = start.elapsed();
        ensure_arrived(counted, count)?;
        Ok(Timed { operations: count, took })
    }
}

/// Counters are started; done when the last one answers. They are asked whether they are there when the time is taken.
pub(crate) async fn spawn<S: Subject>(count: u64) -> Result<Timed> {
    let warm_up = spawn_timed::<S>(count / 10).await?;
    let counters = spawn_timed::<S>(count).await?;
    drop(warm_up.1);
    Ok(counters.0)
}

async fn spawn_timed<S: Subject>(count: u64) -> Result<(Timed, Vec<S::Counter>)> {
    let mut counters = Vec::new();
    let start = Instant::now();
    for _ in 0..count {
        counters.push(S::start().await);
    }
    if let Some(last) = counters.last() {
        S::total(last).await;
    }
    let took = start.elapsed();
    for counter in &counters {
        ensure!(S::total(counter).await == Total::default(), "a counter was told something");
    }
    Ok((Timed { operations: count, took }, counters))
}
