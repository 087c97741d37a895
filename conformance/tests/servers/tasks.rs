//! TASK-001 … TASK-014: tasks.

use crate::common;
use crate::pools::reports;
use crate::support;

use std::future::pending;

use fauxtp::prelude::*;
use fauxtp::process::{self, Received, Trap};
use fauxtp::supervisor::{Restart, Shutdown};
use fauxtp::task::{self, Task, TaskError, TaskSupervisor, Unfinished};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use common::{Event, carries, custom, puppet, trapper};
use reports::Reports;
use support::{everywhere, soon, watch};

const MS: Duration = Duration::from_millis(1);

/// Does something in a process of its own, to its end.
async fn inside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (tell, told) = oneshot::channel();
    process::spawn(|_: process::Context<()>| async move { send(tell, work.await) })
        .expect("there is a runtime");
    soon(told).await.expect("it gets to its end")
}

fn send<T>(to: oneshot::Sender<T>, value: T) {
    let _nobody_waits = to.send(value);
}

/// Work that is done when it is told so.
fn gated<T: Send + 'static>(value: T) -> (oneshot::Sender<()>, impl Future<Output = T> + Send) {
    let (open, gate) = oneshot::channel();
    let work = async move {
        let _opened: Result<(), _> = gate.await;
        value
    };
    (open, work)
}

fn pid<T: Send + 'static>(task: &Task<T>) -> Pid {
    task.pid().expect("it has a process")
}

fn exited<T>(outcome: Result<T, TaskError>) -> ExitReason {
    match outcome {
        Err(TaskError::Exited(reason)) => reason,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("a value"),
    }
}

#[test]
fn task_001_a_task_is_linked_with_its_starter_and_its_result_arrives_once() {
    everywhere(200, |_| async {
        let (owner, watcher) = (trapper().await, puppet());
        let (open, work) = gated(7);
        let task = owner.run(|_| Task::spawn(work)).await.expect("a runtime");
        let its = pid(&task);
        let monitor = watcher.run(move |ctx| ctx.monitor(its)).await;
        assert_eq!(owner.links().await, [its], "linked from its first moment");
        assert_eq!(its.info().await.expect("it waits").links, [owner.pid()]);
        let ((), value) = tokio::join!(async { send(open, ()) }, task);
        assert_eq!(value, Ok(7));
        assert!(!its.is_alive(), "whoever has the value finds the task gone");
        assert_eq!(owner.exits().await, [(its, ExitReason::Normal)], "and nothing else of it");
        assert_eq!(owner.links().await, []);
        let downs = watcher.downs().await;
        assert_eq!(downs.len(), 1);
        assert_eq!((downs[0].monitor, &downs[0].reason), (monitor, &ExitReason::Normal));
    });
    // Outside of processes there is nobody to link with.
    everywhere(1, |_| async {
        let task = Task::spawn(async { "value" }).expect("a runtime");
        assert_eq!(task.await, Ok("value"));
    });
    assert!(Task::spawn(async {}).is_err(), "no runtime");
}

#[test]
fn task_002_whoever_has_the_task_waits_for_it_and_nobody_else_can() {
    everywhere(50, |_| async {
        let (starter, other) = (trapper().await, trapper().await);
        let (open, work) = gated(7);
        let task = starter.run(|_| Task::spawn(work)).await.expect("a runtime");
        let its = pid(&task);
        // Given away, by a message: the new owner waits in a process of his own.
        let (tell, told) = oneshot::channel();
        let heir = inside(async move {
            send(tell, ());
            task.await
        });
        let (value, ()) = tokio::join!(heir, async {
            told.await.expect("the heir waits");
            send(open, ());
        });
        assert_eq!(value, Ok(7));
        assert_eq!(starter.exits().await, [(its, ExitReason::Normal)], "the link stays his");
        assert_eq!(other.exits().await, []);
    });
}

#[test]
fn task_003_a_task_that_ends_without_a_value_is_an_error_with_its_reason() {
    everywhere(50, |_| async {
        let panicking = Task::spawn_nolink(async { panic!("boom") }).expect("a runtime");
        let reason = exited::<()>(panicking.await);
        assert_eq!(reason.panic().expect("a panic").message, "boom");

        let killed = Task::spawn_nolink(pending::<()>()).expect("a runtime");
        pid(&killed).kill();
        assert!(exited(killed.await).is_killed());

        let failing = Task::spawn_nolink(pending::<()>()).expect("a runtime");
        pid(&failing).exit(custom("failed"));
        assert!(carries(&exited(failing.await), "failed"));

        // Even with normal.
        let stopped = Task::spawn_nolink(pending::<()>()).expect("a runtime");
        pid(&stopped).stop(ExitReason::Normal, None).await.expect("it ends so");
        assert_eq!(exited(stopped.await), ExitReason::Normal);

        // What a task returns is data.
        let error = Task::spawn(async { Err::<(), _>("no") }).expect("a runtime");
        assert_eq!(error.await, Ok(Err("no")));
    });
}

#[tokio::test(start_paused = true)]
async fn task_004_a_join_that_has_timed_out_leaves_nothing_behind_and_the_task_goes_on() {
    for (linked, timeout) in [(true, None), (false, None), (false, Some(Duration::from_millis(10)))]
    {
        let (open, work) = gated(7);
        let (seen, sees) = oneshot::channel();
        let work = async move {
            let value = work.await;
            send(seen, value);
            value
        };
        let (tell, told) = oneshot::channel();
        let owner = process::spawn(move |mut ctx: process::Context<()>| async move {
            ctx.trap_exits(Trap::On);
            let task = if linked { Task::spawn(work) } else { Task::spawn_nolink(work) };
            let task = task.expect("a runtime");
            let (its, begun) = (pid(&task), Instant::now());
            let join = match timeout {
                Some(timeout) => task.join().timeout(timeout),
                None => task.join(),
            };
            let late = join.await;
            send(tell, (its, late, begun.elapsed()));
            // Whatever comes, comes here.
            let mut seen = Vec::new();
            while let Some(item) = ctx.recv_timeout(Duration::from_secs(10)).await {
                seen.push(item);
            }
            match (linked, &seen[..]) {
                (true, [Received::Exit(exit)]) => assert!(exit.from == its),
                (false, []) => {}
                other => panic!("{other:?}"),
            }
        });
        let end = watch(owner.expect("a runtime").pid());
        let (its, late, took) = told.await.expect("it is told");
        assert_eq!(late, Err(TaskError::Timeout));
        let timeout = timeout.unwrap_or(Duration::from_secs(5));
        assert!(took >= timeout && took <= timeout + 100 * MS, "{took:?}");
        assert!(its.is_alive(), "the task goes on");
        send(open, ());
        assert_eq!(sees.await, Ok(7), "to its end");
        assert_eq!(end.await, ExitReason::Normal);
    }
    let patient = Task::spawn(async {
        drop(tokio::time::timeout(Duration::from_secs(3_600), pending::<()>()).await);
        7
    });
    assert_eq!(patient.expect("a runtime").join().no_timeout().await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn task_005_looking_may_be_repeated_and_a_value_beats_the_end() {
    let (open, work) = gated(7);
    let mut task = Task::spawn(work).expect("a runtime");
    for _ in 0..3 {
        let begun = Instant::now();
        assert_eq!(task.yield_within(10 * MS).await, None);
        assert!(begun.elapsed() >= 10 * MS);
        assert_eq!(task.yield_within(Duration::ZERO).await, None);
    }
    send(open, ());
    assert_eq!(task.yield_within(10 * MS).await, Some(Ok(7)));
    assert_eq!(
        exited(task.yield_within(10 * MS).await.expect("it is known")),
        ExitReason::no_proc()
    );

    let mut failing = Task::spawn_nolink(async { panic!("boom") }).expect("a runtime");
    let reason = exited::<()>(failing.yield_within(10 * MS).await.expect("it has ended"));
    assert!(reason.panic().is_some());

    // It is hit while it ends, and the end is known long before anybody looks.
    for _ in 0..100 {
        let mut hit = Task::spawn_nolink(async {
            process::current_pid().expect("a process").kill();
            7
        })
        .expect("a runtime");
        watch(pid(&hit)).await;
        assert_eq!(hit.yield_within(Duration::ZERO).await, Some(Ok(7)));
    }
}

#[test]
fn task_006_a_shutdown_waits_for_the_end_keeps_a_value_and_cannot_be_interrupted() {
    everywhere(50, |round| async move {
        let ways =
            [Shutdown::BrutalKill, Shutdown::Timeout(Duration::from_secs(5)), Shutdown::Infinity];
        for how in ways {
            // A caller that does not trap exits lives on, and the task is gone.
            let (outcome, alive) = inside(async move {
                let task = Task::spawn(pending::<()>()).expect("a runtime");
                let its = pid(&task);
                (task.shutdown(how).await, its.is_alive())
            })
            .await;
            assert_eq!((outcome, alive), (None, false), "{how:?}");

            let task = Task::spawn(async { 7 }).expect("a runtime");
            watch(pid(&task)).await;
            assert_eq!(task.shutdown(how).await, Some(Ok(7)), "a value that was there");

            let failed = Task::spawn_nolink(async { panic!("boom") }).expect("a runtime");
            watch(pid(&failed)).await;
            let reason = exited::<()>(failed.shutdown(how).await.expect("another reason"));
            assert!(reason.panic().is_some());

            let mut taken = Task::spawn(async { 7 }).expect("a runtime");
            assert_eq!(taken.yield_within(Duration::from_secs(60)).await, Some(Ok(7)));
            let again = exited(taken.shutdown(how).await.expect("it was taken"));
            assert_eq!(again, ExitReason::no_proc());

            // Not even polled.
            let task = Task::spawn(pending::<()>()).expect("a runtime");
            let end = watch(pid(&task));
            drop(task.shutdown(how));
            let reason = end.await;
            assert!(reason.is_killed() || reason == ExitReason::shutdown(), "{reason:?}");

            // The caller is killed right after it has said so, and nothing of it is dropped.
            let caller = puppet();
            let me = caller.pid();
            let task = caller.run(|_| Task::spawn(pending::<()>())).await.expect("a runtime");
            let (end, hers) = (watch(pid(&task)), watch(me));
            caller.tell(move |_| {
                std::mem::forget(task.shutdown(how));
                if round % 2 == 0 {
                    me.kill();
                }
            });
            let reason = end.await;
            let expected = if how == Shutdown::BrutalKill {
                ExitReason::killed()
            } else {
                ExitReason::shutdown()
            };
            assert_eq!(reason, expected);
            if round % 2 == 0 {
                assert!(hers.await.is_killed());
            } else {
                assert_eq!(caller.links().await, []);
            }
        }
    });
}

#[tokio::test(start_paused = true)]
async fn task_006_a_value_that_just_arrives_is_kept() {
    let (open, work) = gated(7);
    let task = Task::spawn(work).expect("a runtime");
    send(open, ());
    let its = pid(&task);
    its.info().await;
    assert_eq!(task.shutdown(Shutdown::Timeout(MS)).await, Some(Ok(7)));
}

#[test]
fn task_007_a_task_that_is_let_go_of_is_heard_of_no_more() {
    everywhere(50, |_| async {
        let owner = trapper().await;
        let (open, work) = gated(());
        let task = owner.run(|_| Task::spawn(work)).await.expect("a runtime");
        let its = pid(&task);
        let end = watch(its);
        assert_eq!(owner.run(move |_| task.ignore()).await, None);
        assert_eq!(owner.links().await, []);
        send(open, ());
        assert_eq!(end.await, ExitReason::Normal, "it goes on");
        assert_eq!(owner.exits().await, [], "and nothing is heard");

        // Its failure does not reach a plain owner, nor the owner's failure it.
        let owner = puppet();
        let failing = owner.run(|_| Task::spawn(pending::<()>())).await.expect("a runtime");
        let lasting = owner.run(|_| Task::spawn(pending::<()>())).await.expect("a runtime");
        let (failing_pid, lasting_pid) = (pid(&failing), pid(&lasting));
        let end = watch(failing_pid);
        owner.run(move |_| (failing.ignore(), lasting.ignore())).await;
        failing_pid.exit(custom("failed"));
        assert!(carries(&end.await, "failed"));
        owner.ended(custom("failed as well")).await;
        assert!(lasting_pid.info().await.is_some(), "it lives");
        lasting_pid.kill();

        let done = Task::spawn(async { 7 }).expect("a runtime");
        watch(pid(&done)).await;
        assert_eq!(done.ignore(), Some(Ok(7)));
    });
}

#[tokio::test(start_paused = true)]
async fn task_008_many_are_joined_in_their_order_under_one_deadline() {
    let owner = trapper().await;
    let (gates, work): (Vec<_>, Vec<_>) = (0..5).map(gated).unzip();
    let tasks = owner
        .run(move |_| work.into_iter().map(Task::spawn_nolink).collect::<Result<Vec<_>, _>>())
        .await
        .expect("a runtime");
    let ((), all) = tokio::join!(
        async { gates.into_iter().rev().for_each(|gate| send(gate, ())) },
        task::join_many(tasks, Duration::from_secs(1))
    );
    assert_eq!(all, Ok(vec![0, 1, 2, 3, 4]));

    // The first failure is told at once, wherever it is; the others go on.
    let (open, work) = gated(1);
    let begun = Instant::now();
    let lasting = Task::spawn(work).expect("a runtime");
    let failing = Task::spawn(async { panic!("boom") }).expect("a runtime");
    let end = watch(pid(&lasting));
    let outcome = task::join_many([lasting, failing], Duration::from_secs(1)).await;
    assert!(exited(outcome).panic().is_some());
    assert_eq!(begun.elapsed(), Duration::ZERO);
    send(open, ());
    assert_eq!(end.await, ExitReason::Normal);

    let tasks = [Task::completed(1), Task::spawn(pending()).expect("a runtime")];
    let begun = Instant::now();
    assert_eq!(task::join_many(tasks, 100 * MS).await, Err(TaskError::Timeout));
    assert!(begun.elapsed() >= 100 * MS && begun.elapsed() < 200 * MS, "one deadline");
    assert_eq!(task::join_many(Vec::<Task<u8>>::new(), Duration::ZERO).await, Ok(vec![]));
    assert_eq!(owner.events().await, Vec::<Event>::new());
}

#[tokio::test(start_paused = true)]
async fn task_009_many_are_looked_at_and_the_slow_ones_are_kept_ignored_or_killed() {
    for unfinished in [Unfinished::Keep, Unfinished::Ignore, Unfinished::Kill] {
        let (open, work) = gated(3);
        let mut tasks = [
            Task::spawn(work).expect("a runtime"),
            Task::spawn(async { 1 }).expect("a runtime"),
            Task::spawn(async { panic!("boom") }).expect("a runtime"),
            Task::completed(2),
        ];
        let slow = pid(&tasks[0]);
        let begun = Instant::now();
        let mut seen = task::yield_many(&mut tasks).timeout(100 * MS).unfinished(unfinished).await;
        assert!(begun.elapsed() >= 100 * MS);
        assert!(exited(seen.remove(2).expect("it has ended")).panic().is_some());
        assert_eq!(seen, [None, Some(Ok(1)), Some(Ok(2))], "in their order");
        assert_eq!(slow.is_alive(), unfinished != Unfinished::Kill);
        send(open, ());
        let later = task::yield_many(&mut tasks[..1]).await;
        match unfinished {
            Unfinished::Keep => assert_eq!(later, [Some(Ok(3))]),
            _ => {
                let taken = TaskError::Exited(ExitReason::no_proc());
                assert_eq!(later, [Some(Err(taken))], "it is in nobody's hands");
            }
        }
    }
    // Once enough have ended, nothing is done to the others.
    let mut tasks = [Task::spawn(pending()).expect("a runtime"), Task::completed(1)];
    let slow = pid(&tasks[0]);
    let begun = Instant::now();
    let some = task::yield_many(&mut tasks).limit(1).unfinished(Unfinished::Kill).await;
    assert_eq!(some, [None, Some(Ok(1))]);
    assert!(slow.is_alive() && begun.elapsed().is_zero());
}

#[test]
fn task_011_what_nobody_waits_for_is_temporary_and_holds_up_nobody() {
    everywhere(20, |_| async {
        // Not linked, and linked.
        let owner = puppet();
        let alone = owner.run(|_| task::start(pending::<()>())).await.expect("a runtime");
        let linked = owner.run(|_| task::start_link(pending::<()>())).await.expect("a runtime");
        assert_eq!(owner.links().await, [linked]);
        let (its, end, hers) = (watch(alone), watch(linked), watch(owner.pid()));
        alone.exit(custom("alone"));
        assert!(carries(&its.await, "alone"));
        assert_eq!(owner.links().await, [linked], "it lives");
        linked.exit(custom("linked"));
        assert!(carries(&end.await, "linked") && carries(&hers.await, "linked"));

        let (tell, told) = oneshot::channel();
        let tell = std::sync::Mutex::new(Some(tell));
        let sup = Supervisor::new([
            ChildSpec::temporary_task("endless", pending::<()>),
            ChildSpec::temporary_task("failing", async || panic!("boom")),
            ChildSpec::temporary_task("last", move || {
                let tell = tell.lock().expect("a lock").take();
                async move { tell.into_iter().for_each(|tell| send(tell, ())) }
            }),
        ])
        .start()
        .await
        .expect("nobody waits for the work of a task");
        told.await.expect("the last one runs");
        let spec = sup.child_spec("endless").await.expect("lives").expect("a child");
        assert_eq!(spec.restart, Restart::Temporary);
        // Failed or done, they are gone, and neither is started again.
        while sup.which_children().await.expect("lives").len() > 2 {
            tokio::task::yield_now().await;
        }
        assert!(sup.pid().is_alive());
        sup.stop().await.expect("stops");
    });
}

#[tokio::test]
async fn task_012_a_failed_task_makes_one_report_and_a_clean_one_none() {
    let reports = Reports::here();
    let caller = puppet();
    let failing = caller.run(|_| Task::spawn_nolink(async { panic!("boom") })).await;
    let failing = failing.expect("a runtime");
    let its = pid(&failing);
    exited::<()>(failing.await);
    let told = reports.of(&["fauxtp::"]);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [
        "ERROR fauxtp::crash".to_owned(),
        format!(" pid={its}"),
        "task_012".to_owned(),
        "boom".to_owned(),
        format!(" ancestors=[{:?}]", caller.pid()),
        format!(" callers=[{:?}]", caller.pid()),
    ] {
        assert!(told[0].contains(&part), "{part} is in {told:?}");
    }
    reports.clear();

    Task::spawn(async {}).expect("a runtime").await.expect("a value");
    Task::spawn(async { Err::<(), _>("data") }).expect("a runtime").await.expect("a value").ok();
    Task::spawn(pending::<()>()).expect("a runtime").shutdown(Shutdown::Infinity).await;
    Task::spawn(pending::<()>()).expect("a runtime").shutdown(Shutdown::BrutalKill).await;
    caller.ended(ExitReason::Normal).await;
    assert_eq!(reports.of(&["fauxtp::"]), Vec::<String>::new());
}

#[test]
fn task_013_a_task_knows_who_called_for_it() {
    everywhere(20, |_| async {
        let tasks = TaskSupervisor::new().start().await.expect("starts");
        let sup = tasks.pid();
        let me = || process::current_pid().expect("a process");
        let (caller, outer, seen, inner, ancestors) = inside(async move {
            assert_eq!(task::callers(), [], "not a task");
            let theirs = tasks.clone();
            let outer = tasks.spawn(async move {
                let inner = theirs.spawn_nolink(async move {
                    let ancestors = me().info().await.expect("it lives").ancestors;
                    (task::callers(), ancestors)
                });
                let inner = inner.await.expect("starts").await.expect("a value");
                (me(), task::callers(), inner)
            });
            let (outer, seen, (inner, ancestors)) =
                outer.await.expect("starts").await.expect("a value");
            (me(), outer, seen, inner, ancestors)
        })
        .await;
        assert_eq!(seen, [caller]);
        assert_eq!(inner, [outer, caller]);
        assert_eq!(ancestors, [sup], "apart from who supervises it");
        assert_eq!(task::callers(), [], "outside of processes");
        // A process that a task starts is no task.
        let plain = Task::spawn(async {
            let (tell, told) = oneshot::channel();
            process::spawn(|_: process::Context<()>| async { send(tell, task::callers()) })
                .expect("a runtime");
            told.await.expect("it tells")
        });
        assert_eq!(plain.expect("a runtime").await, Ok(vec![]));
    });
}

#[test]
fn task_014_a_linked_task_shares_failures_and_never_a_normal_end() {
    everywhere(50, |_| async {
        for reason in [custom("failed"), ExitReason::killed(), ExitReason::Normal] {
            let owner = puppet();
            let linked = owner.run(|_| Task::spawn(pending::<()>())).await.expect("a runtime");
            let alone =
                owner.run(|_| Task::spawn_nolink(pending::<()>())).await.expect("a runtime");
            let detached = owner.run(|_| Task::spawn(pending::<()>()).map(|task| pid(&task))).await;
            let detached = detached.expect("a runtime");
            let ends = [watch(pid(&linked)), watch(detached)];
            owner.ended(reason.clone()).await;
            if reason.is_normal() {
                assert!(pid(&linked).info().await.is_some(), "it survives");
                assert!(detached.info().await.is_some(), "dropping a task detaches it");
                pid(&linked).kill();
                detached.kill();
            } else {
                assert_eq!(exited(linked.await), reason);
                for end in ends {
                    assert_eq!(end.await, reason);
                }
            }
            assert!(pid(&alone).info().await.is_some(), "it survives either");
            pid(&alone).kill();
        }
        // And the other way round.
        let owner = puppet();
        let end = watch(owner.pid());
        owner.run(|_| task::start_link(async { panic!("boom") })).await.expect("a runtime");
        assert!(end.await.panic().is_some());
    });
}

#[test]
fn task_009_those_that_block_their_threads_are_waited_for_together() {
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (releases, receivers): (Vec<_>, Vec<_>) =
        (0..3).map(|_| std::sync::mpsc::channel::<()>()).unzip();
    let took = runtime.block_on(async {
        let (begun, mut all_begun) = mpsc::unbounded_channel();
        let mut tasks: Vec<_> = receivers
            .into_iter()
            .map(|release| {
                let begun = begun.clone();
                let work = async move {
                    begun.send(()).expect("somebody waits");
                    let _the_sender_is_dropped = release.recv();
                };
                Task::spawn_nolink(work).expect("a runtime")
            })
            .collect();
        for _ in 0..tasks.len() {
            all_begun.recv().await;
        }
        let since = Instant::now();
        let many =
            task::yield_many(&mut tasks).timeout(Duration::ZERO).unfinished(Unfinished::Kill);
        let outcomes = many.await;
        assert!(
            outcomes.into_iter().all(|outcome| exited(outcome.expect("left behind")).is_killed())
        );
        since.elapsed()
    });
    drop(releases);
    assert!(took < Duration::from_secs(9), "one grace for all: {took:?}");
}

/// Method: a task, and the `init` of a server, block their threads until the test is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rust_001_what_blocks_is_left_behind_by_who_halts_or_starts_it() {
    struct Blocks;
    impl GenServer for Blocks {
        type Args = std::sync::mpsc::Receiver<()>;
        type Message = ();
        async fn init(gate: Self::Args, _: &mut Context<Self>) -> Result<Self> {
            // From now on it is not on the stack of whoever starts it.
            tokio::task::yield_now().await;
            let _opened = gate.recv();
            Ok(Self)
        }
        async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
            Ok(())
        }
    }
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let (open_init, gate_of_init) = std::sync::mpsc::channel::<()>();
    let (entered, enters) = oneshot::channel();
    let task = Task::spawn_nolink(async move {
        entered.send(()).expect("the test waits");
        let _opened = gate.recv();
    });
    let task = task.expect("in a runtime");
    enters.await.expect("it blocks");
    let since = Instant::now();
    let soon = Duration::from_millis(20);
    let (start, halted) = tokio::join!(
        Blocks::start(gate_of_init).timeout(soon).into_future(),
        task.shutdown(Shutdown::Timeout(soon))
    );
    assert_eq!(start.map(drop), Err(fauxtp::StartError::Timeout));
    assert_eq!(halted, Some(Err(TaskError::Exited(ExitReason::killed()))));
    let took = since.elapsed();
    assert!(took >= Duration::from_millis(4_900) && took < Duration::from_secs(8), "{took:?}");
    drop((open, open_init));
}
