//! What a kind of history has to say for itself, to be compared.

use anyhow::Result;

use crate::random::Random;
use crate::term::Term;

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
    /// They differ where we mean to; the name of the reason in the table of the oracle.
    Explained(&'static str),
    /// They differ, and should not.
    Different,
}
