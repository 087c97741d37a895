//! Models of races: the product's own code, run by a model checker in every order that matters.
//!
//! ```text
//!   RUSTFLAGS="--cfg loom"    cargo test -p fauxtp --lib --release --no-default-features models
//!   RUSTFLAGS="--cfg shuttle" cargo test -p fauxtp --lib --release --no-default-features models
//! ```
//!
//! loom runs few threads in all orders, and lets a load see whatever the memory model allows; with a bound of three
//! preemptions, or without one. shuttle runs many threads, in many random orders, and every load sees the last
//! store. `cargo xtask models` runs both and prints a table.
//!
//! Nobody waits with a deadline here. What is forgotten, a wake above all, shows as threads that all wait: both
//! checkers report that.

pub(crate) mod checker;
pub(crate) mod world;
mod arrivals;
mod slots;
mod inbox;
mod ties;
mod calls;
#[cfg(shuttle)]
mod circles;
mod ends;
mod names;
