//! SUP-070 … SUP-082: what a restart does, strategy by strategy.

use crate::pools;
use crate::trees;

use std::sync::{Arc, Mutex};

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::DeleteChildError;
use fauxtp::supervisor::{ManageError, Restart, RestartChildError, StartChildError};

use pools::reports::Reports;
use trees::{Ask, End, Init, Log, end, end_of, gave_up, ms, pid, plans, probe, settle, states};

use RestartStrategy::{OneForAll, OneForOne, RestForOne};

#[tokio::test]
async fn sup_070_one_for_one_replaces_the_failed_child_only() {
    let log = Log::new();
    let children = plans(&log, ["a", "b", "c"]).map(|plan| plan.spec());
    let sup = Supervisor::new(children).strategy(OneForOne).start().await.expect("starts");
    let before = ["a", "b", "c"].map(|id| pid(&sup, id));
    log.take();
    end(&sup, "b", End::Error).await;
    assert_eq!(states(&sup).await, "a b c");
    let after = ["a", "b", "c"].map(|id| pid(&sup, id));
    assert_eq!(log.take(), "-b >b +b");
    assert!(before[0] == after[0] && before[1] != after[1] && before[2] == after[2]);
    sup.stop().await.expect("stops");
    assert_eq!(log.take(), "-c -b -a", "it has kept its place");
}

#[tokio::test]
async fn sup_071_one_for_all_revives_all() {
    let log = Log::new();
    let [a, b, c, d, t] = plans(&log, ["a", "b", "c", "d", "t"]).map(|plan| plan.spec());
    let children = [a, b, t.restart(Restart::Temporary), c, d];
    let sup = Supervisor::new(children).strategy(OneForAll).start().await.expect("starts");
    sup.terminate_child("a").await.expect("stops");
    end(&sup, "d", End::Normal).await;
    assert_eq!(states(&sup).await, "a. b t c d.");
    log.take();
    end(&sup, "b", End::Error).await;
    assert_eq!(states(&sup).await, "a b c d", "those that had been stopped, too");
    assert_eq!(log.take(), "-b -c -t >a +a >b +b >c +c >d +d", "but no temporary ones");
}

#[tokio::test]
async fn sup_072_rest_for_one_replaces_the_failed_child_and_all_after_it() {
    let log = Log::new();
    let [stopped, a, b, c, d, t] =
        plans(&log, ["stopped", "a", "b", "c", "d", "t"]).map(|plan| plan.spec());
    let children = [stopped, a, b, t.restart(Restart::Temporary), c, d];
    let sup = Supervisor::new(children).strategy(RestForOne).start().await.expect("starts");
    sup.terminate_child("stopped").await.expect("stops");
    sup.terminate_child("c").await.expect("stops");
    let before = pid(&sup, "a");
    log.take();
    end(&sup, "b", End::Error).await;
    assert_eq!(states(&sup).await, "stopped. a b c d");
    assert_eq!(log.take(), "-b -d -t >b +b >c +c >d +d");
    assert_eq!(pid(&sup, "a"), before);
}

#[tokio::test]
async fn sup_073_an_end_without_restart_does_not_disturb_the_siblings() {
    for strategy in [OneForAll, RestForOne] {
        let log = Log::new();
        let [a, b, c, t, x] = plans(&log, ["a", "b", "c", "t", "x"]).map(|plan| plan.spec());
        let children = [
            t.restart(Restart::Temporary),
            a.restart(Restart::Transient),
            b.restart(Restart::OnError),
            x.restart(Restart::Transient),
            c,
        ];
        let sup = Supervisor::new(children).strategy(strategy).start().await.expect("starts");
        log.take();
        end(&sup, "t", End::Panic).await;
        end(&sup, "a", End::Normal).await;
        end(&sup, "b", End::Killed).await;
        end(&sup, "x", End::ShutdownWith).await;
        assert_eq!(states(&sup).await, "a. b. x. c");
        assert_eq!(log.take(), "-t -a -b -x", "{strategy:?}");
    }
}

#[tokio::test]
async fn sup_074_between_failed_attempts_others_are_served() {
    for strategy in [OneForOne, OneForAll, RestForOne] {
        let log = Log::new();
        let [a, b, c] = plans(&log, ["a", "b", "c"]);
        let sup = Supervisor::new([a.spec(), b.spec()]).strategy(strategy).unlimited();
        let sup = sup.start().await.expect("starts");
        a.forever(Init::Fail);
        end(&sup, "a", End::Error).await;
        for _ in 0..10 {
            let attempts = log.count("!a");
            assert!(states(&sup).await.starts_with("a~"), "{strategy:?}");
            while log.count("!a") < attempts + 3 {
                tokio::task::yield_now().await;
            }
        }
        assert!(sup.start_child(c.spec()).await.expect("starts").is_some());
        sup.stop().await.expect("even a stop");
        let attempts = log.count(">a");
        settle().await;
        assert_eq!(log.count(">a"), attempts, "and then it is over");
    }
}

#[tokio::test]
async fn sup_075_a_failed_one_for_all_restart_begins_again_with_everybody() {
    let log = Log::new();
    let [a, b, c, d] = plans(&log, ["a", "b", "c", "d"]);
    let children = [a.spec(), b.spec(), c.spec(), d.spec()];
    let sup = Supervisor::new(children).strategy(OneForAll).intensity(2, ms(1_000));
    let sup = sup.start().await.expect("starts");
    log.take();
    c.then([Init::Fail]);
    end(&sup, "b", End::Error).await;
    settle().await;
    assert_eq!(states(&sup).await, "a b c d");
    let expected = "-b -d -c -a >a +a >b +b >c !c -b -a >a +a >b +b >c +c >d +d";
    assert_eq!(log.take(), expected);
}

#[tokio::test]
async fn sup_076_a_failed_rest_for_one_restart_continues_where_it_failed() {
    let log = Log::new();
    let [a, b, c, d] = plans(&log, ["a", "b", "c", "d"]);
    let children = [a.spec(), b.spec(), c.spec(), d.spec()];
    let sup = Supervisor::new(children).strategy(RestForOne).intensity(2, ms(1_000));
    let sup = sup.start().await.expect("starts");
    log.take();
    c.then([Init::Fail]);
    end(&sup, "b", End::Error).await;
    settle().await;
    assert_eq!(states(&sup).await, "a b c d");
    assert_eq!(log.take(), "-b -d -c >b +b >c !c >c +c >d +d");
}

#[tokio::test]
async fn sup_077_a_child_waiting_for_its_next_attempt_can_be_cancelled() {
    let log = Log::new();
    let [a, b, c] = plans(&log, ["a", "b", "c"]);
    let children = [a.spec(), b.spec(), c.spec()];
    let sup = Supervisor::new(children).strategy(RestForOne).unlimited();
    let sup = sup.start().await.expect("starts");
    b.forever(Init::Fail);
    end(&sup, "b", End::Error).await;
    while log.count("!b") < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(states(&sup).await, "a b~ c.");
    let counts = sup.count_children().await.expect("answers");
    assert_eq!((counts.specs, counts.active), (3, 1));
    assert_eq!(sup.whereis("b"), None);
    let known = ManageError::Refused(StartChildError::AlreadyPresent);
    assert_eq!(sup.start_child(b.spec()).await, Err(known));
    let restarting = ManageError::Refused(RestartChildError::Restarting);
    assert_eq!(sup.restart_child("b").await, Err(restarting));
    let restarting = ManageError::Refused(DeleteChildError::Restarting);
    assert_eq!(sup.delete_child("b").await, Err(restarting));
    assert_eq!(sup.terminate_child("b").await, Ok(()));
    let attempts = log.count("!b");
    settle().await;
    assert_eq!(states(&sup).await, "a b. c.");
    assert_eq!(log.count("!b"), attempts, "no more attempts");
    b.forever(Init::Up);
    assert!(sup.restart_child("b").await.expect("starts").is_some());
    assert_eq!(states(&sup).await, "a b c.", "only what was asked for");
}

#[tokio::test]
async fn sup_078_a_child_that_declines_to_be_restarted_is_left_stopped() {
    for strategy in [OneForOne, OneForAll, RestForOne] {
        let log = Log::new();
        let [a, b] = plans(&log, ["a", "b"]);
        let sup = Supervisor::new([a.spec(), b.spec()]).strategy(strategy);
        let sup = sup.intensity(1, ms(1_000)).start().await.expect("starts");
        a.then([Init::Ignore]);
        end(&sup, "a", End::Error).await;
        settle().await;
        assert_eq!(states(&sup).await, "a. b", "{strategy:?}");
        assert_eq!(log.count(">a"), 2, "no retries");
        assert_eq!(sup.count_children().await.expect("answers").active, 1);
        assert!(sup.restart_child("a").await.expect("starts").is_some());
    }
}

#[tokio::test]
async fn sup_079_simultaneous_deaths_cost_what_the_strategy_makes_of_them() {
    // (strategy, who dies first, who dies second, the restarts it takes)
    let rows = [
        (OneForOne, "a", "c", 2),
        (OneForAll, "a", "c", 1),
        (OneForAll, "c", "a", 1),
        (RestForOne, "a", "c", 1),
        (RestForOne, "c", "a", 2),
    ];
    for (strategy, first, second, cost) in rows {
        for intensity in [cost - 1, cost] {
            let log = Log::new();
            let [a, b, c, busy] = plans(&log, ["a", "b", "c", "busy"]);
            let children = [a.spec(), b.spec(), c.spec()];
            let sup = Supervisor::new(children).strategy(strategy).intensity(intensity, ms(1_000));
            let sup = sup.start().await.expect("starts");
            // Both deaths wait while the supervisor is busy.
            let busy = busy.next([Init::Gate]);
            let start = sup.start_child(busy.spec().restart(Restart::Temporary));
            let deaths = async {
                settle().await;
                end(&sup, first, End::Error).await;
                end(&sup, second, End::Error).await;
                busy.open();
            };
            let (started, ()) = tokio::join!(start, deaths);
            started.expect("starts");
            settle().await;
            let alive = sup.pid().is_alive();
            assert_eq!(alive, intensity == cost, "{strategy:?} {first} {second} {intensity}");
            if alive {
                let now = states(&sup).await;
                assert!(now.starts_with("a b c"), "{now}");
            }
        }
    }
}

#[tokio::test]
async fn sup_080_the_exit_of_an_earlier_incarnation_is_ignored() {
    let log = Log::new();
    let [a, busy] = plans(&log, ["a", "busy"]);
    let exits = Arc::new(Mutex::new(Vec::new()));
    let seen = exits.clone();
    let sup = Supervisor::new([a.spec().restart(Restart::Permanent)])
        .intensity(0, ms(1_000))
        .on_exit(move |pid, _| seen.lock().expect("unpoisoned").push(pid))
        .start()
        .await
        .expect("starts");
    let first = pid(&sup, "a");
    // What waits while the supervisor is busy: terminate a, the exit of a, restart a. The stop takes the
    // exit for its answer; when its turn comes it is that of an earlier incarnation.
    let busy = busy.next([Init::Gate]);
    let deaths = async {
        settle().await;
        let dying = probe(&sup, "a");
        let request = async { sup.terminate_child("a").await.expect("stops") };
        let rest = async {
            settle().await;
            end_of(&dying, End::Error).await;
            let restarted = async { sup.restart_child("a").await.expect("starts") };
            let open = async {
                settle().await;
                busy.open();
            };
            tokio::join!(restarted, open).0
        };
        tokio::join!(request, rest).1
    };
    let (started, second) = tokio::join!(sup.start_child(busy.spec()), deaths);
    started.expect("starts");
    settle().await;
    assert_eq!(Some(pid(&sup, "a")), second);
    assert_eq!(*exits.lock().expect("unpoisoned"), [first], "told once");
    assert_eq!(log.take(), ">a +a >busy -a +busy >a +a");
}

/// A mailbox is typed: what a supervisor may receive without knowing it is an exit signal from a stranger.
#[tokio::test]
async fn sup_081_what_the_supervisor_does_not_know_is_logged_and_dropped() {
    let reports = Reports::here();
    let log = Log::new();
    let [a] = plans(&log, ["a"]).map(|plan| plan.spec());
    let sup = Supervisor::new([a]).start().await.expect("starts");
    end(&sup, "a", End::Error).await;
    assert_eq!(states(&sup).await, "a");
    assert_eq!(reports.of(&["WARN"]).len(), 0, "{:?}", reports.of(&["WARN"]));
    sup.pid().exit(ExitReason::custom("hello"));
    assert_eq!(states(&sup).await, "a");
    let supervisor = sup.pid().to_string();
    assert_eq!(reports.of(&["WARN", &supervisor]).len(), 1);
}

#[tokio::test]
async fn sup_082_a_restart_begins_with_the_original_arguments_and_no_old_state() {
    for strategy in [OneForOne, OneForAll] {
        let log = Log::new();
        let [a, b] = plans(&log, ["a", "b"]).map(|plan| plan.spec());
        let sup = Supervisor::new([a, b]).strategy(strategy).start().await.expect("starts");
        let old = probe(&sup, "a");
        for n in 1..4 {
            assert_eq!(old.call(Ask::Count).await, Ok(n));
        }
        // What waits for the old incarnation dies with it.
        old.cast(Ask::End(End::Error));
        let lost = old.call(Ask::Count).await;
        assert!(matches!(lost, Err(CallError::Exited(_))), "{lost:?}");
        process::join(old.pid()).await;
        assert_eq!(states(&sup).await, "a b");
        assert_eq!(probe(&sup, "a").call(Ask::Count).await, Ok(1));
        assert_eq!(log.count("+a"), 2, "with the plan it was given");
    }
}

/// also: SUP-055
#[tokio::test]
async fn sup_075_attempts_at_a_group_cost_one_each() {
    let log = Log::new();
    let [a, b] = plans(&log, ["a", "b"]);
    let sup = Supervisor::new([a.spec(), b.spec()]).strategy(OneForAll).intensity(2, ms(1_000));
    let sup = sup.start().await.expect("starts");
    b.forever(Init::Fail);
    log.take();
    let (reason, _) = tokio::join!(sup.wait(), end(&sup, "a", End::Error));
    assert!(gave_up(&reason));
    assert_eq!(log.take(), "-a -b >a +a >b !b -a >a +a >b !b -a");
}
