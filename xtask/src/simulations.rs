//! `cargo xtask sim`: plays the simulations, and adds up what was explored.
#![allow(clippy::disallowed_methods, reason = "whoever asks for hours means those on the wall")]

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

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

/// What must have been explored whenever everything is played in its usual size, or the simulations have shrunk unnoticed:
/// so many scenarios, so many crashes where every await has its turn, and so many decisions of the scheduler in all.
const SCENARIOS_MIN: usize = 30;
const CRASHES_AT_AWAITS_MIN: u64 = 100_000;
const DECISIONS_MIN: u64 = 100_000_000;

/// How the variables begin that decide what is played. Those of the shell around us must not: one run replayed would pass
/// for all of them.
const VARIABLES: &str = "FAUXTP_SIM";

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
        if seeds.is_some() || plan.only.is_some() {
            // What else there is checks the simulator itself, by numbers that are chosen with care.
            selection.extend(["--test", "scenarios"]);
        }
        selection.extend(plan.only);
        let mut program = runner.program(workspace, &selection);
        for (name, _) in env::vars_os().filter(|(name, _)| is_ours(name)) {
            program = program.without_env(&name);
        }
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
    sums.check(plan)
}

fn is_ours(variable: &OsStr) -> bool {
    variable.to_string_lossy().starts_with(VARIABLES)
}

/// What was explored.
#[derive(Debug, Default)]
struct Sums {
    /// Runs, steps, orders, points, crashes; by scenario.
    scenarios: BTreeMap<String, [u64; 5]>,
    /// How many of the crashes there were where every await had its turn.
    crashes_at_awaits: u64,
}

const COLUMNS: [&str; 5] = ["runs", "steps", "orders", "points", "crashes"];

impl Sums {
    /// Adds what the scenarios have written down: lines of a name, the way it was explored, and numbers.
    fn read(&mut self, folder: &Path) -> Result<()> {
        // No scenario was played.
        if !folder.exists() {
            return Ok(());
        }
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            for line in fs::read_to_string(&path)?.lines() {
                self.add(line).with_context(|| format!("in {path:?}: `{line}`"))?;
            }
        }
        Ok(())
    }

    fn add(&mut self, line: &str) -> Result<()> {
        let fields: Vec<_> = line.split('\t').collect();
        let [scenario, how, numbers @ ..] = &*fields else { bail!("there is no way in it") };
        let numbers: Vec<u64> =
            numbers.iter().map(|number| number.parse()).collect::<Result<_, _>>()?;
        let numbers: [u64; 5] = numbers.try_into().ok().context("there are not five numbers")?;
        let sums = self.scenarios.entry((*scenario).to_owned()).or_default();
        sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
        if *how == "every await" {
            self.crashes_at_awaits += numbers[4];
        }
        Ok(())
    }

    fn all(&self) -> [u64; 5] {
        self.scenarios.values().fold([0; 5], |mut all, sums| {
            all.iter_mut().zip(sums).for_each(|(all, sum)| *all += sum);
            all
        })
    }

    /// An error if nothing was played, or, of everything in its usual size, less than there should be.
    fn check(&self, plan: &Plan<'_>) -> Result<()> {
        let (count, crashes) = (self.scenarios.len(), self.crashes_at_awaits);
        let [runs, decisions, ..] = self.all();
        ensure!(runs > 0, "no scenario was played: {:?} is in no name", plan.only.unwrap_or(""));
        if (plan.seeds, plan.only, plan.hours) == (None, None, None) {
            ensure!(count >= SCENARIOS_MIN, "{count} scenarios, not {SCENARIOS_MIN}");
            let enough = crashes >= CRASHES_AT_AWAITS_MIN;
            ensure!(enough, "{crashes} crashes at awaits, not {CRASHES_AT_AWAITS_MIN}");
            ensure!(decisions >= DECISIONS_MIN, "{decisions} decisions, not {DECISIONS_MIN}");
        }
        Ok(())
    }

    fn print(&self) {
        let row = |name: &str, cells: [String; 5]| {
            println!("{name:<24}{}", cells.map(|cell| format!("{cell:>14}")).concat());
        };
        row("scenario", COLUMNS.map(str::to_owned));
        for (scenario, sums) in &self.scenarios {
            row(scenario, sums.map(|sum| sum.to_string()));
        }
        let count = self.scenarios.len();
        row(&format!("{count} scenarios"), self.all().map(|sum| sum.to_string()));
        println!("{} crashes where every await had its turn", self.crashes_at_awaits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many scenarios, each with so many crashes at awaits, and so many decisions.
    fn sums(scenarios: usize, crashes: u64, decisions: u64) -> Sums {
        let mut sums = Sums::default();
        for number in 0..scenarios {
            sums.add(&format!("s{number}\tevery await\t9\t{decisions}\t1\t9\t{crashes}"))
                .expect("a line");
            sums.add(&format!("s{number}\tat random\t9\t0\t1\t9\t1000000")).expect("a line");
        }
        sums
    }

    #[test]
    fn too_little_is_an_error_unless_it_was_asked_for() {
        let few = Plan { only: Some("s1"), ..Plan::default() };
        for (sums, enough) in [
            (sums(30, 4_000, 4_000_000), true),
            (sums(29, 4_000, 4_000_000), false),
            (sums(30, 3_000, 4_000_000), false),
            (sums(30, 4_000, 3_000_000), false),
        ] {
            assert_eq!(sums.check(&Plan::default()).is_ok(), enough);
            assert!(sums.check(&few).is_ok());
        }
        assert!(Sums::default().check(&few).is_err(), "nothing was played");
    }

    #[test]
    fn a_line_that_cannot_be_read_is_an_error() {
        for line in ["", "s", "s\tlate\t1\t2\t3\t4", "s\tlate\t1\t2\t3\t4\tmany"] {
            assert!(Sums::default().add(line).is_err(), "{line}");
        }
    }
}
