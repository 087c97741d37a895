//! The pool itself: told what happened, it says what to do.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;

use super::child::{Child, State};
use super::protocol::{
    ByIdError, ChildKey, Flavour, PoolAction, PoolAnswer, PoolEvent, PoolFlags, PoolRequest,
    PoolStartError,
};
use crate::budget::Budget;
use crate::pid::Pid;
use crate::reason::{ExitReason, MaxRestartsReached};
use crate::supervisor::{
    AutoShutdown, ChildInfo, ChildKind, ChildSpec, Counts, Flags, Report, ReportContext, Shutdown,
    SpecError, TerminateChildError,
};
use crate::time::Time;

/// A dynamic supervisor, without clock and processes. `S` starts a child, `T` is the return address of a request.
///
/// Every event takes logarithmic time, but for those that concern all children.
#[derive(Clone, Debug)]
pub struct Pool<S, T> {
    flags: PoolFlags,
    budget: Budget,
    children: BTreeMap<ChildKey, Child<S, T>>,
    /// For each of the pids a child goes by, its key; nothing else.
    pids: BTreeMap<Pid, ChildKey>,
    /// With all_significant: how the child left that was the last to run, or to wait for a restart, if the pool
    /// ends when no child is left after that one (SUP-123).
    trigger: Option<Report>,
    /// The number of the next key; only up.
    key_next: u64,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    /// Children come and go.
    Open,
    /// Every child is doomed or stopping; what was wrong with those that are gone is collected.
    Ending { reason: ExitReason, errors: Vec<(Report, usize)> },
    /// There are no children, and never will be.
    Ended(ExitReason),
}

impl<S, T> Pool<S, T> {
    /// A pool without children.
    ///
    /// # Errors
    ///
    /// What [`Flags::check`] finds wrong.
    pub fn new(flags: PoolFlags) -> Result<Self, SpecError> {
        flags.shared().check()?;
        if flags.flavour == Flavour::Dynamic && flags.auto_shutdown != AutoShutdown::Never {
            return Err(SpecError::AutoShutdownWithoutTemplate);
        }
        let (children, pids) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self {
            flags,
            budget: Budget::new(),
            children,
            pids,
            trigger: None,
            key_next: 0,
            phase: Phase::Open,
        })
    }

    /// What starts this child. `None` if it has been forgotten, or is temporary and has been started (SUP-100).
    #[must_use]
    pub fn start_of(&self, key: ChildKey) -> Option<&S> {
        self.children.get(&key)?.start.as_ref()
    }

    /// The description of this child, which has its backoff; `None` if it has been forgotten.
    #[must_use]
    pub fn spec_of(&self, key: ChildKey) -> Option<&ChildSpec<()>> {
        self.children.get(&key).map(|child| &child.spec)
    }

    /// How often the child has been restarted, a restart under way included.
    #[must_use]
    pub fn restarts_of(&self, key: ChildKey) -> u32 {
        let Some(child) = self.children.get(&key) else { return 0 };
        let now = matches!(child.state, State::Restarting { .. });
        child.restarts.saturating_add(u32::from(now))
    }

    /// The child that starts, runs, or last ran, as this process.
    #[must_use]
    pub fn key_of(&self, pid: Pid) -> Option<ChildKey> {
        self.pids.get(&pid).copied()
    }

    /// The flags the pool was made with.
    #[must_use]
    pub fn flags(&self) -> &PoolFlags {
        &self.flags
    }

    /// Whether [`PoolAction::Exit`] was said.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }

    /// Takes note of what happened and says what is to be done about it.
    ///
    /// # Panics
    ///
    /// If a process, or the outcome, of a start is told that is not in progress: the process would have no
    /// supervisor.
    #[must_use]
    pub fn on_event(&mut self, now: Time, event: PoolEvent<S, T>) -> Vec<PoolAction<T>> {
        let mut out = Vec::new();
        match event {
            PoolEvent::Request(token, request) => self.serve(token, request, &mut out),
            PoolEvent::Launched(key, pid) => self.launched(key, pid, &mut out),
            PoolEvent::Started(key) => self.started(now, key, &mut out),
            PoolEvent::StartFailed(key, reason) => self.start_failed(key, reason, &mut out),
            PoolEvent::StartIgnored(key) => self.start_ignored(key, &mut out),
            PoolEvent::Exited(pid, reason) => self.exited(now, pid, reason, &mut out),
            PoolEvent::Retry(key) => self.retry(now, key, &mut out),
            PoolEvent::DeadlinePassed(key) => self.deadline_passed(key, &mut out),
            PoolEvent::Shutdown(reason) => self.end(&reason, &mut out),
        }
        if self.children.is_empty() {
            self.emptied(&mut out);
        }
        out
    }

    fn serve(&mut self, token: T, request: PoolRequest<S>, out: &mut Vec<PoolAction<T>>) {
        if let Phase::Ending { reason, .. } | Phase::Ended(reason) = &self.phase {
            out.push(PoolAction::Answer(token, PoolAnswer::Ending(reason.clone())));
            return;
        }
        let answer = match request {
            PoolRequest::StartChild(flavour, spec) => {
                return self.start_child(token, flavour, spec, out);
            }
            PoolRequest::TerminateChild { pid, alive, caller } => match self.key_of(pid) {
                Some(key)
                    if caller.and_then(|caller| self.key_of(caller)) == Some(key)
                        && self
                            .spec_of(key)
                            .is_some_and(|s| s.shutdown != Shutdown::BrutalKill) =>
                {
                    PoolAnswer::Deadlock
                }
                Some(key) => return self.terminate_child(token, key, out),
                None if self.flags.flavour == Flavour::SimpleOneForOne && !alive => {
                    PoolAnswer::TerminateChild(Ok(()))
                }
                None => PoolAnswer::TerminateChild(Err(TerminateChildError::NotFound)),
            },
            PoolRequest::ById => PoolAnswer::ById(match self.flags.flavour {
                Flavour::Dynamic => ByIdError::NotFound,
                Flavour::SimpleOneForOne => ByIdError::SimpleOneForOne,
            }),
            PoolRequest::WhichChildren => PoolAnswer::WhichChildren(self.listed().rev().collect()),
            PoolRequest::CountChildren => PoolAnswer::CountChildren(self.counts()),
            PoolRequest::GetChildSpecOf(pid) => PoolAnswer::GetChildSpec(
                self.key_of(pid).and_then(|key| self.spec_of(key)).cloned(),
            ),
        };
        out.push(PoolAction::Answer(token, answer));
    }

    fn start_child(
        &mut self,
        token: T,
        flavour: Flavour,
        spec: ChildSpec<S>,
        out: &mut Vec<PoolAction<T>>,
    ) {
        let refused = match spec.check(&self.flags.shared()) {
            _ if flavour != self.flags.flavour => Some(PoolStartError::Template),
            Err(error) => Some(PoolStartError::Spec(error)),
            Ok(()) if self.is_full() => Some(PoolStartError::MaxChildren),
            Ok(()) => None,
        };
        if let Some(error) = refused {
            out.push(PoolAction::Answer(token, PoolAnswer::StartChild(Err(error))));
            return;
        }
        let key = ChildKey(self.key_next);
        self.key_next += 1;
        self.children.insert(key, Child::new(spec, token));
        out.push(PoolAction::Start(key));
    }

    fn terminate_child(&mut self, token: T, key: ChildKey, out: &mut Vec<PoolAction<T>>) {
        let child = self.child(key);
        let before = child.state;
        if let Some(pid) = child.doom() {
            let (signal, deadline) = child.stop(key, pid);
            out.push(signal);
            out.extend(deadline);
        }
        if matches!(before, State::Waiting { .. }) {
            self.forget(key);
            out.extend([PoolAction::CancelRetry(key), terminated(token)]);
        } else {
            child.enders.push(token);
        }
        // It was there until now, and does not leave by itself (SUP-124). One that only starts was not.
        if matches!(before, State::Running { .. } | State::Waiting { .. }) {
            self.trigger = None;
        }
    }

    fn launched(&mut self, key: ChildKey, pid: Pid, out: &mut Vec<PoolAction<T>>) {
        let child = self.child_in_start(key);
        child.set_launched(pid);
        if matches!(child.state, State::Doomed { .. }) {
            let (signal, deadline) = child.stop(key, pid);
            out.push(signal);
            out.extend(deadline);
        }
        let taken = self.pids.insert(pid, key);
        assert!(taken.is_none(), "pids are never reused");
    }

    fn started(&mut self, now: Time, key: ChildKey, out: &mut Vec<PoolAction<T>>) {
        let child = self.child_in_start(key);
        let before = child.set_running(now);
        let [pid, pid_last] = before.pids();
        if !matches!(before, State::Doomed { .. }) {
            child.restarts = child.restarts.saturating_add(u32::from(pid_last.is_some()));
            out.push(PoolAction::Report(child.report(ReportContext::Progress)));
            let answer = |token| PoolAction::Answer(token, PoolAnswer::StartChild(Ok(pid)));
            out.extend(child.starter.take().map(answer));
        }
        if let Some(pid_last) = pid_last {
            self.pids.remove(&pid_last);
        }
    }

    fn start_failed(&mut self, key: ChildKey, reason: ExitReason, out: &mut Vec<PoolAction<T>>) {
        let child = self.child_in_start(key);
        if let State::Restarting { pid, pid_last } = child.state {
            let attempt = child.set_waiting(pid_last);
            out.push(PoolAction::Report(child.report(ReportContext::StartError(reason))));
            out.push(PoolAction::Retry(key, attempt));
            if let Some(pid) = pid {
                self.pids.remove(&pid);
            }
        } else {
            self.not_started(key, Err(PoolStartError::Failed(reason)), out);
        }
    }

    fn start_ignored(&mut self, key: ChildKey, out: &mut Vec<PoolAction<T>>) {
        self.child_in_start(key);
        self.not_started(key, Ok(None), out);
    }

    /// Forgets a child whose start came to nothing, and tells whoever waited for it to be there or to be gone.
    fn not_started(
        &mut self,
        key: ChildKey,
        result: Result<Option<Pid>, PoolStartError>,
        out: &mut Vec<PoolAction<T>>,
    ) {
        let child = self.forget(key);
        let answer = |token| PoolAction::Answer(token, PoolAnswer::StartChild(result));
        out.extend(child.starter.map(answer));
        out.extend(child.enders.into_iter().map(terminated));
    }

    fn exited(&mut self, now: Time, pid: Pid, reason: ExitReason, out: &mut Vec<PoolAction<T>>) {
        let Some(key) = self.key_of(pid) else { return };
        match self.child(key).state {
            State::Running { .. } => self.exited_by_itself(now, key, pid, reason, out),
            State::Stopping { .. } => self.stopped(key, reason, out),
            // The exit that led to the restart in progress, told twice (SUP-080).
            _ => {}
        }
    }

    fn exited_by_itself(
        &mut self,
        now: Time,
        key: ChildKey,
        pid: Pid,
        reason: ExitReason,
        out: &mut Vec<PoolAction<T>>,
    ) {
        self.trigger = None;
        let patient = self.flags.intensity.allows_any();
        let child = self.child(key);
        child.set_gone(now);
        let restart = child.spec.restart;
        let again = restart.wants_restart(&reason);
        if restart.is_failure(&reason) {
            out.push(PoolAction::Report(child.report(ReportContext::ChildTerminated(reason))));
        }
        if !again {
            let child = self.forget(key);
            self.auto_shutdown(&child, out);
        } else if child.spec.backoff.is_some() && patient {
            out.push(PoolAction::Retry(key, child.set_waiting(pid)));
        } else {
            self.attempt(now, key, pid, out);
        }
    }

    fn stopped(&mut self, key: ChildKey, reason: ExitReason, out: &mut Vec<PoolAction<T>>) {
        let child = self.child(key);
        if !child.spec.shutdown.accepts(child.spec.restart, &reason) {
            let report = child.report(ReportContext::ShutdownError(reason.clone()));
            match &mut self.phase {
                Phase::Ending { errors, .. } => collect(errors, report),
                _ => out.push(PoolAction::Report(report)),
            }
        }
        self.not_started(key, Err(PoolStartError::Failed(reason)), out);
    }

    fn retry(&mut self, now: Time, key: ChildKey, out: &mut Vec<PoolAction<T>>) {
        let Some(child) = self.children.get(&key) else { return };
        if let State::Waiting { pid_last } = child.state {
            self.trigger = None;
            self.attempt(now, key, pid_last, out);
        }
    }

    /// Tries to start a dead child again; every attempt is paid for (SUP-055).
    fn attempt(&mut self, now: Time, key: ChildKey, pid_last: Pid, out: &mut Vec<PoolAction<T>>) {
        if self.budget.spend(now, &self.flags.intensity) {
            self.child(key).state = State::Restarting { pid: None, pid_last };
            out.push(PoolAction::Start(key));
        } else {
            let child = self.forget(key);
            let context = ReportContext::ReachedMaxRestartIntensity;
            out.push(PoolAction::Report(child.report(context)));
            self.end(&ExitReason::shutdown_with(MaxRestartsReached), out);
        }
    }

    fn deadline_passed(&mut self, key: ChildKey, out: &mut Vec<PoolAction<T>>) {
        let Some(child) = self.children.get(&key) else { return };
        if let (
            State::Stopping { pid } | State::Doomed { pid: Some(pid), .. },
            Shutdown::Timeout(_),
        ) = (child.state, child.spec.shutdown)
        {
            out.push(PoolAction::Kill(pid));
        }
    }

    /// A child has ended by itself and for good, which may be a reason for the pool to end (SUP-121 to SUP-123).
    fn auto_shutdown(&mut self, child: &Child<S, T>, out: &mut Vec<PoolAction<T>>) {
        if !child.spec.significant {
            return;
        }
        let report = child.report(ReportContext::AutoShutdown);
        match self.flags.auto_shutdown {
            // unreached: a spec that is significant where nothing ends by itself is refused.
            AutoShutdown::Never => {}
            AutoShutdown::AnySignificant => {
                out.push(PoolAction::Report(report));
                self.end(&ExitReason::shutdown(), out);
            }
            // OTP waits for every start and stop before it looks at this end. Here some may still be under way,
            // and whether anybody is left is not known before they are through.
            AutoShutdown::AllSignificant => self.trigger = Some(report),
        }
    }

    /// Begins to end: all children are signalled, then all deadlines are set (DYN-007). A second reason to end
    /// changes nothing.
    fn end(&mut self, reason: &ExitReason, out: &mut Vec<PoolAction<T>>) {
        if !matches!(self.phase, Phase::Open) {
            return;
        }
        self.phase = Phase::Ending { reason: reason.clone(), errors: Vec::new() };
        let mut deadlines = Vec::new();
        let pids = &mut self.pids;
        self.children.retain(|key, child| {
            if let State::Waiting { pid_last } = child.state {
                pids.remove(&pid_last);
                out.push(PoolAction::CancelRetry(*key));
                return false;
            }
            let ending = |token| PoolAction::Answer(token, PoolAnswer::Ending(reason.clone()));
            out.extend(child.starter.take().map(ending));
            if let Some(pid) = child.doom() {
                let (signal, deadline) = child.stop(*key, pid);
                out.push(signal);
                deadlines.extend(deadline);
            }
            true
        });
        out.append(&mut deadlines);
    }

    /// There are no children: ends the pool if that is a reason to, and lets it go if it ends.
    fn emptied(&mut self, out: &mut Vec<PoolAction<T>>) {
        if let (Phase::Open, Some(report)) = (&self.phase, self.trigger.take()) {
            out.push(PoolAction::Report(report));
            self.end(&ExitReason::shutdown(), out);
        }
        let Phase::Ending { reason, errors } = &mut self.phase else { return };
        let (reason, errors) = (reason.clone(), mem::take(errors));
        let reports = errors.into_iter();
        out.extend(
            reports.map(|(report, children)| PoolAction::ShutdownErrors { report, children }),
        );
        out.push(PoolAction::Exit(reason.clone()));
        self.phase = Phase::Ended(reason);
    }

    fn is_full(&self) -> bool {
        self.flags.children_max.is_some_and(|most| self.children.len() >= most)
    }

    fn listed(&self) -> impl DoubleEndedIterator<Item = ChildInfo> {
        self.children.values().filter_map(Child::info)
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for info in self.listed() {
            counts.specs += 1;
            counts.active += usize::from(info.state.pid().is_some());
            match info.kind {
                ChildKind::Supervisor => counts.supervisors += 1,
                ChildKind::Worker => counts.workers += 1,
            }
        }
        if self.flags.flavour == Flavour::SimpleOneForOne {
            counts.specs = 1;
        }
        counts
    }

    fn child(&mut self, key: ChildKey) -> &mut Child<S, T> {
        self.children.get_mut(&key).expect("a key that is not told by the shell names a child")
    }

    fn child_in_start(&mut self, key: ChildKey) -> &mut Child<S, T> {
        let child = self.children.get_mut(&key).filter(|child| child.is_in_start());
        child.expect("the shell tells the outcome of a start once, and of no other")
    }

    fn forget(&mut self, key: ChildKey) -> Child<S, T> {
        let child = self.children.remove(&key).expect("only a child that is there is forgotten");
        for pid in child.state.pids().into_iter().flatten() {
            self.pids.remove(&pid);
        }
        child
    }
}

impl PoolFlags {
    /// What a pool has in common with a supervisor, for the checks both make.
    fn shared(&self) -> Flags {
        let auto_shutdown = match self.flavour {
            Flavour::Dynamic => AutoShutdown::Never,
            Flavour::SimpleOneForOne => self.auto_shutdown,
        };
        Flags { intensity: self.intensity, auto_shutdown, ..Flags::default() }
    }
}

fn terminated<T>(token: T) -> PoolAction<T> {
    PoolAction::Answer(token, PoolAnswer::TerminateChild(Ok(())))
}

/// Counts a report to those of the same reason (SUP-116). Looks back only so far that an end in which
/// every child has a reason of its own is still linear.
fn collect(errors: &mut Vec<(Report, usize)>, report: Report) {
    let recent = errors.iter_mut().rev().take(REASONS_COMPARED_MAX);
    let same = |other: &Report| other.context.reason() == report.context.reason();
    match recent.into_iter().find(|(other, _)| same(other)) {
        Some((_, children)) => *children += 1,
        None => errors.push((report, 1)),
    }
}

const REASONS_COMPARED_MAX: usize = 32;
