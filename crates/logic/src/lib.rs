//! Every decision fauxtp makes, as values and functions of their arguments.
//!
//! Nothing here reads a clock, takes a lock, spawns a task or does I/O: what happens is told by the
//! caller, what should be done is returned. That is why the same rules run inside tokio, inside a
//! simulator, or inside somebody else's event loop.
//!
//! Reading order is the order of the modules below; a module uses only modules before it.
#![no_std]

extern crate alloc;

pub mod time;
pub mod pid;
pub mod reason;
pub mod signal;
pub mod few;
pub mod relations;
pub mod tray;
pub mod deadline;
pub mod names;
pub mod budget;
pub mod backoff;
pub mod supervisor;
pub mod pool;
pub mod start_order;
pub mod start_type;

pub use pid::{Pid, Ref};
pub use reason::ExitReason;
pub use time::Time;
