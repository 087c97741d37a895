//! `cargo xtask mutants`: plants faults in a copy of the workspace, and looks whether anybody notices.

mod list;
mod plant;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};

use crate::program::Program;
use crate::runner::Runner;
use crate::workspace::Workspace;
use list::Mutant;
use plant::{CHOICE, Planted};

const LIST: &str = "xtask/mutants.txt";

/// The file that gets the choice of the fault that is awake.
const LOWEST: &str = "crates/logic/src/lib.rs";

/// Who notices if an oracle does.
const ORACLES: [&str; 3] = ["supervisor", "signals", "server"];

/// How many seconds a fault may take; then it has made something wait for ever, which is noticed.
const PATIENCE_S: &str = "180";

/// What became of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Caught,
    Hung,
    Equivalent,
    Survived,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Caught => "caught",
            Self::Hung => "caught, it hangs",
            Self::Equivalent => "equivalent",
            Self::Survived => "SURVIVED",
        })
    }
}

/// Tries every mutant of the list, or those whose name contains `only`, or whom `only` has to notice.
pub(crate) fn run(workspace: &Workspace, only: Option<&str>, histories: u64) -> Result<()> {
    let mutants = list::parse(&workspace.read(LIST)?)?;
    let mut placed = Vec::new();
    for (index, mutant) in mutants.iter().enumerate() {
        let place = plant::place(&workspace.read(&mutant.file)?, mutant)?;
        if only.is_none_or(|only| mutant.name.contains(only) || mutant.caught_by == only) {
            placed.push((index + 1, mutant, place));
        }
    }
    ensure!(!placed.is_empty(), "there is no mutant of that name");
    let garden = Garden::new(workspace, histories)?;
    let mut fates = Vec::new();
    for (index, round) in plant::rounds(placed).iter().enumerate() {
        println!("\nround {}: {} mutants", index + 1, round.len());
        garden.prepare(workspace, round)?;
        for planted in round {
            let fate = garden.fate(planted)?;
            println!("{fate:<17} {}", planted.mutant.name);
            fates.push((planted.mutant, fate));
        }
    }
    println!("{}", summary(&fates));
    let survived = fates.iter().filter(|(_, fate)| *fate == Fate::Survived).count();
    ensure!(survived == 0, "mutants that nobody has noticed: {survived}");
    Ok(())
}

/// A copy of the workspace in which faults are planted.
struct Garden {
    folder: PathBuf,
    build: PathBuf,
    histories: String,
    runner: Runner,
}

impl Garden {
    fn new(workspace: &Workspace, histories: u64) -> Result<Self> {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| workspace.root.join("target"), PathBuf::from);
        let folder = target.join("mutants/workspace");
        let build = target.join("mutants/build");
        let runner = Runner::of_this_machine();
        Ok(Self { folder, build, histories: histories.to_string(), runner })
    }

    /// Copies the workspace, plants a round of mutants, builds, and makes sure that all is well while they sleep.
    fn prepare(&self, workspace: &Workspace, round: &[Planted<'_>]) -> Result<()> {
        let mut by_file: BTreeMap<&str, Vec<&Planted<'_>>> = BTreeMap::new();
        for planted in round {
            by_file.entry(&planted.mutant.file).or_default().push(planted);
        }
        let files = workspace.text_files()?;
        self.weed(&files.iter().map(|(path, _)| path.as_str()).collect())?;
        for (path, text) in files {
            let mut planted = match by_file.get(path.as_str()) {
                Some(here) => plant::plant(&text, here),
                None => text,
            };
            if path == LOWEST {
                planted += CHOICE;
            }
            let copy = self.folder.join(&path);
            // What has not changed is not built again.
            if fs::read_to_string(&copy).is_ok_and(|before| before == planted) {
                continue;
            }
            let parent = copy.parent().context("a file is in a folder")?;
            fs::create_dir_all(parent).with_context(|| format!("could not create {parent:?}"))?;
            fs::write(&copy, planted).with_context(|| format!("could not write {copy:?}"))?;
        }
        self.cargo(0).args(["build", "--profile", "proof", "-p", "fauxtp-oracle"]).run()?;
        for target in targets(round) {
            if !ORACLES.contains(&target.as_str()) {
                self.cargo(0).args(self.tests_of(&target)).args(["--no-run"]).run()?;
            }
            let (_, fine) = self.noticed_by(&target, 0)?;
            ensure!(fine, "{target} fails although no fault is awake");
        }
        Ok(())
    }

    /// Removes all but these from the copy: a file that is gone from the workspace must not notice anything.
    fn weed(&self, files: &BTreeSet<&str>) -> Result<()> {
        if !self.folder.exists() {
            return Ok(());
        }
        let copy = Workspace { root: self.folder.clone() };
        for (path, _) in copy.text_files()? {
            if !files.contains(path.as_str()) {
                let gone = fs::remove_file(self.folder.join(&path));
                gone.with_context(|| format!("could not remove {path} from the copy"))?;
            }
        }
        Ok(())
    }

    fn fate(&self, planted: &Planted<'_>) -> Result<Fate> {
        let mutant = planted.mutant;
        let (hung, fine) = self.noticed_by(&mutant.caught_by, planted.number)?;
        Ok(match (fine, hung, &mutant.equivalent) {
            (false, _, Some(_)) => {
                bail!("[{}] is said to be equivalent, and is noticed", mutant.name)
            }
            (true, _, Some(_)) => Fate::Equivalent,
            (false, true, None) => Fate::Hung,
            (false, false, None) => Fate::Caught,
            (true, _, None) => Fate::Survived,
        })
    }

    /// Lets an oracle, or tests, look while this fault is awake: whether they took too long, and whether all was well.
    fn noticed_by(&self, target: &str, number: usize) -> Result<(bool, bool)> {
        let program = if ORACLES.contains(&target) {
            let oracle = self.build.join("proof/fauxtp-oracle");
            let oracle = oracle.to_string_lossy().into_owned();
            let compare = [oracle.as_str(), "--quick", "--seed", "1", "--workers", "1"];
            Program::new("timeout").args([PATIENCE_S].iter().chain(&compare).copied()).args([
                "--only",
                target,
                "--histories",
                &self.histories,
            ])
        } else {
            Program::new("timeout").args([PATIENCE_S, "cargo"]).args(self.tests_of(target))
        };
        let program = self.surrounded(program, number);
        let code = program.exit_code()?;
        let is_broken = ORACLES.contains(&target) && code == Some(NOTHING_KNOWN);
        ensure!(!is_broken, "the oracle of {target} could not compare anything");
        Ok((code == Some(TIMED_OUT), code == Some(0)))
    }

    /// What has cargo run the tests of a package, or of one of its test files.
    fn tests_of(&self, target: &str) -> Vec<String> {
        let (package, test) = target.split_once(':').unwrap_or((target, ""));
        let which = if test.is_empty() { vec!["--lib", "--tests"] } else { vec!["--test", test] };
        self.runner.arguments(&self.folder, &[vec!["-p", package], which].concat())
    }

    fn cargo(&self, number: usize) -> Program {
        self.surrounded(Program::cargo(), number)
    }

    /// In the copy, with this fault awake. Building is to be quick.
    fn surrounded(&self, program: Program, number: usize) -> Program {
        program
            .directory(self.folder.clone())
            .env("CARGO_TARGET_DIR", &self.build.to_string_lossy())
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("FAUXTP_MUTANT", &number.to_string())
            .env("RUST_BACKTRACE", "0")
    }
}

/// What an oracle says that has failed itself.
const NOTHING_KNOWN: i32 = 2;

/// What `timeout` says when it has lost patience.
const TIMED_OUT: i32 = 124;

/// Who looks at the mutants of a round, each once.
fn targets(round: &[Planted<'_>]) -> Vec<String> {
    let mut targets: Vec<_> =
        round.iter().map(|planted| planted.mutant.caught_by.clone()).collect();
    targets.sort();
    targets.dedup();
    targets
}

/// The closing table.
fn summary(fates: &[(&Mutant, Fate)]) -> String {
    let mut text = "\n".to_owned();
    for (mutant, fate) in fates {
        text += &format!("{fate:<17} {:<48} {}\n", mutant.name, mutant.caught_by);
        if let Some(because) = &mutant.equivalent {
            text += &format!("{:<17} {because}\n", "");
        }
    }
    for fate in [Fate::Caught, Fate::Hung, Fate::Equivalent, Fate::Survived] {
        let count = fates.iter().filter(|(_, other)| *other == fate).count();
        text += &format!("\n{count:>4} {fate}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_from_the_workspace_is_gone_from_the_copy() {
        let folder = std::env::temp_dir().join(format!("fauxtp-garden-{}", std::process::id()));
        fs::create_dir_all(folder.join("tests")).expect("a folder of ours");
        for path in ["Cargo.toml", "tests/stays.rs", "tests/gone.rs"] {
            fs::write(folder.join(path), "").expect("a file of ours");
        }
        let runner = Runner::CargoTest;
        let (build, histories) = (folder.join("target"), String::new());
        let garden = Garden { folder: folder.clone(), build, histories, runner };
        garden.weed(&["Cargo.toml", "tests/stays.rs"].into()).expect("it can be removed");
        let left = Workspace { root: folder.clone() }.text_files().expect("it can be read");
        fs::remove_dir_all(&folder).expect("it is ours");
        let left: Vec<_> = left.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(left, ["Cargo.toml", "tests/stays.rs"]);
    }

    #[test]
    fn every_mutant_can_be_planted() {
        let workspace = Workspace::find().expect("tests run in the workspace");
        let text = workspace.read(LIST).expect("the list is there");
        let mutants = list::parse(&text).expect("the list is in order");
        assert!(mutants.len() >= 60, "{}", mutants.len());
        for mutant in &mutants {
            let file = workspace.read(&mutant.file).expect("the file is there");
            let place = plant::place(&file, mutant);
            assert!(place.is_ok(), "{:?}", place.err());
        }
    }
}
