//! Where messages go: an address is typed by the messages it takes.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use fauxtp_logic::Pid;

use crate::mailbox::{SendError, Shared};
use crate::shared::{Handle, Process};
use crate::table;

/// The address of one process that takes messages of type `M`.
///
/// Holding an address does not keep its process alive, and dropping it does not end it. After the
/// process has ended, the address is dead for ever; follow restarts with a [`Name`](crate::Name).
pub struct Address<M> {
    shared: Arc<Shared<M>>,
}

impl<M: Send + 'static> Address<M> {
    pub(crate) fn new(shared: Arc<Shared<M>>) -> Self {
        Self { shared }
    }

    /// The address of a process known by its pid, if it lives and takes messages of this type (SUP-007).
    ///
    /// # Examples
    /// ```
    /// # use fauxtp::{Address, process};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> fauxtp::Result {
    /// let pid = process::spawn(async |mut ctx: process::Context<u8>| drop(ctx.recv().await))?.pid();
    /// assert!(Address::<u8>::of(pid).is_some());
    /// assert!(Address::<i64>::of(pid).is_none());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn of(pid: Pid) -> Option<Self> {
        Self::from_handle(table::find(pid)?)
    }

    /// The address behind a handle, if its process takes messages of this type.
    pub(crate) fn from_handle(handle: Handle) -> Option<Self> {
        handle.into_any().downcast::<Shared<M>>().ok().map(Self::new)
    }

    /// A way to the process for those who do not know its messages.
    pub(crate) fn handle(&self) -> Handle {
        self.shared.clone()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared<M>> {
        &self.shared
    }

    /// The pid of the process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.shared.core.pid
    }

    /// Whether the process may still do anything: false at once after a kill (PROC-009).
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.shared.core.is_alive()
    }

    /// Sends a message. Never waits; a message to a dead process is dropped silently (PROC-010).
    #[inline]
    pub fn send(&self, message: M) {
        let _dropped = self.shared.push(message);
    }

    /// Sends a message, and gives it back if it was not accepted.
    ///
    /// # Errors
    /// [`SendError::NoProc`] if the process has ended, [`SendError::Full`] if its bounded mailbox refused.
    #[inline]
    pub fn try_send(&self, message: M) -> Result<(), SendError<M>> {
        self.shared.push(message)
    }

    /// How many messages wait in the inbox; those the process has taken over already are not counted.
    #[must_use]
    pub fn queue_len(&self) -> usize {
        self.shared.queue_len()
    }
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<M: Send + 'static> From<&Address<M>> for Pid {
    fn from(address: &Address<M>) -> Self {
        address.pid()
    }
}

impl<M: Send + 'static> PartialEq for Address<M> {
    fn eq(&self, other: &Self) -> bool {
        self.pid() == other.pid()
    }
}

impl<M: Send + 'static> Eq for Address<M> {}

impl<M: Send + 'static> Hash for Address<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pid().hash(state);
    }
}

impl<M> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.shared.core.pid)
    }
}
