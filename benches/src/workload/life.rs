//! W7: a counter is started, told one number, asked for its total and stopped, again and again.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::subject::Subject;

pub(super) async fn run<S: Subject>(count: u64) -> Result<f64> {
    let start = Instant::now();
    let mut counted = 0;
    for _ in 0..count {
        let counter = S::start().await;
        S::add(&counter, 1);
        counted += S::total(&counter).await.count;
        S::stop(counter).await;
    }
    let rate = super::rate(count, start);
    ensure!(counted == count, "{counted} casts counted in {count} lives");
    Ok(rate)
}
