//! Two subjects in turn, several times, and the ratio of each pair.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::Flavour;

/// How many pairs are counted, after one that is not.
const PAIRS: usize = 7;

/// The times of both subjects, pair by pair, in nanoseconds per operation.
pub struct Pairs {
    name: &'static str,
    flavour: Flavour,
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

pub fn print_head() {
    println!(
        "{:<22} {:>3}  {:>10} {:>10}  {:>7}  {:>13}",
        "workload", "", "ours ns", "tokio ns", "x tokio", "min - max"
    );
}

impl Pairs {
    /// Runs both, `count` operations each, each time on a fresh runtime and as a task of it.
    pub fn run<A, B>(
        name: &'static str,
        flavour: Flavour,
        count: u64,
        ours: impl Fn(u64) -> A,
        theirs: impl Fn(u64) -> B,
    ) -> Self
    where
        A: Future<Output = ()> + Send + 'static,
        B: Future<Output = ()> + Send + 'static,
    {
        let mut pairs = Self { name, flavour, ours: Vec::new(), theirs: Vec::new() };
        for round in 0..=PAIRS {
            let (a, b) = (time(flavour, ours(count)), time(flavour, theirs(count)));
            if round > 0 {
                pairs.ours.push(a.as_nanos() as f64 / count as f64);
                pairs.theirs.push(b.as_nanos() as f64 / count as f64);
            }
        }
        pairs
    }

    pub fn print(&self) {
        let ratios: Vec<f64> = self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| theirs / ours).collect();
        let (low, middle, high) = spread(&ratios);
        println!(
            "{:<22} {:>3}  {:>10.1} {:>10.1}  {:>7.2}  {:>5.2} - {:>5.2}",
            self.name,
            self.flavour.name(),
            spread(&self.ours).1,
            spread(&self.theirs).1,
            middle,
            low,
            high
        );
    }
}

fn time(flavour: Flavour, work: impl Future<Output = ()> + Send + 'static) -> Duration {
    let runtime = flavour.runtime();
    runtime.block_on(async {
        let task = tokio::spawn(async {
            let before = Instant::now();
            work.await;
            before.elapsed()
        });
        task.await.expect("the workload checks out")
    })
}

/// Lowest, median and highest.
fn spread(figures: &[f64]) -> (f64, f64, f64) {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    (sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1])
}
