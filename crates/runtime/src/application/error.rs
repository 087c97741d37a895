//! Why an application, or a whole system of them, did not start or stop.

use std::fmt;
use std::sync::Arc;

use fauxtp_logic::start_order::OrderError;

use super::ended::Ended;
use crate::behaviour::StartError;
use crate::executor::NoRuntime;

/// Why an application did not start.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StartApplicationError {
    /// The system has no application of this name.
    Unknown,
    /// This one, on which it depends, does not run (APP-001).
    NotStarted(Arc<str>),
    /// It runs already (APP-001).
    AlreadyStarted,
    /// It is being stopped.
    Stopping,
    /// The system stops, or has stopped.
    ShuttingDown,
    /// Its top supervisor did not start (APP-002).
    Failed(StartError),
    /// It is being started, and waits for the caller, which is in its `init`.
    Deadlock,
}

impl fmt::Display for StartApplicationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("start application: ")?;
        match self {
            Self::Unknown => f.write_str("the system has none of this name"),
            Self::NotStarted(name) => write!(f, "it depends on `{name}`, which does not run"),
            Self::AlreadyStarted => f.write_str("it runs already"),
            Self::Stopping => f.write_str("it is being stopped"),
            Self::ShuttingDown => f.write_str("the system shuts down"),
            Self::Failed(_) => f.write_str("its top supervisor did not start"),
            Self::Deadlock => f.write_str("it waits for the caller to start"),
        }
    }
}

impl std::error::Error for StartApplicationError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            _ => None,
        }
    }
}

/// Which application did not start, and why (APP-002).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FailedToStart {
    /// Which one.
    pub application: Arc<str>,
    /// Why.
    pub error: StartApplicationError,
}

impl fmt::Display for FailedToStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` does not start", self.application)
    }
}

impl std::error::Error for FailedToStart {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Why a system did not start. What had been started has been stopped again, in reverse order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SystemError {
    /// There is no order to start in; nothing was started.
    Order(OrderError<Arc<str>>),
    /// There is no tokio runtime here that could run it.
    NoRuntime(NoRuntime),
    /// An application did not start (APP-002).
    Application(FailedToStart),
    /// One that had started ended by itself before all had, and the system with it.
    Ended(Box<Ended>),
}

impl fmt::Display for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(error) => write!(f, "start system: {error}"),
            Self::NoRuntime(error) => write!(f, "start system: {error}"),
            Self::Application(error) => write!(f, "start system: {error}"),
            Self::Ended(ended) => {
                write!(f, "start system: it ended before all had started: {}", ended.cause)
            }
        }
    }
}

impl std::error::Error for SystemError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Those that are shown as they are: what is behind them is behind this.
            Self::Order(_) | Self::NoRuntime(_) | Self::Ended(_) => None,
            Self::Application(error) => Some(&error.error),
        }
    }
}

/// Why an application was not stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopApplicationError {
    /// The system has no application of this name.
    Unknown,
    /// It does not run (APP-003).
    NotRunning,
    /// The caller is a part of it, and would wait for its own end. Nothing was asked for.
    CallingSelf,
    /// The system has stopped.
    ShutDown,
}

impl fmt::Display for StopApplicationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "stop application: the system has none of this name",
            Self::NotRunning => "stop application: it does not run",
            Self::CallingSelf => "stop application: a part of it cannot wait for its end",
            Self::ShutDown => "stop application: the system has stopped",
        })
    }
}

impl std::error::Error for StopApplicationError {}
