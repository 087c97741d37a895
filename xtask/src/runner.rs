//! The test runner: cargo-nextest where it is installed, `cargo test` everywhere else.

use std::path::Path;

use anyhow::Result;

use crate::program::Program;
use crate::workspace::Workspace;

/// The test runner of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    /// One process per test, stuck tests are ended: see nextest.toml.
    Nextest,
    /// Comes with every toolchain.
    CargoTest,
}

impl Runner {
    pub(crate) fn of_this_machine() -> Self {
        let nextest = Program::cargo().args(["nextest", "--version"]).succeeds();
        if nextest { Self::Nextest } else { Self::CargoTest }
    }

    /// The program that runs the tests of the packages chosen by `selection`.
    pub(crate) fn program(self, workspace: &Workspace, selection: &[&str]) -> Program {
        let program = Program::cargo().args(self.arguments(&workspace.root, selection));
        program.directory(workspace.root.clone())
    }

    /// What cargo is told, so that it runs the tests chosen by `selection` in the workspace with this root.
    pub(crate) fn arguments(self, root: &Path, selection: &[&str]) -> Vec<String> {
        // cargo-nextest wants this path absolute.
        let config = format!("xtask:{}", root.join("xtask/nextest.toml").display());
        let runs = match self {
            Self::Nextest => {
                vec!["nextest", "run", "--profile", "xtask", "--tool-config-file", &config]
            }
            Self::CargoTest => vec!["test", "--no-fail-fast"],
        };
        runs.iter().chain(selection).map(|argument| (*argument).to_owned()).collect()
    }

    /// What the option is called that chooses a profile of cargo's.
    pub(crate) const fn profile_option(self) -> &'static str {
        match self {
            Self::Nextest => "--cargo-profile",
            Self::CargoTest => "--profile",
        }
    }

    /// Runs the tests of one package.
    pub(crate) fn run_package(self, workspace: &Workspace, folder: &str) -> Result<()> {
        let package = workspace.package_in(folder)?;
        self.program(workspace, &["-p", &package]).run()
    }
}
