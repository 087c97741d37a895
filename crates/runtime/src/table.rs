//! Which process a pid means: sharded slots, each used by one process at a time.

#[cfg(not(feature = "testing"))]
#[path = "table/plain.rs"]
mod simulated;
#[cfg(feature = "testing")]
mod simulated;

use std::cell::Cell;

use fauxtp_logic::Pid;

use crate::shared::Handle;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, SHARDS, statics, thread_local};

statics! {
    static TABLE: [Mutex<Shard>; SHARDS] = [const { Mutex::new(Shard::EMPTY) }; SHARDS];
}

struct Shard {
    slots: Vec<Slot>,
    /// Slots whose process has ended.
    free: Vec<u32>,
}

struct Slot {
    /// How many processes have had this slot before; part of the pid, so that no pid is ever reused.
    serial: u32,
    handle: Option<Handle>,
}

impl Shard {
    const EMPTY: Self = Self { slots: Vec::new(), free: Vec::new() };
}

/// Gives a new process its pid, unless it has one, and enters it.
pub(crate) fn enter<T>(given: Option<Pid>, make: impl FnOnce(Pid) -> (Handle, T)) -> T {
    if let Some(pid) = given {
        let (handle, result) = make(pid);
        simulated::enter(pid, handle);
        return result;
    }
    let number = shard_of_thread();
    // Made outside of the lock: others leave meanwhile, and look for somebody.
    let pid = reserve(number);
    let (handle, result) = make(pid);
    TABLE[number].lock().slots[split(pid).1].handle = Some(handle);
    result
}

/// A pid that nobody has.
fn reserve(number: usize) -> Pid {
    let mut shard = TABLE[number].lock();
    let place = shard.free.pop().unwrap_or_else(|| {
        shard.slots.push(Slot { serial: 0, handle: None });
        u32::try_from(shard.slots.len() - 1)
            .expect("fewer than four billion processes live at once")
    });
    let serial = shard.slots[place as usize].serial;
    Pid { node: 0, id: place * SHARDS as u32 + number as u32, serial, creation: 0 }
}

/// Forgets a process that has ended.
pub(crate) fn leave(pid: Pid) {
    if pid.creation != 0 {
        return simulated::leave(pid);
    }
    let (number, place) = split(pid);
    let mut shard = TABLE[number].lock();
    let slot = &mut shard.slots[place];
    debug_assert_eq!(slot.serial, pid.serial, "a process leaves once");
    let handle = slot.handle.take();
    // A slot whose serials are used up is never used again.
    if let Some(next) = slot.serial.checked_add(1) {
        slot.serial = next;
        shard.free.push(place as u32);
    }
    drop(shard);
    drop(handle);
}

/// The process with this pid, if it has not ended.
pub(crate) fn find(pid: Pid) -> Option<Handle> {
    if pid.node != 0 {
        return None;
    }
    if pid.creation != 0 {
        return simulated::find(pid);
    }
    let (number, place) = split(pid);
    let shard = TABLE[number].lock();
    shard.slots.get(place).filter(|slot| slot.serial == pid.serial)?.handle.clone()
}

/// Every process that has not ended, by pid.
pub(crate) fn list() -> Vec<Handle> {
    let all = TABLE.iter().flat_map(|shard| {
        let shard = shard.lock();
        shard.slots.iter().filter_map(|slot| slot.handle.clone()).collect::<Vec<_>>()
    });
    // Asked outside of the locks: the answer may have to wait.
    let mut processes: Vec<Handle> = all.collect();
    processes.extend(simulated::list());
    processes.retain(|process| !process.core().has_ended());
    processes.sort_unstable_by_key(|process| process.core().pid);
    processes
}

fn split(pid: Pid) -> (usize, usize) {
    (pid.id as usize % SHARDS, pid.id as usize / SHARDS)
}

/// Threads take turns, so that two of them seldom share a shard.
fn shard_of_thread() -> usize {
    statics! {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
    }
    thread_local! {
        static MINE: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
    }
    MINE.try_with(Cell::get).unwrap_or(0)
}
