//! The parent and the callers of a server.

use std::time::Duration;

use fauxtp::process::{Context, Received, StopError, Trap, spawn};
use fauxtp::{Address, CallError, Dest, ExitReason, GenServer, Name, PidExt, StartError};

use super::history::{By, Init, Request, Who};
use super::scripted::{LITTLE, MORE, Message, Scripted};
use super::world::World;
use crate::reasons::{Reason, class};
use crate::term::{Term, atom, int, tuple};

/// What a parent or a caller is told, and in which step.
pub(crate) struct Command {
    pub(crate) step: usize,
    pub(crate) what: What,
}

pub(crate) enum What {
    Start { linked: bool, named: bool, patient: bool, init: Init },
    Call { to: To, patient: bool, request: Request },
    Cast { to: To, request: Request },
    Info { to: To, request: Request },
    Exit { to: To, reason: Reason },
    Stop { to: To, patient: bool, reason: Reason },
    Leave(Reason),
}

/// A server, or the name of one.
pub(crate) enum To {
    Address(Address<Message>),
    Name,
}

static NAME: Name<Scripted> = Name::new("oracle_named");

impl To {
    fn find(&self) -> Option<Address<Message>> {
        match self {
            Self::Address(address) => Some(address.clone()),
            Self::Name => NAME.whereis(),
        }
    }

    pub(crate) fn of(by: By, last: Option<&Address<Message>>) -> Option<Self> {
        match by {
            By::Name => Some(Self::Name),
            By::Pid => last.cloned().map(Self::Address),
        }
    }
}

/// Begins a parent.
pub(crate) fn parent(world: &World) -> Address<Command> {
    let world = world.clone();
    spawn(async move |mut ctx: Context<Command>| {
        ctx.trap_exits(Trap::On);
        loop {
            let Command { step, what } = match ctx.recv().await {
                Received::Message(command) => command,
                Received::Exit(exit) => {
                    world.tell_by_parent(tuple([atom("exit"), class(&exit.reason)]));
                    continue;
                }
                _ => continue,
            };
            match what {
                What::Start { linked, named, patient, init } => {
                    let mut start = Scripted::start((world.clone(), init));
                    if named {
                        start = start.name(&NAME);
                    }
                    if !patient {
                        start = start.timeout(MORE);
                    }
                    if linked {
                        start = start.link(&ctx);
                    }
                    let outcome = outcome(start.await);
                    world.inside().done.push(Who::Parent);
                    world.tell_by_parent(tuple([atom("started"), int(step), outcome]));
                }
                What::Leave(reason) => return reason.exit_reason(),
                other => {
                    let _nothing_to_tell = ask(other).await;
                }
            }
        }
    })
    .expect("histories are replayed in a runtime")
}

fn outcome(started: Result<Address<Message>, StartError>) -> Term {
    match started {
        Ok(_) => atom("ok"),
        Err(StartError::AlreadyStarted(_)) => atom("already_started"),
        Err(StartError::Ignored) => atom("ignore"),
        Err(StartError::Failed(reason)) => class(&reason),
        Err(other) => class(&other.into_reason()),
    }
}

/// Begins a caller.
pub(crate) fn caller(world: &World, number: usize) -> Address<Command> {
    let world = world.clone();
    spawn(async move |mut ctx: Context<Command>| {
        loop {
            let Received::Message(Command { step, what }) = ctx.recv().await else {
                world.tell_by_caller(number, atom("stray"));
                continue;
            };
            if let What::Leave(reason) = what {
                return reason.exit_reason();
            }
            if let Some(result) = ask(what).await {
                world.tell_by_caller(number, tuple([atom("result"), int(step), result]));
            }
        }
    })
    .expect("histories are replayed in a runtime")
}

/// Asks, and tells what it was answered.
async fn ask(what: What) -> Option<Term> {
    match what {
        What::Call { to, patient, request } => {
            let answer = match &to {
                To::Address(address) => call(address, patient, request).await,
                To::Name => call(&NAME, patient, request).await,
            };
            Some(match answer {
                Ok(value) => tuple([atom("ok"), int(value)]),
                Err(CallError::NoProc) => atom("noproc"),
                Err(CallError::Exited(reason)) => class(&reason),
                Err(CallError::Timeout) => atom("timeout"),
                Err(CallError::NoReply) => atom("no_reply"),
                Err(_) => atom("refused"),
            })
        }
        What::Cast { to: To::Address(address), request } => {
            address.cast(Message::Cast(request));
            None
        }
        What::Cast { to: To::Name, request } => {
            Dest::cast(&NAME, Message::Cast(request));
            None
        }
        What::Info { to, request } => {
            to.find()?.send(Message::Info(request));
            None
        }
        What::Exit { to, reason } => {
            to.find()?.pid().exit(reason.exit_reason());
            None
        }
        What::Stop { to, patient, reason } => {
            let timeout = (!patient).then_some(LITTLE);
            Some(stop(to.find(), reason.exit_reason(), timeout).await)
        }
        What::Start { .. } | What::Leave(_) => None,
    }
}

async fn call<D: Dest<Message = Message>>(
    to: &D,
    patient: bool,
    request: Request,
) -> Result<usize, CallError> {
    let call = to.call(|from| Message::Call(request, from));
    if patient { call.no_timeout().await } else { call.timeout(LITTLE).await }
}

async fn stop(
    server: Option<Address<Message>>,
    reason: ExitReason,
    timeout: Option<Duration>,
) -> Term {
    let Some(server) = server else { return atom("noproc") };
    match server.pid().stop(reason, timeout).await {
        Ok(()) => atom("ok"),
        Err(StopError::NoProc) => atom("noproc"),
        Err(StopError::Timeout) => atom("timeout"),
        Err(StopError::Exited(reason)) => class(&reason),
        Err(_) => atom("refused"),
    }
}
