//! Carries out what the pool's machine decides; nothing here waits for a child.

mod mourning;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fauxtp_logic::deadline::{Deadlines, TimerKey};
use fauxtp_logic::pool::{ChildKey, Pool, PoolAction, PoolAnswer, PoolEvent, PoolRequest};
use fauxtp_logic::signal::Origin;
use fauxtp_logic::tray::Item;
use fauxtp_logic::{ExitReason, Pid, Time};

use crate::behaviour::{Ack, GRACE, StartError, Started};
use crate::call::Reply;
use crate::clock;
use crate::cycle;
use crate::guard::{catch, panicked};
use crate::instrument;
use crate::mailbox::Notice;
use crate::process::{Context, Limit, PidExt, Timer};
use crate::registry::Registry;
use crate::supervisor::Observer;
use crate::supervisor::child::Factory;
use crate::supervisor::shell::{ask_to_shut_down, observe};

use mourning::Mourned;

/// What a dynamic supervisor receives.
#[derive(Debug)]
pub enum Message {
    /// Somebody asks; if it is a process, it is told for whom it really waits.
    Request(Reply<PoolAnswer>, Option<Pid>, PoolRequest<Factory>),
    /// What became of a start.
    Told(Birth, Started),
    /// A child that failed to start is tried again.
    Retry(ChildKey),
    /// A deadline has come.
    Alarm,
}

/// One start of one child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birth {
    key: ChildKey,
    number: u64,
}

/// A start under way.
#[derive(Clone, Copy, Debug)]
struct Birthing {
    birth: Birth,
    pid: Pid,
    /// Whether it was killed because it took too long, which is a failure even if it was ready before it noticed.
    timed_out: bool,
}

/// What is due for a child; there is never more than one thing.
#[derive(Clone, Copy, Debug)]
enum Due {
    /// It has had its time to start.
    Start,
    /// It has had its time to shut down, which it may have been told to while it started.
    Stop,
    /// What is left below it, a supervisor that has failed, has had its time to end.
    Orphans,
    /// It was killed, and has had its time to be gone.
    Unkillable(Pid),
    /// It is to be tried again.
    Retry,
}

impl Birthing {
    /// The reason of a start whose process was killed.
    fn killed(self) -> ExitReason {
        if self.timed_out { StartError::Timeout.into_reason() } else { ExitReason::killed() }
    }
}

struct Shell {
    ctx: Context<Message>,
    pool: Pool<Factory, Reply<PoolAnswer>>,
    starting: BTreeMap<ChildKey, Birthing>,
    /// The number of the last start.
    births: u64,
    live: BTreeSet<Pid>,
    /// Supervisors that have ended, unlike what hangs below them.
    mourned: BTreeMap<ChildKey, Mourned>,
    deadlines: Deadlines<ChildKey>,
    due: BTreeMap<ChildKey, (TimerKey, Due)>,
    /// The one timer, and when it fires: never later than the first deadline.
    alarm: Option<(Time, Timer)>,
    registry: Option<Registry>,
    observer: Option<Observer>,
    /// Whose request is being carried out.
    asker: Option<Pid>,
    /// Whether what is carried out is a restart, if it is a start.
    restarts: bool,
}

type Event = PoolEvent<Factory, Reply<PoolAnswer>>;

pub(super) async fn run(
    pool: Pool<Factory, Reply<PoolAnswer>>,
    registry: Option<Registry>,
    observer: Option<Observer>,
    mut ctx: Context<Message>,
    ack: Ack,
) -> ExitReason {
    ctx.files_messages();
    ack.ready();
    let shell = Shell {
        ctx,
        pool,
        starting: BTreeMap::new(),
        births: 0,
        live: BTreeSet::new(),
        mourned: BTreeMap::new(),
        deadlines: Deadlines::new(),
        due: BTreeMap::new(),
        alarm: None,
        registry,
        observer,
        asker: None,
        restarts: false,
    };
    shell.live().await
}

impl Shell {
    async fn live(mut self) -> ExitReason {
        loop {
            let Some(item) = self.ctx.next_item(Limit::Never).await else { continue };
            if matches!(item, Item::Message(Message::Retry(_))) {
                // However often a child fails to start, everybody else runs in between (RUST-007).
                self.ctx.yield_now().await;
            }
            let Some(mut event) = self.event(item) else { continue };
            // What a start comes to on the spot is one more event.
            let mut more = Vec::new();
            loop {
                self.restarts = matches!(event, PoolEvent::Exited(..) | PoolEvent::Retry(_));
                for action in self.pool.on_event(clock::now(), event) {
                    if let PoolAction::Exit(reason) = action {
                        return reason;
                    }
                    more.extend(self.carry_out(action));
                }
                self.asker = None;
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
            Item::Notice(Notice::Exit(exit)) if exit.origin == Origin::Sent => {
                instrument::unhandled(self.ctx.core(), || format!("{exit:?}"));
                None
            }
            Item::Notice(Notice::Exit(exit)) => self.bury(exit.from, exit.reason),
            Item::Notice(Notice::Down(down)) => self.orphan_ended(&down),
            Item::Notice(Notice::Barrier(_)) => unreachable!("reached when it is taken"),
        }
    }

    fn message(&mut self, message: Message) -> Option<Event> {
        match message {
            Message::Request(from, asker, request) => {
                self.asker = asker;
                Some(PoolEvent::Request(from, request))
            }
            Message::Retry(key) => Some(PoolEvent::Retry(key)),
            Message::Told(birth, outcome) => self.told(birth, outcome),
            Message::Alarm => self.alarmed(),
        }
    }

    /// Serves the first deadline that has come, and sees to the next one.
    fn alarmed(&mut self) -> Option<Event> {
        self.alarm = None;
        let due = self.deadlines.pop_due(clock::now());
        if let Some(next) = self.deadlines.next() {
            self.wake_at(next);
        }
        let key = due?;
        let (_, due) = self.due.remove(&key)?;
        match due {
            Due::Stop => Some(PoolEvent::DeadlinePassed(key)),
            Due::Retry => Some(PoolEvent::Retry(key)),
            Due::Start => {
                let starting = self.starting.get_mut(&key)?;
                starting.timed_out = true;
                let pid = starting.pid;
                self.kill(key, pid);
                None
            }
            Due::Orphans => {
                self.kill_orphans(key);
                None
            }
            Due::Unkillable(pid) => self.abandon(key, pid),
        }
    }

    /// Leaves behind a process that cannot be killed (RUST-001), whether it starts or runs.
    fn abandon(&mut self, key: ChildKey, pid: Pid) -> Option<Event> {
        if let Some(mourned) = self.mourned.remove(&key) {
            return Some(mourned.end(&mut self.ctx));
        }
        let starting = self.starting.remove(&key);
        if starting.is_some() || self.live.contains(&pid) {
            instrument::unkillable(self.ctx.pid(), pid);
        }
        match starting {
            Some(starting) => Some(PoolEvent::StartFailed(key, starting.killed())),
            None => self.bury(pid, ExitReason::killed()),
        }
    }

    fn told(&mut self, birth: Birth, outcome: Started) -> Option<Event> {
        let key = birth.key;
        // What is told of an earlier start of the same child comes too late.
        let told = self.starting.get(&key).is_some_and(|starting| starting.birth == birth);
        let starting = if told { self.starting.remove(&key)? } else { return None };
        let event = match outcome {
            _ if starting.timed_out => PoolEvent::StartFailed(key, starting.killed()),
            Ok(()) => {
                self.live.insert(starting.pid);
                PoolEvent::Started(key)
            }
            Err(StartError::Ignored) => PoolEvent::StartIgnored(key),
            Err(error) => PoolEvent::StartFailed(key, error.into_reason()),
        };
        // If it was told to end while it started, and runs nevertheless, its time to end goes on.
        let ends = matches!(self.due.get(&key), Some((_, Due::Stop | Due::Unkillable(_))));
        if !(ends && matches!(event, PoolEvent::Started(_))) {
            self.disarm(key);
        }
        match event {
            PoolEvent::StartFailed(..) => self.mourn(key, starting.pid, event),
            event => Some(event),
        }
    }

    fn kill(&mut self, key: ChildKey, pid: Pid) {
        if self.mourned.contains_key(&key) {
            return self.kill_orphans(key);
        }
        pid.kill();
        self.arm(key, GRACE, Due::Unkillable(pid));
    }

    /// Sets the deadline of a child, in place of the one it may have had.
    fn arm(&mut self, key: ChildKey, after: Duration, due: Due) {
        let at = clock::now().plus(after);
        let armed = self.deadlines.set(at, key);
        if let Some((former, _)) = self.due.insert(key, (armed, due)) {
            self.deadlines.cancel(former, at);
        }
        self.wake_at(at);
    }

    fn disarm(&mut self, key: ChildKey) {
        if let Some((armed, _)) = self.due.remove(&key) {
            self.deadlines.cancel(armed, armed.due());
        }
    }

    /// Sees to it that the alarm goes off no later than `at`. One that goes off too early harms nobody, and need
    /// not be set anew for every child.
    fn wake_at(&mut self, at: Time) {
        match self.alarm {
            Some((set, _)) if set <= at => return,
            Some((_, timer)) => drop(self.ctx.cancel_timer(timer)),
            None => {}
        }
        let timer = self.ctx.send_after(at.since(clock::now()), Message::Alarm);
        self.alarm = Some((at, timer));
    }

    fn bury(&mut self, pid: Pid, reason: ExitReason) -> Option<Event> {
        if !self.live.remove(&pid) {
            return None;
        }
        observe(self.observer.as_ref(), pid, &reason);
        let is_clean = reason.is_clean();
        let event = PoolEvent::Exited(pid, reason);
        let Some(key) = self.pool.key_of(pid) else { return Some(event) };
        self.disarm(key);
        if is_clean { Some(event) } else { self.mourn(key, pid, event) }
    }

    /// Does one thing; gives the event that follows on the spot, if one does.
    fn carry_out(&mut self, action: PoolAction<Reply<PoolAnswer>>) -> Option<Event> {
        match action {
            PoolAction::Start(key) => return self.start(key),
            PoolAction::Ask(pid) => {
                self.asker.inspect(|asker| cycle::detour(*asker, pid));
                ask_to_shut_down(self.ctx.pid(), pid);
            }
            PoolAction::Kill(pid) => {
                let key = self.pool.key_of(pid).expect("the pool ends its own children only");
                self.kill(key, pid);
            }
            PoolAction::ArmDeadline(key, timeout) => {
                // Whoever was killed because it took too long to start gets no more time; nor do orphans.
                let ends =
                    matches!(self.due.get(&key), Some((_, Due::Unkillable(_) | Due::Orphans)));
                if !ends {
                    self.arm(key, timeout, Due::Stop);
                }
            }
            PoolAction::Retry(key, attempt) => self.retry(key, attempt),
            PoolAction::CancelRetry(key) => self.disarm(key),
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
                self.arm(
                    key,
                    backoff.delay(attempt, self.ctx.core().executor.jitter()),
                    Due::Retry,
                );
            }
            None => self.ctx.address().send(Message::Retry(key)),
        }
    }

    /// Lets a simulation count. Of the starts, those are restarts that follow no request, even if they come to nothing.
    fn note_launch(&self, key: ChildKey, child: Option<Pid>) {
        let scheduler = self.ctx.core().executor.scheduler();
        child.inspect(|child| scheduler.launched(self.ctx.pid(), &key, *child));
        if self.restarts {
            let limit = &self.pool.flags().intensity;
            scheduler.restarts(self.ctx.pid(), self.births, clock::now(), limit);
        }
    }

    fn start(&mut self, key: ChildKey) -> Option<Event> {
        let (Some(factory), Some(spec)) = (self.pool.start_of(key), self.pool.spec_of(key)) else {
            unreachable!("the pool asks for a start of what it can start")
        };
        let (factory, id) = (factory.clone(), spec.id.clone());
        let restarts = self.pool.restarts_of(key);
        let address = self.ctx.address();
        self.births += 1;
        let birth = Birth { key, number: self.births };
        let ack = Ack::post(move |outcome| address.send(Message::Told(birth, outcome)));
        let launched = catch(|| factory.launch(&id, self.registry.as_ref(), restarts, ack));
        let launched = launched.unwrap_or_else(|report| Err(StartError::Failed(panicked(report))));
        self.note_launch(key, launched.as_ref().ok().map(|child| child.core().pid));
        match launched {
            Ok(child) => {
                let pid = child.core().pid;
                self.starting.insert(key, Birthing { birth, pid, timed_out: false });
                if let Some(timeout) = factory.timeout() {
                    self.arm(key, timeout, Due::Start);
                }
                self.asker.inspect(|asker| cycle::detour(*asker, pid));
                child.rouse();
                Some(PoolEvent::Launched(key, pid))
            }
            Err(error) => Some(PoolEvent::StartFailed(key, error.into_reason())),
        }
    }
}
