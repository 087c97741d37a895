//! A shell without processes that obeys the shell's rule and checks, after every step, what must always hold.
#![allow(
    unreachable_pub,
    dead_code,
    reason = "shared by three test programs, each of which uses a part"
)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use fauxtp_logic::reason::MaxRestartsReached;
use fauxtp_logic::supervisor::{
    Action, Answer, ChildKey, ChildSpec, ChildState, DeleteChildError, Event, FailedToStartChild,
    Flags, Machine, ReportContext, Request, Restart, RestartChildError, Shutdown, SpecError,
    StartChildError, TerminateChildError,
};
use fauxtp_logic::{ExitReason, Pid, Time};

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Normal,
    Shutdown,
    ShutdownWith,
    Killed,
    Error,
}

impl End {
    pub const ALL: [Self; 5] =
        [Self::Normal, Self::Shutdown, Self::ShutdownWith, Self::Killed, Self::Error];

    pub fn reason(self) -> ExitReason {
        match self {
            Self::Normal => ExitReason::Normal,
            Self::Shutdown => ExitReason::shutdown(),
            Self::ShutdownWith => ExitReason::shutdown_with("done"),
            Self::Killed => ExitReason::killed(),
            Self::Error => ExitReason::error("boom"),
        }
    }
}

/// How a start goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    Fail,
    Ignore,
}

/// What happens to the world.
#[derive(Clone, Debug)]
pub enum Move {
    Begin,
    /// The process of this child ends; the supervisor hears of it at the next move that is no `Die`.
    Die(&'static str, End),
    /// So the next start goes that has no outcome yet.
    Next(Outcome),
    /// So the next child ends that is stopped alive.
    StopsAs(End),
    /// The oldest retry is told.
    Retry,
    /// All that is not current is told again: the exit of every dead process, the retry of every key there was.
    Stale,
    StartChild(&'static str, Restart),
    Terminate(&'static str),
    Restart(&'static str),
    Delete(&'static str),
    Which,
    Count,
    /// This many milliseconds pass.
    Wait(u64),
    Shutdown(End),
}

#[derive(Clone)]
pub struct World {
    pub machine: Machine<(), u32>,
    pub now: Time,
    pub exit: Option<ExitReason>,
    /// What the machine did since `take_trace`, for tables. None if nobody wants it.
    trace: Option<Vec<String>>,
    history: Vec<Move>,
    live: BTreeMap<Pid, ChildKey>,
    /// Exits the supervisor has not heard of.
    mailbox: VecDeque<(Pid, ExitReason)>,
    /// Retries that were asked for, oldest first.
    retries: Vec<ChildKey>,
    outcomes: VecDeque<Outcome>,
    stop_ends: VecDeque<End>,
    processes: u32,
    keys: BTreeSet<ChildKey>,
    unanswered: BTreeSet<u32>,
    tokens: u32,
    /// When restarts were attempted.
    attempts: Vec<Time>,
    begun: bool,
}

/// The steps that follow from one event.
#[derive(Default)]
struct Cascade {
    begin: bool,
    stop: Option<ChildKey>,
    start: Option<ChildKey>,
    ending: bool,
}

impl World {
    pub fn new(flags: Flags, specs: Vec<ChildSpec<()>>) -> Result<Self, SpecError> {
        Ok(Self {
            machine: Machine::new(flags, specs)?,
            now: Time::ORIGIN,
            exit: None,
            trace: None,
            history: Vec::new(),
            live: BTreeMap::new(),
            mailbox: VecDeque::new(),
            retries: Vec::new(),
            outcomes: VecDeque::new(),
            stop_ends: VecDeque::new(),
            processes: 0,
            keys: BTreeSet::new(),
            unanswered: BTreeSet::new(),
            tokens: 0,
            attempts: Vec::new(),
            begun: false,
        })
    }

    pub fn traced(mut self) -> Self {
        self.trace = Some(Vec::new());
        self
    }

    pub fn take_trace(&mut self) -> String {
        let trace = self.trace.as_mut().expect("a traced world");
        std::mem::take(trace).join(" ")
    }

    pub fn pid_of(&self, id: &str) -> Option<Pid> {
        self.machine
            .key_of(id)
            .and_then(|key| self.machine.state_of(key))
            .and_then(|state| state.pid())
    }

    /// Whether nothing is left that would happen by itself.
    pub fn is_quiet(&self) -> bool {
        self.mailbox.is_empty() && self.retries.is_empty()
    }

    /// Whether the move would change anything.
    pub fn can(&self, what: &Move) -> bool {
        match what {
            Move::Die(id, _) => self.pid_of(id).is_some_and(|pid| self.live.contains_key(&pid)),
            // The deaths it has not heard of may ask for retries first.
            Move::Retry => !self.is_quiet(),
            _ => true,
        }
    }

    pub fn step(&mut self, what: &Move) {
        self.history.push(what.clone());
        match what {
            Move::Die(id, end) => return self.die(id, *end),
            Move::Next(outcome) => return self.outcomes.push_back(*outcome),
            Move::StopsAs(end) => return self.stop_ends.push_back(*end),
            Move::Wait(ms) => {
                self.now = self.now.plus(Duration::from_millis(*ms));
                return;
            }
            _ => self.deliver(),
        }
        match what {
            Move::Begin => self.tell(Event::Begin),
            Move::Retry if !self.retries.is_empty() => {
                let key = self.retries.remove(0);
                self.tell(Event::Retry(key));
            }
            Move::Stale => self.stale(),
            Move::StartChild(id, restart) => {
                let spec = ChildSpec { restart: *restart, ..ChildSpec::worker(*id, ()) };
                self.ask(Request::StartChild(Box::new(spec)));
            }
            Move::Terminate(id) => self.ask(Request::TerminateChild(Arc::from(*id))),
            Move::Restart(id) => self.ask(Request::RestartChild(Arc::from(*id))),
            Move::Delete(id) => self.ask(Request::DeleteChild(Arc::from(*id))),
            Move::Which => self.ask(Request::WhichChildren),
            Move::Count => self.ask(Request::CountChildren),
            Move::Shutdown(end) => self.tell(Event::Shutdown(end.reason())),
            _ => {}
        }
    }

    /// Tells the supervisor of the deaths it has not heard of.
    pub fn deliver(&mut self) {
        while let Some((pid, reason)) = self.mailbox.pop_front() {
            self.tell(Event::Exited(pid, reason));
        }
    }

    pub fn ask(&mut self, request: Request<()>) {
        self.tokens += 1;
        self.unanswered.insert(self.tokens);
        self.tell(Event::Request(self.tokens, request));
        assert!(self.unanswered.is_empty(), "unanswered after {:?}", self.history);
    }

    fn die(&mut self, id: &str, end: End) {
        let Some(pid) = self.pid_of(id) else { return };
        if self.live.remove(&pid).is_some() {
            self.mailbox.push_back((pid, end.reason()));
        }
    }

    fn stale(&mut self) {
        for serial in 0..=self.processes {
            let pid = pid(serial);
            if !self.live.contains_key(&pid) {
                self.tell(Event::Exited(pid, ExitReason::error("stale")));
            }
        }
        let restarting = |key| self.machine.state_of(key) == Some(ChildState::Restarting);
        let keys: Vec<_> = self.keys.iter().copied().filter(|key| !restarting(*key)).collect();
        for key in keys {
            self.tell(Event::Retry(key));
        }
        self.tell(Event::Begin);
    }

    /// Tells one event, and the outcome of every start and stop that follows.
    fn tell(&mut self, event: Event<(), u32>) {
        let may_restart = matches!(event, Event::Exited(..) | Event::Retry(_));
        let mut cascade = Cascade { begin: matches!(event, Event::Begin), ..Cascade::default() };
        let mut next = Some(event);
        while let Some(event) = next.take() {
            let actions = self.machine.on_event(self.now, event);
            for action in actions {
                assert!(next.is_none(), "an action after a start or stop: {:?}", self.history);
                next = self.carry_out(action, &mut cascade);
            }
        }
        if may_restart && cascade.start.is_some() {
            self.attempts.push(self.now);
        }
        self.check();
    }

    fn carry_out(&mut self, action: Action<u32>, cascade: &mut Cascade) -> Option<Event<(), u32>> {
        if let Some(reason) = &self.exit {
            let late =
                matches!(&action, Action::Answer(_, Answer::Ending(given)) if given == reason);
            assert!(late, "{action:?} after the exit: {:?}", self.history);
        }
        match action {
            Action::Start(key) => return Some(self.start(key, cascade)),
            Action::Stop(key, pid, shutdown) => {
                return Some(self.stop(key, pid, shutdown, cascade));
            }
            Action::Retry(key, attempt) => {
                assert!(attempt > 0);
                self.note(|world| format!("retry({},{attempt})", world.id(key)));
                self.retries.retain(|earlier| *earlier != key);
                self.retries.push(key);
            }
            Action::Answer(token, answer) => {
                assert!(self.unanswered.remove(&token), "answered twice: {:?}", self.history);
                self.note(|_| format!("={}", show(&answer)));
            }
            Action::Report(report) => {
                if matches!(
                    report.context,
                    ReportContext::ReachedMaxRestartIntensity | ReportContext::AutoShutdown
                ) {
                    cascade.ending = true;
                    cascade.stop = None;
                }
                match report.context {
                    ReportContext::Progress => {}
                    context => self.note(|_| format!("{}({})", context.name(), report.offender.id)),
                }
            }
            Action::Begun => {
                assert!(!self.begun && cascade.begin);
                self.begun = true;
                self.note(|_| "begun".to_owned());
            }
            Action::Exit(reason) => {
                assert!(
                    self.live.is_empty()
                        && self.mailbox.iter().all(|(pid, _)| !self.live.contains_key(pid))
                );
                self.note(|_| format!("exit({})", show_reason(&reason)));
                self.exit = Some(reason);
            }
        }
        None
    }

    fn start(&mut self, key: ChildKey, cascade: &mut Cascade) -> Event<(), u32> {
        assert!(!cascade.ending, "started while ending: {:?}", self.history);
        assert!(cascade.start < Some(key), "starts go forwards: {:?}", self.history);
        assert!(self.machine.start_of(key).is_some(), "nothing to start: {:?}", self.history);
        assert!(
            self.live.values().all(|alive| *alive != key),
            "two incarnations: {:?}",
            self.history
        );
        cascade.start = Some(key);
        self.keys.insert(key);
        let outcome = self.outcomes.pop_front().unwrap_or(Outcome::Ok);
        self.note(|world| {
            format!(
                "+{}{}",
                world.id(key),
                match outcome {
                    Outcome::Ok => "",
                    Outcome::Fail => "!",
                    Outcome::Ignore => "?",
                }
            )
        });
        match outcome {
            Outcome::Ok => {
                self.processes += 1;
                let pid = pid(self.processes);
                self.live.insert(pid, key);
                Event::Started(pid)
            }
            Outcome::Fail => Event::StartFailed(ExitReason::error("no start")),
            Outcome::Ignore => Event::StartIgnored,
        }
    }

    fn stop(
        &mut self,
        key: ChildKey,
        pid: Pid,
        shutdown: Shutdown,
        cascade: &mut Cascade,
    ) -> Event<(), u32> {
        if cascade.start.is_some() && !cascade.ending {
            assert!(cascade.begin, "only a failed begin stops what it started: {:?}", self.history);
            cascade.ending = true;
        }
        assert!(
            cascade.stop.is_none_or(|later| later > key),
            "stops go backwards: {:?}",
            self.history
        );
        cascade.stop = Some(key);
        self.note(|world| format!("-{}", world.id(key)));
        if let Some(owner) = self.live.remove(&pid) {
            assert_eq!(owner, key, "{:?}", self.history);
            let usual = if shutdown == Shutdown::BrutalKill { End::Killed } else { End::Shutdown };
            return Event::Stopped(self.stop_ends.pop_front().unwrap_or(usual).reason());
        }
        let queued = self.mailbox.iter().position(|(dead, _)| *dead == pid);
        let place = queued.unwrap_or_else(|| panic!("{pid} is nobody: {:?}", self.history));
        Event::Stopped(self.mailbox.remove(place).expect("just found").1)
    }

    /// What must hold whenever the supervisor is free.
    fn check(&self) {
        let children = self.machine.which_children();
        let running: BTreeSet<Pid> =
            children.iter().filter_map(|child| child.state.pid()).collect();
        let here = |pid: &Pid| {
            self.live.contains_key(pid) || self.mailbox.iter().any(|(dead, _)| dead == pid)
        };
        assert!(running.iter().all(here), "runs without a process: {:?}", self.history);
        assert!(
            self.live.keys().all(|pid| running.contains(pid)),
            "a lost child: {:?}",
            self.history
        );
        for child in children.iter().filter(|child| child.state == ChildState::Restarting) {
            let key = self.machine.key_of(&child.id).expect("a listed child has a key");
            assert!(
                self.retries.contains(&key),
                "{} is never tried again: {:?}",
                child.id,
                self.history
            );
        }
        let counts = self.machine.count_children();
        assert_eq!((counts.specs, counts.active), (children.len(), running.len()));
        assert_eq!(counts.specs, counts.workers + counts.supervisors);
        assert_eq!(self.machine.ended().is_some(), self.exit.is_some());
        if self.exit.is_some() {
            assert!(self.live.is_empty(), "somebody outlived the supervisor: {:?}", self.history);
        }
        self.check_budget();
    }

    /// No window of one period, both ends included, holds more attempts than allowed.
    fn check_budget(&self) {
        let intensity = self.machine.flags().intensity;
        let Some(restarts_max) = intensity.restarts_max else { return };
        let Some(first) = self.attempts.len().checked_sub(restarts_max as usize + 1) else {
            return;
        };
        let span = self.now.since(self.attempts[first]);
        let last = self.attempts.last().is_some_and(|last| *last == self.now);
        assert!(!last || span > intensity.period, "restarted too often: {:?}", self.history);
    }

    fn id(&self, key: ChildKey) -> Arc<str> {
        self.machine.spec_of(key).expect("actions name children of the list").id.clone()
    }

    fn note(&mut self, line: impl FnOnce(&Self) -> String) {
        if let Some(mut trace) = self.trace.take() {
            trace.push(line(self));
            self.trace = Some(trace);
        }
    }
}

fn pid(serial: u32) -> Pid {
    Pid { node: 0, id: serial, serial: 0, creation: 0 }
}

pub fn show_reason(reason: &ExitReason) -> String {
    if reason.downcast_ref::<MaxRestartsReached>().is_some() {
        "max_restarts".to_owned()
    } else if let Some(failed) = reason.downcast_ref::<FailedToStartChild>() {
        format!("failed_to_start:{}", failed.id)
    } else if reason.is_error() {
        "error".to_owned()
    } else {
        format!("{reason:?}")
    }
}

fn show(answer: &Answer) -> String {
    let started = |pid: &Option<Pid>| if pid.is_some() { "ok" } else { "none" }.to_owned();
    match answer {
        Answer::StartChild(Ok(pid)) | Answer::RestartChild(Ok(pid)) => started(pid),
        Answer::TerminateChild(Ok(())) | Answer::DeleteChild(Ok(())) => "ok".to_owned(),
        Answer::StartChild(Err(StartChildError::AlreadyStarted(_))) => "already_started".to_owned(),
        Answer::StartChild(Err(StartChildError::AlreadyPresent)) => "already_present".to_owned(),
        Answer::StartChild(Err(StartChildError::Failed(_))) => "failed".to_owned(),
        Answer::StartChild(Err(StartChildError::Spec(_))) => "spec".to_owned(),
        Answer::RestartChild(Err(RestartChildError::Failed(_))) => "failed".to_owned(),
        Answer::RestartChild(Err(RestartChildError::Running))
        | Answer::DeleteChild(Err(DeleteChildError::Running)) => "running".to_owned(),
        Answer::RestartChild(Err(RestartChildError::Restarting))
        | Answer::DeleteChild(Err(DeleteChildError::Restarting)) => "restarting".to_owned(),
        Answer::RestartChild(Err(RestartChildError::NotFound))
        | Answer::DeleteChild(Err(DeleteChildError::NotFound))
        | Answer::TerminateChild(Err(TerminateChildError::NotFound)) => "not_found".to_owned(),
        Answer::WhichChildren(children) => {
            let all: Vec<String> = children
                .iter()
                .map(|child| match child.state {
                    ChildState::Running(_) => format!("{}", child.id),
                    ChildState::Restarting => format!("{}:restarting", child.id),
                    ChildState::Stopped => format!("{}:none", child.id),
                })
                .collect();
            format!("[{}]", all.join(","))
        }
        Answer::CountChildren(c) => {
            format!("[{},{},{},{}]", c.specs, c.active, c.supervisors, c.workers)
        }
        Answer::Ending(reason) => format!("ending({})", show_reason(reason)),
        other => format!("{other:?}"),
    }
}
