//! Where an application's top supervisor comes from.

use std::fmt;
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

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Make(_) => f.write_str("Make"),
            Self::Running(root) => f.debug_tuple("Running").field(root).finish(),
        }
    }
}
