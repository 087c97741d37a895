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
//! struct Greeter;
//!
//! enum Message {
//!     Greet(String, Reply<String>),
//! }
//!
//! impl GenServer for Greeter {
//!     type Args = ();
//!     type Message = Message;
//!
//!     async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
//!         Ok(Greeter)
//!     }
//!
//!     async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
//!         let Message::Greet(name, from) = message;
//!         if name.is_empty() {
//!             return Err(std::fmt::Error.into()); // ends the server; the supervisor starts another one
//!         }
//!         from.send(format!("hello, {name}"));
//!         Ok(())
//!     }
//! }
//!
//! static GREETER: Name<Greeter> = Name::new("greeter");
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result {
//! let sup = Supervisor::new([Greeter::spec(()).name(&GREETER)]).start().await?;
//! let greet = |name: &str| GREETER.call({
//!     let name = name.to_owned();
//!     move |from| Message::Greet(name, from)
//! });
//! assert_eq!(greet("Joe").await?, "hello, Joe");
//! assert!(matches!(greet("").await, Err(CallError::Exited(_)))); // at once, with the reason
//! assert_eq!(sup.count_children().await?.active, 1); // it has been replaced by now
//! assert_eq!(greet("Mike").await?, "hello, Mike");
//! # Ok(())
//! # }
//! ```
//!
//! # Where to look
//!
//! | you want to | look at |
//! | --- | --- |
//! | handle messages with a state | [`mod@gen_server`] |
//! | keep things running | [`supervisor`], for plain tasks [`ChildSpec::task`] |
//! | have children come and go | [`DynamicSupervisor`] |
//! | start and stop like a service | [`application`] |
//! | find processes | [`Name`], [`Registry`] |
//! | ask and be answered | [`call`] |
//! | link, monitor, receive selectively, set timers | [`process::Context`] |
//! | compute something beside a process | [`task`], in a server [`spawn_task`](process::Context::spawn_task) |
//! | know why something ended | [`ExitReason`] |
//!
//! # Features
//!
//! - `macros` (default): the attribute macro [`#[gen_server]`](macro@gen_server).
//! - `tracing` (default): crash and supervisor reports as `tracing` events, targets `fauxtp::crash`,
//!   `fauxtp::supervisor`, `fauxtp::application`, `fauxtp::server` and `fauxtp::mailbox`. As long as nobody listens
//!   to them, panics are printed as without fauxtp.
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
pub(crate) mod clock;
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
pub mod prelude;

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

/// The README's programs are tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
