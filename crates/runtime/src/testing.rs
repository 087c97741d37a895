//! Simulations: the same tree that you ship, under a scheduler that a seed decides, on virtual time.
//!
//! Most faults of concurrent programs need two things to happen in an order that a test on a quiet machine never
//! sees. A simulation runs a test a thousand times: each time another process runs first, and, if asked to, one of
//! them is struck down at one of its awaits. Everything that was decided can be decided so again: a failure prints
//! one line that replays it, and a timeline in the names of your own processes.
//!
//! ```
//! use fauxtp::prelude::*;
//! use fauxtp::testing::{Crash, Sim, Simulation};
//!
//! struct Counter(i64);
//!
//! # #[cfg(feature = "macros")]
//! #[gen_server]
//! impl Counter {
//!     fn init(n: i64) -> Self { Counter(n) }
//!     #[call] fn add(&mut self, k: i64) -> i64 { self.0 += k; self.0 }
//! }
//!
//! static COUNTER: Name<Counter> = Name::new("counter");
//!
//! # #[cfg(feature = "macros")]
//! async fn it_comes_back(sim: Sim) {
//!     sim.always_one(&COUNTER);
//!     sim.start(Supervisor::new([Counter::spec(0).name(&COUNTER).restart(Restart::Permanent)])).await;
//!     let _struck_perhaps = COUNTER.add(5).await;
//!     sim.heal();
//!     sim.eventually("it answers again", |world| world.whereis(&COUNTER).is_some()).await;
//!     assert!(COUNTER.add(1).await.is_ok());
//!     sim.no_leaks().await;
//! }
//!
//! # #[cfg(feature = "macros")]
//! let report = Simulation::new("it_comes_back").seeds(20).crash(Crash::EveryAwait).run(it_comes_back);
//! # #[cfg(feature = "macros")]
//! assert!(report.orders > 1 && report.struck >= 3 * report.points);
//! ```
//!
//! With the attribute [`#[fauxtp::sim_test]`](macro@crate::sim_test) the last lines are one.
//!
//! # What is simulated
//!
//! - **Order.** Before each step, the scheduler draws who of those that could run does, the test itself among them;
//!   and whether an idle callee runs on its caller's stack.
//! - **Time.** It is tokio's paused clock: it stands still as long as anybody has something to do, and then jumps to the
//!   next timer. `tokio::time` and `tokio::sync` work as ever; an hour takes microseconds.
//! - **Crashes** ([`Crash::EveryAwait`], [`kill`](Simulation::kill), [`panic`](Simulation::panic),
//!   [`error`](Simulation::error)). A process is struck when it is resumed, and would go on after an await: in a
//!   callback, that panics, or returns an error, with everything that follows from it; elsewhere, the process does. An
//!   await that is over at once, such as a receive with a message in the inbox, is no such point. Supervisors
//!   and registries that no process has started are spared, for nobody would start them again.
//! - **Late messages** ([`delay`](Simulation::delay)). What one process sends another keeps its order: messages, signals
//!   and answers. But a message may arrive after another one that was sent later by somebody else, as between the nodes
//!   of a cluster. Within one program that does not happen. What a process sends itself is never late.
//!
//! # What is checked without being asked for
//!
//! At each step of every run:
//!
//! - A child's next incarnation is not launched before the former one is gone, and everything below that.
//! - Whoever is told of an end finds the names of the dead free.
//! - A supervisor restarts no more often than it may.
//!
//! Whenever nobody has anything to do ([`Sim::settle`]), and so once more when a test has succeeded: then everybody gets
//! 10,000 steps to come to rest, in which nothing goes wrong and no time passes. Whoever does not is not looked at.
//!
//! - Whoever has got a message while it waited at its inbox, or a signal, has run.
//! - Nobody is linked with the dead, or watches them; as long as nobody is held.
//! - Whoever waits for an answer that was dropped unsaid has been told so.
//!
//! When a run is over, and with it all its processes:
//!
//! - Every message that was sent has arrived, come back, been refused, or was on its way; every one that arrived was
//!   handled, displaced by a bounded mailbox, or dropped with its process.
//!
//! What is broken is a [`Problem::Broken`], as any invariant is. That nothing is left of a test, no process, no name and
//! no timer, has to be asked for ([`Sim::no_leaks`]).
//!
//! # What is not
//!
//! Tasks of tokio's (`tokio::spawn`) run in the order in which they are woken: the same for each seed, so they are
//! replayed, but not explored; [`Task`](crate::Task) is. What comes from outside is outside: real I/O,
//! `spawn_blocking`, threads, `std::time`, `rand`, and `tokio::select!` without `biased`, whose order tokio draws. Each
//! failing seed is played twice, and a difference is reported as such, with the first step that differs.
//! A path that no seed took is not tested: a thousand seeds are evidence, no proof.
//!
//! # Environment
//!
//! - `FAUXTP_SIM`: replays one run, as printed by a failure; panics are printed as well.
//! - `FAUXTP_SIM_SEEDS`: how many seeds, instead of what the test says.
//! - `FAUXTP_SIM_FROM`: the first seed, instead of 0.

mod problem;
mod world;
mod stage;
mod replay;
mod timeline;
mod diagram;
mod shrink;
mod simulation;

use std::fmt;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fauxtp_logic::Pid;

use crate::clock;
use crate::names::{Name, Receives};
use crate::supervisor::{Supervisor, SupervisorHandle};
use crate::sync::Mutex;

use stage::{Invariant, Stage};

pub use crate::executor::script::{Fault, Injected};
pub use problem::Problem;
pub use simulation::{Crash, Failure, Report, Simulation};
pub use world::World;

/// A simulation, as its test sees it.
#[derive(Clone)]
pub struct Sim {
    stage: Arc<Stage>,
    /// What was started, and has to be stopped before one looks for leaks.
    trees: Arc<Mutex<Vec<SupervisorHandle>>>,
}

impl Sim {
    fn new(stage: Arc<Stage>) -> Self {
        Self { stage, trees: Arc::default() }
    }

    /// Starts a tree. Its root is never struck, and is stopped by [`no_leaks`](Self::no_leaks). Nobody is struck before it
    /// is up, for then it would not be; what comes of a start that fails is told by a tree that you start yourself.
    ///
    /// # Panics
    /// If it does not start: a failure of the test.
    ///
    /// # Cancel safety
    /// What had been started is ended.
    pub async fn start(&self, supervisor: Supervisor) -> SupervisorHandle {
        let safe = self.stage.director.keep_safe();
        let started = supervisor.start().await;
        drop(safe);
        let handle = match started {
            Ok(handle) => handle,
            #[allow(clippy::panic, reason = "that is how tests fail")]
            Err(error) => panic!("start tree: {error}"),
        };
        self.spare(handle.pid());
        self.trees.lock().push(handle.clone());
        handle
    }

    /// Everything that lives here.
    #[must_use]
    pub fn world(&self) -> World {
        World::here(self.stage.director.creation())
    }

    /// From now on something must hold after every step of every process. The simulation fails at the first step after
    /// which `holds` is false; a panic counts as that.
    pub fn invariant(
        &self,
        name: impl fmt::Display,
        holds: impl FnMut(&World) -> bool + Send + 'static,
    ) {
        self.stage.watch(Invariant { name: name.to_string(), holds: Box::new(holds) });
    }

    /// From now on there are never two incarnations of the process with this name: before a new one has the name,
    /// all who ever had it have ended. Who was killed and has not noticed yet has not ended.
    pub fn always_one<S: Receives>(&self, name: &'static Name<S>) {
        let mut holders: Vec<Pid> = Vec::new();
        self.invariant(
            format_args!("there is never more than one {:?}", name.as_str()),
            move |world| {
                let holder = world.whereis(name).map(|address| address.pid());
                holders.retain(|former| !world.has_ended(*former));
                holders.extend(holder.filter(|pid| !holders.contains(pid)));
                holders.len() < 2
            },
        );
    }

    /// Waits until nobody has anything to do, neither processes nor tasks of tokio's. Time does not pass: timers that are
    /// due later stay. What threads do (`spawn_blocking`) is not waited for, and a task of tokio's that never rests is
    /// waited for as long as it takes.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn settle(&self) {
        self.stage.settle().await;
        self.stage.check_what_is_settled();
    }

    /// Lets time pass, timer by timer, and waits until nobody has anything to do then.
    ///
    /// # Cancel safety
    /// Strict; some of the time has passed.
    pub async fn advance(&self, time: Duration) {
        {
            let _looking_on = self.stage.see_everything();
            clock::sleep_until(clock::now().plus(time)).await;
        }
        self.settle().await;
    }

    /// Waits until something is so, and lets time pass if nobody has anything to do. It is looked after every step of a
    /// process, after every late message, and before time jumps. What is never so fails the simulation when its
    /// [time](Simulation::time_max) is over.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn eventually(&self, what: impl fmt::Display, mut is_so: impl FnMut(&World) -> bool) {
        let world = self.world();
        let _looking_on = self.stage.see_everything();
        let _waiting = self.stage.wait_for(what.to_string());
        std::future::poll_fn(|_| if is_so(&world) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// From now on nothing goes wrong any more: nobody is struck, nothing is late. What must work in the end is
    /// asked for after this.
    pub fn heal(&self) {
        self.stage.director.heal();
    }

    /// This process is never struck.
    pub fn spare(&self, process: impl Into<Pid>) {
        self.stage.director.spare(process.into());
    }

    /// This process does not run until it is [released](Self::release); what is sent to it waits.
    pub fn hold(&self, process: impl Into<Pid>) {
        self.stage.director.hold(process.into());
    }

    /// A process that was [held](Self::hold) goes on.
    pub fn release(&self, process: impl Into<Pid>) {
        self.stage.director.release(process.into());
    }

    /// Stops the trees that were [started](Self::start), last one first, and makes sure that nothing is left of the
    /// simulation: no process, no name, no timer, no message on its way.
    ///
    /// # Panics
    /// If something is left, with a list of it: a failure of the test.
    ///
    /// # Cancel safety
    /// Some trees have been stopped.
    pub async fn no_leaks(&self) {
        loop {
            let tree = self.trees.lock().pop();
            let Some(tree) = tree else { break };
            // A tree that has ended already is not to be stopped.
            let _ended = tree.stop().await;
        }
        self.settle().await;
        let mut left = self.world().left();
        match self.stage.director.on_the_way() {
            0 => {}
            messages => left.push(format!("{messages} messages on their way")),
        }
        assert!(left.is_empty(), "left at the end: {}", left.join("; "));
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("steps", &self.stage.director.steps()).finish_non_exhaustive()
    }
}
