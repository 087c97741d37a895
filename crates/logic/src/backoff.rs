//! How long to wait before the next restart of a child that keeps failing.

use core::time::Duration;

/// A delay that doubles with every attempt, from `min` up to `max`, shortened by a random part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backoff {
    /// The delay before the first attempt.
    pub min: Duration,
    /// The longest delay.
    pub max: Duration,
    /// How much of a delay is left to chance, in thousandths: 0 waits exactly, 1000 anything from nothing to
    /// the whole delay.
    pub jitter_permille: u16,
}

impl Backoff {
    /// A delay between `min` and `max` of which a tenth is left to chance.
    #[must_use]
    pub const fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, jitter_permille: 100 }
    }

    /// Whether the limits make sense: `min` not above `max`, no more jitter than the whole.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.min <= self.max && self.jitter_permille <= 1_000
    }

    /// How long to wait before the `attempt`-th start in a row, counted from one.
    ///
    /// `random` is any number the caller drew evenly; the same number gives the same delay. Jitter only
    /// shortens, so that `max` is a promise.
    #[must_use]
    pub fn delay(&self, attempt: u32, random: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(127);
        let doubled = self.min.as_nanos().saturating_mul(1 << doublings);
        let full = doubled.min(self.max.as_nanos());
        // At most 2^94 ns times 1000 (2^10), then times 2^32 after the division by 1000: fits 128 bits.
        let spread = full * u128::from(self.jitter_permille.min(1_000)) / 1_000;
        duration(full - ((spread * u128::from(random)) >> 32))
    }
}

fn duration(nanos: u128) -> Duration {
    let whole = u64::try_from(nanos / NANOS_PER_SECOND).unwrap_or(u64::MAX);
    let rest = u32::try_from(nanos % NANOS_PER_SECOND).unwrap_or(0);
    Duration::new(whole, rest)
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_doubles_up_to_its_limit() {
        let ms = Duration::from_millis;
        let exact = Backoff { min: ms(100), max: ms(1_000), jitter_permille: 0 };
        let rows = [
            (0, 100),
            (1, 100),
            (2, 200),
            (3, 400),
            (4, 800),
            (5, 1_000),
            (64, 1_000),
            (u32::MAX, 1_000),
        ];
        for (attempt, expected) in rows {
            assert_eq!(exact.delay(attempt, u32::MAX), ms(expected), "attempt {attempt}");
        }
    }

    #[test]
    fn jitter_only_shortens() {
        let ms = Duration::from_millis;
        let backoff = Backoff { min: ms(100), max: ms(1_000), jitter_permille: 250 };
        assert_eq!(backoff.delay(1, 0), ms(100));
        assert_eq!(backoff.delay(1, 1 << 31), Duration::from_micros(87_500));
        for random in [0, 1, 77_777_777, u32::MAX] {
            let delay = backoff.delay(2, random);
            assert!(delay >= ms(150) && delay <= ms(200), "{delay:?}");
        }
    }

    #[test]
    fn extreme_values_saturate() {
        let endless = Backoff { min: Duration::MAX, max: Duration::MAX, jitter_permille: 1_000 };
        assert_eq!(endless.delay(u32::MAX, 0), Duration::MAX);
        assert!(endless.delay(u32::MAX, u32::MAX) < Duration::MAX);
        let nothing =
            Backoff { min: Duration::ZERO, max: Duration::ZERO, jitter_permille: u16::MAX };
        assert_eq!(nothing.delay(9, 9), Duration::ZERO);
        assert!(!nothing.is_valid());
    }
}
