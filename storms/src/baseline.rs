//! What there is before a storm, and must be there afterwards: no more, no less.

use std::time::Duration;

use fauxtp::names;
use fauxtp::prelude::*;
use fauxtp::process;

use crate::figures::megabytes;
use crate::memory::Memory;
use crate::scene::Scene;
use crate::stopwatch::Stopwatch;

/// How much memory may be left behind, of that which is allocated and of that which is occupied.
const LEFT_MAX: u64 = 5_000_000;

/// What the allocator does with what is freed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Allocator {
    /// It gives it back to the system.
    GivesBack,
    /// It keeps most of it: there were very many small pieces, and a few of those around them are still in use. The
    /// program must not occupy more than it ever has, though.
    Keeps,
}

/// What there is besides memory.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counts {
    processes: Vec<Pid>,
    names: usize,
    timers: usize,
    /// Of all processes together.
    links: usize,
    monitors: usize,
    watchers: usize,
    queued: usize,
}

/// What there is.
#[derive(Clone, Debug)]
pub(crate) struct Baseline {
    counts: Counts,
    memory: Memory,
    /// The most that was occupied before.
    peak: u64,
}

impl Baseline {
    /// What there is now.
    pub(crate) async fn now() -> Self {
        Self { counts: Counts::now().await, memory: Memory::now(), peak: 0 }
    }

    /// What there is once the counts are back where they were, or after five seconds. The last ones to end may not be
    /// quite gone when everybody has been told.
    pub(crate) async fn back_to(&self) -> Self {
        let waiting = Stopwatch::start();
        loop {
            let now = Self::now().await;
            if now.counts == self.counts || waiting.elapsed() > Duration::from_secs(5) {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Notes as a fault what is not back. `allowed` bytes are known to stay.
    pub(crate) async fn check(
        &self,
        scene: &mut Scene,
        when: &str,
        allowed: u64,
        allocator: Allocator,
    ) -> Self {
        let mut now = self.back_to().await;
        now.peak = self.peak.max(scene.peak());
        scene.check(now.counts == self.counts, || {
            format!("{when}: {:?} before, {:?} now", self.counts, now.counts)
        });
        let occupied = match allocator {
            Allocator::GivesBack => self.memory.resident + allowed,
            // Unknown before the first round.
            Allocator::Keeps if self.peak == 0 => u64::MAX / 2,
            Allocator::Keeps => self.peak,
        };
        let memory = [
            ("allocated", self.memory.heap + allowed, now.memory.heap),
            ("occupied", occupied, now.memory.resident),
        ];
        for (what, most, left) in memory {
            scene.check(left <= most + LEFT_MAX, || {
                let (most, left) = (megabytes(most), megabytes(left));
                format!("{when}: {left:.1} MB are still {what}, expected {most:.1} MB")
            });
        }
        now
    }
}

/// How the allocated memory goes.
#[derive(Debug, Default)]
pub(crate) struct Trend(Vec<(f64, f64)>);

impl Trend {
    /// Notes how much there is at this time.
    pub(crate) fn note(&mut self, time: f64) {
        self.0.push((time, Memory::now().heap as f64));
    }

    /// By how many bytes it grows in a unit of time: the line with the least squares.
    pub(crate) fn slope(&self) -> f64 {
        slope(&self.0)
    }
}

fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (time, bytes) = (mean(|point| point.0), mean(|point| point.1));
    let both = points.iter().map(|point| (point.0 - time) * (point.1 - bytes)).sum::<f64>();
    let square = points.iter().map(|point| (point.0 - time).powi(2)).sum::<f64>();
    if square > 0.0 { both / square } else { 0.0 }
}

impl Counts {
    async fn now() -> Self {
        let mut counts = Self {
            processes: process::list(),
            names: names::registered().len(),
            timers: process::timers_pending(),
            links: 0,
            monitors: 0,
            watchers: 0,
            queued: 0,
        };
        for pid in &counts.processes {
            if let Some(facts) = pid.info().await {
                counts.links += facts.links.len();
                counts.monitors += facts.monitors;
                counts.watchers += facts.monitored_by;
                counts.queued += facts.queue_len;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_is_found_among_what_goes_up_and_down() {
        let points: Vec<_> = (0..100).map(f64::from).map(|t| (t, 3.0 * t + (t % 2.0))).collect();
        assert!((slope(&points) - 3.0).abs() < 0.01, "{}", slope(&points));
        assert_eq!(slope(&[]), 0.0);
        assert_eq!(slope(&[(1.0, 5.0)]), 0.0);
    }
}
