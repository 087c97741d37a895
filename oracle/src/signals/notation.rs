//! How the steps of a history are written.

use anyhow::{Result, bail};

use super::history::{Act, Child, End, Robot, Step, Tie};
use crate::reasons::Reason;
use crate::term::{Term, atom, int, tuple};

impl Act {
    /// Whom it is done to.
    pub(crate) const fn target(&self) -> Option<usize> {
        match self {
            Self::Link(target)
            | Self::TryLink(target)
            | Self::Unlink(target)
            | Self::UnlinkFlush(target)
            | Self::Monitor(target)
            | Self::Exit(target, _)
            | Self::KillAlive(target)
            | Self::Alive(target)
            | Self::Note(target, _) => Some(*target),
            _ => None,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Trap(_) => "trap",
            Self::Link(_) => "link",
            Self::TryLink(_) => "try_link",
            Self::Unlink(_) => "unlink",
            Self::UnlinkFlush(_) => "unlink_flush",
            Self::Monitor(_) => "monitor",
            Self::Demonitor(_) => "demonitor",
            Self::DemonitorFlush(_) => "demonitor_flush",
            Self::Disown(_) => "disown",
            Self::Exit(..) => "exit",
            Self::KillAlive(_) => "kill_alive",
            Self::Alive(_) => "alive",
            Self::Note(..) => "note",
            Self::Collect => "collect",
            Self::Leave(_) => "leave",
            Self::Spawn { .. } => "spawn",
        }
    }

    fn to_term(self, robot: usize) -> Term {
        let (name, robot) = (atom(self.name()), int(robot));
        match self {
            Self::Trap(flag) => tuple([name, robot, truth(flag)]),
            Self::Demonitor(step) | Self::DemonitorFlush(step) | Self::Disown(step) => {
                tuple([name, robot, int(step)])
            }
            Self::Exit(target, reason) => tuple([name, robot, int(target), reason.to_term()]),
            Self::Note(target, tag) => tuple([name, robot, int(target), int(tag)]),
            Self::Collect => tuple([name, robot]),
            Self::Leave(end) => tuple([name, robot, end.to_term()]),
            Self::Spawn { tie, child } => {
                let tie = atom(match tie {
                    Tie::None => "none",
                    Tie::Link => "link",
                    Tie::Monitor => "monitor",
                });
                tuple([name, robot, tie, child.to_term()])
            }
            Self::Link(target)
            | Self::TryLink(target)
            | Self::Unlink(target)
            | Self::UnlinkFlush(target)
            | Self::Monitor(target)
            | Self::KillAlive(target)
            | Self::Alive(target) => tuple([name, robot, int(target)]),
        }
    }

    fn parse(name: &str, others: &[Term]) -> Result<Self> {
        let number = |place: usize| number(others, place);
        Ok(match (name, others) {
            ("trap", [flag]) => Self::Trap(is_true(flag)?),
            ("link", _) => Self::Link(number(0)?),
            ("try_link", _) => Self::TryLink(number(0)?),
            ("unlink", _) => Self::Unlink(number(0)?),
            ("unlink_flush", _) => Self::UnlinkFlush(number(0)?),
            ("monitor", _) => Self::Monitor(number(0)?),
            ("demonitor", _) => Self::Demonitor(number(0)?),
            ("demonitor_flush", _) => Self::DemonitorFlush(number(0)?),
            ("disown", _) => Self::Disown(number(0)?),
            ("exit", [_, reason]) => Self::Exit(number(0)?, Reason::parse(reason)?),
            ("kill_alive", _) => Self::KillAlive(number(0)?),
            ("alive", _) => Self::Alive(number(0)?),
            ("note", _) => Self::Note(number(0)?, number(1)?),
            ("collect", []) => Self::Collect,
            ("leave", [end]) => Self::Leave(End::parse(end)?),
            ("spawn", [tie, child]) => {
                let tie = match tie.as_atom()? {
                    "link" => Tie::Link,
                    "monitor" => Tie::Monitor,
                    _ => Tie::None,
                };
                Self::Spawn { tie, child: Child::parse(child)? }
            }
            _ => bail!("{name} is nothing a robot does"),
        })
    }
}

impl Step {
    pub(crate) fn to_term(self) -> Term {
        match self {
            Self::Act(robot, act) => act.to_term(robot),
            Self::Hold(robot) => tuple([atom("hold"), int(robot)]),
            Self::Release => tuple([atom("release")]),
            Self::Outside(robot, reason) => tuple([atom("outside"), int(robot), reason.to_term()]),
        }
    }

    pub(crate) fn parse(term: &Term) -> Result<Self> {
        let (name, others) = term.as_tagged()?;
        Ok(match (name, others) {
            ("release", []) => Self::Release,
            ("hold", _) => Self::Hold(number(others, 0)?),
            ("outside", [_, reason]) => Self::Outside(number(others, 0)?, Reason::parse(reason)?),
            (_, [_, rest @ ..]) => Self::Act(number(others, 0)?, Act::parse(name, rest)?),
            _ => bail!("{term} is no step"),
        })
    }
}

impl Child {
    fn to_term(self) -> Term {
        match self {
            Self::Ends(end) => tuple([atom("ends"), end.to_term()]),
            Self::Robot(robot) => {
                let manner = atom(if robot.eager { "eager" } else { "lazy" });
                tuple([atom("robot"), truth(robot.trapping), manner])
            }
        }
    }

    fn parse(term: &Term) -> Result<Self> {
        Ok(match term.as_tagged()? {
            ("ends", [end]) => Self::Ends(End::parse(end)?),
            ("robot", [trapping, manner]) => Self::Robot(Robot {
                trapping: is_true(trapping)?,
                eager: manner.as_atom()? == "eager",
            }),
            _ => bail!("{term} is no child"),
        })
    }
}

/// A truth value as Erlang has it.
pub(crate) const fn truth(flag: bool) -> Term {
    atom(if flag { "true" } else { "false" })
}

pub(crate) fn is_true(term: &Term) -> Result<bool> {
    Ok(term.as_atom()? == "true")
}

fn number(terms: &[Term], place: usize) -> Result<usize> {
    let Some(term) = terms.get(place) else { bail!("a number is missing") };
    Ok(usize::try_from(term.as_int()?)?)
}
