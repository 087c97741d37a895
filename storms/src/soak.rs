//! A mixed load in real time, as long as one likes: each minute it ends, and everything is back at the baseline.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::backlog;
use crate::baseline::{Allocator, Baseline, Trend};
use crate::figures::{megabytes, thousands};
use crate::load::{Load, Size};
use crate::memory::Memory;
use crate::scene::Scene;
use crate::stopwatch::Stopwatch;

const SIZE: Size = Size { workers: 200, period: Duration::from_millis(20), crash_every: 500 };
/// Of mixed load before each look.
const LOAD: Duration = Duration::from_secs(50);
const ROUND: Duration = Duration::from_secs(60);
/// How much of the memory that is allocated may be added in each minute, on the average, after the first two.
const GROWTH_MAX: f64 = 1_024.0;

/// Runs for so many minutes.
pub(crate) fn run(minutes: u64) -> Result<()> {
    ensure!(minutes > 0, "a soak takes at least one minute");
    let mut scene = Scene::new("soak", false);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let empty = Baseline::now().await;
        let mut trend = Trend::default();
        println!("minute      events   crashes  heap bytes   RSS MB");
        let began = Stopwatch::start();
        for minute in 1..=minutes {
            let load = Load::start(SIZE).await?;
            tokio::time::sleep(LOAD).await;
            let ledger = load.stop(&mut scene).await?;
            // And a rush, of which nothing may be left either.
            backlog::rush(&mut scene, RUSH).await?;
            empty
                .check(&mut scene, &format!("after minute {minute}"), 0, Allocator::GivesBack)
                .await;
            let Memory { heap, resident } = Memory::now();
            if minute > 2 {
                trend.note(minute as f64);
            }
            println!(
                "{minute:>6} {:>11} {:>9} {:>11} {:>8.1}",
                thousands(ledger.events()),
                thousands(ledger.crashes.get()),
                thousands(heap),
                megabytes(resident),
            );
            drop(ledger);
            let rest = (ROUND * minute as u32).saturating_sub(began.elapsed());
            tokio::time::sleep(rest).await;
        }
        if minutes > 4 {
            let growth = trend.slope();
            println!("allocated memory grows by {growth:+.0} bytes per minute");
            scene.check(growth < GROWTH_MAX, || format!("{growth:.0} bytes more each minute"));
        }
        scene.end()
    })
}

const RUSH: u64 = 1_000_000;
