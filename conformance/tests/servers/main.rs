//! Servers and what is asked of them: calls, requests, restarts that are followed, tasks.

#![allow(missing_docs, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../pools/mod.rs"]
mod pools;
#[path = "../robot/mod.rs"]
mod robot;
#[path = "../support/mod.rs"]
mod support;
mod servers;
mod calls;
mod call_cycles;
mod call_deadlines;
mod review_calls;
mod requests;
mod restarts_followed;
mod work_beside;
mod bad_input_servers;
mod tasks;
mod task_streams;
mod task_supervisors;
mod words;
