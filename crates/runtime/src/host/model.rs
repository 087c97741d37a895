//! What models get: a runtime that keeps what is spawned until a model takes it and polls it, on a thread of its own
//! choice; and a clock that models move.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::mem;
use std::ops::Add;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{statics, thread_local};

/// What was spawned.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Which runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(usize);

/// How many threads a runtime has, as far as anybody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuntimeFlavor {
    CurrentThread,
    MultiThread,
}

/// A runtime.
#[derive(Clone)]
pub(crate) struct Handle(Arc<Runtime>);

struct Runtime {
    workers: usize,
    /// Not what a model is about, so no checker sees this lock.
    spawned: Mutex<Vec<Task>>,
}

thread_local! {
    static CURRENT: RefCell<Option<Handle>> = const { RefCell::new(None) };
}

/// While this is held, the thread is inside the runtime.
pub(crate) struct Inside(Option<Handle>);

impl Handle {
    pub(crate) fn new(workers: usize) -> Self {
        Self(Arc::new(Runtime { workers, spawned: Mutex::default() }))
    }

    pub(crate) fn enter(&self) -> Inside {
        Inside(CURRENT.with(|current| current.replace(Some(self.clone()))))
    }

    pub(crate) fn try_current() -> Result<Self, Absent> {
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten().ok_or(Absent)
    }

    pub(crate) fn id(&self) -> Id {
        Id(Arc::as_ptr(&self.0).addr())
    }

    pub(crate) fn runtime_flavor(&self) -> RuntimeFlavor {
        match self.0.workers {
            1 => RuntimeFlavor::CurrentThread,
            _ => RuntimeFlavor::MultiThread,
        }
    }

    pub(crate) fn metrics(&self) -> &Self {
        self
    }

    pub(crate) fn num_workers(&self) -> usize {
        self.0.workers
    }

    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> Spawned {
        let mut spawned = self.0.spawned.lock().unwrap_or_else(PoisonError::into_inner);
        spawned.push(Box::pin(future));
        drop(spawned);
        Spawned { _runtime: self.clone() }
    }

    /// What has been spawned since this was asked last.
    pub(crate) fn take_spawned(&self) -> Vec<Task> {
        mem::take(&mut *self.0.spawned.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _thread_is_ending = CURRENT.try_with(|current| current.replace(self.0.take()));
    }
}

/// There is no runtime here.
#[derive(Debug)]
pub(crate) struct Absent;

/// Nobody waits for what is spawned.
pub(crate) struct Spawned {
    _runtime: Handle,
}

statics! {
    /// How late it is, in nanoseconds.
    static NOW: AtomicU64 = AtomicU64::new(0);
}

/// Lets time pass.
pub(crate) fn advance(by: Duration) {
    NOW.fetch_add(u64::try_from(by.as_nanos()).expect("models are short"), Ordering::SeqCst);
}

/// A point on the clock of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Self {
        Self(Duration::from_nanos(NOW.load(Ordering::SeqCst)))
    }

    pub(crate) fn checked_sub(self, by: Duration) -> Option<Self> {
        self.0.checked_sub(by).map(Self)
    }

    pub(crate) fn saturating_duration_since(self, other: Self) -> Duration {
        self.0.saturating_sub(other.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0 + by)
    }
}

/// Is ready when its time has come; whoever moves the clock polls it.
#[derive(Debug)]
pub(crate) struct Sleep(Box<Instant>);

pub(crate) fn sleep_until(due: Instant) -> Sleep {
    Sleep(Box::new(due))
}

impl Sleep {
    pub(crate) fn reset(mut self: Pin<&mut Self>, due: Instant) {
        *self.0 = due;
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= *self.0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.id()).finish()
    }
}
