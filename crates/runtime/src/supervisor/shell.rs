//! Carries out what the machine decides: starts, stops and watches real processes, one action at a time.
//!
//! One rule: after a start or a stop, tell how it ended before telling anything else. What arrives meanwhile
//! waits in `pending`, in order.

mod ends;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fauxtp_logic::signal::Origin;
use fauxtp_logic::supervisor::{
    Action, Answer, ChildKey, ChildSpec, ChildState, Counts, Event, Flags, Machine, Request,
    RestartStrategy, Shutdown,
};
use fauxtp_logic::tray::Item;
use fauxtp_logic::{ExitReason, Pid, Time};

use super::Observer;
use super::child::Factory;
use crate::behaviour::{Ack, StartError, StartOptions, Starting};
use crate::call::Reply;
use crate::clock;
use crate::guard::{catch, panicked};
use crate::hierarchy::Asker;
use crate::instrument;
use crate::mailbox::Notice;
use crate::process::{Context, Limit, PidExt, Timer};
use crate::registry::Registry;
use crate::shared::Tie;

pub(super) use ends::ask_to_shut_down;

/// What a supervisor receives.
#[derive(Debug)]
pub enum Message {
    /// Somebody asks.
    Request(Reply<Answer>, Option<Asker>, Request<Factory>),
    /// Somebody wants to know the registry.
    Registry(Reply<Registry>),
    /// A failed restart is due again (SUP-074).
    Retry(ChildKey, u64),
}

/// What a supervisor starts from.
pub(super) struct Setting {
    pub(super) flags: Flags,
    pub(super) children: Vec<ChildSpec<Factory>>,
    pub(super) registry: Registry,
    /// Whether the registry is the supervisor's own, to be started and stopped with it (CON-09).
    pub(super) own: bool,
    pub(super) observer: Option<Observer>,
}

/// Something that has arrived and is not decided on yet.
enum Incoming {
    Message(Message),
    /// A child has ended; its reason is in `dead` unless a stop has taken it.
    Exited(Pid),
    Shutdown(ExitReason),
}

struct Shell {
    ctx: Context<Message>,
    machine: Machine<Factory, Reply<Answer>>,
    pending: VecDeque<Incoming>,
    /// The processes whose requests are in `pending`.
    askers: Vec<Asker>,
    /// Those whose end is waited for.
    awaited: Vec<Pid>,
    family: Family,
    registry: Registry,
    /// The process of the supervisor's own registry, unless that is known to have ended.
    own_registry: Option<Pid>,
    /// Until all children have started.
    ack: Option<Ack>,
    /// For each child that is to be tried again: the number of that retry, and its timer if it has one.
    retries: BTreeMap<ChildKey, (u64, Option<Timer>)>,
    retry_next: u64,
    /// The last event that is no outcome.
    decision: Decision,
}

/// Something the machine decides on.
#[derive(Clone, Copy)]
struct Decision {
    number: u64,
    at: Time,
    /// Whether what is started then was running before, and failed.
    restarts: bool,
}

/// Which children live, and which have ended without anybody having taken note.
struct Family {
    live: BTreeSet<Pid>,
    dead: BTreeMap<Pid, ExitReason>,
    /// Those of the living that are supervisors.
    supervisors: BTreeSet<Pid>,
    /// Supervisors that were killed, or failed, and so have stopped nobody: something may be left of what hung below
    /// them.
    failed: Vec<Pid>,
    observer: Option<Observer>,
}

impl Family {
    /// A child has ended; says whether it was one.
    fn bury(&mut self, pid: Pid, reason: ExitReason) -> bool {
        if !self.live.remove(&pid) {
            return false;
        }
        observe(self.observer.as_ref(), pid, &reason);
        if self.supervisors.remove(&pid) && !reason.is_clean() {
            self.failed.push(pid);
        }
        self.dead.insert(pid, reason);
        true
    }
}

/// Tells the observer, who is the user's and may panic.
pub(super) fn observe(observer: Option<&Observer>, pid: Pid, reason: &ExitReason) {
    if let Some(observer) = observer {
        let _caught = catch(|| observer(pid, reason));
    }
}

pub(super) async fn run(setting: Setting, mut ctx: Context<Message>, ack: Ack) -> ExitReason {
    ctx.files_messages();
    let Setting { flags, children, registry, own, observer } = setting;
    let machine = match Machine::new(flags, children) {
        Ok(machine) => machine,
        Err(error) => {
            ack.fail_at_end(StartError::Spec(error));
            return ExitReason::Normal;
        }
    };
    let mut shell = Shell {
        ctx,
        machine,
        pending: VecDeque::new(),
        askers: Vec::new(),
        awaited: Vec::new(),
        family: Family {
            live: BTreeSet::new(),
            dead: BTreeMap::new(),
            supervisors: BTreeSet::new(),
            failed: Vec::new(),
            observer,
        },
        registry,
        own_registry: None,
        ack: Some(ack),
        retries: BTreeMap::new(),
        retry_next: 0,
        decision: Decision { number: 0, at: Time::ORIGIN, restarts: false },
    };
    if own {
        shell.registry.belong_to(&shell.ctx.handle());
        shell.start_registry();
    }
    shell.live().await
}

impl Shell {
    async fn live(&mut self) -> ExitReason {
        let mut event = Event::Begin;
        let mut actions = Vec::new();
        loop {
            let is_request = matches!(event, Event::Request(..));
            let now = clock::now();
            self.decision = Decision {
                number: self.decision.number + 1,
                at: now,
                restarts: matches!(event, Event::Exited(..) | Event::Retry(_)),
            };
            self.machine.be_quiet(!instrument::reports_are_heard());
            self.machine.decide(now, event, &mut actions);
            while !actions.is_empty() {
                // A start or a stop is the last of its actions; what comes of it is one more event.
                let mut outcome = None;
                for action in actions.drain(..) {
                    outcome = match action {
                        Action::Exit(reason) => return self.end(reason).await,
                        Action::Start(key) => Some(self.start(key).await),
                        Action::Stop(key, pid, how) => {
                            let reason = self.stop(pid, how).await;
                            if self.is_supervisor(key) {
                                self.wait_for_orphans().await;
                            }
                            Some(Event::Stopped(reason))
                        }
                        other => {
                            self.carry_out(other);
                            None
                        }
                    };
                }
                if let Some(outcome) = outcome {
                    self.machine.be_quiet(!instrument::reports_are_heard());
                    self.machine.decide(clock::now(), outcome, &mut actions);
                }
            }
            if is_request && !self.retries.is_empty() {
                self.call_off_retries();
            }
            event = self.next_event().await;
        }
    }

    /// Stops the timers of retries that a request has made void.
    fn call_off_retries(&mut self) {
        let Self { ctx, machine, retries, .. } = self;
        retries.retain(|key, (_, timer)| {
            let is_due = machine.state_of(*key) == Some(ChildState::Restarting);
            if let Some(timer) = timer.take_if(|_| !is_due) {
                ctx.cancel_timer(timer);
            }
            is_due
        });
    }

    /// Actions that are done at once.
    fn carry_out(&mut self, action: Action<Reply<Answer>>) {
        match action {
            Action::Answer(from, Answer::CountChildren(counts)) => {
                // The machine has not heard of those whose end waits in a queue (SUP-096).
                let active = self.family.live.iter().filter(|pid| pid.is_alive()).count();
                from.send(Answer::CountChildren(Counts { active, ..counts }));
            }
            Action::Answer(from, answer) => from.send(answer),
            Action::Report(report) => instrument::supervisor(self.ctx.pid(), &report),
            Action::Begun => {
                if let Some(ack) = self.ack.take() {
                    ack.ready();
                }
            }
            Action::Retry(key, attempt) => {
                let backoff = self.machine.spec_of(key).and_then(|spec| spec.backoff);
                // Only the last retry that was asked for counts.
                if let Some((_, Some(timer))) = self.retries.remove(&key) {
                    self.ctx.cancel_timer(timer);
                }
                self.retry_next += 1;
                let number = self.retry_next;
                match backoff {
                    Some(backoff) => {
                        let delay = backoff.delay(attempt, self.ctx.core().executor.jitter());
                        let timer = self.ctx.send_after(delay, Message::Retry(key, number));
                        self.retries.insert(key, (number, Some(timer)));
                    }
                    // Behind whatever is queued: the supervisor serves others between two attempts.
                    None => {
                        self.retries.insert(key, (number, None));
                        self.ctx.address().send(Message::Retry(key, number));
                    }
                }
            }
            Action::Start(_) | Action::Stop(..) | Action::Exit(_) => {
                unreachable!("taken care of before")
            }
        }
    }

    async fn start(&mut self, key: ChildKey) -> Event<Factory, Reply<Answer>> {
        let (Some(factory), Some(spec)) = (self.machine.start_of(key), self.machine.spec_of(key))
        else {
            unreachable!("the machine asks for a start of what it can start")
        };
        let (factory, id) = (factory.clone(), spec.id.clone());
        // Where children are restarted together, none of the new comes before the last of the old has gone.
        let together = self.machine.flags().strategy != RestartStrategy::OneForOne;
        if together || self.is_supervisor(key) {
            self.wait_for_orphans().await;
        }
        let restarts = self.machine.restarts_of(key);
        let (ack, pledge) = Ack::promise();
        let registry = &self.registry;
        let launched = catch(|| factory.launch(&id, Some(registry), restarts, ack));
        let launched = launched.unwrap_or_else(|report| Err(StartError::Failed(panicked(report))));
        let process = launched.as_ref().ok().map(|child| child.core().pid);
        self.note_launch(key, process);
        match Starting::new(launched, pledge, factory.timeout()).apart().await {
            Ok(pid) => {
                self.family.live.insert(pid);
                if self.is_supervisor(key) {
                    self.family.supervisors.insert(pid);
                }
                Event::Started(pid)
            }
            Err(StartError::Ignored) => Event::StartIgnored,
            Err(error) => {
                if self.is_supervisor(key) {
                    self.family.failed.extend(process);
                }
                Event::StartFailed(error.into_reason())
            }
        }
    }

    /// Lets a simulation count. A restart is one even if it comes to nothing.
    fn note_launch(&self, key: ChildKey, child: Option<Pid>) {
        let (scheduler, decision) = (self.ctx.core().executor.scheduler(), self.decision);
        child.inspect(|child| scheduler.launched(self.ctx.pid(), &key, *child));
        if decision.restarts {
            let limit = &self.machine.flags().intensity;
            scheduler.restarts(self.ctx.pid(), decision.number, decision.at, limit);
        }
    }

    async fn next_event(&mut self) -> Event<Factory, Reply<Answer>> {
        loop {
            match self.pending.pop_front() {
                Some(Incoming::Message(Message::Request(from, asker, request))) => {
                    self.forget(asker);
                    if asker.is_some_and(|asker| self.would_wait_for_ever(asker, &request)) {
                        from.send(Answer::Deadlock);
                        continue;
                    }
                    return Event::Request(from, request);
                }
                Some(Incoming::Message(Message::Retry(key, number))) => {
                    let due = self.retries.get(&key).is_some_and(|(last, _)| *last == number);
                    if !due {
                        continue;
                    }
                    self.retries.remove(&key);
                    // However often a child fails to start, everybody else runs in between (RUST-007).
                    self.ctx.yield_now().await;
                    return Event::Retry(key);
                }
                Some(Incoming::Message(Message::Registry(_))) => {
                    unreachable!("answered as soon as it arrives")
                }
                Some(Incoming::Shutdown(reason)) => return Event::Shutdown(reason),
                Some(Incoming::Exited(pid)) => {
                    // If a stop has taken the end of this child meanwhile, there is nothing left to tell.
                    if let Some(reason) = self.family.dead.remove(&pid) {
                        return Event::Exited(pid, reason);
                    }
                }
                None => {
                    if let Some(item) = self.ctx.next_item(Limit::Never).await {
                        self.file(item);
                    }
                }
            }
        }
    }

    /// Puts what has arrived where it will be found.
    fn file(&mut self, item: Item<Message, Notice<Message>>) {
        let incoming = match item {
            Item::Message(Message::Registry(from)) => return from.send(self.registry.clone()),
            Item::Message(Message::Request(from, Some(asker), _)) if self.is_below(asker) => {
                return from.send(Answer::Deadlock);
            }
            Item::Message(message) => {
                if let Message::Request(_, Some(asker), _) = &message {
                    self.askers.push(*asker);
                }
                Incoming::Message(message)
            }
            Item::Notice(Notice::Timer(timer, message)) => {
                self.ctx.timer_expired(timer);
                Incoming::Message(message)
            }
            Item::Notice(Notice::Stop { reason, .. }) => Incoming::Shutdown(reason),
            Item::Notice(Notice::Exit(exit)) if self.ctx.parent() == Some(exit.from) => {
                Incoming::Shutdown(exit.reason)
            }
            Item::Notice(Notice::Exit(exit))
                if self.own_registry == Some(exit.from) && exit.origin != Origin::Sent =>
            {
                // The table is open all the time.
                return self.start_registry();
            }
            Item::Notice(Notice::Exit(exit)) => {
                // Strangers are not obeyed, and a child that only says that it ends has not ended (SUP-029).
                if exit.origin == Origin::Sent {
                    return instrument::unhandled(self.ctx.core(), || format!("{exit:?}"));
                }
                if !self.family.bury(exit.from, exit.reason) {
                    return;
                }
                Incoming::Exited(exit.from)
            }
            // unreached: an orphan that was given up ends at that very moment.
            Item::Notice(Notice::Down(_)) => return,
            Item::Notice(Notice::Barrier(_)) => unreachable!("reached when it is taken"),
        };
        self.pending.push_back(incoming);
    }

    /// Starts the process of the supervisor's own registry, and does not wait for it: the table is open anyway.
    fn start_registry(&mut self) {
        let mut options = StartOptions::new("fauxtp::Registry");
        options.birth.tie = Tie::Supervised;
        let launched = self.registry.launch(options, Ack::post(|_told_to_nobody| {}), false);
        let process = launched.expect("whatever a process starts runs where it does");
        self.own_registry = Some(process.core().pid);
        process.rouse();
    }

    async fn end(&mut self, reason: ExitReason) -> ExitReason {
        self.wait_for_orphans().await;
        if let Some(registry) = self.own_registry.take() {
            self.family.live.insert(registry);
            self.family.observer = None;
            let _as_asked = self.stop(registry, Shutdown::default()).await;
        }
        self.fail(StartError::Failed(reason.clone()));
        reason
    }

    /// If the start was not through yet, it has failed.
    fn fail(&mut self, error: StartError) {
        if let Some(ack) = self.ack.take() {
            ack.fail_at_end(error);
        }
    }
}
