//! `cargo xtask models`: has races run by loom and shuttle, and prints how many executions there were.

use anyhow::{Context as _, Result, bail, ensure};

use crate::program::Program;
use crate::workspace::Workspace;

/// The model checkers; each is a `cfg`, and builds into a folder of its own.
const CHECKERS: [&str; 2] = ["loom", "shuttle"];

/// How many models there are at the least, and how many of them loom looks at without a bound.
const MODELS_MIN: usize = 12;
const UNBOUNDED_MIN: usize = 6;

/// How long one may wait for the models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// In a few minutes.
    Short,
    /// By those who change what is raced for.
    Usual,
    /// Over night; loom without a bound.
    Long,
}

impl Length {
    pub(crate) const fn of(short: bool, long: bool) -> Self {
        match (short, long) {
            (_, true) => Self::Long,
            (true, false) => Self::Short,
            (false, false) => Self::Usual,
        }
    }

    /// How often shuttle runs each model.
    fn runs(self) -> u32 {
        match self {
            Self::Short => 10_000,
            Self::Usual => 200_000,
            Self::Long => 10_000_000,
        }
    }
}

/// Runs all models, and prints a table.
pub(crate) fn run(workspace: &Workspace, length: Length) -> Result<()> {
    let mut rows = Vec::new();
    for checker in CHECKERS {
        rows.extend(run_with(workspace, checker, length)?);
    }
    print!("{}", table(&rows));
    for checker in CHECKERS {
        let count = rows.iter().filter(|row| row.scope.starts_with(checker)).count();
        ensure!(count >= MODELS_MIN, "{checker} has run {count} models, not {MODELS_MIN}");
    }
    let unbounded = rows.iter().filter(|row| row.scope == "loom-unbounded").count();
    ensure!(unbounded >= UNBOUNDED_MIN, "loom has no bound in {unbounded} models only");
    Ok(())
}

fn run_with(workspace: &Workspace, checker: &str, length: Length) -> Result<Vec<Row>> {
    let target = workspace.root.join("target/models").join(checker);
    let mut program = Program::cargo()
        .args(["test", "--profile", "proof", "-p", "fauxtp", "--lib", "--no-default-features"])
        .args(["models", "--", "--nocapture"])
        .env("FAUXTP_MODELS_RUNS", &length.runs().to_string())
        .env("RUSTFLAGS", &format!("--cfg {checker}"))
        .env("CARGO_TARGET_DIR", &target.to_string_lossy())
        .directory(workspace.root.clone());
    if length == Length::Long {
        program = program.env("FAUXTP_MODELS_LONG", "1");
    }
    println!("$ {program}");
    let (text, succeeded) = program.output()?;
    if !succeeded {
        bail!("a model has failed under {checker}:\n{text}");
    }
    text.lines().filter_map(Row::parse).collect()
}

/// What one model has printed.
#[derive(Debug, PartialEq)]
struct Row {
    name: String,
    /// Which checker, and how far it has gone.
    scope: String,
    executions: u64,
    seconds: f64,
}

impl Row {
    /// Nothing if this is no such line. The test runner may have written before it: dots, or, with one thread, the name
    /// of the test that it begins.
    fn parse(line: &str) -> Option<Result<Self>> {
        let (before, words) = line.split_once("model ")?;
        if !(before.ends_with("... ") || before.chars().all(|character| character == '.')) {
            return None;
        }
        let [name, scope, executions, seconds] = words.split(' ').collect::<Vec<_>>()[..] else {
            return Some(Err(anyhow::anyhow!("cannot read `{line}`")));
        };
        let row = || -> Result<Self> {
            Ok(Self {
                name: name.to_owned(),
                scope: scope.to_owned(),
                executions: executions.parse()?,
                seconds: seconds.parse()?,
            })
        };
        Some(row().with_context(|| format!("cannot read `{line}`")))
    }
}

fn table(rows: &[Row]) -> String {
    let mut text =
        "\nmodel                    checker             executions  seconds\n".to_owned();
    for Row { name, scope, executions, seconds } in rows {
        text += &format!("{name:<24} {scope:<18} {executions:>11} {seconds:>8.1}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_model_is_a_row() {
        let row = Row::parse(".model push_and_park shuttle 200000 26.9").expect("it is a row");
        let row = row.expect("it is complete");
        assert_eq!((row.name.as_str(), row.executions), ("push_and_park", 200_000));
        assert!(
            table(&[row])
                .contains("push_and_park            shuttle                 200000     26.9\n")
        );
        assert!(Row::parse("test result: ok").is_none());
        assert!(Row::parse("the model park has a fault").is_none());
        let one_thread = "test mailbox::models::park ... model park loom-unbounded 12 0.3";
        let row = Row::parse(one_thread).expect("it is a row").expect("it is complete");
        assert_eq!((row.name.as_str(), row.executions), ("park", 12));
        assert!(Row::parse("model push_and_park shuttle many 1").is_some_and(|row| row.is_err()));
    }
}
