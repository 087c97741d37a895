//! What the steps need from the machine, installed where we may.

use std::env;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::program::Program;
use crate::runner::Runner;

/// What other people have made and the tests need, each with the Debian package that has it.
const OTHERS: [(Thing, &str); 7] = [
    (Thing::Program("redis-cli"), "redis-tools"),
    (Thing::Program("redis-benchmark"), "redis-tools"),
    (Thing::Program("erl"), "erlang-base"),
    (Thing::Program("erlc"), "erlang-base"),
    (Thing::ErlangSource("supervisor.erl"), "erlang-src"),
    (Thing::ErlangSource("gen_server.erl"), "erlang-src"),
    (Thing::Program("valgrind"), "valgrind"),
];

/// Something that is there or not.
#[derive(Clone, Copy, Debug)]
enum Thing {
    /// A program on the PATH.
    Program(&'static str),
    /// A module of Erlang's `stdlib`, as source.
    ErlangSource(&'static str),
}

impl Thing {
    fn is_there(self) -> bool {
        match self {
            Self::Program(name) => is_on_path(name),
            Self::ErlangSource(name) => {
                erlang_sources().is_some_and(|all| all.join(name).is_file())
            }
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Program(name) | Self::ErlangSource(name) => name,
        }
    }
}

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
    let mut packages: Vec<_> = missing_things().map(|(_, package)| package).collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    if is_on_path("apt-get") && is_root() {
        apt_get().args(["update"]).run()?;
        let install = apt_get().args(["install", "-y", "--no-install-recommends"]);
        install.args(packages.iter().copied()).run()?;
    }
    match missing_things().next() {
        None => Ok(()),
        Some((thing, _)) => bail!(
            "`{1}` is missing: install {0} (as root: apt-get install {0})",
            packages.join(" "),
            thing.name(),
        ),
    }
}

fn missing_things() -> impl Iterator<Item = (Thing, &'static str)> {
    OTHERS.into_iter().filter(|(thing, _)| !thing.is_there())
}

/// Where the sources of Erlang's `stdlib` are, if they are installed.
fn erlang_sources() -> Option<PathBuf> {
    let folder = "io:put_chars(code:lib_dir(stdlib)), halt().";
    let erl = Program::new("erl").args(["-noinput", "-boot", "no_dot_erlang", "-eval", folder]);
    let (folder, _) = erl.output().ok().filter(|(_, succeeded)| *succeeded)?;
    Some(PathBuf::from(folder).join("src"))
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
