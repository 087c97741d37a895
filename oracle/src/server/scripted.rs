//! A server of ours whose callbacks do what they are told, and tell that they run.

use std::collections::BTreeMap;
use std::panic::panic_any;
use std::time::Duration;

use fauxtp::process::Trap;
use fauxtp::{CallError, Context, ExitReason, GenServer, Info, Reply, Result, Stop};
use tokio::sync::oneshot;

use super::history::{Before, Init, Next, Plan, Request, Then};
use super::world::World;
use crate::reasons::class;
use crate::stage::BOOM;
use crate::term::{Term, atom, int, tuple};

/// What a server gets.
pub(crate) enum Message {
    Call(Request, Reply<usize>),
    Cast(Request),
    Info(Request),
    Continue(Request),
}

/// The server.
pub(crate) struct Scripted {
    world: World,
    /// How many callbacks have come to their end.
    count: usize,
    kept: BTreeMap<usize, Reply<usize>>,
    /// What is done if nothing arrives in time.
    idle: Option<Plan>,
    terminate_fails: bool,
    terminate_blocks: bool,
    /// How a callback ends that is told of somebody's end.
    told: Then,
}

impl GenServer for Scripted {
    type Args = (World, Init);
    type Message = Message;

    async fn init((world, init): (World, Init), ctx: &mut Context<Self>) -> Result<Self> {
        world.begin(ctx.address());
        world.tell(atom("init"));
        ctx.trap_exits(if init.trapping { Trap::On } else { Trap::Off });
        let mut server = Self {
            world,
            count: 0,
            kept: BTreeMap::new(),
            idle: None,
            terminate_fails: init.terminate_fails,
            terminate_blocks: init.terminate_blocks,
            told: init.told,
        };
        server.prepare(&init.plan, None, ctx).await;
        match init.plan.then {
            Then::Ignore => return Err(Stop::ignore()),
            Then::Stop(reason) | Then::Exit(reason) => {
                return Err(Stop::because(reason.exit_reason()));
            }
            Then::Error => panic_any(BOOM),
            Then::Reply | Then::Keep | Then::HandOn | Then::StopReply(_) => {}
        }
        server.follow(init.plan.next, ctx);
        Ok(server)
    }

    async fn handle(&mut self, message: Message, ctx: &mut Context<Self>) -> Result {
        let (kind, request, from) = match message {
            Message::Call(request, from) => ("call", request, Some(from)),
            Message::Cast(request) => ("cast", request, None),
            Message::Info(request) => ("info", request, None),
            Message::Continue(request) => ("continue", request, None),
        };
        self.tell_of(kind, int(request.tag));
        self.perform(request, from, ctx).await
    }

    async fn handle_info(&mut self, info: Info, ctx: &mut Context<Self>) -> Result {
        match info {
            Info::Timeout => {
                let plan = self.idle.clone().expect("it was set together with the timeout");
                self.tell_of("timeout", atom("none"));
                return self.perform(Request { tag: 0, plan }, None, ctx).await;
            }
            Info::Exit(exit) => self.world.tell_of_end("exit", exit.from, &exit.reason),
            Info::Down(down) => {
                let pid = down.pid.expect("nobody is watched by name here");
                self.world.tell_of_end("down", pid, &down.reason);
            }
            _ => self.world.tell(atom("unknown")),
        }
        let plan = Plan::plain(self.told);
        self.perform(Request { tag: 0, plan }, None, ctx).await
    }

    async fn terminate(&mut self, reason: &ExitReason, _: &mut Context<Self>) {
        self.world.tell(tuple([atom("terminate"), class(reason), int(self.count)]));
        if self.terminate_blocks {
            self.block().await;
        }
        if self.terminate_fails {
            panic_any(BOOM);
        }
    }
}

impl Scripted {
    fn tell_of(&self, kind: &'static str, tag: Term) {
        self.world.tell(tuple([atom("handle"), atom(kind), tag]));
    }

    /// Does what a request asks for.
    async fn perform(
        &mut self,
        request: Request,
        from: Option<Reply<usize>>,
        ctx: &mut Context<Self>,
    ) -> Result {
        let Request { tag, plan } = request;
        let from = self.prepare(&plan, from.map(|from| (tag, from)), ctx).await;
        match plan.then {
            Then::Error => panic_any(BOOM),
            Then::Exit(reason) => return Err(Stop::because(reason.exit_reason())),
            _ => self.count += 1,
        }
        match (plan.then, from) {
            (Then::StopReply(reason), Some(from)) => {
                ctx.stop_with_reply(reason.exit_reason(), from, tag);
                return Ok(());
            }
            (Then::StopReply(reason) | Then::Stop(reason), None) if tag % 2 == 0 => {
                ctx.stop(reason.exit_reason());
                return Ok(());
            }
            (Then::StopReply(reason) | Then::Stop(reason), _) => {
                return Err(Stop::because(reason.exit_reason()));
            }
            (Then::Keep, Some(from)) => {
                self.kept.insert(tag, from);
            }
            (Then::HandOn, Some(from)) => self.world.hand(tag, ctx.pid(), from),
            (_, Some(from)) => from.send(tag),
            (_, None) => {}
        }
        self.follow(plan.next, ctx);
        Ok(())
    }

    /// Does what comes first; gives back the reply, unless it has been used.
    async fn prepare(
        &mut self,
        plan: &Plan,
        mut from: Option<(usize, Reply<usize>)>,
        ctx: &mut Context<Self>,
    ) -> Option<Reply<usize>> {
        for before in &plan.before {
            match before {
                Before::Answer(tag) => {
                    if let Some(from) = self.kept.remove(tag) {
                        from.send(*tag);
                    }
                }
                Before::Early => {
                    if let Some((tag, from)) = from.take() {
                        from.send(tag);
                    }
                }
                Before::SelfCast(request) => ctx.address().cast(Message::Cast(request.clone())),
                Before::SelfCall => {
                    let nothing = Request { tag: 0, plan: Plan::plain(Then::Reply) };
                    let itself = ctx.address();
                    let call = itself.call(|from| Message::Call(nothing, from)).no_timeout();
                    let refused = matches!(call.await, Err(CallError::Deadlock(_)));
                    let told = atom(if refused { "calling_self" } else { "answered" });
                    self.world.tell(tuple([atom("self_call"), told]));
                }
                Before::Watch(caller) => {
                    let caller = self.world.caller(*caller);
                    ctx.monitor(caller);
                }
            }
        }
        if plan.block {
            self.block().await;
        }
        from.map(|(_, from)| from)
    }

    async fn block(&self) {
        let (go_on, gate) = oneshot::channel();
        self.world.block(go_on);
        let _goes_on = gate.await;
    }

    fn follow(&mut self, next: Next, ctx: &mut Context<Self>) {
        match next {
            Next::None | Next::Hibernate => {}
            Next::Timeout { zero, plan } => {
                self.idle = Some(*plan);
                ctx.set_timeout(if zero { Duration::ZERO } else { MORE });
            }
            Next::Continue(request) => ctx.continue_with(Message::Continue(*request)),
        }
    }
}

/// How long callers wait who have little time.
pub(crate) const LITTLE: Duration = Duration::from_secs(10);

/// How long a server and its parent wait who have little time: a bit more, so that it is clear who gives up first.
pub(crate) const MORE: Duration = Duration::from_secs(15);
