//! The names nearly every program uses.

#[doc(no_inline)]
pub use std::time::Duration;

pub use crate::call::{CallError, Dest, Reply};
pub use crate::gen_server::{Context, GenServer, Info};
pub use crate::names::Name;
pub use crate::process::{PidExt, Trap};
pub use crate::registry::Registry;
pub use crate::stop::{Result, Stop};
pub use crate::supervisor::{
    ChildSpec, DynamicSupervisor, Restart, RestartStrategy, Shutdown, Spec, Supervisor,
};
pub use crate::{Address, ExitReason, Pid};
#[cfg(feature = "macros")]
pub use fauxtp_macros::gen_server;
