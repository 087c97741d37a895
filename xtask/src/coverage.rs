//! `cargo xtask coverage`: which lines of the core the tests reach, and which they do not.

mod lines;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use crate::program::Program;
use crate::runner::Runner;
use crate::tools;
use crate::workspace::Workspace;

use lines::{Coverage, parse};

/// Of all lines of the core, at least so many in a hundred are reached.
const CORE_MIN: f64 = 95.0;

/// Where the core is.
const CORE: [&str; 2] = ["crates/logic/src/", "crates/runtime/src/"];

/// Where every line is reached that can be: what supervisors decide and do, and the way of every exit.
const WHOLE: &[&str] = &[
    "crates/logic/src/backoff.rs",
    "crates/logic/src/budget.rs",
    "crates/logic/src/pool.rs",
    "crates/logic/src/pool/",
    "crates/logic/src/relations.rs",
    "crates/logic/src/signal.rs",
    "crates/logic/src/supervisor.rs",
    "crates/logic/src/supervisor/",
    "crates/runtime/src/process/farewell.rs",
    "crates/runtime/src/process/intake.rs",
    "crates/runtime/src/process/life.rs",
    "crates/runtime/src/supervisor/dynamic/shell.rs",
    "crates/runtime/src/supervisor/dynamic/shell/",
    "crates/runtime/src/supervisor/orphans.rs",
    "crates/runtime/src/supervisor/shell.rs",
    "crates/runtime/src/supervisor/shell/",
];

/// Where what is counted is built, and where the counts are; from the root of the repository.
const BUILD: &str = "target/coverage";
const COUNTS: &str = "target/coverage/counts";

/// So many seeds for each way to explore a simulation: what is counted is slow, and lines are reached soon.
const SEEDS: &str = "3";

/// The simulations that are played for the lines of the simulator; the others need an optimised build.
const PLAYED: [&str; 4] = ["--test", "scenarios", "--test", "gallery"];

/// Which tests cargo is to build and run.
pub(crate) type Selection = Vec<String>;

/// Runs the tests of the core, and tells what they reach; fails if that is too little.
pub(crate) fn run(workspace: &Workspace, tests: &[Selection]) -> Result<()> {
    forget(workspace)?;
    for selection in tests {
        tested(workspace, selection).run()?;
    }
    judge(workspace, tests)
}

/// The program that runs tests, and counts.
pub(crate) fn tested(workspace: &Workspace, selection: &Selection) -> Program {
    let selection: Vec<_> = selection.iter().map(String::as_str).collect();
    counted(workspace, Runner::of_this_machine().program(workspace, &selection))
}

/// Forgets what was counted before.
pub(crate) fn forget(workspace: &Workspace) -> Result<()> {
    let counts = workspace.root.join(COUNTS);
    if counts.exists() {
        fs::remove_dir_all(&counts).context("forgetting what was counted before")?;
    }
    Ok(())
}

/// Has cargo build its programs in such a way that they count how often each line runs.
pub(crate) fn counted(workspace: &Workspace, program: Program) -> Program {
    // Some processes at a time share a file, or there would be thousands.
    let counts = workspace.root.join(COUNTS).join("%4m.profraw");
    program
        // The tools that read it are built without zlib.
        .env("RUSTFLAGS", "-Cinstrument-coverage -Cllvm-args=-enable-name-compression=false")
        .env("LLVM_PROFILE_FILE", &counts.display().to_string())
        .env("CARGO_TARGET_DIR", &workspace.root.join(BUILD).display().to_string())
}

/// Plays some simulations on top of what was counted of these tests, and judges the sum.
pub(crate) fn judge(workspace: &Workspace, tests: &[Selection]) -> Result<()> {
    let mut played = vec!["-p".to_owned(), workspace.package_in("simulations")?];
    played.extend(PLAYED.map(str::to_owned));
    tested(workspace, &played).env("FAUXTP_SIM_SEEDS", SEEDS).run()?;
    let mut programs = Vec::new();
    for selection in tests.iter().chain([&played]) {
        programs.extend(programs_of(workspace, selection)?);
    }
    verdict(workspace, &report(workspace, &programs)?)
}

/// Adds up all counts. Which lines they are about is said in the programs.
fn report(workspace: &Workspace, programs: &[String]) -> Result<String> {
    let llvm = tools::llvm(workspace)?;
    let folder = workspace.root.join(COUNTS);
    let entries = fs::read_dir(&folder).context("nothing was counted: run the tests first")?;
    let counts = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    let sum = workspace.root.join(BUILD).join("counts.profdata").display().to_string();
    let merge = ["merge", "--sparse", "--output", &sum];
    let (_, merged) = Program::new(&llvm.profdata).args(merge).args(counts).output()?;
    ensure!(merged, "the counts could not be added up");
    let export = Program::new(&llvm.cov)
        .args(["export", "--format", "lcov", "--instr-profile", &sum])
        .args(programs.iter().flat_map(|program| ["--object", program]));
    let (report, exported) = export.output()?;
    ensure!(exported, "the counts could not be read");
    Ok(report)
}

/// The test programs of a selection. They must be asked for as they were when they ran: who else is built with them
/// decides on their features.
fn programs_of(workspace: &Workspace, selection: &Selection) -> Result<Vec<String>> {
    let build = Program::cargo()
        .args(["test", "--no-run", "--message-format", "json"])
        .args(selection)
        .directory(workspace.root.clone());
    let (messages, built) = counted(workspace, build).output()?;
    ensure!(built, "the tests could not be built");
    Ok(messages.lines().filter_map(executable_in).collect())
}

/// The program that one message of cargo's says it has built.
fn executable_in(message: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    message.get("executable")?.as_str().map(str::to_owned)
}

/// Says what is reached, and whether that is enough.
fn verdict(workspace: &Workspace, report: &str) -> Result<()> {
    let root = format!("{}/", workspace.root.display());
    let is_core = |path: &str| CORE.iter().any(|folder| path.starts_with(folder));
    for part in WHOLE {
        ensure!(
            workspace.root.join(part).exists(),
            "{part} has to be reached as a whole, but is not there"
        );
    }
    let mut core = Coverage::default();
    let mut missed = Vec::new();
    for (path, lines) in parse(report) {
        let Some(path) = path.strip_prefix(&root).filter(|path| is_core(path)) else { continue };
        let source = workspace.read(path)?;
        let found = Coverage::of(&lines, &source);
        println!(
            "{:>6.1} %  {:>5} of {:>5}  {path}",
            found.percent(),
            found.reached,
            found.lines()
        );
        if WHOLE.iter().any(|part| path.starts_with(part)) {
            missed.extend(found.missed.iter().map(|line| format!("{path}:{line}")));
        }
        core.add(found);
    }
    println!("{:>6.1} %  {:>5} of {:>5}  the core", core.percent(), core.reached, core.lines());
    for place in &missed {
        println!("not reached: {place}");
    }
    ensure!(core.lines() > 0, "the report has no file of the core");
    ensure!(core.percent() >= CORE_MIN, "tests reach less than {CORE_MIN} % of the core");
    ensure!(
        missed.is_empty(),
        "{} lines of supervisors and of the way of exits are not reached: test them, or say in a comment \
         `// unreached: …` why they cannot be",
        missed.len()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_what_cargo_says() {
        let said = r#"{"reason":"compiler-artifact","executable":"/x/core-1"}"#;
        assert_eq!(executable_in(said).as_deref(), Some("/x/core-1"));
        for other in [r#"{"reason":"compiler-artifact","executable":null}"#, "{}", "noise"] {
            assert_eq!(executable_in(other), None, "{other}");
        }
    }
}
