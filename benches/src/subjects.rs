//! Who is measured: how each is built, and which command takes a sample of it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use fauxtp_bench_workloads::Flavor;
use serde_json::Value;

/// One that is measured.
#[derive(Debug)]
pub(crate) struct Subject {
    /// As tables call it.
    pub(crate) name: &'static str,
    pub(crate) version: String,
    /// What takes a sample.
    runs: Runs,
}

#[derive(Debug)]
enum Runs {
    /// This program.
    Program(PathBuf),
    /// The module `subject` in this folder, in Erlang's emulator.
    Erlang(PathBuf),
}

/// How those that are Rust are called in tables, where their package is, and which crate's version is shown.
const PACKAGES: [(&str, &str, &str); 7] = [
    (OURS, "subject-ours", "fauxtp"),
    (TOKIO, "subject-tokio", "tokio"),
    (RACTOR, "subject-ractor", "ractor"),
    ("kameo", "subject-kameo", "kameo"),
    ("actix", "subject-actix", "actix"),
    ("xtra", "subject-xtra", "xtra"),
    ("coerce", "subject-coerce", "coerce"),
];

/// Ours.
pub(crate) const OURS: &str = "fauxtp";
/// What ours is compared with.
pub(crate) const TOKIO: &str = "tokio";
/// What names are compared with.
pub(crate) const RACTOR: &str = "ractor";

/// Builds those named in `only`, or all, each alone, so that none gets features of a dependency that another wants. Ours and
/// tokio's are always there.
pub(crate) fn ready(only: &[String]) -> Result<Vec<Subject>> {
    let known = || PACKAGES.iter().map(|package| package.0).chain([ERLANG]);
    if let Some(unknown) = only.iter().find(|name| known().all(|known| known != *name)) {
        bail!(
            "there is no subject `{unknown}`; there are {}",
            known().collect::<Vec<_>>().join(", ")
        );
    }
    let wanted = |name: &str| {
        only.is_empty() || [OURS, TOKIO].contains(&name) || only.iter().any(|one| one == name)
    };
    let mut subjects = Vec::new();
    for (name, package, library) in PACKAGES {
        if wanted(name) {
            let program = build(package)?;
            subjects.push(Subject {
                name,
                version: version(library)?,
                runs: Runs::Program(program),
            });
        }
    }
    if wanted(ERLANG) {
        subjects.extend(erlang()?);
    }
    Ok(subjects)
}

impl Subject {
    /// What prints figures when it is run with the arguments of a subject; ended if that takes far too long.
    pub(crate) fn command(&self, arguments: &[&str], flavor: Flavor) -> Command {
        let mut command = Command::new("timeout");
        command.arg(SECONDS_MAX).env("RUST_BACKTRACE", "0");
        match &self.runs {
            Runs::Program(program) => command.arg(program),
            Runs::Erlang(folder) => emulator(&mut command, folder, flavor),
        };
        command.args(arguments);
        command
    }
}

/// Builds a package, and gives its program.
fn build(package: &str) -> Result<PathBuf> {
    eprintln!("building {package}");
    let output = cargo()
        .args(["build", "--release", "--locked", "--message-format", "json", "-p", package])
        .stderr(Stdio::inherit())
        .output()
        .context("start cargo")?;
    ensure!(output.status.success(), "build {package}");
    let messages = String::from_utf8(output.stdout).context("read what cargo says")?;
    let executable = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    };
    messages.lines().filter_map(executable).next_back().context("find what cargo has built")
}

fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo
}

/// The version of a crate in our lock file.
fn version(library: &str) -> Result<String> {
    let lock = include_str!("../Cargo.lock");
    let name = format!("name = \"{library}\"\n");
    let (_, after) =
        lock.split_once(&name).with_context(|| format!("find {library} in Cargo.lock"))?;
    let version = after.lines().next().and_then(|line| line.split('"').nth(1));
    Ok(version.with_context(|| format!("find the version of {library}"))?.to_owned())
}

/// Erlang, in tables and on the command line.
const ERLANG: &str = "erlang";

/// Compiles the Erlang subject, if there is an Erlang.
fn erlang() -> Result<Option<Subject>> {
    let release = r#"io:put_chars(erlang:system_info(otp_release)), halt()."#;
    let Ok(output) = Command::new("erl").args(["-noshell", "-eval", release]).output() else {
        eprintln!("Erlang is not installed, so it is left out");
        return Ok(None);
    };
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    let folder = built().join("erlang");
    std::fs::create_dir_all(&folder).context("make a folder for Erlang's modules")?;
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("subjects/erlang");
    let entries = std::fs::read_dir(&sources).context("list the Erlang sources")?;
    let files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let modules = files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "erl"));
    let compiled = Command::new("erlc").arg("-o").arg(&folder).args(modules).status();
    ensure!(compiled.context("start erlc")?.success(), "compile the Erlang subject");
    Ok(Some(Subject { name: ERLANG, version, runs: Runs::Erlang(folder) }))
}

/// How long a sample may take; the slowest takes some seconds.
const SECONDS_MAX: &str = "120";

fn emulator<'c>(command: &'c mut Command, folder: &Path, flavor: Flavor) -> &'c mut Command {
    let schedulers = match flavor {
        Flavor::CurrentThread => "1:1",
        Flavor::MultiThread => "2:2",
    };
    command.args(["erl", "-noshell", "-noinput", "+S", schedulers]);
    // So many processes, and so many names.
    command.args(["+P", "4000000", "+t", "2000000", "-pa"]).arg(folder);
    command.args(["-s", "subject", "main", "-extra"])
}

/// Where this program was built.
pub(crate) fn built() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    program.parent().and_then(Path::parent).map_or_else(PathBuf::new, Path::to_path_buf)
}

/// A folder, seen from the root of the repository if it is in there.
pub(crate) fn shown(folder: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let inside = root.and_then(|root| folder.strip_prefix(root).ok());
    inside.unwrap_or(folder).display().to_string()
}
