//! The page CONFORMANCE.md. It depends on nothing but promises, tests and outcomes: no dates, no times.

use super::outcome::Outcomes;
use super::promise::{Group, Promise, Promises};
use super::test::Test;

/// Writes the page.
pub(crate) fn render(promises: &Promises, tests: &[Test], outcomes: &Outcomes) -> String {
    let rows: Vec<_> = promises
        .groups
        .iter()
        .flat_map(|group| group.promises.iter().map(move |promise| (group, promise)))
        .map(|(group, promise)| Row::new(group, promise, tests, outcomes))
        .collect();
    let mut page = INTRODUCTION.to_owned();
    page += &summary(&rows);
    for group in &promises.groups {
        page += &format!("\n## {} — {}\n\n", group.id, group.title);
        page += "| id | priority | promise | test | result |\n| --- | --- | --- | --- | --- |\n";
        rows.iter().filter(|row| row.group.id == group.id).for_each(|row| page += &row.line());
    }
    page
}

const INTRODUCTION: &str = "\
# Conformance

What fauxtp promises, which test checks it, and whether that test passes. Written by
`cargo xtask conformance` from `conformance/promises.tsv` and the tests in `conformance/tests/`; do not edit.

A promise without a test is listed as `missing`. Priorities: `contract`, the documented Supervisor API; `P0`, without
which a supervision library is broken; `P1`, which users of OTP would miss at once; `P2`, for completeness; `F` and `S`,
fatal and serious defects of the Python original that must not come back; `R`, what broke in others, by the number of
their report.

## Summary

";

/// What became of a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passes,
    Fails,
    Missing,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::Fails => "FAILS",
            Self::Missing => "missing",
        }
    }
}

/// One promise with its tests.
#[derive(Debug)]
struct Row<'a> {
    group: &'a Group,
    promise: &'a Promise,
    tests: Vec<&'a str>,
    verdict: Verdict,
}

impl<'a> Row<'a> {
    fn new(group: &'a Group, promise: &'a Promise, tests: &'a [Test], outcomes: &Outcomes) -> Self {
        let tests = tests.iter().filter(|test| test.ids.contains(&promise.id));
        let tests: Vec<_> = tests.map(|test| test.name.as_str()).collect();
        let verdict = match () {
            () if tests.is_empty() => Verdict::Missing,
            () if tests.iter().all(|name| outcomes.passes(name)) => Verdict::Passes,
            () => Verdict::Fails,
        };
        Self { group, promise, tests, verdict }
    }

    fn line(&self) -> String {
        let Promise { id, priority, text } = self.promise;
        let text = text.replace('|', "\\|");
        let tests: Vec<_> = self.tests.iter().map(|name| format!("`{name}`")).collect();
        format!(
            "| {id} | {priority} | {text} | {} | {} |\n",
            tests.join("<br>"),
            self.verdict.word()
        )
    }
}

/// Counts by group and priority, then by priority, then of everything.
fn summary(rows: &[Row<'_>]) -> String {
    let mut text = "| group | priority | total | passing | failing | missing |\n".to_owned();
    text += "| --- | --- | ---: | ---: | ---: | ---: |\n";
    let priorities = in_order(rows.iter().map(|row| row.promise.priority.as_str()));
    let groups = in_order(rows.iter().map(|row| row.group.id.as_str()));
    for group in groups {
        for priority in &priorities {
            let chosen = |row: &Row<'_>| row.group.id == group && row.promise.priority == *priority;
            text += &counts(group, priority, rows, chosen);
        }
    }
    for priority in &priorities {
        text += &counts("**all**", priority, rows, |row| row.promise.priority == *priority);
    }
    text + &counts("**all**", "**all**", rows, |_| true)
}

/// A line of the summary; nothing for a group that has no promise of the priority.
fn counts(
    group: &str,
    priority: &str,
    rows: &[Row<'_>],
    chosen: impl Fn(&Row<'_>) -> bool,
) -> String {
    let verdicts: Vec<_> = rows.iter().filter(|row| chosen(row)).map(|row| row.verdict).collect();
    if verdicts.is_empty() {
        return String::new();
    }
    let count = |wanted| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    format!(
        "| {group} | {priority} | {} | {} | {} | {} |\n",
        verdicts.len(),
        count(Verdict::Passes),
        count(Verdict::Fails),
        count(Verdict::Missing)
    )
}

/// Each of the words once, as they first come.
fn in_order<'a>(words: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    words.for_each(|word| {
        if !seen.contains(&word) {
            seen.push(word);
        }
    });
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promise_is_on_the_page_with_its_verdict() {
        let list =
            "SUP\tgroup\tSupervisors\nSUP-001\tP0\tOne|two.\nSUP-002\tP1\tx\nSUP-003\tP0\ty\n";
        let promises = Promises::parse(list).expect("the list is in order");
        let test = |name: &str, ids: &[&str]| Test {
            name: name.to_owned(),
            ids: ids.iter().copied().map(str::to_owned).collect(),
        };
        let tests = [test("sup_001_a", &["SUP-001"]), test("sup_002_b", &["SUP-002", "SUP-001"])];
        let end = |name: &str, passed| (name.to_owned(), passed);
        let outcomes = Outcomes::from_ends(vec![end("sup_001_a", true), end("sup_002_b", false)]);

        let page = render(&promises, &tests, &outcomes);
        for line in [
            "| SUP | P0 | 2 | 0 | 1 | 1 |",
            "| SUP | P1 | 1 | 0 | 1 | 0 |",
            "| **all** | **all** | 3 | 0 | 2 | 1 |",
            "## SUP — Supervisors",
            "| SUP-001 | P0 | One\\|two. | `sup_001_a`<br>`sup_002_b` | FAILS |",
            "| SUP-003 | P0 | y |  | missing |",
        ] {
            assert!(page.contains(&format!("{line}\n")), "{line} is not in\n{page}");
        }
    }

    #[test]
    fn a_promise_passes_if_all_its_tests_do() {
        let promises = Promises::parse("A\tgroup\tA\nA-01\tP0\tx\n").expect("it is in order");
        let tests = [Test { name: "a_01_x".to_owned(), ids: vec!["A-01".to_owned()] }];
        let outcomes = Outcomes::from_ends(vec![("a_01_x".to_owned(), true)]);
        assert!(render(&promises, &tests, &outcomes).contains("| `a_01_x` | passes |"));
    }
}
