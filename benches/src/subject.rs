//! What is measured: a counter that can be cast to, called, started and stopped.

mod ours;
mod tokio;

use std::future::Future;

pub(crate) use ours::Ours;
pub(crate) use tokio::Tokio;

/// Everything a counter has been told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Total {
    /// How many casts have arrived.
    pub(crate) count: u64,
    /// What they add up to.
    pub(crate) sum: u64,
}

impl Total {
    pub(crate) fn add(&mut self, n: u64) {
        self.count += 1;
        self.sum += n;
    }
}

/// A way to write the counter.
pub(crate) trait Subject: 'static {
    /// A running counter.
    type Counter: Send + Sync + 'static;
    /// Whoever counters are started under, if anybody.
    type Pool: Send + Sync + 'static;

    /// Starts a counter; it runs when this is done.
    fn start() -> impl Future<Output = Self::Counter> + Send;

    /// Tells it a number and forgets it.
    fn add(counter: &Self::Counter, n: u64);

    /// Asks for its total.
    fn total(counter: &Self::Counter) -> impl Future<Output = Total> + Send;

    /// Ends it; it is gone when this is done.
    fn stop(counter: Self::Counter) -> impl Future<Output = ()> + Send;

    fn start_pool() -> impl Future<Output = Self::Pool> + Send;

    /// Starts a counter as the pool's child.
    fn start_in(pool: &Self::Pool) -> impl Future<Output = Self::Counter> + Send;

    /// Has the pool end it.
    fn stop_in(pool: &Self::Pool, counter: Self::Counter) -> impl Future<Output = ()> + Send;
}
