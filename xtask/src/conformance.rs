//! `cargo xtask conformance`: which of our promises are tested, and whether the tests pass.

mod promise;
mod test;
mod outcome;
mod page;

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::program::Program;
use crate::runner::Runner;
use crate::source::Source;
use crate::workspace::Workspace;
use outcome::Outcomes;
use promise::Promises;
use test::Test;

/// The folder of the package.
const PACKAGE: &str = "conformance";
/// The page, from the root of the repository.
const PAGE: &str = "CONFORMANCE.md";
/// The list of promises, likewise.
const PROMISES: &str = "conformance/promises.tsv";
/// Where the tests are, likewise.
const TESTS: &str = "conformance/tests/";

/// Runs the tests and writes the page; fails if a test does, after writing.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    let report = Report::of(workspace, alone(workspace)?)?;
    fs::write(workspace.root.join(PAGE), &report.page)
        .with_context(|| format!("could not write {PAGE}"))?;
    println!("wrote {PAGE}");
    report.verdict()
}

/// Runs the tests of conformance, and nothing else.
pub(crate) fn alone(workspace: &Workspace) -> Result<Program> {
    let package = workspace.package_in(PACKAGE)?;
    Ok(Runner::of_this_machine().program(workspace, &["-p", &package]))
}

/// Runs the tests with this program, perhaps among others; fails if one does, or if the page in the tree says something
/// else.
pub(crate) fn check(workspace: &Workspace, tests: Program) -> Result<()> {
    let report = Report::of(workspace, tests)?;
    report.verdict()?;
    let advice = "run `cargo xtask conformance` and keep what it writes";
    let present = workspace.read(PAGE).context(advice)?;
    if let Some(difference) = first_difference(&present, &report.page) {
        bail!("{PAGE} is out of date, {difference}\n{advice}");
    }
    println!("{PAGE} is up to date");
    Ok(())
}

/// What came out.
#[derive(Debug)]
struct Report {
    page: String,
    /// The names of the tests that failed or never ended.
    failures: Vec<String>,
}

impl Report {
    fn of(workspace: &Workspace, tests: Program) -> Result<Self> {
        // What is wrong with the lists is said before minutes of testing, not after.
        let promises = Promises::parse(&workspace.read(PROMISES)?)?;
        let files = workspace.text_files()?;
        let files =
            files.iter().filter(|(path, _)| path.starts_with(TESTS) && path.ends_with(".rs"));
        let sources: Vec<_> = files.map(|(path, text)| Source::parse(path, text)).collect();
        let declared = Test::find(&sources, &promises)?;

        let outcomes = Outcomes::run(workspace, tests)?;
        let tests = Test::with_those_that_ran(declared, &outcomes, &promises)?;
        let mut failures = outcomes.failures(tests.iter().map(|test| test.name.as_str()));
        if failures.is_empty() && !outcomes.runner_succeeded() {
            failures.push(
                "(one that is not among these, or never reported: see the output of the runner)"
                    .to_owned(),
            );
        }
        Ok(Self { page: page::render(&promises, &tests, &outcomes), failures })
    }

    fn verdict(&self) -> Result<()> {
        if !self.failures.is_empty() {
            let names = self.failures.join("\n  ");
            bail!("{} conformance tests failed or did not run:\n  {names}", self.failures.len());
        }
        Ok(())
    }
}

/// The first line in which two texts differ, in words.
fn first_difference(present: &str, wanted: &str) -> Option<String> {
    if present == wanted {
        return None;
    }
    let same =
        present.lines().zip(wanted.lines()).take_while(|(present, wanted)| present == wanted);
    let index = same.count();
    let line = |text: &str| text.lines().nth(index).unwrap_or("(end of file)").to_owned();
    Some(format!(
        "from line {}:\n  in the tree: {}\n  as of now:   {}",
        index + 1,
        line(present),
        line(wanted)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_where_it_begins() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        let text = first_difference("a\nb\n", "a\nc\n").expect("they differ");
        assert_eq!(text, "from line 2:\n  in the tree: b\n  as of now:   c");
        let text = first_difference("a\n", "a\nc\n").expect("they differ");
        assert!(text.contains("in the tree: (end of file)"), "{text}");
    }
}
