//! `cargo xtask book`: renders the book, and runs the programs of others that it shows.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::program::Program;
use crate::workspace::Workspace;

/// Where the rendered book is, seen from the root.
const OUTPUT: &str = "target/book";

/// The peers' programs that are not Rust: what runs them, how to find out whether that is there, and the file.
const SCRIPTS: [(&str, &[&str], &str); 2] = [
    ("elixir", &["--version"], "counter.exs"),
    ("python3", &["-c", "import fauxtp"], "counter.py"),
];

/// Renders the book into `target/book`; a link that leads nowhere is an error.
///
/// What renders is a workspace of its own, so that its dependencies are not in our lock file.
pub(crate) fn render(workspace: &Workspace) -> Result<()> {
    Program::cargo()
        .args(["run", "--locked", "--quiet", "--"])
        .args([workspace.root.join("book"), workspace.root.join(OUTPUT)])
        .directory(workspace.root.join("book/render"))
        .run()
}

/// Builds and runs the programs of the peers, as the book shows them: each asserts what it does.
pub(crate) fn peers(workspace: &Workspace) -> Result<()> {
    let folder = workspace.root.join("book/peers");
    let cargo = || Program::cargo().directory(folder.clone());
    cargo().args(["fmt", "--check"]).run()?;
    cargo().args(["build", "--locked", "--bins"]).run()?;
    let programs = rust_programs(&folder.join("src/bin"))?;
    ensure!(!programs.is_empty(), "there are no programs in book/peers/src/bin");
    for name in programs {
        cargo().args(["run", "--locked", "--quiet", "--bin", &name]).run()?;
    }
    for (runner, probe, file) in SCRIPTS {
        if Program::new(runner).args(probe.iter().copied()).succeeds() {
            Program::new(runner).args([file]).directory(folder.clone()).run()?;
        } else {
            println!("skipped: `{runner} {}` does not work, so {file} is not run", probe.join(" "));
        }
    }
    Ok(())
}

/// The names of the programs in a folder, in order.
fn rust_programs(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("could not list {folder:?}"))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}
