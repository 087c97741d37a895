//! The oracle for servers: callbacks of every outcome, calls, casts, timeouts, stops, and the ends of all concerned.

mod history;
mod notation;
mod generate;
mod scripted;
mod world;
mod others;
mod replay;
mod explained;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::tests::{reads_back, replays_alike, told};

    #[test]
    fn a_history_reads_back_as_it_was_written() {
        reads_back(&Servers);
    }

    #[test]
    fn a_replay_is_the_same_every_time() {
        replays_alike(&Servers);
    }

    /// What happens to a server that stops with a reply, as far as this history goes.
    #[test]
    fn everybody_tells_what_happens() {
        let text = "{1,[{start,link,unnamed,infinity,{false,{ok,false,reply},{[],false,reply,none}}},\
                    {call,0,pid,infinity,1,{[],false,{stop_reply,a},none}}]}";
        let expected = "[[{parent,{started,0,ok}},{server,init}],\
                    [{parent,{exit,a}},{server,{handle,call,1}},{server,{terminate,a,1}},\
                    {server,crash_report},{server,{died,a}},{0,{result,1,{ok,1}}}],[]]";
        assert_eq!(told(&Servers, text), expected);
    }
}
