//! Supervisors all of whose children come from one template.

use crate::pools;

use fauxtp::prelude::*;
use fauxtp::process::{self, Received, Trap};
use fauxtp::supervisor::{
    Backoff, ByIdError, ChildState, ManageError, PoolStartError, Restart, Shutdown,
    SimpleSupervisorHandle, TerminateChildError,
};
use tokio::time::Instant;

use pools::reports::Reports;
use pools::{Begin, Finish, Log, Setup, ms, secs, settle, soon, take};

/// A supervisor whose children are actors with the setup they are started with.
async fn actors(
    pool: DynamicSupervisor,
    with: impl Fn(ChildSpec) -> ChildSpec + Send + Sync + 'static,
) -> SimpleSupervisorHandle<Setup> {
    let started = pool.simple_one_for_one(move |setup: Setup| with(setup.spec())).await;
    started.expect("a supervisor without children starts")
}

async fn add(sup: &SimpleSupervisorHandle<Setup>, setup: Setup) -> Pid {
    sup.start_child(setup).await.expect("starts").expect("is not ignored")
}

async fn fail(sup: &SimpleSupervisorHandle<Setup>, pid: Pid) {
    pid.exit(ExitReason::error("x"));
    process::join(pid).await;
    settle().await;
    sup.count_children().await.expect("lives");
}

fn setup(name: &str) -> Setup {
    Setup::new(name, &Log::default())
}

#[tokio::test(start_paused = true)]
async fn sup_110_a_template_supervisor_starts_empty_and_adds_arguments() {
    let log = Log::default();
    let sup = actors(DynamicSupervisor::new(), |child| child.restart(Restart::Permanent)).await;
    assert_eq!(sup.which_children().await.expect("lives"), [], "nothing is started by itself");
    let (a, b) = (Setup::new("a", &log), Setup::new("b", &log));
    let (a, b) = (add(&sup, a).await, add(&sup, b).await);
    assert_eq!(log.lines(), ["start a", "start b"], "each with what it was given");
    for pid in [a, b] {
        let spec = sup.child_spec_of(pid).await.expect("lives").expect("is a child");
        assert_eq!(spec.restart, Restart::Permanent, "the rest is the template's");
    }
}

#[tokio::test(start_paused = true)]
async fn sup_111_children_go_by_their_pids() {
    let sup = actors(DynamicSupervisor::new(), |child| child).await;
    let pid = add(&sup, setup("child")).await;
    sup.terminate_child(pid).await.expect("a child");
    assert!(!pid.is_alive());
    sup.terminate_child(pid).await.expect("a dead pid is fine");
    let dead = process::spawn(async |_: process::Context<()>| {}).expect("starts").pid();
    process::join(dead).await;
    sup.terminate_child(dead).await.expect("even one that never was a child");
    let stranger = sup.terminate_child(sup.pid()).await;
    assert_eq!(stranger, Err(ManageError::Refused(TerminateChildError::NotFound)));
    add(&sup, setup("child")).await;
    let by_id = sup.terminate_child_by_id("child").await;
    assert_eq!(by_id, Err(ManageError::Refused(ByIdError::SimpleOneForOne)));
    assert_eq!(sup.count_children().await.expect("lives").active, 1);
}

#[tokio::test(start_paused = true)]
async fn sup_112_one_spec_is_counted_however_many_children() {
    let hour = Backoff { min: secs(3_600), max: secs(3_600), jitter_permille: 0 };
    let sup = actors(DynamicSupervisor::new(), move |child| child.backoff(hour)).await;
    let mut last = None;
    for _ in 0..5 {
        last = Some(add(&sup, setup("child")).await);
    }
    fail(&sup, last.expect("there are five")).await;
    let counts = sup.count_children().await.expect("lives");
    assert_eq!((counts.specs, counts.active), (1, 4), "all but the one that restarts");
    assert_eq!((counts.supervisors, counts.workers), (0, 5));
    let sups = DynamicSupervisor::new().simple_one_for_one(|name: &'static str| {
        ChildSpec::supervisor(name, || Supervisor::new([]))
    });
    let sups = sups.await.expect("starts");
    sups.start_child("a").await.expect("starts");
    let counts = sups.count_children().await.expect("lives");
    assert_eq!((counts.specs, counts.supervisors, counts.workers), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn sup_113_errors_are_bare_and_declined_starts_leave_nothing() {
    let sup = actors(DynamicSupervisor::new(), |child| child.restart(Restart::Permanent)).await;
    let failing = sup.start_child(setup("child").begin(|_| Begin::Fail)).await;
    let failing = failing.expect_err("its init fails");
    let ManageError::Refused(PoolStartError::Failed(reason)) = failing else {
        panic!("{failing:?}");
    };
    let error = reason.downcast_error::<pools::Broken>();
    assert_eq!(error, Some(&pools::Broken { code: 1 }), "the very error");
    let ignored = sup.start_child(setup("child").begin(|_| Begin::Ignore)).await;
    assert_eq!(ignored.expect("that is no error"), None);
    assert_eq!(sup.which_children().await.expect("lives"), []);
}

#[tokio::test(start_paused = true)]
async fn sup_114_children_shut_down_in_parallel() {
    let rows = [(Finish::Take(ms(100)), 5_000), (Finish::Never, 100)];
    for (finish, deadline) in rows {
        let shutdown = Shutdown::Timeout(ms(deadline));
        let sup = actors(DynamicSupervisor::new(), move |child| child.shutdown(shutdown)).await;
        let mut pids = Vec::new();
        for _ in 0..5 {
            pids.push(add(&sup, setup("child").finish(finish)).await);
        }
        let began = Instant::now();
        sup.stop().await.expect("stops");
        let took = began.elapsed();
        assert!(took >= ms(100) && took <= ms(102), "{finish:?}: {took:?}, not five times that");
        assert!(pids.into_iter().all(|pid| !pid.is_alive()));
    }
}

#[tokio::test(start_paused = true)]
async fn sup_115_a_restart_keeps_the_arguments_and_the_old_pid_cancels_a_retry() {
    let log = Log::default();
    let sup = actors(DynamicSupervisor::new().unlimited(), |child| child).await;
    let (a, b) = (Setup::new("a", &log), Setup::new("b", &log));
    let (first, _) = (add(&sup, a.clone()).await, add(&sup, b).await);
    log.take();
    fail(&sup, first).await;
    assert_eq!(log.take(), ["gone a", "start a"], "its own arguments");

    let bad = Setup::new("bad", &log).begin(|n| if n == 1 { Begin::Run } else { Begin::Fail });
    let old = add(&sup, bad.clone()).await;
    fail(&sup, old).await;
    let children = sup.which_children().await.expect("lives");
    assert_eq!(children[0].state, ChildState::Restarting);
    sup.terminate_child(old).await.expect("the old pid will do");
    let starts = bad.starts();
    settle().await;
    take(secs(60)).await;
    assert_eq!(bad.starts(), starts, "no attempt any more");
    assert_eq!(sup.count_children().await.expect("lives").active, 2);
}

#[tokio::test(start_paused = true)]
async fn sup_116_shutdown_errors_are_told_together_by_reason() {
    let reports = Reports::here();
    let template = |odd: Option<&'static str>| {
        let child = ChildSpec::process("child", move |mut ctx: process::Context<()>| async move {
            ctx.trap_exits(Trap::On);
            while !matches!(ctx.recv().await, Received::Exit(_)) {}
            match odd {
                Some(_) => std::future::pending().await,
                None => ExitReason::Normal,
            }
        });
        child.restart(Restart::Permanent).shutdown(Shutdown::Timeout(ms(10)))
    };
    let sup = DynamicSupervisor::new().simple_one_for_one(template).await.expect("starts");
    for n in 0..7 {
        let odd = (n < 4).then_some("does not end");
        sup.start_child(odd).await.expect("starts");
    }
    settle().await;
    soon("the end", sup.stop()).await.expect("stops");
    let told = reports.of(&["shutdown_error"]);
    assert_eq!(told.len(), 2, "one for each reason: {told:?}");
    let of = |reason: &str| told.iter().find(|line| line.contains(reason)).expect("is told");
    assert!(of("reason=killed").contains("children=4"), "{told:?}");
    assert!(of("reason=normal").contains("children=3"), "{told:?}");
}
