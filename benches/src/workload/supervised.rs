//! W7d: as W7, but each counter is the temporary child of a pool, which starts it and ends it.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::subject::Subject;

pub(super) async fn run<S: Subject>(count: u64) -> Result<f64> {
    let pool = S::start_pool().await;
    let start = Instant::now();
    let mut counted = 0;
    for _ in 0..count {
        let counter = S::start_in(&pool).await;
        S::add(&counter, 1);
        counted += S::total(&counter).await.count;
        S::stop_in(&pool, counter).await;
    }
    let rate = super::rate(count, start);
    ensure!(counted == count, "{counted} casts counted in {count} lives");
    Ok(rate)
}
