//! Carries out what the pool's machine decides; nothing here waits for a child.

use std::collections::{BTreeMap, BTreeSet};

use fauxtp_logic::pool::{ChildKey, Pool, PoolAction, PoolAnswer, PoolEvent, PoolRequest};
use fauxtp_logic::signal::Origin;
use fauxtp_logic::tray::Item;
use fauxtp_logic::{ExitReason, Pid};

use crate::behaviour::{Ack, GRACE, StartError, Started};
use crate::call::Reply;
use crate::clock;
use crate::guard::{catch, panicked};
use crate::instrument;
use crate::mailbox::Notice;
use crate::process::{Context, PidExt};
use crate::registry::Registry;
use crate::supervisor::Observer;
use crate::supervisor::child::Factory;
use crate::supervisor::shell::{ask_to_shut_down, observe};

/// What a dynamic supervisor receives.
#[derive(Debug)]
pub enum Message {
    /// Somebody asks.
    Request(Reply<PoolAnswer>, PoolRequest<Factory>),
    /// What became of a start.
    Told(ChildKey, Started),
    /// A restart is due.
    Retry(ChildKey),
    /// A child has had its time to shut down.
    Deadline(ChildKey),
    /// A child has had its time to start.
    StartDeadline(ChildKey, Pid),
    /// A killed child has had its time to be gone.
    Unkillable(Pid),
}

/// A start under way.
#[derive(Clone, Copy, Debug)]
struct Birthing {
    pid: Pid,
    timed_out: bool,
}

struct Shell {
    ctx: Context<Message>,
    pool: Pool<Factory, Reply<PoolAnswer>>,
    starting: BTreeMap<ChildKey, Birthing>,
    live: BTreeSet<Pid>,
    registry: Option<Registry>,
    observer: Option<Observer>,
}

type Event = PoolEvent<Factory, Reply<PoolAnswer>>;

pub(super) async fn run(
    pool: Pool<Factory, Reply<PoolAnswer>>,
    registry: Option<Registry>,
    observer: Option<Observer>,
    ctx: Context<Message>,
    ack: Ack,
) -> ExitReason {
    let Some(ack) = ack.claim_names(&ctx.handle()) else { return ExitReason::Normal };
    ack.ready();
    let (starting, live) = (BTreeMap::new(), BTreeSet::new());
    Shell { ctx, pool, starting, live, registry, observer }.live().await
}

impl Shell {
    async fn live(&mut self) -> ExitReason {
        loop {
            let Some(item) = self.ctx.next_item(None).await else { continue };
            let Some(mut event) = self.event(item) else { continue };
            // A start that fails on the spot is one more event.
            let mut more = Vec::new();
            loop {
                for action in self.pool.on_event(clock::now(), event) {
                    if let PoolAction::Exit(reason) = action {
                        return reason;
                    }
                    more.extend(self.carry_out(action));
                }
                match more.pop() {
                    Some(next) => event = next,
                    None => break,
                }
            }
        }
    }

    fn event(&mut self, item: Item<Message, Notice<Message>>) -> Option<Event> {
        match item {
            Item::Message(message) => self.message(message),
            Item::Notice(Notice::Timer(timer, message)) => {
                self.ctx.timer_expired(timer);
                self.message(message)
            }
            Item::Notice(Notice::Stop { reason, .. }) => Some(PoolEvent::Shutdown(reason)),
            Item::Notice(Notice::Exit(exit)) if self.ctx.parent() == Some(exit.from) => {
                Some(PoolEvent::Shutdown(exit.reason))
            }
            // Strangers are not obeyed, and a child that only says that it ends has not ended (SUP-029).
            Item::Notice(Notice::Exit(exit)) if exit.origin == Origin::Sent => None,
            Item::Notice(Notice::Exit(exit)) => self.bury(exit.from, exit.reason),
            Item::Notice(Notice::Down(_)) => None,
        }
    }

    fn message(&mut self, message: Message) -> Option<Event> {
        match message {
            Message::Request(from, request) => Some(PoolEvent::Request(from, request)),
            Message::Retry(key) => Some(PoolEvent::Retry(key)),
            Message::Deadline(key) => Some(PoolEvent::DeadlinePassed(key)),
            Message::Told(key, outcome) => self.told(key, outcome),
            Message::StartDeadline(key, pid) => {
                let birthing =
                    self.starting.get_mut(&key).filter(|birthing| birthing.pid == pid)?;
                birthing.timed_out = true;
                pid.kill();
                None
            }
            Message::Unkillable(pid) => {
                self.live.get(&pid)?;
                instrument::unkillable(self.ctx.pid(), pid);
                self.bury(pid, ExitReason::killed())
            }
        }
    }

    fn told(&mut self, key: ChildKey, outcome: Started) -> Option<Event> {
        let Birthing { pid, timed_out } = self.starting.remove(&key)?;
        Some(match outcome {
            Ok(()) => {
                self.live.insert(pid);
                PoolEvent::Started(key, pid)
            }
            Err(_) if timed_out => PoolEvent::StartFailed(key, StartError::Timeout.into_reason()),
            Err(StartError::Ignored) => PoolEvent::StartIgnored(key),
            Err(error) => PoolEvent::StartFailed(key, error.into_reason()),
        })
    }

    fn bury(&mut self, pid: Pid, reason: ExitReason) -> Option<Event> {
        if !self.live.remove(&pid) {
            return None;
        }
        observe(self.observer.as_ref(), pid, &reason);
        Some(PoolEvent::Exited(pid, reason))
    }

    /// Does one thing; gives the event that follows on the spot, if one does.
    fn carry_out(&mut self, action: PoolAction<Reply<PoolAnswer>>) -> Option<Event> {
        match action {
            PoolAction::Start(key) => return self.start(key),
            PoolAction::Ask(pid) => ask_to_shut_down(self.ctx.pid(), pid),
            PoolAction::Kill(pid) => {
                pid.kill();
                let _fires_into_the_void = self.ctx.send_after(GRACE, Message::Unkillable(pid));
            }
            PoolAction::ArmDeadline(key, timeout) => {
                let _fires_into_the_void = self.ctx.send_after(timeout, Message::Deadline(key));
            }
            PoolAction::Retry(key, attempt) => self.retry(key, attempt),
            PoolAction::Answer(from, answer) => from.send(answer),
            PoolAction::Report(report) => instrument::supervisor(self.ctx.pid(), &report),
            PoolAction::ShutdownErrors { report, children } => {
                instrument::shutdown_errors(self.ctx.pid(), &report, children);
            }
            PoolAction::Exit(_) => unreachable!("taken care of before"),
        }
        None
    }

    fn retry(&mut self, key: ChildKey, attempt: u32) {
        match self.pool.spec_of(key).and_then(|spec| spec.backoff) {
            Some(backoff) => {
                let delay = backoff.delay(attempt, clock::jitter());
                let _fires_into_the_void = self.ctx.send_after(delay, Message::Retry(key));
            }
            None => self.ctx.address().send(Message::Retry(key)),
        }
    }

    fn start(&mut self, key: ChildKey) -> Option<Event> {
        let (Some(factory), Some(spec)) = (self.pool.start_of(key), self.pool.spec_of(key)) else {
            let reason = ExitReason::error("start child: its start function is gone");
            return Some(PoolEvent::StartFailed(key, reason));
        };
        let (factory, id) = (factory.clone(), spec.id.clone());
        let restarts = self.pool.restarts_of(key);
        let address = self.ctx.address();
        let ack = Ack::post(move |outcome| address.send(Message::Told(key, outcome)));
        let launched = catch(|| factory.launch(&id, self.registry.as_ref(), restarts, ack));
        match launched.unwrap_or_else(|report| Err(StartError::Failed(panicked(report)))) {
            Ok(child) => {
                let pid = child.core().pid;
                self.starting.insert(key, Birthing { pid, timed_out: false });
                if let Some(timeout) = factory.timeout {
                    let deadline = Message::StartDeadline(key, pid);
                    let _fires_into_the_void = self.ctx.send_after(timeout, deadline);
                }
                child.rouse();
                None
            }
            Err(error) => Some(PoolEvent::StartFailed(key, error.into_reason())),
        }
    }
}
