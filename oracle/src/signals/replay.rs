//! Replays a history on ours: the counterpart of `erlang/oracle_signals.erl`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use fauxtp::process::join;
use fauxtp::{Address, ExitReason, PidExt};

use super::history::{Act, History, Step};
use super::notation::truth;
use super::robot::{Command, Inside, Message, World};
use crate::reasons::class;
use crate::term::{Term, atom, int, list, tuple};
use fauxtp::testing::Sim;

/// Replays a history, and returns its trace: what has happened in each step, by robot.
pub(crate) async fn replay(history: &History, stage: &Sim) -> Term {
    let mut driver = Driver { stage, world: World::default(), fates: Vec::new(), held: None };
    for robot in &history.robots {
        let robot = driver.world.begin(*robot);
        driver.world.inside().welcome(robot);
        driver.meet();
    }
    stage.settle().await;
    let mut trace = Vec::new();
    for (number, step) in history.steps.iter().enumerate() {
        driver.take(number, *step);
        trace.push(driver.settle().await);
    }
    driver.release();
    trace.push(driver.settle().await);
    trace.push(driver.last().await);
    list(trace)
}

/// Somebody's end, waited for.
type Fate = Pin<Box<dyn Future<Output = ExitReason>>>;

struct Driver<'a> {
    stage: &'a Sim,
    world: World,
    /// How each robot ends; nothing if it has.
    fates: Vec<Option<Fate>>,
    held: Option<usize>,
}

impl Driver<'_> {
    /// Watches robots that have begun since.
    fn meet(&mut self) {
        for robot in &self.world.inside().robots[self.fates.len()..] {
            self.fates.push(Some(Box::pin(join(robot.pid()))));
        }
        // Watched from now on; a newborn may have ended already.
        for fate in self.fates.iter_mut().flatten() {
            let _not_yet = poll_once(fate.as_mut());
        }
    }

    fn take(&mut self, number: usize, step: Step) {
        match step {
            Step::Hold(robot) if self.held.is_none() && self.lives(robot) => {
                self.stage.hold(self.robot(robot).expect("whoever lives has begun").pid());
                self.held = Some(robot);
            }
            Step::Hold(_) => {}
            Step::Release => self.release(),
            Step::Outside(robot, reason) => {
                if let Some(robot) = self.robot(robot) {
                    robot.pid().exit(reason.exit_reason());
                }
            }
            Step::Act(robot, act) => {
                let command = self.command(act);
                if let (Some(robot), Some(command)) = (self.robot(robot), command) {
                    robot.send(Message::Do { step: number, command });
                }
            }
        }
    }

    /// The command for an act; nothing if whomever it is done to has not begun.
    fn command(&self, act: Act) -> Option<Command> {
        if let Act::Disown(made) = act {
            let inside = self.world.inside();
            let found = inside.monitors.iter().find(|(step, _)| *step == made);
            return found.map(|(_, monitor)| Command::Disown(*monitor));
        }
        match act.target() {
            Some(target) => self.robot(target).map(|target| Command::At(act, target)),
            None => Some(Command::Act(act)),
        }
    }

    fn robot(&self, number: usize) -> Option<Address<Message>> {
        self.world.inside().robots.get(number).cloned()
    }

    fn lives(&self, robot: usize) -> bool {
        self.fates.get(robot).is_some_and(Option::is_some)
    }

    fn release(&mut self) {
        if let Some(robot) = self.held.take() {
            self.stage.release(self.robot(robot).expect("whoever is held has begun").pid());
        }
    }

    /// Lets everybody do what there is to do, and tells it, sorted by robot.
    async fn settle(&mut self) -> Term {
        self.stage.settle().await;
        let mut events = std::mem::take(&mut self.world.inside().events);
        for (robot, slot) in self.fates.iter_mut().enumerate() {
            let Some(Poll::Ready(reason)) = slot.as_mut().map(|fate| poll_once(fate.as_mut()))
            else {
                continue;
            };
            *slot = None;
            events.push((robot, tuple([atom("died"), int(robot), class(&reason)])));
        }
        let known = self.fates.len();
        let born = self.world.inside().robots.len();
        for robot in known..born {
            let pid = self.world.inside().robots[robot].pid();
            let mut fate: Fate = Box::pin(join(pid));
            match poll_once(fate.as_mut()) {
                Poll::Pending => self.fates.push(Some(fate)),
                Poll::Ready(reason) => {
                    self.fates.push(None);
                    events.push((robot, tuple([atom("died"), int(robot), class(&reason)])));
                }
            }
        }
        events.sort_by_key(|(robot, _)| *robot);
        list(events.into_iter().map(|(_, event)| event))
    }

    /// What those who are left have got, and what they are; then they are killed.
    async fn last(&mut self) -> Term {
        let alive: Vec<usize> = (0..self.fates.len()).filter(|robot| self.lives(*robot)).collect();
        for robot in alive.iter().filter_map(|robot| self.robot(*robot)) {
            robot.send(Message::Do { step: usize::MAX, command: Command::TellAll });
        }
        self.stage.settle().await;
        let robots: Vec<_> = alive.iter().filter_map(|robot| self.robot(*robot)).collect();
        for (number, robot) in alive.iter().zip(&robots) {
            let facts = facts(&self.world, *number, robot).await;
            self.world.inside().events.push((*number, facts));
        }
        let events = self.settle().await;
        robots.iter().for_each(|robot| robot.pid().kill());
        self.stage.settle().await;
        events
    }
}

async fn facts(world: &World, number: usize, robot: &Address<Message>) -> Term {
    let Some(facts) = robot.pid().info().await else { return atom("gone") };
    let inside: &Inside = &world.inside();
    let mut links: Vec<Term> = facts.links.iter().map(|pid| inside.name(*pid)).collect();
    links.sort();
    let (monitors, watchers) = (int(facts.monitors), int(facts.monitored_by));
    tuple([atom("facts"), int(number), list(links), truth(facts.trapping), monitors, watchers])
}

fn poll_once(fate: Pin<&mut dyn Future<Output = ExitReason>>) -> Poll<ExitReason> {
    fate.poll(&mut Context::from_waker(Waker::noop()))
}
