//! The ordered list of a supervisor's children, found by key, by id and by pid.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::protocol::{ChildInfo, ChildKey, ChildState, Counts, Offender};
use super::spec::{ChildId, ChildKind, ChildSpec};
use crate::pid::Pid;
use crate::time::Time;

/// The children in the order in which they were added, which is the order in which they start.
#[derive(Clone, Debug)]
pub(super) struct Children<S> {
    /// Keys are handed out in rising order and the list only grows at its end, hence the order of keys is
    /// the order of the list.
    entries: BTreeMap<ChildKey, Child<S>>,
    /// Exactly the ids of `entries`.
    by_id: BTreeMap<ChildId, ChildKey>,
    /// Exactly the pids of the running `entries`.
    by_pid: BTreeMap<Pid, ChildKey>,
    /// The key of the next child.
    next: u64,
    /// How many significant children are not stopped.
    significant_left: usize,
}

/// One child.
#[derive(Clone, Debug)]
pub(super) struct Child<S> {
    /// What it is.
    pub(super) spec: ChildSpec<()>,
    /// What starts it; none once a temporary child is started (SUP-100).
    pub(super) start: Option<S>,
    /// Changed only by `Children::set_state`, which keeps the indexes.
    state: ChildState,
    /// The process it is, or last was.
    last_pid: Option<Pid>,
    /// When it was last started.
    started: Time,
    /// How often it has been restarted.
    pub(super) restarts: u32,
    /// How many retries in a row there were without a run worth the name.
    attempts: u32,
}

impl<S> Children<S> {
    pub(super) const fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            by_id: BTreeMap::new(),
            by_pid: BTreeMap::new(),
            next: 0,
            significant_left: 0,
        }
    }

    /// Adds a child at the end, stopped.
    pub(super) fn add(&mut self, spec: ChildSpec<S>) -> ChildKey {
        let key = ChildKey(self.next);
        self.next += 1;
        let (spec, start) = spec.split();
        let twin = self.by_id.insert(spec.id.clone(), key);
        assert!(twin.is_none(), "two children with the id {:?}", spec.id);
        self.entries.insert(key, Child::new(spec, start));
        key
    }

    /// Forgets a child.
    pub(super) fn remove(&mut self, key: ChildKey) {
        self.set_state(key, ChildState::Stopped);
        if let Some(child) = self.entries.remove(&key) {
            self.by_id.remove(&child.spec.id);
        }
    }

    pub(super) fn get(&self, key: ChildKey) -> Option<&Child<S>> {
        self.entries.get(&key)
    }

    pub(super) fn key_of(&self, id: &str) -> Option<ChildKey> {
        self.by_id.get(id).copied()
    }

    pub(super) fn key_of_pid(&self, pid: Pid) -> Option<ChildKey> {
        self.by_pid.get(&pid).copied()
    }

    /// All keys in order.
    pub(super) fn keys(&self) -> Vec<ChildKey> {
        self.entries.keys().copied().collect()
    }

    /// The key and all after it, in order.
    pub(super) fn keys_from(&self, key: ChildKey) -> Vec<ChildKey> {
        self.entries.range(key..).map(|(key, _)| *key).collect()
    }

    /// How many significant children run or are being restarted (SUP-123).
    pub(super) const fn significant_left(&self) -> usize {
        self.significant_left
    }

    /// The child runs as `pid` since `now`.
    pub(super) fn set_running(&mut self, key: ChildKey, pid: Pid, now: Time) {
        self.set_state(key, ChildState::Running(pid));
        let twin = self.by_pid.insert(pid, key);
        assert!(twin.is_none(), "{pid} is two children");
        let child = self.get_mut(key);
        child.last_pid = Some(pid);
        child.started = now;
        if child.spec.restart.is_temporary() {
            child.start = None;
        }
    }

    /// The process of the child is gone. A run as long as the longest backoff ends a row of retries.
    pub(super) fn set_gone(&mut self, key: ChildKey, now: Time) {
        self.set_state(key, ChildState::Stopped);
        let child = self.get_mut(key);
        if child.spec.backoff.is_none_or(|backoff| now.since(child.started) >= backoff.max) {
            child.attempts = 0;
        }
    }

    /// The child has been started once more.
    pub(super) fn count_restart(&mut self, key: ChildKey) {
        let child = self.get_mut(key);
        child.restarts = child.restarts.saturating_add(1);
    }

    /// The child is to be started later; returns the number of this retry in the row.
    pub(super) fn set_restarting(&mut self, key: ChildKey) -> u32 {
        self.set_state(key, ChildState::Restarting);
        let child = self.get_mut(key);
        child.attempts = child.attempts.saturating_add(1);
        child.attempts
    }

    /// Takes back a retry, if there is one; the row of retries goes on.
    pub(super) fn set_not_restarting(&mut self, key: ChildKey) {
        if self.get_mut(key).state == ChildState::Restarting {
            self.set_state(key, ChildState::Stopped);
        }
    }

    /// Ends the row of retries.
    pub(super) fn forget_attempts(&mut self, key: ChildKey) {
        self.get_mut(key).attempts = 0;
    }

    /// The newest child first, as in OTP (SUP-095).
    pub(super) fn list(&self) -> Vec<ChildInfo> {
        self.entries.values().rev().map(Child::info).collect()
    }

    pub(super) fn count(&self) -> Counts {
        let specs = self.entries.len();
        let supervisors =
            self.entries.values().filter(|child| child.spec.kind == ChildKind::Supervisor).count();
        Counts { specs, active: self.by_pid.len(), supervisors, workers: specs - supervisors }
    }

    fn set_state(&mut self, key: ChildKey, state: ChildState) {
        let child = self.get_mut(key);
        let significant = usize::from(child.spec.significant);
        let before = core::mem::replace(&mut child.state, state);
        if let Some(pid) = before.pid() {
            self.by_pid.remove(&pid);
        }
        if before != ChildState::Stopped {
            self.significant_left -= significant;
        }
        if state != ChildState::Stopped {
            self.significant_left += significant;
        }
    }

    fn get_mut(&mut self, key: ChildKey) -> &mut Child<S> {
        self.entries.get_mut(&key).expect("the machine changes only children of its list")
    }
}

impl<S> Child<S> {
    const fn new(spec: ChildSpec<()>, start: S) -> Self {
        Self {
            spec,
            start: Some(start),
            state: ChildState::Stopped,
            last_pid: None,
            started: Time::ORIGIN,
            restarts: 0,
            attempts: 0,
        }
    }

    pub(super) const fn state(&self) -> ChildState {
        self.state
    }

    pub(super) fn offender(&self) -> Offender {
        let ChildSpec { id, restart, shutdown, kind, significant, .. } = &self.spec;
        Offender {
            id: id.clone(),
            pid: self.last_pid,
            restart: *restart,
            shutdown: *shutdown,
            kind: *kind,
            significant: *significant,
            restarts: self.restarts,
        }
    }

    fn info(&self) -> ChildInfo {
        ChildInfo {
            id: self.spec.id.clone(),
            state: self.state,
            kind: self.spec.kind,
            restart: self.spec.restart,
        }
    }
}
