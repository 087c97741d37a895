//! How many restarts are still allowed.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::time::Time;

/// How many restarts a supervisor performs within how long a time before it gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Intensity {
    /// The most restarts within one period; `None` is no limit, `Some(0)` gives up at the first failure.
    pub restarts_max: Option<u32>,
    /// The length of the sliding window; restarts exactly this far apart still share a window (SUP-052).
    pub period: Duration,
}

impl Intensity {
    /// No limit at all.
    pub const UNLIMITED: Self = Self { restarts_max: None, period: Duration::ZERO };

    /// Whether there is a restart at all; if not, nobody need wait for one (SUP-051).
    #[must_use]
    pub fn allows_any(&self) -> bool {
        self.restarts_max != Some(0)
    }

    /// At most `restarts_max` restarts within `period`.
    #[must_use]
    pub const fn new(restarts_max: u32, period: Duration) -> Self {
        Self { restarts_max: Some(restarts_max), period }
    }
}

/// Three restarts in five seconds (SUP-006).
impl Default for Intensity {
    fn default() -> Self {
        Self::new(3, Duration::from_secs(5))
    }
}

/// The restarts of the recent past, one budget per supervisor (SUP-053).
#[derive(Clone, Debug, Default)]
pub struct Budget {
    /// When the restarts of the current window happened, oldest first; never more than `restarts_max`.
    spent: VecDeque<Time>,
}

impl Budget {
    /// A budget of which nothing is spent.
    #[must_use]
    pub const fn new() -> Self {
        Self { spent: VecDeque::new() }
    }

    /// Pays for one restart attempt at `now`: true if it may be performed, false if the supervisor must
    /// give up (SUP-050, SUP-051). A refused attempt costs nothing.
    #[must_use]
    pub fn spend(&mut self, now: Time, intensity: &Intensity) -> bool {
        let Some(restarts_max) = intensity.restarts_max else { return true };
        while self.spent.front().is_some_and(|earlier| now.since(*earlier) > intensity.period) {
            self.spent.pop_front();
        }
        let affordable = self.spent.len() < restarts_max as usize;
        if affordable {
            self.spent.push_back(now);
        }
        affordable
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_window_holds_no_more_restarts_than_allowed() {
        // (restarts_max, period, attempts in milliseconds, what is expected of each)
        let rows: &[(u32, u64, &[u64], &[bool])] = &[
            (0, 5_000, &[0], &[false]),
            (1, 1_000, &[0, 1_000], &[true, false]),
            (1, 1_000, &[0, 1_001], &[true, true]),
            (3, 5_000, &[0, 0, 0, 0], &[true, true, true, false]),
            (3, 5_000, &[0, 1, 2, 5_000], &[true, true, true, false]),
            (3, 5_000, &[0, 1, 2, 5_001, 5_001], &[true, true, true, true, false]),
            (2, 10, &[0, 10, 20, 30], &[true, true, true, true]),
            (2, 10, &[0, 10, 10, 11], &[true, true, false, true]),
        ];
        for (restarts_max, period, attempts, expected) in rows {
            let intensity = Intensity::new(*restarts_max, Duration::from_millis(*period));
            let mut budget = Budget::new();
            let got: Vec<bool> = attempts
                .iter()
                .map(|at| budget.spend(Time(Duration::from_millis(*at)), &intensity))
                .collect();
            assert_eq!(got, *expected, "{intensity:?} {attempts:?}");
        }
    }

    #[test]
    fn no_limit_costs_no_memory() {
        let mut budget = Budget::new();
        assert!((0..10_000).all(|_| budget.spend(Time::ORIGIN, &Intensity::UNLIMITED)));
        assert!(budget.spent.is_empty());
    }
}
