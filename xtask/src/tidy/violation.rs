//! A place where a rule is broken.

use std::fmt;

use crate::source::{Line, Source};

/// A place where a rule is broken, and what to do about it. Sorts by place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    pub(crate) path: String,
    pub(crate) line: usize,
    /// The rule, in a word or two.
    pub(crate) rule: &'static str,
    /// What to do.
    pub(crate) advice: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.advice)
    }
}

impl Source {
    /// A violation of `rule` in each line that `broken` finds, with the index of the line.
    pub(crate) fn flag(
        &self,
        rule: &'static str,
        advice: &str,
        broken: impl Fn(usize, &Line) -> bool,
    ) -> Vec<Violation> {
        let lines = self.lines.iter().enumerate();
        lines
            .filter(|(index, line)| broken(*index, line))
            .map(|(index, _)| self.violation(index, rule, advice))
            .collect()
    }

    pub(crate) fn violation(&self, index: usize, rule: &'static str, advice: &str) -> Violation {
        Violation { path: self.path.clone(), line: index + 1, rule, advice: advice.to_owned() }
    }
}
