//! Seeded random numbers: the same seed makes the same histories, here and everywhere.

use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

/// A stream of random numbers (SplitMix64: each state gives one number, and all 2⁶⁴ come up).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of the history with this number in the campaign with this seed.
    pub(crate) const fn of(seed: u64, number: u64) -> Self {
        // Mixed, for neighbours would otherwise be the same stream, one step apart.
        Self(mix(mix(seed) ^ number))
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number of this range, which is not empty.
    pub(crate) fn within(&mut self, range: Range<usize>) -> usize {
        let width = range.end.checked_sub(range.start).filter(|width| *width > 0);
        let width = width.expect("nothing can be drawn from an empty range");
        range.start + (self.next() % width as u64) as usize
    }

    /// Whether something happens that happens so often in a hundred times.
    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.within(0..100) < chance
    }

    /// One of these, each as likely as the others.
    pub(crate) fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.within(0..choices.len())].clone()
    }

    /// The place of one of these weights; as often as its share of their sum.
    pub(crate) fn weighted(&mut self, weights: &[usize]) -> usize {
        let mut rest = self.within(0..weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            match rest.checked_sub(*weight) {
                Some(left) => rest = left,
                None => return index,
            }
        }
        unreachable!("what is drawn is less than the sum")
    }
}

/// A seed that differs from run to run.
pub(crate) fn seed_of_the_moment() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Short enough to be typed again.
    mix(now.as_nanos() as u64) % 1_000_000_000
}

const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_number_draw_the_same() {
        let draw = |seed, number| {
            let mut random = Random::of(seed, number);
            (0..20).map(|_| random.within(3..9)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
        assert!(draw(1, 2).iter().all(|number| (3..9).contains(number)));
    }

    #[test]
    fn weights_are_shares() {
        let mut random = Random::of(1, 1);
        let mut counts = [0; 3];
        (0..10_000).for_each(|_| counts[random.weighted(&[1, 0, 3])] += 1);
        assert_eq!(counts[1], 0);
        assert!((2_200..2_800).contains(&counts[0]), "{counts:?}");
    }
}
