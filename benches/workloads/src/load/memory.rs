//! W8 and W13: what actors that wait, and messages that wait, take up.

use std::time::Instant;

use anyhow::{Result, ensure};
use tokio::sync::oneshot;

use super::Timed;
use crate::figure::Figure;
use crate::memory::resident;
use crate::subject::{Subject, Total};

/// W8: how much the program grows by very many counters that wait for their first message.
pub(crate) async fn idle<S: Subject>(count: u64) -> Result<Figure> {
    // One of them first: what is made once, for all of them, is nobody's in particular.
    let first = S::start().await;
    S::total(&first).await;
    // Held in memory that is resident before the measurement.
    let mut counters: Vec<Option<S::Counter>> = (0..count).map(|_| None).collect();
    let before = resident()?;
    for place in &mut counters {
        *place = Some(S::start().await);
    }
    // Whoever was started before has been polled and waits: tasks run in the order of their spawning, and a
    // task that has been stolen is heard of by its answer below.
    let last = S::start().await;
    S::total(&last).await;
    let grown = resident()?.saturating_sub(before);
    for counter in counters.iter().flatten() {
        ensure!(S::total(counter).await == Total::default(), "a counter was not idle");
    }
    Ok(Figure::room("w8", count, grown))
}

/// W13: how much the program grows by very many messages that wait, how fast they are handled when it is their turn, and
/// how much of the room is kept then.
pub(crate) async fn backlog<S: Subject>(count: u64) -> Result<Vec<Figure>> {
    let counter = S::start().await;
    S::total(&counter).await;
    let (open, gate) = oneshot::channel();
    S::hold(&counter, gate).await;
    let before = resident()?;
    for n in 0..count {
        S::add(&counter, n).await;
    }
    let grown = resident()?.saturating_sub(before);
    let start = Instant::now();
    ensure!(open.send(()).is_ok(), "the gate is gone");
    let total = S::total(&counter).await;
    let took = start.elapsed();
    let right = Total { count, sum: count * (count - 1) / 2 };
    ensure!(total == right, "messages were lost: {total:?} instead of {right:?}");
    let kept = resident()?.saturating_sub(before);
    Ok(vec![
        Timed { operations: count, took }.figure("w13"),
        Figure::room("w13b", count, grown),
        Figure::room("w13k", count, kept),
    ])
}
