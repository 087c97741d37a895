//! Measures fauxtp and its peers in turns, and says what came of it: `cargo xtask bench --quick`.
//!
//! Every subject is a program of its own, and every sample a run of it. A sample of the one is followed by a sample of the
//! next, A B C A B C, so that whatever else the machine does falls on all; samples taken while it did much else are dropped.

mod subjects;
mod machine;
mod sample;
mod results;
mod measure;
mod growth;
mod text;
mod page;
mod plot;

use std::path::Path;

use anyhow::{Result, ensure};
use clap::Parser;
use fauxtp_bench_workloads::Workload;

use machine::Machine;
use measure::Effort;
use results::Results;

/// Benchmarks of fauxtp and its peers.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
struct Arguments {
    /// Few and short samples: less than five minutes in all, when everything is built. Writes to target/bench.
    #[arg(long)]
    quick: bool,
    /// Only these, e.g. `--only w1,w3`; `growth` is what is plotted. Writes to target/bench.
    #[arg(long, value_name = "WORKLOAD", value_delimiter = ',')]
    only: Vec<String>,
    /// Only these and what they are compared with, e.g. `--subjects ractor,erlang`. Writes to target/bench.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    subjects: Vec<String>,
    /// How many samples of each, instead of 3 if quick, 9 otherwise.
    #[arg(long)]
    samples: Option<usize>,
    /// Prints the results as JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// What is plotted, on the command line.
const GROWTH: &str = "growth";

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let workloads = workloads(&arguments.only)?;
    let grows = arguments.only.is_empty() || arguments.only.iter().any(|name| name == GROWTH);
    let effort = Effort::new(arguments.quick, arguments.samples);
    let subjects = subjects::ready(&arguments.subjects)?;

    let mut results = Results::new(Machine::here()?, &effort, &subjects);
    for workload in workloads {
        measure::measure(workload, &subjects, &effort, &mut results);
    }
    if grows {
        growth::measure(&subjects, &effort, &mut results);
    }

    let folder = folder(&arguments);
    page::write(&results, &folder)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&results)?);
    } else {
        print!("{}", text::tables(&results));
    }
    eprintln!("written: RESULTS.md, results.json and plots, in {}", subjects::shown(&folder));
    ensure!(results.failures.is_empty(), "failed: {}", results.failures.join("; "));
    Ok(())
}

fn workloads(only: &[String]) -> Result<Vec<Workload>> {
    if only.is_empty() {
        return Ok(Workload::ALL.into());
    }
    only.iter().filter(|name| *name != GROWTH).map(|name| name.parse()).collect()
}

/// A complete run is worth being kept; any other is for whoever has asked for it.
fn folder(arguments: &Arguments) -> std::path::PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = arguments.only.is_empty() && arguments.subjects.is_empty();
    if all && !arguments.quick { here.to_owned() } else { subjects::built().join("bench") }
}
