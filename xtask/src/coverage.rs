//! `cargo xtask coverage`: which lines of the core the tests reach, and which they do not.

mod lines;

use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::runner::Runner;
use crate::tools;
use crate::workspace::Workspace;

use lines::{Coverage, parse};

/// Of all lines of the core, at least so many in a hundred are reached.
const CORE_MIN: f64 = 95.0;

/// Where the core is.
const CORE: [&str; 2] = ["crates/logic/src/", "crates/runtime/src/"];

/// Where every line is reached that can be: what supervisors decide and do, and the way of every exit.
const WHOLE: [&str; 15] = [
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
    "crates/runtime/src/supervisor/shell.rs",
    "crates/runtime/src/supervisor/shell/",
];

/// The version that reads what rustc writes.
const LLVM_COV: &str = "0.9.1";

/// Runs the tests of these packages, and tells what they reach; fails if that is too little.
pub(crate) fn run(workspace: &Workspace, packages: &[String]) -> Result<()> {
    let llvm = tools::llvm(workspace)?;
    let report = workspace.root.join("target/coverage.info");
    let command = || {
        let program = tools::cargo_subcommand(workspace, "llvm-cov", LLVM_COV)?;
        anyhow::Ok(
            program
                .env("LLVM_COV", &llvm.cov)
                .env("LLVM_PROFDATA", &llvm.profdata)
                // These tools are built without zlib.
                .env("RUSTFLAGS", "-Cllvm-args=-enable-name-compression=false"),
        )
    };
    let selection = packages.iter().flat_map(|package| ["-p".to_owned(), package.clone()]);
    let runner = match Runner::of_this_machine() {
        Runner::Nextest => "nextest",
        Runner::CargoTest => "test",
    };
    command()?.args([runner, "--no-report"]).args(selection).run()?;
    let output = report.display().to_string();
    command()?.args(["report", "--lcov", "--output-path", &output]).run()?;
    let text = fs::read_to_string(&report).context("the report was not written")?;
    judge(workspace, &text)
}

/// Says what is reached, and whether that is enough.
fn judge(workspace: &Workspace, report: &str) -> Result<()> {
    let root = format!("{}/", workspace.root.display());
    let is_core = |path: &str| CORE.iter().any(|folder| path.starts_with(folder));
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
