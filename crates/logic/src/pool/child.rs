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
    pub(super) state: State<T>,
}

/// Where a child is in its life; the picture is in the module above. Tokens wait for what comes next.
#[derive(Clone, Debug)]
pub(super) enum State<T> {
    /// Its first start is in progress, for whoever asked.
    Starting { token: T },
    /// It is alive.
    Running { pid: Pid },
    /// It is dead; a retry is on its way.
    Waiting { pid_last: Pid },
    /// It is dead, and a start is in progress.
    Restarting { pid_last: Pid },
    /// A start is in progress that nobody wants any more.
    Doomed { pid_last: Option<Pid>, tokens: Vec<T> },
    /// It is alive, and was told to end.
    Stopping { pid: Pid, tokens: Vec<T> },
}

impl<S, T> Child<S, T> {
    pub(super) fn new(spec: ChildSpec<S>, token: T) -> Self {
        let (spec, start) = spec.split();
        let state = State::Starting { token };
        Self { spec, start: Some(start), restarts: 0, attempts: 0, started: Time::ORIGIN, state }
    }

    /// Its start is acknowledged; returns what it was before. A temporary child is not started again, so
    /// what started it goes.
    pub(super) fn set_running(&mut self, now: Time, pid: Pid) -> State<T> {
        if self.spec.restart.is_temporary() {
            self.start = None;
        }
        self.started = now;
        mem::replace(&mut self.state, State::Running { pid })
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

    /// Tells it, which runs, to end in its own way: returns the signal, and when to lose patience.
    pub(super) fn stop(
        &mut self,
        key: ChildKey,
        tokens: Vec<T>,
    ) -> (PoolAction<T>, Option<PoolAction<T>>) {
        let State::Running { pid } = self.state else { panic!("only a running child is stopped") };
        self.state = State::Stopping { pid, tokens };
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

    /// The pid the child goes by: what it is, or what it last was.
    pub(super) fn pid(&self) -> Option<Pid> {
        match self.state {
            State::Starting { .. } => None,
            State::Running { pid } | State::Stopping { pid, .. } => Some(pid),
            State::Waiting { pid_last } | State::Restarting { pid_last } => Some(pid_last),
            State::Doomed { pid_last, .. } => pid_last,
        }
    }

    /// How the child is listed; not at all before its first start was acknowledged.
    pub(super) fn info(&self) -> Option<ChildInfo> {
        let state = match self.state {
            State::Starting { .. } | State::Doomed { pid_last: None, .. } => return None,
            State::Running { pid } | State::Stopping { pid, .. } => ChildState::Running(pid),
            State::Waiting { .. } | State::Restarting { .. } | State::Doomed { .. } => {
                ChildState::Restarting
            }
        };
        let ChildSpec { id, kind, restart, .. } = &self.spec;
        Some(ChildInfo { id: id.clone(), state, kind: *kind, restart: *restart })
    }

    pub(super) fn report(&self, context: ReportContext) -> Report {
        let ChildSpec { id, restart, shutdown, kind, significant, .. } = &self.spec;
        let offender = Offender {
            id: id.clone(),
            pid: self.pid(),
            restart: *restart,
            shutdown: *shutdown,
            kind: *kind,
            significant: *significant,
            restarts: self.restarts,
        };
        Report { context, offender }
    }
}
