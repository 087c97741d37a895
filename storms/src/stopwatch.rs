//! Real time, for figures and limits; the storms' own clocks may be virtual.
#![allow(clippy::disallowed_methods, reason = "the one place where real time is read")]

use std::fs;
use std::time::{Duration, Instant};

/// Runs since it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// How long processors have worked for this program so far; nothing where the system does not tell.
pub(crate) fn worked() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, in brackets, may have anything in it.
    let fields = text.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * TICK_MS)
}

/// How long the threads of this program have waited for a processor so far, all together; nothing where the system does
/// not tell. Threads that have ended are not counted.
pub(crate) fn waited() -> Duration {
    of_threads(1)
}

/// How long something would have taken, had nobody else wanted the processors: no less than these have worked for it, so
/// that threads of this program which wait for each other are no excuse. Time spent doing nothing counts.
pub(crate) fn alone(took: Duration, worked: Duration, waited: Duration) -> Duration {
    let idle = took.saturating_sub(worked);
    took - waited.min(idle)
}

/// Measures what is too short for the ticks of `worked`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lap {
    began: Stopwatch,
    ran: Duration,
    waited: Duration,
}

impl Lap {
    pub(crate) fn start() -> Self {
        Self { began: Stopwatch::start(), ran: of_threads(0), waited: waited() }
    }

    /// How long it would have taken, had nobody else wanted the processors.
    pub(crate) fn alone(self) -> Duration {
        let took = self.began.elapsed();
        let ran = of_threads(0).saturating_sub(self.ran);
        alone(took, ran, waited().saturating_sub(self.waited))
    }
}

/// One of the times that the system keeps of each thread, all together: 0 on a processor, 1 waiting for one.
fn of_threads(column: usize) -> Duration {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let times = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_ascii_whitespace().nth(column)?.parse::<u64>().ok()
    });
    Duration::from_nanos(times.sum())
}

/// On Linux, on whatever machine.
const TICK_MS: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_others_are_an_excuse() {
        let ms = Duration::from_millis;
        for (took, worked, waited, expected) in [
            (60, 20, 0, 60),   // idle
            (60, 20, 30, 30),  // others had the processors
            (60, 120, 50, 60), // two processors, and the threads were in each other's way
            (60, 50, 50, 50),
        ] {
            assert_eq!(alone(ms(took), ms(worked), ms(waited)), ms(expected));
        }
    }
}
