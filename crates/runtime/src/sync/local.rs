//! What belongs to one thread of a model, with the names that the standard library has for it.

use std::cell::{Cell, RefCell};
use std::mem;

use super::twin::LocalKey;

/// As in the standard library.
macro_rules! of_threads {
    () => {};
    ($(#[$about:meta])* static $name:ident: $kind:ty = const { $initial:expr }; $($more:tt)*) => {
        $crate::sync::thread_local! { $(#[$about])* static $name: $kind = $initial; $($more)* }
    };
    ($(#[$about:meta])* static $name:ident: $kind:ty = $initial:expr; $($more:tt)*) => {
        $(#[$about])*
        static $name: $crate::sync::Local<$kind> = {
            $crate::sync::key! { static KEY: $kind = $initial; }
            $crate::sync::Local::new(&KEY)
        };
        $crate::sync::thread_local! { $($more)* }
    };
}
pub(crate) use of_threads as thread_local;

/// A value of each thread's own.
pub(crate) struct Local<T: 'static>(&'static LocalKey<T>);

impl<T: 'static> Local<T> {
    pub(crate) const fn new(key: &'static LocalKey<T>) -> Self {
        Self(key)
    }

    /// Nothing if the thread is ending.
    pub(crate) fn try_with<R>(&self, ask: impl FnOnce(&T) -> R) -> Result<R, ()> {
        self.0.try_with(ask).map_err(|_| ())
    }

    pub(crate) fn with<R>(&self, ask: impl FnOnce(&T) -> R) -> R {
        self.0.with(ask)
    }
}

impl<T: 'static> Local<Cell<T>> {
    pub(crate) fn get(&self) -> T
    where
        T: Copy,
    {
        self.0.with(Cell::get)
    }

    pub(crate) fn set(&self, value: T) {
        self.0.with(|cell| cell.set(value));
    }

    pub(crate) fn replace(&self, value: T) -> T {
        self.0.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> Local<RefCell<T>> {
    #[allow(dead_code, reason = "a twin of the standard library's")]
    pub(crate) fn take(&self) -> T
    where
        T: Default,
    {
        self.0.with(|cell| mem::take(&mut *cell.borrow_mut()))
    }
}
