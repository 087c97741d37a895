//! Who runs next: first come, first served; or, in a simulation, as a seed says. One file each, with the same names.

#[cfg(not(feature = "testing"))]
#[path = "schedule/fifo.rs"]
mod backend;
#[cfg(feature = "testing")]
#[path = "schedule/seeded.rs"]
mod backend;

use std::sync::Arc;

use super::fiber::Fiber;

pub(crate) use backend::{Debt, Imminent, Scheduler, is_quiet, stricken, struck};
#[cfg(feature = "testing")]
pub(crate) use backend::{Director, Story, choices, direct, record, script};

/// What has its turn.
pub(super) enum Next {
    Fiber(Arc<dyn Fiber>),
    /// Something that is no fiber; it has been told.
    #[allow(dead_code, reason = "only a simulation has such things")]
    Other,
    Nothing,
}
