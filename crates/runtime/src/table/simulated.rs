//! The processes of simulations, which have pids of their own.

use std::collections::BTreeMap;

use fauxtp_logic::Pid;

use crate::shared::Handle;
use crate::sync::{Mutex, statics};

statics! {
    static SIMULATED: Mutex<BTreeMap<Pid, Handle>> = Mutex::new(BTreeMap::new());
}

pub(super) fn enter(pid: Pid, handle: Handle) {
    SIMULATED.lock().insert(pid, handle);
}

pub(super) fn leave(pid: Pid) {
    let handle = SIMULATED.lock().remove(&pid);
    drop(handle);
}

pub(super) fn find(pid: Pid) -> Option<Handle> {
    SIMULATED.lock().get(&pid).cloned()
}

pub(super) fn list() -> Vec<Handle> {
    SIMULATED.lock().values().cloned().collect()
}
