//! What the steps need from the machine, installed where we may.

use std::env;

use anyhow::{Result, bail};

use crate::program::Program;
use crate::runner::Runner;

/// Programs of other people that the tests start, each with the Debian package that has it.
const PROGRAMS: [(&str, &str); 2] =
    [("redis-cli", "redis-tools"), ("redis-benchmark", "redis-tools")];

/// Subcommands of cargo that are components of the toolchain: the subcommand and the component.
const COMPONENTS: [(&str, &str); 2] = [("fmt", "rustfmt"), ("clippy", "clippy")];

/// Makes sure that everything is there, or says what is missing and how to get it.
pub(crate) fn ensure() -> Result<()> {
    components()?;
    debian_packages()?;
    if Runner::of_this_machine() == Runner::CargoTest {
        println!("cargo-nextest is not installed; the tests run with `cargo test` instead.");
    }
    Ok(())
}

fn components() -> Result<()> {
    let missing = || {
        let absent = |subcommand| !Program::cargo().args([subcommand, "--version"]).succeeds();
        COMPONENTS.into_iter().filter(move |(subcommand, _)| absent(*subcommand))
    };
    let names: Vec<_> = missing().map(|(_, component)| component).collect();
    if names.is_empty() {
        return Ok(());
    }
    if is_on_path("rustup") {
        Program::new("rustup").args(["component", "add"]).args(names).run()?;
    }
    match missing().next() {
        None => Ok(()),
        Some((subcommand, component)) => bail!(
            "`cargo {subcommand}` does not work: install it with `rustup component add {component}`"
        ),
    }
}

fn debian_packages() -> Result<()> {
    let mut packages: Vec<_> = missing_programs().map(|(_, package)| package).collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    if is_on_path("apt-get") && is_root() {
        apt_get().args(["update"]).run()?;
        let install = apt_get().args(["install", "-y", "--no-install-recommends"]);
        install.args(packages.iter().copied()).run()?;
    }
    match missing_programs().next() {
        None => Ok(()),
        Some((program, _)) => bail!(
            "`{program}` is missing: install {0} (as root: apt-get install {0})",
            packages.join(" "),
        ),
    }
}

fn missing_programs() -> impl Iterator<Item = (&'static str, &'static str)> {
    PROGRAMS.into_iter().filter(|(program, _)| !is_on_path(program))
}

fn apt_get() -> Program {
    Program::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive")
}

fn is_on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn is_root() -> bool {
    Program::new("id").args(["-u"]).output().is_ok_and(|(user, _)| user.trim() == "0")
}
