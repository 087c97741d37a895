//! `cargo xtask storm` and `cargo xtask soak`: the programs in storms/.

use anyhow::Result;

use crate::program::Program;
use crate::workspace::Workspace;

/// Runs the storms, or those named in `only`.
pub(crate) fn run(workspace: &Workspace, only: &[String], quick: bool) -> Result<()> {
    let only = (!only.is_empty()).then(|| format!("--only={}", only.join(",")));
    program(workspace).args(["all"]).args(only).args(quick.then_some("--quick")).run()
}

/// Runs a mixed load for so many minutes.
pub(crate) fn soak(workspace: &Workspace, minutes: u64) -> Result<()> {
    program(workspace).args(["soak", "--minutes", &minutes.to_string()]).run()
}

fn program(workspace: &Workspace) -> Program {
    Program::cargo()
        .args(["run", "--release", "--quiet", "-p", "fauxtp-storms", "--"])
        .directory(workspace.root.clone())
}
