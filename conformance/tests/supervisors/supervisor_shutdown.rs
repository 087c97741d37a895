//! SUP-020 … SUP-032: how supervisors and their children are shut down. SUP-030 is in
//! `hazards_supervisors.rs`.

use crate::pools;
use crate::trees;

use std::sync::{Arc, Mutex};

use fauxtp::prelude::*;
use fauxtp::process::{self, StopError, Trap};
use fauxtp::supervisor::{ManageError, Restart, Shutdown};

use pools::reports::Reports;
use trees::{Ask, End, Last, Log, Plan, end, later, ms, pid, plans, probe, settle, states};

#[tokio::test(start_paused = true)]
async fn sup_020_shutdown_goes_backwards_one_child_at_a_time() {
    let log = Log::new();
    let children = plans(&log, ["a", "b", "c"]).map(|plan| plan.last(Last::Slow(60)).spec());
    let sup = Supervisor::new(children).start().await.expect("starts");
    log.take();
    sup.stop().await.expect("stops");
    let expected = [(0, "?c"), (60, "-c"), (60, "?b"), (120, "-b"), (120, "?a"), (180, "-a")];
    assert_eq!(log.take_timed(), expected.map(|(at, event)| (at, event.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn sup_021_a_brutal_shutdown_kills_and_waits_for_the_death() {
    // One that does not trap would end with the reason it was asked with.
    for last in [Last::Never, Last::Untrapped] {
        let log = Log::new();
        let a = Plan::new(&log, "a").last(last).spec().shutdown(Shutdown::BrutalKill);
        let sup = Supervisor::new([a]).start().await.expect("starts");
        for stops_all in [false, true] {
            let child = pid(&sup, "a");
            log.take();
            let stop = async {
                if stops_all {
                    return sup.stop().await.expect("stops");
                }
                sup.terminate_child("a").await.expect("stops");
            };
            let (reason, ()) = tokio::join!(process::join(child), stop);
            assert!(reason.is_killed(), "{last:?}: {reason}");
            assert!(!process::list().contains(&child));
            assert_eq!(log.take_timed(), [(0, "-a".to_owned())], "it is not asked");
            if !stops_all {
                sup.restart_child("a").await.expect("starts");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn sup_022_a_timed_shutdown_asks_first_and_kills_after_the_deadline() {
    // (what terminate does, the time it is given, when it is gone, whether it was killed)
    let rows = [
        (Last::Slow(40), 100, 40, false),
        (Last::Slow(90), 100, 90, false),
        (Last::Slow(110), 100, 100, true),
        (Last::Never, 100, 100, true),
        (Last::Never, 0, 0, true),
        (Last::Untrapped, 100, 0, false),
    ];
    for (last, given, gone_at, killed) in rows {
        let log = Log::new();
        let a = Plan::new(&log, "a").last(last).spec().shutdown(Shutdown::Timeout(ms(given)));
        let sup = Supervisor::new([a]).start().await.expect("starts");
        let child = pid(&sup, "a");
        let (reason, stopped) = tokio::join!(process::join(child), sup.terminate_child("a"));
        stopped.expect("stops");
        assert_eq!(log.now(), gone_at, "{last:?}");
        assert_eq!(reason.is_killed(), killed, "{last:?}: {reason}");
        assert!(killed || reason == ExitReason::shutdown(), "{last:?}: {reason}");
        assert!(log.take().ends_with("-a"));
    }
}

#[tokio::test(start_paused = true)]
async fn sup_022_nothing_that_arrives_meanwhile_moves_the_deadline() {
    // Each by itself: what is asked is not handled as what is sent.
    for (asks, sends) in [(1, 0), (0, 1_000), (1, 1_000)] {
        let log = Log::new();
        let a = Plan::new(&log, "a").last(Last::Never).spec();
        let a = a.shutdown(Shutdown::Timeout(ms(5_000)));
        let sup = Supervisor::new([a, Plan::new(&log, "b").spec()]).start().await.expect("starts");
        let mut stopping = std::pin::pin!(sup.terminate_child("a"));
        let mut seconds = 0;
        while tokio::time::timeout(ms(1_000), &mut stopping).await.is_err() {
            seconds += 1;
            assert!(seconds <= 10, "it is put off for ever");
            for _ in 0..asks {
                assert!(sup.pid().info().await.is_some());
            }
            (0..sends).for_each(|_| sup.pid().exit(ExitReason::Normal));
        }
        assert_eq!(log.now(), 5_000);
        assert_eq!(states(&sup).await, "a. b");
    }
}

#[tokio::test(start_paused = true)]
async fn sup_023_an_infinite_shutdown_waits_as_long_as_the_child_needs() {
    const HOUR: u64 = 3_600_000;
    let log = Log::new();
    let slow = |id| Plan::new(&log, id).last(Last::Slow(HOUR)).spec().shutdown(Shutdown::Infinity);
    let inner = slow("inner");
    let nested = ChildSpec::supervisor("nested", move || Supervisor::new([inner.clone()]));
    let sup = Supervisor::new([slow("a"), nested]).start().await.expect("starts");
    log.take();
    sup.stop().await.expect("stops");
    let expected = [(0, "?inner"), (HOUR, "-inner"), (HOUR, "?a"), (2 * HOUR, "-a")];
    assert_eq!(log.take_timed(), expected.map(|(at, event)| (at, event.to_owned())));
}

/// A child that ends with a reason of its own when it is asked to shut down.
fn answers_with(id: &str, reason: ExitReason) -> ChildSpec {
    ChildSpec::process(id, move |mut ctx: process::Context<()>| {
        let reason = reason.clone();
        ctx.trap_exits(Trap::On);
        async move {
            let _asked = ctx.recv().await;
            reason
        }
    })
}

#[tokio::test]
async fn sup_024_only_unexpected_ends_during_shutdown_are_reported() {
    use Restart::{OnError, Permanent, Temporary, Transient};
    let reports = Reports::here();
    let reasons = [
        ExitReason::shutdown(),
        ExitReason::Normal,
        ExitReason::shutdown_with("why"),
        ExitReason::custom("oops"),
    ];
    for restart in [OnError, Permanent, Transient, Temporary] {
        for (i, reason) in reasons.iter().enumerate() {
            let odd = answers_with("a", reason.clone()).restart(restart);
            let log = Log::new();
            let before = Plan::new(&log, "before").spec();
            let sup = Supervisor::new([before, odd]).start().await.expect("starts");
            settle().await;
            reports.clear();
            sup.stop().await.expect("stops");
            let expected = match i {
                0 => 0,
                1 | 2 => usize::from(restart == Permanent),
                _ => 1,
            };
            let told = reports.of(&["ERROR", "context=\"shutdown_error\"", "child=\"a\""]);
            assert_eq!(told.len(), expected, "{restart:?} {reason}: {told:?}");
            assert_eq!(reports.of(&["ERROR", "supervisor report"]).len(), expected);
            assert_eq!(log.take(), ">before +before -before", "the shutdown goes on");
        }
        // Killed is what a brutal shutdown wants, and what a timed one does not.
        for (how, expected) in [(Shutdown::BrutalKill, 0), (Shutdown::Timeout(ms(0)), 1)] {
            let a = Plan::new(&Log::new(), "a").last(Last::Never).spec();
            let sup = Supervisor::new([a.restart(restart).shutdown(how)]).start().await;
            let sup = sup.expect("starts");
            reports.clear();
            sup.stop().await.expect("stops");
            assert_eq!(reports.of(&["context=\"shutdown_error\""]).len(), expected, "{how:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn sup_025_a_child_that_cut_its_link_cannot_make_a_shutdown_hang() {
    let log = Log::new();
    let [a, b] = plans(&log, ["a", "b"]).map(|plan| plan.spec().shutdown(Shutdown::Infinity));
    let sup = Supervisor::new([a, b]).start().await.expect("starts");
    for id in ["a", "b"] {
        probe(&sup, id).call(Ask::Unlink).await.expect("answers");
    }
    end(&sup, "a", End::Error).await;
    assert_eq!(states(&sup).await, "a b", "its end is seen, too");
    probe(&sup, "a").call(Ask::Unlink).await.expect("answers");
    let child = pid(&sup, "b");
    sup.terminate_child("b").await.expect("stops");
    assert!(!child.is_alive());
    sup.stop().await.expect("stops");
    assert_eq!(log.now(), 0);
    assert_eq!(log.take(), ">a +a >b +b -a >a +a -b -a");
}

#[tokio::test(start_paused = true)]
async fn sup_026_stopping_a_child_that_has_just_died_neither_hangs_nor_restarts_it() {
    let log = Log::new();
    let [a, b, c] = plans(&log, ["a", "b", "c"]);
    let b = b.last(Last::Slow(100));
    let exits = Arc::new(Mutex::new(Vec::new()));
    let seen = exits.clone();
    let sup = Supervisor::new([a.spec().shutdown(Shutdown::Infinity), b.spec(), c.spec()])
        .strategy(RestartStrategy::OneForAll)
        .intensity(1, ms(1_000))
        .on_exit(move |pid, reason| seen.lock().expect("unpoisoned").push((pid, reason.clone())))
        .start()
        .await
        .expect("starts");
    let [first, middle, last] = ["a", "b", "c"].map(|id| pid(&sup, id));
    let dying = probe(&sup, "a");
    log.take();
    end(&sup, "c", End::Error).await;
    settle().await;
    assert_eq!(log.take(), "-c ?b", "the supervisor waits for b");
    trees::end_of(&dying, End::Panic).await;
    assert_eq!(states(&sup).await, "a b c");
    assert_eq!(log.take(), "-a -b >a +a >b +b >c +c", "and takes the death of a as it was");
    assert_eq!(log.now(), 100);
    later(10).await;
    assert_eq!(log.take(), "", "it has no consequences later");
    let exits = exits.lock().expect("unpoisoned");
    assert_eq!(exits.iter().map(|(pid, _)| *pid).collect::<Vec<_>>(), [last, first, middle]);
    assert!(exits[1].1.panic().is_some(), "its own reason is the one that is told");
}

#[tokio::test(start_paused = true)]
async fn sup_027_nothing_is_restarted_once_the_supervisor_is_ending() {
    let log = Log::new();
    let [a, b, c] = plans(&log, ["a", "b", "c"]);
    let c = c.last(Last::Slow(100));
    let children = [a, b, c].map(|plan| plan.spec().restart(Restart::Permanent));
    for strategy in
        [RestartStrategy::OneForOne, RestartStrategy::OneForAll, RestartStrategy::RestForOne]
    {
        let sup = Supervisor::new(children.clone()).strategy(strategy).unlimited();
        let sup = sup.start().await.expect("starts");
        log.take();
        let crashes = async {
            settle().await;
            end(&sup, "a", End::Error).await;
            end(&sup, "b", End::Normal).await;
        };
        let (stopped, ()) = tokio::join!(sup.stop(), crashes);
        assert_eq!(stopped, Ok(()), "with reason shutdown");
        assert_eq!(log.take(), "?c -a -b -c", "{strategy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn sup_028_when_its_parent_goes_a_supervisor_goes_with_the_same_reason() {
    let reasons = [
        ExitReason::Normal,
        ExitReason::shutdown(),
        ExitReason::custom("oops"),
        ExitReason::killed(),
    ];
    for reason in reasons {
        let log = Log::new();
        let children = plans(&log, ["a", "b"]).map(|plan| plan.last(Last::Slow(10)).spec());
        let (tell, told) = tokio::sync::oneshot::channel();
        let own = reason.clone();
        let parent = process::spawn(async move |mut ctx: process::Context<()>| {
            let sup = Supervisor::new(children).link(&ctx).start().await.expect("starts");
            let _test_waits = tell.send(sup);
            let _go = ctx.recv().await;
            own
        });
        let parent = parent.expect("a runtime");
        let sup = told.await.expect("started");
        log.take();
        let end = async {
            settle().await;
            match reason.is_killed() {
                true => parent.pid().kill(),
                false => parent.send(()),
            }
        };
        let (ended, ()) = tokio::join!(sup.wait(), end);
        assert_eq!(ended, reason);
        assert_eq!(log.take(), "?b -b ?a -a");
    }
}

#[tokio::test]
async fn sup_029_an_exit_signal_from_a_stranger_is_ignored() {
    let log = Log::new();
    let [a, b] = plans(&log, ["a", "b"]);
    let sup = Supervisor::new([a.spec(), b.spec()]).start().await.expect("starts");
    let target = sup.pid();
    let reasons = [ExitReason::Normal, ExitReason::shutdown(), ExitReason::custom("oops")];
    for reason in &reasons {
        target.exit(reason.clone());
        let reason = reason.clone();
        let stranger = process::spawn(async move |ctx: process::Context<()>| {
            ctx.exit(target, reason);
        });
        process::join(stranger.expect("a runtime").pid()).await;
    }
    // Nor is a child believed that only says that it ends.
    let liar = ChildSpec::process("liar", move |mut ctx: process::Context<()>| async move {
        ctx.exit(target, ExitReason::custom("oops"));
        let _never = ctx.recv().await;
    });
    sup.start_child(liar).await.expect("starts");
    settle().await;
    assert_eq!(states(&sup).await, "a b liar");
    assert_eq!(log.take(), ">a +a >b +b");
}

#[tokio::test(start_paused = true)]
async fn sup_031_stopping_a_supervisor_returns_after_all_its_children_have_ended() {
    let log = Log::new();
    let [a, b, inner] =
        plans(&log, ["a", "b", "inner"]).map(|plan| plan.last(Last::Slow(10)).spec());
    let nested = ChildSpec::supervisor("nested", move || Supervisor::new([inner.clone()]));
    let sup = Supervisor::new([a, nested, b]).start().await.expect("starts");
    let pids = ["a", "nested", "b"].map(|id| pid(&sup, id));
    log.take();
    let (reason, stopped) = tokio::join!(sup.wait(), sup.stop());
    assert_eq!((reason, stopped), (ExitReason::shutdown(), Ok(())));
    assert_eq!(log.take(), "?b -b ?inner -inner ?a -a");
    assert_eq!(log.now(), 30);
    assert!(pids.iter().all(|pid| !process::list().contains(pid)));
    assert_eq!(sup.stop().await, Err(StopError::NoProc));
    // With a reason of one's own and no patience: it ends all the same.
    let c = Plan::new(&log, "c").last(Last::Slow(50)).spec();
    let sup = Supervisor::new([c]).start().await.expect("starts");
    let late = sup.pid().stop(ExitReason::Normal, Some(ms(20))).await;
    assert_eq!(late, Err(StopError::Timeout));
    assert_eq!(sup.wait().await, ExitReason::Normal);
}

#[tokio::test(start_paused = true)]
async fn sup_032_requests_to_an_ending_supervisor_fail_and_never_hang() {
    let log = Log::new();
    let [a, b, new] = plans(&log, ["a", "b", "new"]);
    let b = b.last(Last::Slow(100));
    let sup = Supervisor::new([a.spec(), b.spec()]).start().await.expect("starts");
    let pid = pid(&sup, "a");
    log.take();
    let exited = CallError::Exited(ExitReason::shutdown());
    let requests = async |expected: CallError| {
        settle().await;
        let refused = ManageError::Call(expected.clone());
        let (start, terminate, restart, delete, which, count, spec, spec_of) = tokio::join!(
            sup.start_child(new.spec()),
            sup.terminate_child("a"),
            sup.restart_child("a"),
            sup.delete_child("a"),
            sup.which_children(),
            sup.count_children(),
            sup.child_spec("a"),
            sup.child_spec_of(pid),
        );
        assert_eq!(start, Err(ManageError::Call(expected.clone())));
        assert_eq!(terminate, Err(ManageError::Call(expected.clone())));
        assert_eq!(restart, Err(ManageError::Call(expected.clone())));
        assert_eq!(delete.err(), Some(refused));
        assert_eq!(which.err(), Some(expected.clone()));
        assert_eq!(count.err(), Some(expected.clone()));
        assert_eq!(spec.err(), Some(expected.clone()));
        assert_eq!(spec_of.err(), Some(expected));
    };
    let (stopped, ()) = tokio::join!(sup.stop(), requests(exited));
    stopped.expect("stops");
    requests(CallError::NoProc).await;
    assert_eq!(log.now(), 100);
    assert_eq!(log.take(), "?b -b -a");
}
