//! How histories of servers are written.

use anyhow::{Context as _, Result, bail};

use super::history::{Before, By, History, Init, Next, Plan, Request, Step, Then, Who};
use crate::reasons::Reason;
use crate::term::{Term, atom, int, list, tuple};

impl History {
    pub(crate) fn to_term(&self) -> Term {
        tuple([int(self.callers), list(self.steps.iter().map(Step::to_term))])
    }

    pub(crate) fn parse(term: &Term) -> Result<Self> {
        let [callers, steps] = term.as_tuple()?;
        let steps = steps.as_list()?.iter().map(Step::parse).collect::<Result<_>>()?;
        Ok(Self { callers: number(callers)?, steps })
    }
}

impl Step {
    fn to_term(&self) -> Term {
        match self {
            Self::Start { linked, named, patient, init } => tuple([
                atom("start"),
                atom(if *linked { "link" } else { "nolink" }),
                atom(if *named { "named" } else { "unnamed" }),
                time(*patient),
                init.to_term(),
            ]),
            Self::Call { caller, by, patient, request: Request { tag, plan } } => {
                let (by, time) = (by.to_term(), time(*patient));
                tuple([atom("call"), int(*caller), by, time, int(*tag), plan.to_term()])
            }
            Self::Cast { caller, by, request: Request { tag, plan } } => {
                tuple([atom("cast"), int(*caller), by.to_term(), int(*tag), plan.to_term()])
            }
            Self::Info { caller, request: Request { tag, plan } } => {
                tuple([atom("info"), int(*caller), int(*tag), plan.to_term()])
            }
            Self::Exit(who, reason) => tuple([atom("exit"), who.to_term(), reason.to_term()]),
            Self::Leave(who, reason) => tuple([atom("leave"), who.to_term(), reason.to_term()]),
            Self::Answer(tag) => tuple([atom("answer"), int(*tag)]),
            Self::Stop { caller, by, patient, reason } => {
                let (by, time) = (by.to_term(), time(*patient));
                tuple([atom("stop"), int(*caller), by, time, reason.to_term()])
            }
            Self::Unblock => tuple([atom("unblock")]),
            Self::Elapse => tuple([atom("elapse")]),
        }
    }

    fn parse(term: &Term) -> Result<Self> {
        let request = |tag: &Term, plan: &Term| {
            Ok::<_, anyhow::Error>(Request { tag: number(tag)?, plan: Plan::parse(plan)? })
        };
        Ok(match term.as_tagged()? {
            ("start", [tie, name, time, init]) => Self::Start {
                linked: is(tie, "link"),
                named: is(name, "named"),
                patient: is(time, "infinity"),
                init: Init::parse(init)?,
            },
            ("call", [caller, by, time, tag, plan]) => Self::Call {
                caller: number(caller)?,
                by: By::parse(by),
                patient: is(time, "infinity"),
                request: request(tag, plan)?,
            },
            ("cast", [caller, by, tag, plan]) => Self::Cast {
                caller: number(caller)?,
                by: By::parse(by),
                request: request(tag, plan)?,
            },
            ("info", [caller, tag, plan]) => {
                Self::Info { caller: number(caller)?, request: request(tag, plan)? }
            }
            ("exit", [who, reason]) => Self::Exit(Who::parse(who)?, Reason::parse(reason)?),
            ("leave", [who, reason]) => Self::Leave(Who::parse(who)?, Reason::parse(reason)?),
            ("answer", [tag]) => Self::Answer(number(tag)?),
            ("stop", [caller, by, time, reason]) => Self::Stop {
                caller: number(caller)?,
                by: By::parse(by),
                patient: is(time, "infinity"),
                reason: Reason::parse(reason)?,
            },
            ("unblock", []) => Self::Unblock,
            ("elapse", []) => Self::Elapse,
            _ => bail!("{term} is no step"),
        })
    }
}

impl Who {
    pub(crate) fn to_term(self) -> Term {
        match self {
            Self::Parent => atom("parent"),
            Self::Caller(number) => int(number),
        }
    }

    fn parse(term: &Term) -> Result<Self> {
        if is(term, "parent") { Ok(Self::Parent) } else { Ok(Self::Caller(number(term)?)) }
    }
}

impl By {
    const fn to_term(self) -> Term {
        atom(match self {
            Self::Pid => "pid",
            Self::Name => "name",
        })
    }

    fn parse(term: &Term) -> Self {
        if is(term, "name") { Self::Name } else { Self::Pid }
    }
}

impl Init {
    fn to_term(&self) -> Term {
        let terminate = atom(if self.terminate_fails { "error" } else { "ok" });
        let terminate = tuple([terminate, truth(self.terminate_blocks), self.told.to_term()]);
        tuple([truth(self.trapping), terminate, self.plan.to_term()])
    }

    fn parse(term: &Term) -> Result<Self> {
        let [trapping, terminate, plan] = term.as_tuple()?;
        let [outcome, blocks, told] = terminate.as_tuple()?;
        Ok(Self {
            trapping: is(trapping, "true"),
            terminate_fails: is(outcome, "error"),
            terminate_blocks: is(blocks, "true"),
            told: Then::parse(told)?,
            plan: Plan::parse(plan)?,
        })
    }
}

impl Plan {
    fn to_term(&self) -> Term {
        let before = list(self.before.iter().map(Before::to_term));
        tuple([before, truth(self.block), self.then.to_term(), self.next.to_term()])
    }

    fn parse(term: &Term) -> Result<Self> {
        let [before, block, then, next] = term.as_tuple()?;
        Ok(Self {
            before: before.as_list()?.iter().map(Before::parse).collect::<Result<_>>()?,
            block: is(block, "true"),
            then: Then::parse(then)?,
            next: Next::parse(next)?,
        })
    }
}

impl Before {
    fn to_term(&self) -> Term {
        match self {
            Self::Answer(tag) => tuple([atom("answer"), int(*tag)]),
            Self::Early => atom("early"),
            Self::SelfCast(Request { tag, plan }) => {
                tuple([atom("self_cast"), int(*tag), plan.to_term()])
            }
            Self::SelfCall => atom("self_call"),
            Self::Watch(caller) => tuple([atom("watch"), int(*caller)]),
        }
    }

    fn parse(term: &Term) -> Result<Self> {
        Ok(match term.as_tagged()? {
            ("answer", [tag]) => Self::Answer(number(tag)?),
            ("early", []) => Self::Early,
            ("self_cast", [tag, plan]) => {
                Self::SelfCast(Request { tag: number(tag)?, plan: Plan::parse(plan)? })
            }
            ("self_call", []) => Self::SelfCall,
            ("watch", [caller]) => Self::Watch(number(caller)?),
            _ => bail!("{term} is nothing a callback does first"),
        })
    }
}

impl Then {
    fn to_term(self) -> Term {
        match self {
            Self::Reply => atom("reply"),
            Self::Keep => atom("keep"),
            Self::HandOn => atom("hand_on"),
            Self::StopReply(reason) => tuple([atom("stop_reply"), reason.to_term()]),
            Self::Stop(reason) => tuple([atom("stop"), reason.to_term()]),
            Self::Error => atom("error"),
            Self::Exit(reason) => tuple([atom("exit"), reason.to_term()]),
            Self::Ignore => atom("ignore"),
        }
    }

    fn parse(term: &Term) -> Result<Self> {
        Ok(match term.as_tagged()? {
            ("reply", []) => Self::Reply,
            ("keep", []) => Self::Keep,
            ("hand_on", []) => Self::HandOn,
            ("stop_reply", [reason]) => Self::StopReply(Reason::parse(reason)?),
            ("stop", [reason]) => Self::Stop(Reason::parse(reason)?),
            ("error", []) => Self::Error,
            ("exit", [reason]) => Self::Exit(Reason::parse(reason)?),
            ("ignore", []) => Self::Ignore,
            _ => bail!("{term} is no end of a callback"),
        })
    }
}

impl Next {
    fn to_term(&self) -> Term {
        match self {
            Self::None => atom("none"),
            Self::Hibernate => atom("hibernate"),
            Self::Timeout { zero, plan } => {
                tuple([atom("timeout"), atom(if *zero { "zero" } else { "short" }), plan.to_term()])
            }
            Self::Continue(request) => {
                tuple([atom("continue"), int(request.tag), request.plan.to_term()])
            }
        }
    }

    fn parse(term: &Term) -> Result<Self> {
        Ok(match term.as_tagged()? {
            ("none", []) => Self::None,
            ("hibernate", []) => Self::Hibernate,
            ("timeout", [time, plan]) => {
                Self::Timeout { zero: is(time, "zero"), plan: Box::new(Plan::parse(plan)?) }
            }
            ("continue", [tag, plan]) => {
                let (tag, plan) = (number(tag)?, Plan::parse(plan)?);
                Self::Continue(Box::new(Request { tag, plan }))
            }
            _ => bail!("{term} is nothing that follows a callback"),
        })
    }
}

const fn time(patient: bool) -> Term {
    atom(if patient { "infinity" } else { "short" })
}

const fn truth(flag: bool) -> Term {
    atom(if flag { "true" } else { "false" })
}

fn is(term: &Term, name: &str) -> bool {
    term.as_atom().is_ok_and(|atom| atom == name)
}

fn number(term: &Term) -> Result<usize> {
    usize::try_from(term.as_int()?).with_context(|| format!("{term} counts nothing"))
}
