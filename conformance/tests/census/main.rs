//! What must leave nothing behind, counted over the whole program. So these tests take turns, and have a program of
//! their own: `process::list` knows no difference between a process of one test and that of another.

#![allow(missing_docs, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../pools/mod.rs"]
mod pools;
#[path = "../robot/mod.rs"]
mod robot;
mod turn;
mod starts;
mod ends;
mod peers_ractor_starts;
