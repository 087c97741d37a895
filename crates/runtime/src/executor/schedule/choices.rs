//! All that is left to chance in a simulation: a stream of numbers, drawn or given.
//!
//! Zero is always the tame choice: the first in line, nothing late, nobody struck. So a path can be made
//! simpler by making it shorter, and by putting zeros into it.

use fastrand::Rng;

/// Where choices come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Seed(u64),
    /// Those of an earlier run; zeros after that.
    Path(Vec<u32>),
    /// Nowhere: all choices are tame.
    Fifo,
}

/// The choices of one simulation.
pub(crate) struct Choices {
    draw: Draw,
    /// Those made so far.
    made: Vec<u32>,
}

enum Draw {
    Random(Rng),
    Given(std::vec::IntoIter<u32>),
    Fifo,
}

impl Choices {
    pub(crate) fn new(source: Source) -> Self {
        let draw = match source {
            Source::Seed(seed) => Draw::Random(Rng::with_seed(seed)),
            Source::Path(path) => Draw::Given(path.into_iter()),
            Source::Fifo => Draw::Fifo,
        };
        Self { draw, made: Vec::new() }
    }

    /// One of so many; there is at least one.
    pub(crate) fn among(&mut self, count: usize) -> usize {
        if count < 2 {
            return 0;
        }
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.make(|random| random.u32(..count), |given| given % count) as usize
    }

    /// Whether something happens that seldom does.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        if probability <= 0.0 {
            return false;
        }
        self.make(|random| u32::from(random.f64() < probability), |given| given.min(1)) == 1
    }

    /// Which of these things happens, if one does: at most one of them, each with its own probability.
    pub(crate) fn one_of(
        &mut self,
        probabilities: impl Iterator<Item = f64> + Clone,
    ) -> Option<usize> {
        if probabilities.clone().all(|probability| probability <= 0.0) {
            return None;
        }
        let count = probabilities.clone().count() as u32;
        let draw = |random: &mut Rng| {
            let mut rest = random.f64();
            let below = |probability| {
                rest -= probability;
                rest < 0.0
            };
            probabilities
                .map(below)
                .position(|is_below| is_below)
                .map_or(0, |index| index as u32 + 1)
        };
        (self.make(draw, |given| given.min(count)) as usize).checked_sub(1)
    }

    /// Any number.
    pub(crate) fn number(&mut self) -> u32 {
        self.make(|random| random.u32(..), |given| given)
    }

    fn make(
        &mut self,
        random: impl FnOnce(&mut Rng) -> u32,
        given: impl FnOnce(u32) -> u32,
    ) -> u32 {
        let choice = match &mut self.draw {
            Draw::Random(rng) => random(rng),
            Draw::Given(path) => given(path.next().unwrap_or(0)),
            // Not kept: such a run may be without end.
            Draw::Fifo => return 0,
        };
        self.made.push(choice);
        choice
    }

    /// What has been chosen.
    pub(crate) fn take(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_happens_as_often_as_it_says() {
        let mut choices = Choices::new(Source::Seed(7));
        let mut times = [0; 3];
        for _ in 0..10_000 {
            if let Some(index) = choices.one_of([0.5, 0.0, 0.25].into_iter()) {
                times[index] += 1;
            }
        }
        assert!(
            (4_700..5_300).contains(&times[0]) && (2_300..2_700).contains(&times[2]),
            "{times:?}"
        );
        assert_eq!((times[1], choices.take().len()), (0, 10_000));
        assert_eq!(choices.one_of([0.0].into_iter()), None);
        assert_eq!(choices.take().len(), 0, "nothing was left to chance");
    }
}
