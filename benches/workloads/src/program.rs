//! The program that each subject is: `subject-ours sample w3 ct 200` prints the figures of one sample.

use std::env;
use std::panic;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::figure::{Figure, Outcome};
use crate::flavor::Flavor;
use crate::grow::Growth;
use crate::subject::Subject;
use crate::workload::Workload;

/// Does what the command line says.
#[must_use]
pub fn run<S: Subject>() -> ExitCode {
    // Those that are to panic are not to be heard of; who panics else is not verified, and prints no figure.
    panic::set_hook(Box::new(|panic| {
        if panic.payload_as_str() != Some(AS_ASKED) {
            eprintln!("{panic}");
        }
    }));
    match figures::<S>() {
        Ok(figures) => {
            for figure in figures {
                println!("{}", serde_json::json!(figure));
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error:#}", S::NAME);
            ExitCode::FAILURE
        }
    }
}

/// What a child says that panics because it was asked to.
pub const AS_ASKED: &str = "as asked";

fn figures<S: Subject>() -> Result<Vec<Figure>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        ["sample", workload, flavor, milliseconds] => {
            let time = Duration::from_millis(milliseconds.parse().context("read the time")?);
            sample::<S>(workload.parse()?, flavor.parse()?, time)
        }
        ["grow", growth, flavor, number] => {
            let number = number.parse().context("read the number")?;
            grow::<S>(growth.parse()?, flavor.parse()?, number)
        }
        _ => bail!("usage: sample WORKLOAD ct|mt MILLISECONDS, or grow WHAT ct|mt NUMBER"),
    }
}

fn sample<S: Subject>(workload: Workload, flavor: Flavor, time: Duration) -> Result<Vec<Figure>> {
    if let Some(reason) = S::cannot(workload) {
        let outcome = Outcome::Cannot { cannot: reason.to_owned() };
        let figure =
            |row: &&str| Figure { row: (*row).to_owned(), outcome: outcome.clone(), among: None };
        return Ok(workload.rows().iter().map(figure).collect());
    }
    S::enter(flavor, workload.run::<S>(time))?
}

fn grow<S: Subject>(growth: Growth, flavor: Flavor, number: usize) -> Result<Vec<Figure>> {
    ensure!(number > 0, "there is nothing among none");
    S::enter(flavor, growth.run::<S>(number))?
}
