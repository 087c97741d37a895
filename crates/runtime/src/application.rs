//! Applications: trees that start and stop as a whole, in an order, like a service.
//!
//! An [`Application`] is a name, a top supervisor, and what it depends on. A [`System`] starts a few of them, each
//! after its dependencies, runs until the program is told to end, and stops them in reverse order, in time:
//!
//! ```text
//!   start:   db ─► cache ─► web                        SIGTERM, Ctrl-C, shutdown(), or a permanent one's end
//!   stop:    db ◄─ cache ◄─ web ◄───────────────────────────┘
//!                             │ prep_stop ─► its children, last to first ─► stop
//!                             └ late? killed, and named in the report
//! ```
//!
//! A program with one tree needs no system: see [`Supervisor::run_until_shutdown`].
//!
//! # Losing nothing that was accepted
//!
//! A supervisor stops its children in reverse order, each after the one behind it has ended. So the child that accepts
//! requests belongs last, behind all it needs. Told to stop, it should stop accepting, finish what it has accepted,
//! and then end; all that time what it needs is still there. Give it a
//! [shutdown time](crate::supervisor::Shutdown) that is long enough for that, but not an infinite one: a supervisor that
//! gives up stops its children likewise, and until it has ended no other deadline applies. The repository's `examples/src/service`
//! is an HTTP service made like this.
//!
//! # Examples
//! ```
//! use fauxtp::application::{Application, StartApplicationError, StartType, System};
//! use fauxtp::prelude::*;
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
//! async fn flush() {
//!     // runs when nothing of the database is left
//! }
//! let work = || ChildSpec::task("work", std::future::pending::<()>);
//! let db = Application::new("db", move || Supervisor::new([work()])).stop(flush);
//! let shop = Application::new("shop", move || Supervisor::new([work()]))
//!     .depends_on(["db"])
//!     .start_type(StartType::Permanent);
//! let system = System::new([shop, db]).start().await?;
//!
//! system.stop_application("shop").await?;
//! assert_eq!(system.ensure_started("shop").await.ok(), Some(vec!["shop".into()]));
//! let again = system.start_application("shop").await;
//! assert_eq!(again, Err(StartApplicationError::AlreadyStarted));
//!
//! let ended = system.shutdown().await; // or `run_until_shutdown`
//! let order: Vec<_> = ended.stopped.iter().map(|stopped| &*stopped.application).collect();
//! assert_eq!(order, ["shop", "db"]);
//! assert_eq!(ended.exit_code(), 0);
//! # Ok(()) }
//! ```
//!
//! # Limits
//! What is killed ends at its next await (RUST-001). Code that blocks its thread is reported and left behind; but
//! a tokio runtime that is dropped, as at the end of `main`, waits for its threads. [`Ended::exit`] does not.

mod race;
mod root;
mod hook;
mod signals;
mod survivors;
mod error;
mod ended;
mod master;
mod controller;
mod system;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::stop::Outcome;
use crate::supervisor::{Supervisor, SupervisorHandle};
use crate::sync::Mutex;

pub use ended::{Callback, Cause, Ended, Overrun, Stopped};
pub use error::{FailedToStart, StartApplicationError, StopApplicationError, SystemError};
pub use fauxtp_logic::start_order::OrderError;
pub use fauxtp_logic::start_type::StartType;
pub use signals::ShutdownSignal;
pub use survivors::Survivor;
pub use system::{RunningSystem, System};

use hook::Hook;
use root::Root;

/// A tree that starts and stops as a whole: its top supervisor, what it depends on, and what its end means.
#[derive(Clone)]
pub struct Application {
    name: Arc<str>,
    root: Root,
    depends_on: Vec<Arc<str>>,
    start_type: StartType,
    prep_stop: Option<Hook>,
    stop: Option<Hook>,
    drain: Option<Duration>,
}

impl Application {
    /// An application with this name, whose top supervisor is made by `root`, anew for each start (APP-002).
    ///
    /// Unless told otherwise it depends on nothing, is [temporary](StartType::Temporary), and has no time limit
    /// of its own.
    pub fn new(
        name: impl Into<String>,
        root: impl Fn() -> Supervisor + Send + Sync + 'static,
    ) -> Self {
        Self::with_root(name.into(), Root::Make(Arc::new(root)))
    }

    fn with_root(name: String, root: Root) -> Self {
        Self {
            name: name.into(),
            root,
            depends_on: Vec::new(),
            start_type: StartType::default(),
            prep_stop: None,
            stop: None,
            drain: None,
        }
    }

    /// Those that have to run before this one can start (APP-001). To stop one of them later does not stop this one
    /// (APP-004).
    #[must_use]
    pub fn depends_on<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.depends_on.extend(names.into_iter().map(|name| name.into().into()));
        self
    }

    /// What it means for the system that the top supervisor ends by itself (APP-005). Temporary unless told
    /// otherwise, as in OTP: that is only reported.
    ///
    /// What a program is there for should be [`StartType::Permanent`]: then a supervisor that has given up ends the
    /// program, and whoever runs the program sees an exit code and starts it again. That is what an OTP release
    /// does unless told otherwise.
    #[must_use]
    pub const fn start_type(mut self, start_type: StartType) -> Self {
        self.start_type = start_type;
        self
    }

    /// Runs before the top supervisor is stopped, or when it has ended by itself (APP-003, APP-005). If it panics
    /// or returns an error, that is reported, and the stop goes on.
    #[must_use]
    pub fn prep_stop<F, T>(mut self, callback: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output: Outcome> + Send + 'static,
    {
        self.prep_stop = Some(Hook::new(callback));
        self
    }

    /// Runs when nothing of the top supervisor is left, however that came (APP-003, APP-005); not if the time of
    /// the whole system is over. If it panics or returns an error, that is reported.
    #[must_use]
    pub fn stop<F, T>(mut self, callback: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output: Outcome> + Send + 'static,
    {
        self.stop = Some(Hook::new(callback));
        self
    }

    /// How long its `prep_stop` and its top supervisor may take to stop. What has not ended by then is killed and
    /// named in the report; its `stop` runs all the same. Unless set, only the system's time is a limit, and for
    /// [`stop_application`](RunningSystem::stop_application) none is, as in OTP (APP-003).
    #[must_use]
    pub const fn drain(mut self, drain: Duration) -> Self {
        self.drain = Some(drain);
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is told of its stop, before anything has happened.
    fn stopped(&self) -> Stopped {
        Stopped {
            application: self.name.clone(),
            reason: None,
            took: Duration::ZERO,
            overran: Vec::new(),
            failed: Vec::new(),
        }
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("name", &self.name)
            .field("depends_on", &self.depends_on)
            .field("start_type", &self.start_type)
            .field("drain", &self.drain)
            .finish_non_exhaustive()
    }
}

/// An application that runs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApplicationInfo {
    /// What it is called.
    pub name: Arc<str>,
    /// What its end means.
    pub start_type: StartType,
    /// Its top supervisor.
    pub supervisor: SupervisorHandle,
}

/// The name under which a tree without an application is reported.
const MAIN: &str = "main";

impl Supervisor {
    /// Starts this supervisor, runs until the program is told to end, and stops it: for programs with one tree.
    ///
    /// As a [`System`] of one permanent application named `main`: ends on SIGTERM and SIGINT or Ctrl-C, and when the
    /// supervisor ends by itself. It has 30 seconds to stop.
    ///
    /// # Cancel safety
    /// As [`System::run_until_shutdown`].
    ///
    /// # Examples
    /// ```no_run
    /// use fauxtp::application::Ended;
    /// use fauxtp::prelude::*;
    ///
    /// #[tokio::main]
    /// async fn main() -> Ended {
    ///     let poller = ChildSpec::task("poller", || async { /* … */ });
    ///     Supervisor::new([poller]).run_until_shutdown().await
    /// }
    /// ```
    pub async fn run_until_shutdown(self) -> Ended {
        // Permanent: it is started once.
        let once = Mutex::new(Some(self));
        let root = move || once.lock().take().unwrap_or_else(Self::ignore);
        alone(Application::new(MAIN, root)).await
    }
}

impl SupervisorHandle {
    /// Runs until the program is told to end, and stops this supervisor: for programs with one tree, already
    /// started. See [`Supervisor::run_until_shutdown`], which hears signals during the start as well.
    ///
    /// # Cancel safety
    /// As [`RunningSystem::run_until_shutdown`].
    pub async fn run_until_shutdown(&self) -> Ended {
        alone(Application::with_root(MAIN.to_owned(), Root::Running(self.clone()))).await
    }
}

/// A system of one application, without which there is nothing to do.
async fn alone(application: Application) -> Ended {
    System::new([application.start_type(StartType::Permanent)]).run_until_shutdown().await
}
