//! Registries: keys that mean processes, freed before anybody can know that their holder has ended.
//!
//! A [`Registry`] is a table in shared memory, which cannot crash (REG-013). What gives it a lifetime is a small
//! process: when that ends, or is killed, the registry is closed, finds nothing and accepts nothing. Those who were
//! registered live on. The registry of a supervisor's own ends with the supervisor, and not before.
//!
//! A registry can also start who is to hold a key, when somebody asks for it: see [`Registry::ensure`]. Those end with it.
//!
//! # Examples
//! ```
//! use fauxtp::{Registry, process::{self, Context, Received}};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> fauxtp::Result {
//! let rooms: Registry = Registry::start().await?;
//! let (told, heard) = tokio::sync::oneshot::channel();
//! let lobby = process::spawn({
//!     let rooms = rooms.clone();
//!     async move |mut ctx: Context<String>| {
//!         rooms.register(&mut ctx, "lobby", ()).expect("nobody else is the lobby");
//!         let _ = told.send(());
//!         let Received::Message(_) = ctx.recv().await else { return };
//!     }
//! })?;
//! heard.await?;
//! assert_eq!(rooms.get("lobby"), Some(lobby.pid()));
//! lobby.send("close".to_owned());
//! process::join(&lobby).await;
//! assert_eq!(rooms.get("lobby"), None);
//! # Ok(()) }
//! ```

mod nursery;
mod table;
mod via;

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use fauxtp_logic::names::{Index, Keys};
use fauxtp_logic::tray::Item;
use fauxtp_logic::{ExitReason, Pid};

use crate::address::Address;
use crate::behaviour::{self, Ack, StartError, StartOptions, Starting};
use crate::current;
use crate::mailbox::Notice;
use crate::names::Receives;
use crate::process::{Context, Limit, PidExt};
use crate::shared::{Claim, Handle, Refused};
use crate::sync::Arrivals;

use table::{Lease, Table, enter};

pub(crate) use nursery::{Nursery, Stage, Tenancy, Tenant};
pub use via::Via;

/// A table from keys to processes, with a value for each entry.
///
/// Closures, values' clones and values' destructors run outside of the table's lock and may use the registry. Keys
/// are compared and cloned inside: these must not.
///
/// Cheap to clone; all clones are the same registry.
pub struct Registry<K = String, V = ()> {
    table: Arc<Table<K, V>>,
}

/// Why a key was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// A unique key is held already, perhaps by the caller itself (REG-001).
    AlreadyRegistered(Pid),
    /// The registry has ended.
    Closed,
    /// The process that registers has ended.
    NoProc,
    /// The registry allows duplicates, so a key cannot be the name of a server (REG-007).
    Duplicate,
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRegistered(pid) => write!(f, "register key: already held by {pid}"),
            Self::Closed => f.write_str("register key: the registry has ended"),
            Self::NoProc => f.write_str("register key: the process that registers has ended"),
            Self::Duplicate => {
                f.write_str("register key: the registry allows duplicate keys, so none is a name")
            }
        }
    }
}

impl std::error::Error for RegisterError {}

/// Why a value was not updated; the function was not run (REG-010).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateError {
    /// The caller does not hold the key.
    NotHeld,
    /// The registry allows duplicates, so the key may mean many values.
    Duplicate,
}

impl fmt::Display for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHeld => "update value: this process does not hold the key",
            Self::Duplicate => "update value: the registry allows duplicate keys",
        })
    }
}

impl std::error::Error for UpdateError {}

impl<K, V> Registry<K, V>
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Starts a registry in which a key has at most one holder (REG-001).
    ///
    /// # Errors
    /// [`StartError::NoRuntime`] outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// A start that is dropped is undone.
    pub async fn start() -> Result<Self, StartError> {
        Self::start_on(Table::new(Keys::Unique)).await
    }

    /// Starts a registry in which a key may have any number of entries (REG-002).
    ///
    /// # Errors
    /// [`StartError::NoRuntime`] outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// A start that is dropped is undone.
    pub async fn start_duplicate() -> Result<Self, StartError> {
        Self::start_on(Table::new(Keys::Duplicate)).await
    }

    async fn start_on(table: Arc<Table<K, V>>) -> Result<Self, StartError> {
        let (registry, (ack, pledge)) = (Self { table }, Ack::promise());
        let options = StartOptions::new("fauxtp::Registry");
        let launched = registry.launch(options, ack, true);
        Starting::new(launched, pledge, None).await?;
        Ok(registry)
    }

    /// The process that gives the registry its lifetime; nothing before a supervisor has started its own.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.table.state.read().process
    }

    /// Ends the registry. That of a supervisor's own ends with the supervisor only; it gets another process.
    ///
    /// # Cancel safety
    /// The registry ends all the same.
    pub async fn stop(&self) {
        if let Some(process) = self.pid() {
            let _ended_already = process.stop(ExitReason::Normal, None).await;
        }
    }

    /// Registers the calling process: entries belong to it and vanish when it ends (REG-003).
    ///
    /// # Errors
    /// [`RegisterError`] if a unique key is held by a live process, or the registry has ended.
    pub fn register<M: Send + 'static>(
        &self,
        ctx: &mut Context<M>,
        key: impl Into<K>,
        value: V,
    ) -> Result<(), RegisterError> {
        enter(&self.table, &ctx.handle(), key.into(), Arc::new(value))
    }

    /// Removes all entries of the calling process under `key`. Always succeeds (REG-009).
    pub fn unregister<M: Send + 'static, Q: Ord + ?Sized>(&self, ctx: &mut Context<M>, key: &Q)
    where
        K: Borrow<Q>,
    {
        let removed = self.table.state.write().index.unregister(key, ctx.pid());
        drop(removed);
    }

    /// Removes those entries of the calling process under `key` whose value `wanted` accepts (REG-009).
    pub fn unregister_match<M: Send + 'static, Q: Ord + ?Sized>(
        &self,
        ctx: &mut Context<M>,
        key: &Q,
        mut wanted: impl FnMut(&V) -> bool,
    ) where
        K: Borrow<Q>,
    {
        let owner = ctx.pid();
        let mut chosen = self.shared_values(key, owner);
        chosen.retain(|value| wanted(value));
        let is_chosen = |value: &Arc<V>| chosen.iter().any(|chosen| Arc::ptr_eq(chosen, value));
        let removed = self.table.state.write().index.unregister_match(key, owner, is_chosen);
        drop(removed);
    }

    /// Changes the value of a key the calling process holds; returns what `change` returns. Whoever reads
    /// meanwhile sees the value of before.
    ///
    /// # Errors
    /// [`UpdateError`]; `change` was not run, or the registry has ended while it ran.
    pub fn update_value<M: Send + 'static, Q: Ord + ?Sized, R>(
        &self,
        ctx: &mut Context<M>,
        key: &Q,
        change: impl FnOnce(&mut V) -> R,
    ) -> Result<R, UpdateError>
    where
        K: Borrow<Q>,
    {
        if !self.has_unique_keys() {
            return Err(UpdateError::Duplicate);
        }
        let owner = ctx.pid();
        let before = self.shared_values(key, owner).pop().ok_or(UpdateError::NotHeld)?;
        let mut value = V::clone(&before);
        let result = change(&mut value);
        let mut value = Arc::new(value);
        let swap = |held: &mut Arc<V>| std::mem::swap(held, &mut value);
        let updated = self.table.state.write().index.update_value(key, owner, swap);
        updated.map(|()| result).map_err(|_| UpdateError::NotHeld)
    }

    fn shared_values<Q: Ord + ?Sized>(&self, key: &Q, owner: Pid) -> Vec<Arc<V>>
    where
        K: Borrow<Q>,
    {
        self.read(|index| index.values(key, owner).cloned().collect())
    }

    /// The process that holds `key`, or one of them; never a dead one (REG-005).
    #[must_use]
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<Pid>
    where
        K: Borrow<Q>,
    {
        self.read(|index| index.lookup(key).map(|(pid, _)| pid).find(|pid| pid.is_alive()))
    }

    /// Every live holder of `key`, with its values.
    #[must_use]
    pub fn lookup<Q: Ord + ?Sized>(&self, key: &Q) -> Vec<(Pid, V)>
    where
        K: Borrow<Q>,
    {
        let holders: Vec<(Pid, Arc<V>)> =
            self.read(|index| index.lookup(key).map(|(pid, value)| (pid, value.clone())).collect());
        let live = holders.into_iter().filter(|(pid, _)| pid.is_alive());
        live.map(|(pid, value)| (pid, V::clone(&value))).collect()
    }

    /// The address of the process that holds `key`, if it takes the messages of `S`.
    #[must_use]
    pub fn address<S: Receives>(&self, key: &str) -> Option<Address<S::Message>>
    where
        K: Borrow<str>,
    {
        Address::from_handle(current::find_alive(self.get(key)?)?)
    }

    /// A destination that means whoever holds `key` at the time of each send; nobody if the registry allows
    /// duplicates (REG-007).
    pub fn via<S: Receives>(&self, key: impl Into<K>) -> Via<S, K, V> {
        Via { registry: self.clone(), key: key.into(), server: PhantomData }
    }

    /// Calls `visit` with every live holder of `key`; not at all if there is none (REG-012).
    pub fn dispatch<Q: Ord + ?Sized>(&self, key: &Q, visit: impl FnOnce(Vec<(Pid, V)>))
    where
        K: Borrow<Q>,
    {
        let holders = self.lookup(key);
        if !holders.is_empty() {
            visit(holders);
        }
    }

    /// The keys of a process, with one occurrence for each entry (REG-010).
    #[must_use]
    pub fn keys(&self, owner: Pid) -> Vec<K> {
        self.read(|index| index.keys(owner).cloned().collect())
    }

    /// The values of a process under `key` (REG-010).
    #[must_use]
    pub fn values<Q: Ord + ?Sized>(&self, key: &Q, owner: Pid) -> Vec<V>
    where
        K: Borrow<Q>,
    {
        self.shared_values(key, owner).iter().map(|value| V::clone(value)).collect()
    }

    /// The entries that `wanted` accepts, by key (REG-010).
    #[must_use]
    pub fn select(&self, mut wanted: impl FnMut(&K, Pid, &V) -> bool) -> Vec<(K, Pid, V)> {
        let mut entries: Vec<(K, Pid, Arc<V>)> = self.read(|index| {
            index.iter().map(|(key, pid, value)| (key.clone(), pid, value.clone())).collect()
        });
        entries.retain(|(key, pid, value)| wanted(key, *pid, value));
        entries.into_iter().map(|(key, pid, value)| (key, pid, V::clone(&value))).collect()
    }

    /// How many entries there are (REG-010).
    #[must_use]
    pub fn count(&self) -> usize {
        self.read(Index::count)
    }

    /// Looks into the table; there is nothing in it once the registry has ended.
    fn read<T: Default>(&self, look: impl FnOnce(&Index<K, Arc<V>>) -> T) -> T {
        let state = self.table.state.read();
        if state.open { look(&state.index) } else { T::default() }
    }

    pub(crate) fn has_unique_keys(&self) -> bool {
        self.table.keys == Keys::Unique
    }

    pub(crate) fn is_open(&self) -> bool {
        self.table.state.read().open
    }

    /// Who waits for a key to be held.
    pub(crate) fn arrivals(&self) -> &Arrivals {
        &self.table.arrivals
    }

    /// Those whom the registry has been asked to start.
    pub(crate) fn nursery(&self) -> &Arc<Nursery<K>> {
        &self.table.nursery
    }

    /// The claim of a key by a process that starts.
    pub(crate) fn claim(&self, key: K, value: V) -> Claim {
        let (registry, value) = (self.clone(), Arc::new(value));
        Arc::new(move |process| {
            let entered = if registry.has_unique_keys() {
                enter(&registry.table, process, key.clone(), value.clone())
            } else {
                Err(RegisterError::Duplicate)
            };
            entered.map_err(|error| match error {
                RegisterError::AlreadyRegistered(pid) => Refused::Taken(pid),
                other => Refused::Because(ExitReason::error(other)),
            })
        })
    }
}

impl<K, V> Registry<K, V>
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A registry that nobody lives for yet.
    pub(crate) fn unowned() -> Self {
        Self { table: Table::new(Keys::Unique) }
    }

    /// Has the registry end with a process.
    pub(crate) fn belong_to(&self, owner: &Handle) {
        owner.core().private(|private| private.inherit(Arc::new(Lease(self.table.clone()))));
    }

    /// Launches the registry's own process, or another one after that has ended; says whether the registry ends
    /// with it. It has to be woken.
    pub(crate) fn launch(
        &self,
        options: StartOptions,
        ack: Ack,
        for_life: bool,
    ) -> Result<Handle, StartError> {
        let process = behaviour::launch(options, |ctx| live(ctx, ack))?.handle();
        if for_life {
            self.belong_to(&process);
        }
        self.table.state.write().process = Some(process.core().pid);
        Ok(process)
    }
}

/// The life of a registry's own process.
async fn live(mut ctx: Context<std::convert::Infallible>, ack: Ack) -> ExitReason {
    ack.ready();
    loop {
        match ctx.next_item(Limit::Never).await {
            Some(Item::Notice(Notice::Stop { reason, .. })) => return reason,
            Some(Item::Message(never)) => match never {},
            _ => {}
        }
    }
}

impl<K, V> Clone for Registry<K, V> {
    fn clone(&self) -> Self {
        Self { table: self.table.clone() }
    }
}

impl<K, V> fmt::Debug for Registry<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registry")
    }
}
