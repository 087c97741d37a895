//! Histories of signals: which processes there are, and what they do one after the other.

use anyhow::Result;

use super::notation::{is_true, truth};
use crate::random::Random;
use crate::reasons::Reason;
use crate::shrink::shorter;
use crate::term::{Term, atom, list, tuple};

/// How many processes there are at most.
pub(crate) const ROBOTS_MAX: usize = 6;

/// Robots, and what they are told, in this order. Robots are numbered as they begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) robots: Vec<Robot>,
    pub(crate) steps: Vec<Step>,
}

/// A process that does what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Robot {
    pub(crate) trapping: bool,
    /// Takes everything as it comes; otherwise it leaves everything but commands where it is.
    pub(crate) eager: bool,
}

/// How a robot ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Reason(Reason),
    Error,
    Throw,
}

/// What is between a robot and its child from the first moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tie {
    None,
    Link,
    Monitor,
}

/// What a robot's child does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Child {
    Robot(Robot),
    Ends(End),
}

/// What one robot does, mostly to another one. Steps name each other by their place in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Trap(bool),
    Link(usize),
    /// The same, and a refusal does not end the robot.
    TryLink(usize),
    Unlink(usize),
    UnlinkFlush(usize),
    Monitor(usize),
    /// Ends the monitor which that step has made.
    Demonitor(usize),
    DemonitorFlush(usize),
    /// Tries to end the monitor that another robot has made in that step.
    Disown(usize),
    Exit(usize, Reason),
    /// Kills, and asks at once whether it lives.
    KillAlive(usize),
    Alive(usize),
    Note(usize, usize),
    /// Takes all that waits.
    Collect,
    Leave(End),
    /// Its step has made a monitor, if that is the tie.
    Spawn {
        tie: Tie,
        child: Child,
    },
}

/// One step of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Act(usize, Act),
    /// From now on this robot does not run; all that is for it piles up. One robot at a time.
    Hold(usize),
    Release,
    /// An exit signal from outside of all robots.
    Outside(usize, Reason),
}

impl History {
    pub(crate) fn generate(random: &mut Random) -> Self {
        let robots = random.within(2..ROBOTS_MAX + 1);
        let mut generator = Generator {
            robots: (0..robots).map(|_| Robot::any(random)).collect(),
            steps: Vec::new(),
            born: robots,
            held: None,
            monitors: Vec::new(),
        };
        for _ in 0..random.within(3..20) {
            let step = generator.step(random);
            generator.push(step);
        }
        Self { robots: generator.robots, steps: generator.steps }
    }

    pub(crate) fn to_term(&self) -> Term {
        let robots = self.robots.iter().map(|robot| robot.to_term());
        tuple([list(robots), list(self.steps.iter().map(|step| step.to_term()))])
    }

    pub(crate) fn parse(term: &Term) -> Result<Self> {
        let [robots, steps] = term.as_tuple()?;
        Ok(Self {
            robots: robots.as_list()?.iter().map(Robot::parse).collect::<Result<_>>()?,
            steps: steps.as_list()?.iter().map(Step::parse).collect::<Result<_>>()?,
        })
    }

    /// Simpler histories: with fewer steps, fewer robots at the end, or tamer ones.
    pub(crate) fn simpler(&self) -> Vec<Self> {
        let mut all = Vec::new();
        for kept in shorter(&(0..self.steps.len()).collect::<Vec<_>>()) {
            let steps = kept.iter().map(|place| self.steps[*place].renamed(&kept)).collect();
            all.push(Self { robots: self.robots.clone(), steps });
        }
        let last = self.robots.len() - 1;
        let spawns = self.steps.iter().any(|step| matches!(step, Step::Act(_, Act::Spawn { .. })));
        if last > 0 && !spawns && !self.steps.iter().any(|step| step.concerns(last)) {
            all.push(Self { robots: self.robots[..last].to_vec(), steps: self.steps.clone() });
        }
        for (place, robot) in self.robots.iter().enumerate() {
            let tamer = [Robot { trapping: false, ..*robot }, Robot { eager: true, ..*robot }];
            for tame in tamer.into_iter().filter(|tame| tame != robot) {
                let mut simpler = self.clone();
                simpler.robots[place] = tame;
                all.push(simpler);
            }
        }
        all
    }
}

/// What is known while a history is made.
struct Generator {
    robots: Vec<Robot>,
    steps: Vec<Step>,
    /// How many robots there may be so far.
    born: usize,
    held: Option<usize>,
    /// Who has made a monitor, and in which step.
    monitors: Vec<(usize, usize)>,
}

impl Generator {
    fn push(&mut self, step: Step) {
        match step {
            Step::Hold(robot) if self.held.is_none() => self.held = Some(robot),
            Step::Release => self.held = None,
            Step::Act(robot, Act::Monitor(_)) => self.monitors.push((robot, self.steps.len())),
            Step::Act(robot, Act::Spawn { tie, .. }) => {
                self.born += 1;
                if tie == Tie::Monitor {
                    self.monitors.push((robot, self.steps.len()));
                }
            }
            _ => {}
        }
        self.steps.push(step);
    }

    fn step(&self, random: &mut Random) -> Step {
        let other = random.within(0..self.born);
        match (self.held, random.within(0..100)) {
            (None, 0..10) if HOLDS => return Step::Hold(other),
            (Some(_), 0..22) => return Step::Release,
            (_, 22..26) => return Step::Outside(other, Reason::any(random)),
            _ => {}
        }
        // Whoever is held is in the thick of it.
        let involved = self.held.filter(|_| random.percent(45));
        let robot = involved.unwrap_or_else(|| random.within(0..self.born));
        let target = self.held.filter(|_| random.percent(45)).unwrap_or(other);
        Step::Act(robot, self.act(robot, target, random))
    }

    fn act(&self, robot: usize, target: usize, random: &mut Random) -> Act {
        let own = |(maker, step): &(usize, usize)| (*maker == robot).then_some(*step);
        let others = |(maker, step): &(usize, usize)| (*maker != robot).then_some(*step);
        let own: Vec<usize> = self.monitors.iter().filter_map(own).collect();
        let others: Vec<usize> = self.monitors.iter().filter_map(others).collect();
        // Whether a process lives is asked where nothing is under way: it would have to wait otherwise.
        let quiet = self.held.is_none();
        match random.weighted(&[8, 20, 4, 9, 6, 18, 9, 7, 1, 16, 2, 3, 10, 6, 9, 4]) {
            0 => Act::Trap(random.percent(60)),
            2 => Act::TryLink(target),
            3 => Act::Unlink(target),
            4 => Act::UnlinkFlush(target),
            5 => Act::Monitor(target),
            6 if !own.is_empty() => Act::Demonitor(random.one_of(&own)),
            7 if !own.is_empty() => Act::DemonitorFlush(random.one_of(&own)),
            8 if !others.is_empty() => Act::Disown(random.one_of(&others)),
            9 => Act::Exit(target, Reason::any(random)),
            10 if quiet => Act::KillAlive(target),
            11 if quiet => Act::Alive(target),
            12 => Act::Note(target, self.steps.len()),
            13 => Act::Collect,
            14 => Act::Leave(End::any(random)),
            15 if self.born < ROBOTS_MAX => {
                let mut child = Child::any(random);
                // Whether it traps in time, should its parent end right after, is not for anybody to say.
                if let (Child::Robot(child), true) = (&mut child, self.held == Some(robot)) {
                    child.trapping = false;
                }
                Act::Spawn {
                    tie: random.one_of(&[Tie::None, Tie::Link, Tie::Link, Tie::Monitor]),
                    child,
                }
            }
            _ => Act::Link(target),
        }
    }
}

impl Robot {
    fn any(random: &mut Random) -> Self {
        Self { trapping: random.percent(45), eager: random.percent(50) }
    }

    fn to_term(self) -> Term {
        tuple([truth(self.trapping), atom(if self.eager { "eager" } else { "lazy" })])
    }

    fn parse(term: &Term) -> Result<Self> {
        let [trapping, manner] = term.as_tuple()?;
        Ok(Self { trapping: is_true(trapping)?, eager: manner.as_atom()? == "eager" })
    }
}

impl End {
    fn any(random: &mut Random) -> Self {
        match random.within(0..100) {
            // Erlang writes a report of each, which takes longer than all the rest of a history.
            0..2 => Self::Error,
            2..3 => Self::Throw,
            _ => Self::Reason(Reason::any(random)),
        }
    }

    pub(crate) fn to_term(self) -> Term {
        match self {
            Self::Reason(reason) => reason.to_term(),
            Self::Error => atom("error"),
            Self::Throw => atom("throw"),
        }
    }

    pub(crate) fn parse(term: &Term) -> Result<Self> {
        Ok(match term.as_atom()? {
            "error" => Self::Error,
            "throw" => Self::Throw,
            _ => Self::Reason(Reason::parse(term)?),
        })
    }
}

impl Child {
    fn any(random: &mut Random) -> Self {
        if random.percent(60) {
            Self::Robot(Robot::any(random))
        } else {
            Self::Ends(End::any(random))
        }
    }
}

impl Step {
    /// Whether it names this robot.
    fn concerns(&self, robot: usize) -> bool {
        match self {
            Self::Release => false,
            Self::Hold(who) | Self::Outside(who, _) => *who == robot,
            Self::Act(who, act) => *who == robot || act.target() == Some(robot),
        }
    }

    /// The same step when only these steps are kept. A step whose monitor is not kept means none.
    fn renamed(self, kept: &[usize]) -> Self {
        let place = |step: usize| kept.iter().position(|old| *old == step).unwrap_or(NEVER);
        let Self::Act(robot, act) = self else { return self };
        Self::Act(
            robot,
            match act {
                Act::Demonitor(step) => Act::Demonitor(place(step)),
                Act::DemonitorFlush(step) => Act::DemonitorFlush(place(step)),
                Act::Disown(step) => Act::Disown(place(step)),
                other => other,
            },
        )
    }
}

/// The place of no step.
const NEVER: usize = 255;

const HOLDS: bool = true;
