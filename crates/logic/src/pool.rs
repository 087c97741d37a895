//! What a dynamic supervisor decides: a restart budget over children that come and go independently.
//!
//! Where the children of a [`supervisor`](crate::supervisor) are a list whose order is a promise, those of a
//! [`Pool`] are a set: sessions, connections, jobs. Nothing blocks: starts, stops and restarts of different
//! children overlap, and at the end all are stopped at the same time (SUP-114, DYN-007). The price is that
//! there is no order between them, and no strategy but one_for_one (DYN-001).
//!
//! ```text
//!                     StartFailed, StartIgnored ─► forgotten
//!                    │
//!   StartChild ─► Starting ── Started ─► Running ── asked ─► Stopping ── Exited ─► forgotten
//!                                        ▲     │                ▲
//!                                Started │     │ Exited         │ Started
//!                                        │     ▼                │
//!                                     Restarting ── asked ─► Doomed ── StartFailed, StartIgnored ─► forgotten
//!                                        ▲     │ StartFailed
//!                      Retry, one budget │     ▼
//!                                        Waiting ── asked ─► forgotten
//! ```
//!
//! *Asked* is a terminate_child, or the end of the whole pool. Either also turns `Starting` into `Doomed`, for a
//! process that starts has a pid, and must not outlive the request by more than its own shutdown allows: it is
//! asked, or killed, as one that runs is, and not again if it starts all the same. An own end that is not
//! followed by a restart forgets the child, and so does a restart that is ignored (DYN-005). Whoever is being
//! restarted is known by its last pid until it runs (SUP-115).
//!
//! **The rule of the shell.** *After `Start`, tell which process starts, if one does, then how the start ended,
//! once, and tell no exit of a process before its start.* Everything else may come in any order.

mod child;
pub mod machine;
pub mod protocol;

pub use machine::Pool;
pub use protocol::{
    ByIdError, ChildKey, Flavour, PoolAction, PoolAnswer, PoolEvent, PoolFlags, PoolRequest,
    PoolStartError,
};
