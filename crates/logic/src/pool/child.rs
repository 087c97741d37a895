//! One child of a pool.

use alloc::vec::Vec;
use core::mem;

use super::protocol::{ChildKey, PoolAction};
use crate::pid::Pid;
use crate::supervisor::{
    ChildInfo, ChildSpec, ChildState, Offender, Report, ReportContext, Shutdown,
};
use crate::time::Time;

/// A child, from its first start until it is forgotten.
#[derive(Clone, Debug)]
pub(super) struct Child<S, T> {
    pub(super) spec: ChildSpec<()>,
    /// What starts it. `None` once a temporary child runs, which is never started again (SUP-100).
    pub(super) start: Option<S>,
    /// How often it has been restarted.
    pub(super) restarts: u32,
    /// How many retries in a row there were without a run worth the name.
    attempts: u32,
    /// When it was last started, if it ever was.
    started: Time,
    /// Who waits for its first start.
    pub(super) starter: Option<T>,
    /// Who wait for it to be gone.
    pub(super) enders: Vec<T>,
    pub(super) state: State,
}

/// Where a child is in its life; the picture is in the module above. A start in progress has a pid as soon as
/// that is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// Its first start is in progress.
    Starting { pid: Option<Pid> },
    /// It is alive.
    Running { pid: Pid },
    /// It is dead; a retry is on its way.
    Waiting { pid_last: Pid },
    /// It is dead, and a start is in progress.
    Restarting { pid: Option<Pid>, pid_last: Pid },
    /// A start is in progress that nobody wants any more; the process, if there is one, was told to end.
    Doomed { pid: Option<Pid>, pid_last: Option<Pid> },
    /// It is alive, and was told to end.
    Stopping { pid: Pid },
}

impl State {
    /// The process that the child is, and the one that it was; the pids it goes by.
    pub(super) fn pids(self) -> [Option<Pid>; 2] {
        match self {
            Self::Starting { pid } => [pid, None],
            Self::Running { pid } | Self::Stopping { pid } => [Some(pid), None],
            Self::Waiting { pid_last } => [None, Some(pid_last)],
            Self::Restarting { pid, pid_last } => [pid, Some(pid_last)],
            Self::Doomed { pid, pid_last } => [pid, pid_last],
        }
    }
}

impl<S, T> Child<S, T> {
    pub(super) fn new(spec: ChildSpec<S>, token: T) -> Self {
        let (spec, start) = spec.split();
        Self {
            spec,
            start: Some(start),
            restarts: 0,
            attempts: 0,
            started: Time::ORIGIN,
            starter: Some(token),
            enders: Vec::new(),
            state: State::Starting { pid: None },
        }
    }

    /// There is a process that starts.
    pub(super) fn set_launched(&mut self, process: Pid) {
        let (State::Starting { pid } | State::Restarting { pid, .. } | State::Doomed { pid, .. }) =
            &mut self.state
        else {
            unreachable!("only what is being started is launched")
        };
        assert!(pid.replace(process).is_none(), "one start has one process");
    }

    /// Its start is acknowledged; returns what it was before. A temporary child is not started again, so
    /// what started it goes.
    pub(super) fn set_running(&mut self, now: Time) -> State {
        if self.spec.restart.is_temporary() {
            self.start = None;
        }
        self.started = now;
        let [pid, _] = self.state.pids();
        let pid = pid.expect("the shell tells of a process before it tells that it runs");
        let doomed = matches!(self.state, State::Doomed { .. });
        let next = if doomed { State::Stopping { pid } } else { State::Running { pid } };
        mem::replace(&mut self.state, next)
    }

    /// It ended by itself. A run longer than any delay ends the row of retries.
    pub(super) fn set_gone(&mut self, now: Time) {
        if self.spec.backoff.is_none_or(|backoff| now.since(self.started) >= backoff.max) {
            self.attempts = 0;
        }
    }

    /// It is to be started later; returns the number of this retry in the row.
    pub(super) fn set_waiting(&mut self, pid_last: Pid) -> u32 {
        self.state = State::Waiting { pid_last };
        self.attempts = self.attempts.saturating_add(1);
        self.attempts
    }

    /// It is to end, now or as soon as there is something that can; returns its process unless that was told
    /// before.
    pub(super) fn doom(&mut self) -> Option<Pid> {
        let [pid, pid_last] = self.state.pids();
        self.state = match self.state {
            State::Running { pid } => State::Stopping { pid },
            State::Starting { .. } | State::Restarting { .. } => State::Doomed { pid, pid_last },
            State::Waiting { .. } | State::Doomed { .. } | State::Stopping { .. } => return None,
        };
        pid
    }

    /// How its process is told to end in its own way: the signal, and when to lose patience.
    pub(super) fn stop<R>(
        &self,
        key: ChildKey,
        pid: Pid,
    ) -> (PoolAction<R>, Option<PoolAction<R>>) {
        match self.spec.shutdown {
            Shutdown::BrutalKill => (PoolAction::Kill(pid), None),
            Shutdown::Timeout(after) => {
                (PoolAction::Ask(pid), Some(PoolAction::ArmDeadline(key, after)))
            }
            Shutdown::Infinity => (PoolAction::Ask(pid), None),
        }
    }

    /// Whether a start of it is in progress.
    pub(super) fn is_in_start(&self) -> bool {
        match self.state {
            State::Starting { .. } | State::Restarting { .. } | State::Doomed { .. } => true,
            State::Running { .. } | State::Waiting { .. } | State::Stopping { .. } => false,
        }
    }

    /// How the child is listed; not at all before its first start was acknowledged.
    pub(super) fn info(&self) -> Option<ChildInfo> {
        let state = match self.state {
            State::Starting { .. } | State::Doomed { pid_last: None, .. } => return None,
            State::Running { pid } | State::Stopping { pid } => ChildState::Running(pid),
            State::Waiting { .. } | State::Restarting { .. } | State::Doomed { .. } => {
                ChildState::Restarting
            }
        };
        let ChildSpec { id, kind, restart, .. } = &self.spec;
        Some(ChildInfo { id: id.clone(), state, kind: *kind, restart: *restart })
    }

    pub(super) fn report(&self, context: ReportContext) -> Report {
        let ChildSpec { id, restart, shutdown, kind, significant, .. } = &self.spec;
        let [pid, pid_last] = self.state.pids();
        let offender = Offender {
            id: id.clone(),
            pid: pid_last.or(pid),
            restart: *restart,
            shutdown: *shutdown,
            kind: *kind,
            significant: *significant,
            restarts: self.restarts,
        };
        Report { context, offender }
    }
}
