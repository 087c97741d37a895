//! What fauxtp tells about itself; one file per way of telling it, with the same names.

#[cfg(not(feature = "tracing"))]
#[path = "instrument/stub.rs"]
mod backend;
#[cfg(feature = "tracing")]
#[path = "instrument/tracing.rs"]
mod backend;

pub(crate) use backend::{
    crash, dropped, dropped_badly, shutdown_errors, somebody_listens, supervisor, unhandled,
    unkillable,
};
