//! The chores of this repository, started as `cargo xtask <command>`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks to whoever started it"
)]

mod program;
mod workspace;
mod runner;
mod prerequisites;
mod source;
mod tidy;
mod conformance;
mod book;
mod oracle;
mod mutants;
mod tools;
mod sanitizers;
mod coverage;
mod fuzz;
mod simulations;
mod storms;
mod models;
mod bench;
mod check;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use models::Length;
use simulations::Plan;
use workspace::Workspace;

/// The chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Chore,
}

/// One subcommand each.
#[derive(Debug, Subcommand)]
enum Chore {
    /// Runs everything that must hold, one step after another, and stops at the first failure.
    Test {
        /// Runs only these steps, separated by commas.
        #[arg(long, value_name = "STEP", value_delimiter = ',')]
        only: Vec<String>,
    },
    /// Checks the rules of style that no compiler checks.
    Tidy,
    /// Runs the conformance tests and writes CONFORMANCE.md.
    Conformance {
        /// Writes nothing; fails if the page in the tree is not what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Renders the book into target/book; a link that leads nowhere is an error.
    Book {
        /// Builds and runs the programs of others that the book shows, instead of rendering.
        #[arg(long)]
        peers: bool,
    },
    /// Runs the tests of the core where every access to memory is checked, and every leak reported.
    Sanitizers,
    /// Tells which lines of the core the tests reach; too few are an error.
    Coverage,
    /// Feeds random bytes to everything that reads bytes.
    Fuzz {
        /// How long, for each target.
        #[arg(long, value_name = "SECONDS", default_value_t = 600)]
        seconds: u32,
    },
    /// Plays the simulations in simulations/, and adds up what was explored.
    Sim {
        /// How many seeds for each, instead of what its test says.
        #[arg(long)]
        seeds: Option<u64>,
        /// The first seed.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Only those whose names contain this.
        #[arg(long)]
        only: Option<String>,
        /// Again and again, with other seeds each time, for so many hours.
        #[arg(long)]
        hours: Option<f64>,
    },
    /// Runs the storms: very many crashes, lives and messages, each within its limits.
    Storm {
        /// Runs only these, separated by commas; see `storms/src/catalogue.rs`.
        #[arg(long, value_name = "NAME", value_delimiter = ',')]
        only: Vec<String>,
        /// A twentieth of everything.
        #[arg(long)]
        quick: bool,
    },
    /// Runs a mixed load in real time; each minute everything has to be back at the baseline.
    Soak {
        /// How long.
        #[arg(long)]
        minutes: u64,
    },
    /// Compares fauxtp with Erlang/OTP on random histories, e.g. `--only supervisor --histories 100000`.
    Oracle {
        /// What the oracle gets to see.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Plants faults, one at a time, and fails if one of them goes unnoticed.
    Mutants {
        /// Only those whose name contains this.
        #[arg(long, value_name = "TEXT")]
        only: Option<String>,
        /// How many histories an oracle compares before a fault counts as unnoticed.
        #[arg(long, default_value_t = 20_000)]
        histories: u64,
    },
    /// Has models of races run by loom and shuttle.
    Models {
        /// Looks at far more executions; for a night.
        #[arg(long, conflicts_with = "short")]
        long: bool,
        /// Looks at fewer, in a few minutes.
        #[arg(long)]
        short: bool,
    },
    /// Runs the benchmarks in benches/, with the arguments given, e.g. `--quick`, `--only w1,w3` or `--json`.
    Bench {
        /// What the benchmark program gets to see.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Counts the instructions and allocations of single operations, and compares with benches/costs.txt
    Costs {
        /// Writes the figures down instead.
        #[arg(long)]
        write: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not returned from `main`: that would print our own backtrace, which helps nobody.
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<()> {
    let workspace = Workspace::find()?;
    match chore {
        Chore::Test { only } => check::run(&workspace, &only),
        Chore::Tidy => tidy::run(&workspace),
        Chore::Conformance { check: false } => conformance::write(&workspace),
        Chore::Conformance { check: true } => {
            conformance::check(&workspace, conformance::alone(&workspace)?)
        }
        Chore::Book { peers: false } => book::render(&workspace),
        Chore::Book { peers: true } => book::peers(&workspace),
        Chore::Sanitizers => sanitizers::run(&workspace, &check::core(&workspace)?),
        Chore::Coverage => coverage::run(&workspace, &check::tested(&workspace)?),
        Chore::Fuzz { seconds } => fuzz::run(&workspace, seconds),
        Chore::Sim { seeds, from, only, hours } => {
            simulations::run(&workspace, &Plan { seeds, from, only: only.as_deref(), hours })
        }
        Chore::Storm { only, quick } => storms::run(&workspace, &only, quick),
        Chore::Soak { minutes } => storms::soak(&workspace, minutes),
        Chore::Oracle { arguments } => oracle::run(&workspace, arguments),
        Chore::Mutants { only, histories } => {
            prerequisites::ensure()?;
            mutants::run(&workspace, only.as_deref(), histories)
        }
        Chore::Models { long, short } => models::run(&workspace, Length::of(short, long)),
        Chore::Bench { arguments } => bench::run(&workspace, arguments),
        Chore::Costs { write } => bench::costs(&workspace, write),
    }
}
