//! W3: one caller calls one counter, each call after the answer to the last.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::subject::{Subject, Total};

pub(super) async fn run<S: Subject>(count: u64) -> Result<f64> {
    let counter = S::start().await;
    let told = Total { count: 1, sum: 1 };
    S::add(&counter, 1);
    let start = Instant::now();
    let mut right = 0;
    for _ in 0..count {
        right += u64::from(S::total(&counter).await == told);
    }
    let rate = super::rate(count, start);
    ensure!(right == count, "only {right} of {count} answers were right");
    S::stop(counter).await;
    Ok(rate)
}
