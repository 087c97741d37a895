//! `cargo xtask test`: everything that must hold, one step after another.
#![allow(clippy::disallowed_methods, reason = "steps are timed for the person who waits for them")]

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::bench;
use crate::book;
use crate::conformance;
use crate::coverage::{self, Selection};
use crate::models::{self, Length};
use crate::oracle;
use crate::prerequisites;
use crate::program::Program;
use crate::runner::Runner;
use crate::sanitizers;
use crate::simulations::{self, Plan};
use crate::storms;
use crate::tidy;
use crate::workspace::Workspace;

/// One step: its name, and what it does.
type Step = (&'static str, fn(&Workspace) -> Result<()>);

/// The steps, cheap ones first. A later step may rely on what the earlier ones have found.
const STEPS: &[Step] = &[
    ("prerequisites", |_| prerequisites::ensure()),
    ("fmt", |workspace| cargo(workspace, ["fmt", "--all", "--", "--check"])),
    ("clippy", |workspace| {
        cargo(workspace, ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
    }),
    ("tidy", tidy::run),
    ("docs", docs),
    ("tests", tests),
    ("doc-tests", |workspace| cargo(workspace, ["test", "--doc", "--workspace"])),
    ("coverage", |workspace| coverage::judge(workspace, &tested(workspace)?)),
    ("sanitizers", leaks),
    ("models", |workspace| models::run(workspace, Length::Short)),
    ("oracle", |workspace| oracle::run(workspace, ORACLE.map(str::to_owned).into())),
    ("simulations", |workspace| simulations::run(workspace, &Plan::default())),
    ("examples", |workspace| Runner::of_this_machine().run_package(workspace, EXAMPLES)),
    ("tour", tour),
    ("storms", |workspace| storms::run(workspace, &[], true)),
    ("benches", bench::check),
    ("costs", |workspace| bench::costs(workspace, false)),
    ("book", |workspace| book::render(workspace).and_then(|()| book::peers(workspace))),
];

/// The same histories each time, so that a change is judged by what it changes. About one new one in half a million
/// still differs by a combination of known differences that nobody has described; those are for `cargo xtask oracle`.
const ORACLE: [&str; 2] = ["--seed", "210828243726143"];

/// Folders of the packages that have a step of their own.
const CONFORMANCE: &str = "conformance";
const EXAMPLES: &str = "examples";
const SIMULATIONS: &str = "simulations";
const TOUR: &str = "crates/tour";

/// The tests that are about the core.
pub(crate) fn core(workspace: &Workspace) -> Result<Selection> {
    let mut selection = Selection::new();
    for folder in ["crates/logic", "crates/runtime", CONFORMANCE] {
        selection.extend(["-p".to_owned(), workspace.package_in(folder)?]);
    }
    Ok(selection)
}

/// Those of them that have processes come and go in all ways there are.
fn leaks(workspace: &Workspace) -> Result<()> {
    let package = workspace.package_in(CONFORMANCE)?;
    sanitizers::run(workspace, &["-p", &package, "--test", "processes"].map(str::to_owned))
}

/// What is tested in the step `tests`, where lines are counted; in the last of them, conformance.
pub(crate) fn tested(workspace: &Workspace) -> Result<Vec<Selection>> {
    let mut units = vec!["--workspace".to_owned()];
    for folder in [EXAMPLES, SIMULATIONS, TOUR] {
        units.extend(["--exclude".to_owned(), workspace.package_in(folder)?]);
    }
    let package = workspace.package_in(CONFORMANCE)?;
    Ok(match Runner::of_this_machine() {
        Runner::Nextest => vec![units],
        // It does not say which package a test is from.
        Runner::CargoTest => {
            units.extend(["--exclude".to_owned(), package.clone()]);
            vec![units, vec!["-p".to_owned(), package]]
        }
    })
}

/// Runs the steps, or those named in `only`, and ends with a table of what took how long.
pub(crate) fn run(workspace: &Workspace, only: &[String]) -> Result<()> {
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.0 != **name)) {
        let names: Vec<_> = STEPS.iter().map(|step| step.0).collect();
        bail!("there is no step `{unknown}`; the steps are {}", names.join(", "));
    }
    let mut done = Vec::new();
    let mut outcome = Ok(());
    for &(name, work) in STEPS {
        if !only.is_empty() && !only.iter().any(|chosen| chosen == name) {
            continue;
        }
        println!("\n━━━ {name} ━━━");
        let began = Instant::now();
        outcome = work(workspace).with_context(|| format!("step `{name}` failed"));
        done.push((name, began.elapsed(), outcome.is_ok()));
        if outcome.is_err() {
            break;
        }
    }
    print!("{}", summary(&done));
    outcome
}

fn docs(workspace: &Workspace) -> Result<()> {
    // Twice: a link to a private item is a mistake only where private items are not documented.
    for private in [None, Some("--document-private-items")] {
        Program::cargo()
            .args(["doc", "--workspace", "--no-deps"])
            .args(private)
            .env("RUSTDOCFLAGS", "-Dwarnings")
            .directory(workspace.root.clone())
            .run()?;
    }
    Ok(())
}

/// The tests of everything that has no step of its own.
fn tests(workspace: &Workspace) -> Result<()> {
    coverage::forget(workspace)?;
    let mut programs = Vec::new();
    for selection in tested(workspace)? {
        programs.push(coverage::tested(workspace, &selection));
    }
    let with_conformance = programs.pop().context("something is tested")?;
    programs.into_iter().try_for_each(Program::run)?;
    conformance::check(workspace, with_conformance)
}

fn tour(workspace: &Workspace) -> Result<()> {
    Runner::of_this_machine().run_package(workspace, TOUR)?;
    Program::cargo()
        .args(["run", "--release", "--", "--seconds", "10", "--seed", "1"])
        .directory(workspace.root.clone())
        .run_without_terminal()
}

fn cargo<const N: usize>(workspace: &Workspace, arguments: [&str; N]) -> Result<()> {
    Program::cargo().args(arguments).directory(workspace.root.clone()).run()
}

/// The closing table: step, seconds, and which one failed.
fn summary(done: &[(&str, Duration, bool)]) -> String {
    let mut text = "\nstep             seconds\n".to_owned();
    for (name, took, succeeded) in done {
        let mark = if *succeeded { "" } else { "  FAILED" };
        text += &format!("{name:<16} {:>7.1}{mark}\n", took.as_secs_f64());
    }
    let total: Duration = done.iter().map(|step| step.1).sum();
    text + &format!("{:<16} {:>7.1}\n", "total", total.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_has_every_step_and_marks_the_failed_one() {
        let second = Duration::from_secs(1);
        let text = summary(&[("fmt", second, true), ("clippy", 3 * second, false)]);
        assert!(text.contains("fmt                  1.0\n"), "{text}");
        assert!(text.contains("clippy               3.0  FAILED\n"), "{text}");
        assert!(text.contains("total                4.0\n"), "{text}");
    }

    #[test]
    fn an_unknown_step_is_refused_with_the_list_of_steps() {
        let workspace = Workspace { root: ".".into() };
        let error = run(&workspace, &["fnt".to_owned()]).expect_err("there is no such step");
        assert!(error.to_string().contains("prerequisites, fmt, clippy"), "{error}");
    }
}
