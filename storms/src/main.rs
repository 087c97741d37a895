//! Very many crashes, lives and messages at once, and what is left of them.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks to whoever started it"
)]

mod figures;
mod stopwatch;
mod memory;
mod row;
mod scene;
mod baseline;
mod hush;
mod crashes;
mod chain;
mod lives;
mod backlog;
mod ledger;
mod load;
mod day;
mod soak;
mod catalogue;
mod conductor;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use scene::Scene;

/// Storms: each must end in time, and leave nothing behind.
#[derive(Debug, Parser)]
#[command(name = "fauxtp-storms", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the storms one after the other, each in a program of its own, and ends with a table.
    All {
        /// Runs only these, separated by commas.
        #[arg(long, value_name = "NAME", value_delimiter = ',')]
        only: Vec<String>,
        /// A twentieth of everything, to see whether it works at all.
        #[arg(long)]
        quick: bool,
    },
    /// Runs one storm in this program, and prints its rows for `all`.
    One {
        /// Which one.
        name: String,
        /// A twentieth of everything.
        #[arg(long)]
        quick: bool,
    },
    /// A mixed load in real time; each minute everything has to be back at the baseline.
    Soak {
        /// How long.
        #[arg(long)]
        minutes: u64,
    },
    /// Lists the storms.
    List,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::All { only, quick } => conductor::all(&only, quick),
        Command::One { name, quick } => {
            let storm = catalogue::find(&name)?;
            hush::install();
            let mut scene = Scene::new(storm.name, quick);
            (storm.run)(&mut scene)?;
            scene.end()
        }
        Command::Soak { minutes } => {
            hush::install();
            soak::run(minutes)
        }
        Command::List => {
            for storm in catalogue::STORMS {
                println!("{:<10} {}", storm.name, storm.about);
            }
            Ok(())
        }
    }
}
