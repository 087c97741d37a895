//! A key in place of an address.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::Registry;
use crate::address::Address;
use crate::call::{CallError, DEFAULT_TIMEOUT, Dest};
use crate::current;
use crate::executor;
use crate::follow;
use crate::mailbox::SendError;
use crate::names::Receives;

/// Whoever holds a key of a registry at the time of each send.
pub struct Via<S, K = String, V = ()> {
    pub(super) registry: Registry<K, V>,
    pub(super) key: K,
    pub(super) server: PhantomData<fn() -> S>,
}

impl<S, K, V> Via<S, K, V>
where
    S: Receives,
    K: Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Sends a message to whoever holds the key.
    ///
    /// # Errors
    /// [`SendError::NoProc`] if nobody does: unlike an address, a key says so (REG-007).
    pub fn send(&self, message: S::Message) -> Result<(), SendError<S::Message>> {
        match self.resolve() {
            Some(address) => address.try_send(message),
            None => Err(SendError::NoProc(message)),
        }
    }

    /// Waits until the key means a process that lives and has handled everything sent to it before, as
    /// [`Name::await_restart`](crate::Name::await_restart) does for a name.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Strict.
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
        let here = current::with(|process| process.core().executor.clone());
        let executor = here.map_or_else(executor::current, Ok).map_err(|_| CallError::NoProc)?;
        follow::settled(self, &self.registry.table.arrivals, &executor, timeout).await
    }
}

impl<S, K, V> Dest for Via<S, K, V>
where
    S: Receives,
    K: Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    type Message = S::Message;

    fn resolve(&self) -> Option<Address<S::Message>> {
        let holder = self.registry.get(&self.key).filter(|_| self.registry.has_unique_keys())?;
        Address::from_handle(current::find_alive(holder)?)
    }
}

impl<S, K: fmt::Debug, V> fmt::Debug for Via<S, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Via({:?}, {:?})", self.registry, self.key)
    }
}
