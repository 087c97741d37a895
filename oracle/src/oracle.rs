//! What a kind of history has to say for itself, to be compared.

use anyhow::Result;

use crate::explained::Rule;
use crate::random::Random;
use crate::term::{Term, atom, list};

/// One kind of history: how it is made, run on our side, told to the other side, and how the traces are compared.
pub(crate) trait Oracle: Sync {
    type History: Clone + Send;

    /// Its name: of the subcommand, and of the folder of regressions.
    fn name(&self) -> &'static str;

    /// The module in `erlang/` whose `run/1` takes a history and returns its trace.
    fn driver(&self) -> &'static str;

    /// How many histories the gate compares.
    fn gate(&self) -> u64;

    /// Makes a history.
    fn generate(&self, random: &mut Random) -> Self::History;

    /// The history as the driver gets it, and as it is saved.
    fn to_term(&self, history: &Self::History) -> Term;

    /// Reads a saved history.
    fn parse(&self, term: &Term) -> Result<Self::History>;

    /// Runs a history on fauxtp, and returns its trace. What it panics with is reported as a mismatch.
    fn run(&self, history: &Self::History) -> Term;

    /// Compares the two traces of a history.
    fn compare(&self, history: &Self::History, ours: &Term, theirs: &Term) -> Verdict;

    /// Histories that are a little simpler, the boldest first. Each must be simpler in a sense that has an end.
    fn simpler(&self, history: &Self::History) -> Vec<Self::History>;
}

/// How two traces compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They are the same, or differ only where OTP leaves it open.
    Same,
    /// They differ where we mean to.
    Explained {
        rules: Vec<Rule>,
        /// How many steps come behind one after which nothing can be compared.
        uncompared: usize,
    },
    /// They differ, and should not.
    Different,
}

impl Verdict {
    /// As it stands in front of a saved history: `agrees`, or the rules by which the difference is explained.
    pub(crate) fn to_term(&self) -> Term {
        match self {
            Self::Same => atom("agrees"),
            Self::Explained { rules, .. } => list(rules.iter().map(|rule| rule.to_term())),
            Self::Different => atom("differs"),
        }
    }
}

/// What holds for every kind of history.
#[cfg(test)]
pub(crate) mod tests {
    use std::fmt::Debug;

    use super::*;

    fn histories<O: Oracle>(oracle: &O) -> impl Iterator<Item = O::History> {
        (0..300).map(|number| oracle.generate(&mut Random::of(7, number)))
    }

    /// A history reads back as it was written.
    pub(crate) fn reads_back<O: Oracle<History: PartialEq + Debug>>(oracle: &O) {
        for history in histories(oracle) {
            let term = oracle.to_term(&history);
            let text = Term::parse(&term.to_string()).expect("we wrote it");
            assert_eq!(oracle.parse(&text).expect("it is one"), history, "{term}");
        }
    }

    /// A replay is the same every time.
    pub(crate) fn replays_alike<O: Oracle>(oracle: &O) {
        for history in histories(oracle) {
            assert_eq!(oracle.run(&history), oracle.run(&history), "{}", oracle.to_term(&history));
        }
    }

    /// What is told on ours of this history.
    pub(crate) fn told<O: Oracle>(oracle: &O, text: &str) -> String {
        let term = Term::parse(text).expect("it is a term");
        oracle.run(&oracle.parse(&term).expect("it is a history")).to_string()
    }
}
