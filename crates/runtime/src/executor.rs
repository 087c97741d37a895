//! The door to the runtime: everything that runs or waits goes through here.
//!
//! There is one [`Executor`] for each tokio runtime that has processes. It knows how to spawn, keeps the
//! timers of its processes, and watches over the deadlines of calls made from its runtime.

mod fiber;
mod schedule;
mod crew;
mod relief;
mod timers;
mod sweep;
#[cfg(all(test, any(loom, shuttle)))]
mod models;

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::panic;
use std::sync::{Arc, OnceLock, Weak};

use fauxtp_logic::Time;

use crate::clock;
use crate::directory::Directory;
use crate::host::{Handle, Id, RuntimeFlavor};
use crate::sync::{Arrivals, Mutex, statics, thread_local};

pub(crate) use crew::allow_on_the_spot;
pub(crate) use fiber::{Berth, Fiber, Stage, embody, end, let_go, wake};
pub(crate) use schedule::{Debt, Imminent, Scheduler, is_quiet, stricken, struck};
#[cfg(feature = "testing")]
pub(crate) use schedule::{Director, Story, choices, direct, record, script};
pub(crate) use sweep::Alarm;
pub(crate) use timers::{TimerKey, Timers};

/// One tokio runtime, as its processes see it.
pub(crate) struct Executor {
    id: Id,
    handle: Handle,
    crew: crew::Crew,
    scheduler: Scheduler,
    timers: Timers,
    sweep: sweep::Sweep,
    /// Who holds which local name in this runtime; kept by `names`.
    names: Directory,
    /// Who waits for a name to be held.
    named: Arrivals,
}

/// There is no tokio runtime here that could run a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoRuntime {
    /// None at all.
    Absent,
    /// One without a time driver: deadlines, timers and shutdown times would never pass.
    WithoutTime,
}

impl fmt::Display for NoRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => {
                "start process: no tokio runtime here; call it from inside one, or inside `Runtime::enter`"
            }
            Self::WithoutTime => {
                "start process: the tokio runtime has no time driver; build it with `enable_time` or `enable_all`"
            }
        })
    }
}

impl std::error::Error for NoRuntime {}

statics! {
    /// The runtimes that have processes; asked once per thread and runtime.
    static KNOWN: Mutex<Vec<Weak<Executor>>> = Mutex::new(Vec::new());
}

/// What ends all processes of a runtime that is gone.
static END_ALL: OnceLock<fn(&Executor)> = OnceLock::new();

/// Says how the processes of a runtime that is gone are ended; the executor does not know them.
pub(crate) fn when_a_runtime_ends(end_all: fn(&Executor)) {
    let _known_already = END_ALL.set(end_all);
}

fn end_all_of(executor: &Executor) {
    if let Some(end_all) = END_ALL.get() {
        end_all(executor);
    }
}

thread_local! {
    /// The executor that was asked for last on this thread.
    static LAST: RefCell<Weak<Executor>> = const { RefCell::new(Weak::new()) };
}

/// The executor of the tokio runtime this code runs in.
pub(crate) fn current() -> Result<Arc<Executor>, NoRuntime> {
    let handle = Handle::try_current().map_err(|_| NoRuntime::Absent)?;
    let id = handle.id();
    let last = LAST.try_with(|last| last.borrow().upgrade()).ok().flatten();
    if let Some(executor) = last.filter(|executor| executor.id == id) {
        return Ok(executor);
    }
    let executor = known_or_new(handle)?;
    let _thread_is_ending = LAST.try_with(|last| last.replace(Arc::downgrade(&executor)));
    Ok(executor)
}

fn known_or_new(handle: Handle) -> Result<Arc<Executor>, NoRuntime> {
    let id = handle.id();
    let mut known = KNOWN.lock();
    known.retain(|executor| executor.strong_count() > 0);
    if let Some(executor) =
        known.iter().filter_map(Weak::upgrade).find(|executor| executor.id == id)
    {
        return Ok(executor);
    }
    if !has_time_driver() {
        return Err(NoRuntime::WithoutTime);
    }
    let scheduler = Scheduler::of_this_thread();
    let executor = Arc::new(Executor {
        id,
        crew: crew::Crew::new(&handle, &scheduler),
        scheduler,
        handle,
        timers: Timers::default(),
        sweep: sweep::Sweep::default(),
        names: Directory::new(),
        named: Arrivals::new(),
    });
    known.push(Arc::downgrade(&executor));
    executor.man();
    Ok(executor)
}

/// Whether the runtime here can tell time. tokio has no question for that, only a panic when a timer is made.
fn has_time_driver() -> bool {
    panic::catch_unwind(|| drop(clock::sleep_until(Time::ORIGIN))).is_ok()
}

/// The executor of the only runtime that has processes, for code outside of all runtimes.
pub(crate) fn only() -> Option<Arc<Executor>> {
    let known = KNOWN.lock();
    let mut alive = known.iter().filter_map(Weak::upgrade).filter(|executor| !executor.has_ended());
    let only = alive.next()?;
    if alive.next().is_some() { None } else { Some(only) }
}

impl Executor {
    /// The local names of this runtime.
    pub(crate) fn names(&self) -> &Directory {
        &self.names
    }

    /// Who waits for a name to be held.
    pub(crate) fn named(&self) -> &Arrivals {
        &self.named
    }

    /// Who runs next here.
    #[inline]
    pub(crate) fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// A number to spread things by that would otherwise happen at the same moment.
    pub(crate) fn jitter(&self) -> u32 {
        self.scheduler.jitter()
    }

    /// Runs a future to its end, as a task of its own.
    #[allow(clippy::disallowed_methods, reason = "this is the door")]
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        drop(self.handle.spawn(future));
    }

    /// The same for what others depend on, whatever this thread does next. tokio keeps what was woken or spawned
    /// last for the thread that did it, where no other thread finds it; so the last one has to be something else.
    #[allow(clippy::disallowed_methods, reason = "this is the door")]
    fn let_go(&self) {
        if self.handle.runtime_flavor() != RuntimeFlavor::CurrentThread {
            drop(self.handle.spawn(std::future::ready(())));
        }
    }

    /// The timers of this runtime's processes.
    pub(crate) fn timers(&self) -> &Timers {
        &self.timers
    }

    fn sweep(&self) -> &sweep::Sweep {
        &self.sweep
    }
}
