//! W1: one producer casts as fast as it can to one counter; done when the last cast is counted.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::subject::{Subject, Total};

pub(super) async fn run<S: Subject>(count: u64) -> Result<f64> {
    let counter = S::start().await;
    let start = Instant::now();
    for n in 0..count {
        S::add(&counter, n);
    }
    let total = S::total(&counter).await;
    let rate = super::rate(count, start);
    let sum = count * (count - 1) / 2;
    ensure!(total == Total { count, sum }, "casts were lost: {total:?} of {count}");
    S::stop(counter).await;
    Ok(rate)
}
