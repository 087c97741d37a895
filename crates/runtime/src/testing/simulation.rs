//! Runs of a test under many seeds: what is asked for, and what is found.

mod exploration;

use std::env;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use fauxtp_logic::ExitReason;

use super::Sim;
use super::problem::Problem;
use super::replay::Replay;
use super::stage::Limits;
use crate::executor::script::Fault;
use crate::stop::Outcome;

/// When processes are struck, beside those that are struck by chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Crash {
    /// Never.
    #[default]
    Never,
    /// For each seed, one run without, and then three for every time that a process is resumed after an await, in which
    /// it is struck just then: by a panic, by an error, by a kill. Whoever is struck by chance as well, if that has been
    /// asked for, is struck in addition.
    EveryAwait,
}

/// How a test is simulated.
///
/// # Examples
/// ```
/// use fauxtp::process::{self, Context};
/// use fauxtp::testing::{Sim, Simulation};
///
/// let report = Simulation::new("who is first").seeds(200).run(async |sim: Sim| -> fauxtp::Result {
///     for _ in 0..4 {
///         process::spawn(async |_: Context<()>| {})?;
///     }
///     sim.no_leaks().await;
///     Ok(())
/// });
/// assert_eq!(report.runs, 200);
/// assert!(report.orders >= 24, "four processes have 24 orders: {}", report.orders);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a simulation does nothing until it runs"]
pub struct Simulation {
    name: String,
    first: u64,
    seeds: u64,
    crash: Crash,
    chances: Vec<(Fault, f64)>,
    faults_max: u32,
    delay: f64,
    limits: Limits,
    twice: bool,
    fifo: bool,
}

/// A test, with its type forgotten: what explores it is compiled once, whatever tests there are.
type Scenario<'a> = &'a (dyn Fn(Sim) -> Visit<'a> + 'a);
type Visit<'a> = Pin<Box<dyn Future<Output = ExitReason> + 'a>>;

/// What was run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How often the test ran.
    pub runs: u64,
    /// How many decisions the scheduler has made.
    pub steps: u64,
    /// How many different orders of execution there were among the runs, one for each seed, in which nobody was struck
    /// on purpose.
    pub orders: usize,
    /// How many points there were, in those runs, at which a process might have been struck.
    pub points: u64,
    /// How many times a process was struck.
    pub struck: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, steps, orders, points, struck } = self;
        write!(
            f,
            "{runs} runs, {steps} steps, {orders} different orders, {struck} crashes at {points} awaits"
        )
    }
}

/// A run that went wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// What went wrong.
    pub problem: Problem,
    /// Replays the run, as the value of `FAUXTP_SIM`.
    pub replay: String,
    /// Replays the run as it was found, before it was made simpler.
    pub found: String,
    /// What happened, in the names of the processes.
    pub timeline: String,
    /// Where a picture of it is, if it could be written.
    pub picture: Option<PathBuf>,
    name: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { problem, replay, found, timeline, picture, name } = self;
        writeln!(f, "{name}: {problem}\n{timeline}")?;
        if found != replay {
            writeln!(f, "  found by   {found}")?;
        }
        if let Some(picture) = picture {
            writeln!(f, "  picture    {}", picture.display())?;
        }
        write!(f, "  replay     FAUXTP_SIM='{replay}' cargo test {name}")
    }
}

impl std::error::Error for Failure {}

impl Simulation {
    /// A simulation of the test with this name: one run for each of 100 seeds, nobody is struck.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            first: 0,
            seeds: 100,
            crash: Crash::Never,
            chances: Vec::new(),
            faults_max: 3,
            delay: 0.0,
            limits: Limits { steps: 1_000_000, time: Duration::from_secs(3600) },
            twice: false,
            fifo: false,
        }
    }

    /// How many seeds.
    pub const fn seeds(mut self, seeds: u64) -> Self {
        self.seeds = seeds;
        self
    }

    /// The first seed.
    pub const fn from(mut self, first: u64) -> Self {
        self.first = first;
        self
    }

    /// Whether processes are struck on purpose.
    pub const fn crash(mut self, crash: Crash) -> Self {
        self.crash = crash;
        self
    }

    /// How probable it is, each time that a process is resumed, that it is killed; from 0 to 1, and no more than
    /// that together with [`panic`](Self::panic) and [`error`](Self::error).
    pub fn kill(self, probability: f64) -> Self {
        self.chance(Fault::Kill, probability)
    }

    /// How probable it is, each time that a process is resumed, that it panics; from 0 to 1.
    pub fn panic(self, probability: f64) -> Self {
        self.chance(Fault::Panic, probability)
    }

    /// How probable it is, each time that a process is resumed, that it returns an error; from 0 to 1.
    pub fn error(self, probability: f64) -> Self {
        self.chance(Fault::Error, probability)
    }

    fn chance(mut self, fault: Fault, probability: f64) -> Self {
        self.chances.push((fault, checked(probability)));
        let all: f64 = self.chances.iter().map(|(_, chance)| chance).sum();
        assert!(all <= 1.0 + f64::EPSILON, "at most one of several things happens, not {all}");
        self
    }

    /// How many processes are struck by chance in one run, at most; 3 unless told otherwise, as often as a supervisor
    /// restarts within five seconds.
    pub const fn faults_max(mut self, faults: u32) -> Self {
        self.faults_max = faults;
        self
    }

    /// How probable it is that a message is late; from 0 to 1. Between two processes, messages and signals keep their
    /// order. Bounded mailboxes get everything at once, for a send says whether it was taken.
    ///
    /// # Panics
    /// If this is no probability.
    pub fn delay(mut self, probability: f64) -> Self {
        self.delay = checked(probability);
        self
    }

    /// How many steps a run may have; 1,000,000 unless told otherwise.
    pub const fn steps_max(mut self, steps: u64) -> Self {
        self.limits.steps = steps;
        self
    }

    /// How much virtual time may pass in a run; an hour unless told otherwise.
    pub const fn time_max(mut self, time: Duration) -> Self {
        self.limits.time = time;
        self
    }

    /// One run, in which nothing is left to chance: first come, first served, an idle callee at once on its caller's
    /// stack. What is [held](Sim::hold) and when is the test's to say; so it chooses the order itself.
    pub const fn fifo(mut self) -> Self {
        self.fifo = true;
        self.seeds = 1;
        self
    }

    /// Plays every seed twice, and fails if the two runs differ: something decides that the simulation does not know.
    pub const fn twice(mut self) -> Self {
        self.twice = true;
        self
    }

    /// Runs the test, and fails with what has been found.
    ///
    /// # Panics
    /// If a run goes wrong, with the [`Failure`]; or if the environment asks for something that nobody understands.
    #[allow(
        clippy::panic,
        clippy::print_stderr,
        reason = "that is how tests fail, and what they tell"
    )]
    pub fn run<S, F, T>(self, scenario: S) -> Report
    where
        S: Fn(Sim) -> F + Sync,
        F: Future<Output = T>,
        T: Outcome,
    {
        match self.check(scenario) {
            Ok(report) => {
                eprintln!("{report}");
                report
            }
            Err(failure) => panic!("{failure}"),
        }
    }

    /// Runs the test, and tells what has been found.
    ///
    /// # Errors
    /// The first run that goes wrong, made as simple as possible.
    ///
    /// # Panics
    /// If the environment asks for something that nobody understands.
    pub fn check<S, F, T>(mut self, scenario: S) -> Result<Report, Box<Failure>>
    where
        S: Fn(Sim) -> F + Sync,
        F: Future<Output = T>,
        T: Outcome,
    {
        self.heed_environment();
        let replay = env::var("FAUXTP_SIM").ok().map(|text| {
            text.parse::<Replay>().unwrap_or_else(|error| panic!("FAUXTP_SIM: {error}"))
        });
        // A thread of its own: its runtime may be in the midst of another one, and nothing here depends on what ran
        // on this thread before.
        std::thread::scope(|scope| {
            let explore = || {
                let visit = |sim| -> Visit<'_> {
                    let visit = scenario(sim);
                    Box::pin(async { visit.await.into_reason() })
                };
                match replay {
                    Some(replay) => self.replay(&replay, &visit),
                    None => self.explore(&visit),
                }
            };
            let explorer = std::thread::Builder::new().name(self.name.clone());
            let explorer = explorer.spawn_scoped(scope, explore).expect("threads can be started");
            explorer.join().unwrap_or_else(|thrown| std::panic::resume_unwind(thrown))
        })
    }

    fn heed_environment(&mut self) {
        let number = |name: &str| {
            let text = env::var(name).ok()?;
            Some(text.parse().unwrap_or_else(|_| panic!("{name}: {text:?} is no number")))
        };
        // Of a run in which nothing is left to chance there is one.
        let seeds = number("FAUXTP_SIM_SEEDS").filter(|_| !self.fifo);
        self.seeds = seeds.unwrap_or(self.seeds);
        self.first = number("FAUXTP_SIM_FROM").unwrap_or(self.first);
    }
}

fn checked(probability: f64) -> f64 {
    assert!((0.0..=1.0).contains(&probability), "a probability is from 0 to 1, not {probability}");
    probability
}
