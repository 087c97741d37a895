//! What panics throw: values of the user's, whose destructors may panic as well.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

/// What the code throws goes no further, nor what that throws when it is dropped.
pub(crate) fn contain(code: impl FnOnce()) {
    if let Err(thrown) = panic::catch_unwind(AssertUnwindSafe(code)) {
        discard(thrown);
    }
}

/// Drops what was thrown. If its destructor throws in turn, that is dropped if it is nothing but words; leaking anything
/// else is the only way to end this.
pub(crate) fn discard(thrown: Box<dyn Any + Send>) {
    let Err(again) = panic::catch_unwind(AssertUnwindSafe(|| drop(thrown))) else { return };
    if words(&*again).is_none() {
        std::mem::forget(again);
    }
}

/// What a panic said, if it threw words.
pub(crate) fn words(thrown: &(dyn Any + Send)) -> Option<&str> {
    let text = thrown.downcast_ref::<&'static str>().copied();
    text.or_else(|| thrown.downcast_ref::<String>().map(String::as_str))
}
