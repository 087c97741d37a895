//! What a process tells about itself when it is asked.

use std::sync::Arc;

use fauxtp_logic::Pid;

/// What a process tells about itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Facts {
    /// Which process.
    pub pid: Pid,
    /// The name it is registered under.
    pub name: Option<Arc<str>>,
    /// The type of what runs in it.
    pub label: &'static str,
    /// Who started it, nearest first.
    pub ancestors: Vec<Pid>,
    /// If it is a task, on whose behalf it runs, and on whose that one did, …; nearest first (TASK-013).
    pub callers: Vec<Pid>,
    /// Whom it is linked with.
    pub links: Vec<Pid>,
    /// How many watch it: by monitors, by waiting for its end, and by calls that take long.
    pub monitored_by: usize,
    /// How many monitors it holds.
    pub monitors: usize,
    /// Messages that wait in its inbox; those it has taken over already, and expired timers, are not counted.
    pub queue_len: usize,
    /// Whether it traps exits.
    pub trapping: bool,
    /// How often its supervisor has restarted it.
    pub restarts: u32,
    /// How many requests it has dropped unhandled, because their callers' deadlines had passed.
    pub requests_expired: usize,
}
