//! A task under way: its process, the parcel its value is put in, and the news of its end.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};

use fauxtp_logic::{ExitReason, Pid};
use smallvec::SmallVec;

use super::TaskError;
use crate::executor::NoRuntime;
use crate::process::{self, Birth, PidExt};
use crate::shared::Handle;
use crate::signal::Signal;
use crate::slot::{self, Broken, Pledge, Promise};
use crate::sync::Mutex;
use crate::table;
use crate::waiting::Patience;

/// What a task could receive, if it did.
pub(super) type Inside = process::Context<Infallible>;

/// Where a value waits for whoever wants it. It does not travel with the news of the end: in the last steps of a
/// farewell no code of the user's may run, not even the destructor of a value that nobody wants any more.
type Parcel<T> = Arc<Mutex<Option<T>>>;

/// A task whose outcome has not been taken.
pub(super) struct Running<T> {
    process: Handle,
    /// With whom it is linked.
    owner: Option<Pid>,
    /// Never kept: broken by the end of the task, after everybody has been told of that.
    end: Pledge<()>,
    parcel: Parcel<T>,
}

/// What a task's process is made of.
pub(super) struct Work<T: Send + 'static, F> {
    future: F,
    end: Promise<()>,
    parcel: Parcel<T>,
}

/// What remains with whoever waits.
pub(super) struct Waiting<T> {
    end: Pledge<()>,
    parcel: Parcel<T>,
}

impl<T: Send + 'static, F: Future<Output = T> + Send + 'static> Work<T, F> {
    pub(super) fn new(future: F) -> (Self, Waiting<T>) {
        let (promise, end) = slot::promise();
        let parcel = Parcel::default();
        (Self { future, end: promise, parcel: parcel.clone() }, Waiting { end, parcel })
    }

    /// Does it.
    pub(super) async fn done(self) -> ExitReason {
        let Self { future, end, parcel } = self;
        let value = future.await;
        *parcel.lock() = Some(value);
        drop((parcel, end));
        ExitReason::Normal
    }
}

impl<T: Send + 'static> Waiting<T> {
    pub(super) fn of(self, process: Handle, owner: Option<Pid>) -> Running<T> {
        Running { process, owner, end: self.end, parcel: self.parcel }
    }
}

impl<T: Send + 'static> Running<T> {
    pub(super) fn start<F>(birth: Birth, owner: Option<Pid>, future: F) -> Result<Self, NoRuntime>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (work, waiting) = Work::new(future);
        let address = process::start(birth, None, |_: Inside| work.done())?;
        Ok(waiting.of(address.handle(), owner))
    }

    pub(super) fn pid(&self) -> Pid {
        self.process.core().pid
    }

    /// Waits for the outcome; nothing once patience is over. A value that has arrived is the outcome, whatever the
    /// task ended with afterwards (TASK-005).
    pub(super) fn poll(
        &mut self,
        patience: &mut Patience,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<T, TaskError>>> {
        let process = &self.process;
        let end = patience.poll_answer(&mut self.end, || Some(process.clone()), cx);
        let end = match std::task::ready!(end) {
            Some(end) => end,
            // Whoever has heard of the end some other way finds the outcome here, though it is told last.
            None if process.core().has_ended() => match self.end.poll(cx) {
                Poll::Ready(end) => end,
                Poll::Pending => return Poll::Ready(None),
            },
            None => return Poll::Ready(None),
        };
        let value = self.parcel.lock().take();
        Poll::Ready(Some(value.ok_or_else(|| {
            TaskError::Exited(match end {
                Err(Broken::Exited(reason)) => reason,
                // Never: no task outlives its work.
                Ok(()) | Err(Broken::Dropped) => ExitReason::no_proc(),
            })
        })))
    }

    /// Tells the task to end.
    pub(super) fn dismiss(&self, reason: ExitReason) {
        self.pid().exit(reason);
    }

    /// Removes the link with the owner, at both ends.
    pub(super) fn part(&mut self) {
        let Some(owner) = self.owner.take() else { return };
        let pid = self.pid();
        let Some(process) = table::find(owner) else { return };
        let links = process.core().private(|private| {
            let linked = private.is_linked(pid);
            if linked { private.relations().unlink(pid) } else { SmallVec::new() }
        });
        for id in links {
            let _ended_already = self.process.clone().signal(Signal::Unlink { from: owner, id });
        }
    }
}
