//! Everything a run has found out; `results.json` is this.

use fauxtp_bench_workloads::Flavor;
use fauxtp_bench_workloads::row::{Mark, ROWS, Row, Unit};
use serde::Serialize;

use crate::machine::Machine;
use crate::measure::Effort;
use crate::subjects::{OURS, RACTOR, Subject, TOKIO};

/// A run.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    /// How many samples of each were wanted.
    pub(crate) samples: usize,
    /// How long a sample takes, where that can be chosen.
    pub(crate) milliseconds: u64,
    pub(crate) subjects: Vec<Named>,
    /// How many samples were taken in all, and how many of them did not count.
    pub(crate) taken: usize,
    pub(crate) dropped: usize,
    pub(crate) cells: Vec<Cell>,
    pub(crate) growth: Vec<Point>,
    /// What went wrong.
    pub(crate) failures: Vec<String>,
}

/// Who was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) version: String,
}

/// What one row has yielded for one subject in one flavor.
#[derive(Debug, Serialize)]
pub(crate) struct Cell {
    pub(crate) row: String,
    pub(crate) flavor: Flavor,
    pub(crate) subject: &'static str,
    /// In the row's unit, in the order in which they were taken; only those that count.
    pub(crate) samples: Vec<f64>,
    /// How many did not count.
    pub(crate) dropped: usize,
    /// There were so few others that those that were disturbed count as well.
    pub(crate) is_disturbed: bool,
    /// Why there are none.
    pub(crate) cannot: Option<String>,
}

/// What something costs among many.
#[derive(Debug, Serialize)]
pub(crate) struct Point {
    pub(crate) plot: String,
    pub(crate) subject: &'static str,
    /// So many.
    pub(crate) among: u64,
    /// The median of the samples.
    pub(crate) nanoseconds: f64,
    /// No sample was without disturbance, so those that were not count.
    pub(crate) is_disturbed: bool,
}

/// Many values of one quantity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// None of nothing.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let median = f64::midpoint(values[last / 2], values[values.len() / 2]);
        Some(Self { median, min: values[0], max: values[last] })
    }
}

/// Whether ours is good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Goal,
    Floor,
    Missed,
}

impl Results {
    pub(crate) fn new(machine: Machine, effort: &Effort, subjects: &[Subject]) -> Self {
        let named =
            |subject: &Subject| Named { name: subject.name, version: subject.version.clone() };
        Self {
            machine,
            samples: effort.samples,
            milliseconds: effort.milliseconds,
            subjects: subjects.iter().map(named).collect(),
            taken: 0,
            dropped: 0,
            cells: Vec::new(),
            growth: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// The rows there are figures for, in order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &'static Row> + '_ {
        ROWS.iter().filter(|row| self.cells.iter().any(|cell| cell.row == row.id))
    }

    pub(crate) fn cell(&self, row: &Row, flavor: Flavor, subject: &str) -> Option<&Cell> {
        self.cells
            .iter()
            .find(|cell| cell.row == row.id && cell.flavor == flavor && cell.subject == subject)
    }

    pub(crate) fn spread(&self, row: &Row, flavor: Flavor, subject: &str) -> Option<Spread> {
        Spread::of(&self.cell(row, flavor, subject)?.samples)
    }

    /// How many times as good a subject is as another one, whatever the unit.
    pub(crate) fn ratio(&self, row: &Row, flavor: Flavor, subject: &str, to: &str) -> Option<f64> {
        let one = self.spread(row, flavor, subject)?.median;
        let other = self.spread(row, flavor, to)?.median;
        let ratio = match row.unit {
            Unit::PerSecond => one / other,
            Unit::Nanoseconds | Unit::Bytes => other / one,
        };
        ratio.is_finite().then_some(ratio)
    }

    /// Whether ours meets what is asked for in a row; nothing if that is not known.
    pub(crate) fn verdict(&self, row: &Row, flavor: Flavor) -> Option<Verdict> {
        let floor = self.meets(row, flavor, row.floor(flavor));
        let goal = self.meets(row, flavor, row.goal(flavor));
        match (floor, goal) {
            (_, Some(true)) => Some(Verdict::Goal),
            (Some(true), _) => Some(Verdict::Floor),
            (Some(false), _) => Some(Verdict::Missed),
            (None, _) => None,
        }
    }

    /// Whether what the verdict is made from was measured while the machine was busy.
    pub(crate) fn is_doubtful(&self, row: &Row, flavor: Flavor) -> bool {
        let marks = [row.floor(flavor), row.goal(flavor)];
        let other = match marks {
            [Mark::Ractor(_), _] | [_, Mark::Ractor(_)] => RACTOR,
            _ => TOKIO,
        };
        let mut cells = [OURS, other].into_iter().filter_map(|name| self.cell(row, flavor, name));
        cells.any(|cell| cell.is_disturbed)
    }

    fn meets(&self, row: &Row, flavor: Flavor, mark: Mark) -> Option<bool> {
        match mark {
            Mark::Tokio(times) => Some(self.ratio(row, flavor, OURS, TOKIO)? >= times),
            Mark::Ractor(times) => Some(self.ratio(row, flavor, OURS, RACTOR)? >= times),
            Mark::AtMost(most) => Some(self.spread(row, flavor, OURS)?.median <= most),
            Mark::Nothing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let spread = Spread::of(&[3.0, 1.0, 10.0]).expect("there are values");
        assert_eq!((spread.median, spread.min, spread.max), (3.0, 1.0, 10.0));
        let spread = Spread::of(&[4.0, 2.0]).expect("there are values");
        assert_eq!(spread.median, 3.0);
        assert!(Spread::of(&[]).is_none());
    }
}
