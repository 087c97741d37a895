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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::tests::{reads_back, replays_alike, told};

    #[test]
    fn a_history_reads_back_as_it_was_written() {
        reads_back(&Signals);
    }

    #[test]
    fn a_replay_is_the_same_every_time() {
        replays_alike(&Signals);
    }

    /// What is told of others, one by one, as far as this history goes.
    #[test]
    fn a_robot_tells_what_it_receives() {
        let text = "{[{true,eager},{false,lazy}],[{link,0,1},{note,1,0,7},{leave,1,a}]}";
        let expected = "[[{result,0,0,linked}],[{got,0,{note,1,7}}],[{got,0,{exit,1,a}},{died,1,a}],\
                    [],[{facts,0,[],true,0,1}]]";
        assert_eq!(told(&Signals, text), expected);
    }
}
