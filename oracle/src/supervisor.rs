//! The oracle of supervisors: static and dynamic ones, and trees of them.

mod history;
mod generate;
mod simpler;
mod reasons;
mod child;
mod request;
mod replay;
mod explained;
mod compare;

use anyhow::Result;

use crate::oracle::{Oracle, Verdict};
use crate::random::Random;
use crate::term::Term;
use history::History;

/// Compares supervisors with OTP's.
pub(crate) struct Supervisors;

impl Oracle for Supervisors {
    type History = History;

    fn name(&self) -> &'static str {
        "supervisor"
    }

    fn driver(&self) -> &'static str {
        "oracle_supervisor"
    }

    fn gate(&self) -> u64 {
        200_000
    }

    fn generate(&self, random: &mut Random) -> History {
        generate::history(random)
    }

    fn to_term(&self, history: &History) -> Term {
        history.to_term()
    }

    fn parse(&self, term: &Term) -> Result<History> {
        History::parse(term)
    }

    fn run(&self, history: &History) -> Term {
        replay::replay(history)
    }

    fn compare(&self, history: &History, ours: &Term, theirs: &Term) -> Verdict {
        compare::compare(history, ours, theirs)
    }

    fn simpler(&self, history: &History) -> Vec<History> {
        simpler::simpler(history)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::tests::{reads_back, replays_alike};

    #[test]
    fn a_history_reads_back_as_it_was_written() {
        reads_back(&Supervisors);
    }

    #[test]
    fn a_replay_is_the_same_every_time() {
        replays_alike(&Supervisors);
    }
}
