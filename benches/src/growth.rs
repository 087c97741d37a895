//! How cost grows with the number of processes, names or children.

use std::collections::BTreeMap;

use fauxtp_bench_workloads::Flavor;
use fauxtp_bench_workloads::row::Unit;

use crate::measure::{Effort, value};
use crate::results::{Point, Results, Spread};
use crate::sample;
use crate::subjects::{OURS, Subject, TOKIO};

/// What is made to grow, and up to how many.
const GROWTHS: [(&str, u64); 3] =
    [("processes", 1_000_000), ("names", 1_000_000), ("children", 100_000)];

/// How often; less often than other things, for a million processes take their time.
const SAMPLES_MAX: usize = 3;

/// Measures ours and the hand-written actor on one thread, in turns, with ten times as many each time.
pub(crate) fn measure(subjects: &[Subject], effort: &Effort, results: &mut Results) {
    let subjects: Vec<_> =
        subjects.iter().filter(|subject| [OURS, TOKIO].contains(&subject.name)).collect();
    for (growth, most) in GROWTHS {
        let mut among = 1;
        while among <= most.min(effort.among_max) {
            eprintln!("measuring among {among} {growth}");
            point(growth, among, &subjects, effort, results);
            among *= 10;
        }
    }
}

/// What was sampled for one plot of one subject.
#[derive(Debug, Default)]
struct Seen {
    /// Without disturbance.
    clean: Vec<f64>,
    all: Vec<f64>,
}

/// What goes into the plots at one number.
fn point(growth: &str, among: u64, subjects: &[&Subject], effort: &Effort, results: &mut Results) {
    let flavor = Flavor::CurrentThread;
    let number = among.to_string();
    let arguments = ["grow", growth, flavor.name(), &number];
    let mut seen: BTreeMap<(String, &'static str), Seen> = BTreeMap::new();
    let (mut clean_ones, mut disturbed_ones) = (0, 0);
    for _ in 0..effort.samples.min(SAMPLES_MAX) {
        for subject in subjects {
            let sample = match sample::take(subject, &arguments, flavor) {
                Ok(sample) => sample,
                Err(error) => {
                    let place = format!("{} among {among} {growth}", subject.name);
                    results.failures.push(format!("{place}: {error:#}"));
                    continue;
                }
            };
            *(if sample.is_disturbed { &mut disturbed_ones } else { &mut clean_ones }) += 1;
            for figure in sample.figures {
                let Some(value) = value(&figure.outcome, Unit::Nanoseconds) else { continue };
                let seen = seen.entry((figure.row, subject.name)).or_default();
                seen.all.push(value);
                if !sample.is_disturbed {
                    seen.clean.push(value);
                }
            }
        }
    }
    results.taken += clean_ones + disturbed_ones;
    if clean_ones > 0 {
        results.dropped += disturbed_ones;
    }
    for ((plot, subject), Seen { clean, all }) in seen {
        if let Some(spread) = Spread::of(&clean).or_else(|| Spread::of(&all)) {
            let nanoseconds = spread.median;
            let is_disturbed = clean.is_empty();
            results.growth.push(Point { plot, subject, among, nanoseconds, is_disturbed });
        }
    }
}
