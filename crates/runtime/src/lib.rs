//! OTP for Rust.

pub(crate) mod sync;
pub(crate) mod instrument;
pub(crate) mod guard;
pub(crate) mod clock;
pub(crate) mod executor;
pub(crate) mod signal;
pub(crate) mod shared;
pub(crate) mod table;
pub(crate) mod current;
pub(crate) mod slot;
pub(crate) mod mailbox;
pub mod stop;
pub mod address;
pub mod process;
pub mod call;
pub mod behaviour;
pub mod names;
pub mod registry;
pub mod gen_server;
pub mod supervisor;
pub mod prelude;

pub use address::Address;
pub use behaviour::StartError;
pub use call::{Call, CallError, Dest, Reply, Request};
pub use executor::NoRuntime;
pub use fauxtp_logic::reason;
pub use fauxtp_logic::{ExitReason, Pid, Ref};
pub use gen_server::{Context, GenServer, Info};
pub use mailbox::{Mailbox, Overflow, SendError, ZeroCapacity};
pub use names::Name;
pub use process::PidExt;
pub use registry::Registry;
pub use shared::Facts;
pub use signal::{Down, Exit, Monitor};
pub use supervisor::{ChildSpec, DynamicSupervisor, RestartStrategy, Spec, Supervisor, SupervisorHandle};
pub use stop::{Outcome, Result, Stop};
