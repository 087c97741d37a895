//! Many histories, compared on several threads: the regressions first, then fresh ones; mismatches are shrunk and saved.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use crate::explained::Rule;
use crate::oracle::{Oracle, Verdict};
use crate::otp::Build;
use crate::port::Port;
use crate::random::Random;
use crate::saved;
use crate::shrink::shrink;
use crate::term::{Term, atom, tuple};

/// How much is compared, and from which seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Nothing: as many as the gate wants.
    pub(crate) histories: Option<u64>,
    pub(crate) seed: u64,
    pub(crate) workers: usize,
    /// Whether one mismatch is enough to know, and not to be looked into.
    pub(crate) quick: bool,
    /// Shows the history with this number.
    pub(crate) show: Option<u64>,
}

/// The comparison of one kind of history.
pub(crate) struct Campaign<'a, O> {
    oracle: &'a O,
    build: &'a Build,
    plan: &'a Plan,
    histories: u64,
    /// The number of the next history nobody has taken.
    next: AtomicU64,
    /// How many mismatches have been found.
    mismatches: AtomicUsize,
    tally: Mutex<Tally>,
    bar: ProgressBar,
}

/// What has been compared so far.
#[derive(Default)]
struct Tally {
    /// How often each rule was needed.
    explained: BTreeMap<Rule, u64>,
    steps: u64,
    /// Of those, how many come behind a difference after which nothing can be compared.
    uncompared: u64,
}

/// Histories, each with its number.
type Batch<O> = Vec<(u64, <O as Oracle>::History)>;

/// Both traces of a history.
struct Traces {
    ours: Term,
    theirs: Term,
}

impl<'a, O: Oracle> Campaign<'a, O> {
    pub(crate) fn new(oracle: &'a O, build: &'a Build, plan: &'a Plan) -> Self {
        let histories = plan.histories.unwrap_or_else(|| oracle.gate());
        Self {
            oracle,
            build,
            plan,
            histories,
            next: AtomicU64::new(0),
            mismatches: AtomicUsize::new(0),
            tally: Mutex::default(),
            bar: ProgressBar::new(histories),
        }
    }

    /// Compares everything; says whether the two sides agree.
    pub(crate) fn run(&self) -> Result<bool> {
        let (name, seed) = (self.oracle.name(), self.plan.seed);
        println!("{name}: {} histories, seed {seed}", self.histories);
        let replayed = self.replay()?;
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {msg}");
        self.bar.set_style(style.context("the template of the progress bar is wrong")?);
        thread::scope(|scope| {
            let start = || scope.spawn(|| self.work());
            let workers: Vec<_> = (0..self.plan.workers).map(|_| start()).collect();
            let end = |worker: thread::ScopedJoinHandle<'_, Result<()>>| match worker.join() {
                Ok(outcome) => outcome,
                Err(payload) => bail!("a worker panicked: {}", text_of(&*payload)),
            };
            // All are waited for, also after a failure.
            workers.into_iter().map(end).collect::<Vec<_>>().into_iter().collect::<Result<()>>()
        })?;
        let elapsed = self.bar.elapsed();
        self.bar.finish_and_clear();
        let mismatches = self.mismatches.load(Ordering::Relaxed);
        let compared = self.next.load(Ordering::Relaxed).min(self.histories);
        println!(
            "{name}: {compared} histories and {replayed} regressions in {:.1} s ({:.0}/s): {mismatches} mismatches",
            elapsed.as_secs_f64(),
            compared as f64 / elapsed.as_secs_f64(),
        );
        let tally = self.tally.lock().unwrap_or_else(|e| e.into_inner());
        println!("  {} of {} steps left uncompared", tally.uncompared, tally.steps);
        for (rule, count) in &tally.explained {
            println!("  explained {count:>8} times by {}: {}", rule.word(), rule.reason());
        }
        Ok(mismatches == 0)
    }

    /// Shows one history and its traces; says whether they agree.
    pub(crate) fn show(&self, number: u64) -> Result<bool> {
        let history = self.oracle.generate(&mut Random::of(self.plan.seed, number));
        let traces = self.trace(&mut Port::start(self.build)?, &history)?;
        println!("{}", self.oracle.to_term(&history));
        let verdict = self.oracle.compare(&history, &traces.ours, &traces.theirs);
        println!("{}\n{verdict:?}", side_by_side(&traces));
        Ok(verdict != Verdict::Different)
    }

    /// Runs what once failed.
    fn replay(&self) -> Result<usize> {
        let all = saved::load(self.oracle.name())?;
        if all.is_empty() {
            return Ok(0);
        }
        let mut port = Port::start(self.build)?;
        for saved in &all {
            let history = self.oracle.parse(&saved.history);
            let history = history.with_context(|| format!("could not parse {:?}", saved.path))?;
            let traces = self.trace(&mut port, &history)?;
            let verdict = self.oracle.compare(&history, &traces.ours, &traces.theirs).to_term();
            if verdict != saved.verdict {
                self.mismatches.fetch_add(1, Ordering::Relaxed);
                let (path, sides) = (saved.path.display(), side_by_side(&traces));
                println!("mismatch: {path}: {verdict}, not {}\n{sides}", saved.verdict);
            }
        }
        Ok(all.len())
    }

    /// One thread: takes histories until there are none left, or enough has been found.
    fn work(&self) -> Result<()> {
        let mut port = Port::start(self.build)?;
        // Erlang always has something to do: it gets a batch before we look at what came of the one before.
        let mut sent = self.send_batch(&mut port)?;
        while let Some(batch) = sent {
            sent = self.send_batch(&mut port)?;
            let ours: Vec<_> = batch.iter().map(|(_, history)| self.ours(history)).collect();
            let theirs = port.receive()?;
            ensure!(theirs.len() == ours.len(), "{} traces came back", theirs.len());
            let traces = ours.into_iter().zip(theirs).map(|(ours, theirs)| Traces { ours, theirs });
            let mut failed = Vec::new();
            for ((number, history), traces) in batch.iter().zip(traces) {
                if self.judge(history, &traces) {
                    failed.push((*number, history));
                }
            }
            self.bar.inc(batch.len() as u64);
            if self.plan.quick {
                self.mismatches.fetch_add(failed.len(), Ordering::Relaxed);
            } else if !failed.is_empty() {
                // Another one, for this one has yet to answer what was sent.
                let mut port = Port::start(self.build)?;
                for (number, history) in failed {
                    self.investigate(&mut port, number, history)?;
                }
            }
        }
        Ok(())
    }

    /// Makes the next batch, each history with its number, and sends it.
    fn send_batch(&self, port: &mut Port) -> Result<Option<Batch<O>>> {
        let enough = if self.plan.quick { 1 } else { MISMATCHES_MAX };
        if self.mismatches.load(Ordering::Relaxed) >= enough {
            return Ok(None);
        }
        let first = self.next.fetch_add(BATCH, Ordering::Relaxed);
        if first >= self.histories {
            return Ok(None);
        }
        let numbers = first..(first + BATCH).min(self.histories);
        let make = |number| self.oracle.generate(&mut Random::of(self.plan.seed, number));
        let batch: Vec<_> = numbers.map(|number| (number, make(number))).collect();
        let terms = batch.iter().map(|(_, history)| self.oracle.to_term(history)).collect();
        port.send(self.oracle.driver(), terms)?;
        Ok(Some(batch))
    }

    /// Whether the traces differ and should not.
    fn judge(&self, history: &O::History, traces: &Traces) -> bool {
        let verdict = self.oracle.compare(history, &traces.ours, &traces.theirs);
        let mut tally = self.tally.lock().unwrap_or_else(|e| e.into_inner());
        tally.steps += traces.ours.as_list().map_or(0, <[Term]>::len) as u64;
        if let Verdict::Explained { rules, uncompared } = &verdict {
            tally.uncompared += *uncompared as u64;
            for rule in rules {
                *tally.explained.entry(*rule).or_default() += 1;
            }
        }
        verdict == Verdict::Different
    }

    /// Shrinks a history that failed, saves it and shows it.
    fn investigate(&self, port: &mut Port, number: u64, history: &O::History) -> Result<()> {
        if self.mismatches.fetch_add(1, Ordering::Relaxed) >= MISMATCHES_MAX {
            return Ok(());
        }
        let fails = |history: &O::History| {
            let traces = self.trace(port, history)?;
            let verdict = self.oracle.compare(history, &traces.ours, &traces.theirs);
            Ok(verdict == Verdict::Different)
        };
        let (smallest, tries) =
            shrink(history.clone(), |history| self.oracle.simpler(history), fails)?;
        let traces = self.trace(port, &smallest)?;
        let term = self.oracle.to_term(&smallest);
        let origin = format!("seed {}, history {number}, {tries} tries", self.plan.seed);
        let sides = side_by_side(&traces);
        let path = saved::save(
            self.oracle.name(),
            &Verdict::Same,
            &term,
            &[origin.clone(), sides.clone()],
        )?;
        self.bar.suspend(|| {
            println!("mismatch: {origin}\n{term}\n{sides}\nsaved as {}\n", path.display());
        });
        Ok(())
    }

    fn trace(&self, port: &mut Port, history: &O::History) -> Result<Traces> {
        let ours = self.ours(history);
        let theirs = port.ask(self.oracle.driver(), self.oracle.to_term(history))?;
        Ok(Traces { ours, theirs })
    }

    fn ours(&self, history: &O::History) -> Term {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.oracle.run(history)));
        outcome.unwrap_or_else(|payload| {
            let text = text_of(&*payload);
            tuple([atom("panicked"), Term::Atom(text.chars().take(80).collect::<String>().into())])
        })
    }
}

/// The two traces, with a mark where they begin to differ.
fn side_by_side(traces: &Traces) -> String {
    let entries = |trace: &Term| match trace {
        Term::List(entries) => entries.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    };
    let (ours, theirs) = (entries(&traces.ours), entries(&traces.theirs));
    let mut text = format!("  {:<58} OTP", "fauxtp");
    for index in 0..ours.len().max(theirs.len()) {
        let (our, their) = (ours.get(index), theirs.get(index));
        let mark = if our == their { ' ' } else { '!' };
        let empty = String::new();
        text += &format!("\n{mark} {:<58} {}", our.unwrap_or(&empty), their.unwrap_or(&empty));
    }
    text
}

fn text_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "something that is no text".to_owned())
}

/// How many histories go in one frame.
const BATCH: u64 = 200;

/// After so many mismatches there is nothing to learn from more.
const MISMATCHES_MAX: usize = 5;
