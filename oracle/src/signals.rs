//! The oracle for signals: links, monitors, exit signals and messages between up to six processes.

mod history;
mod notation;
mod robot;
mod replay;
mod explained;
mod compare;

use anyhow::Result;

use crate::oracle::{Oracle, Verdict};
use crate::random::Random;
use crate::stage::on_stage;
use crate::term::Term;

use history::History;

/// Histories of signals.
#[derive(Debug)]
pub(crate) struct Signals;

impl Oracle for Signals {
    type History = History;

    fn name(&self) -> &'static str {
        "signals"
    }

    fn driver(&self) -> &'static str {
        "oracle_signals"
    }

    fn gate(&self) -> u64 {
        500_000
    }

    fn generate(&self, random: &mut Random) -> History {
        History::generate(random)
    }

    fn to_term(&self, history: &History) -> Term {
        history.to_term()
    }

    fn parse(&self, term: &Term) -> Result<History> {
        History::parse(term)
    }

    fn run(&self, history: &History) -> Term {
        on_stage(async |stage| replay::replay(history, &stage).await)
    }

    fn compare(&self, history: &History, ours: &Term, theirs: &Term) -> Verdict {
        compare::compare(history, ours, theirs)
    }

    fn simpler(&self, history: &History) -> Vec<History> {
        history.simpler()
    }
}
