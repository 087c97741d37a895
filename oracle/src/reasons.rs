//! Exit reasons as both sides name them.

use std::borrow::Cow;
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use fauxtp::ExitReason;
use fauxtp::process::NoProc;
use fauxtp::reason::{Cancelled, Failure};

use crate::random::Random;
use crate::term::{Term, atom};

/// A reason that a history can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Normal,
    Shutdown,
    /// `{shutdown, Term}`.
    ShutdownWith,
    /// The reason, and as an exit signal the kill signal.
    Kill,
    /// What the kill signal makes of it; anybody may say so.
    Killed,
    Noproc,
    A,
    B,
}

impl Reason {
    const ALL: [Self; 8] = [
        Self::Normal,
        Self::Shutdown,
        Self::ShutdownWith,
        Self::Kill,
        Self::Killed,
        Self::Noproc,
        Self::A,
        Self::B,
    ];

    pub(crate) fn any(random: &mut Random) -> Self {
        Self::ALL[random.weighted(&[14, 8, 6, 16, 5, 3, 32, 16])]
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Shutdown => "shutdown",
            Self::ShutdownWith => "shutdown_with",
            Self::Kill => "kill",
            Self::Killed => "killed",
            Self::Noproc => "noproc",
            Self::A => "a",
            Self::B => "b",
        }
    }

    pub(crate) const fn to_term(self) -> Term {
        atom(self.name())
    }

    pub(crate) fn parse(term: &Term) -> Result<Self> {
        let name = term.as_atom()?;
        let found = Self::ALL.into_iter().find(|reason| reason.name() == name);
        found.with_context(|| format!("{name} is no reason"))
    }

    pub(crate) fn exit_reason(self) -> ExitReason {
        match self {
            Self::Normal => ExitReason::Normal,
            Self::Shutdown => ExitReason::shutdown(),
            Self::ShutdownWith => WITH.clone(),
            Self::Kill => ExitReason::Error(Failure::Kill),
            Self::Killed => ExitReason::killed(),
            Self::Noproc => ExitReason::no_proc(),
            Self::A => A.clone(),
            Self::B => B.clone(),
        }
    }
}

/// Reasons with values in them are the same if the values are the same in memory.
static WITH: LazyLock<ExitReason> = LazyLock::new(|| ExitReason::shutdown_with("with"));
static A: LazyLock<ExitReason> = LazyLock::new(|| ExitReason::custom("a"));
static B: LazyLock<ExitReason> = LazyLock::new(|| ExitReason::custom("b"));

/// How a reason is written in a trace; the Erlang drivers have a function of this name that does the same.
pub(crate) fn class(reason: &ExitReason) -> Term {
    atom(match reason {
        ExitReason::Normal => "normal",
        ExitReason::Cancelled(Cancelled::Shutdown) => "shutdown",
        ExitReason::Cancelled(Cancelled::ShutdownWith(_)) => "shutdown_with",
        ExitReason::Cancelled(Cancelled::Killed) => "killed",
        ExitReason::Error(Failure::Kill) => "kill",
        ExitReason::Error(Failure::NoProc) => "noproc",
        ExitReason::Error(Failure::Panic(_)) => "error",
        ExitReason::Error(Failure::Timeout) => "timeout",
        _ if reason.downcast_error::<NoProc>().is_some() => "link_failed",
        _ => match reason.downcast_ref::<&'static str>() {
            Some(name) => name,
            None => return Term::Atom(Cow::Owned(format!("{reason:?}"))),
        },
    })
}
