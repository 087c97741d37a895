//! The oracle for servers: callbacks of every outcome, calls, casts, timeouts, stops, and the ends of all concerned.

mod history;
mod notation;
mod generate;
mod scripted;
mod world;
mod others;
mod replay;
mod compare;
mod simpler;

use anyhow::Result;

use crate::crash;
use crate::oracle::{Oracle, Verdict};
use crate::random::Random;
use crate::stage::on_stage;
use crate::term::Term;

use history::History;

/// Histories of servers.
#[derive(Debug)]
pub(crate) struct Servers;

impl Oracle for Servers {
    type History = History;

    fn name(&self) -> &'static str {
        "server"
    }

    fn driver(&self) -> &'static str {
        "oracle_server"
    }

    fn gate(&self) -> u64 {
        100_000
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
        crash::listen();
        on_stage(async |sim| replay::replay(history, &sim).await)
    }

    fn compare(&self, history: &History, ours: &Term, theirs: &Term) -> Verdict {
        compare::compare(history, ours, theirs)
    }

    fn simpler(&self, history: &History) -> Vec<History> {
        history.simpler()
    }
}
