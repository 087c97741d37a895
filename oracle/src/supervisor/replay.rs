//! Replays a history on the real supervisors of fauxtp, in a simulation.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use fauxtp::prelude::*;
use fauxtp::supervisor::{DynamicSupervisorHandle, SupervisorHandle};
use fauxtp::testing::{Sim, Simulation};

use super::child::{Birth, Known, Maker, Path, Records, path_term};
use super::history::{Act, Batch, Body, End, History, How, Strategy};
use super::reasons::{class, start_failure};
use super::request::{Asked, Tree, answer};
use crate::term::{Term, atom, int, list, tuple};

/// The trace of a history.
pub(super) fn replay(history: &History) -> Term {
    let trace = Mutex::new(Vec::new());
    let simulation = Simulation::new("history");
    let simulation = match history.schedule {
        0 => simulation.fifo(),
        seed => simulation.from(u64::from(seed)).seeds(1),
    };
    let outcome = simulation.check(|sim| {
        let trace = &trace;
        async move {
            let played = Replay::new(sim, history).play().await;
            *trace.lock().unwrap_or_else(PoisonError::into_inner) = played;
        }
    });
    match outcome {
        Ok(_) => list(trace.into_inner().unwrap_or_else(PoisonError::into_inner)),
        Err(failure) => tuple([atom("failed"), Term::Atom(failure.problem.to_string().into())]),
    }
}

/// Who is who: incarnations by place, oldest first, and by process.
#[derive(Default)]
pub(super) struct People {
    born: BTreeMap<Path, Vec<(u32, Option<Pid>, Known)>>,
    names: BTreeMap<Pid, u32>,
    places: BTreeMap<Pid, Path>,
}

impl People {
    fn add(&mut self, birth: Birth) {
        let Birth { path, attempt, known, pid } = birth;
        if let Some(pid) = pid {
            self.names.insert(pid, attempt);
            self.places.insert(pid, path.clone());
        }
        self.born.entry(path).or_default().push((attempt, pid, known));
    }

    /// Which incarnation of its place a process is.
    pub(super) fn name(&self, pid: Pid) -> Term {
        self.names.get(&pid).map_or(atom("stranger"), |attempt| int(*attempt))
    }

    /// The last incarnation of the child at this place, if it lives.
    fn alive(&self, path: &[u8]) -> Option<(u32, Pid, &Known)> {
        let (attempt, pid, known) = self.born.get(path)?.last()?;
        let pid = pid.filter(|pid| pid.is_alive())?;
        Some((*attempt, pid, known))
    }

    /// Whom one may want to terminate: dead or alive, but for supervisors, which are known while they live.
    fn whom(&self, path: &[u8]) -> Option<Pid> {
        match self.born.get(path)?.last()? {
            (_, _, Known::Sup(_) | Known::Dynamic(_)) => self.alive(path).map(|(_, pid, _)| pid),
            (_, pid, Known::Server(_)) => *pid,
        }
    }

    fn survivors(&self) -> Term {
        let alive = self.places.iter().filter(|(pid, _)| pid.is_alive());
        let mut all: Vec<_> = alive.map(|(pid, path)| (path, self.names[pid])).collect();
        all.sort();
        list(all.into_iter().map(|(path, attempt)| tuple([path_term(path), int(attempt)])))
    }
}

struct Replay<'a> {
    sim: Sim,
    history: &'a History,
    maker: Maker,
    people: People,
    /// How many milliseconds the clock has gone on for the sake of the stubborn.
    ahead_ms: u64,
    trace: Vec<Term>,
}

impl<'a> Replay<'a> {
    fn new(sim: Sim, history: &'a History) -> Self {
        let slack = if is_stubborn(history) { Duration::from_millis(500) } else { Duration::ZERO };
        let maker = Maker { records: Arc::new(Records::default()), slack };
        let people = People::default();
        if history.has_nested() {
            let records = maker.records.clone();
            sim.invariant("supervisors are recognised", move |_| {
                records.recognise();
                true
            });
        }
        Self { sim, history, maker, people, ahead_ms: 0, trace: Vec::new() }
    }

    async fn play(mut self) -> Vec<Term> {
        let root = &self.history.root;
        let tree = if root.strategy == Strategy::Simple {
            let (maker, template) = (self.maker.clone(), root.specs.first().cloned());
            let make = move |(id, plan): (u8, Vec<_>)| {
                let spec = template.as_ref().expect("a template is what it is made of");
                maker.child_as(&[], id, spec, &plan)
            };
            self.maker.dynamic(root).simple_one_for_one(make).await.map(Tree::Simple)
        } else {
            self.maker.supervisor(&[], root).start().await.map(Tree::Static)
        };
        self.settle().await;
        match tree {
            Err(error) => {
                self.flush(tuple([atom("started"), start_failure(&error)]));
                let survivors = self.people.survivors();
                self.trace.push(tuple([atom("survivors"), survivors]));
            }
            Ok(tree) => {
                self.flush(tuple([atom("started"), atom("ok")]));
                for batch in &self.history.batches {
                    if tree.pid().is_alive() {
                        self.batch(&tree, batch).await;
                    }
                }
                self.finish(&tree).await;
            }
        }
        self.trace
    }

    async fn batch(&mut self, root: &Tree, batch: &Batch) {
        let Some(target) = self.target(root, &batch.path).await else {
            self.trace.push(tuple([atom("nobody"), path_term(&batch.path)]));
            return;
        };
        self.sim.hold(target.pid());
        let mut requests = Vec::new();
        for act in &batch.acts {
            let path = |id: u8| [batch.path.as_slice(), &[id]].concat();
            match act {
                Act::Die(id, how) => self.die(&path(*id), *how).await,
                Act::Advance(seconds) => self.advance(*seconds).await,
                Act::Kill => self.kill(&target),
                Act::TerminateDynamic(id) if self.people.whom(&path(*id)).is_none() => {
                    self.trace.push(tuple([atom("nobody"), path_term(&path(*id))]));
                }
                act => {
                    let old = match act {
                        Act::TerminateDynamic(id) => self.people.whom(&path(*id)),
                        _ => None,
                    };
                    let mut asked = Asked::new(&self.maker, &target, &batch.path, act, old);
                    asked.ask().await;
                    requests.push(asked);
                }
            }
        }
        self.sim.release(target.pid());
        self.settle().await;
        self.flush(atom("done"));
        for mut asked in requests {
            asked.ask().await;
            self.trace.extend(answer(asked, &self.people));
        }
        self.observe(root, &[]).await;
        if !batch.path.is_empty() {
            self.observe(root, &batch.path).await;
        }
    }

    /// The supervisor at this place, if it lives.
    async fn target(&self, root: &Tree, path: &[u8]) -> Option<Tree> {
        if path.is_empty() {
            return root.pid().is_alive().then(|| root.clone());
        }
        let (_, pid, known) = self.people.alive(path)?;
        match (known, self.history.root.at(path)) {
            (Known::Dynamic(_), Some(sup)) => {
                let template = sup.specs.first()?.clone();
                let handle = DynamicSupervisorHandle::of(pid)?;
                Some(Tree::Dynamic {
                    handle,
                    template,
                    maker: self.maker.clone(),
                    path: path.into(),
                })
            }
            (Known::Sup(_), _) => SupervisorHandle::of(pid).await.ok().map(Tree::Static),
            _ => None,
        }
    }

    async fn die(&mut self, path: &[u8], how: How) {
        let Some((attempt, pid, known)) = self.people.alive(path) else {
            self.trace.push(tuple([atom("nobody"), path_term(path)]));
            return;
        };
        match known {
            Known::Server(address) if how != How::Killed => {
                address.send(how);
            }
            _ => pid.kill(),
        }
        self.sim.settle().await;
        self.trace.push(tuple([atom("died"), path_term(path), int(attempt)]));
    }

    fn kill(&mut self, target: &Tree) {
        target.pid().kill();
        self.trace.push(atom("kill"));
    }

    /// To the next full second, and so many of them on.
    async fn advance(&mut self, seconds: u64) {
        let ahead = Duration::from_millis(std::mem::take(&mut self.ahead_ms));
        self.sim.advance(Duration::from_secs(seconds) - ahead).await;
    }

    async fn settle(&mut self) {
        self.sim.settle().await;
        if is_stubborn(self.history) {
            for _ in 0..STUBBORN_MS {
                self.sim.advance(Duration::from_millis(1)).await;
            }
            self.ahead_ms += STUBBORN_MS;
        }
    }

    /// Takes in what the others have told, then notes an entry.
    fn flush(&mut self, entry: Term) {
        for birth in self.maker.records.take_births() {
            self.people.add(birth);
        }
        self.trace.extend(self.maker.records.take_trace());
        self.trace.push(entry);
    }

    async fn observe(&mut self, root: &Tree, path: &[u8]) {
        let Some(target) = self.target(root, path).await else { return };
        let mut replies = Vec::from([atom("family"), path_term(path)]);
        for question in [Act::WhichChildren, Act::CountChildren] {
            let mut asked = Asked::new(&self.maker, &target, path, &question, None);
            asked.finish().await;
            let said = answer(asked, &self.people);
            replies
                .extend(said.and_then(|said| said.as_tuple::<3>().ok().map(|all| all[2].clone())));
        }
        self.trace.push(Term::Tuple(replies));
    }

    async fn finish(&mut self, root: &Tree) {
        if root.pid().is_alive() {
            match self.history.end {
                End::Leave => {}
                End::Kill => self.kill(root),
                End::Stop => {
                    let mut asked = Asked::new(&self.maker, root, &[], &Act::Stop, None);
                    asked.ask().await;
                    self.settle().await;
                }
            }
        }
        self.settle().await;
        self.flush(atom("finished"));
        let mut ended = std::pin::pin!(root.wait());
        let ended = poll_fn(|cx| Poll::Ready(ended.as_mut().poll(cx))).await;
        self.trace.push(match ended {
            Poll::Ready(reason) => tuple([atom("ended"), class(&reason)]),
            Poll::Pending => atom("alive"),
        });
        let survivors = self.people.survivors();
        self.trace.push(tuple([atom("survivors"), survivors]));
    }
}

/// How long the stubborn are waited for: at most a thousand such waits fit into the slack of a period.
const STUBBORN_MS: u64 = 12;

fn is_stubborn(history: &History) -> bool {
    let starts = |act: &Act| matches!(act, Act::StartChild(spec) if spec.body == Body::Stubborn);
    history.root.has_stubborn() || history.batches.iter().any(|batch| batch.acts.iter().any(starts))
}
