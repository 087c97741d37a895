//! Trees that are simulated: each scenario is one test, played under many orders and with crashes at every await.
//!
//! A scenario is a small program as one would write it, a test that drives it, and what must hold meanwhile. What must
//! hold in every program (no second incarnation, names free in time, no message lost, …) is not said in any of them:
//! the simulator checks that by itself, see [`fauxtp::testing`].
//!
//! `gallery` is the other way round: programs with a fault in them, for the reader to find before the simulator does.

pub mod outside;
pub mod explore;
pub mod pools;
pub mod pipelines;
pub mod brokers;
pub mod sessions;
pub mod nested;
pub mod names;
pub mod calls;
pub mod timers;
pub mod guards;
pub mod stores;
pub mod bank;
pub mod links;
pub mod mailboxes;
pub mod receives;
pub mod tasks;
pub mod applications;
