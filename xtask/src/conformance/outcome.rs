//! How the conformance tests ended.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, ensure};

use super::PACKAGE;
use super::test::id_in;
use crate::program::Program;
use crate::runner::Runner;
use crate::workspace::Workspace;

/// Where cargo-nextest puts its report: a file that outlives any noise the tests make.
const JUNIT: &str = "target/nextest/xtask/junit.xml";

/// Which tests passed. A test that is not here never reported an end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcomes {
    /// By name of the function; one that runs in several forms passed if all of them did.
    passed: BTreeMap<String, bool>,
    /// What the runner said at its end, which may be worse than the sum of the tests.
    runner_succeeded: bool,
}

impl Outcomes {
    /// Runs the tests. That some of them fail is an outcome, that they cannot be run is an error.
    pub(crate) fn run(workspace: &Workspace, program: Program) -> Result<Self> {
        let package = workspace.package_in(PACKAGE)?;
        let (ends, succeeded) = match Runner::of_this_machine() {
            Runner::Nextest => {
                let junit = workspace.root.join(JUNIT);
                // The report of an earlier run must not stand in for this one.
                let _absent_already = fs::remove_file(&junit);
                let ran = program.run();
                let succeeded = ran.is_ok();
                let text = fs::read_to_string(&junit);
                let text = text.with_context(|| match ran {
                    Ok(()) => format!("no report in {JUNIT}"),
                    Err(error) => format!("{error:#}, and left no report in {JUNIT}"),
                })?;
                (ends_in_junit(&text, &package), succeeded)
            }
            Runner::CargoTest => {
                println!("$ {program}");
                let (text, succeeded) = program.output()?;
                println!("{text}");
                let ends = ends_in_text(&text);
                ensure!(
                    succeeded || !ends.is_empty(),
                    "the tests could not be built, or none reported"
                );
                (ends, succeeded)
            }
        };
        Ok(Self { runner_succeeded: succeeded, ..Self::from_ends(ends) })
    }

    /// Gathers the ends of tests given by their paths.
    pub(crate) fn from_ends(ends: Vec<(String, bool)>) -> Self {
        let mut passed = BTreeMap::new();
        for (path, succeeded) in ends {
            *passed.entry(function_in(&path).to_owned()).or_insert(true) &= succeeded;
        }
        let runner_succeeded = passed.values().all(|passed| *passed);
        Self { passed, runner_succeeded }
    }

    /// Whether the runner itself found nothing to complain of.
    pub(crate) fn runner_succeeded(&self) -> bool {
        self.runner_succeeded
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.passed.keys().map(String::as_str)
    }

    /// Whether the test ran and passed.
    pub(crate) fn passes(&self, name: &str) -> bool {
        self.passed.get(name).copied().unwrap_or(false)
    }

    /// Every failure: of the tests named, which must all have run, and of any other that ran.
    pub(crate) fn failures<'a>(&'a self, names: impl Iterator<Item = &'a str>) -> Vec<String> {
        let mut failures: Vec<_> = names.chain(self.names()).collect();
        failures.retain(|name| !self.passes(name));
        failures.sort_unstable();
        failures.dedup();
        failures.into_iter().map(str::to_owned).collect()
    }
}

/// The part of a test's path that names the function: the one with an id, else the last.
fn function_in(path: &str) -> &str {
    let mut parts = path.split("::");
    parts.find(|part| id_in(part).is_some()).or_else(|| path.split("::").last()).unwrap_or(path)
}

/// Reads what a JUnit report has of one package. Its texts are escaped, so a tag in it is a tag.
fn ends_in_junit(text: &str, package: &str) -> Vec<(String, bool)> {
    let suites = text.split("<testsuite name=\"").skip(1);
    let ours = suites.filter(|suite| {
        let program = suite.strip_prefix(package);
        program.is_some_and(|rest| rest.starts_with(['"', ':']))
    });
    let cases = ours.flat_map(|suite| suite.split("<testcase ").skip(1));
    let ends = cases.filter_map(|case| {
        let name = case.strip_prefix("name=\"").or_else(|| Some(case.split_once(" name=\"")?.1))?;
        let name = name.split('"').next()?;
        Some((name.to_owned(), !case.contains("<failure") && !case.contains("<error")))
    });
    ends.collect()
}

/// Reads what `cargo test` prints: lines like `test a::b ... ok`.
fn ends_in_text(text: &str) -> Vec<(String, bool)> {
    let ends = text.lines().filter_map(|line| {
        let (test, end) = line.trim().strip_prefix("test ")?.rsplit_once(" ... ")?;
        let name = test.split(' ').next()?;
        Some((name.to_owned(), end == "ok"))
    });
    ends.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_junit_report_is_read() {
        let text = "<testsuite name=\"tt\"><testcase name=\"c\"/></testsuite>\n\
            <testsuite name=\"t::a\">\n<testcase name=\"m::sup_001_a\" classname=\"t\"/>\n\
            <testcase classname=\"t\" name=\"sup_002_b\"><failure message=\"x\">&lt;y</failure>\
            </testcase></testsuite>";
        let ends = ends_in_junit(text, "t");
        assert_eq!(ends, [("m::sup_001_a".to_owned(), true), ("sup_002_b".to_owned(), false)]);
    }

    #[test]
    fn the_output_of_cargo_test_is_read() {
        let text = "running 3 tests\ntest m::sup_001_a ... ok\ntest sup_002_b ... FAILED\n\
            test sup_003_c - should panic ... ok\ntest result: FAILED. 2 passed; 1 failed";
        let ends = ends_in_text(text);
        assert_eq!(ends.len(), 3);
        assert_eq!(ends[1], ("sup_002_b".to_owned(), false));
        assert_eq!(ends[2], ("sup_003_c".to_owned(), true));
    }

    #[test]
    fn all_forms_of_a_test_must_pass_and_all_tests_must_run() {
        let end = |path: &str, passed| (path.to_owned(), passed);
        let outcomes = Outcomes::from_ends(vec![
            end("m::sup_001_a::current_thread", true),
            end("m::sup_001_a::multi_thread", false),
            end("sup_002_b", true),
            end("helper_works", false),
        ]);
        assert!(!outcomes.passes("sup_001_a") && outcomes.passes("sup_002_b"));
        let failures = outcomes.failures(["sup_002_b", "sup_003_never_ran"].into_iter());
        assert_eq!(failures, ["helper_works", "sup_001_a", "sup_003_never_ran"]);
    }
}
