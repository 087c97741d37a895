//! Supervisors, pools, applications and registries; and the contract.

#![allow(missing_docs, reason = "tests")]

#[path = "../pools/mod.rs"]
mod pools;
#[path = "../robot/mod.rs"]
mod robot;
#[path = "../support/mod.rs"]
mod support;
#[path = "../trees/mod.rs"]
mod trees;
mod contract;
mod supervisor_start;
mod supervisor_restarts;
mod supervisor_shutdown;
mod supervisor_auto_shutdown;
mod supervisor_management;
mod supervisor_mechanics;
mod dynamic_supervisors;
mod simple_one_for_one;
mod ensured;
mod applications;
mod registries;
mod hazards_supervisors;
mod bad_input_supervisors;
mod bad_input_registries;
mod regression_supervisors;
mod regression_pools;
mod regression_hierarchies;
mod regression_orphans;
mod regression_counts;
mod regression_registries;
mod words;
