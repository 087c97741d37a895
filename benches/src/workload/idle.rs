//! W8: how much resident memory a process that waits for its first message takes.
//!
//! Counting allocations would need `unsafe`; so the kernel is asked how much the program has grown by many
//! idle processes at once. That also counts what allocators round up, and tables that grow in steps.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::subject::{Subject, Total};

#[expect(clippy::cast_precision_loss, reason = "no program has 2^52 bytes")]
pub(super) async fn run<S: Subject>(count: u64) -> Result<f64> {
    // One of them first: what is made once, for all of them, is nobody's in particular.
    let first = S::start().await;
    S::total(&first).await;
    // Held in memory that is resident before the measurement.
    let mut counters: Vec<Option<S::Counter>> = (0..count).map(|_| None).collect();
    let before = resident_bytes()?;
    for place in &mut counters {
        *place = Some(S::start().await);
    }
    // Whoever was started before has been polled and waits: tasks run in the order of their spawning, and a
    // task that has been stolen is heard of by its answer below.
    let last = S::start().await;
    S::total(&last).await;
    let grown = resident_bytes()?.saturating_sub(before);
    for counter in counters.iter().flatten() {
        ensure!(S::total(counter).await == Total::default(), "a counter was not idle");
    }
    Ok(grown as f64 / count as f64)
}

/// The resident memory of this program.
fn resident_bytes() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("read /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kilobytes: u64 = kilobytes.context("find VmRSS")?.trim().parse().context("read VmRSS")?;
    Ok(kilobytes * 1024)
}
