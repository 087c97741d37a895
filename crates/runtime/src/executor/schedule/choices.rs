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
