//! Errands: what a process has done beside it, and hears of by one message.
//!
//! ```text
//!   owner ──spawn_task──► errand ── value, panic, kill ──► the message is made ──► farewell ──► owner's inbox
//!     └── ends, however ──► ends                           (in its own process)     its last act
//! ```
//!
//! The message is made while the errand's own code may still run, in the body or while that is dropped; and sent when
//! everybody has been told of the end, where no code of the user's may run. In between it lies in an envelope.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use fauxtp_logic::{ExitReason, Pid, Ref};
use pin_project_lite::pin_project;

use super::Context;
use crate::current;
use crate::executor::NoRuntime;
use crate::guard::{catch, drop_each};
use crate::instrument;
use crate::mailbox::{Notice, Shared};
use crate::process::{Birth, PidExt, start};
use crate::shared::Tie;
use crate::signal::fresh_ref;
use crate::sync::{Mutex, thread};

impl<M: Send + 'static> Context<M> {
    /// Runs a future in a process of its own, and has its outcome arrive as one message: of the value, or of the
    /// reason it ended with instead. This process goes on meanwhile.
    ///
    /// The message arrives exactly once, however the task ends (value, panic, kill), when it has ended, and also if
    /// the mailbox is full. The task cannot take this process down, and trapped or not, no exit comes from it. It ends
    /// with this process, whatever that ends with: with a shutdown if that has ended normally. If `outcome` panics,
    /// that is a crash of the task, and there is no message.
    ///
    /// To wait for the value instead of receiving it, see [`Task`](crate::task::Task).
    ///
    /// # Errors
    /// [`NoRuntime`] if the runtime is gone.
    ///
    /// # Examples
    /// ```
    /// use fauxtp::prelude::*;
    ///
    /// struct Reports;
    ///
    /// enum Message {
    ///     Make(Reply<String>),
    ///     Made(Reply<String>, Result<String, ExitReason>),
    /// }
    ///
    /// impl GenServer for Reports {
    ///     type Args = ();
    ///     type Message = Message;
    ///
    ///     async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
    ///         Ok(Reports)
    ///     }
    ///
    ///     async fn handle(&mut self, message: Message, ctx: &mut Context<Self>) -> Result {
    ///         match message {
    ///             Message::Make(from) => {
    ///                 ctx.spawn_task(async { "slow work".to_owned() }, |made| Message::Made(from, made))?;
    ///             }
    ///             Message::Made(from, Ok(report)) => from.send(report),
    ///             Message::Made(from, Err(reason)) => from.send(format!("no report: {reason}")),
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
    /// let reports = Reports::start(()).await?;
    /// assert_eq!(reports.call(Message::Make).await?, "slow work");
    /// # Ok(()) }
    /// ```
    pub fn spawn_task<F>(
        &mut self,
        future: F,
        outcome: impl FnOnce(Result<F::Output, ExitReason>) -> M + Send + 'static,
    ) -> Result<OwnedTask, NoRuntime>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let envelope = Arc::new(Envelope(Mutex::new(Letter::Unwritten)));
        let id = fresh_ref();
        let courier = Courier {
            write: Some(outcome),
            envelope: envelope.clone(),
            id,
            to: self.shared.clone(),
        };
        let me = self.pid();
        let birth =
            Birth { tie: Tie::Owned, caller: Some(me), ..Birth::new(std::any::type_name::<F>()) };
        let _entered = current::enter(self.handle());
        let task =
            start(birth, None, |_: Context<Nothing>| Errand { future, courier, ended: false })?;
        Ok(OwnedTask { pid: task.pid(), id, envelope })
    }

    /// Stops a task of this process, and withdraws its outcome: nothing arrives of it any more, even if it had
    /// arrived and waited. False if its outcome has been received already, so that there was nothing to withdraw.
    ///
    /// The task is killed; its code may still run up to its next await.
    pub fn cancel_task(&mut self, task: OwnedTask) -> bool {
        let withdrawn = task.envelope.withdraw();
        task.pid.kill();
        if withdrawn {
            return true;
        }
        let arrived =
            self.take_notice(|notice| matches!(notice, Notice::Timer(id, _) if *id == task.id));
        arrived.is_some()
    }
}

/// What a task receives.
type Nothing = std::convert::Infallible;

/// A task that belongs to a process: it ends with it, and tells it its outcome by one message.
///
/// Dropping this changes nothing. See [`Context::spawn_task`].
#[derive(Clone)]
pub struct OwnedTask {
    pid: Pid,
    id: Ref,
    envelope: Arc<dyn Withdraw>,
}

impl OwnedTask {
    /// The pid of the task.
    #[must_use]
    pub const fn pid(&self) -> Pid {
        self.pid
    }
}

impl From<&OwnedTask> for Pid {
    fn from(task: &OwnedTask) -> Self {
        task.pid
    }
}

impl fmt::Debug for OwnedTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnedTask({})", self.pid)
    }
}

/// Where an outcome lies between being written and being sent.
struct Envelope<M>(Mutex<Letter<M>>);

enum Letter<M> {
    Unwritten,
    Written(M),
    /// It is being put into the inbox.
    UnderWay,
    Sent,
    Withdrawn,
}

trait Withdraw: Send + Sync {
    /// Says whether it was not sent yet, and so never will be.
    fn withdraw(&self) -> bool;
}

impl<M: Send> Withdraw for Envelope<M> {
    fn withdraw(&self) -> bool {
        loop {
            let mut letter = self.0.lock();
            match *letter {
                // Plain enqueuing, on another thread.
                Letter::UnderWay => drop(letter),
                Letter::Sent => return false,
                _ => {
                    let unsent = std::mem::replace(&mut *letter, Letter::Withdrawn);
                    drop(letter);
                    drop_each(Some(unsent));
                    return true;
                }
            }
            thread::yield_now();
        }
    }
}

impl<M: Send + 'static> Envelope<M> {
    fn is_withdrawn(&self) -> bool {
        matches!(*self.0.lock(), Letter::Withdrawn)
    }

    fn write(&self, message: M) {
        let mut letter = self.0.lock();
        let message = match *letter {
            Letter::Withdrawn => message,
            _ => {
                *letter = Letter::Written(message);
                return;
            }
        };
        drop(letter);
        drop(message);
    }

    fn send(&self, id: Ref, to: &Arc<Shared<M>>) {
        let mut letter = self.0.lock();
        let Letter::Written(message) = std::mem::replace(&mut *letter, Letter::UnderWay) else {
            *letter = Letter::Withdrawn;
            return;
        };
        drop(letter);
        // As the message of a timer: never refused for want of room, and it can be taken back.
        let sent = catch(|| to.expire(id, message));
        *self.0.lock() = Letter::Sent;
        if let Ok(Err(refused)) = sent {
            // The owner is gone, and everybody else is just being told of this end: no code of the user's may run yet.
            current::at_yield(move || drop_each(Some(refused)));
        }
    }
}

/// Whoever tells the owner.
struct Courier<M: Send + 'static, W> {
    /// Until the outcome is written.
    write: Option<W>,
    envelope: Arc<Envelope<M>>,
    id: Ref,
    to: Arc<Shared<M>>,
}

impl<M: Send + 'static, W> Courier<M, W> {
    fn tell<T>(&mut self, outcome: Result<T, ExitReason>)
    where
        W: FnOnce(Result<T, ExitReason>) -> M,
    {
        let Some(write) = self.write.take() else { return };
        if self.envelope.is_withdrawn() {
            return;
        }
        self.envelope.write(write(outcome));
        let (envelope, id, to) = (self.envelope.clone(), self.id, self.to.clone());
        current::unkept(Box::new(move |_| envelope.send(id, &to)));
    }
}

pin_project! {
    /// What a task does. Its own future rather than an `async` block, for after a panic its courier has to be there
    /// until the reason is known: until it is dropped by the farewell.
    struct Errand<M, F, W>
    where
        M: Send,
        M: 'static,
        F: Future,
        W: FnOnce(Result<F::Output, ExitReason>) -> M,
    {
        #[pin]
        future: F,
        courier: Courier<M, W>,
        ended: bool,
    }

    impl<M, F, W> PinnedDrop for Errand<M, F, W>
    where
        M: Send,
        M: 'static,
        F: Future,
        W: FnOnce(Result<F::Output, ExitReason>) -> M,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if *this.ended {
                return;
            }
            let fate = current::with(|process| {
                let core = process.core();
                let fate = core.private(|private| private.fate.clone());
                if let Err(report) = catch(|| {
                    this.courier.tell(Err(fate.unwrap_or_else(ExitReason::killed)));
                }) {
                    instrument::dropped_badly(core, &report);
                }
            });
            debug_assert!(fate.is_some(), "a task is dropped by its own farewell");
        }
    }
}

impl<M, F, W> Future for Errand<M, F, W>
where
    M: Send + 'static,
    F: Future,
    W: FnOnce(Result<F::Output, ExitReason>) -> M,
{
    type Output = ExitReason;

    fn poll(self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<ExitReason> {
        let this = self.project();
        let value = std::task::ready!(this.future.poll(cx));
        *this.ended = true;
        this.courier.tell(Ok(value));
        Poll::Ready(ExitReason::Normal)
    }
}
