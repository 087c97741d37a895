//! The table of a registry, and what processes own of it.

use std::sync::Arc;

use fauxtp_logic::names::{Index, Keys, Released};
use fauxtp_logic::{ExitReason, Pid};

use super::RegisterError;
use super::nursery::Nursery;
use crate::guard::drop_each;
use crate::process::PidExt;
use crate::shared::{Handle, Release};
use crate::signal::{NOBODY, Signal, Watcher, fresh_ref};
use crate::slot;
use crate::sync::{Arrivals, RwLock};
use crate::table::find;

pub(super) struct Table<K, V> {
    pub(super) keys: Keys,
    pub(super) state: RwLock<State<K, V>>,
    /// Who waits for a key to be held.
    pub(super) arrivals: Arrivals,
    pub(super) nursery: Arc<Nursery<K>>,
}

/// Values are shared, so that what is the user's (clones, closures, destructors) runs outside of the lock. Only
/// keys are compared and cloned inside.
pub(super) struct State<K, V> {
    pub(super) index: Index<K, Arc<V>>,
    pub(super) open: bool,
    /// The registry's own process.
    pub(super) process: Option<Pid>,
}

/// Registers a process.
pub(super) fn enter<K, V>(
    table: &Arc<Table<K, V>>,
    process: &Handle,
    key: K,
    value: Arc<V>,
) -> Result<(), RegisterError>
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let core = process.core();
    let mut state = table.state.write();
    if !state.open {
        return Err(RegisterError::Closed);
    }
    // What is dropped is dropped outside of the lock, for it is the user's and may look into the registry: a key and a
    // value that are refused, and the value of a dead holder.
    let holder = state.index.lookup(&key).next().map(|(holder, _)| holder);
    let holder = holder.filter(|_| table.keys == Keys::Unique);
    if let Some(holder) = holder.filter(|holder| *holder == core.pid || holder.is_alive()) {
        return Err(RegisterError::AlreadyRegistered(holder));
    }
    // Before the entry, so that none is left behind by a process that has ended.
    if !core.private(|private| private.inherit(table.clone())) {
        return Err(RegisterError::NoProc);
    }
    let registered = state.index.register(key, core.pid, value, |_dead| false);
    drop(state);
    let _left_behind = registered.map_err(|taken| RegisterError::AlreadyRegistered(taken.pid))?;
    table.arrivals.announce();
    Ok(())
}

impl<K: Ord + Clone, V> Table<K, V> {
    pub(super) fn new(keys: Keys) -> Arc<Self> {
        Arc::new(Self {
            keys,
            state: RwLock::new(State { index: Index::new(keys), open: true, process: None }),
            arrivals: Arrivals::new(),
            nursery: Nursery::new(),
        })
    }
}

/// What a registered process owns: its entries.
impl<K: Ord + Clone + Send + Sync, V: Send + Sync> Release for Table<K, V> {
    fn place(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    fn release(&self, owner: Pid) {
        let released = self.state.write().index.release_entries(owner);
        drop_entries(released);
    }
}

/// What the process owns with which the registry ends: that the table is open.
pub(super) struct Lease<K, V>(pub(super) Arc<Table<K, V>>);

impl<K: Ord + Clone + Send + Sync, V: Send + Sync> Release for Lease<K, V> {
    /// Not that of this process's entries, should it have some.
    fn place(&self) -> usize {
        std::ptr::from_ref(&self.0.state).addr() | 1
    }

    /// Closes the table for ever, and leaves nothing in it. Then those are told to end whom the registry has started.
    fn release(&self, _owner: Pid) {
        let mut state = self.0.state.write();
        state.open = false;
        let left = state.index.release_all();
        drop(state);
        left.into_iter().for_each(drop_entries);
        let home = *self.0.nursery.home.lock();
        if let Some(home) = home {
            dismiss(home);
        }
        self.0.arrivals.announce();
    }
}

/// Tells a supervisor to shut down, and waits for nothing.
fn dismiss(home: Pid) {
    let Some(process) = find(home) else { return };
    let (listener, _unheard) = slot::listener();
    let (id, watcher) = (fresh_ref(), Watcher::Listener(listener));
    let stop = Signal::Stop { from: NOBODY, reason: ExitReason::shutdown(), id, watcher };
    let _ended_already = process.signal(stop);
}

/// Keys and values are the user's; their destructors may panic, or look into the registry.
fn drop_entries<K, V>(entries: Released<K, V>) {
    for (key, values) in entries {
        drop_each(values);
        drop_each([key]);
    }
}
