//! Processes: lives, ends, links, monitors, names, timers, mailboxes, the run queue.

#![allow(missing_docs, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../pools/mod.rs"]
mod pools;
#[path = "../robot/mod.rs"]
mod robot;
#[path = "../support/mod.rs"]
mod support;
mod processes;
mod process_ends;
mod process_deaths;
mod links;
mod monitors;
mod monitors_apart;
mod timers;
mod names;
mod stops;
mod stops_from_outside;
mod starts;
mod run_queue;
mod bad_input_processes;
mod bad_input_lives;
mod bad_input_mailboxes;
mod hazards;
mod hazards_load;
mod regression_processes;
mod regression_receiving;
mod regression_run_queues;
mod words;
