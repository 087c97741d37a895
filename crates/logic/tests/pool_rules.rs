//! Promises of dynamic supervisors, one test per promise, each named after it in the specification.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use fauxtp_logic::backoff::Backoff;
use fauxtp_logic::budget::Intensity;
use fauxtp_logic::pool::{
    ChildKey, Flavour, Pool, PoolAction, PoolAnswer, PoolEvent, PoolFlags, PoolRequest,
};
use fauxtp_logic::supervisor::{AutoShutdown, ChildKind, ChildSpec, Restart, Shutdown, SpecError};
use fauxtp_logic::{ExitReason, Pid, Time};

type Spec = ChildSpec<&'static str>;

/// A pool and the shortest possible words for what it is told and what it says: children are `k0`, `k1`, …
/// in the order of their first start, processes are numbers, requests `#0`, `#1`, …
struct Rig {
    pool: Pool<&'static str, u32>,
    keys: Vec<ChildKey>,
    now: Time,
    tokens: u32,
}

impl Rig {
    fn new(flags: PoolFlags) -> Self {
        let pool = Pool::new(flags).expect("the flags are fine");
        Self { pool, keys: Vec::new(), now: Time::ORIGIN, tokens: 0 }
    }

    /// A pool in which children with these specs run as 1, 2, ….
    fn running(flags: PoolFlags, specs: &[Spec]) -> Self {
        let mut rig = Self::new(flags);
        for (n, spec) in specs.iter().enumerate() {
            rig.start(spec.clone());
            rig.started(n, n as u32 + 1);
        }
        rig.tokens = 0;
        rig
    }

    fn tell(&mut self, event: PoolEvent<&'static str, u32>) -> String {
        let mut said = Vec::new();
        for action in self.pool.on_event(self.now, event) {
            if let PoolAction::Start(key) = action {
                if !self.keys.contains(&key) {
                    self.keys.push(key);
                }
            }
            said.push(self.word(action));
        }
        said.join("; ")
    }

    fn word(&self, action: PoolAction<u32>) -> String {
        let k = |key| self.keys.iter().position(|known| *known == key).expect("a known child");
        match action {
            PoolAction::Start(key) => format!("start k{}", k(key)),
            PoolAction::Ask(pid) => format!("ask {}", pid.id),
            PoolAction::Kill(pid) => format!("kill {}", pid.id),
            PoolAction::ArmDeadline(key, after) => format!("deadline k{} {after:?}", k(key)),
            PoolAction::Retry(key, attempt) => format!("retry k{} {attempt}", k(key)),
            PoolAction::CancelRetry(key) => format!("no retry k{}", k(key)),
            PoolAction::Report(report) => report.context.name().to_owned(),
            PoolAction::ShutdownErrors { report, children } => {
                format!("{} x{children}", report.context.name())
            }
            PoolAction::Exit(reason) => format!("exit {reason:?}"),
            PoolAction::Answer(token, answer) => format!("#{token} {}", shown(answer)),
        }
    }

    fn request(&mut self, request: PoolRequest<&'static str>) -> String {
        self.tokens += 1;
        self.tell(PoolEvent::Request(self.tokens - 1, request))
    }

    fn start(&mut self, spec: Spec) -> String {
        self.request(PoolRequest::StartChild(self.pool.flags().flavour, spec))
    }

    fn terminate(&mut self, n: u32) -> String {
        self.request(PoolRequest::TerminateChild { pid: pid(n), alive: true, caller: None })
    }

    fn count(&mut self) -> String {
        let said = self.request(PoolRequest::CountChildren);
        said.split_once(' ').expect("a token and a word").1.to_owned()
    }

    fn launched(&mut self, k: usize, n: u32) -> String {
        self.tell(PoolEvent::Launched(self.keys[k], pid(n)))
    }

    fn ready(&mut self, k: usize) -> String {
        self.tell(PoolEvent::Started(self.keys[k]))
    }

    /// Launched, and ready.
    fn started(&mut self, k: usize, n: u32) -> String {
        let said = [self.launched(k, n), self.ready(k)];
        said.into_iter().filter(|said| !said.is_empty()).collect::<Vec<_>>().join("; ")
    }

    fn failed(&mut self, k: usize) -> String {
        self.tell(PoolEvent::StartFailed(self.keys[k], ExitReason::error("no")))
    }

    fn ignored(&mut self, k: usize) -> String {
        self.tell(PoolEvent::StartIgnored(self.keys[k]))
    }

    fn exited(&mut self, n: u32, reason: ExitReason) -> String {
        self.tell(PoolEvent::Exited(pid(n), reason))
    }

    fn retry(&mut self, k: usize) -> String {
        self.tell(PoolEvent::Retry(self.keys[k]))
    }

    fn deadline(&mut self, k: usize) -> String {
        self.tell(PoolEvent::DeadlinePassed(self.keys[k]))
    }

    fn shutdown(&mut self) -> String {
        self.tell(PoolEvent::Shutdown(ExitReason::shutdown()))
    }
}

fn shown(answer: PoolAnswer) -> String {
    match answer {
        PoolAnswer::StartChild(Ok(pid)) => {
            pid.map_or_else(|| "none".to_owned(), |pid| pid.id.to_string())
        }
        PoolAnswer::StartChild(Err(error)) => format!("{error:?}"),
        PoolAnswer::TerminateChild(Ok(())) => "gone".to_owned(),
        PoolAnswer::TerminateChild(Err(error)) => format!("{error:?}"),
        PoolAnswer::Deadlock => "deadlock".to_owned(),
        PoolAnswer::ById(error) => format!("{error:?}"),
        PoolAnswer::WhichChildren(children) => {
            children.iter().fold(String::new(), |mut text, child| {
                let _infallible = write!(text, "{}:{:?} ", child.id, child.state);
                text
            })
        }
        PoolAnswer::CountChildren(counts) => {
            format!("{}/{}/{}/{}", counts.specs, counts.active, counts.supervisors, counts.workers)
        }
        PoolAnswer::GetChildSpec(spec) => format!("{:?}", spec.map(|spec| spec.restart)),
        PoolAnswer::Ending(reason) => format!("ending {reason:?}"),
        _ => "?".to_owned(),
    }
}

fn pid(id: u32) -> Pid {
    Pid { node: 0, id, serial: 0, creation: 0 }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn spec(restart: Restart, shutdown: Shutdown) -> Spec {
    ChildSpec { restart, shutdown, ..ChildSpec::worker("child", "arguments") }
}

fn permanent() -> Spec {
    spec(Restart::Permanent, Shutdown::Infinity)
}

fn simple() -> PoolFlags {
    PoolFlags { flavour: Flavour::SimpleOneForOne, ..PoolFlags::default() }
}

fn intensity(restarts_max: u32) -> PoolFlags {
    PoolFlags { intensity: Intensity::new(restarts_max, ms(5_000)), ..PoolFlags::default() }
}

#[test]
fn dyn_001_starts_overlap_and_ids_do_not_matter() {
    let mut rig = Rig::new(PoolFlags::default());
    assert_eq!(rig.start(permanent()), "start k0");
    assert_eq!(rig.start(permanent()), "start k1");
    assert_eq!(rig.count(), "0/0/0/0");
    assert_eq!(rig.started(1, 7), "progress; #1 7");
    assert_eq!(rig.started(0, 8), "progress; #0 8");
    assert_eq!(
        rig.request(PoolRequest::WhichChildren),
        format!("#3 child:Running({:?}) child:Running({:?}) ", pid(7), pid(8))
    );
    assert_eq!(rig.request(PoolRequest::ById), "#4 NotFound");
    assert_eq!(rig.request(PoolRequest::GetChildSpecOf(pid(7))), "#5 Some(Permanent)");
}

#[test]
fn dyn_002_starting_restarting_and_stopping_children_take_a_place() {
    let flags = PoolFlags { children_max: Some(1), ..intensity(9) };
    let full = |rig: &mut Rig| rig.start(permanent()).ends_with("MaxChildren");
    let mut rig = Rig::new(flags);
    rig.start(permanent());
    assert!(full(&mut rig), "starting");
    rig.started(0, 1);
    assert!(full(&mut rig), "running");
    rig.exited(1, ExitReason::error("x"));
    assert!(full(&mut rig), "being restarted");
    rig.failed(0);
    assert!(full(&mut rig), "waiting to be retried");
    rig.retry(0);
    rig.started(0, 2);
    rig.terminate(2);
    assert!(full(&mut rig), "stopping");
    rig.exited(2, ExitReason::shutdown());
    assert_eq!(rig.start(permanent()), "start k1");
}

#[test]
fn dyn_003_start_results() {
    let mut rig = Rig::new(PoolFlags::default());
    rig.start(permanent());
    assert_eq!(rig.started(0, 1), "progress; #0 1");
    rig.start(permanent());
    assert_eq!(rig.ignored(1), "#1 none");
    rig.start(permanent());
    assert_eq!(rig.failed(2), "#2 Failed(error: \"no\")");
    assert_eq!(rig.count(), "1/1/0/1");
}

#[test]
fn dyn_004_sup_040_restart_matrix() {
    let reasons = [
        ExitReason::Normal,
        ExitReason::shutdown(),
        ExitReason::shutdown_with(1),
        ExitReason::killed(),
        ExitReason::error("x"),
    ];
    let rows = [
        (Restart::OnError, [false, false, false, false, true]),
        (Restart::Permanent, [true; 5]),
        (Restart::Transient, [false, false, false, true, true]),
        (Restart::Temporary, [false; 5]),
    ];
    for (restart, expected) in rows {
        for (reason, expected) in reasons.iter().zip(expected) {
            let flags = PoolFlags::default();
            let mut rig = Rig::running(flags, &[spec(restart, Shutdown::Infinity)]);
            let restarts = rig.exited(1, reason.clone()).contains("start k0");
            assert_eq!(restarts, expected, "{restart:?} {reason:?}");
            assert_eq!(rig.count() == "0/0/0/0", !expected, "a child that ended is forgotten");
        }
    }
}

#[test]
fn dyn_005_restart_results() {
    let mut rig = Rig::running(intensity(9), &[permanent(), permanent()]);
    assert_eq!(rig.exited(1, ExitReason::Normal), "child_terminated; start k0");
    assert_eq!(rig.exited(1, ExitReason::Normal), "", "an exit told twice means nothing");
    assert_eq!(rig.failed(0), "start_error; retry k0 1");
    assert_eq!(rig.request(PoolRequest::GetChildSpecOf(pid(1))), "#0 Some(Permanent)");
    assert_eq!(rig.retry(0), "start k0");
    assert_eq!(rig.failed(0), "start_error; retry k0 2");
    assert_eq!(rig.count(), "2/1/0/2", "DYN-011: active excludes restarting");
    rig.retry(0);
    assert_eq!(rig.started(0, 3), "progress");
    assert_eq!(rig.request(PoolRequest::GetChildSpecOf(pid(1))), "#2 None");
    assert_eq!(rig.exited(3, ExitReason::Normal), "child_terminated; start k0");
    assert_eq!(rig.ignored(0), "");
    assert_eq!(rig.count(), "1/1/0/1");
    assert_eq!(rig.retry(0), "", "nobody to retry");
}

#[test]
fn dyn_006_terminate_answers_when_the_process_is_gone() {
    let timeout = spec(Restart::Permanent, Shutdown::Timeout(ms(100)));
    let mut rig = Rig::running(intensity(0), &[permanent(), timeout]);
    assert_eq!(rig.terminate(1), "ask 1");
    assert_eq!(rig.terminate(1), "", "one is asked once, however many wait");
    assert_eq!(rig.terminate(2), "ask 2; deadline k1 100ms");
    assert_eq!(rig.exited(1, ExitReason::shutdown()), "#0 gone; #1 gone");
    assert_eq!(rig.deadline(1), "kill 2");
    assert_eq!(rig.exited(2, ExitReason::killed()), "shutdown_error; #2 gone");
    assert_eq!(rig.deadline(1), "");
    assert_eq!(rig.terminate(1), "#3 NotFound");
    let dead = PoolRequest::TerminateChild { pid: pid(1), alive: false, caller: None };
    assert_eq!(rig.request(dead), "#4 NotFound", "also if it is dead");
}

#[test]
fn dyn_006_sup_115_terminating_the_last_pid_cancels_the_restart() {
    let mut rig = Rig::running(intensity(9), &[permanent(), permanent(), permanent()]);
    for n in 1..=3 {
        rig.exited(n, ExitReason::Normal);
    }
    rig.failed(0);
    assert_eq!(rig.terminate(1), "no retry k0; #0 gone", "waiting");
    assert_eq!(rig.retry(0), "");
    assert_eq!(rig.terminate(2), "", "its start is in progress");
    assert_eq!(rig.started(1, 5), "ask 5");
    assert_eq!(rig.terminate(2), "#2 NotFound");
    assert_eq!(rig.exited(5, ExitReason::shutdown()), "#1 gone");
    assert_eq!(rig.terminate(3), "");
    assert_eq!(rig.failed(2), "#3 gone");
    assert_eq!(rig.count(), "0/0/0/0");
}

/// Goal: no terminate_child waits longer than the child's own shutdown, wherever in a start the child is.
#[test]
fn dyn_006_a_child_is_terminated_while_it_starts_in_its_own_way() {
    let timeout = Shutdown::Timeout(ms(100));
    let rows = [
        (timeout, "ask 7; deadline k0 100ms", "kill 7"),
        (Shutdown::BrutalKill, "kill 7", ""),
        (Shutdown::Infinity, "ask 7", ""),
    ];
    for (shutdown, stop, deadline) in rows {
        for restarted in [false, true] {
            let starting = || {
                let child = spec(Restart::Permanent, shutdown);
                let mut rig = Rig::new(intensity(9));
                rig.start(child);
                if restarted {
                    rig.started(0, 1);
                    rig.exited(1, ExitReason::Normal);
                }
                rig
            };
            let starter = if restarted { "" } else { "#0 Failed(killed); " };
            let mut rig = starting();
            assert_eq!(rig.launched(0, 7), "");
            assert_eq!(rig.terminate(7), stop);
            assert_eq!(rig.terminate(if restarted { 1 } else { 7 }), "", "by any of its pids");
            assert_eq!(rig.deadline(0), deadline);
            let killed = rig.tell(PoolEvent::StartFailed(rig.keys[0], ExitReason::killed()));
            assert_eq!(killed, format!("{starter}#1 gone; #2 gone"));
            assert_eq!(rig.count(), "0/0/0/0");
            // It starts all the same: it has been told, and its time goes on.
            let mut rig = starting();
            rig.launched(0, 7);
            rig.terminate(7);
            assert_eq!(rig.ready(0), "");
            assert_eq!(rig.deadline(0), deadline);
            let killed = rig.exited(7, ExitReason::killed());
            assert!(killed.ends_with(&format!("{starter}#1 gone")), "{killed}");
            assert_eq!(rig.count(), "0/0/0/0");
            let mut rig = starting();
            rig.launched(0, 7);
            rig.terminate(7);
            let ignored = if restarted { "#1 gone" } else { "#0 none; #1 gone" };
            assert_eq!(rig.ignored(0), ignored, "nothing is left, as it wished");
        }
    }
    let mut rig = Rig::running(intensity(9), &[spec(Restart::Permanent, timeout)]);
    rig.exited(1, ExitReason::Normal);
    assert_eq!(rig.terminate(1), "");
    assert_eq!(rig.launched(0, 2), "ask 2; deadline k0 100ms", "as soon as there is a process");
    assert_eq!(rig.failed(0), "#0 gone");
}

#[test]
fn dyn_006_a_restart_that_fails_leaves_no_pid_behind() {
    let mut rig = Rig::running(intensity(9), &[permanent()]);
    rig.exited(1, ExitReason::Normal);
    rig.launched(0, 2);
    assert_eq!(rig.request(PoolRequest::GetChildSpecOf(pid(2))), "#0 Some(Permanent)");
    assert_eq!(rig.failed(0), "start_error; retry k0 1");
    assert_eq!(rig.request(PoolRequest::GetChildSpecOf(pid(2))), "#1 None");
    assert_eq!(rig.request(PoolRequest::GetChildSpecOf(pid(1))), "#2 Some(Permanent)");
}

#[test]
fn dyn_006_nobody_terminates_the_child_it_is() {
    let mut rig = Rig::running(intensity(9), &[permanent(), permanent()]);
    let by = |n, caller| PoolRequest::TerminateChild {
        pid: pid(n),
        alive: true,
        caller: Some(pid(caller)),
    };
    assert_eq!(rig.request(by(1, 1)), "#0 deadlock");
    assert_eq!(rig.request(by(9, 9)), "#1 NotFound", "a stranger");
    rig.exited(1, ExitReason::Normal);
    rig.launched(0, 3);
    assert_eq!(rig.request(by(1, 3)), "#2 deadlock", "by its last pid, from its init");
    assert_eq!(rig.request(by(3, 3)), "#3 deadlock", "from its init");
    assert_eq!(rig.request(by(3, 2)), "ask 3", "a sibling may");
    assert_eq!(rig.request(by(3, 3)), "#5 deadlock", "also if it has been told to end");
}

#[test]
fn dyn_007_sup_114_all_are_signalled_at_once_each_in_its_own_way() {
    let shutdowns = [
        Shutdown::Timeout(ms(100)),
        Shutdown::BrutalKill,
        Shutdown::Infinity,
        Shutdown::Timeout(ms(0)),
    ];
    let specs = shutdowns.map(|shutdown| spec(Restart::OnError, shutdown));
    let mut rig = Rig::running(PoolFlags::default(), &specs);
    assert_eq!(rig.shutdown(), "ask 1; kill 2; ask 3; ask 4; deadline k0 100ms; deadline k3 0ns");
    assert_eq!(rig.shutdown(), "");
    assert_eq!(rig.start(permanent()), "#0 ending shutdown");
    assert_eq!(rig.exited(3, ExitReason::error("x")), "", "SUP-027: nothing restarts");
    assert_eq!(rig.exited(2, ExitReason::killed()), "");
    assert_eq!(rig.deadline(0), "kill 1");
    assert_eq!(rig.deadline(3), "kill 4");
    assert_eq!(rig.exited(1, ExitReason::killed()), "");
    let end = rig.exited(4, ExitReason::killed());
    assert_eq!(end, "shutdown_error x1; shutdown_error x2; exit shutdown");
    assert_eq!(rig.shutdown(), "");
    assert_eq!(rig.request(PoolRequest::CountChildren), "#1 ending shutdown");
}

#[test]
fn dyn_008_sup_116_wrong_ends_are_reported_by_reason_and_disturb_nothing() {
    let mut rig = Rig::running(PoolFlags::default(), &[permanent(), permanent(), permanent()]);
    assert_eq!(rig.shutdown(), "ask 1; ask 2; ask 3");
    rig.exited(1, ExitReason::Normal);
    let again = PoolEvent::Shutdown(ExitReason::error("another reason"));
    assert_eq!(rig.tell(again), "", "it ends already");
    rig.exited(2, ExitReason::shutdown());
    assert_eq!(rig.exited(3, ExitReason::Normal), "shutdown_error x2; exit shutdown");
}

#[test]
fn dyn_010_wrong_specs_are_refused_and_change_nothing() {
    let auto_shutdown = AutoShutdown::AnySignificant;
    let flags = PoolFlags { auto_shutdown, ..PoolFlags::default() };
    let refused = Pool::<(), ()>::new(flags).err();
    assert_eq!(refused, Some(SpecError::AutoShutdownWithoutTemplate));
    let mut rig = Rig::new(PoolFlags::default());
    let significant =
        ChildSpec { significant: true, ..spec(Restart::Temporary, Shutdown::Infinity) };
    assert!(rig.start(significant.clone()).starts_with("#0 Spec(SignificantNever"));
    let mut rig = Rig::new(PoolFlags { auto_shutdown, ..simple() });
    assert_eq!(rig.start(significant), "start k0");
    assert!(
        Pool::<(), ()>::new(PoolFlags {
            intensity: Intensity::new(1, Duration::ZERO),
            ..PoolFlags::default()
        })
        .is_err()
    );
}

#[test]
fn dyn_012_an_empty_pool_ends_at_once_with_the_reason_it_is_given() {
    let mut rig = Rig::new(PoolFlags::default());
    assert_eq!(rig.tell(PoolEvent::Shutdown(ExitReason::Normal)), "exit normal");
    assert!(rig.pool.is_ended());
}

#[test]
fn sup_051_sup_056_giving_up_stops_all_and_is_a_shutdown() {
    let mut rig = Rig::running(intensity(1), &[permanent(), permanent(), permanent()]);
    assert_eq!(rig.exited(1, ExitReason::error("x")), "child_terminated; start k0");
    let end = rig.exited(2, ExitReason::error("x"));
    assert_eq!(end, "child_terminated; shutdown; ask 3");
    assert_eq!(rig.started(0, 4), "ask 4", "a start in progress is stopped when it is done");
    assert_eq!(rig.exited(3, ExitReason::shutdown()), "");
    let exit = "exit shutdown(MaxRestartsReached)";
    assert_eq!(rig.exited(4, ExitReason::shutdown()), exit);
}

#[test]
fn sup_052_the_window_slides() {
    let mut rig = Rig::running(intensity(1), &[permanent()]);
    rig.exited(1, ExitReason::Normal);
    rig.started(0, 2);
    rig.now = Time(ms(5_001));
    assert_eq!(rig.exited(2, ExitReason::Normal), "child_terminated; start k0");
}

#[test]
fn sup_055_every_attempt_is_paid_for() {
    let mut rig = Rig::running(intensity(3), &[permanent()]);
    assert_eq!(rig.exited(1, ExitReason::Normal), "child_terminated; start k0");
    for attempt in 1..=2 {
        assert_eq!(rig.failed(0), format!("start_error; retry k0 {attempt}"));
        assert_eq!(rig.retry(0), "start k0");
    }
    rig.failed(0);
    assert_eq!(rig.retry(0), "shutdown; exit shutdown(MaxRestartsReached)");
}

#[test]
fn sup_058_first_starts_and_terminations_cost_nothing() {
    let mut rig = Rig::new(intensity(0));
    for n in 0..5 {
        rig.start(permanent());
        rig.started(n, n as u32);
        rig.terminate(n as u32);
        assert!(rig.exited(n as u32, ExitReason::shutdown()).ends_with("gone"));
        rig.start(permanent());
        rig.failed(n + 1);
        rig.keys.truncate(n + 1);
    }
    assert!(!rig.pool.is_ended());
}

#[test]
fn sup_060_a_backoff_delays_the_first_restart_too_and_grows_until_a_run_was_long() {
    let backoff = Some(Backoff::new(ms(10), ms(1_000)));
    let mut rig = Rig::running(intensity(9), &[ChildSpec { backoff, ..permanent() }, permanent()]);
    assert_eq!(rig.exited(1, ExitReason::Normal), "child_terminated; retry k0 1");
    assert_eq!(rig.exited(2, ExitReason::Normal), "child_terminated; start k1", "others go on");
    assert_eq!(rig.retry(0), "start k0");
    assert_eq!(rig.failed(0), "start_error; retry k0 2");
    rig.retry(0);
    rig.started(0, 3);
    assert_eq!(rig.exited(3, ExitReason::Normal), "child_terminated; retry k0 3");
    rig.retry(0);
    rig.started(0, 4);
    rig.now = Time(ms(1_000));
    assert_eq!(rig.exited(4, ExitReason::Normal), "child_terminated; retry k0 1");
    rig.retry(0);
    rig.started(0, 5);
    rig.now = Time(ms(1_999));
    assert_eq!(rig.exited(5, ExitReason::Normal), "child_terminated; retry k0 2", "too short");
}

#[test]
fn sup_100_only_what_may_be_started_again_is_kept() {
    let temporary = spec(Restart::Temporary, Shutdown::Infinity);
    let mut rig = Rig::new(PoolFlags::default());
    rig.start(temporary);
    rig.start(permanent());
    for key in rig.keys.clone() {
        assert_eq!(rig.pool.start_of(key), Some(&"arguments"));
    }
    rig.started(0, 1);
    rig.started(1, 2);
    assert_eq!(rig.pool.start_of(rig.keys[0]), None);
    rig.exited(2, ExitReason::Normal);
    assert_eq!(rig.pool.start_of(rig.keys[1]), Some(&"arguments"), "SUP-115");
}

#[test]
fn sup_111_simple_one_for_one_terminates_dead_pids_but_no_strangers_and_no_ids() {
    let mut rig = Rig::running(simple(), &[permanent()]);
    let terminate = |n, alive| PoolRequest::TerminateChild { pid: pid(n), alive, caller: None };
    assert_eq!(rig.request(terminate(9, true)), "#0 NotFound");
    assert_eq!(rig.request(terminate(9, false)), "#1 gone");
    assert_eq!(rig.request(PoolRequest::ById), "#2 SimpleOneForOne");
    assert_eq!(rig.request(terminate(1, true)), "ask 1");
    assert_eq!(rig.exited(1, ExitReason::shutdown()), "#3 gone");
}

#[test]
fn sup_112_simple_one_for_one_counts_one_spec() {
    let mut rig = Rig::new(simple());
    assert_eq!(rig.count(), "1/0/0/0");
    let kind = ChildKind::Supervisor;
    let mut rig = Rig::running(simple(), &[ChildSpec { kind, ..permanent() }, permanent()]);
    rig.exited(1, ExitReason::Normal);
    assert_eq!(rig.count(), "1/1/1/1");
}

#[test]
fn sup_122_sup_123_significant_children_end_the_pool() {
    let significant =
        ChildSpec { significant: true, ..spec(Restart::Transient, Shutdown::Infinity) };
    let specs = [significant.clone(), significant];
    let flags = |auto_shutdown| PoolFlags { auto_shutdown, ..simple() };
    let mut rig = Rig::running(flags(AutoShutdown::AnySignificant), &specs);
    assert_eq!(rig.exited(1, ExitReason::Normal), "shutdown; ask 2");
    assert_eq!(rig.exited(2, ExitReason::Normal), "exit shutdown");
    let mut rig = Rig::running(flags(AutoShutdown::AllSignificant), &specs);
    assert_eq!(rig.exited(1, ExitReason::Normal), "");
    assert_eq!(rig.exited(2, ExitReason::Normal), "shutdown; exit shutdown");
    let mut rig = Rig::running(flags(AutoShutdown::AllSignificant), &specs);
    rig.exited(1, ExitReason::Normal);
    rig.terminate(2);
    assert_eq!(rig.exited(2, ExitReason::shutdown()), "#0 gone", "SUP-121: not by itself");
}

/// Goal: the pool ends as OTP's would, which looks at an end when no start and no stop is under way.
#[test]
fn sup_123_what_was_under_way_at_the_last_end_decides() {
    let child = || ChildSpec { significant: true, ..spec(Restart::Transient, Shutdown::Infinity) };
    let flags = PoolFlags {
        auto_shutdown: AutoShutdown::AllSignificant,
        intensity: Intensity::new(9, ms(5_000)),
        ..simple()
    };
    let running = |n| Rig::running(flags, &vec![child(); n]);
    let (normal, error) = (|| ExitReason::Normal, || ExitReason::error("x"));
    let over = "shutdown; exit shutdown";
    // A start is under way: it fails, is ignored, or is ended before it is through.
    let starting = || {
        let mut rig = running(1);
        rig.start(child());
        rig.launched(1, 2);
        assert_eq!(rig.exited(1, normal()), "");
        rig
    };
    assert_eq!(starting().failed(1), format!("#0 Failed(error: \"no\"); {over}"));
    assert_eq!(starting().ignored(1), format!("#0 none; {over}"));
    let mut rig = starting();
    rig.terminate(2);
    assert_eq!(rig.failed(1), format!("#0 Failed(error: \"no\"); #1 gone; {over}"));
    // It succeeds: its own end is what counts.
    let mut rig = starting();
    rig.ready(1);
    rig.terminate(2);
    assert_eq!(rig.exited(2, ExitReason::shutdown()), "#1 gone", "SUP-124");
    rig.start(child());
    assert_eq!(rig.failed(2), "#2 Failed(error: \"no\")");
    let mut rig = starting();
    rig.ready(1);
    assert_eq!(rig.exited(2, normal()), over);
    // A stop is under way.
    let mut rig = running(2);
    rig.terminate(1);
    assert_eq!(rig.exited(2, normal()), "");
    assert_eq!(rig.exited(1, ExitReason::shutdown()), format!("#0 gone; {over}"));
    // A restart is under way, or to come; the latter counts as a child that runs.
    let restarting = || {
        let mut rig = running(2);
        rig.exited(1, error());
        assert_eq!(rig.exited(2, normal()), "");
        rig
    };
    assert_eq!(restarting().ignored(0), over);
    let mut rig = restarting();
    rig.failed(0);
    rig.retry(0);
    assert_eq!(rig.ignored(0), "");
    let mut rig = restarting();
    rig.failed(0);
    assert_eq!(rig.terminate(1), "no retry k0; #0 gone", "SUP-124");
    // The last one to end was of no significance.
    let mut rig = Rig::running(flags, &[child(), spec(Restart::Temporary, Shutdown::Infinity)]);
    rig.exited(1, normal());
    assert_eq!(rig.exited(2, normal()), "");
}

#[test]
fn sup_110_a_simple_one_for_one_starts_nothing_but_its_template() {
    for flavour in [Flavour::Dynamic, Flavour::SimpleOneForOne] {
        let mut rig = Rig::new(PoolFlags { flavour, ..PoolFlags::default() });
        let other = match flavour {
            Flavour::Dynamic => Flavour::SimpleOneForOne,
            Flavour::SimpleOneForOne => Flavour::Dynamic,
        };
        let refused = rig.request(PoolRequest::StartChild(other, permanent()));
        assert_eq!(refused, "#0 Template");
        assert_eq!(rig.start(permanent()), "start k0");
    }
}

#[test]
fn sup_032_whoever_waits_for_a_start_is_told_of_the_end() {
    let mut rig = Rig::running(PoolFlags::default(), &[permanent()]);
    rig.terminate(1);
    rig.start(permanent());
    rig.start(permanent());
    assert_eq!(rig.shutdown(), "#1 ending shutdown; #2 ending shutdown");
    assert_eq!(rig.ignored(1), "");
    assert_eq!(rig.exited(1, ExitReason::shutdown()), "#0 gone");
    assert_eq!(rig.started(2, 2), "ask 2");
    assert_eq!(rig.exited(2, ExitReason::shutdown()), "exit shutdown");
}

#[test]
fn dyn_007_those_that_start_or_wait_are_stopped_with_all_others() {
    let backoff = Some(Backoff::new(ms(10), ms(1_000)));
    let timeout = Shutdown::Timeout(ms(100));
    let waiting = ChildSpec { backoff, ..permanent() };
    let mut rig =
        Rig::running(intensity(9), &[waiting, permanent(), spec(Restart::OnError, timeout)]);
    rig.exited(1, ExitReason::Normal);
    rig.exited(2, ExitReason::Normal);
    rig.launched(1, 4);
    rig.start(spec(Restart::OnError, timeout));
    rig.launched(3, 5);
    let end = rig.shutdown();
    let told = "no retry k0; ask 4; ask 3; #0 ending shutdown; ask 5; deadline k2 100ms; ";
    assert_eq!(end, format!("{told}deadline k3 100ms"));
    assert_eq!(rig.ready(1), "", "it has been asked");
    assert_eq!(rig.deadline(3), "kill 5");
    assert_eq!(rig.failed(3), "");
    rig.exited(3, ExitReason::shutdown());
    assert_eq!(rig.exited(4, ExitReason::shutdown()), "exit shutdown");
}

#[test]
fn log_001_a_report_names_the_process_and_counts_its_restarts() {
    let mut rig = Rig::running(intensity(9), &[permanent()]);
    for n in 1..=3 {
        let event = PoolEvent::Exited(pid(n), ExitReason::Normal);
        let said = rig.pool.on_event(rig.now, event);
        let [PoolAction::Report(report), PoolAction::Start(_)] = &said[..] else {
            panic!("{said:?}")
        };
        assert_eq!((report.offender.pid, report.offender.restarts), (Some(pid(n)), n - 1));
        rig.started(0, n + 1);
    }
}

#[test]
#[should_panic(expected = "the shell tells the outcome of a start once")]
fn a_start_that_is_told_twice_is_a_fault_of_the_shell() {
    let mut rig = Rig::running(PoolFlags::default(), &[permanent()]);
    rig.ready(0);
}

/// Goal: no operation may be linear in the number of children. If one were, this would take minutes.
#[test]
fn sup_102_a_hundred_thousand_children_come_and_go() {
    const CHILDREN: u32 = 100_000;
    #[expect(clippy::disallowed_methods, reason = "the one thing measured here is real time")]
    let begun = Instant::now();
    let flags = PoolFlags { intensity: Intensity::UNLIMITED, ..PoolFlags::default() };
    let mut pool = Pool::new(flags).expect("the flags are fine");
    let mut tell = |event| pool.on_event(Time::ORIGIN, event);
    let mut keys = Vec::new();
    for token in 0..CHILDREN {
        let start = PoolRequest::StartChild(Flavour::Dynamic, permanent());
        let said = tell(PoolEvent::Request(token, start));
        let [PoolAction::Start(key)] = said[..] else { panic!("{said:?}") };
        keys.push(key);
        tell(PoolEvent::Launched(key, pid(token)));
        tell(PoolEvent::Started(key));
    }
    for n in 0..CHILDREN {
        tell(PoolEvent::Exited(pid(n), ExitReason::Normal));
        tell(PoolEvent::Launched(keys[n as usize], pid(n + CHILDREN)));
        tell(PoolEvent::Started(keys[n as usize]));
    }
    for n in 0..CHILDREN / 2 {
        let (pid, alive, caller) = (pid(n + CHILDREN), true, None);
        tell(PoolEvent::Request(n, PoolRequest::TerminateChild { pid, alive, caller }));
        assert_eq!(tell(PoolEvent::Exited(pid, ExitReason::shutdown())).len(), 1);
    }
    let asked = tell(PoolEvent::Shutdown(ExitReason::shutdown())).len();
    assert_eq!(asked, (CHILDREN / 2) as usize);
    for n in CHILDREN / 2..CHILDREN {
        tell(PoolEvent::Exited(pid(n + CHILDREN), ExitReason::custom(n)));
    }
    assert!(pool.is_ended());
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}
