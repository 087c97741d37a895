//! The figures that are kept: a line for each operation, and sentences about them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum as _;

use crate::operation::Operation;

/// What an operation costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) instructions: u64,
    pub(crate) allocations: u64,
}

impl Cost {
    /// Whether it is more than was written down; a few instructions come and go with compilers.
    const fn exceeds(self, kept: Self) -> bool {
        self.instructions * 100 > kept.instructions * (100 + GROWTH_PERCENT)
            || self.allocations > kept.allocations
    }
}

const GROWTH_PERCENT: u64 = 3;

/// The lines of the file, in their order.
#[derive(Debug)]
pub(crate) struct Table(Vec<Line>);

#[derive(Debug, PartialEq, Eq)]
enum Line {
    Sentence(String),
    Figure(Operation, Cost),
}

impl Table {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("read {}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let lines: Vec<Line> = text.lines().map(Line::parse).collect::<Result<_>>()?;
        for operation in Operation::value_variants() {
            let of_it = |line: &&Line| matches!(line, Line::Figure(of, _) if of == operation);
            let count = lines.iter().filter(of_it).count();
            ensure!(count == 1, "{operation:?} has {count} lines instead of one");
        }
        Ok(Self(lines))
    }

    /// Measures everything; tells what has become dearer, and keeps what was measured.
    pub(crate) fn compare(
        &mut self,
        measure: impl Fn(Operation) -> Result<Cost>,
    ) -> Result<Vec<String>> {
        let mut dearer = Vec::new();
        println!("{:<10}{:>14}{:>9}{:>14}{:>9}", "", "instructions", "kept", "allocations", "kept");
        for line in &mut self.0 {
            let Line::Figure(operation, kept) = line else { continue };
            let now = measure(*operation)?;
            let mark = if now.exceeds(*kept) { "  DEARER" } else { "" };
            let name = name(*operation);
            println!(
                "{name:<10}{:>14}{:>9}{:>14}{:>9}{mark}",
                now.instructions, kept.instructions, now.allocations, kept.allocations
            );
            if now.exceeds(*kept) {
                dearer.push(name);
            }
            *kept = now;
        }
        Ok(dearer)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, self.text()).with_context(|| format!("write {}", path.display()))
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.0 {
            let written = match line {
                Line::Sentence(sentence) => writeln!(text, "{sentence}"),
                Line::Figure(operation, cost) => {
                    writeln!(
                        text,
                        "{} {} {}",
                        name(*operation),
                        cost.instructions,
                        cost.allocations
                    )
                }
            };
            written.expect("a string takes everything");
        }
        text
    }
}

impl Line {
    fn parse(line: &str) -> Result<Self> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(Self::Sentence(line.to_owned()));
        }
        let wrong = || format!("`{line}` is no operation with its instructions and allocations");
        let mut words = line.split_whitespace();
        let mut word = || words.next().with_context(wrong);
        let operation =
            Operation::from_str(word()?, false).map_err(anyhow::Error::msg).with_context(wrong)?;
        let instructions = word()?.parse().with_context(wrong)?;
        let allocations = word()?.parse().with_context(wrong)?;
        ensure!(words.next().is_none(), wrong());
        Ok(Self::Figure(operation, Cost { instructions, allocations }))
    }
}

fn name(operation: Operation) -> String {
    operation.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# What for.\n\ncast 200 0\ncall 1000 1\nround 1 1\nstart 1 1\nlife 1 1\nrestart 1 1\nlookup 1 1\n";

    #[test]
    fn what_is_read_is_written() {
        assert_eq!(Table::parse(TEXT).expect("it is a table").text(), TEXT);
    }

    #[test]
    fn what_is_no_table_is_an_error() {
        let without = TEXT.replace("cast 200 0\n", "");
        let twice = format!("{TEXT}cast 1 1\n");
        for wrong in [&without, &twice, "cast 1", "cast 1 1 1", "cast one 1", "shout 1 1"] {
            assert!(Table::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn three_percent_are_no_growth_and_one_allocation_is() {
        for (instructions, allocations, dearer) in
            [(206, 0, vec![]), (207, 0, vec!["cast"]), (100, 1, vec!["cast"]), (100, 0, vec![])]
        {
            let mut table = Table::parse(TEXT).expect("it is a table");
            let measure = |operation| {
                let cast = Cost { instructions, allocations };
                let other = Cost { instructions: 1, allocations: 1 };
                Ok(if operation == Operation::Cast { cast } else { other })
            };
            assert_eq!(table.compare(measure).expect("it measures"), dearer);
        }
    }
}
