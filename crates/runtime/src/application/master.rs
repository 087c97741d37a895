//! The process of one application that runs: it starts the top supervisor, waits for its end, and sees to the stop.
//!
//! ```text
//!   start the top supervisor ─► wait ─► stop asked for, or it ended by itself
//!                                          └─► prep_stop ─► top supervisor shut down ─► stop ─► told
//! ```
//!
//! Whatever it waits for, a `Cut` ends the waiting: then everything below is killed.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use fauxtp_logic::tray::Item;
use fauxtp_logic::{ExitReason, Pid, Time};

use super::Application;
use super::ended::{Callback, Overrun, Stopped};
use super::hook::Hook;
use super::race::{Either, race};
use super::root::Root;
use super::survivors;
use crate::behaviour::{GRACE, StartError};
use crate::clock;
use crate::guard::{catch, drop_caught, panicked};
use crate::hierarchy;
use crate::instrument;
use crate::mailbox::Notice;
use crate::process::{Context, Limit, Trap};
use crate::supervisor::SupervisorHandle;

/// What the controller wants.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// Stop as you should.
    Stop,
    /// The time is over: kill what there is.
    Cut,
}

/// What the controller is told.
pub(super) enum Told {
    Started(SupervisorHandle),
    /// The last thing that is told.
    Finished(Finished),
}

/// What has become of an application.
pub(super) struct Finished {
    /// Why it did not start, if it did not.
    pub(super) not_started: Option<StartError>,
    /// Whether its top supervisor ended before anybody had asked for a stop.
    pub(super) by_itself: bool,
    pub(super) stopped: Stopped,
}

/// Why something was not waited for any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Short {
    Late,
    Cut,
}

struct Master {
    ctx: Context<Order>,
    /// The top supervisor, once it has started.
    root: Option<SupervisorHandle>,
    stop_asked: bool,
    cut: bool,
    root_ended: bool,
}

pub(super) async fn run(
    mut ctx: Context<Order>,
    application: Arc<Application>,
    tell: impl Fn(Told) + Send,
) -> ExitReason {
    ctx.trap_exits(Trap::On);
    let mut master = Master { ctx, root: None, stop_asked: false, cut: false, root_ended: false };
    let finished = match master.start(&application.root).await {
        Ok(root) => {
            tell(Told::Started(root.clone()));
            master.wait().await;
            let by_itself = !master.stop_asked;
            let stopped = master.stop(&application, &root).await;
            Finished { not_started: None, by_itself, stopped }
        }
        Err((error, overran)) => {
            let overran = overran.into_iter().collect();
            let stopped = Stopped { overran, ..application.stopped() };
            Finished { not_started: Some(error), by_itself: false, stopped }
        }
    };
    tell(Told::Finished(finished));
    ExitReason::Normal
}

impl Master {
    async fn start(
        &mut self,
        root: &Root,
    ) -> Result<SupervisorHandle, (StartError, Option<Overrun>)> {
        let handle = match root {
            Root::Running(handle) => handle.clone(),
            Root::Make(make) => {
                let supervisor = catch(|| make().link(&self.ctx));
                let supervisor =
                    supervisor.map_err(|report| (StartError::Failed(panicked(report)), None))?;
                let mut starting = pin!(supervisor.start());
                match self.unless_cut(starting.as_mut(), None).await {
                    Ok(started) => started.map_err(|error| (error, None))?,
                    Err(_) => {
                        self.end_all().await;
                        return Err((
                            StartError::Failed(ExitReason::killed()),
                            Some(Overrun::Start),
                        ));
                    }
                }
            }
        };
        self.ctx.monitor(handle.pid());
        self.root = Some(handle.clone());
        Ok(handle)
    }

    /// Waits until there is something to be done.
    async fn wait(&mut self) {
        while !(self.stop_asked || self.cut || self.root_ended) {
            let item = self.ctx.next_item(Limit::Never).await;
            item.into_iter().for_each(|item| self.take(item));
        }
    }

    fn take(&mut self, item: Item<Order, Notice<Order>>) {
        match item {
            Item::Message(Order::Stop) => self.stop_asked = true,
            Item::Message(Order::Cut) => {
                self.stop_asked = true;
                self.cut = true;
            }
            Item::Notice(Notice::Down(_)) => self.root_ended = true,
            // Nobody is left to whom this application belongs.
            Item::Notice(Notice::Exit(exit)) if self.ctx.parent() == Some(exit.from) => {
                self.stop_asked = true;
            }
            // What the top supervisor's link says, its monitor says as well.
            Item::Notice(Notice::Exit(_) | Notice::Stop { .. } | Notice::Timer(..)) => {}
            Item::Notice(Notice::Barrier(_)) => unreachable!("reached when it is taken"),
        }
    }

    /// Waits for something of the user's, unless its time is over or all is cut short.
    async fn unless_cut<F: Future>(
        &mut self,
        future: F,
        deadline: Option<Time>,
    ) -> Result<F::Output, Short> {
        let mut future = pin!(future);
        let limit = deadline.map_or(Limit::Never, Limit::At);
        loop {
            if self.cut {
                return Err(Short::Cut);
            }
            match race(future.as_mut(), self.ctx.next_item(limit)).await {
                Either::Left(output) => return Ok(output),
                Either::Right(Some(item)) => self.take(item),
                Either::Right(None) => return Err(Short::Late),
            }
        }
    }

    async fn stop(&mut self, application: &Application, root: &SupervisorHandle) -> Stopped {
        let begun = clock::now();
        let deadline = application.drain.map(|drain| begun.plus(drain));
        let mut stopped = application.stopped();
        let prep_stop = application.prep_stop.as_ref();
        self.call(Callback::PrepStop, prep_stop, deadline, &mut stopped).await;
        if self.shut_down(root, deadline).await.is_err() {
            let alive = survivors::below(&self.tops(), Some(root.pid()));
            stopped.overran.push(Overrun::Processes(survivors::named(&alive).await));
            self.end_all().await;
        }
        stopped.reason = Some(reason_of(root).await);
        // After a kill, too: what it cleans up is there all the same.
        let stop = application.stop.as_ref();
        self.call(Callback::Stop, stop, None, &mut stopped).await;
        stopped.took = clock::now().since(begun);
        stopped
    }

    /// Runs a callback, if there is one and time for it; what goes wrong with it is noted, and the stop goes on.
    async fn call(
        &mut self,
        which: Callback,
        hook: Option<&Hook>,
        deadline: Option<Time>,
        stopped: &mut Stopped,
    ) {
        let Some(hook) = hook.filter(|_| !self.cut) else { return };
        let mut run = Box::pin(hook.run());
        let outcome = self.unless_cut(run.as_mut(), deadline).await;
        // What is cut off is dropped in the middle of something; its destructors are the user's.
        let thrown = drop_caught(run).map(panicked);
        match outcome {
            Ok(reason) if reason.is_clean() => {}
            Ok(reason) => {
                instrument::callback_failed(&stopped.application, &which, &reason);
                stopped.failed.push((which, reason));
            }
            Err(_) => stopped.overran.push(Overrun::Callback(which)),
        }
        if let Some(reason) = thrown {
            instrument::callback_failed(&stopped.application, &which, &reason);
            stopped.failed.push((which, reason));
        }
    }

    /// Stops the top supervisor, and waits for what is left of one that was killed by somebody else, or has failed.
    async fn shut_down(
        &mut self,
        root: &SupervisorHandle,
        deadline: Option<Time>,
    ) -> Result<(), Short> {
        if !self.root_ended {
            // However it ends: its reason is looked at later.
            let _however = self.unless_cut(root.stop(), deadline).await?;
        }
        let _however = root.wait().await;
        let orphans = hierarchy::supervised_by(&[root.pid()]);
        let patience = clock::now().plus(ORPHANS_TIME);
        let _late = self.unless_cut(survivors::gone(&orphans, patience), deadline).await?;
        Ok(())
    }

    /// Kills the top supervisor and everything below it.
    async fn end_all(&mut self) {
        let root = self.root.as_ref().map(SupervisorHandle::pid);
        let tops = self.tops();
        survivors::end(self.ctx.pid(), || survivors::below(&tops, root)).await;
    }

    fn tops(&self) -> Vec<Pid> {
        let root = self.root.as_ref().map(SupervisorHandle::pid);
        [self.ctx.pid()].into_iter().chain(root).collect()
    }
}

/// Why it ended; one that does not even yield to be killed is as good as dead.
async fn reason_of(root: &SupervisorHandle) -> ExitReason {
    match race(root.wait(), std::future::ready(())).await {
        Either::Left(reason) => reason,
        Either::Right(()) => ExitReason::killed(),
    }
}

/// How long those may take that were below a supervisor which has not stopped them.
const ORPHANS_TIME: Duration = GRACE;
