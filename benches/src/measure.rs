//! Samples of all subjects in turns: A B C A B C.

use fauxtp_bench_workloads::figure::Outcome;
use fauxtp_bench_workloads::row::{Row, Unit};
use fauxtp_bench_workloads::{Figure, Flavor, Workload};

use crate::results::{Cell, Results};
use crate::sample::{self, Sample};
use crate::subjects::Subject;

/// How much is done to find something out.
#[derive(Debug)]
pub(crate) struct Effort {
    /// How many samples of each.
    pub(crate) samples: usize,
    /// How many more may be taken instead of those that are dropped.
    pub(crate) patience: usize,
    /// How long a sample takes, where that can be chosen.
    pub(crate) milliseconds: u64,
    /// The most processes, names or children in a plot.
    pub(crate) among_max: u64,
}

impl Effort {
    pub(crate) fn new(quick: bool, samples: Option<usize>) -> Self {
        let (usual, milliseconds, among_max) =
            if quick { (3, 60, 10_000) } else { (9, 200, 1_000_000) };
        let samples = samples.unwrap_or(usual);
        let patience = if quick { 1 } else { samples };
        Self { samples, patience, milliseconds, among_max }
    }
}

/// What was sampled of one subject.
#[derive(Debug, Default)]
struct Taken {
    clean: Vec<Vec<Figure>>,
    disturbed: Vec<Vec<Figure>>,
    failure: Option<String>,
}

impl Taken {
    /// Whether one more sample is of use.
    fn is_done(&self, samples: usize) -> bool {
        let figures = self.clean.first().or(self.disturbed.first());
        let cannot = figures.and_then(|figures| figures.first()).is_some_and(cannot);
        cannot || self.failure.is_some() || self.clean.len() >= samples
    }
}

fn cannot(figure: &Figure) -> bool {
    matches!(figure.outcome, Outcome::Cannot { .. })
}

/// Measures a workload in both flavors.
pub(crate) fn measure(
    workload: Workload,
    subjects: &[Subject],
    effort: &Effort,
    results: &mut Results,
) {
    let time = effort.milliseconds.to_string();
    for flavor in Flavor::ALL {
        eprintln!("measuring {} {}", workload.name(), flavor.name());
        let arguments = ["sample", workload.name(), flavor.name(), &time];
        let taken = in_turns(subjects, &arguments, flavor, effort);
        for (subject, taken) in subjects.iter().zip(taken) {
            results.taken += taken.clean.len() + taken.disturbed.len();
            if let Some(failure) = &taken.failure {
                let place = format!("{} {} {}", workload.name(), flavor.name(), subject.name);
                results.failures.push(format!("{place}: {failure}"));
            }
            let cells = cells(subject.name, flavor, taken, effort);
            results.dropped += cells.first().map_or(0, |cell| cell.dropped);
            results.cells.extend(cells);
        }
    }
}

/// Samples of each subject, one after the other, until all have enough or patience is at its end.
fn in_turns(
    subjects: &[Subject],
    arguments: &[&str],
    flavor: Flavor,
    effort: &Effort,
) -> Vec<Taken> {
    let mut all: Vec<Taken> = subjects.iter().map(|_| Taken::default()).collect();
    for _ in 0..effort.samples + effort.patience {
        for (subject, taken) in subjects.iter().zip(&mut all) {
            if taken.is_done(effort.samples) {
                continue;
            }
            match sample::take(subject, arguments, flavor) {
                Ok(Sample { figures, is_disturbed: false }) => taken.clean.push(figures),
                Ok(Sample { figures, is_disturbed: true }) => taken.disturbed.push(figures),
                Err(error) => taken.failure = Some(format!("{error:#}")),
            }
        }
    }
    all
}

/// One cell for each row that the samples have figures for.
fn cells(subject: &'static str, flavor: Flavor, taken: Taken, effort: &Effort) -> Vec<Cell> {
    let Taken { mut clean, disturbed, .. } = taken;
    let dropped = disturbed.len();
    let all: Vec<_> = clean.iter().chain(&disturbed).cloned().collect();
    // Fewer than most of what was wanted say little; then what there is counts, and is marked.
    let is_disturbed = clean.len() * 2 <= effort.samples && dropped > 0;
    if is_disturbed {
        clean.clone_from(&all);
    }
    let Some(first) = clean.first() else { return Vec::new() };
    let cell = |figure: &Figure| {
        let row = Row::find(&figure.row)?;
        // How much room something takes has nothing to do with what else the machine does.
        let is_timed = row.unit != Unit::Bytes;
        let counting = if is_timed { &clean } else { &all };
        let same = counting.iter().flatten().filter(|other| other.row == figure.row);
        Some(Cell {
            row: figure.row.clone(),
            flavor,
            subject,
            samples: same.filter_map(|figure| value(&figure.outcome, row.unit)).collect(),
            dropped: if is_timed && !is_disturbed { dropped } else { 0 },
            is_disturbed: is_timed && is_disturbed && !cannot(figure),
            cannot: match &figure.outcome {
                Outcome::Cannot { cannot } => Some(cannot.clone()),
                Outcome::Time { .. } | Outcome::Room { .. } => None,
            },
        })
    };
    first.iter().filter_map(cell).collect()
}

/// What a figure is in the unit of its row.
#[expect(clippy::cast_precision_loss, reason = "nothing is counted to 2^52")]
pub(crate) fn value(outcome: &Outcome, unit: Unit) -> Option<f64> {
    match (outcome, unit) {
        (Outcome::Time { operations, nanoseconds }, Unit::PerSecond) => {
            Some(*operations as f64 * 1e9 / *nanoseconds as f64)
        }
        (Outcome::Time { operations, nanoseconds }, Unit::Nanoseconds) => {
            Some(*nanoseconds as f64 / *operations as f64)
        }
        (Outcome::Room { operations, bytes }, Unit::Bytes) => {
            Some(*bytes as f64 / *operations as f64)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What becomes of samples that take so many seconds for one cast.
    fn cell_of(clean: &[u64], disturbed: &[u64]) -> Cell {
        let figures = |seconds: &[u64]| -> Vec<Vec<Figure>> {
            let figure = |seconds: &u64| vec![Figure::time("w1", 1, Duration::from_secs(*seconds))];
            seconds.iter().map(figure).collect()
        };
        let taken = Taken { clean: figures(clean), disturbed: figures(disturbed), failure: None };
        let effort = Effort::new(true, Some(3));
        let mut cells = cells("tokio", Flavor::CurrentThread, taken, &effort);
        cells.pop().expect("there were samples")
    }

    #[test]
    fn disturbed_samples_are_dropped() {
        let cell = cell_of(&[1, 2], &[4, 4]);
        assert_eq!((cell.samples, cell.dropped), (vec![1.0, 0.5], 2));
        assert!(!cell.is_disturbed);
    }

    #[test]
    fn disturbed_samples_count_and_are_told_of_if_there_are_too_few_others() {
        let cell = cell_of(&[1], &[4, 4, 4]);
        assert_eq!((cell.samples.len(), cell.dropped), (4, 0));
        assert!(cell.is_disturbed);
    }

    #[test]
    fn who_cannot_do_something_is_not_asked_again() {
        let cannot = Outcome::Cannot { cannot: "it has no names".to_owned() };
        let figure = Figure { row: "w12".to_owned(), outcome: cannot, among: None };
        let taken = Taken { disturbed: vec![vec![figure]], ..Taken::default() };
        assert!(taken.is_done(3));
    }
}
