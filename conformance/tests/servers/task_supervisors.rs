//! TASK-030 … TASK-033: supervisors of tasks.

use crate::common;
use crate::pools::reports;
use crate::support;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fauxtp::prelude::*;
use fauxtp::process::{self, Received, Trap};
use fauxtp::reason::MaxRestartsReached;
use fauxtp::supervisor::{DynamicSupervisorName, ManageError, PoolStartError, Restart, Shutdown};
use fauxtp::task::{TaskError, TaskSupervisor, TaskSupervisorHandle};
use tokio::sync::oneshot;
use tokio::time::Instant;

use common::{carries, custom, trapper};
use reports::Reports;
use support::{everywhere, watch};

async fn tasks() -> TaskSupervisorHandle {
    TaskSupervisor::new().start().await.expect("starts")
}

fn is_full<T>(outcome: Result<T, ManageError<PoolStartError>>) -> bool {
    matches!(outcome, Err(ManageError::Refused(PoolStartError::MaxChildren)))
}

/// Waits until there are so many children.
async fn wait_for_children(tasks: &TaskSupervisorHandle, count: usize) {
    while tasks.children().await.expect("lives").len() != count {
        tokio::task::yield_now().await;
    }
}

#[test]
fn task_030_tasks_are_linked_unlinked_or_unattended_up_to_a_limit() {
    everywhere(30, |_| async {
        let tasks = TaskSupervisor::new().max_children(3).start().await.expect("starts");
        let theirs = tasks.clone();
        let (tell, told) = oneshot::channel();
        let caller = process::spawn(|mut ctx: process::Context<()>| async move {
            ctx.trap_exits(Trap::On);
            let linked = theirs.spawn(pending::<()>()).await.expect("there is room");
            let alone = theirs.spawn_nolink(pending::<()>()).await.expect("there is room");
            let (linked, alone) = (linked.pid().expect("a pid"), alone.pid().expect("a pid"));
            let links = ctx.pid().info().await.expect("it lives").links;
            assert_eq!(links, [linked], "the one is linked with its caller");
            let _somebody_waits = tell.send((linked, alone));
            let Received::Exit(exit) = ctx.recv().await else { panic!("an exit comes first") };
            assert!(exit.from == linked && carries(&exit.reason, "failed"));
            panic!("over")
        });
        let end = watch(caller.expect("a runtime").pid());
        let (linked, alone) = told.await.expect("they run");
        let endless = ChildSpec::temporary_task("endless", pending::<()>);
        let unattended = tasks.start_child(endless.clone()).await.expect("there is room");
        let unattended = unattended.expect("it runs");
        assert_eq!(tasks.children().await, Ok(vec![unattended, alone, linked]), "newest first");
        for pid in [linked, alone, unattended] {
            assert_eq!(pid.info().await.expect("it runs").ancestors, [tasks.pid()], "supervised");
        }

        assert!(is_full(tasks.spawn(async {}).await));
        assert!(is_full(tasks.spawn_nolink(async {}).await));
        assert!(is_full(tasks.start_child(endless).await));

        linked.exit(custom("failed"));
        assert!(end.await.panic().is_some());
        assert!(alone.info().await.is_some(), "it has nothing to do with its caller's end");
        wait_for_children(&tasks, 2).await;
        tasks.terminate_child(alone).await.expect("a child");
        assert!(!alone.is_alive(), "gone");
        assert_eq!(tasks.children().await, Ok(vec![unattended]));

        // A value, and no restart.
        let value = tasks.spawn(async { 7 }).await.expect("there is room");
        assert_eq!(value.await, Ok(7));
        wait_for_children(&tasks, 1).await;

        // One that is to be restarted is.
        let runs = Arc::new(AtomicUsize::new(0));
        let count = runs.clone();
        let failing = ChildSpec::task("failing", move || {
            let run = count.fetch_add(1, Ordering::Relaxed);
            async move { if run == 0 { panic!("the first one fails") } else { pending().await } }
        });
        tasks.start_child(failing.restart(Restart::Transient)).await.expect("there is room");
        while runs.load(Ordering::Relaxed) < 2 {
            tokio::task::yield_now().await;
        }
        tasks.stop().await.expect("stops");
        assert!(!unattended.is_alive());
        assert!(tasks.spawn(async {}).await.is_err(), "it has ended");
    });
}

#[tokio::test]
async fn task_030_a_supervisor_of_tasks_is_a_child_as_any_other() {
    let sup = Supervisor::new([ChildSpec::task_supervisor("tasks", TaskSupervisor::new)])
        .start()
        .await
        .expect("starts");
    let pid = sup.which_children().await.expect("lives")[0].state;
    let fauxtp::supervisor::ChildState::Running(pid) = pid else { panic!("{pid:?}") };
    let tasks = TaskSupervisorHandle::of(pid).expect("it is one");
    let endless = tasks.spawn(pending::<()>()).await.expect("starts");
    sup.stop().await.expect("stops");
    assert_eq!(endless.await, Err(TaskError::Exited(ExitReason::shutdown())));
    assert!(TaskSupervisorHandle::of(pid).is_none());
}

/// Goal: no task is left that nobody waits for. Method: the caller is killed, or its order dropped, at every step on the
/// way through the supervisor.
#[test]
fn task_031_a_caller_that_dies_halfway_leaves_no_orphan() {
    let runtime = support::current_thread();
    let reports = Reports::here();
    runtime.block_on(async {
        let tasks = tasks().await;
        let mut cut_off = 0;
        for steps in 0..12 {
            for (kill, linked) in [(false, false), (false, true), (true, false), (true, true)] {
                let theirs = tasks.clone();
                let (tell, told) = oneshot::channel();
                let caller = process::spawn(|_: process::Context<()>| async move {
                    let work = pending::<()>();
                    let order = async {
                        if linked {
                            theirs.spawn(work).await
                        } else {
                            theirs.spawn_nolink(work).await
                        }
                    };
                    let mut order = Box::pin(order);
                    // Asked before, the supervisor has its turn between two steps, and not within the first.
                    let mut before = Box::pin(theirs.pid().info());
                    let mut step = 0;
                    let task = std::future::poll_fn(|cx| {
                        if step == steps && !kill {
                            return std::task::Poll::Ready(None);
                        }
                        if step == steps {
                            process::current_pid().expect("a process").kill();
                        }
                        if step == 0 {
                            assert!(before.as_mut().poll(cx).is_pending());
                        }
                        step += 1;
                        let poll = order.as_mut().poll(cx).map(Some);
                        if poll.is_pending() {
                            cx.waker().wake_by_ref();
                        }
                        poll
                    });
                    let task = task.await;
                    drop(order);
                    let _somebody_waits = tell.send(task.is_some());
                    if let Some(task) = task {
                        let task = task.expect("it starts");
                        pending::<()>().await;
                        drop(task);
                    }
                });
                let caller = caller.expect("a runtime").pid();
                match told.await {
                    // It was quicker.
                    Ok(true) => {
                        for pid in tasks.children().await.expect("lives") {
                            let _gone_already = tasks.terminate_child(pid).await;
                        }
                        caller.kill();
                        wait_for_children(&tasks, 0).await;
                    }
                    Ok(false) | Err(_) => {
                        cut_off += 1;
                        wait_for_children(&tasks, 0).await;
                        caller.kill();
                        let told = reports.of(&["ERROR"]);
                        assert_eq!(told, Vec::<String>::new(), "nothing is reported");
                    }
                }
                reports.clear();
            }
        }
        assert!(cut_off > 4, "{cut_off} have been cut off");
        tasks.stop().await.expect("stops");
    });
}

#[test]
fn task_031_with_two_threads_there_is_no_orphan_either() {
    everywhere(300, |round| async move {
        let tasks = tasks().await;
        let theirs = tasks.clone();
        let caller = process::spawn(|mut ctx: process::Context<()>| async move {
            ctx.recv().await;
            let _task = if round % 2 == 0 {
                theirs.spawn(pending::<()>()).await
            } else {
                // An unlinked one that was handed over survives; so it is not taken here.
                drop(
                    tokio::time::timeout(Duration::ZERO, theirs.spawn_nolink(pending::<()>()))
                        .await,
                );
                return;
            };
            pending::<()>().await;
        });
        let caller = caller.expect("a runtime");
        let end = watch(&caller);
        caller.send(());
        for _ in 0..round % 7 {
            tokio::task::yield_now().await;
        }
        if round % 2 == 0 {
            caller.pid().kill();
        }
        end.await;
        if round % 2 == 0 {
            wait_for_children(&tasks, 0).await;
        }
        tasks.stop().await.expect("stops");
    });
}

#[test]
fn task_032_whoever_watches_an_unlinked_task_hears_of_every_end() {
    everywhere(50, |_| async {
        let tasks = tasks().await;
        let watcher = trapper().await;
        for reason in [ExitReason::Normal, custom("failed")] {
            let (open, gate) = oneshot::channel::<()>();
            let task = tasks.spawn_nolink(async { drop(gate.await) }).await.expect("starts");
            let pid = task.pid().expect("a pid");
            let monitor = watcher.run(move |ctx| ctx.monitor(pid)).await;
            if reason.is_normal() {
                drop(open)
            } else {
                pid.exit(reason.clone())
            }
            let outcome = task.await;
            assert_eq!(outcome.is_ok(), reason.is_normal());
            let downs = watcher.downs().await;
            assert_eq!(downs.len(), 1, "one, and no exit");
            assert_eq!((downs[0].monitor, &downs[0].reason), (monitor, &reason));
        }
        // Unless the monitor is taken back.
        let (open, gate) = oneshot::channel::<()>();
        let task = tasks.spawn_nolink(async { drop(gate.await) }).await.expect("starts");
        let pid = task.pid().expect("a pid");
        watcher
            .run(move |ctx| {
                let monitor = ctx.monitor(pid);
                ctx.demonitor(monitor)
            })
            .await;
        drop(open);
        assert_eq!(task.await, Ok(()));
        assert_eq!(watcher.events().await, []);
    });
}

#[tokio::test(start_paused = true)]
async fn task_033_a_shutdown_gives_each_task_its_own_time() {
    let tasks = tasks().await;
    let plain = tasks.spawn_nolink(pending::<()>()).await.expect("starts");
    let brutal = ChildSpec::temporary_task("brutal", pending::<()>).shutdown(Shutdown::BrutalKill);
    let brutal = watch(tasks.start_child(brutal).await.expect("starts").expect("runs"));
    let mut stubborn = Vec::new();
    for millis in [100, 300] {
        // One that traps exits, and does not care.
        let body = |mut ctx: process::Context<()>| async move {
            ctx.trap_exits(Trap::On);
            loop {
                ctx.recv().await;
            }
        };
        let time = Duration::from_millis(millis);
        let child = ChildSpec::process("stubborn", body).shutdown(Shutdown::Timeout(time));
        let pid = tasks.start_child(child.restart(Restart::Temporary)).await;
        let pid = pid.expect("starts").expect("runs");
        pid.info().await;
        stubborn.push((time, watch(pid)));
    }
    let begun = Instant::now();
    let ends = async {
        assert_eq!(plain.await, Err(TaskError::Exited(ExitReason::shutdown())));
        assert!(brutal.await.is_killed());
        assert!(begun.elapsed().is_zero(), "these end at once");
        for (time, end) in stubborn {
            assert!(end.await.is_killed());
            let took = begun.elapsed();
            assert!(took >= time && took < time + Duration::from_millis(50), "{took:?}");
        }
    };
    let (stopped, ()) = tokio::join!(tasks.stop(), ends);
    stopped.expect("stops");
}

/// also: SUP-056
#[tokio::test(start_paused = true)]
async fn task_030_a_supervisor_of_tasks_has_a_name_a_limit_of_restarts_and_links() {
    static TASKS: Name<DynamicSupervisorName> = Name::new("tasks");
    let parent = support::actor();
    let parents_end = watch(parent.pid());
    let start = support::act(&parent, |ctx| {
        let tasks = TaskSupervisor::new().name(&TASKS).intensity(0, Duration::from_secs(1));
        Box::pin(tasks.link(ctx).start())
    });
    let gave_up = |reason: &ExitReason| reason.downcast_ref::<MaxRestartsReached>().is_some();
    let tasks = start.await.await.expect("starts");
    assert_eq!(TASKS.resolve().map(|named| named.pid()), Some(tasks.pid()));
    let fails = ChildSpec::task("fails", async || panic!("at once")).restart(Restart::Permanent);
    tasks.start_child(fails).await.expect("starts");
    let reason = tasks.wait().await;
    assert!(gave_up(&reason), "{reason:?}");
    assert_eq!(TASKS.resolve().map(|named| named.pid()), None);
    let parents = parents_end.await;
    assert!(gave_up(&parents), "it does not trap exits: {parents:?}");
}
