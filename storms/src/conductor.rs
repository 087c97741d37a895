//! Runs the storms, each in a program of its own, and prints the table.
//!
//! A program of its own has a memory of its own, and if it dies, of a stack overflow say, the table tells of it.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::catalogue::{self, STORMS, Storm};
use crate::row::{HEADER, Row};

/// Runs all storms, or those named in `only`.
pub(crate) fn all(only: &[String], quick: bool) -> Result<()> {
    let mut chosen: Vec<Storm> = Vec::new();
    for name in only {
        chosen.push(catalogue::find(name)?);
    }
    if only.is_empty() {
        chosen.extend(STORMS.into_iter().filter(|storm| storm.usual));
    }
    println!("{HEADER}");
    let mut failed = Vec::new();
    for storm in chosen {
        let mut arguments = vec!["one", storm.name];
        arguments.extend(quick.then_some("--quick"));
        if !run(&arguments)? {
            failed.push(storm.name);
        }
    }
    if !failed.is_empty() {
        bail!("these storms have done harm: {}", failed.join(", "));
    }
    Ok(())
}

/// Runs this program once more, prints its rows as they come, and says whether it has succeeded.
fn run(arguments: &[&str]) -> Result<bool> {
    let program = env::current_exe().context("finding this program")?;
    let mut child = Command::new(program)
        .args(arguments)
        // Whoever wants a stack for each of a million panics gets it, elsewhere.
        .env("RUST_BACKTRACE", "0")
        // One heap of the C library's: of several, what is free in one is of no use to the others, and differs from run
        // to run. And what is large always goes back to the system. Elsewhere these mean nothing.
        .env("MALLOC_ARENA_MAX", "1")
        .env("MALLOC_MMAP_THRESHOLD_", "1048576")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting a storm")?;
    let output = child.stdout.take().context("its output was asked to be a pipe")?;
    for line in BufReader::new(output).lines() {
        let line = line.context("reading what a storm tells")?;
        match Row::parse(&line) {
            Some(row) => println!("{}", row.shown()),
            None => println!("{line}"),
        }
    }
    Ok(child.wait().context("waiting for a storm")?.success())
}
