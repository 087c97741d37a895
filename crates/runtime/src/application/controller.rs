//! The process behind a running system: it knows who runs, in which order they started, and what their ends mean.
//!
//! It waits for nobody. Each application has a master, a process of its own, which takes as long as it takes.
//!
//! ```text
//!             Start ─► Starting ──told──► Running ──Stop, or it ended by itself──► Stopping
//!                          │ failed                                                   │ its master is gone
//!                          └──────────────────────► Idle ◄────────────────────────────┘
//! ```

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fauxtp_logic::reason::Cancelled;
use fauxtp_logic::{ExitReason, Pid, Time};

use super::ended::{Cause, Ended, Overrun, Stopped};
use super::error::{StartApplicationError, StopApplicationError};
use super::master::{self, Finished, Order, Told};
use super::survivors;
use super::{Application, ApplicationInfo};
use crate::address::Address;
use crate::behaviour::{GRACE, StartError};
use crate::call::Reply;
use crate::clock;
use crate::executor::NoRuntime;
use crate::hierarchy::starts_below;
use crate::instrument;
use crate::process::{self, Birth, Context, PidExt, Received, Trap};
use crate::shared::Tie;
use crate::supervisor::SupervisorHandle;

type StartReply = Reply<Result<(), StartApplicationError>>;
type StopReply = Reply<Result<Stopped, StopApplicationError>>;

/// What the controller is asked and told.
pub(super) enum Message {
    Start(Arc<str>, Option<Pid>, StartReply),
    /// With who asks and all its ancestors.
    Stop(Arc<str>, Vec<Pid>, StopReply),
    Which(Reply<Vec<ApplicationInfo>>),
    /// All that were to be started have been.
    Up,
    ShutDown(Cause),
    /// Kill whoever has not ended yet.
    Cut,
    /// To be answered when all is over.
    Wait(Reply<Ended>),
    Told(usize, Told),
    /// Nothing is left below this master, which was lost; if whoever waited for that has seen it.
    Bereft(Pid, ExitReason, Result<(), ExitReason>),
    /// Whoever does not even yield to be killed is not waited for.
    GiveUp,
}

/// What a controller starts from.
pub(super) struct Setting {
    pub(super) applications: Vec<Arc<Application>>,
    pub(super) drain: Duration,
    /// Where it is written how all ended, for those who ask later.
    pub(super) ended: Arc<OnceLock<Ended>>,
}

struct Controller {
    ctx: Context<Message>,
    members: Vec<Member>,
    /// Those that are not idle, in the order in which they were started.
    active: Vec<usize>,
    drain: Duration,
    /// Whether the last one's end ends the system.
    up: bool,
    /// Who has ended by itself last, and why.
    last_end: Option<(Arc<str>, ExitReason)>,
    ending: Option<Ending>,
    waiting: Vec<Reply<Ended>>,
}

struct Member {
    application: Arc<Application>,
    state: State,
}

enum State {
    Idle,
    Active(Box<Active>),
}

/// An application that has a master.
struct Active {
    master: Address<Order>,
    phase: Phase,
    /// Those who wait for its start.
    starters: Vec<StartReply>,
    /// Those who wait for its end.
    stoppers: Vec<StopReply>,
    /// What the master has told last, just before it ends.
    finished: Option<Finished>,
    /// When it was told to stop.
    stopping_since: Option<Time>,
}

impl Active {
    /// Its top supervisor, if it runs.
    const fn root(&self) -> Option<&SupervisorHandle> {
        match &self.phase {
            Phase::Running(root) => Some(root),
            Phase::Starting | Phase::Stopping => None,
        }
    }

    /// Tells its master to stop, or to kill. It is told to stop once.
    fn order(&mut self, order: Order) {
        let is_told = self.stopping_since.is_some();
        self.phase = Phase::Stopping;
        self.stopping_since.get_or_insert_with(clock::now);
        match order {
            Order::Stop if is_told => {}
            order => self.master.send(order),
        }
    }
}

enum Phase {
    Starting,
    Running(SupervisorHandle),
    Stopping,
}

/// The end of the system, once it has begun.
struct Ending {
    cause: Cause,
    since: Time,
    stopped: Vec<Stopped>,
    /// Those who are being killed, the one that started last first; nobody before the time is over.
    cut: Option<Vec<Arc<str>>>,
}

impl Ending {
    /// What is told of it. Those who were killed together are told of in the order in which they should have stopped.
    fn ended(self) -> Ended {
        let Self { cause, since, mut stopped, cut } = self;
        let cut = cut.unwrap_or_default();
        // Stable: who had stopped before comes before, in that order.
        stopped.sort_by_key(|stopped| {
            cut.iter().position(|name| *name == stopped.application).map_or(0, |place| place + 1)
        });
        Ended { cause, stopped, took: clock::now().since(since) }
    }
}

/// A master that was told to kill ends within the grace it gives others, and asks for their names before. One that
/// takes longer than this is blocked.
const UNRESPONSIVE: Duration = GRACE.saturating_add(Duration::from_secs(1));

/// Starts a controller with nothing running.
pub(super) fn start(setting: Setting) -> Result<Address<Message>, NoRuntime> {
    let birth = Birth { trapping: true, ..Birth::new("fauxtp::System") };
    process::start(birth, None, |ctx| run(setting, ctx))
}

async fn run(setting: Setting, mut ctx: Context<Message>) -> ExitReason {
    ctx.trap_exits(Trap::On);
    let idle = |application| Member { application, state: State::Idle };
    let mut controller = Controller {
        ctx,
        members: setting.applications.into_iter().map(idle).collect(),
        active: Vec::new(),
        drain: setting.drain,
        up: false,
        last_end: None,
        ending: None,
        waiting: Vec::new(),
    };
    let ended = controller.live().await;
    let _written_once = setting.ended.set(ended.clone());
    for waiting in controller.waiting {
        waiting.send(ended.clone());
    }
    ExitReason::Normal
}

impl Controller {
    async fn live(&mut self) -> Ended {
        loop {
            match self.ctx.recv().await {
                Received::Message(message) => self.handle(message),
                Received::Exit(exit) => self.exited(exit.from, exit.reason),
                Received::Down(_) => {}
            }
            if self.active.is_empty() {
                if let Some(ending) = self.ending.take() {
                    return ending.ended();
                }
            }
        }
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Start(name, asker, from) => self.start(&name, asker, from),
            Message::Stop(name, asker, from) => self.stop(&name, &asker, from),
            Message::Which(from) => from.send(self.running()),
            Message::Up => {
                self.up = true;
                self.end_if_nothing_runs();
            }
            Message::ShutDown(cause) => self.shut_down(cause),
            Message::Cut => self.cut(),
            Message::Wait(from) => self.waiting.push(from),
            Message::Told(index, Told::Started(root)) => self.started(index, root),
            Message::Told(index, Told::Finished(finished)) => {
                if let State::Active(active) = &mut self.members[index].state {
                    active.finished = Some(finished);
                }
            }
            Message::Bereft(master, reason, seen) => match self.index_of_master(master) {
                Some(index) if seen.is_ok() => self.lost(index, reason),
                Some(index) => self.master_lost(index, reason),
                None => {}
            },
            Message::GiveUp => self.give_up(),
        }
    }

    fn index_of(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| &*member.application.name == name)
    }

    fn start(&mut self, name: &str, asker: Option<Pid>, from: StartReply) {
        let Some(index) = self.index_of(name) else {
            return from.send(Err(StartApplicationError::Unknown));
        };
        if self.ending.is_some() {
            return from.send(Err(StartApplicationError::ShuttingDown));
        }
        match &mut self.members[index].state {
            State::Idle => {}
            State::Active(active) => {
                let master = active.master.pid();
                let error = match active.phase {
                    Phase::Starting if asker.is_some_and(|asker| starts_below(asker, master)) => {
                        StartApplicationError::Deadlock
                    }
                    Phase::Starting => return active.starters.push(from),
                    Phase::Running(_) => StartApplicationError::AlreadyStarted,
                    Phase::Stopping => StartApplicationError::Stopping,
                };
                return from.send(Err(error));
            }
        }
        let application = self.members[index].application.clone();
        let missing = application.depends_on.iter().find(|name| !self.runs(name));
        if let Some(missing) = missing {
            return from.send(Err(StartApplicationError::NotStarted(missing.clone())));
        }
        match self.launch(index, application) {
            Ok(master) => {
                self.active.push(index);
                self.members[index].state = State::Active(Box::new(Active {
                    master,
                    phase: Phase::Starting,
                    starters: vec![from],
                    stoppers: Vec::new(),
                    finished: None,
                    stopping_since: None,
                }));
            }
            Err(error) => {
                from.send(Err(StartApplicationError::Failed(StartError::NoRuntime(error))));
            }
        }
    }

    fn runs(&self, name: &str) -> bool {
        let state = self.index_of(name).map(|index| &self.members[index].state);
        matches!(state, Some(State::Active(active)) if active.root().is_some())
    }

    fn launch(
        &self,
        index: usize,
        application: Arc<Application>,
    ) -> Result<Address<Order>, NoRuntime> {
        let birth = Birth { tie: Tie::Linked, ..Birth::new("fauxtp::Application") };
        let controller = self.ctx.address();
        let tell = move |told| controller.send(Message::Told(index, told));
        process::start(birth, None, |ctx| master::run(ctx, application, tell))
    }

    fn started(&mut self, index: usize, root: SupervisorHandle) {
        let member = &mut self.members[index];
        let State::Active(active) = &mut member.state else { return };
        // Told to stop meanwhile: then nobody waits for the start any more.
        if matches!(active.phase, Phase::Starting) {
            instrument::application_started(&member.application.name, root.pid());
            active.phase = Phase::Running(root);
            active.starters.drain(..).for_each(|from| from.send(Ok(())));
        }
    }

    fn stop(&mut self, name: &str, asker: &[Pid], from: StopReply) {
        let Some(index) = self.index_of(name) else {
            return from.send(Err(StopApplicationError::Unknown));
        };
        let State::Active(active) = &mut self.members[index].state else {
            return from.send(Err(StopApplicationError::NotRunning));
        };
        let root = active.root().map(SupervisorHandle::pid);
        if asker.iter().any(|pid| *pid == active.master.pid() || Some(*pid) == root) {
            return from.send(Err(StopApplicationError::CallingSelf));
        }
        active.stoppers.push(from);
        active.starters.drain(..).for_each(|from| from.send(Err(StartApplicationError::Stopping)));
        active.order(Order::Stop);
    }

    fn shut_down(&mut self, cause: Cause) {
        if self.ending.is_some() {
            return;
        }
        instrument::shutting_down(&cause);
        self.ending = Some(Ending { cause, since: clock::now(), stopped: Vec::new(), cut: None });
        self.ctx.send_after(self.drain, Message::Cut);
        for member in &mut self.members {
            let State::Active(active) = &mut member.state else { continue };
            let starters = active.starters.drain(..);
            starters.for_each(|from| from.send(Err(StartApplicationError::ShuttingDown)));
        }
        self.stop_the_last();
    }

    /// The one that was started last of those that still run is stopped next (APP-003).
    fn stop_the_last(&mut self) {
        let Some(last) = self.active.last() else { return };
        if let State::Active(active) = &mut self.members[*last].state {
            active.order(Order::Stop);
        }
    }

    /// The time of the shutdown is over: all that are left are killed at once.
    fn cut(&mut self) {
        let Some(ending) = &mut self.ending else { return };
        if ending.cut.is_some() {
            return;
        }
        let names = self.active.iter().rev().map(|index| &self.members[*index].application.name);
        ending.cut = Some(names.cloned().collect());
        for index in self.active.iter().rev() {
            if let State::Active(active) = &mut self.members[*index].state {
                active.order(Order::Cut);
            }
        }
        self.ctx.send_after(UNRESPONSIVE, Message::GiveUp);
    }

    /// A master has not even ended after a cut: user code blocks its thread.
    fn give_up(&mut self) {
        for index in self.active.clone().into_iter().rev() {
            let State::Active(active) = &mut self.members[index].state else { continue };
            let master = active.master.pid();
            master.kill();
            instrument::unkillable(self.ctx.pid(), master);
            let application = self.members[index].application.clone();
            self.ctx.unlink_flush(master);
            let stopped = Stopped { overran: vec![Overrun::Unkillable], ..application.stopped() };
            let finished = Finished { not_started: None, by_itself: false, stopped };
            self.finished(index, finished);
        }
    }

    /// Which application this is the master of.
    fn index_of_master(&self, pid: Pid) -> Option<usize> {
        self.active.iter().copied().find(|index| match &self.members[*index].state {
            State::Active(active) => active.master.pid() == pid,
            State::Idle => false,
        })
    }

    /// A master has ended; it has told everything before, unless somebody has killed it.
    fn exited(&mut self, pid: Pid, reason: ExitReason) {
        match self.index_of_master(pid) {
            Some(index) => {
                let State::Active(active) = &mut self.members[index].state else { return };
                match active.finished.take() {
                    Some(finished) => self.finished(index, finished),
                    None => self.master_lost(index, reason),
                }
            }
            // Whoever stops this process means all of it.
            None if matches!(reason, ExitReason::Cancelled(Cancelled::Shutdown)) => {
                self.shut_down(Cause::Requested);
            }
            None => {}
        }
    }

    /// A master has ended without a word, as none does by itself: somebody has killed it. Its supervisor has that end as
    /// its own, but takes its time; the application has not ended before.
    fn master_lost(&mut self, index: usize, reason: ExitReason) {
        let State::Active(active) = &self.members[index].state else { return };
        let master = active.master.pid();
        let alive = survivors::below(&[master], None);
        if alive.is_empty() {
            return self.lost(index, reason);
        }
        let me = self.ctx.pid();
        let wait = async move {
            let patience = clock::now().plus(GRACE);
            let _late = survivors::gone(&alive, patience).await;
            survivors::end(me, || survivors::below(&[master], None)).await;
        };
        let why = reason.clone();
        let waits = self.ctx.spawn_task(wait, move |seen| Message::Bereft(master, why, seen));
        if waits.is_err() {
            self.lost(index, reason);
        }
    }

    fn lost(&mut self, index: usize, reason: ExitReason) {
        let stopped = Stopped { reason: Some(reason), ..self.members[index].application.stopped() };
        self.finished(index, Finished { not_started: None, by_itself: true, stopped });
    }

    fn finished(&mut self, index: usize, finished: Finished) {
        let Finished { not_started, by_itself, mut stopped } = finished;
        let state = std::mem::replace(&mut self.members[index].state, State::Idle);
        let State::Active(active) = state else { return };
        self.active.retain(|other| *other != index);
        let application = self.members[index].application.clone();
        if stopped.overran.is_empty() {
            instrument::application_stopped(&application.name, &stopped);
        } else {
            instrument::application_killed(&application.name, &stopped);
        }

        let has_run = not_started.is_none();
        let error = not_started.unwrap_or_else(|| {
            StartError::Failed(stopped.reason.clone().unwrap_or_else(ExitReason::killed))
        });
        for from in active.starters {
            from.send(Err(StartApplicationError::Failed(error.clone())));
        }
        if let Some(since) = active.stopping_since {
            stopped.took = clock::now().since(since);
        }
        for from in active.stoppers {
            from.send(Ok(stopped.clone()));
        }
        if let Some(ending) = &mut self.ending {
            // One that had ended by itself before was stopped by nobody, but what its callbacks did still counts.
            ending.stopped.push(stopped);
            self.stop_the_last();
        } else if has_run && by_itself && active.stopping_since.is_none() {
            self.ended_by_itself(&application, stopped);
        }
    }

    /// What that means for all others (APP-005).
    fn ended_by_itself(&mut self, application: &Application, stopped: Stopped) {
        let reason = stopped.reason.clone().unwrap_or_else(ExitReason::killed);
        instrument::application_ended(&application.name, application.start_type, &reason);
        self.last_end = Some((application.name.clone(), reason.clone()));
        if application.start_type.ends_system(&reason) {
            let application = application.name.clone();
            self.shut_down(Cause::ApplicationEnded { application, reason });
        } else {
            self.end_if_nothing_runs();
        }
        // What is wrong with its own end counts as well.
        if let Some(ending) = self.ending.as_mut().filter(|_| !stopped.is_clean()) {
            ending.stopped.insert(0, stopped);
        }
    }

    /// A system whose last application has ended by itself would run for ever, and do nothing.
    fn end_if_nothing_runs(&mut self) {
        if !self.up || !self.active.is_empty() {
            return;
        }
        if let Some((application, reason)) = self.last_end.take() {
            self.shut_down(Cause::ApplicationEnded { application, reason });
        }
    }

    fn running(&self) -> Vec<ApplicationInfo> {
        let info = |index: &usize| {
            let Member { application, state } = &self.members[*index];
            let State::Active(active) = state else { return None };
            let root = active.root()?;
            Some(ApplicationInfo {
                name: application.name.clone(),
                start_type: application.start_type,
                supervisor: root.clone(),
            })
        };
        self.active.iter().rev().filter_map(info).collect()
    }
}
