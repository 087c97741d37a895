//! Pairs of samples, taken in turns, and what is typical of them.

use anyhow::Result;

use crate::flavor::Flavor;
use crate::sample::{Sample, Who};
use crate::workload::Workload;

/// Many values of one quantity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let last = values.len().saturating_sub(1);
        let median = f64::midpoint(at(last / 2), at(values.len() / 2));
        Self { median, min: at(0), max: at(last) }
    }
}

/// What one workload has yielded in one runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) ours: Spread,
    pub(crate) tokio: Spread,
    /// Of each pair, ours to tokio's.
    pub(crate) ratio: Spread,
}

/// Measures in turns: ours, tokio's, ours, tokio's. The first pair warms up and does not count.
pub(crate) fn measure(workload: Workload, flavor: Flavor, pairs: usize) -> Result<Measured> {
    let take = |who| {
        let sample = Sample { workload, who, flavor, count: workload.count() };
        if workload.needs_a_process_to_itself() { sample.take_apart() } else { sample.take() }
    };
    let mut taken = Vec::with_capacity(pairs);
    for number in 0..=pairs {
        let pair = (take(Who::Ours)?, take(Who::Tokio)?);
        if number > 0 {
            taken.push(pair);
        }
    }
    Ok(Measured {
        ours: Spread::of(taken.iter().map(|pair| pair.0)),
        tokio: Spread::of(taken.iter().map(|pair| pair.1)),
        ratio: Spread::of(taken.iter().map(|pair| pair.0 / pair.1)),
    })
}
