//! Runs of a test under many seeds: what is asked for, and what is found.

use std::collections::BTreeSet;
use std::env;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use fauxtp_logic::ExitReason;

use super::Sim;
use super::diagram;
use super::problem::Problem;
use super::replay::Replay;
use super::shrink::shrink;
use super::stage::{self, Limits, Run, play};
use super::timeline::{Timeline, difference};
use crate::executor::Story;
use crate::executor::choices::Source;
use crate::executor::script::{Fault, Script};
use crate::stop::Outcome;

/// When processes are struck, beside those that are struck by chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Crash {
    /// Never.
    #[default]
    Never,
    /// For each seed, one run without, and then for every await of every process three in which just that process is
    /// struck just there: by a panic, by an error, by a kill.
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

    /// How probable it is, at each await of each process, that it is killed; from 0 to 1.
    pub fn kill(self, probability: f64) -> Self {
        self.chance(Fault::Kill, probability)
    }

    /// How probable it is, at each await of each process, that it panics; from 0 to 1.
    pub fn panic(self, probability: f64) -> Self {
        self.chance(Fault::Panic, probability)
    }

    /// How probable it is, at each await of each process, that it returns an error; from 0 to 1.
    pub fn error(self, probability: f64) -> Self {
        self.chance(Fault::Error, probability)
    }

    fn chance(mut self, fault: Fault, probability: f64) -> Self {
        self.chances.push((fault, checked(probability)));
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

    fn explore(&self, scenario: Scenario<'_>) -> Result<Report, Box<Failure>> {
        let mut report = Report::default();
        let mut orders = BTreeSet::new();
        for seed in self.first..self.first.saturating_add(self.seeds) {
            let source = || if self.fifo { Source::Fifo } else { Source::Seed(seed) };
            let seeded = |strikes| Replay { source: source(), strikes };
            let plain = seeded(Vec::new());
            let run = self.play(&plain, Shown::No, scenario);
            report.add(&run);
            report.points += run.story.points;
            orders.insert(run.story.record.order());
            let points = run.story.points;
            let once = self.twice.then(|| Digest::of(&run));
            self.judge(run, &plain, scenario)?;
            if let Some(once) = once {
                let again = self.play(&plain, Shown::No, scenario);
                report.add(&again);
                if let Some(difference) = once.difference(&Digest::of(&again)) {
                    return Err(self.failure(&plain, plain.clone(), Some(difference), scenario));
                }
            }
            if self.crash == Crash::EveryAwait {
                for (point, fault) in (0..points).flat_map(|at| Fault::ALL.map(|fault| (at, fault)))
                {
                    let struck = seeded(vec![(point, fault)]);
                    let run = self.play(&struck, Shown::No, scenario);
                    report.add(&run);
                    self.judge(run, &struck, scenario)?;
                }
            }
        }
        report.orders = orders.len();
        Ok(report)
    }

    /// Plays one run with everything that is said about it.
    #[allow(clippy::print_stderr, reason = "whoever replays wants to see")]
    fn replay(&self, replay: &Replay, scenario: Scenario<'_>) -> Result<Report, Box<Failure>> {
        let run = self.play(replay, Shown::Loudly, scenario);
        let mut report = Report::default();
        report.add(&run);
        if run.problem.is_some() {
            return Err(self.failure(replay, replay.clone(), None, scenario));
        }
        eprintln!("{}", Timeline::of(&run.story.record.events, stage::beginning()));
        Ok(report)
    }

    fn play(&self, replay: &Replay, shown: Shown, scenario: Scenario<'_>) -> Run {
        let script = Script {
            source: replay.source.clone(),
            strikes: replay.strikes.clone(),
            chances: self.chances.clone(),
            faults_max: self.faults_max,
            delay: self.delay,
            records: shown != Shown::No,
            is_quiet: shown != Shown::Loudly,
        };
        play(script, self.limits, scenario)
    }

    /// If a run went wrong, finds out the simplest way to go wrong like that.
    fn judge(&self, run: Run, replay: &Replay, scenario: Scenario<'_>) -> Result<(), Box<Failure>> {
        let Some(problem) = run.problem else { return Ok(()) };
        let simpler = shrink(replay, run.story.path, |replay| {
            let run = self.play(replay, Shown::No, scenario);
            let alike = run.problem.is_some_and(|found| found.is_like(&problem));
            alike.then_some(run.story.path)
        });
        Err(self.failure(replay, simpler, None, scenario))
    }

    /// Tells of a failing run. It is played twice, for it may not be the same twice; if it is known not to have been,
    /// that is what is wrong with it.
    fn failure(
        &self,
        found: &Replay,
        simpler: Replay,
        known: Option<&'static str>,
        scenario: Scenario<'_>,
    ) -> Box<Failure> {
        let run = self.play(&simpler, Shown::Quietly, scenario);
        let timeline = Timeline::of(&run.story.record.events, stage::beginning());
        let again = self.play(&simpler, Shown::Quietly, scenario);
        let digests = (Digest::of(&run), Digest::of(&again));
        let first = difference(
            (&run.story.record.events, run.began),
            (&again.story.record.events, again.began),
        );
        let difference =
            first.or_else(|| digests.0.difference(&digests.1).or(known).map(str::to_owned));
        let problem = match (difference, run.problem) {
            (None, Some(problem)) => problem,
            (Some(difference), _) => Problem::Undetermined(difference),
            (None, None) => {
                Problem::Undetermined("it failed once, and does not fail again".to_owned())
            }
        };
        let replay = simpler.to_string();
        let page = diagram::page(&self.name, &problem.to_string(), &replay, &timeline);
        Box::new(Failure {
            picture: self.write_picture(&page),
            problem,
            replay,
            found: found.to_string(),
            timeline: timeline.to_string(),
            name: self.name.clone(),
        })
    }

    fn write_picture(&self, page: &str) -> Option<PathBuf> {
        let folder = diagram::folder();
        let is_plain = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
        let name: String =
            self.name.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).collect();
        let path = folder.join(name + ".html");
        std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, page)).ok()?;
        Some(path)
    }
}

/// What two runs must have in common to be the same one.
#[derive(PartialEq)]
struct Digest {
    path: Vec<u32>,
    order: u64,
    traffic: u64,
    points: u64,
    struck: u32,
    problem: Option<Problem>,
}

impl Digest {
    fn of(run: &Run) -> Self {
        let Story { path, record, points, struck, .. } = &run.story;
        Self {
            path: path.clone(),
            order: record.order(),
            traffic: record.traffic(),
            points: *points,
            struck: *struck,
            problem: run.problem.clone(),
        }
    }

    /// In what they differ, if nobody knows where.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        match () {
            () if self.order != other.order => Some("in the order of execution"),
            () if self.traffic != other.traffic => Some("in who sends to whom"),
            () if self.path != other.path => Some("in what was left to chance"),
            () if (self.points, self.struck) != (other.points, other.struck) => {
                Some("in who might have been struck, or was")
            }
            () if self.problem.is_some() != other.problem.is_some() => {
                Some("once it fails, and once it does not")
            }
            () if self.problem != other.problem => Some("in what went wrong"),
            () => None,
        }
    }
}

/// What is shown of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    No,
    /// Its events are kept.
    Quietly,
    /// And its panics are printed.
    Loudly,
}

impl Report {
    fn add(&mut self, run: &Run) {
        self.runs += 1;
        self.steps += run.story.steps;
        self.struck += u64::from(run.story.struck);
    }
}

fn checked(probability: f64) -> f64 {
    assert!((0.0..=1.0).contains(&probability), "a probability is from 0 to 1, not {probability}");
    probability
}
