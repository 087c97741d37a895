//! `cargo xtask sim`: plays the simulations, and adds up what was explored.
#![allow(clippy::disallowed_methods, reason = "whoever asks for hours means those on the wall")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::runner::Runner;
use crate::workspace::Workspace;

/// Which simulations are played, and how much of them.
#[derive(Debug, Default)]
pub(crate) struct Plan<'a> {
    /// So many seeds for each way to explore a scenario, instead of what is said there.
    pub(crate) seeds: Option<u64>,
    /// The first seed.
    pub(crate) from: u64,
    /// Those whose names contain this.
    pub(crate) only: Option<&'a str>,
    /// Again and again, with other seeds each time, for so many hours.
    pub(crate) hours: Option<f64>,
}

/// With hours, so many seeds at a time unless told otherwise.
const SEEDS: u64 = 100;

/// Plays the simulations of the plan.
pub(crate) fn run(workspace: &Workspace, plan: &Plan<'_>) -> Result<()> {
    let package = workspace.package_in("simulations")?;
    let folder = workspace.root.join("target/simulations");
    let begun = Instant::now();
    let hours = plan.hours.map(|hours| Duration::from_secs_f64(hours * 3600.0));
    let seeds = plan.seeds.or_else(|| hours.map(|_| SEEDS));
    let mut sums = Sums::default();
    let mut from = plan.from;
    loop {
        if folder.exists() {
            fs::remove_dir_all(&folder).context("forgetting what was explored before")?;
        }
        let runner = Runner::of_this_machine();
        let mut selection = vec![runner.profile_option(), "proof", "-p", &package];
        if seeds.is_some() {
            // What else there is checks the simulator itself, by numbers that are chosen with care.
            selection.extend(["--test", "scenarios"]);
        }
        selection.extend(plan.only);
        let mut program = runner.program(workspace, &selection);
        if let Some(seeds) = seeds {
            program = program.env("FAUXTP_SIM_SEEDS", &seeds.to_string());
        }
        let program = program.env("FAUXTP_SIM_SUMS", &folder.display().to_string());
        program.env("FAUXTP_SIM_FROM", &from.to_string()).run()?;
        sums.read(&folder)?;
        from += seeds.unwrap_or_default();
        if hours.is_none_or(|hours| begun.elapsed() >= hours) {
            break;
        }
    }
    sums.print();
    Ok(())
}

/// What was explored: runs, steps, orders, points, crashes; by scenario.
#[derive(Debug, Default)]
struct Sums(BTreeMap<String, [u64; 5]>);

const COLUMNS: [&str; 5] = ["runs", "steps", "orders", "points", "crashes"];

impl Sums {
    /// Adds what the scenarios have written down: lines of a name, the way it was explored, and numbers.
    fn read(&mut self, folder: &Path) -> Result<()> {
        // Nothing was explored, but what is no scenario.
        if !folder.exists() {
            return Ok(());
        }
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            for line in fs::read_to_string(&path)?.lines() {
                let mut fields = line.split('\t');
                let scenario = fields.next().unwrap_or_default().to_owned();
                let sums = self.0.entry(scenario).or_default();
                for (sum, field) in sums.iter_mut().zip(fields.skip(1)) {
                    let number: u64 = field.parse().with_context(|| format!("in {path:?}"))?;
                    *sum += number;
                }
            }
        }
        Ok(())
    }

    fn print(&self) {
        let row = |name: &str, cells: [String; 5]| {
            println!("{name:<24}{}", cells.map(|cell| format!("{cell:>14}")).concat());
        };
        row("scenario", COLUMNS.map(str::to_owned));
        for (scenario, sums) in &self.0 {
            row(scenario, sums.map(|sum| sum.to_string()));
        }
        let all = self.0.values().fold([0; 5], |mut all, sums| {
            all.iter_mut().zip(sums).for_each(|(all, sum)| *all += sum);
            all
        });
        row(&format!("{} scenarios", self.0.len()), all.map(|sum: u64| sum.to_string()));
    }
}
