//! Replays random histories on Erlang/OTP and on fauxtp, and compares what happened.
//!
//! A history is data: parameters and a list of steps. Each kind of history has an [`Oracle`], which
//! makes histories, runs them on the real fauxtp and compares the trace with the one of a driver in Erlang. What
//! OTP leaves open is brought into one form first; where we differ from OTP on purpose, the oracle names the reason.
//! A history on which the two sides disagree is shrunk, and kept in `regressions/`, which is replayed at every run.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks to people"
)]

mod random;
mod term;
mod words;
mod etf;
mod explained;
mod oracle;
mod sides;
mod otp;
mod port;
mod shrink;
mod saved;
mod campaign;
mod reasons;
mod stage;
mod crash;
mod supervisor;
mod signals;
mod server;

use std::process::ExitCode;
use std::thread;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use campaign::{Campaign, Plan};
use oracle::Oracle;
use otp::Build;

/// Compares fauxtp with Erlang/OTP on random histories.
#[derive(Debug, Parser)]
#[command(name = "fauxtp-oracle", version)]
struct Arguments {
    /// How many histories each oracle compares; without it, as many as the gate wants.
    #[arg(long)]
    histories: Option<u64>,
    /// What the histories are made from; without it, from the time of day.
    #[arg(long)]
    seed: Option<u64>,
    /// Only these oracles, separated by commas.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Subject>,
    /// How many threads, each with an Erlang of its own; without it, one for every processor.
    #[arg(long)]
    workers: Option<usize>,
    /// Stops at the first mismatch, which is neither made simpler nor saved.
    #[arg(long)]
    quick: bool,
    /// Shows one history instead, by its number: what it is, and the trace of either side.
    #[arg(long)]
    show: Option<u64>,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// Supervisors of all kinds.
    Supervisor,
    /// Links, monitors and exit signals.
    Signals,
    /// Servers and their callers.
    Server,
}

impl Subject {
    /// Compares this subject; says whether the two sides agree.
    fn compare(self, build: &Build, plan: &Plan) -> Result<bool> {
        match self {
            Self::Supervisor => compare(&supervisor::Supervisors, build, plan),
            Self::Signals => compare(&signals::Signals, build, plan),
            Self::Server => compare(&server::Servers, build, plan),
        }
    }
}

/// Runs a campaign, or shows one history of it.
fn compare<O: Oracle>(oracle: &O, build: &Build, plan: &Plan) -> Result<bool> {
    let campaign = Campaign::new(oracle, build, plan);
    match plan.show {
        Some(number) => campaign.show(number),
        None => campaign.run(),
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let plan = Plan {
        histories: arguments.histories,
        seed: arguments.seed.unwrap_or_else(random::seed_of_the_moment),
        workers: arguments.workers.unwrap_or(processors).max(1),
        quick: arguments.quick,
        show: arguments.show,
    };
    let build = Build::prepare()?;
    let mut agree = true;
    for subject in Subject::value_variants() {
        if arguments.only.is_empty() || arguments.only.contains(subject) {
            agree &= subject.compare(&build, &plan)?;
        }
    }
    Ok(agree)
}

fn main() -> ExitCode {
    // Histories are full of panics; our own are told as mismatches.
    std::panic::set_hook(Box::new(|_| {}));
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            // Not the code of a mismatch: nothing is known.
            ExitCode::from(2)
        }
    }
}
