//! Where an application's top supervisor comes from.

use std::sync::Arc;

use crate::supervisor::{Supervisor, SupervisorHandle};

/// A way to the top supervisor.
#[derive(Clone)]
pub(super) enum Root {
    /// Made anew for each start.
    Make(Arc<dyn Fn() -> Supervisor + Send + Sync>),
    /// One that runs already.
    Running(SupervisorHandle),
}
