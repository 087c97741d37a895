//! The door to the runtime of the user's that processes live in, and to its clock: tokio.
//!
//! Models of races have a twin that runs nothing by itself, and whose time stands still unless they move it.

#[cfg(not(all(test, any(loom, shuttle))))]
mod tokio;
#[cfg(all(test, any(loom, shuttle)))]
mod model;

#[cfg(all(test, any(loom, shuttle)))]
use self::model as twin;
#[cfg(not(all(test, any(loom, shuttle))))]
use self::tokio as twin;

pub(crate) use twin::{Handle, Id, Instant, RuntimeFlavor, Sleep, sleep_until};
#[cfg(all(test, any(loom, shuttle)))]
pub(crate) use twin::{Inside, Task, advance};
