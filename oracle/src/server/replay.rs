//! Replays a history of a server on ours: the counterpart of `erlang/oracle_server.erl`.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fauxtp::testing::Sim;
use fauxtp::{Address, ExitReason, Pid, PidExt, Reply};

use super::history::{By, History, Step, Who};
use super::others::{Command, To, What, caller, parent};
use super::scripted::{LITTLE, MORE, Message};
use super::world::{SERVER, World};
use crate::crash;
use crate::reasons::class;
use crate::term::{Term, atom, list, tuple};

/// Replays a history, and returns its trace: what each has told in each step.
pub(crate) async fn replay(history: &History, sim: &Sim) -> Term {
    let world = World::default();
    let parent = parent(&world);
    let callers: Vec<_> = (0..history.callers).map(|number| caller(&world, number)).collect();
    {
        let mut inside = world.inside();
        inside.parent = Some(parent.clone());
        inside.callers.clone_from(&callers);
    }
    let mut driver = Driver {
        sim,
        world,
        parent,
        callers,
        fates: Vec::new(),
        alive: false,
        named: false,
        busy: Vec::new(),
        lost: Vec::new(),
    };
    let mut trace = Vec::new();
    for (number, step) in history.steps.iter().enumerate() {
        driver.take(number, step);
        if *step == Step::Elapse {
            sim.advance(LITTLE + TICK).await;
            sim.advance(MORE - LITTLE + TICK).await;
        }
        trace.push(driver.settle().await);
    }
    while driver.unblock() {
        trace.push(driver.settle().await);
    }
    if let Some(server) = driver.last().filter(|_| driver.alive) {
        server.pid().kill();
    }
    trace.push(driver.settle().await);
    driver.parent.pid().kill();
    driver.callers.iter().for_each(|caller| caller.pid().kill());
    sim.settle().await;
    list(trace)
}

/// So much more than little, for timers to be due; and so much less than that, for no other to be.
const TICK: Duration = Duration::from_millis(1);

/// After this time whoever waits for a reply that was handed on knows that the server has ended (ADR 4): so little that
/// it may pass in every step and nobody's time is over.
const LEARNT: Duration = Duration::from_millis(101);

/// Somebody's end, waited for.
type Fate = Pin<Box<dyn Future<Output = ExitReason>>>;

struct Driver<'a> {
    sim: &'a Sim,
    world: World,
    parent: Address<Command>,
    callers: Vec<Address<Command>>,
    /// How each server ends; nothing if it has.
    fates: Vec<(Pid, Option<Fate>)>,
    /// Whether the last server lives, and whether it was to have a name.
    alive: bool,
    named: bool,
    /// Who has not come to the end of what he was told.
    busy: Vec<Who>,
    /// Replies that nobody may be given any more; kept, for it would be known if they were dropped.
    lost: Vec<Reply<usize>>,
}

impl Driver<'_> {
    fn take(&mut self, step: usize, what: &Step) {
        let last = self.last();
        let to = |by: By| To::of(by, last.as_ref());
        let by_pid = || to(By::Pid);
        let (who, told) = match what.clone() {
            Step::Start { linked, named, patient, init } => {
                if self.alive && !(self.named && named) || self.busy.contains(&Who::Parent) {
                    return;
                }
                self.named = self.named && self.alive || named;
                (Who::Parent, Some(What::Start { linked, named, patient, init }))
            }
            Step::Call { caller, by, patient, request } => {
                let told = to(by).map(|to| What::Call { to, patient, request });
                (Who::Caller(caller), told)
            }
            Step::Cast { caller, by, request } => {
                (Who::Caller(caller), to(by).map(|to| What::Cast { to, request }))
            }
            Step::Info { caller, request } => {
                (Who::Caller(caller), by_pid().map(|to| What::Info { to, request }))
            }
            Step::Exit(who, reason) => (who, by_pid().map(|to| What::Exit { to, reason })),
            Step::Stop { caller, by, patient, reason } => {
                (Who::Caller(caller), to(by).map(|to| What::Stop { to, patient, reason }))
            }
            Step::Leave(who, reason) => (who, Some(What::Leave(reason))),
            Step::Unblock => {
                self.unblock();
                return;
            }
            Step::Answer(tag) => {
                self.answer(tag);
                return;
            }
            Step::Elapse => return,
        };
        if !self.busy.contains(&who) {
            self.tell(who, step, told);
        }
    }

    /// Tells somebody what to do. Who has to wait for its outcome is told nothing else meanwhile.
    fn tell(&mut self, who: Who, step: usize, what: Option<What>) {
        let process = match who {
            Who::Parent => &self.parent,
            Who::Caller(number) => &self.callers[number],
        };
        let Some(what) = what else { return };
        if matches!(what, What::Start { .. } | What::Call { .. } | What::Stop { .. }) {
            self.busy.push(who);
        }
        process.send(Command { step, what });
    }

    /// The last server that has begun.
    fn last(&self) -> Option<Address<Message>> {
        self.world.inside().servers.last().cloned()
    }

    /// Answers a call whose reply was handed on; but nobody may expect that once the server has ended.
    fn answer(&self, tag: usize) {
        let handed = self.world.inside().handed.remove(&tag);
        let alive = self.last().filter(|_| self.alive).map(|server| server.pid());
        if let Some((_, from)) = handed.filter(|(server, _)| alive == Some(*server)) {
            from.send(tag);
        }
    }

    /// Lets a blocked callback go on; says whether there was one.
    fn unblock(&self) -> bool {
        let go_on = self.world.inside().blocked.take();
        go_on.map(|go_on| go_on.send(())).is_some()
    }

    /// Puts aside the replies that were handed on by servers that have ended; says whether there are any.
    fn lose_replies(&mut self) -> bool {
        let mut inside = self.world.inside();
        let handed = std::mem::take(&mut inside.handed).into_iter();
        let (kept, lost) = handed.partition(|(_, (server, _))| server.is_alive());
        inside.handed = kept;
        let before = self.lost.len();
        self.lost.extend(BTreeMap::into_values(lost).map(|(_, from)| from));
        before < self.lost.len()
    }

    /// Lets everybody do what there is to do, and tells it, sorted by who tells it.
    async fn settle(&mut self) -> Term {
        self.sim.settle().await;
        if self.lose_replies() {
            self.sim.advance(LEARNT).await;
        }
        let servers = self.world.inside().servers.clone();
        for server in servers.into_iter().skip(self.fates.len()) {
            self.alive = true;
            let server_pid = server.pid();
            let fate = async move { server.join().await };
            self.fates.push((server_pid, Some(Box::pin(fate))));
        }
        let mut events = std::mem::take(&mut self.world.inside().events);
        let done = std::mem::take(&mut self.world.inside().done);
        self.busy.retain(|who| !done.contains(who));
        let crashed = crash::heard();
        for (pid, fate) in &mut self.fates {
            let ended = fate
                .as_mut()
                .map(|fate| fate.as_mut().poll(&mut Context::from_waker(Waker::noop())));
            if let Some(Poll::Ready(reason)) = ended {
                *fate = None;
                self.alive = false;
                self.world.inside().blocked = None;
                if crashed.contains(&pid.to_string()) {
                    let report = tuple([atom("server"), atom("crash_report")]);
                    events.push((SERVER, report));
                }
                let died = tuple([atom("died"), class(&reason)]);
                events.push((SERVER, tuple([atom("server"), died])));
            }
        }
        events.sort_by_key(|(who, _)| *who);
        list(events.into_iter().map(|(_, event)| event))
    }
}
