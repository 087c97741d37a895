//! A day of mixed load at a thousand events per second, in virtual time: nothing grows.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::runtime::Builder;
use tokio::time::Instant;

use crate::baseline::{Allocator, Baseline, Trend};
use crate::figures::thousands;
use crate::load::{Load, Size};
use crate::scene::Scene;

/// Of `hours`, which runs with the others; in the gate, which takes a twentieth of everything, it is one.
const USUAL_HOURS: u64 = 3;
/// Of `day`, which only runs if it is named.
const HOURS: u64 = 24;
/// Together they make a thousand events per second.
const SIZE: Size = Size { workers: 52, period: Duration::from_millis(100), crash_every: 1_000 };
const EVENTS_PER_SECOND: u64 = 1_000;
/// How much the memory may grow in each virtual hour, on the average.
const GROWTH_MAX: f64 = 10_000.0;

pub(crate) fn run(scene: &mut Scene) -> Result<()> {
    hours(scene, scene.size(USUAL_HOURS))
}

pub(crate) fn whole(scene: &mut Scene) -> Result<()> {
    hours(scene, HOURS)
}

fn hours(scene: &mut Scene, hours: u64) -> Result<()> {
    let hours = hours.max(1);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(async {
        let empty = Baseline::now().await;
        let began = Instant::now();
        let act = scene.begin(
            format!("{hours} virtual hours of mixed load"),
            hours * 3_600 * EVENTS_PER_SECOND,
            Duration::ZERO,
        );
        let load = Load::start(SIZE).await?;
        let mut trend = Trend::default();
        let bar = scene.bar();
        for quarter in 1..=hours as u32 * 4 {
            tokio::time::sleep_until(began + QUARTER * quarter).await;
            trend.note(f64::from(quarter) / 4.0);
            bar.set_position(load.ledger().events());
        }
        let ledger = load.stop(scene).await.context("ending the load")?;
        let events = ledger.events();
        let (rate, growth) = (events / (hours * 3_600), trend.slope());
        let crashes = thousands(ledger.crashes.get());
        let events = thousands(events);
        scene.done(
            act,
            format!(
                "{events} events, {crashes} crashes, {:+.0} ± {:.0} bytes per hour",
                growth.slope, growth.error
            ),
        );
        scene.check(rate.abs_diff(EVENTS_PER_SECOND) < 50, || format!("{rate} events per second"));
        scene.check(!growth.exceeds(GROWTH_MAX), || {
            format!("the memory has grown by {:.0} bytes per hour", growth.slope)
        });
        empty.check(scene, "after the day", 0, Allocator::GivesBack).await;
        Ok(())
    })
}

const QUARTER: Duration = Duration::from_secs(15 * 60);
