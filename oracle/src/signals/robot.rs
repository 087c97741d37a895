//! A process of ours that does what it is told, and notes what it receives.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fauxtp::process::{self, Context, Peek, Received, Trap};

use fauxtp::{Address, ExitReason, Monitor, Pid, PidExt};

use super::history::{Act, Child, End, Robot, Tie};
use super::notation::truth;
use crate::reasons::class;
use crate::stage::BOOM;
use crate::term::{Term, atom, int, tuple};

/// What reaches a robot.
pub(crate) enum Message {
    Do { step: usize, command: Command },
    Note { from: Pid, tag: usize },
}

/// An act whose target is known.
pub(crate) enum Command {
    Act(Act),
    At(Act, Address<Message>),
    Disown(Monitor),
    /// Notes all that waits, and what it knows of itself.
    TellAll,
}

/// What all robots of a history share with whoever drives them.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<Mutex<Inside>>);

#[derive(Default)]
pub(crate) struct Inside {
    pub(crate) robots: Vec<Address<Message>>,
    /// Each monitor, and the step that made it.
    pub(crate) monitors: Vec<(usize, Monitor)>,
    /// Which robot, and what it tells.
    pub(crate) events: Vec<(usize, Term)>,
}

impl World {
    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a robot that nobody knows yet.
    pub(crate) fn begin(&self, robot: Robot) -> Address<Message> {
        let world = self.clone();
        process::spawn(async move |ctx| live(ctx, world, robot).await)
            .expect("histories are replayed in a runtime")
    }
}

impl Inside {
    /// Gives the next number to a robot.
    pub(crate) fn welcome(&mut self, robot: Address<Message>) {
        self.robots.push(robot);
    }

    pub(crate) fn number(&self, pid: Pid) -> Option<usize> {
        self.robots.iter().position(|robot| robot.pid() == pid)
    }

    fn tell(&mut self, pid: Pid, event: impl FnOnce(Term) -> Term) {
        let number = self.number(pid).expect("robots are welcomed before they run");
        let event = event(int(number));
        self.events.push((number, event));
    }

    /// How a process is written in a trace.
    pub(crate) fn name(&self, pid: Pid) -> Term {
        self.number(pid).map_or(atom("outside"), int)
    }
}

async fn live(mut ctx: Context<Message>, world: World, robot: Robot) -> ExitReason {
    ctx.trap_exits(if robot.trapping { Trap::On } else { Trap::Off });
    loop {
        let received = if robot.eager {
            ctx.recv().await
        } else {
            ctx.recv_where(|item| matches!(item, Peek::Message(Message::Do { .. }))).await
        };
        let (step, command) = match received {
            Received::Message(Message::Do { step, command }) => (step, command),
            item => {
                note(&ctx, &world, item);
                continue;
            }
        };
        match obey(&mut ctx, &world, step, command).await {
            Ok(None) => {}
            Ok(Some(value)) => {
                let result = |robot| tuple([atom("result"), robot, int(step), value]);
                world.inside().tell(ctx.pid(), result);
            }
            Err(reason) => return reason,
        }
    }
}

/// Does it; gives what it has to tell, or the reason to end with.
async fn obey(
    ctx: &mut Context<Message>,
    world: &World,
    step: usize,
    command: Command,
) -> Result<Option<Term>, ExitReason> {
    let (act, target) = match command {
        Command::Act(act) => (act, None),
        Command::At(act, target) => (act, Some(target)),
        Command::Disown(monitor) => return Ok(Some(truth(ctx.demonitor(monitor)))),
        Command::TellAll => {
            collect(ctx, world).await;
            return Ok(None);
        }
    };
    let made = |made: usize| {
        let inside = world.inside();
        inside.monitors.iter().find(|(step, _)| *step == made).map(|(_, monitor)| *monitor)
    };
    Ok(match (act, target) {
        (Act::Trap(flag), _) => {
            let before = ctx.trap_exits(if flag { Trap::On } else { Trap::Off });
            Some(truth(before == Trap::On))
        }
        (Act::Demonitor(step), _) => made(step).map(|monitor| truth(ctx.demonitor(monitor))),
        (Act::DemonitorFlush(step), _) => made(step).map(|monitor| {
            ctx.demonitor_flush(monitor).map_or(atom("nothing"), |down| class(&down.reason))
        }),
        (Act::Collect, _) => {
            collect(ctx, world).await;
            None
        }
        (Act::Leave(end), _) => return Err(end.reason()),
        (Act::Spawn { tie, child }, _) => {
            spawn(ctx, world, step, tie, child);
            Some(atom("spawned"))
        }
        (act, Some(target)) => act_on(ctx, world, step, act, &target)?,
        (_, None) => None,
    })
}

/// What a robot does to another one.
fn act_on(
    ctx: &mut Context<Message>,
    world: &World,
    step: usize,
    act: Act,
    target: &Address<Message>,
) -> Result<Option<Term>, ExitReason> {
    Ok(match act {
        Act::Link(_) => {
            ctx.link(target).map_err(ExitReason::error)?;
            Some(atom("linked"))
        }
        Act::TryLink(_) => Some(atom(ctx.link(target).map_or_else(|_| "noproc", |()| "linked"))),
        Act::Unlink(_) => {
            ctx.unlink(target);
            None
        }
        Act::UnlinkFlush(_) => {
            Some(ctx.unlink_flush(target).map_or(atom("nothing"), |reason| class(&reason)))
        }
        Act::Monitor(_) => {
            let monitor = ctx.monitor(target);
            world.inside().monitors.push((step, monitor));
            Some(atom("monitor"))
        }
        Act::Exit(_, reason) => {
            ctx.exit(target, reason.exit_reason());
            None
        }
        Act::KillAlive(_) => {
            target.pid().kill();
            Some(truth(target.pid().is_alive()))
        }
        Act::Alive(_) => Some(truth(target.pid().is_alive())),
        Act::Note(_, tag) => {
            target.send(Message::Note { from: ctx.pid(), tag });
            None
        }
        _ => None,
    })
}

fn spawn(ctx: &mut Context<Message>, world: &World, step: usize, tie: Tie, child: Child) {
    let inner = world.clone();
    let body = async move |ctx: Context<Message>| match child {
        Child::Robot(robot) => live(ctx, inner, robot).await,
        Child::Ends(end) => end.reason(),
    };
    let child = match tie {
        Tie::None => ctx.spawn(body),
        Tie::Link => ctx.spawn_link(body),
        Tie::Monitor => ctx.spawn_monitor(body).map(|(child, monitor)| {
            world.inside().monitors.push((step, monitor));
            child
        }),
    };
    let child = child.expect("histories are replayed in a runtime");
    world.inside().welcome(child);
}

/// Takes everything that waits and is no command.
async fn collect(ctx: &mut Context<Message>, world: &World) {
    let is_item = |item: Peek<'_, Message>| !matches!(item, Peek::Message(Message::Do { .. }));
    while let Some(item) = ctx.recv_where_timeout(is_item, std::time::Duration::ZERO).await {
        note(ctx, world, item);
    }
}

fn note(ctx: &Context<Message>, world: &World, item: Received<Message>) {
    let mut inside = world.inside();
    let item = match item {
        Received::Message(Message::Note { from, tag }) => {
            tuple([atom("note"), inside.name(from), int(tag)])
        }
        Received::Exit(exit) => tuple([atom("exit"), inside.name(exit.from), class(&exit.reason)]),
        Received::Down(down) => {
            let step = inside.monitors.iter().find(|(_, monitor)| *monitor == down.monitor);
            let step = step.map_or(atom("unknown"), |(step, _)| int(*step));
            let pid = down.pid.expect("nobody is monitored by name here");
            tuple([atom("down"), step, inside.name(pid), class(&down.reason)])
        }
        _ => atom("unknown"),
    };
    inside.tell(ctx.pid(), |robot| tuple([atom("got"), robot, item]));
}

impl End {
    /// The reason to leave with; failures are real ones.
    fn reason(self) -> ExitReason {
        match self {
            Self::Reason(reason) => reason.exit_reason(),
            Self::Error | Self::Throw => std::panic::panic_any(BOOM),
        }
    }
}
