//! What programs get: the standard library's atomics and locks.

use std::sync::{self, PoisonError, RwLockReadGuard, RwLockWriteGuard};

pub(crate) use std::sync::{MutexGuard, atomic};
pub(crate) use std::thread;
pub(crate) use std::thread_local;

/// Things there are once in a program, and that several threads change.
macro_rules! statics {
    ($($item:item)*) => { $($item)* };
}
pub(crate) use statics;

/// How many parts a table has that many threads change. So that two threads seldom meet.
pub(crate) const SHARDS: usize = 32;

/// A mutex that a panic does not poison: what it guards is changed in single steps.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader-writer lock that a panic does not poison.
#[derive(Debug, Default)]
pub(crate) struct RwLock<T>(sync::RwLock<T>);

impl<T> RwLock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::RwLock::new(value))
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
