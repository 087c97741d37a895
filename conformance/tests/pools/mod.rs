//! An actor that does as it is told, and what tests need to watch it.

#![allow(dead_code, reason = "every test program includes this file, and none uses all of it")]

pub(crate) mod reports;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fauxtp::gen_server::GenServer;
use fauxtp::prelude::*;
use fauxtp::process::{self, Trap};
use fauxtp::supervisor::{ChildInfo, ChildState};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn push(&self, line: impl Into<String>) {
        self.0.lock().expect("nobody panics while it is locked").push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().expect("nobody panics while it is locked").clone()
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics while it is locked"))
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        self.lines().iter().filter(|other| *other == line).count()
    }
}

/// What an actor does in its `init`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    Run,
    Ignore,
    Fail,
    Panic,
    Shutdown,
    Take(Duration),
    Never,
    /// Starts, and fails before it does anything else.
    RunAndFail,
}

/// What an actor does in its `terminate`; it traps exits unless this is `Untrapped`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    Untrapped,
    AtOnce,
    Take(Duration),
    Never,
    Panic,
}

/// Everything about an actor; one per child, kept over its restarts.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) name: String,
    pub(crate) log: Log,
    pub(crate) starts: Arc<AtomicUsize>,
    begin: Arc<dyn Fn(usize) -> Begin + Send + Sync>,
    finish: Finish,
}

impl Setup {
    pub(crate) fn new(name: &str, log: &Log) -> Self {
        Self {
            name: name.to_owned(),
            log: log.clone(),
            starts: Arc::new(AtomicUsize::new(0)),
            begin: Arc::new(|_| Begin::Run),
            finish: Finish::Untrapped,
        }
    }

    /// What the start of this number, counted from one, comes to.
    pub(crate) fn begin(mut self, begin: impl Fn(usize) -> Begin + Send + Sync + 'static) -> Self {
        self.begin = Arc::new(begin);
        self
    }

    pub(crate) fn finish(mut self, finish: Finish) -> Self {
        self.finish = finish;
        self
    }

    pub(crate) fn starts(&self) -> usize {
        self.starts.load(Ordering::SeqCst)
    }

    pub(crate) fn spec(&self) -> ChildSpec {
        ChildSpec::new::<Actor>(self.name.clone(), self.clone())
    }
}

/// A plain actor, under this name.
pub(crate) fn plain(name: &str) -> ChildSpec {
    Setup::new(name, &Log::default()).spec()
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) code: u8,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "broken with code {}", self.code)
    }
}

impl std::error::Error for Broken {}

pub(crate) struct Actor {
    setup: Setup,
}

pub(crate) enum Ask {
    Who(Reply<Pid>),
    /// Takes the call, and then what comes after it.
    End(ExitReason),
    Fail,
    Panic,
    /// Fails without an answer.
    Crash(Reply<()>),
    /// Never answers, and never fails.
    Keep(Reply<()>),
    Forget(Reply<()>),
    /// Answers after this long.
    Slow(Duration, Reply<()>),
}

impl GenServer for Actor {
    type Args = Setup;
    type Message = Ask;

    async fn init(setup: Setup, ctx: &mut Context<Self>) -> Result<Self> {
        let number = setup.starts.fetch_add(1, Ordering::SeqCst) + 1;
        setup.log.push(format!("start {}", setup.name));
        if setup.finish != Finish::Untrapped {
            ctx.trap_exits(Trap::On);
        }
        match (setup.begin)(number) {
            Begin::Run => {}
            Begin::Ignore => return Err(Stop::ignore()),
            Begin::Fail => return Err(Broken { code: 1 }.into()),
            Begin::Panic => panic!("init panics"),
            Begin::Shutdown => return Err(Stop::shutdown()),
            Begin::Take(time) => take(time).await,
            Begin::Never => std::future::pending().await,
            Begin::RunAndFail => ctx.continue_with(Ask::Fail),
        }
        Ok(Self { setup })
    }

    async fn handle(&mut self, ask: Ask, ctx: &mut Context<Self>) -> Result {
        match ask {
            Ask::Who(from) => from.send(ctx.pid()),
            Ask::End(reason) => return Err(Stop::because(reason)),
            Ask::Fail => return Err(Broken { code: 2 }.into()),
            Ask::Panic => panic!("handle panics"),
            Ask::Crash(from) => {
                let _dropped_by_the_crash = from;
                panic!("crash in a call");
            }
            Ask::Keep(from) => {
                let _kept = from;
                std::future::pending().await
            }
            Ask::Forget(from) => drop(from),
            Ask::Slow(time, from) => {
                take(time).await;
                from.send(());
            }
        }
        Ok(())
    }

    async fn terminate(&mut self, _reason: &ExitReason, _ctx: &mut Context<Self>) {
        self.setup.log.push(format!("terminate {}", self.setup.name));
        match self.setup.finish {
            Finish::Untrapped | Finish::AtOnce => {}
            Finish::Take(time) => take(time).await,
            Finish::Never => std::future::pending().await,
            Finish::Panic => panic!("terminate panics"),
        }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.setup.log.push(format!("gone {}", self.setup.name));
    }
}

/// Work that takes this long. Not for waiting for somebody else.
pub(crate) async fn take(time: Duration) {
    // sleep: on virtual time, and the time itself is the subject.
    tokio::time::sleep_until(Instant::now() + time).await;
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Waits no longer than an hour of virtual time: what should end at once and does not, fails.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(secs(3_600), future).await {
        Ok(value) => value,
        Err(_) => panic!("this never ends: {what}"),
    }
}

/// Waits for a condition that stays true.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..1_000_000 {
        if condition() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("this never comes true: {what}");
}

/// Lets everybody run who can, in a runtime of one thread.
pub(crate) async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// An observer for `on_exit`, and what it has seen.
pub(crate) fn observer()
-> (impl Fn(Pid, &ExitReason) + Send + Sync + 'static, mpsc::UnboundedReceiver<(Pid, ExitReason)>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let observe = move |pid, reason: &ExitReason| {
        let _test_is_over = sender.send((pid, reason.clone()));
    };
    (observe, receiver)
}

/// Everything an observer has seen so far.
pub(crate) fn seen(
    exits: &mut mpsc::UnboundedReceiver<(Pid, ExitReason)>,
) -> Vec<(Pid, ExitReason)> {
    std::iter::from_fn(|| exits.try_recv().ok()).collect()
}

/// The actor that runs as this process now, in a registry.
pub(crate) fn actor(registry: &Registry, name: &str) -> Address<Ask> {
    registry.address::<Actor>(name).unwrap_or_else(|| panic!("{name} is registered"))
}

/// Sends a message that ends the process, and waits for the end.
pub(crate) async fn end(address: &Address<Ask>, ask: Ask) -> ExitReason {
    // The watch is set before the message is sent.
    let ended = async { tokio::join!(process::join(address.pid()), async { address.send(ask) }) };
    soon("the end of an actor", ended).await.0
}

/// What a supervisor says of a child.
pub(crate) fn state(children: &[ChildInfo], id: &str) -> ChildState {
    let child = children.iter().find(|child| &*child.id == id);
    child.unwrap_or_else(|| panic!("{id} is listed")).state
}

pub(crate) fn place(lines: &[String], line: &str) -> usize {
    let found = lines.iter().position(|other| other == line);
    found.unwrap_or_else(|| panic!("{line} is in {lines:?}"))
}

pub(crate) fn place_last(lines: &[String], line: &str) -> usize {
    let found = lines.iter().rposition(|other| other == line);
    found.unwrap_or_else(|| panic!("{line} is in {lines:?}"))
}
