//! RUST-001, 003, 004 and SUP-030: supervisors, and what only Rust can do to them.

use crate::pools;
use crate::support;
use crate::trees;

use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::{Restart, Shutdown};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use pools::reports::Reports;
use trees::{End, Init, Last, Log, Plan, end, end_of, ms, pid, plans, settle, states};

/// Method: a child blocks its thread until the test lets it go; nothing can end it before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rust_001_a_child_stuck_in_blocking_code_cannot_hang_its_supervisor() {
    let reports = Reports::elsewhere();
    let log = Log::new();
    let (release, blocked) = mpsc::channel::<()>();
    let (entered, enters) = mpsc::channel::<()>();
    let blocked = Arc::new(Mutex::new(Some(blocked)));
    let stuck = ChildSpec::task("stuck", move || {
        let (blocked, entered) = (blocked.lock().expect("unpoisoned").take(), entered.clone());
        async move {
            let Some(blocked) = blocked else { return std::future::pending().await };
            entered.send(()).expect("the test waits");
            let _released = blocked.recv();
        }
    });
    let stuck = stuck.shutdown(Shutdown::BrutalKill).restart(Restart::Permanent);
    let exits = Arc::new(Mutex::new(Vec::new()));
    let seen = exits.clone();
    let sup = Supervisor::new([stuck, Plan::new(&log, "a").spec()])
        .intensity(0, ms(1_000))
        .on_exit(move |pid, _| seen.lock().expect("unpoisoned").push(pid))
        .start()
        .await
        .expect("starts");
    tokio::task::block_in_place(|| enters.recv()).expect("it blocks");
    let child = pid(&sup, "stuck");
    let since = Instant::now();
    let look = async {
        while child.is_alive() {
            tokio::task::yield_now().await;
        }
        assert!(since.elapsed() < ms(2_000), "dead for everybody at once");
        assert_eq!(sup.whereis("stuck"), None);
    };
    let (stopped, ()) = tokio::join!(sup.terminate_child("stuck"), look);
    stopped.expect("it is left behind");
    let took = since.elapsed();
    assert!(took >= ms(4_900) && took < ms(8_000), "{took:?}");
    assert_eq!(reports.of(&["ERROR", "left behind", &child.to_string()]).len(), 1);
    assert_eq!(states(&sup).await, "stuck. a");
    let second = sup.restart_child("stuck").await.expect("starts").expect("not ignored");
    assert_eq!(sup.whereis("stuck"), Some(second), "its name is free");
    // It yields in the end: nobody takes any notice.
    release.send(()).expect("it waits");
    while process::list().contains(&child) {
        tokio::task::yield_now().await;
    }
    assert_eq!(states(&sup).await, "stuck a");
    assert_eq!(sup.whereis("stuck"), Some(second));
    sup.stop().await.expect("stops");
    assert_eq!(exits.lock().expect("unpoisoned").iter().filter(|pid| **pid == child).count(), 1);
}

/// A supervisor with a child that blocks its thread until it is released, when it runs for the first time.
fn above_a_stuck_one() -> (ChildSpec, mpsc::Receiver<Pid>, mpsc::Sender<()>) {
    let (release, blocked) = mpsc::channel::<()>();
    let (entered, enters) = mpsc::channel::<Pid>();
    let blocked = Arc::new(Mutex::new(Some(blocked)));
    let stuck = ChildSpec::task("stuck", move || {
        let (blocked, entered) = (blocked.lock().expect("unpoisoned").take(), entered.clone());
        async move {
            entered.send(process::current_pid().expect("a process")).expect("the test waits");
            let Some(blocked) = blocked else { return std::future::pending().await };
            let _released = blocked.recv();
        }
    });
    let inner = ChildSpec::supervisor("inner", move || Supervisor::new([stuck.clone()]));
    (inner.restart(Restart::Permanent), enters, release)
}

/// Method: what hung below a supervisor that was killed blocks its thread, and outlives both deadlines.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rust_001_what_is_left_below_a_killed_supervisor_and_blocks_is_left_behind() {
    let reports = Reports::elsewhere();
    let (inner, enters, release) = above_a_stuck_one();
    let sup = Supervisor::new([inner]).start().await.expect("starts");
    let orphan = tokio::task::block_in_place(|| enters.recv()).expect("it blocks");
    let first = pid(&sup, "inner");
    let ended = support::watch(first);
    let since = Instant::now();
    first.kill();
    assert!(ended.await.is_killed());
    assert_eq!(states(&sup).await, "inner", "its successor, once the orphan was given up");
    let took = since.elapsed();
    assert!(took >= ms(9_900) && took < ms(15_000), "{took:?}");
    assert_ne!(pid(&sup, "inner"), first);
    assert!(!orphan.is_alive() && process::list().contains(&orphan), "killed, but there");
    assert_eq!(reports.of(&["ERROR", "left behind", &orphan.to_string()]).len(), 1);
    release.send(()).expect("it waits");
    process::join(orphan).await;
    sup.stop().await.expect("stops");
}

/// Method: the same below a dynamic supervisor, which serves others meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rust_001_what_is_left_below_a_child_of_a_pool_and_blocks_is_left_behind() {
    let reports = Reports::elsewhere();
    let (inner, enters, release) = above_a_stuck_one();
    let pool = DynamicSupervisor::new().start().await.expect("starts");
    let first = pool.start_child(inner).await.expect("starts").expect("is there");
    let orphan = tokio::task::block_in_place(|| enters.recv()).expect("it blocks");
    let ended = support::watch(first);
    let since = Instant::now();
    first.kill();
    assert!(ended.await.is_killed());
    assert_eq!(pool.count_children().await.expect("it serves").specs, 1);
    tokio::task::block_in_place(|| enters.recv()).expect("its successor");
    let took = since.elapsed();
    assert!(took >= ms(9_900) && took < ms(15_000), "{took:?}");
    assert!(!orphan.is_alive() && process::list().contains(&orphan), "killed, but there");
    assert_eq!(reports.of(&["ERROR", "left behind", &orphan.to_string()]).len(), 1);
    release.send(()).expect("it waits");
    process::join(orphan).await;
    pool.stop().await.expect("stops");
}

/// Method: whatever a supervisor waits for with a deadline is made to happen around that deadline, on
/// either side of it and exactly at it; afterwards nobody may be missing.
#[tokio::test(start_paused = true)]
async fn rust_003_the_supervisor_loses_no_event_to_a_race_with_a_timer() {
    const DEADLINE: u64 = 20;
    for millis in (0..=2 * DEADLINE).step_by(1) {
        let log = Log::new();
        // It needs this long to shut down; meanwhile, at the deadline and at that moment, others fail.
        let slow = Plan::new(&log, "slow").last(Last::Slow(millis));
        let [a, b] = plans(&log, ["a", "b"]);
        let slow = slow.spec().shutdown(Shutdown::Timeout(ms(DEADLINE)));
        let sup = Supervisor::new([a.spec(), b.spec(), slow]).unlimited();
        let sup = sup.start().await.expect("starts");
        let first = ["a", "b"].map(|id| trees::probe(&sup, id));
        let failures = async |which: usize, at: u64| {
            settle().await;
            first[which].pid().info().await.expect("it runs");
            let ended = process::spawn({
                let target = first[which].clone();
                async move |mut ctx: process::Context<()>| {
                    let _nothing = ctx.recv_timeout(ms(at)).await;
                    end_of(&target, End::Error).await;
                }
            });
            process::join(ended.expect("a runtime").pid()).await;
        };
        let (stopped, (), ()) =
            tokio::join!(sup.terminate_child("slow"), failures(0, millis), failures(1, DEADLINE));
        stopped.expect("stops");
        settle().await;
        assert_eq!(states(&sup).await, "a b slow.", "{millis} ms");
        for (old, id) in first.iter().zip(["a", "b"]) {
            assert_ne!(Some(old.pid()), sup.whereis(id), "{millis} ms: {id}");
        }
        assert_eq!((log.count("+a"), log.count("+b")), (2, 2), "{millis} ms");
    }
    // A start that is acknowledged at its deadline has either succeeded or left nothing.
    for millis in 1..=2 * DEADLINE {
        let log = Log::new();
        let a = Plan::new(&log, "a").next([Init::Slow(millis)]);
        let sup = Supervisor::new([]).start().await.expect("starts");
        let started = sup.start_child(a.spec().start_timeout(ms(DEADLINE))).await;
        settle().await;
        assert!(millis >= DEADLINE - 1 || started.is_ok(), "{millis} ms: {started:?}");
        assert!(millis <= DEADLINE + 1 || started.is_err(), "{millis} ms: {started:?}");
        match started {
            Ok(child) => {
                assert_eq!(sup.whereis("a"), child);
                end(&sup, "a", End::Error).await;
                assert_eq!(states(&sup).await, "a", "{millis} ms: its death is seen");
            }
            Err(_) => {
                assert_eq!(states(&sup).await, "");
                assert_eq!(sup.whereis("a"), None);
                assert_eq!(log.count("-a"), log.count("+a"));
                sup.start_child(a.spec()).await.expect("its name is free");
            }
        }
        sup.stop().await.expect("stops");
    }
}

/// Method: two children die just before the clock jumps past the deadline of a stop, so that the supervisor
/// finds both deaths and the end of its patience at once.
#[tokio::test(start_paused = true)]
async fn rust_003_deaths_that_wait_when_a_deadline_passes_are_seen() {
    const DEADLINE: u64 = 20;
    for jump in [DEADLINE - 1, DEADLINE, DEADLINE + 1, 10 * DEADLINE] {
        let log = Log::new();
        let [a, b, slow] = plans(&log, ["a", "b", "slow"]);
        let slow = slow.last(Last::Never).spec().shutdown(Shutdown::Timeout(ms(DEADLINE)));
        let [a, b] = [a, b].map(|plan| plan.spec().restart(Restart::Permanent));
        let sup = Supervisor::new([a, b, slow]).unlimited().start().await.expect("starts");
        let first = ["a", "b"].map(|id| pid(&sup, id));
        let deaths = async {
            settle().await;
            first.into_iter().for_each(PidExt::kill);
            tokio::time::advance(ms(jump)).await;
        };
        let (stopped, ()) = tokio::join!(sup.terminate_child("slow"), deaths);
        stopped.expect("stops");
        assert_eq!(states(&sup).await, "a b slow.", "{jump} ms");
        assert_eq!((log.count("+a"), log.count("+b")), (2, 2), "{jump} ms");
    }
}

/// A tree on a runtime that is dropped while everybody is busy.
fn drop_with_tree(runtime: Runtime) {
    let log = Log::new();
    let [a, b, hangs, outer] = plans(&log, ["a", "b", "hangs", "outer"]);
    let inner = [a.last(Last::Slow(1_000)), b, hangs.last(Last::Never)];
    let specs = inner.clone().map(|plan| plan.spec());
    let nested = ChildSpec::supervisor("nested", move || {
        Supervisor::new(specs.clone()).strategy(RestartStrategy::OneForAll)
    });
    let children = [nested, outer.spec().restart(Restart::Permanent)];
    let sup = runtime.block_on(async { Supervisor::new(children).start().await }).expect("starts");
    let mut pids = vec![sup.pid(), outer.pid(), inner[0].parent()];
    pids.extend(inner.iter().map(Plan::pid));
    // Some of them in the middle of a shutdown.
    let stopping = sup.clone();
    runtime.block_on(async move {
        let _too_soon = tokio::time::timeout(ms(10), stopping.terminate_child("nested")).await;
    });
    drop(runtime);
    let left = process::list();
    let left: Vec<_> = pids.iter().filter(|pid| pid.is_alive() || left.contains(pid)).collect();
    assert!(left.is_empty(), "{left:?}");
    for id in ["a", "b", "hangs", "outer"] {
        assert_eq!(log.count(&format!("+{id}")), 1, "{id}: nobody is restarted");
        assert_eq!(log.count(&format!("-{id}")), 1, "{id}: its state is dropped");
    }
    assert_eq!(sup.whereis("outer"), None);
}

#[test]
fn rust_004_a_closing_runtime_takes_the_subtree_down() {
    for _ in 0..10 {
        drop_with_tree(Builder::new_current_thread().enable_all().build().expect("a runtime"));
        let many = Builder::new_multi_thread().worker_threads(4).enable_all().build();
        drop_with_tree(many.expect("a runtime"));
    }
}

#[tokio::test(start_paused = true)]
async fn sup_030_a_killed_supervisor_leaves_no_orphan_behind() {
    let log = Log::new();
    let [plain, x, y] = plans(&log, ["plain", "x", "y"]);
    let below = [x.clone(), y.clone()];
    let traps = Plan::new(&log, "traps").last(Last::Slow(10)).spec();
    let inner = [x, y].map(|plan| plan.last(Last::Slow(10)).spec());
    let nested = ChildSpec::supervisor("nested", move || Supervisor::new(inner.clone()));
    let sup = Supervisor::new([plain.spec(), nested, traps]).start().await.expect("starts");
    let children = ["plain", "nested", "traps"].map(|id| pid(&sup, id));
    log.take();
    let ends = async {
        let [plain, nested, traps] = children.map(process::join);
        tokio::join!(plain, nested, traps)
    };
    let kill = async {
        settle().await;
        sup.pid().kill();
    };
    let ((plain, nested, traps), reason, ()) = tokio::join!(ends, sup.wait(), kill);
    assert!(reason.is_killed() && plain.is_killed());
    assert!(nested.is_killed() && traps.is_killed(), "what their parent ended with");
    let mut seen = log.take_timed();
    seen.sort();
    let expected = [
        (0, "-plain"),
        (0, "?traps"),
        (0, "?y"),
        (10, "-traps"),
        (10, "-y"),
        (10, "?x"),
        (20, "-x"),
    ];
    assert_eq!(seen, expected.map(|(at, event)| (at, event.to_owned())), "in order below");
    settle().await;
    let orphans = children.into_iter().chain(below.iter().map(Plan::pid));
    let left = process::list();
    assert!(orphans.into_iter().all(|pid| !left.contains(&pid)));
}

#[tokio::test(start_paused = true)]
async fn sup_030_a_killed_supervisor_that_is_restarted_has_one_subtree() {
    let log = Log::new();
    let worker = Plan::new(&log, "worker");
    let spec = worker.spec();
    let nested = ChildSpec::supervisor("nested", move || Supervisor::new([spec.clone()]));
    let sup = Supervisor::new([nested]).intensity(10, ms(1_000)).start().await.expect("starts");
    for n in 2..10 {
        let old = worker.parent();
        pid(&sup, "nested").kill();
        process::join(old).await;
        settle().await;
        assert_eq!(states(&sup).await, "nested");
        assert_ne!(worker.parent(), old);
        assert_eq!((log.count("+worker"), log.count("-worker")), (n, n - 1));
    }
}
