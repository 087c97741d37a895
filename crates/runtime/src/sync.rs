//! The door to what threads share: atomics, locks, what belongs to one thread; and who waits for a change.
//!
//! Behind it are three twins of the same names: the standard library's, and those of two model checkers, loom and
//! shuttle, which run our own tests of races (see `models`) and nobody else's program.

#[cfg(not(all(test, any(loom, shuttle))))]
mod std;
#[cfg(all(test, loom))]
mod loom;
#[cfg(all(test, shuttle))]
mod shuttle;
#[cfg(all(test, any(loom, shuttle)))]
mod local;
mod arrivals;

#[cfg(all(test, loom))]
use self::loom as twin;
#[cfg(all(test, shuttle))]
use self::shuttle as twin;
#[cfg(not(all(test, any(loom, shuttle))))]
use self::std as twin;

pub(crate) use arrivals::Arrivals;
pub(crate) use twin::{Mutex, MutexGuard, RwLock, SHARDS, atomic, statics, thread, thread_local};
#[cfg(all(test, any(loom, shuttle)))]
pub(crate) use {local::Local, twin::key};
