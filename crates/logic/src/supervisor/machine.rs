//! The supervisor's mind: told what happened, it says what to do.

mod requests;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

use smallvec::SmallVec;

use super::children::{Child, Children};
use super::protocol::{
    Action, Answer, ChildInfo, ChildKey, ChildState, Counts, Event, FailedToStartChild, Report,
    ReportContext, RestartChildError, StartChildError,
};
use super::spec::{AutoShutdown, ChildSpec, Flags, RestartStrategy, SpecError, check};
use crate::budget::Budget;
use crate::pid::Pid;
use crate::reason::{ExitReason, MaxRestartsReached};
use crate::time::Time;

/// A supervisor without clock and processes. See the [module](super) for the picture and the shell's rule.
#[derive(Clone, Debug)]
pub struct Machine<S, T> {
    flags: Flags,
    /// Whether nobody wants reports.
    quiet: bool,
    children: Children<S>,
    budget: Budget,
    phase: Phase<T>,
    /// What is still to be done for the errand of `phase`; empty unless busy.
    plan: VecDeque<Step>,
    /// The step the shell carries out right now; some exactly while busy.
    asked: Option<Step>,
    /// What was told out of turn, oldest first. Empty between events if the shell obeys its rule.
    waiting: VecDeque<Event<S, T>>,
}

#[derive(Clone, Debug)]
enum Phase<T> {
    /// Not begun.
    New,
    /// Waiting for something to happen.
    Idle,
    /// The plan is carried out, for this errand.
    Busy(Errand<T>),
    /// Ended, for this reason.
    Ended(ExitReason),
}

/// Why a plan is carried out, hence what its end or a failed start mean.
#[derive(Clone, Debug)]
enum Errand<T> {
    Begin,
    Restart,
    StartChild(T),
    RestartChild(T),
    TerminateChild(T),
    End(ExitReason),
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Start(ChildKey),
    Stop(ChildKey),
}

impl<S, T> Machine<S, T> {
    /// A supervisor with these children, none of them started yet.
    ///
    /// # Errors
    ///
    /// What is wrong with the flags or a spec (SUP-005).
    pub fn new(flags: Flags, specs: Vec<ChildSpec<S>>) -> Result<Self, SpecError> {
        check(&flags, &specs)?;
        let mut children = Children::new();
        for spec in specs {
            children.add(spec);
        }
        Ok(Self {
            flags,
            quiet: false,
            children,
            budget: Budget::new(),
            phase: Phase::New,
            plan: VecDeque::new(),
            asked: None,
            waiting: VecDeque::new(),
        })
    }

    /// Decides what follows from `event`, which happened at `now`.
    ///
    /// The actions are to be carried out in order. An event that comes while a start or stop is under way is kept
    /// and served when the supervisor is free again (SUP-010).
    ///
    /// # Panics
    ///
    /// If the shell tells the outcome of a start or stop that is not under way: a child would be lost.
    #[must_use]
    pub fn on_event(&mut self, now: Time, event: Event<S, T>) -> Vec<Action<T>> {
        let mut actions = Vec::new();
        self.decide(now, event, &mut actions);
        actions
    }

    /// The same for a shell that has room for actions already; they are added to what is there.
    ///
    /// # Panics
    ///
    /// As [`on_event`](Self::on_event).
    pub fn decide(&mut self, now: Time, event: Event<S, T>, actions: &mut Vec<Action<T>>) {
        self.take(now, event, actions);
        // Ends: a served event adds no other to the queue.
        while self.is_free() {
            let Some(event) = self.waiting.pop_front() else { break };
            self.serve(now, event, actions);
        }
    }

    /// Whether reports may be left out from now on, for nobody would hear them.
    pub fn be_quiet(&mut self, quiet: bool) {
        self.quiet = quiet;
    }

    /// What starts the child: always some after [`Action::Start`]; none for an unknown child, or a temporary
    /// one that has been started (SUP-100).
    #[must_use]
    pub fn start_of(&self, key: ChildKey) -> Option<&S> {
        self.children.get(key)?.start.as_ref()
    }

    /// The description of the child.
    #[must_use]
    pub fn spec_of(&self, key: ChildKey) -> Option<&ChildSpec<()>> {
        Some(&self.children.get(key)?.spec)
    }

    /// How often the child has been restarted, a restart under way included.
    #[must_use]
    pub fn restarts_of(&self, key: ChildKey) -> u32 {
        let before = self.children.get(key).map_or(0, |child| child.restarts);
        let now = matches!(self.phase, Phase::Busy(Errand::Restart))
            && matches!(self.asked, Some(Step::Start(asked)) if asked == key);
        before.saturating_add(u32::from(now))
    }

    /// Whether the child runs.
    #[must_use]
    pub fn state_of(&self, key: ChildKey) -> Option<ChildState> {
        Some(self.children.get(key)?.state())
    }

    /// The key of the child with this id.
    #[must_use]
    pub fn key_of(&self, id: &str) -> Option<ChildKey> {
        self.children.key_of(id)
    }

    /// The flags of the supervisor.
    #[must_use]
    pub fn flags(&self) -> &Flags {
        &self.flags
    }

    /// The children, the newest first (SUP-095).
    #[must_use]
    pub fn which_children(&self) -> Vec<ChildInfo> {
        self.children.list()
    }

    /// The numbers of children (SUP-096).
    #[must_use]
    pub fn count_children(&self) -> Counts {
        self.children.count()
    }

    /// Why the supervisor ended, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<&ExitReason> {
        match &self.phase {
            Phase::Ended(reason) => Some(reason),
            Phase::New | Phase::Idle | Phase::Busy(_) => None,
        }
    }

    fn is_free(&self) -> bool {
        matches!(self.phase, Phase::Idle | Phase::Ended(_))
    }
}

/// What the shell tells.
impl<S, T> Machine<S, T> {
    fn take(&mut self, now: Time, event: Event<S, T>, actions: &mut Vec<Action<T>>) {
        match event {
            Event::Started(pid) => self.started(now, pid, actions),
            Event::StartFailed(reason) => self.start_failed(reason, actions),
            Event::StartIgnored => self.start_ignored(actions),
            Event::Stopped(reason) => self.stopped(now, &reason, actions),
            event if self.is_free() => self.serve(now, event, actions),
            Event::Begin if matches!(self.phase, Phase::New) => {
                self.plan.extend(self.children.keys().into_iter().map(Step::Start));
                self.run(Errand::Begin, actions);
            }
            Event::Shutdown(reason) if matches!(self.phase, Phase::New) => {
                self.end(reason, actions)
            }
            event => self.waiting.push_back(event),
        }
    }

    /// Serves an event while nothing is under way.
    fn serve(&mut self, now: Time, event: Event<S, T>, actions: &mut Vec<Action<T>>) {
        if let Phase::Ended(reason) = &self.phase {
            return refuse(event, reason, actions);
        }
        match event {
            Event::Exited(pid, reason) => self.exited(now, pid, reason, actions),
            Event::Retry(key) if self.state_of(key) == Some(ChildState::Restarting) => {
                self.restart(now, key, actions);
            }
            Event::Request(token, request) => self.requested(token, request, actions),
            Event::Shutdown(reason) => self.end(reason, actions),
            // A retry that was taken back, a second begin; outcomes are not kept for later.
            _ => {}
        }
    }

    fn started(&mut self, now: Time, pid: Pid, actions: &mut Vec<Action<T>>) {
        let key = self.asked_start();
        self.children.set_running(key, pid, now);
        if matches!(self.phase, Phase::Busy(Errand::Restart)) {
            self.children.count_restart(key);
        }
        self.report(key, ReportContext::Progress, actions);
        self.start_done(Some(pid), actions);
    }

    /// A child that did not want to be started is kept without process, but for temporary ones (SUP-003, SUP-078).
    fn start_ignored(&mut self, actions: &mut Vec<Action<T>>) {
        let key = self.asked_start();
        if self.child(key).spec.restart.is_temporary() {
            self.children.remove(key);
        }
        self.start_done(None, actions);
    }

    fn start_done(&mut self, pid: Option<Pid>, actions: &mut Vec<Action<T>>) {
        match mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Busy(Errand::StartChild(token)) => {
                actions.push(Action::Answer(token, Answer::StartChild(Ok(pid))));
            }
            Phase::Busy(Errand::RestartChild(token)) => {
                actions.push(Action::Answer(token, Answer::RestartChild(Ok(pid))));
            }
            busy => {
                self.phase = busy;
                self.advance(actions);
            }
        }
    }

    fn start_failed(&mut self, reason: ExitReason, actions: &mut Vec<Action<T>>) {
        let key = self.asked_start();
        match mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Busy(Errand::StartChild(token)) => {
                self.children.remove(key);
                actions.push(Action::Answer(
                    token,
                    Answer::StartChild(Err(StartChildError::Failed(reason))),
                ));
            }
            Phase::Busy(Errand::RestartChild(token)) => {
                actions.push(Action::Answer(
                    token,
                    Answer::RestartChild(Err(RestartChildError::Failed(reason))),
                ));
            }
            Phase::Busy(Errand::Begin) => {
                self.report(key, ReportContext::StartError(reason.clone()), actions);
                let id = self.child(key).spec.id.clone();
                self.end(ExitReason::shutdown_with(FailedToStartChild { id, reason }), actions);
            }
            // Of a group, those before stay up and those after stay down; how the retry goes on is up to the
            // strategy (SUP-075, SUP-076).
            _restart => {
                self.report(key, ReportContext::StartError(reason), actions);
                self.plan.clear();
                self.retry(key, actions);
            }
        }
    }

    fn stopped(&mut self, now: Time, reason: &ExitReason, actions: &mut Vec<Action<T>>) {
        let Some(Step::Stop(key)) = self.asked.take() else {
            panic!("the shell tells of a stop not under way")
        };
        let spec = &self.child(key).spec;
        let temporary = spec.restart.is_temporary();
        if !spec.shutdown.accepts(spec.restart, reason) {
            self.report(key, ReportContext::ShutdownError(reason.clone()), actions);
        }
        self.children.set_gone(key, now);
        if temporary {
            self.children.remove(key);
        }
        self.advance(actions);
    }

    fn exited(&mut self, now: Time, pid: Pid, reason: ExitReason, actions: &mut Vec<Action<T>>) {
        // A stranger, or an incarnation whose end is known already (SUP-080).
        let Some(key) = self.children.key_of_pid(pid) else { return };
        let spec = &self.child(key).spec;
        let patient = spec.backoff.is_some() && self.flags.intensity.allows_any();
        let restart = spec.restart;
        self.children.set_gone(key, now);
        let again = restart.wants_restart(&reason);
        if restart.is_failure(&reason) {
            self.report(key, ReportContext::ChildTerminated(reason), actions);
        }
        match (again, patient) {
            (false, _) => self.ended_for_good(key, actions),
            (true, false) => self.restart(now, key, actions),
            (true, true) => self.retry(key, actions),
        }
    }
}

/// What is decided.
impl<S, T> Machine<S, T> {
    /// Tries to start the child again, and whoever shares its fate. Every attempt is paid for, a group once (SUP-054,
    /// SUP-055).
    fn restart(&mut self, now: Time, key: ChildKey, actions: &mut Vec<Action<T>>) {
        if !self.budget.spend(now, &self.flags.intensity) {
            self.report(key, ReportContext::ReachedMaxRestartIntensity, actions);
            return self.end(ExitReason::shutdown_with(MaxRestartsReached), actions);
        }
        let group = match self.flags.strategy {
            RestartStrategy::OneForOne => SmallVec::<[ChildKey; 1]>::from_buf([key]),
            RestartStrategy::OneForAll => self.children.keys().into(),
            RestartStrategy::RestForOne => self.children.keys_from(key).into(),
        };
        self.plan_stops(&group);
        // Temporary ones are stopped with the others, but forgotten (SUP-071).
        for key in group {
            if !self.child(key).spec.restart.is_temporary() {
                self.plan.push_back(Step::Start(key));
            }
        }
        self.run(Errand::Restart, actions);
    }

    /// Lets everything else have its turn before the child is tried again (SUP-074).
    fn retry(&mut self, key: ChildKey, actions: &mut Vec<Action<T>>) {
        let attempt = self.children.set_restarting(key);
        actions.push(Action::Retry(key, attempt));
    }

    /// A child ended by itself and is not restarted: it may have been the last significant one.
    fn ended_for_good(&mut self, key: ChildKey, actions: &mut Vec<Action<T>>) {
        let child = self.child(key);
        let over = child.spec.significant
            && match self.flags.auto_shutdown {
                // unreached: a spec that is significant where nothing ends by itself is refused.
                AutoShutdown::Never => false,
                AutoShutdown::AnySignificant => true,
                AutoShutdown::AllSignificant => self.children.significant_left() == 0,
            };
        let temporary = child.spec.restart.is_temporary();
        if over {
            self.report(key, ReportContext::AutoShutdown, actions);
        }
        if temporary {
            self.children.remove(key);
        }
        if over {
            self.end(ExitReason::shutdown(), actions);
        }
    }

    /// Stops everybody, then ends. From here on nothing is started (SUP-027).
    fn end(&mut self, reason: ExitReason, actions: &mut Vec<Action<T>>) {
        self.plan.clear();
        self.plan_stops(&self.children.keys());
        self.run(Errand::End(reason), actions);
    }

    /// Plans to stop those of the group that run, last to first (SUP-020), and takes back their retries.
    fn plan_stops(&mut self, group: &[ChildKey]) {
        for key in group.iter().rev().copied() {
            match self.child(key).state() {
                ChildState::Running(_) => self.plan.push_back(Step::Stop(key)),
                ChildState::Restarting => self.children.set_not_restarting(key),
                ChildState::Stopped => {}
            }
        }
    }
}

/// How a plan is carried out.
impl<S, T> Machine<S, T> {
    fn run(&mut self, errand: Errand<T>, actions: &mut Vec<Action<T>>) {
        self.phase = Phase::Busy(errand);
        self.advance(actions);
    }

    fn advance(&mut self, actions: &mut Vec<Action<T>>) {
        self.asked = self.plan.pop_front();
        match self.asked {
            None => self.plan_done(actions),
            Some(Step::Start(key)) => actions.push(Action::Start(key)),
            Some(Step::Stop(key)) => {
                let child = self.child(key);
                let pid = child.state().pid().expect("only running children are planned to stop");
                actions.push(Action::Stop(key, pid, child.spec.shutdown));
            }
        }
    }

    fn plan_done(&mut self, actions: &mut Vec<Action<T>>) {
        match mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Busy(Errand::Begin) => actions.push(Action::Begun),
            Phase::Busy(Errand::TerminateChild(token)) => {
                actions.push(Action::Answer(token, Answer::TerminateChild(Ok(()))));
            }
            Phase::Busy(Errand::End(reason)) => {
                for event in mem::take(&mut self.waiting) {
                    refuse(event, &reason, actions);
                }
                self.phase = Phase::Ended(reason.clone());
                actions.push(Action::Exit(reason));
            }
            // A restart says nothing; a requested start is answered as soon as it is known how it went.
            _ => {}
        }
    }

    fn asked_start(&mut self) -> ChildKey {
        let Some(Step::Start(key)) = self.asked.take() else {
            panic!("the shell tells of a start not under way")
        };
        key
    }

    fn report(&self, key: ChildKey, context: ReportContext, actions: &mut Vec<Action<T>>) {
        if self.quiet {
            return;
        }
        let report = Report { context, offender: self.child(key).offender() };
        actions.push(Action::Report(Box::new(report)));
    }

    fn child(&self, key: ChildKey) -> &Child<S> {
        self.children.get(key).expect("the machine speaks only of children of its list")
    }
}

/// Whoever asks too late is told so (SUP-032); everything else has lost its meaning.
fn refuse<S, T>(event: Event<S, T>, reason: &ExitReason, actions: &mut Vec<Action<T>>) {
    if let Event::Request(token, _) = event {
        actions.push(Action::Answer(token, Answer::Ending(reason.clone())));
    }
}
