//! Systems: applications that belong together, as a whole that starts and stops.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fauxtp_logic::start_order::{Item, start_order, start_order_of};
use fauxtp_logic::{ExitReason, Pid};

use super::controller::{self, Message, Setting};
use super::ended::{Cause, Ended, Stopped};
use super::error::{FailedToStart, StartApplicationError, StopApplicationError, SystemError};
use super::race::{Either, race};
use super::signals::Signals;
use super::{Application, ApplicationInfo};
use crate::address::Address;
use crate::call::CallError;
use crate::current;

/// Applications that belong together, and have not started yet.
///
/// # Examples
/// A `main` that ends on Ctrl-C or SIGTERM, in order and in time:
/// ```no_run
/// use fauxtp::application::{Application, Ended, StartType, System};
/// use fauxtp::prelude::*;
///
/// #[tokio::main]
/// async fn main() -> Ended {
///     let db = Application::new("db", || Supervisor::new([/* … */]));
///     let shop = Application::new("shop", || Supervisor::new([/* … */]))
///         .depends_on(["db"])
///         .start_type(StartType::Permanent);
///     System::new([shop, db]).drain_within(Duration::from_secs(20)).run_until_shutdown().await
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a system does nothing until it is started"]
pub struct System {
    applications: Vec<Arc<Application>>,
    drain: Duration,
}

/// A system that runs. Dropping the handle does not end it; all clones are the same.
#[derive(Clone)]
pub struct RunningSystem {
    controller: Address<Message>,
    applications: Arc<[Arc<Application>]>,
    /// Written by the controller when all is over.
    ended: Arc<OnceLock<Ended>>,
}

/// How long a shutdown may take unless told otherwise: as long as service managers wait before they kill.
const DRAIN: Duration = Duration::from_secs(30);

impl System {
    /// A system of these applications. They start in the order of their dependencies, and otherwise as listed.
    pub fn new(applications: impl IntoIterator<Item = Application>) -> Self {
        let applications = applications.into_iter().map(Arc::new).collect();
        Self { applications, drain: DRAIN }
    }

    /// How long the whole shutdown may take; 30 seconds unless told otherwise. Whoever has not ended by then is
    /// killed, those included whose turn had not come: to keep one application from using up the time of all, give
    /// it a [time of its own](Application::drain). Should be shorter than the patience of whoever sends the signal.
    pub const fn drain_within(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// Starts all applications, each after those it depends on (APP-001). Ready when the last one has started.
    ///
    /// Signals still end the program on the spot until [`RunningSystem::run_until_shutdown`] is called; this one's
    /// [own](Self::run_until_shutdown) hears them from the beginning.
    ///
    /// # Errors
    /// [`SystemError`]: there is no order to start in, or an application did not start. Then those that had started
    /// have been stopped again, in reverse order (APP-002).
    ///
    /// # Cancel safety
    /// What had been started is stopped, in the background.
    pub async fn start(self) -> Result<RunningSystem, SystemError> {
        let (system, order) = self.launch()?;
        let undo = Undo(Some(&system));
        match system.start_all(&order).await {
            Ok(()) => {
                undo.not();
                Ok(system)
            }
            Err(error) => {
                system.begin_shutdown_because(Cause::NotStarted(error.clone()));
                let ended = system.wait().await;
                undo.not();
                Err(system.why_not_started(error, ended))
            }
        }
    }

    /// Starts all applications, runs until the program is told to end, and stops them: [`start`](Self::start) and
    /// [`RunningSystem::run_until_shutdown`] in one. Hears signals from the beginning: one that comes during the
    /// start ends it, and stops what had been started.
    ///
    /// # Cancel safety
    /// As [`start`](Self::start) until all have started. Then the system runs on, and nobody listens to signals.
    pub async fn run_until_shutdown(self) -> Ended {
        let mut signals = match Signals::listen() {
            Ok(signals) => signals,
            Err(error) => return Ended::at_once(Cause::NoSignals(Arc::new(error))),
        };
        let (system, order) = match self.launch() {
            Ok(launched) => launched,
            Err(error) => return Ended::at_once(Cause::NotStarted(error)),
        };
        let undo = Undo(Some(&system));
        match race(system.start_all(&order), signals.next()).await {
            Either::Left(Ok(())) => {}
            Either::Left(Err(error)) => system.begin_shutdown_because(Cause::NotStarted(error)),
            Either::Right(signal) => {
                system.begin_shutdown_because(Cause::Signal(signal));
                return system.drain(&mut signals).await;
            }
        }
        undo.not();
        system.listen(&mut signals).await
    }

    /// A controller, and the order in which it is to start what it controls.
    fn launch(self) -> Result<(RunningSystem, Vec<usize>), SystemError> {
        let Self { applications, drain } = self;
        let order = start_order(&items(&applications)).map_err(SystemError::Order)?;
        let ended = Arc::<OnceLock<Ended>>::default();
        let setting = Setting { applications: applications.clone(), drain, ended: ended.clone() };
        let controller = controller::start(setting).map_err(SystemError::NoRuntime)?;
        Ok((RunningSystem { controller, applications: applications.into(), ended }, order))
    }
}

fn items(applications: &[Arc<Application>]) -> Vec<Item<Arc<str>>> {
    let item = |application: &Arc<Application>| Item {
        name: application.name.clone(),
        depends_on: application.depends_on.clone(),
    };
    applications.iter().map(item).collect()
}

/// Shuts a system down if its start is dropped before it is through.
struct Undo<'a>(Option<&'a RunningSystem>);

impl Undo<'_> {
    fn not(mut self) {
        self.0 = None;
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if let Some(system) = self.0 {
            system.begin_shutdown();
        }
    }
}

impl RunningSystem {
    /// Starts an application, if all it depends on runs (APP-001). Ready when its top supervisor has started. If it
    /// is just being started, waits for that.
    ///
    /// # Errors
    /// [`StartApplicationError`]; `NotStarted` names the first dependency that does not run, `AlreadyStarted` says
    /// that there is nothing to do.
    ///
    /// # Cancel safety
    /// It is started all the same.
    pub async fn start_application(&self, name: &str) -> Result<(), StartApplicationError> {
        let name = name.into();
        let asker = current::pid();
        let start = self.controller.call(|from| Message::Start(name, asker, from));
        let answer = start.no_timeout().await;
        answer.unwrap_or(Err(StartApplicationError::ShuttingDown))
    }

    /// Starts an application, and before it whatever it depends on and does not run yet; as OTP's
    /// `ensure_all_started` (APP-001). Tells what it has started, in that order: nothing if it ran already.
    ///
    /// # Errors
    /// [`FailedToStart`]: which one did not start, and why. What this had started before is stopped again.
    ///
    /// # Cancel safety
    /// What had been started stays.
    pub async fn ensure_started(&self, name: &str) -> Result<Vec<Arc<str>>, FailedToStart> {
        let wanted: Arc<str> = name.into();
        let order = start_order_of(&wanted, &items(&self.applications));
        let Ok(Some(order)) = order else {
            let error = StartApplicationError::Unknown;
            return Err(FailedToStart { application: wanted, error });
        };
        let mut started: Vec<Arc<str>> = Vec::new();
        for index in order {
            let application = self.applications[index].name.clone();
            match self.start_application(&application).await {
                Ok(()) => started.push(application),
                Err(StartApplicationError::AlreadyStarted) => {}
                Err(error) => {
                    for name in started.iter().rev() {
                        let _stopped_by_somebody_else = self.stop_application(name).await;
                    }
                    return Err(FailedToStart { application, error });
                }
            }
        }
        Ok(started)
    }

    /// Stops an application: its `prep_stop`, its top supervisor, its `stop` (APP-003). Ready when nothing of it is
    /// left; tells how that went. Takes as long as it takes, unless the application has a
    /// [time of its own](Application::drain). Those that depend on it run on (APP-004), and the system does as well,
    /// whatever the start type (APP-005). If it is just being stopped, waits for that.
    ///
    /// # Errors
    /// [`StopApplicationError`]: it does not run, or the caller is a part of it.
    ///
    /// # Cancel safety
    /// It is stopped all the same.
    pub async fn stop_application(&self, name: &str) -> Result<Stopped, StopApplicationError> {
        let (name, asker) = (name.into(), lineage());
        let stop = self.controller.call(|from| Message::Stop(name, asker, from));
        stop.no_timeout().await.unwrap_or(Err(StopApplicationError::ShutDown))
    }

    /// The applications that run, the one that started last first. None if the system has ended.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn which_applications(&self) -> Vec<ApplicationInfo> {
        self.controller.call(Message::Which).no_timeout().await.unwrap_or_default()
    }

    /// Waits until the program is told to end, stops all applications in reverse start order (APP-003), and tells
    /// how that went.
    ///
    /// The program is told to end by SIGTERM, by SIGINT or Ctrl-C (on Windows by Ctrl-C only; without the feature
    /// `signal` by neither), by [`shutdown`](Self::shutdown), or by an application that ends by itself if its
    /// [start type](super::StartType) says so (APP-005), or if it was the last one. Where we differ: OTP's node runs
    /// on with nothing running.
    ///
    /// An application that is just starting is stopped as soon as it has started. A second signal cuts the shutdown
    /// short: whoever has not ended then is killed, as when the
    /// [time](System::drain_within) is over. Once this has been called, signals do not end the program by themselves
    /// any more, be it dropped or done.
    ///
    /// # Cancel safety
    /// The system runs on, or goes on shutting down; nobody listens to signals any more.
    pub async fn run_until_shutdown(&self) -> Ended {
        match Signals::listen() {
            Ok(mut signals) => self.listen(&mut signals).await,
            Err(error) => {
                self.begin_shutdown_because(Cause::NoSignals(Arc::new(error)));
                self.wait().await
            }
        }
    }

    /// Stops all applications in reverse start order, waits until that is done, and tells how it went. If it is
    /// being done already, or has been, waits for that and tells how that went.
    ///
    /// A process below one of the applications should not wait for its own end; it may
    /// [begin](Self::begin_shutdown) it.
    ///
    /// # Cancel safety
    /// The shutdown goes on.
    pub async fn shutdown(&self) -> Ended {
        self.begin_shutdown();
        self.wait().await
    }

    /// Begins to stop all applications, and does not wait. Whoever waits for the system, as
    /// [`run_until_shutdown`](Self::run_until_shutdown) does, hears how it went.
    pub fn begin_shutdown(&self) {
        self.begin_shutdown_because(Cause::Requested);
    }

    /// Waits until the system has ended, for whatever cause, and tells how; also if it has ended long ago.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn wait(&self) -> Ended {
        match self.controller.call(Message::Wait).no_timeout().await {
            Ok(ended) => ended,
            Err(error) => self.ended.get().cloned().unwrap_or_else(|| lost(error)),
        }
    }

    fn begin_shutdown_because(&self, cause: Cause) {
        self.controller.send(Message::ShutDown(cause));
    }

    async fn start_all(&self, order: &[usize]) -> Result<(), SystemError> {
        for index in order {
            let application = self.applications[*index].name.clone();
            if let Err(error) = self.start_application(&application).await {
                return Err(SystemError::Application(FailedToStart { application, error }));
            }
        }
        self.controller.send(Message::Up);
        Ok(())
    }

    /// Why it did not start: an application did not, or one that had started has ended the system.
    fn why_not_started(&self, error: SystemError, ended: Ended) -> SystemError {
        match ended.cause {
            Cause::NotStarted(_) => error,
            _ => SystemError::Ended(Box::new(ended)),
        }
    }

    async fn listen(&self, signals: &mut Signals) -> Ended {
        match race(self.wait(), signals.next()).await {
            Either::Left(ended) => ended,
            Either::Right(signal) => {
                self.begin_shutdown_because(Cause::Signal(signal));
                self.drain(signals).await
            }
        }
    }

    /// Waits for the end, which the next signal hurries on.
    async fn drain(&self, signals: &mut Signals) -> Ended {
        let mut end = pin!(self.wait());
        match race(end.as_mut(), signals.next()).await {
            Either::Left(ended) => ended,
            Either::Right(_) => {
                self.controller.send(Message::Cut);
                end.await
            }
        }
    }
}

/// The controller has ended, and has not written how.
fn lost(error: CallError) -> Ended {
    let reason = match error {
        CallError::Exited(reason) => reason,
        _ => ExitReason::no_proc(),
    };
    Ended::at_once(Cause::Lost(reason))
}

/// The current process, if this is one, and its ancestors.
fn lineage() -> Vec<Pid> {
    let lineage = |process: &crate::shared::Handle| {
        let core = process.core();
        std::iter::once(core.pid).chain(core.ancestors.iter()).collect()
    };
    current::with(lineage).unwrap_or_default()
}

impl fmt::Debug for RunningSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.applications.iter().map(|application| &application.name);
        f.debug_struct("RunningSystem")
            .field("controller", &self.controller.pid())
            .field("applications", &names.collect::<Vec<_>>())
            .finish()
    }
}
