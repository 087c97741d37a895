//! One run of one simulation: a runtime of its own, a clock of its own, and the test as its guest.

use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
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
    /// When it began.
    pub(super) began: Time,
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
    /// What the test looks on for, and needs no turn of its own to see.
    view: AtomicU8,
    /// Whether there was nothing to do since somebody began to wait for that.
    quiet: AtomicBool,
    /// After so many steps he gives up.
    patience: AtomicU64,
    /// When somebody who waits for a change looked last because nobody had anything to do.
    looked: Mutex<Option<Time>>,
    /// What it looks on for, in words.
    waits_for: Mutex<Option<String>>,
    waker: Mutex<Option<Waker>>,
}

/// So many steps are made after the end of a test, for everybody to come to rest.
const LAST_STEPS_MAX: u64 = 10_000;

/// The test goes on when the scheduler gives it the floor.
const ITS_TURN: u8 = 0;
/// It wants to see everything that changes.
const EVERYTHING: u8 = 1;
/// It waits until nobody has anything to do.
const QUIET: u8 = 2;

/// Plays one simulation to its end, on this thread.
pub(super) fn play<F>(script: Script, limits: Limits, scenario: impl FnOnce(Sim) -> F) -> Run
where
    F: Future<Output = ExitReason>,
{
    let (director, directing) = direct(script);
    let stage = Arc::new(Stage {
        director: director.clone(),
        limits,
        invariants: Mutex::new(Vec::new()),
        problem: Mutex::new(None),
        view: AtomicU8::new(ITS_TURN),
        quiet: AtomicBool::new(false),
        patience: AtomicU64::new(0),
        looked: Mutex::new(None),
        waits_for: Mutex::new(None),
        waker: Mutex::new(None),
    });
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let parked = stage.clone();
    // The test is polled between any two steps: whoever has been given the floor has it before anybody else runs.
    builder.event_interval(1).on_thread_park(move || parked.is_quiet());
    let runtime = builder.enable_all().start_paused(true).build();
    let runtime = runtime.expect("a runtime without threads needs nothing but memory");
    let problem = runtime.block_on(async {
        BEGINNING.set(clock::now());
        let world = World::here(director.creation());
        let watch = stage.clone();
        director.after_each_step(move || watch.look(&world));
        let guest = scenario(Sim::new(stage.clone()));
        let end = clock::now().plus(limits.time);
        let end = (!clock::is_never(end)).then(|| clock::sleep_until(end));
        Visit { stage: &stage, guest: pin!(guest), end: pin!(end) }.await?;
        stage.fade_out().await
    });
    director.after_each_step(|| {});
    // It leads to the runtime, which leads here.
    stage.waker.lock().take();
    drop(runtime);
    drop(directing);
    director.close_books();
    let broken = || director.broken().map(|law| Problem::Broken(law.to_owned()));
    Run { problem: problem.err().or_else(broken), story: director.story(), began: beginning() }
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
            return;
        }
        let wants_to_see = match self.view.load(Ordering::Relaxed) {
            EVERYTHING => true,
            QUIET => self.director.steps() > self.patience.load(Ordering::Relaxed),
            _ => false,
        };
        if wants_to_see {
            self.wake();
        }
    }

    /// Nobody has anything to do, neither processes nor tasks of tokio's: time is about to jump.
    fn is_quiet(&self) {
        match self.view.load(Ordering::Relaxed) {
            EVERYTHING => {
                // Once for each moment: whoever is woken keeps time from going on.
                let now = clock::now();
                if self.looked.lock().replace(now) != Some(now) {
                    self.wake();
                }
            }
            QUIET if !self.quiet.swap(true, Ordering::Relaxed) => self.wake(),
            _ => {}
        }
    }

    /// Waits until nobody has anything to do, or there have been so many steps in this run; tells whether it is so.
    pub(super) async fn quiet(&self, steps_max: u64) -> bool {
        let _looking_on = self.look_on(QUIET);
        self.quiet.store(false, Ordering::Relaxed);
        self.patience.store(steps_max, Ordering::Relaxed);
        std::future::poll_fn(|_| {
            let is_quiet = self.quiet.load(Ordering::Relaxed);
            let is_over = is_quiet || self.director.steps() > steps_max;
            if is_over { Poll::Ready(is_quiet) } else { Poll::Pending }
        })
        .await
    }

    /// Waits until nobody has anything to do. A run in which that never comes about is without end.
    pub(super) async fn settle(&self) {
        if !self.quiet(self.limits.steps).await {
            self.problem.lock().get_or_insert(Problem::Endless(self.limits.steps));
        }
    }

    /// The test is over. Who has something to do yet does it, as long as that takes no time, and what has to hold then
    /// is looked at. Whoever never rests is left alone.
    async fn fade_out(&self) -> Result<(), Problem> {
        self.director.heal();
        self.invariants.lock().clear();
        if self.quiet(self.director.steps() + LAST_STEPS_MAX).await {
            self.check_what_is_settled();
        }
        self.problem.lock().take().map_or(Ok(()), Err)
    }

    /// Nobody has anything to do. If a law is broken, the run ends with that before the test goes on.
    pub(super) fn check_what_is_settled(&self) {
        let world = World::here(self.director.creation());
        self.director.settled(|| world.has_ties_with_the_dead(), World::is_ending);
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

    /// The test sees everything that changes until the guard is dropped.
    pub(super) fn see_everything(&self) -> LookingOn<'_> {
        self.look_on(EVERYTHING)
    }

    fn look_on(&self, view: u8) -> LookingOn<'_> {
        LookingOn { stage: self, before: self.view.swap(view, Ordering::Relaxed) }
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
pub(super) struct LookingOn<'a> {
    stage: &'a Stage,
    before: u8,
}

impl Drop for LookingOn<'_> {
    fn drop(&mut self) {
        self.stage.view.store(self.before, Ordering::Relaxed);
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
        let looks_on = stage.view.load(Ordering::Relaxed) != ITS_TURN;
        let is_over = self.end.as_mut().as_pin_mut().is_some_and(|end| end.poll(cx).is_ready());
        let stalled = || {
            let waits_for = stage.waits_for.lock().clone();
            Poll::Ready(Err(Problem::Stalled { time: limits.time, waits_for }))
        };
        *stage.waker.lock() = Some(cx.waker().clone());
        if !looks_on && is_over {
            return stalled();
        }
        if !looks_on && !stage.director.may_go_on(cx) {
            World::here(stage.director.creation()).executor().rouse();
            return Poll::Pending;
        }
        let guest = self.guest.as_mut();
        let polled = guard::catch(|| guest.poll(cx));
        if let Some(problem) = stage.problem.lock().take() {
            return Poll::Ready(Err(problem));
        }
        match polled {
            // Whoever looks on has had a last look.
            Ok(Poll::Pending) if is_over => stalled(),
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
