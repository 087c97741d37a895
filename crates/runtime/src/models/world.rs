//! A runtime in a model: its hands run on threads of the model's choice.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use super::checker::{self, Condvar};
use crate::executor::{self, Executor};
use crate::host::{Handle, Inside, Task};
use crate::slot::Promise;
use crate::sync::Mutex;
use crate::sync::thread::JoinHandle;

/// One runtime, and the tasks of its hands.
pub(crate) struct World {
    host: Handle,
    pub(crate) executor: Arc<Executor>,
    hands: Vec<Hand>,
    _inside: Inside,
}

/// The task of a hand, or another one of the runtime's.
pub(crate) struct Hand {
    /// Until it is dropped.
    task: Option<Task>,
    gate: Arc<Gate>,
}

/// A hand on a thread of its own.
pub(crate) struct Running {
    thread: JoinHandle<Hand>,
    gate: Arc<Gate>,
}

impl World {
    pub(crate) fn new(hands: usize) -> Self {
        let host = Handle::new(hands);
        let inside = host.enter();
        let executor = executor::current().expect("this thread is in a runtime");
        let hands = host.take_spawned().into_iter().take(hands).map(Hand::new).collect();
        Self { host, executor, hands, _inside: inside }
    }

    /// The next hand that nobody has taken yet.
    pub(crate) fn hand(&mut self) -> Hand {
        self.hands.pop().expect("the model has so many hands")
    }

    /// Gives a hand back.
    pub(crate) fn put(&mut self, hand: Hand) {
        self.hands.push(hand);
    }

    /// What else has been spawned since this was asked last.
    pub(crate) fn spawned(&self) -> Vec<Hand> {
        self.host.take_spawned().into_iter().map(Hand::new).collect()
    }

    /// A thread inside the runtime.
    pub(crate) fn thread<T: Send + 'static>(
        &self,
        code: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let host = self.host.clone();
        checker::spawn(move || {
            let _inside = host.enter();
            code()
        })
    }

    /// A hand on a thread of its own.
    pub(crate) fn start(&mut self) -> Running {
        let mut hand = self.hand();
        let gate = hand.gate.clone();
        let thread = self.thread(move || {
            while hand.gate.wait() {
                let _never_done = hand.poll();
            }
            hand
        });
        Running { thread, gate }
    }

    /// Ends the thread of a hand that has nothing to do.
    pub(crate) fn stop(&mut self, running: Running) {
        running.gate.close();
        let hand = running.thread.join().expect("hands do not panic");
        self.hands.push(hand);
    }

    /// Runs what waits, until all hands sleep. Nothing else runs meanwhile.
    pub(crate) fn settle(&mut self) {
        let is_woken = |hand: &&mut Hand| hand.gate.take();
        while let Some(hand) = self.hands.iter_mut().find(|hand| is_woken(hand)) {
            let _never_done = hand.poll();
        }
    }

    /// The runtime closes.
    pub(crate) fn end(self) {
        drop(self.hands);
        let left = crate::process::list();
        assert!(left.is_empty(), "every process ends with its runtime: {left:?}");
    }
}

impl Hand {
    fn new(task: Task) -> Self {
        Self { task: Some(task), gate: Arc::new(Gate::new()) }
    }

    pub(crate) fn poll(&mut self) -> Poll<()> {
        let waker = Waker::from(self.gate.clone());
        self.poll_with(&mut Context::from_waker(&waker))
    }

    fn poll_with(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.task.as_mut().expect("it is there until it is dropped").as_mut().poll(cx)
    }

    /// Works until a future is ready.
    pub(crate) fn work_until<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let waker = Waker::from(self.gate.clone());
        let mut cx = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
                return value;
            }
            assert!(self.gate.wait(), "nobody closes it");
            let _never_done = self.poll_with(&mut cx);
        }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The model has failed, and the checker runs nothing any more.
            std::mem::forget(self.task.take());
        }
    }
}

/// Waits for a future on a thread that does nothing else.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let gate = Arc::new(Gate::new());
    let waker = Waker::from(gate.clone());
    let mut future: Pin<&mut _> = pin!(future);
    loop {
        assert!(gate.wait(), "nobody closes it");
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
    }
}

/// Keeps a promise that nothing but time is known of.
pub(crate) fn keep(promise: Promise<()>) {
    let _nobody_waits = promise.keep(());
}

/// Where a thread waits to be woken; open at first.
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    woken: bool,
    closed: bool,
}

impl Gate {
    fn new() -> Self {
        let state = Mutex::new(State { woken: true, closed: false });
        Self { state, changed: Condvar::new() }
    }

    /// Waits until somebody wakes it; false if it has been closed instead.
    fn wait(&self) -> bool {
        let mut state = self.state.lock();
        while !state.woken {
            if state.closed {
                return false;
            }
            state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        state.woken = false;
        true
    }

    /// Whether somebody has woken it.
    fn take(&self) -> bool {
        std::mem::take(&mut self.state.lock().woken)
    }

    fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_one();
    }
}

impl Wake for Gate {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.state.lock().woken = true;
        self.changed.notify_one();
    }
}
