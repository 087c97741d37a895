//! `cargo xtask sim`: plays the simulations.

use anyhow::Result;

use crate::runner::Runner;
use crate::workspace::Workspace;

/// Plays the simulations whose names contain `only`, with as many seeds as each of them says, or as are asked for.
pub(crate) fn run(
    workspace: &Workspace,
    seeds: Option<u64>,
    from: u64,
    only: Option<&str>,
) -> Result<()> {
    let package = workspace.package_in("simulations")?;
    let mut selection = vec!["--release", "-p", &package];
    selection.extend(only);
    let mut program = Runner::of_this_machine().program(workspace, &selection);
    if let Some(seeds) = seeds {
        program = program.env("FAUXTP_SIM_SEEDS", &seeds.to_string());
    }
    program.env("FAUXTP_SIM_FROM", &from.to_string()).run()
}
