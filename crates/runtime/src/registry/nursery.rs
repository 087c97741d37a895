//! Who is to hold a key because the registry was asked to see to it: one tenant per key, from its first start until its
//! supervisor forgets it.
//!
//! ```text
//!   Vacant ──► Starting ──► Started ──► Gone        the key may be free for a while, between two incarnations
//!                 └───────► Failed                  everybody who waits is told
//! ```

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::task::Context;

use fauxtp_logic::{ExitReason, Pid};

use crate::behaviour::{StartError, Started};
use crate::sync::{Arrivals, Mutex};

/// The tenants of one registry, and the supervisor they live with.
pub(crate) struct Nursery<K> {
    /// The last one that was started. Written by whoever finds none that lives.
    pub(crate) home: Mutex<Option<Pid>>,
    tenants: Mutex<BTreeMap<K, Arc<Tenant>>>,
}

pub(crate) struct Tenant {
    stage: Mutex<Stage>,
    changes: Arrivals,
}

/// How far a tenant is.
#[derive(Clone)]
pub(crate) enum Stage {
    /// This process is in its `init`, or there is none yet.
    Starting(Option<Pid>),
    Started,
    Failed(StartError),
    /// It has been forgotten, or was never needed.
    Gone,
}

impl Tenant {
    /// How far it is; whoever asks is woken at the next change.
    pub(crate) fn stage(&self, cx: &Context<'_>) -> Stage {
        self.changes.wake_me_once(cx);
        self.stage.lock().clone()
    }

    /// Goes on, if `next` says so.
    fn change(&self, next: impl FnOnce(&Stage) -> Option<Stage>) {
        let mut stage = self.stage.lock();
        let Some(next) = next(&stage) else { return };
        let former = std::mem::replace(&mut *stage, next);
        drop(stage);
        // What it holds may be the user's.
        drop(former);
        self.changes.announce();
    }
}

impl<K: Ord + Clone> Nursery<K> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { home: Mutex::new(None), tenants: Mutex::new(BTreeMap::new()) })
    }

    /// Makes the caller responsible for the key's next tenant; gives the one there is, if there is one.
    pub(crate) fn take(self: &Arc<Self>, key: &K) -> Result<Tenancy<K>, Arc<Tenant>> {
        let copy = key.clone();
        let stage = Mutex::new(Stage::Starting(None));
        let tenant = Arc::new(Tenant { stage, changes: Arrivals::new() });
        match self.tenants.lock().entry(copy) {
            Entry::Occupied(known) => return Err(known.get().clone()),
            Entry::Vacant(vacant) => vacant.insert(tenant.clone()),
        };
        Ok(Tenancy { nursery: self.clone(), key: key.clone(), tenant })
    }
}

/// What the start function of a tenant holds on to. Dropped when its supervisor forgets it, or ends.
pub(crate) struct Tenancy<K: Ord> {
    nursery: Arc<Nursery<K>>,
    pub(crate) key: K,
    pub(crate) tenant: Arc<Tenant>,
}

impl<K: Ord> Tenancy<K> {
    /// The first incarnation is this process.
    pub(crate) fn launched(&self, child: Pid) {
        self.tenant.change(|stage| match stage {
            Stage::Starting(_) => Some(Stage::Starting(Some(child))),
            _ => None,
        });
    }

    /// What has become of a start; of the later ones its supervisor takes care.
    pub(crate) fn told(&self, outcome: &Started) {
        let mut failed = false;
        self.tenant.change(|stage| {
            let Stage::Starting(_) = stage else { return None };
            failed = outcome.is_err();
            Some(outcome.clone().map_or_else(Stage::Failed, |()| Stage::Started))
        });
        if failed {
            self.vacate();
        }
    }

    /// Somebody holds the key already.
    pub(crate) fn withdraw(self) {
        self.vacate();
        self.tenant.change(|_| Some(Stage::Gone));
    }

    /// Whoever comes next begins anew.
    fn vacate(&self) {
        let mut tenants = self.nursery.tenants.lock();
        let is_ours = tenants.get(&self.key).is_some_and(|known| Arc::ptr_eq(known, &self.tenant));
        let removed = if is_ours { tenants.remove_entry(&self.key) } else { None };
        drop(tenants);
        drop(removed);
    }
}

impl<K: Ord> Drop for Tenancy<K> {
    fn drop(&mut self) {
        self.vacate();
        self.tenant.change(|stage| match stage {
            // Its supervisor has ended before it came to this.
            Stage::Starting(_) => Some(Stage::Failed(StartError::Failed(ExitReason::shutdown()))),
            Stage::Started => Some(Stage::Gone),
            Stage::Failed(_) | Stage::Gone => None,
        });
    }
}
