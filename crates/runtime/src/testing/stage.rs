//! One run of one simulation: a runtime of its own, a clock of its own, and the test as its guest.

use crate::sync::atomic::{AtomicBool, Ordering};
use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fauxtp_logic::{ExitReason, Time};
use tokio::time::Sleep;

use super::Sim;
use super::problem::Problem;
use super::world::World;
use crate::clock;
use crate::executor::script::Script;
use crate::executor::{Director, Story, direct};
use crate::guard;
use crate::sync::{Mutex, thread_local};

thread_local! {
    static BEGINNING: Cell<Time> = const { Cell::new(Time::ORIGIN) };
}

/// When the simulation on this thread began.
pub(super) fn beginning() -> Time {
    BEGINNING.get()
}

/// How long a run may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) steps: u64,
    pub(super) time: Duration,
}

/// What came of one run.
pub(super) struct Run {
    pub(super) story: Story,
    pub(super) problem: Option<Problem>,
}

/// Something that must hold after every step.
pub(super) struct Invariant {
    pub(super) name: String,
    pub(super) holds: Box<dyn FnMut(&World) -> bool + Send>,
}

/// What the test, the watch over it, and the runtime share.
pub(super) struct Stage {
    pub(super) director: Arc<Director>,
    limits: Limits,
    invariants: Mutex<Vec<Invariant>>,
    problem: Mutex<Option<Problem>>,
    /// Whether the test looks on, and needs no turn of its own to go on.
    looks_on: AtomicBool,
    /// What it looks on for.
    waits_for: Mutex<Option<String>>,
    waker: Mutex<Option<Waker>>,
}

/// Plays one simulation to its end, on this thread.
pub(super) fn play<F>(script: Script, limits: Limits, scenario: impl FnOnce(Sim) -> F) -> Run
where
    F: Future<Output = ExitReason>,
{
    let (director, directing) = direct(script);
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build();
    let runtime = runtime.expect("a runtime without threads needs nothing but memory");
    let stage = Arc::new(Stage {
        director: director.clone(),
        limits,
        invariants: Mutex::new(Vec::new()),
        problem: Mutex::new(None),
        looks_on: AtomicBool::new(false),
        waits_for: Mutex::new(None),
        waker: Mutex::new(None),
    });
    let problem = runtime.block_on(async {
        BEGINNING.set(clock::now());
        let world = World::here(director.creation());
        let watch = stage.clone();
        director.after_each_step(move || watch.look(&world));
        let guest = scenario(Sim::new(stage.clone()));
        let end = clock::now().plus(limits.time);
        let end = (!clock::is_never(end)).then(|| clock::sleep_until(end));
        Visit { stage: &stage, guest: pin!(guest), end: pin!(end) }.await
    });
    director.after_each_step(|| {});
    drop(runtime);
    drop(directing);
    director.close_books();
    let broken = || director.broken().map(|law| Problem::Broken(law.to_owned()));
    Run { problem: problem.err().or_else(broken), story: director.story() }
}

impl Stage {
    /// Looks after a step whether all is well.
    fn look(&self, world: &World) {
        let mut invariants = std::mem::take(&mut *self.invariants.lock());
        let broken = invariants.iter_mut().find_map(|invariant| {
            match guard::catch(|| (invariant.holds)(world)) {
                Ok(true) => None,
                Ok(false) => Some(invariant.name.clone()),
                Err(report) => Some(format!("{}: {}", invariant.name, report.message)),
            }
        });
        let mut others = self.invariants.lock();
        invariants.append(&mut others);
        *others = invariants;
        drop(others);
        let broken = broken.or_else(|| self.director.broken().map(str::to_owned));
        if let Some(name) = broken {
            self.problem.lock().get_or_insert(Problem::Broken(name));
            self.wake();
        } else if self.looks_on.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    /// If a law is broken, the run ends with that before the test goes on.
    pub(super) fn check_laws(&self) {
        if let Some(law) = self.director.broken() {
            self.problem.lock().get_or_insert(Problem::Broken(law.to_owned()));
        }
    }

    pub(super) fn watch(&self, invariant: Invariant) {
        self.invariants.lock().push(invariant);
    }

    fn wake(&self) {
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Says what the test waits for, until the guard is dropped.
    pub(super) fn wait_for(&self, what: String) -> Waiting<'_> {
        *self.waits_for.lock() = Some(what);
        Waiting(self)
    }

    /// The test looks on until the guard is dropped.
    pub(super) fn look_on(&self) -> LookingOn<'_> {
        self.looks_on.store(true, Ordering::Relaxed);
        LookingOn(self)
    }
}

/// The test waits for something until this is dropped.
pub(super) struct Waiting<'a>(&'a Stage);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        *self.0.waits_for.lock() = None;
    }
}

/// The test looks on.
pub(super) struct LookingOn<'a>(&'a Stage);

impl Drop for LookingOn<'_> {
    fn drop(&mut self) {
        self.0.looks_on.store(false, Ordering::Relaxed);
    }
}

/// The test as a guest of the runtime: it runs when the scheduler gives it the floor.
struct Visit<'a, F> {
    stage: &'a Stage,
    guest: Pin<&'a mut F>,
    /// When the run has lasted too long.
    end: Pin<&'a mut Option<Sleep>>,
}

impl<F: Future<Output = ExitReason>> Future for Visit<'_, F> {
    type Output = Result<(), Problem>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let stage = self.stage;
        if let Some(problem) = stage.problem.lock().take() {
            return Poll::Ready(Err(problem));
        }
        let limits = stage.limits;
        if stage.director.steps() > limits.steps {
            return Poll::Ready(Err(Problem::Endless(limits.steps)));
        }
        if self.end.as_mut().as_pin_mut().is_some_and(|end| end.poll(cx).is_ready()) {
            let waits_for = stage.waits_for.lock().clone();
            return Poll::Ready(Err(Problem::Stalled { time: limits.time, waits_for }));
        }
        *stage.waker.lock() = Some(cx.waker().clone());
        if !stage.looks_on.load(Ordering::Relaxed) && !stage.director.may_go_on(cx) {
            World::here(stage.director.creation()).executor().rouse();
            return Poll::Pending;
        }
        let guest = self.guest.as_mut();
        let polled = guard::catch(|| guest.poll(cx));
        if let Some(problem) = stage.problem.lock().take() {
            return Poll::Ready(Err(problem));
        }
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(outcome)) => Poll::Ready(verdict(outcome)),
            Err(report) => Poll::Ready(Err(Problem::Panicked {
                message: report.message,
                location: report.location,
            })),
        }
    }
}

fn verdict(outcome: ExitReason) -> Result<(), Problem> {
    match outcome {
        reason if reason.is_clean() => Ok(()),
        reason => Err(Problem::Returned(format!("{reason:#}"))),
    }
}
