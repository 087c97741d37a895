//! Raw processes that do as they are told, and note the exits and downs that reach them.

#![allow(unreachable_pub, reason = "shared by several test files")]
#![allow(dead_code, reason = "not every test file uses everything")]
#![allow(missing_debug_implementations, reason = "tests")]

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use fauxtp::prelude::*;
use fauxtp::process::{self, Received, Trap};
use fauxtp::reason::Failure;
use fauxtp::{Down, Exit};
use tokio::sync::oneshot;

pub type Inside = process::Context<Do>;

type Job = Box<dyn FnOnce(&mut Inside) -> Option<ExitReason> + Send>;

/// Something a puppet does; it ends if there is a reason to.
pub struct Do(Job);

impl Do {
    pub fn job(job: impl FnOnce(&mut Inside) + Send + 'static) -> Self {
        Self(Box::new(move |ctx| {
            job(ctx);
            None
        }))
    }
}

/// What a puppet has seen.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Exit(Exit),
    Down(Down),
    Mark,
}

pub struct Puppet {
    pub address: Address<Do>,
    events: Arc<Mutex<Vec<Event>>>,
}

impl From<&Puppet> for Pid {
    fn from(puppet: &Puppet) -> Self {
        puppet.pid()
    }
}

/// What a puppet runs, for processes that are started in other ways.
pub async fn obey(mut ctx: Inside, events: Arc<Mutex<Vec<Event>>>) -> ExitReason {
    loop {
        let event = match ctx.recv().await {
            Received::Message(Do(job)) => match job(&mut ctx) {
                Some(reason) => return reason,
                None => continue,
            },
            Received::Exit(exit) => Event::Exit(exit),
            Received::Down(down) => Event::Down(down),
            _ => unreachable!("nothing else is received"),
        };
        events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

/// Starts a puppet that does not trap exits.
pub fn puppet() -> Puppet {
    let events = Arc::<Mutex<Vec<Event>>>::default();
    let seen = events.clone();
    let address = process::spawn(move |ctx| obey(ctx, seen)).expect("there is a runtime");
    Puppet { address, events }
}

/// Starts a puppet that traps exits.
pub async fn trapper() -> Puppet {
    let puppet = puppet();
    puppet.run(|ctx| ctx.trap_exits(Trap::On)).await;
    puppet
}

impl Puppet {
    pub fn pid(&self) -> Pid {
        self.address.pid()
    }

    /// Has the puppet do something, without waiting.
    pub fn tell(&self, job: impl FnOnce(&mut Inside) + Send + 'static) {
        self.address.send(Do::job(job));
    }

    /// Has the puppet do something; nothing if it ends before.
    pub async fn attempt<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Inside) -> T + Send + 'static,
    ) -> Option<T> {
        let (done, result) = oneshot::channel();
        self.tell(move |ctx| drop(done.send(job(ctx))));
        result.await.ok()
    }

    /// Has the puppet do something, after everything that was sent to it before.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Inside) -> T + Send + 'static,
    ) -> T {
        self.attempt(job).await.expect("the puppet lives")
    }

    /// Has the puppet end by itself.
    pub fn end(&self, reason: ExitReason) {
        self.address.send(Do(Box::new(move |_| Some(reason))));
    }

    /// Has the puppet end by itself, and waits until it has.
    pub async fn ended(&self, reason: ExitReason) {
        let (seen, ()) = tokio::join!(process::join(self), async { self.end(reason.clone()) });
        assert_eq!(seen, reason, "it ends with its own reason");
    }

    /// Links the puppet with another process.
    pub async fn link(&self, peer: impl Into<Pid>) {
        let peer = peer.into();
        self.run(move |ctx| ctx.link(peer)).await.expect("the peer lives");
    }

    /// A note to be made by the puppet, when its turn in the mailbox comes.
    pub fn marker(&self) -> Do {
        let events = self.events.clone();
        Do::job(move |_| events.lock().unwrap_or_else(PoisonError::into_inner).push(Event::Mark))
    }

    /// Asks, inside a job, how much has reached the puppet until then.
    pub fn seen(&self) -> impl FnOnce() -> usize + Send + 'static {
        let events = self.events.clone();
        move || events.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What has reached the puppet since the last look; everything sent to it before this call included.
    pub async fn events(&self) -> Vec<Event> {
        self.run(|_| ()).await;
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// As `events`, once there are so many.
    pub async fn wait(&self, count: usize) -> Vec<Event> {
        let wait = async {
            let mut events = self.events().await;
            while events.len() < count {
                tokio::task::yield_now().await;
                events.extend(self.events().await);
            }
            events
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), wait).await;
        waited.unwrap_or_else(|_| panic!("fewer than {count} events"))
    }

    /// As `events`, of which all are exits.
    pub async fn exits(&self) -> Vec<(Pid, ExitReason)> {
        let exit = |event| match event {
            Event::Exit(exit) => (exit.from, exit.reason),
            other => panic!("no exit: {other:?}"),
        };
        self.events().await.into_iter().map(exit).collect()
    }

    /// As `events`, of which all are downs.
    pub async fn downs(&self) -> Vec<Down> {
        let down = |event| match event {
            Event::Down(down) => down,
            other => panic!("no down: {other:?}"),
        };
        self.events().await.into_iter().map(down).collect()
    }

    /// Whom the puppet is linked with.
    pub async fn links(&self) -> Vec<Pid> {
        self.pid().info().await.expect("the puppet lives").links
    }
}

/// Reasons of every kind, clean ones first.
pub fn reasons() -> Vec<ExitReason> {
    vec![
        ExitReason::Normal,
        ExitReason::shutdown(),
        ExitReason::shutdown_with(Note("shutdown")),
        ExitReason::killed(),
        ExitReason::Error(Failure::Kill),
        ExitReason::no_proc(),
        ExitReason::error("failed"),
        ExitReason::custom(Note("custom")),
    ]
}

/// A reason that carries this note.
pub fn custom(note: &'static str) -> ExitReason {
    ExitReason::custom(Note(note))
}

/// A payload of reasons.
#[derive(Debug, PartialEq)]
pub struct Note(pub &'static str);

/// Whether a reason carries this note.
pub fn carries(reason: &ExitReason, note: &'static str) -> bool {
    reason.downcast_ref::<Note>() == Some(&Note(note))
}

/// Has `puppet` do something after the death of `peer` is under way to it, and before it is received. `peer` ends with
/// the reason `custom("dead")`.
///
/// For runtimes of two threads or more: one of them is blocked meanwhile.
pub async fn while_blocked<T: Send + 'static>(
    puppet: &Puppet,
    peer: &Puppet,
    job: impl FnOnce(&mut Inside) -> T + Send + 'static,
) -> T {
    // Whoever blocks its thread must not have just woken somebody: that one might have to wait for the thread.
    peer.run(|_| ()).await;
    let (begin, begun) = oneshot::channel();
    let (go, gate) = mpsc::channel();
    let busy = puppet.run(move |ctx| {
        begin.send(()).expect("somebody waits");
        gate.recv().expect("it is opened");
        job(ctx)
    });
    let (done, ()) = tokio::join!(busy, async {
        begun.await.expect("it begins");
        peer.ended(custom("dead")).await;
        go.send(()).expect("it waits");
    });
    done
}
