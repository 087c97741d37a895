//! A key-value server that speaks the Redis protocol and survives its own shards.
//!
//! ```text
//!   Supervisor
//!   ├─ shards        Supervisor, one_for_one      shard-0 … shard-n: each owns the keys of its slots
//!   ├─ connections   DynamicSupervisor            one temporary process per client
//!   └─ listener      plain task                   accepts, and hands over to `connections`
//! ```
//!
//! A connection takes all requests that have arrived, sends each shard those that concern it as *one* call,
//! and puts the answers back in the order of the requests. When a shard crashes, its keys are gone; the calls
//! it had not answered are made again to its successor, which is right exactly because nothing of the
//! predecessor's state is left. So a client sees keys vanish, and nothing else.
//!
//! Not here: persistence, RESP3, transactions, blocking commands, data types other than strings.

pub mod integer;
pub mod counters;
pub mod command;
pub mod requests;
pub mod outbox;
pub mod operation;
pub mod store;
pub mod shard;
pub mod shards;
pub mod pipeline;
pub mod connection;
pub mod connections;
pub mod listener;
