//! `cargo xtask fuzz`: random bytes for everything that reads bytes.

use anyhow::{Context as _, Result, ensure};

use crate::tools;
use crate::workspace::Workspace;

/// Where the targets are; a workspace of its own, for it is built in a way of its own.
const FOLDER: &str = "examples/fuzz";

const CARGO_FUZZ: &str = "0.13.2";

/// Runs each target for so many seconds. What it finds interesting is kept under `target`; what it finds wrong is
/// printed, and fails.
pub(crate) fn run(workspace: &Workspace, seconds: u32) -> Result<()> {
    let folder = workspace.root.join(FOLDER);
    let targets = targets(&folder.join("targets"))?;
    ensure!(!targets.is_empty(), "there are no targets in {FOLDER}/targets");
    for target in targets {
        let found = workspace.root.join("target/fuzz").join(&target);
        std::fs::create_dir_all(&found).context("a folder for what is found")?;
        let seeds = folder.join("corpus").join(&target);
        tools::cargo_subcommand(workspace, "fuzz", CARGO_FUZZ)?
            .args(["run", "--fuzz-dir", FOLDER, "--target-dir", "target/fuzz/build", &target])
            .args([found, seeds])
            .args(["--", &format!("-max_total_time={seconds}")])
            .args([
                "-dict=examples/fuzz/requests.dict",
                "-rss_limit_mb=512",
                "-timeout=10",
                "-print_final_stats=1",
            ])
            // The sanitizers are unstable options of rustc's, which every toolchain has.
            .env("RUSTC_BOOTSTRAP", "1")
            .run()
            .with_context(|| format!("the input that failed is in {FOLDER}/artifacts/{target}"))?;
    }
    Ok(())
}

/// The names of the targets, in order.
fn targets(folder: &std::path::Path) -> Result<Vec<String>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("could not list {folder:?}"))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}
