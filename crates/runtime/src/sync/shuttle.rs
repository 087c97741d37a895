//! The twin for shuttle, which tries many random orders in which many threads may run; every load sees the last store.

use std::sync::PoisonError;

use shuttle::sync::{self, RwLockReadGuard, RwLockWriteGuard};

pub(crate) use super::local::thread_local;
pub(crate) use shuttle::sync::{MutexGuard, atomic};
pub(crate) use shuttle::thread::LocalKey;
pub(crate) use shuttle::thread_local as key;

/// Things there are once in each execution of a model.
macro_rules! statics {
    () => {};
    ($(#[$about:meta])* static $name:ident: $kind:ty = [const { $each:expr }; $number:expr]; $($more:tt)*) => {
        ::shuttle::lazy_static! { $(#[$about])* static ref $name: $kind = ::std::array::from_fn(|_| $each); }
        $crate::sync::statics! { $($more)* }
    };
    ($(#[$about:meta])* static $name:ident: $kind:ty = $initial:expr; $($more:tt)*) => {
        ::shuttle::lazy_static! { $(#[$about])* static ref $name: $kind = $initial; }
        $crate::sync::statics! { $($more)* }
    };
}
pub(crate) use statics;

/// Threads, of which the core itself starts none in a model.
pub(crate) mod thread {
    pub(crate) use shuttle::thread::{JoinHandle, Thread, park, yield_now};

    /// Finds no thread to spare.
    pub(crate) struct Builder;

    impl Builder {
        pub(crate) fn new() -> Self {
            Self
        }

        pub(crate) fn name(self, _name: String) -> Self {
            self
        }

        pub(crate) fn spawn(self, _code: fn()) -> std::io::Result<JoinHandle<()>> {
            Err(std::io::ErrorKind::Unsupported.into())
        }
    }

    pub(crate) fn park_timeout(_timeout: std::time::Duration) {
        park();
    }
}

/// How many parts a table has that many threads change. Where they meet is what models are about.
pub(crate) const SHARDS: usize = 2;

/// A mutex that shuttle sees.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader-writer lock that shuttle sees.
#[derive(Debug, Default)]
pub(crate) struct RwLock<T>(sync::RwLock<T>);

impl<T> RwLock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(sync::RwLock::new(value))
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
