//! Local names: one name per process, one process per name, in each tokio runtime (REG-100).
//!
//! A [`Name`] is resolved at every send, so it always means the process that holds it now: after a restart,
//! the new one. A name is free before anybody can know that its holder has ended (PROC-008).

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use fauxtp_logic::{ExitReason, Pid};

use crate::address::Address;
use crate::call::{CallError, DEFAULT_TIMEOUT, Dest};
use crate::current;
use crate::directory::Holder;
use crate::executor::{self, Executor};
use crate::follow;
use crate::mailbox::{SendError, Shared};
use crate::process;
use crate::shared::{Claim, Handle, Refused, Release};
use crate::signal::Monitor;
use crate::table;

/// Whatever says which messages it receives: a server type, or [`Raw<M>`] for a raw process.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which messages it receives",
    note = "name a server type (`Name<Counter>`), or `Name<Raw<M>>` for a raw process that takes `M`"
)]
pub trait Receives {
    /// The messages.
    type Message: Send + 'static;
}

/// Stands for a raw process that takes messages of type `M`.
#[derive(Debug)]
pub struct Raw<M>(PhantomData<fn(M)>);

impl<M: Send + 'static> Receives for Raw<M> {
    type Message = M;
}

/// The name of a process that takes the messages of `S`.
///
/// Names belong to the tokio runtime in which they are used: two runtimes in one program, two tests say, do
/// not get into each other's way. Outside of any runtime a name means what it means in the only runtime
/// that has processes, if there is just one.
///
/// # Examples
/// ```
/// use fauxtp::{Name, names::Raw, process::{self, Context, Received}};
/// static LOGGER: Name<Raw<String>> = Name::new("logger");
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> fauxtp::Result {
/// assert!(LOGGER.send("nobody hears".to_owned()).is_err());
/// let logger = process::spawn(async |mut ctx: Context<String>| {
///     ctx.register(&LOGGER).expect("the name is free");
///     let Received::Message(line) = ctx.recv().await else { return };
///     assert_eq!(line, "hello");
/// })?;
/// logger.pid().info().await; // it has run by now, and holds its name
/// # use fauxtp::PidExt;
/// LOGGER.send("hello".to_owned()).expect("somebody holds the name");
/// assert!(process::join(&logger).await.is_normal());
/// # Ok(()) }
/// ```
pub struct Name<S> {
    text: Cow<'static, str>,
    server: PhantomData<fn() -> S>,
}

impl<S> Name<S> {
    /// A name known at compile time.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self { text: Cow::Borrowed(text), server: PhantomData }
    }

    /// A name made at run time.
    #[must_use]
    pub fn from_string(text: String) -> Self {
        Self { text: Cow::Owned(text), server: PhantomData }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<S: Receives> Name<S> {
    /// The process that holds the name now; never a dead one (REG-005).
    #[must_use]
    pub fn whereis(&self) -> Option<Address<S::Message>> {
        self.resolve()
    }

    /// Sends a message to whoever holds the name.
    ///
    /// # Errors
    /// [`SendError::NoProc`] if nobody does: unlike an address, a name says so (PROC-010).
    pub fn send(&self, message: S::Message) -> Result<(), SendError<S::Message>> {
        match self.resolve() {
            Some(address) => address.try_send(message),
            None => Err(SendError::NoProc(message)),
        }
    }

    /// Waits until the name means a process that lives and has handled everything sent to it before; if that ends it, until
    /// its successor has started. 5 s at the most.
    ///
    /// So after a crash that one has asked for, it makes no difference whether that is still to come, or over and done
    /// with: the next call finds a fresh process. A crash that others bring about is waited for only if it has
    /// happened.
    ///
    /// # Errors
    /// [`CallError::Timeout`]: nobody has come, or what was sent before is not handled yet.
    /// [`CallError::Deadlock`]: the process would wait for itself.
    /// [`CallError::NoProc`]: there is no tokio runtime here.
    ///
    /// # Cancel safety
    /// Strict.
    ///
    /// # Examples
    /// ```
    /// use fauxtp::prelude::*;
    /// # struct Counter(u64);
    /// # enum Message { Crash, Get(Reply<u64>) }
    /// # impl GenServer for Counter {
    /// #     type Args = ();
    /// #     type Message = Message;
    /// #     async fn init((): (), _: &mut Context<Self>) -> Result<Self> { Ok(Self(0)) }
    /// #     async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
    /// #         match message {
    /// #             Message::Crash => return Err(Stop::error("crash")),
    /// #             Message::Get(from) => from.send(self.0),
    /// #         }
    /// #         Ok(())
    /// #     }
    /// # }
    /// static COUNTER: Name<Counter> = Name::new("counter");
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
    /// let _sup = Supervisor::new([Counter::spec(()).name(&COUNTER)]).start().await?;
    /// let before = COUNTER.await_restart().await?.pid();
    /// COUNTER.cast(Message::Crash);
    /// let after = COUNTER.await_restart().await?.pid();
    /// assert_ne!(before, after);
    /// # Ok(()) }
    /// ```
    pub async fn await_restart(&self) -> Result<Address<S::Message>, CallError> {
        self.await_restart_within(DEFAULT_TIMEOUT).await
    }

    /// The same with another limit than 5 s.
    ///
    /// # Errors
    /// As [`await_restart`](Self::await_restart).
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn await_restart_within(
        &self,
        timeout: Duration,
    ) -> Result<Address<S::Message>, CallError> {
        let executor = executor_here().ok_or(CallError::NoProc)?;
        follow::settled(self, executor.named(), &executor, timeout).await
    }

    /// Sends `message` after `delay` to whoever holds the name *then*; to nobody if nobody does (TMR-004).
    pub fn send_after(&self, delay: Duration, message: S::Message)
    where
        S: 'static,
    {
        if let Some(executor) = executor_here() {
            let name = self.clone();
            let home = Arc::downgrade(&executor);
            executor.set_timer(crate::clock::now().plus(delay), move || {
                let address = home.upgrade().and_then(|home| address_in(&home, &name.text));
                if let Some(address) = address {
                    address.send(message);
                }
            });
        }
    }
}

impl<S: Receives> Dest for Name<S> {
    type Message = S::Message;

    fn resolve(&self) -> Option<Address<S::Message>> {
        let find = |executor: &Executor| executor.names().find(&self.text);
        let here = current::with_borrowed(|process| find(&process.core().executor));
        let holder = here.unwrap_or_else(|| executor_here().and_then(|here| find(&here)));
        address_of(holder?)
    }
}

fn address_in<M: Send + 'static>(executor: &Executor, name: &str) -> Option<Address<M>> {
    address_of(executor.names().find(name)?)
}

fn address_of<M: Send + 'static>(holder: Holder) -> Option<Address<M>> {
    let holder = holder.downcast::<Shared<M>>().ok()?;
    holder.core.is_alive().then(|| Address::new(holder))
}

fn executor_here() -> Option<Arc<Executor>> {
    current::with_borrowed(|process| process.core().executor.clone())
        .or_else(|| executor::current().ok())
        .or_else(executor::only)
}

/// Why a name was not given or taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// Another process holds it, or this one does already.
    Taken(Pid),
    /// This process has another name already.
    HasName,
    /// This process does not hold it.
    NotHeld,
    /// A name must not be empty.
    Empty,
    /// This process has ended.
    NoProc,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(pid) => write!(f, "register name: taken by {pid}"),
            Self::HasName => f.write_str("register name: this process has a name already"),
            Self::NotHeld => f.write_str("unregister name: this process does not hold it"),
            Self::Empty => f.write_str("register name: a name must not be empty"),
            Self::NoProc => f.write_str("register name: this process has ended"),
        }
    }
}

impl std::error::Error for NameError {}

impl<M: Send + 'static> process::Context<M> {
    /// Gives this process a name.
    ///
    /// # Errors
    /// [`NameError`] if the name is taken or empty, or the process has one already.
    pub fn register<S: Receives<Message = M>>(&mut self, name: &Name<S>) -> Result<(), NameError> {
        claim(&self.handle(), &name.text.as_ref().into())
    }

    /// Takes this process's name back.
    ///
    /// # Errors
    /// [`NameError::NotHeld`] if it does not hold that name.
    pub fn unregister<S>(&mut self, name: &Name<S>) -> Result<(), NameError> {
        let core = self.handle();
        let core = core.core();
        let held = core.private(|private| {
            let owned = private.possessions();
            let held = owned.name.as_deref() == Some(&*name.text);
            held.then(|| owned.name.take())
        });
        if held.is_none() {
            return Err(NameError::NotHeld);
        }
        core.executor.names().remove(&name.text, core.pid);
        Ok(())
    }

    /// Watches whoever holds `name` now; the down tells the name. It does not follow the name to a later
    /// holder (MON-004).
    pub fn monitor_name<S: Receives>(&mut self, name: &Name<S>) -> Monitor {
        let holder = self.handle().core().executor.names().pid(&name.text);
        let holder = holder.filter(|pid| current::find_alive(*pid).is_some());
        self.monitor_as(holder, Some(name.text.as_ref().into()))
    }
}

/// Registers a process under a name: itself, or before it runs.
fn claim(process: &Handle, text: &Arc<str>) -> Result<(), NameError> {
    let core = process.core();
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    // Before the entry, so that none is left behind by a process that has ended.
    core.private(|private| {
        if private.owned().is_some_and(|owned| owned.name.is_some()) {
            return Err(NameError::HasName);
        }
        if !private.inherit(core.executor.clone()) {
            return Err(NameError::NoProc);
        }
        Ok(())
    })?;
    let is_alive = |pid| current::find_alive(pid).is_some();
    let holder = process.clone().into_any();
    let names = core.executor.names();
    names.enter(text.clone(), core.pid, holder, is_alive).map_err(NameError::Taken)?;
    // Either the end of the process is still to come, and finds the name; or it has found none to release.
    let lives = core.private(|private| {
        let lives = private.fate.is_none();
        if lives {
            private.possessions().name = Some(text.clone());
        }
        lives
    });
    if !lives {
        names.remove(text, core.pid);
        return Err(NameError::NoProc);
    }
    core.executor.named().announce();
    core.executor.scheduler().named(core.pid, text);
    Ok(())
}

/// The claim of a name by a process that starts.
pub(crate) fn claim_at_start<S>(name: &Name<S>) -> Claim {
    let text: Arc<str> = name.text.as_ref().into();
    Arc::new(move |process| {
        claim(process, &text).map_err(|error| match error {
            NameError::Taken(pid) => Refused::Taken(pid),
            NameError::Empty => Refused::Unfit,
            other => Refused::Because(ExitReason::error(other)),
        })
    })
}

/// What a process with a name owns of its runtime.
impl Release for Executor {
    fn place(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    fn release(&self, owner: Pid) {
        let held = table::find(owner).and_then(|process| {
            process.core().private(|private| private.owned().and_then(|owned| owned.name.clone()))
        });
        if let Some(name) = held {
            self.names().remove(&name, owner);
        }
    }
}

/// Every name of this runtime and who holds it.
#[must_use]
pub fn registered() -> Vec<(Arc<str>, Pid)> {
    executor_here().map_or_else(Vec::new, |executor| executor.names().list())
}

impl<S> Clone for Name<S> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), server: PhantomData }
    }
}

impl<S> fmt::Debug for Name<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({:?})", self.text)
    }
}

impl<S> fmt::Display for Name<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
