//! How a system ended: why, who was stopped in which order, and who had to be killed.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::{ExitCode, Termination};
use std::sync::Arc;
use std::time::Duration;

use fauxtp_logic::ExitReason;
use fauxtp_logic::reason::Cancelled;

use super::error::SystemError;
use super::signals::ShutdownSignal;
use super::survivors::Survivor;

/// Why a system ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The operating system asked for it.
    Signal(ShutdownSignal),
    /// The program asked for it.
    Requested,
    /// An application's top supervisor ended by itself, and that ends the system (APP-005).
    ApplicationEnded {
        /// Which one.
        application: Arc<str>,
        /// With which reason.
        reason: ExitReason,
    },
    /// It did not start.
    NotStarted(SystemError),
    /// It could not be told of signals, and so did not run.
    NoSignals(Arc<io::Error>),
    /// Its controller is gone: killed, or its runtime has ended.
    Lost(ExitReason),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => write!(f, "{signal}"),
            Self::Requested => f.write_str("asked to"),
            Self::ApplicationEnded { application, reason } => {
                write!(f, "`{application}` ended by itself: {reason:#}")
            }
            Self::NotStarted(error) => {
                write!(f, "{error}")?;
                let mut cause = error.source();
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
            Self::NoSignals(error) => write!(f, "listen to signals: {error}"),
            Self::Lost(reason) => write!(f, "its controller is gone: {reason:#}"),
        }
    }
}

impl Cause {
    /// Whether this is how a program should end: it was asked to, or has done its work. A supervisor that has given
    /// up has not.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        match self {
            Self::Signal(_) | Self::Requested => true,
            Self::ApplicationEnded { reason, .. } => is_clean_end(reason),
            Self::NotStarted(_) | Self::NoSignals(_) | Self::Lost(_) => false,
        }
    }
}

/// Which callback of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback {
    /// What runs before its top supervisor is stopped.
    PrepStop,
    /// What runs after.
    Stop,
}

impl fmt::Display for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PrepStop => "prep_stop",
            Self::Stop => "stop",
        })
    }
}

/// What ran longer than it was allowed to, and was killed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overrun {
    /// A callback of the application.
    Callback(Callback),
    /// The application had not started yet.
    Start,
    /// Processes of the application had not ended. Nobody is named if they ended just then.
    Processes(Vec<Survivor>),
    /// It does not even yield to be killed: a callback blocks its thread (RUST-001). It was left behind.
    Unkillable,
}

/// How many of those that were still alive are shown to people.
const SHOWN: usize = 8;

impl fmt::Display for Overrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Callback(callback) => write!(f, "its `{callback}` had not ended"),
            Self::Start => f.write_str("its start had not ended"),
            Self::Unkillable => f.write_str("it does not yield, and was left behind"),
            Self::Processes(survivors) => {
                f.write_str("still alive:")?;
                for (index, survivor) in survivors.iter().take(SHOWN).enumerate() {
                    write!(f, "{} {survivor}", if index == 0 { "" } else { "," })?;
                }
                match survivors.len() {
                    0 => f.write_str(" the top supervisor"),
                    1..=SHOWN => Ok(()),
                    count => write!(f, " and {} more", count - SHOWN),
                }
            }
        }
    }
}

/// How one application was stopped.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stopped {
    /// Which one.
    pub application: Arc<str>,
    /// The reason its top supervisor ended with; nothing if it had not started.
    pub reason: Option<ExitReason>,
    /// From when it was told to stop until nothing of it was left.
    pub took: Duration,
    /// What had not ended in time, and was killed.
    pub overran: Vec<Overrun>,
    /// Callbacks that failed, with their panic or the error they returned.
    pub failed: Vec<(Callback, ExitReason)>,
}

impl Stopped {
    /// Whether it ended in time, and all its callbacks did what they should.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.overran.is_empty() && self.failed.is_empty()
    }

    /// Whether its top supervisor ended as it was told to, and had not given up, or failed, just before.
    #[must_use]
    pub fn ended_as_told(&self) -> bool {
        self.reason.as_ref().is_none_or(is_clean_end)
    }
}

/// Auto-shutdown, and what is told to shut down, is a shutdown without a value; one with a value is a supervisor that has
/// given up.
fn is_clean_end(reason: &ExitReason) -> bool {
    matches!(reason, ExitReason::Normal | ExitReason::Cancelled(Cancelled::Shutdown))
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.overran.is_empty() { "stopped" } else { "killed" };
        write!(f, "`{}` {verb} after {:.1?}", self.application, self.took)?;
        for overrun in &self.overran {
            write!(f, "; {overrun}")?;
        }
        if let Some(reason) = self.reason.as_ref().filter(|reason| !is_clean_end(reason)) {
            write!(f, "; it ended with: {reason:#}")?;
        }
        for (callback, reason) in &self.failed {
            write!(f, "; its `{callback}` failed: {reason:#}")?;
        }
        Ok(())
    }
}

/// How a system ended. A `main` may return it.
///
/// Displayed, it is a report for people, a line for the cause and one for each application. As the end of `main`, a
/// program that did not end as it should prints that report to standard error, and its exit code is 1.
///
/// | how it ended | exit code |
/// | --- | --- |
/// | asked to, by a signal or by the program; everybody in time, no callback failed | 0 |
/// | an application that ends the system had done its work (normal, or auto-shutdown) | 0 |
/// | a top supervisor gave up, failed or was killed | 1 |
/// | something had to be killed: it overran its time, or a second signal came | 1 |
/// | a callback panicked or returned an error | 1 |
/// | the system did not start | 1 |
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ended {
    /// Why it ended.
    pub cause: Cause,
    /// Who was stopped, in that order (APP-003). One that had ended by itself is named in the cause, and is the first
    /// one here only if its callbacks failed.
    pub stopped: Vec<Stopped>,
    /// How long that took altogether.
    pub took: Duration,
}

impl Ended {
    pub(super) const fn at_once(cause: Cause) -> Self {
        Self { cause, stopped: Vec::new(), took: Duration::ZERO }
    }

    /// Whether it ended as it should; see the table above.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let is_clean = |stopped: &Stopped| stopped.is_clean() && stopped.ended_as_told();
        self.cause.is_clean() && self.stopped.iter().all(is_clean)
    }

    /// Those that were killed because they had not ended in time.
    pub fn overran(&self) -> impl Iterator<Item = &Stopped> {
        self.stopped.iter().filter(|stopped| !stopped.overran.is_empty())
    }

    /// The exit code of a program that ends like this.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.is_clean())
    }

    /// Ends the program at once, as if `main` had returned this. Unlike `main` it does not wait for threads that
    /// block: neither the runtime's nor anybody else's.
    pub fn exit(self) -> ! {
        self.complain();
        std::process::exit(self.exit_code().into())
    }

    fn complain(&self) {
        if !self.is_clean() {
            let _nobody_reads_it = writeln!(io::stderr(), "{self}");
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ended: {}", self.cause)?;
        self.stopped.iter().try_for_each(|stopped| write!(f, "\n  {stopped}"))?;
        match self.stopped.len() {
            0 | 1 => Ok(()),
            _ => write!(f, "\n  all stopped after {:.1?}", self.took),
        }
    }
}

impl Termination for Ended {
    fn report(self) -> ExitCode {
        self.complain();
        self.exit_code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fauxtp_logic::reason::MaxRestartsReached;

    fn by_itself(reason: ExitReason) -> Cause {
        Cause::ApplicationEnded { application: "shop".into(), reason }
    }

    #[test]
    fn an_exit_code_says_whether_it_ended_as_it_should() {
        let stopped = Stopped {
            application: "shop".into(),
            reason: Some(ExitReason::shutdown()),
            took: Duration::from_millis(1_500),
            overran: Vec::new(),
            failed: Vec::new(),
        };
        let late = Stopped { overran: vec![Overrun::Start], ..stopped.clone() };
        let failed = (Callback::PrepStop, ExitReason::error("oops"));
        let failed = Stopped { failed: vec![failed], ..stopped.clone() };
        let term = || Cause::Signal(ShutdownSignal::Terminate);
        let gave_up = || by_itself(ExitReason::shutdown_with(MaxRestartsReached));
        let rows = [
            (term(), &stopped, 0, "SIGTERM\n  `shop` stopped after 1.5s"),
            (Cause::Requested, &stopped, 0, "asked to\n  `shop` stopped after 1.5s"),
            (
                by_itself(ExitReason::Normal),
                &stopped,
                0,
                "`shop` ended by itself: normal\n  `shop` stopped after 1.5s",
            ),
            (
                by_itself(ExitReason::shutdown()),
                &stopped,
                0,
                "`shop` ended by itself: shutdown\n  `shop` stopped after 1.5s",
            ),
            (
                gave_up(),
                &stopped,
                1,
                "`shop` ended by itself: shutdown(MaxRestartsReached)\n  `shop` stopped after 1.5s",
            ),
            (
                by_itself(ExitReason::killed()),
                &stopped,
                1,
                "`shop` ended by itself: killed\n  `shop` stopped after 1.5s",
            ),
            (
                Cause::NoSignals(Arc::new(io::Error::other("no driver"))),
                &stopped,
                1,
                "listen to signals: no driver\n  `shop` stopped after 1.5s",
            ),
            (
                Cause::Lost(ExitReason::killed()),
                &stopped,
                1,
                "its controller is gone: killed\n  `shop` stopped after 1.5s",
            ),
            (term(), &late, 1, "SIGTERM\n  `shop` killed after 1.5s; its start had not ended"),
            (
                term(),
                &failed,
                1,
                "SIGTERM\n  `shop` stopped after 1.5s; its `prep_stop` failed: error: oops",
            ),
        ];
        for (cause, stopped, code, shown) in rows {
            let took = Duration::from_secs(2);
            let ended = Ended { cause, stopped: vec![stopped.clone()], took };
            assert_eq!(ended.exit_code(), code, "{ended}");
            assert_eq!(ended.to_string(), format!("ended: {shown}"));
        }
        let stopped = vec![stopped.clone(), stopped];
        let ended = Ended { cause: term(), stopped, took: Duration::from_secs(3) };
        assert!(ended.to_string().ends_with("1.5s\n  all stopped after 3.0s"), "{ended}");
    }

    #[test]
    fn of_a_crowd_a_few_are_shown() {
        let pid: fauxtp_logic::Pid = "<0.1.0>".parse().expect("a pid");
        let rows = [
            (0, "still alive: the top supervisor".to_owned()),
            (1, format!("still alive: `a` {pid}")),
            (2, format!("still alive: `a` {pid}, `a` {pid}")),
            (
                SHOWN + 3,
                format!(
                    "still alive:{} and 3 more",
                    format!(", `a` {pid}").repeat(SHOWN).replacen(',', "", 1)
                ),
            ),
        ];
        for (count, expected) in rows {
            let survivor = Survivor { name: "a".into(), pid, asked: true };
            assert_eq!(Overrun::Processes(vec![survivor; count]).to_string(), expected);
        }
    }
}
