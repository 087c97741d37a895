//! The threads that actors run on: the system's, and with two workers one more.

use std::sync::OnceLock;

use actix::prelude::*;
use fauxtp_bench_workloads::Flavor;

static ARBITERS: OnceLock<Vec<ArbiterHandle>> = OnceLock::new();

/// Starts what the system has not.
pub(crate) fn start(flavor: Flavor) {
    let mut arbiters = vec![Arbiter::current()];
    if flavor == Flavor::MultiThread {
        arbiters.push(Arbiter::new().handle());
    }
    ARBITERS.set(arbiters).expect("there is one system");
}

/// One of them; those who ask with different numbers are shared out.
pub(crate) fn number(number: usize) -> &'static ArbiterHandle {
    let arbiters = ARBITERS.get().expect("they were started first");
    &arbiters[number % arbiters.len()]
}
