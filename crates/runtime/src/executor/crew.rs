//! The run queues: a few tasks of the user's runtime, the *hands*, poll all fibers.
//!
//! A task of its own for every process would be half of what a process costs. So each worker thread's worth of
//! runtime has one hand with a queue; a fiber that is woken by another one stays with the same hand, idle
//! hands take from busy ones, and every few polls a hand lets the runtime do something else.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::task::coop;

use super::Executor;
use super::fiber::{self, Fiber};
use super::relief;
use super::schedule::{Next, Scheduler};
use crate::host::{Handle, RuntimeFlavor};
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Mutex, statics, thread_local};

/// How many fibers a hand polls before it lets the rest of its runtime run.
pub(super) const TURN: u32 = 16;
/// How deep fibers may run on the stacks of others.
const DEPTH_MAX: u8 = 4;
/// More hands than that are never needed; each is a bit of a word.
const HANDS_MAX: usize = 64;

/// Where this thread is.
#[derive(Clone, Copy)]
struct Here {
    /// The address of the executor whose fibers run on this thread, or 0.
    executor: usize,
    /// Which of its hands this is, if it is one.
    hand: Option<u8>,
    /// How many fibers run on the stack of others.
    depth: u8,
}

thread_local! {
    static HERE: Cell<Here> = const { Cell::new(Here { executor: 0, hand: None, depth: 0 }) };
    /// What waits for the hand that works here, if nobody else could take it anyway; lent by its [`Work`].
    static OWN: RefCell<VecDeque<Arc<dyn Fiber>>> = const { RefCell::new(VecDeque::new()) };
}

statics! {
    /// Whether callees may run on their callers' stacks.
    static ON_THE_SPOT: AtomicBool = AtomicBool::new(true);
}

pub(crate) fn allow_on_the_spot(allow: bool) {
    ON_THE_SPOT.store(allow, Ordering::Relaxed);
}

/// The hands of one runtime.
pub(super) struct Crew {
    hands: Box<[Hand]>,
    /// Whether there is one hand, on the one thread of its runtime: then what it wakes itself needs no lock.
    alone: bool,
    /// A bit for each hand that sleeps; changed only under that hand's lock.
    asleep: AtomicU64,
    /// Whose turn it is to get a fiber from outside.
    turn: AtomicUsize,
    ended: AtomicBool,
    /// Whether the relief is told when a hand gets up.
    pub(super) dozing: AtomicBool,
}

/// Apart from its neighbours, for each is another core's.
#[repr(align(128))]
#[derive(Default)]
struct Hand {
    line: Mutex<Line>,
    /// How many fibers it has run; wraps.
    beats: AtomicU32,
}

#[derive(Default)]
pub(super) struct Line {
    pub(super) fibers: VecDeque<Arc<dyn Fiber>>,
    /// The hand's task.
    waker: Option<Waker>,
    asleep: bool,
}

impl Crew {
    pub(super) fn new(handle: &Handle, scheduler: &Scheduler) -> Self {
        let is_single = handle.runtime_flavor() == RuntimeFlavor::CurrentThread;
        let hands = match handle.runtime_flavor() {
            RuntimeFlavor::CurrentThread => 1,
            _ => handle.metrics().num_workers().clamp(1, HANDS_MAX),
        };
        Self {
            hands: (0..hands).map(|_| Hand::default()).collect(),
            alone: is_single && scheduler.leaves_order_alone(),
            asleep: AtomicU64::new(0),
            turn: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            dozing: AtomicBool::new(false),
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    fn next(&self, hand: usize, scheduler: &Scheduler) -> Next {
        if self.alone {
            if let Some(fiber) = take_own() {
                return Next::Fiber(fiber);
            }
        }
        match scheduler.next(&self.hands[hand].line) {
            Next::Nothing => self.steal(hand).map_or(Next::Nothing, Next::Fiber),
            next => next,
        }
    }

    /// A hand that is alone takes over what others have put in its line.
    fn gather(&self) {
        let mut line = self.hands[0].line.lock();
        let _thread_is_ending = OWN.try_with(|own| own.borrow_mut().append(&mut line.fibers));
    }

    /// Takes half of what waits at another hand.
    fn steal(&self, thief: usize) -> Option<Arc<dyn Fiber>> {
        let others = (1..self.hands.len()).map(|step| (thief + step) % self.hands.len());
        for other in others {
            let mut line = self.hands[other].line.lock();
            let half = line.fibers.len().div_ceil(2);
            let mut taken: VecDeque<_> = line.fibers.drain(..half).collect();
            drop(line);
            if let Some(first) = taken.pop_front() {
                if !taken.is_empty() {
                    self.hands[thief].line.lock().fibers.append(&mut taken);
                }
                return Some(first);
            }
        }
        None
    }

    /// Lays a hand to sleep if nothing waits, here or elsewhere.
    fn sleep(&self, hand: usize, cx: &Context<'_>) -> bool {
        let mut line = self.hands[hand].line.lock();
        if !line.fibers.is_empty() {
            return false;
        }
        if !line.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            line.waker = Some(cx.waker().clone());
        }
        line.asleep = true;
        self.asleep.fetch_or(1 << hand, Ordering::SeqCst);
        drop(line);
        // Pairs with `enqueue` from outside: either it sees this hand asleep, or its fiber is seen here.
        let others = self.hands.iter().enumerate().filter(|(other, _)| *other != hand);
        if others.into_iter().all(|(_, other)| other.line.lock().fibers.is_empty()) {
            return true;
        }
        let mut line = self.hands[hand].line.lock();
        // Somebody may have woken this hand meanwhile; then there is one more poll.
        let _own = self.rouse(hand, &mut line);
        false
    }

    /// A hand works. A wake that comes late has it polled once more after it has laid itself to sleep; whoever works must
    /// not be called for help in place of one that sleeps.
    fn get_up(&self, hand: usize) {
        if self.sleeps(hand) {
            let _own = self.rouse(hand, &mut self.hands[hand].line.lock());
        }
    }

    /// The waker of a hand that has to get up for what was put in its line.
    fn rouse(&self, hand: usize, line: &mut Line) -> Option<Waker> {
        if !std::mem::take(&mut line.asleep) {
            return None;
        }
        self.asleep.fetch_and(!(1 << hand), Ordering::SeqCst);
        if self.dozing.load(Ordering::SeqCst) && self.dozing.swap(false, Ordering::SeqCst) {
            relief::wake();
        }
        line.waker.clone()
    }

    /// Whether the relief may sleep, for all hands do; it is woken with the first that gets up.
    pub(super) fn doze(&self) -> bool {
        self.dozing.store(true, Ordering::SeqCst);
        let all = u64::MAX >> (HANDS_MAX - self.hands.len());
        // Pairs with `rouse`: both change the word, so one of them comes first. Either it sees that the relief dozes, or
        // its hand is seen awake here.
        let dozes = self.asleep.fetch_or(0, Ordering::SeqCst) == all;
        if !dozes {
            self.dozing.store(false, Ordering::SeqCst);
        }
        dozes
    }

    pub(super) fn sleeps(&self, hand: usize) -> bool {
        self.asleep.load(Ordering::SeqCst) & 1 << hand != 0
    }

    /// How many fibers each hand has run.
    pub(super) fn beats(&self) -> impl Iterator<Item = u32> + '_ {
        self.hands.iter().map(|hand| hand.beats.load(Ordering::Relaxed))
    }

    fn sleeper(&self) -> Option<usize> {
        let asleep = self.asleep.load(Ordering::Relaxed);
        (asleep != 0).then(|| asleep.trailing_zeros() as usize)
    }

    /// Puts a fiber in line; tells whether somebody was woken whom another thread should run.
    fn enqueue(&self, here: Option<u8>, fiber: Arc<dyn Fiber>) -> bool {
        let is_own = self.alone && here.is_some();
        let fiber = if is_own { put_own(fiber) } else { Some(fiber) };
        let Some(fiber) = fiber else { return false };
        if let Some(hand) = here {
            let mut line = self.hands[hand as usize].line.lock();
            if self.has_ended() {
                drop(line);
                drop(fiber);
                return false;
            }
            line.fibers.push_back(fiber);
            let waiting = line.fibers.len();
            drop(line);
            // What this hand is at ends soon, and then it takes the first that waits; the second is too many.
            return waiting > 1 && self.call_for_help();
        }
        let hand = self.sleeper().unwrap_or_else(|| {
            if self.hands.len() == 1 {
                0
            } else {
                self.turn.fetch_add(1, Ordering::Relaxed) % self.hands.len()
            }
        });
        let mut line = self.hands[hand].line.lock();
        if self.has_ended() {
            drop(line);
            drop(fiber);
            return false;
        }
        line.fibers.push_back(fiber);
        let waker = self.rouse(hand, &mut line);
        drop(line);
        match waker {
            Some(waker) => {
                waker.wake();
                false
            }
            // That hand is busy, perhaps for long; another one may have gone to sleep meanwhile.
            None => self.hands.len() > 1 && self.call_for_help(),
        }
    }

    /// Wakes a hand that sleeps, if there is one; it will find what waits.
    fn call_for_help(&self) -> bool {
        let Some(hand) = self.sleeper() else { return false };
        let mut line = self.hands[hand].line.lock();
        let waker = self.rouse(hand, &mut line);
        drop(line);
        waker.map(Waker::wake).is_some()
    }
}

/// Puts a fiber in the line of the hand that works here, which is alone. It comes back if the thread is ending.
fn put_own(fiber: Arc<dyn Fiber>) -> Option<Arc<dyn Fiber>> {
    let mut fiber = Some(fiber);
    let _thread_is_ending = OWN.try_with(|own| own.borrow_mut().extend(fiber.take()));
    fiber
}

/// The next in that line.
fn take_own() -> Option<Arc<dyn Fiber>> {
    OWN.try_with(|own| own.borrow_mut().pop_front()).ok().flatten()
}

impl Executor {
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Puts the hands to work; they end with their runtime.
    pub(super) fn man(self: &Arc<Self>) {
        for hand in 0..self.crew.hands.len() {
            self.spawn(Work { executor: self.clone(), hand, own: VecDeque::new() });
        }
        // With one hand, too: tokio gives a worker that blocks in place a substitute.
        if self.handle.runtime_flavor() != RuntimeFlavor::CurrentThread {
            relief::look_after(self);
        }
        self.let_go();
    }

    pub(super) fn crew(&self) -> &Crew {
        &self.crew
    }

    /// Runs what waits for a hand that is stuck, once round.
    pub(super) fn relieve(&self, hand: usize) {
        let _back = Visit::begin(Here { executor: self.address(), hand: None, depth: 0 });
        for _ in 0..TURN {
            let fiber = self.crew.hands[hand].line.lock().fibers.pop_front();
            match fiber {
                Some(fiber) => drop(fiber::run(fiber)),
                None => break,
            }
        }
    }

    /// Whether anything waits for a hand.
    pub(super) fn waits(&self, hand: usize) -> bool {
        !self.crew.hands[hand].line.lock().fibers.is_empty()
    }

    /// Whether the runtime is gone, and nothing runs here any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.crew.has_ended()
    }

    /// Has the first hand look for something to do.
    #[allow(dead_code, reason = "simulations do that")]
    pub(crate) fn rouse(&self) {
        let mut line = self.crew.hands[0].line.lock();
        let waker = self.crew.rouse(0, &mut line);
        drop(line);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Queues a fiber.
    pub(super) fn enqueue(&self, fiber: Arc<dyn Fiber>) {
        let here = HERE.try_with(Cell::get).ok().filter(|here| here.executor == self.address());
        if self.crew.enqueue(here.and_then(|here| here.hand), fiber) {
            self.let_go();
        }
    }

    /// Runs an idle fiber on this stack: whoever waits for it has nothing better to do. Not if it is queued
    /// or runs already, not from another runtime, not too deep, and only as often between two yields as
    /// tokio's budget for one poll allows.
    pub(crate) fn run_on_the_spot<F: Fiber>(fiber: &Arc<F>, cx: &mut Context<'_>) -> bool {
        let Ok(here) = HERE.try_with(Cell::get) else { return false };
        let executor = fiber.executor();
        let address = executor.address();
        if here.depth >= DEPTH_MAX || !ON_THE_SPOT.load(Ordering::Relaxed) {
            return false;
        }
        if !executor.scheduler.allows_on_the_spot(fiber.pid()) {
            return false;
        }
        // Asked each time: a process may block on something else in the midst of another runtime.
        if !Handle::try_current().is_ok_and(|handle| handle.id() == executor.id) {
            return false;
        }
        let Poll::Ready(coop) = coop::poll_proceed(cx) else { return false };
        if !fiber::claim(fiber) {
            return false;
        }
        coop.made_progress();
        // A hand of another runtime is none here.
        let hand = here.hand.filter(|_| here.executor == address);
        let _back = Visit::begin(Here { executor: address, hand, depth: here.depth + 1 });
        let _woken_meanwhile = fiber::poll(fiber.clone());
        true
    }

    /// Does something during which nobody runs on this stack.
    pub(crate) fn apart<T>(code: impl FnOnce() -> T) -> T {
        let Ok(here) = HERE.try_with(Cell::get) else { return code() };
        let _back = Visit::begin(Here { depth: DEPTH_MAX, ..here });
        code()
    }
}

/// This thread runs fibers until the guard is dropped.
struct Visit {
    before: Here,
}

impl Visit {
    fn begin(here: Here) -> Self {
        Self { before: HERE.replace(here) }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        HERE.set(self.before);
    }
}

/// The task of one hand.
struct Work {
    executor: Arc<Executor>,
    hand: usize,
    /// What waits for it and for no other hand, while it does not work.
    own: VecDeque<Arc<dyn Fiber>>,
}

/// What waits for a hand is the thread's until the guard is dropped.
struct Lent<'a> {
    own: &'a mut VecDeque<Arc<dyn Fiber>>,
}

impl<'a> Lent<'a> {
    fn begin(own: &'a mut VecDeque<Arc<dyn Fiber>>) -> Self {
        let mut lent = Self { own };
        lent.swap();
        lent
    }

    fn swap(&mut self) {
        let _thread_is_ending =
            OWN.try_with(|own| std::mem::swap(&mut *own.borrow_mut(), self.own));
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.swap();
    }
}

impl Future for Work {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { executor, hand, own } = &mut *self;
        let (hand, crew) = (*hand, &executor.crew);
        let here = Here { executor: executor.address(), hand: Some(hand as u8), depth: 0 };
        let _back = Visit::begin(here);
        let _lent = crew.alone.then(|| Lent::begin(own));
        crew.get_up(hand);
        if crew.alone {
            crew.gather();
        }
        let scheduler = &executor.scheduler;
        for _ in 0..scheduler.turn() {
            match crew.next(hand, scheduler) {
                Next::Fiber(fiber) => {
                    let beats = &crew.hands[hand].beats;
                    beats.store(beats.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
                    // A fiber that lets others run means those outside as well.
                    let more = fiber::run(fiber);
                    scheduler.stepped();
                    if more {
                        break;
                    }
                }
                Next::Other => {}
                Next::Nothing if crew.sleep(hand, cx) => return Poll::Pending,
                Next::Nothing => {}
            }
            if !coop::has_budget_remaining() {
                break;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Work {
    /// The runtime is shutting down. With the first hand, all fibers end; those that are being polled, right after.
    fn drop(&mut self) {
        let crew = &self.executor.crew;
        if crew.ended.swap(true, Ordering::SeqCst) {
            return;
        }
        super::end_all_of(&self.executor);
        for hand in &crew.hands {
            let left = std::mem::take(&mut *hand.line.lock());
            drop(left);
        }
    }
}
