//! Measures fauxtp against the actor a good engineer writes by hand on tokio, in the same run.
//!
//! Every sample of the one is followed by a sample of the other, so that whatever else the machine does
//! falls on both; what counts is the median of the pairs' ratios. Each workload checks what has arrived.

mod flavor;
mod subject;
mod workload;
mod sample;
mod measure;
mod report;

use anyhow::Result;
use clap::{Parser, Subcommand};

use flavor::Flavor;
use measure::measure;
use sample::{Sample, Who};
use workload::Workload;

/// Benchmarks of fauxtp, each a ratio to a hand-written tokio actor.
#[derive(Debug, Parser)]
struct Arguments {
    /// Few pairs: a minute in all.
    #[arg(long)]
    quick: bool,
    /// How many pairs; 7 if quick, 21 otherwise.
    #[arg(long)]
    pairs: Option<usize>,
    /// Only these workloads, e.g. `--only w1,w3`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Workload>,
    #[command(subcommand)]
    chore: Option<Chore>,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Takes one sample and prints the bare number; for profilers, and for samples that need a process to
    /// themselves.
    Sample {
        /// What to do.
        workload: Workload,
        /// With whom.
        who: Who,
        /// In which runtime.
        flavor: Flavor,
        /// How many times; the workload's own number unless given.
        count: Option<u64>,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(Chore::Sample { workload, who, flavor, count }) = arguments.chore {
        let sample = Sample { workload, who, flavor, count: count.unwrap_or(workload.count()) };
        println!("{}", sample.take()?);
        return Ok(());
    }
    let pairs = arguments.pairs.unwrap_or(if arguments.quick { 7 } else { 21 });
    let chosen =
        |workload: &Workload| arguments.only.is_empty() || arguments.only.contains(workload);
    println!("{}", report::heading(pairs));
    for workload in Workload::ALL.into_iter().filter(chosen) {
        for flavor in Flavor::ALL {
            println!("{}", report::line(workload, flavor, &measure(workload, flavor, pairs)?));
        }
    }
    Ok(())
}
