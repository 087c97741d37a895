//! `cargo xtask bench`: the programs in benches/.
//!
//! They are a workspace of their own, so that the peers we measure are not in our lock file.

use anyhow::Result;

use crate::program::Program;
use crate::workspace::Workspace;

/// Runs the driver, which builds what it measures.
pub(crate) fn run(workspace: &Workspace, arguments: Vec<String>) -> Result<()> {
    cargo(workspace)
        .args(["run", "--locked", "--quiet", "-p", "fauxtp-bench", "--"])
        .args(arguments)
        .run()
}

/// Makes sure that everything is in order but the peers: nobody waits for these who does not want to measure them.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    cargo(workspace).args(["fmt", "--all", "--check"]).run()?;
    cargo(workspace).args(["clippy", "--locked", "--all-targets", "--", "-D", "warnings"]).run()?;
    cargo(workspace).args(["test", "--locked", "--quiet"]).run()
}

/// Measures what single operations cost, in instructions and allocations. Fails if something has become dearer than is
/// written down, unless it is to be written down.
pub(crate) fn costs(workspace: &Workspace, write: bool) -> Result<()> {
    cargo(workspace)
        .args(["run", "--locked", "--release", "--quiet", "-p", "fauxtp-bench-costs", "--"])
        .args(["check", "costs.txt"])
        .args(write.then_some("--write"))
        .run()
}

fn cargo(workspace: &Workspace) -> Program {
    Program::cargo().directory(workspace.root.join("benches"))
}
