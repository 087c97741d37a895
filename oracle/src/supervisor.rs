//! The oracle of supervisors.

use anyhow::Result;

use crate::oracle::{Oracle, Verdict};
use crate::random::Random;
use crate::shrink::shorter;
use crate::term::{Term, int, list};

/// Compares supervisors with OTP's.
pub(crate) struct Supervisors;

impl Oracle for Supervisors {
    type History = Vec<i64>;

    fn name(&self) -> &'static str {
        "supervisor"
    }

    fn driver(&self) -> &'static str {
        "oracle_supervisor"
    }

    fn gate(&self) -> u64 {
        200_000
    }

    fn generate(&self, random: &mut Random) -> Self::History {
        (0..random.within(0..9)).map(|_| random.within(0..100) as i64).collect()
    }

    fn to_term(&self, history: &Self::History) -> Term {
        list(history.iter().map(|step| int(*step)))
    }

    fn parse(&self, term: &Term) -> Result<Self::History> {
        term.as_list()?.iter().map(Term::as_int).collect()
    }

    fn run(&self, history: &Self::History) -> Term {
        self.to_term(history)
    }

    fn compare(&self, _: &Self::History, ours: &Term, theirs: &Term) -> Verdict {
        if ours == theirs { Verdict::Same } else { Verdict::Different }
    }

    fn simpler(&self, history: &Self::History) -> Vec<Self::History> {
        shorter(history)
    }
}
