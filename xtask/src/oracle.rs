//! `cargo xtask oracle`: compares fauxtp with Erlang/OTP on random histories.

use anyhow::Result;

use crate::prerequisites;
use crate::program::Program;
use crate::workspace::Workspace;

/// Runs the oracle with these arguments. Needs Erlang, which is why the prerequisites come first; and speed.
pub(crate) fn run(workspace: &Workspace, arguments: Vec<String>) -> Result<()> {
    prerequisites::ensure()?;
    Program::cargo()
        .args(["run", "--release", "-p", "fauxtp-oracle", "--"])
        .args(arguments)
        // Every other child panics, and nobody looks at the stack.
        .env("RUST_BACKTRACE", "0")
        .directory(workspace.root.clone())
        .run()
}
