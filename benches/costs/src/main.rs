//! What single operations cost, in instructions and in allocations: `cargo xtask costs`.
//!
//! Time depends on the machine and on whatever else it does; these figures hardly do. An operation is done a few times,
//! and more often, in programs of their own that valgrind watches; the difference is what it costs. The figures are
//! kept in `costs.txt`, and whoever makes something dearer has to write there what that buys.

mod operation;
mod table;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use operation::Operation;
use table::Table;

/// What single operations cost, in instructions and allocations.
#[derive(Debug, Parser)]
enum Command {
    /// Measures everything in a table, and fails if something has become dearer than is written there.
    Check {
        /// Where the figures are kept.
        table: PathBuf,
        /// Writes down what was measured instead.
        #[arg(long)]
        write: bool,
    },
    /// Does something so many times, and nothing else.
    Do {
        /// What.
        operation: Operation,
        /// How often.
        times: u64,
    },
}

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Do { operation, times } => operation.run(times),
        Command::Check { table, write } => {
            let mut kept = Table::read(&table)?;
            let dearer = kept.compare(watch::cost)?;
            if write {
                return kept.write(&table);
            }
            anyhow::ensure!(
                dearer.is_empty(),
                "dearer than {} says: {}; if it is worth that, say there what for, and `cargo xtask costs --write`",
                table.display(),
                dearer.join(", ")
            );
            Ok(())
        }
    }
}
