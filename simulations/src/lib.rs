//! Trees that are simulated: each scenario is one test, played under many orders and with crashes at every await.
//!
//! A scenario is a small program as one would write it, a test that drives it, and what must hold meanwhile. What must
//! hold in every program (no second incarnation, names free in time, no message lost, …) is not said in any of them:
//! the simulator checks that by itself, see [`fauxtp::testing`].
//!
//! | theme | scenarios |
//! | --- | --- |
//! | [`pools`] | workers and jobs; connections on loan |
//! | [`pipelines`] | three stages, rest for one; tasks in a stream |
//! | [`brokers`] | publish and subscribe by monitors; topics in a registry with duplicate keys |
//! | [`sessions`] | rooms opened on demand; baskets below a dynamic supervisor |
//! | [`nested`] | all strategies; generations; giving up inside; done when all are done; children by request |
//! | [`names`] | hand-over; one name for many; keys under churn |
//! | [`calls`] | deferred replies; a chain; a circle; a survey |
//! | [`timers`] | heartbeats; leases |
//! | [`guards`] | a circuit breaker; a rate limit; patience with who cannot start |
//! | [`stores`] | a store and its cache; three copies |
//! | [`bank`] | transfers |
//! | [`links`] | peers; a manager who traps exits |
//! | [`mailboxes`] | three ways to overflow |
//! | [`receives`] | handshakes by selective receive |
//! | [`tasks`] | work beside a server; supervised tasks |
//! | [`applications`] | a shop and its store |
//!
//! `cargo xtask sim` plays them all and adds up what was explored; `--seeds` and `--hours` play more. How much is played
//! otherwise is in [`explore`].
//!
//! [`gallery`] is the other way round: programs with a fault in them, for the reader to find before the simulator does.

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
pub mod gallery;
