//! What a history of supervisors is made of, and how it is written.

use anyhow::{Result, bail};

use crate::term::{Term, atom, int, list, tuple};
use crate::words::words;

/// The life of one tree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct History {
    pub(crate) root: Sup,
    pub(crate) batches: Vec<Batch>,
    pub(crate) end: End,
    /// Who of ours runs first: 0 is first come, first served, any other number draws. OTP's order is that of causes, so
    /// it must not matter.
    pub(crate) schedule: u32,
}

/// A supervisor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sup {
    pub(crate) strategy: Strategy,
    pub(crate) intensity: u32,
    /// In seconds: OTP knows no shorter ones.
    pub(crate) period: u64,
    pub(crate) auto: Auto,
    /// Of a `simple_one_for_one`, the template alone.
    pub(crate) specs: Vec<Spec>,
}

/// A child.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spec {
    pub(crate) id: u8,
    pub(crate) restart: Restart,
    pub(crate) shutdown: Shutdown,
    pub(crate) significant: bool,
    pub(crate) body: Body,
    /// What becomes of its starts; when they are used up, all succeed.
    pub(crate) plan: Vec<Start>,
}

/// What a child does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    /// Ends at any exit signal.
    Plain,
    /// Traps exits, and tells of its end.
    Graceful,
    /// Traps exits, and fails while it ends.
    Clumsy,
    /// Traps exits, and does not end when it is told to.
    Stubborn,
    Sup(Box<Sup>),
}

/// What happens to one supervisor before it is let go on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Batch {
    /// The ids on the way from the top to the supervisor.
    pub(crate) path: Vec<u8>,
    pub(crate) acts: Vec<Act>,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    /// A child ends, seen by nobody until the supervisor goes on.
    Die(u8, How),
    StartChild(Spec),
    TerminateChild(u8),
    RestartChild(u8),
    DeleteChild(u8),
    GetChildSpec(u8),
    WhichChildren,
    CountChildren,
    /// Starts a child of a `simple_one_for_one`.
    StartDynamic(u8, Vec<Start>),
    TerminateDynamic(u8),
    /// The clock goes on, by seconds.
    Advance(u64),
    /// The supervisor is told to shut down.
    Stop,
    /// The supervisor is killed.
    Kill,
}

words! {
    /// Who shares the fate of a child.
    Strategy {
        OneForOne = "one_for_one",
        OneForAll = "one_for_all",
        RestForOne = "rest_for_one",
        Simple = "simple_one_for_one",
    }
}
words! {
    /// When a supervisor ends by itself.
    Auto { Never = "never", Any = "any_significant", All = "all_significant" }
}
words! {
    /// Which ends are followed by a restart.
    Restart { Permanent = "permanent", Transient = "transient", Temporary = "temporary" }
}
words! {
    /// How a child is told to end.
    Shutdown { Brutal = "brutal_kill", Timeout = "timeout", Infinity = "infinity" }
}
words! {
    /// What becomes of a start.
    Start { Ok = "ok", Error = "error", Ignore = "ignore", Panic = "panic" }
}
words! {
    /// How a child ends.
    How {
        Normal = "normal",
        Shutdown = "shutdown",
        ShutdownWith = "shutdown_with",
        Killed = "killed",
        Kill = "kill",
        Panic = "panic",
        Error = "error",
        Custom = "custom",
        NoProc = "noproc",
    }
}
words! {
    /// What happens to the tree last.
    End { Stop = "stop", Kill = "kill", Leave = "leave" }
}

impl History {
    pub(crate) fn to_term(&self) -> Term {
        let batches = list(self.batches.iter().map(Batch::to_term));
        let schedule = int(self.schedule);
        tuple([atom("history"), self.root.to_term(), batches, self.end.to_term(), schedule])
    }

    /// Whether there are supervisors below the top.
    pub(crate) fn has_nested(&self) -> bool {
        self.root.specs.iter().any(|spec| matches!(spec.body, Body::Sup(_)))
    }

    pub(crate) fn parse(term: &Term) -> Result<Self> {
        let [_, root, batches, end, schedule] = term.as_tuple()?;
        Ok(Self {
            root: Sup::parse(root)?,
            batches: parse_all(batches, Batch::parse)?,
            end: End::parse(end)?,
            schedule: u32::try_from(schedule.as_int()?)?,
        })
    }
}

impl Sup {
    pub(crate) fn to_term(&self) -> Term {
        tuple([
            atom("sup"),
            self.strategy.to_term(),
            int(self.intensity),
            int(self.period),
            self.auto.to_term(),
            list(self.specs.iter().map(Spec::to_term)),
        ])
    }

    fn parse(term: &Term) -> Result<Self> {
        let [_, strategy, intensity, period, auto, specs] = term.as_tuple()?;
        Ok(Self {
            strategy: Strategy::parse(strategy)?,
            intensity: u32::try_from(intensity.as_int()?)?,
            period: u64::try_from(period.as_int()?)?,
            auto: Auto::parse(auto)?,
            specs: parse_all(specs, Spec::parse)?,
        })
    }

    /// Whether there is a template in this tree.
    pub(crate) fn has_template(&self) -> bool {
        let below = |spec: &Spec| matches!(&spec.body, Body::Sup(sup) if sup.has_template());
        self.strategy == Strategy::Simple || self.specs.iter().any(below)
    }

    /// The supervisor at this place, as far as places are known beforehand.
    pub(crate) fn at(&self, path: &[u8]) -> Option<&Self> {
        let Some((id, rest)) = path.split_first() else { return Some(self) };
        if self.strategy == Strategy::Simple {
            return None;
        }
        self.specs.iter().find_map(|spec| match &spec.body {
            Body::Sup(sup) if spec.id == *id => sup.at(rest),
            _ => None,
        })
    }

    /// Whether somebody in this tree does not end when told to.
    pub(crate) fn has_stubborn(&self) -> bool {
        self.specs.iter().any(Spec::has_stubborn)
    }
}

impl Spec {
    pub(crate) fn to_term(&self) -> Term {
        tuple([
            atom("spec"),
            int(self.id),
            self.restart.to_term(),
            self.shutdown.to_term(),
            atom(if self.significant { "true" } else { "false" }),
            self.body.to_term(),
            plan_to_term(&self.plan),
        ])
    }

    fn parse(term: &Term) -> Result<Self> {
        let [_, id, restart, shutdown, significant, body, plan] = term.as_tuple()?;
        Ok(Self {
            id: u8::try_from(id.as_int()?)?,
            restart: Restart::parse(restart)?,
            shutdown: Shutdown::parse(shutdown)?,
            significant: significant.as_atom()? == "true",
            body: Body::parse(body)?,
            plan: parse_all(plan, Start::parse)?,
        })
    }

    pub(crate) fn has_stubborn(&self) -> bool {
        match &self.body {
            Body::Stubborn => true,
            Body::Sup(sup) => sup.has_stubborn(),
            Body::Plain | Body::Graceful | Body::Clumsy => false,
        }
    }
}

impl Body {
    fn to_term(&self) -> Term {
        match self {
            Self::Plain => atom("plain"),
            Self::Graceful => atom("graceful"),
            Self::Clumsy => atom("clumsy"),
            Self::Stubborn => atom("stubborn"),
            Self::Sup(sup) => sup.to_term(),
        }
    }

    fn parse(term: &Term) -> Result<Self> {
        Ok(match term.as_tagged()?.0 {
            "plain" => Self::Plain,
            "graceful" => Self::Graceful,
            "clumsy" => Self::Clumsy,
            "stubborn" => Self::Stubborn,
            "sup" => Self::Sup(Box::new(Sup::parse(term)?)),
            other => bail!("{other} is no body"),
        })
    }
}

impl Batch {
    fn to_term(&self) -> Term {
        let path = list(self.path.iter().copied().map(int));
        tuple([atom("batch"), path, list(self.acts.iter().map(Act::to_term))])
    }

    fn parse(term: &Term) -> Result<Self> {
        let [_, path, acts] = term.as_tuple()?;
        Ok(Self { path: parse_all(path, parse_id)?, acts: parse_all(acts, Act::parse)? })
    }
}

impl Act {
    fn to_term(&self) -> Term {
        let about = |verb, id: &u8| tuple([atom(verb), int(*id)]);
        match self {
            Self::Die(id, how) => tuple([atom("die"), int(*id), how.to_term()]),
            Self::StartChild(spec) => tuple([atom("start_child"), spec.to_term()]),
            Self::TerminateChild(id) => about("terminate_child", id),
            Self::RestartChild(id) => about("restart_child", id),
            Self::DeleteChild(id) => about("delete_child", id),
            Self::GetChildSpec(id) => about("get_childspec", id),
            Self::WhichChildren => atom("which_children"),
            Self::CountChildren => atom("count_children"),
            Self::StartDynamic(id, plan) => {
                tuple([atom("start_dynamic"), int(*id), plan_to_term(plan)])
            }
            Self::TerminateDynamic(id) => about("terminate_dynamic", id),
            Self::Advance(seconds) => tuple([atom("advance"), int(*seconds)]),
            Self::Stop => atom("stop"),
            Self::Kill => atom("kill"),
        }
    }

    fn parse(term: &Term) -> Result<Self> {
        Ok(match term.as_tagged()? {
            ("die", [id, how]) => Self::Die(parse_id(id)?, How::parse(how)?),
            ("start_child", [spec]) => Self::StartChild(Spec::parse(spec)?),
            ("terminate_child", [id]) => Self::TerminateChild(parse_id(id)?),
            ("restart_child", [id]) => Self::RestartChild(parse_id(id)?),
            ("delete_child", [id]) => Self::DeleteChild(parse_id(id)?),
            ("get_childspec", [id]) => Self::GetChildSpec(parse_id(id)?),
            ("which_children", []) => Self::WhichChildren,
            ("count_children", []) => Self::CountChildren,
            ("start_dynamic", [id, plan]) => {
                Self::StartDynamic(parse_id(id)?, parse_all(plan, Start::parse)?)
            }
            ("terminate_dynamic", [id]) => Self::TerminateDynamic(parse_id(id)?),
            ("advance", [seconds]) => Self::Advance(u64::try_from(seconds.as_int()?)?),
            ("stop", []) => Self::Stop,
            ("kill", []) => Self::Kill,
            _ => bail!("{term} is no act"),
        })
    }
}

fn plan_to_term(plan: &[Start]) -> Term {
    list(plan.iter().map(|start| start.to_term()))
}

fn parse_id(term: &Term) -> Result<u8> {
    Ok(u8::try_from(term.as_int()?)?)
}

fn parse_all<T>(term: &Term, parse: impl Fn(&Term) -> Result<T>) -> Result<Vec<T>> {
    term.as_list()?.iter().map(parse).collect()
}
