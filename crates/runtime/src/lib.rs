//! OTP for Rust: processes, links, monitors, servers, supervisors and registries inside tokio, behaving as
//! Erlang's do.
//!
//! # Three minutes
//!
//! A **process** is a future with a pid, an inbox and a fate ([`process`]). A **server** is a process with a
//! state that handles one message after the other ([`GenServer`]). A **supervisor** is a process that starts
//! others, and starts those again that fail ([`Supervisor`]).
//!
//! ```
//! use fauxtp::prelude::*;
//!
//! struct Counter(i64);
//!
//! # #[cfg(feature = "macros")]
//! #[gen_server]
//! impl Counter {
//!     fn init(n: i64) -> Self { Counter(n) }
//!     #[call] fn add(&mut self, k: i64) -> i64 { self.0 += k; self.0 }
//!     #[call] fn get(&self) -> i64 { self.0 }
//!     #[cast] fn crash(&self) { panic!("boom") }
//! }
//!
//! static COUNTER: Name<Counter> = Name::new("counter");
//!
//! # #[cfg(feature = "macros")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result {
//! let sup = Supervisor::new([Counter::spec(0).name(&COUNTER)])
//!     .intensity(3, Duration::from_secs(5))
//!     .start().await?;                           // `init` is through, the name is taken
//! assert_eq!(COUNTER.add(5).await?, 5);          // a call: a message, and its answer
//!
//! let old = COUNTER.whereis().expect("it runs"); // an address: this process, for ever
//! COUNTER.crash();                               // a cast: nobody waits for it
//! COUNTER.await_restart().await?;                // handled, and the next one has started
//! assert_eq!(COUNTER.get().await?, 0);           // a fresh state
//! assert_eq!(old.get().await, Err(CallError::NoProc));
//!
//! sup.stop().await?;                             // children end in reverse order
//! assert!(COUNTER.whereis().is_none());
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "macros"))] fn main() {}
//! ```
//!
//! [`#[gen_server]`](macro@gen_server) writes a message enum, an `impl` of [`GenServer`], and a typed client for whatever
//! leads to a counter. All of these may be written by hand; the macro's documentation shows what it writes.
//!
//! Work that has no state is a plain async function, supervised as it is:
//!
//! ```
//! # use fauxtp::prelude::*;
//! # async fn poll_forever() {}
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result {
//! let sup = Supervisor::new([ChildSpec::task("poller", poll_forever)]).start().await?;
//! # sup.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The book in the repository (`book/`) goes on from here, and kills something in every chapter.
//!
//! # Where to look
//!
//! | you want to | look at |
//! | --- | --- |
//! | handle messages with a state | [`#[gen_server]`](macro@gen_server), [`mod@gen_server`] |
//! | keep things running | [`supervisor`], for plain tasks [`ChildSpec::task`] |
//! | have children come and go | [`DynamicSupervisor`] |
//! | start and stop like a service | [`application`] |
//! | find processes | [`Name`], [`Registry`] |
//! | ask and be answered | [`call`] |
//! | link, monitor, receive selectively, set timers | [`process::Context`] |
//! | compute something beside a process | [`task`], in a server [`spawn_task`](process::Context::spawn_task) |
//! | find what happens only sometimes | the module `testing`, with the feature of that name |
//! | know why something ended | [`ExitReason`] |
//!
//! # Features
//!
//! - `macros` (default): the attribute macro [`#[gen_server]`](macro@gen_server).
//! - `tracing` (default): crash and supervisor reports as `tracing` events, targets `fauxtp::crash`,
//!   `fauxtp::supervisor`, `fauxtp::application`, `fauxtp::server` and `fauxtp::mailbox`. As long as nobody listens
//!   to them, panics are printed as without fauxtp.
//! - `testing`: simulations, for tests: a module of that name, and the attribute `sim_test`.
//! - `signal` (default): [systems](application) end on SIGTERM and on SIGINT or Ctrl-C.
//!
//! Promises have ids, such as GS-045. They are listed, each with its test, in the repository's `CONFORMANCE.md`.
//!
//! # Limits
//!
//! A process can be stopped between two awaits, not inside of blocking code. Builds with `panic = "abort"`
//! have no supervision. The tokio runtime needs its time driver (`enable_all`, or `enable_time`).
//! Processes are polled by a few tasks of the runtime, so `tokio::task::id` and tokio's task-locals do not tell
//! them apart; and an idle callee may run on its caller's stack, see
//! [`run_callees_on_the_spot`](process::run_callees_on_the_spot).

pub(crate) mod sync;
pub(crate) mod host;
pub(crate) mod clock;
pub(crate) mod payload;
pub(crate) mod directory;
pub(crate) mod executor;
pub(crate) mod facts;
pub(crate) mod signal;
pub(crate) mod wait;
pub(crate) mod shared;
pub(crate) mod instrument;
pub(crate) mod guard;
pub(crate) mod table;
pub(crate) mod current;
pub(crate) mod hierarchy;
pub(crate) mod slot;
pub(crate) mod cycle;
pub(crate) mod waiting;
pub(crate) mod mailbox;
pub mod stop;
pub mod address;
pub mod process;
pub mod call;
pub(crate) mod follow;
pub mod behaviour;
pub mod names;
pub mod registry;
pub mod gen_server;
pub mod expansion;
pub mod supervisor;
pub mod task;
pub mod application;
#[cfg(feature = "testing")]
pub mod testing;
pub mod prelude;
#[cfg(all(test, any(loom, shuttle)))]
mod models;

pub use address::Address;
pub use application::{Application, System};
pub use behaviour::StartError;
pub use call::{Call, CallError, Dest, Reply, Request, TryCall};
pub use cycle::Cycle;
pub use executor::NoRuntime;
pub use facts::Facts;
pub use fauxtp_logic::reason;
pub use fauxtp_logic::{ExitReason, Pid, Ref};
#[cfg(feature = "macros")]
pub use fauxtp_macros::gen_server;
#[cfg(all(feature = "macros", feature = "testing"))]
pub use fauxtp_macros::sim_test;
pub use gen_server::{Context, GenServer, Info};
pub use mailbox::{Mailbox, Overflow, SendError, ZeroCapacity};
pub use names::Name;
pub use process::PidExt;
pub use registry::Registry;
pub use signal::{Down, Exit, Monitor};
pub use stop::{Outcome, Result, Stop};
pub use supervisor::{
    ChildSpec, DynamicSupervisor, RestartStrategy, Spec, Supervisor, SupervisorHandle,
};
pub use task::{Task, TaskError};
