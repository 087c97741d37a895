//! `cargo xtask oracle`: random histories on Erlang/OTP and on ours, compared.

use anyhow::Result;

use crate::prerequisites;
use crate::program::Program;
use crate::workspace::Workspace;

/// Runs the oracles with these arguments; without any, as many histories as a change has to hold for.
pub(crate) fn run(workspace: &Workspace, arguments: Vec<String>) -> Result<()> {
    prerequisites::ensure()?;
    Program::cargo()
        .args(["run", "--profile", "proof", "-p", "fauxtp-oracle", "--"])
        .args(arguments)
        // Every other child panics, and nobody looks at the stack.
        .env("RUST_BACKTRACE", "0")
        .directory(workspace.root.clone())
        .run()
}
