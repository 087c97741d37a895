//! Goes through the runs of a simulation, and tells of the first that goes wrong.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Crash, Failure, Report, Scenario, Simulation};
use crate::executor::Story;
use crate::executor::choices::Source;
use crate::executor::script::{Fault, Script};
use crate::testing::diagram;
use crate::testing::problem::Problem;
use crate::testing::replay::Replay;
use crate::testing::shrink::shrink;
use crate::testing::stage::{self, Run, play};
use crate::testing::timeline::{Timeline, difference};

impl Simulation {
    pub(super) fn explore(&self, scenario: Scenario<'_>) -> Result<Report, Box<Failure>> {
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
    pub(super) fn replay(
        &self,
        replay: &Replay,
        scenario: Scenario<'_>,
    ) -> Result<Report, Box<Failure>> {
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
