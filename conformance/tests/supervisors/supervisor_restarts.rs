//! SUP-040 … SUP-060: which ends are followed by a restart, and when a supervisor gives up.

use crate::pools;
use crate::trees;

use fauxtp::SupervisorHandle;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::{Backoff, Restart};

use pools::reports::Reports;
use trees::{
    ENDS, End, Init, Last, Log, Plan, end, end_of, gave_up, later, ms, pid, plans, settle, states,
};

/// Ends a child; returns whether the supervisor survived.
async fn survives(sup: &SupervisorHandle, id: &str, how: End) -> bool {
    end(sup, id, how).await;
    sup.count_children().await.is_ok()
}

#[tokio::test]
async fn sup_040_restart_type_and_exit_reason_decide_who_is_restarted() {
    use Restart::{OnError, Permanent, Temporary, Transient};
    // By the columns of `ENDS`: normal, shutdown, shutdown with a value, killed, error, panic.
    // `r` restarted, `s` stopped and kept, `f` forgotten.
    let rows =
        [(OnError, "ssssrr"), (Permanent, "rrrrrr"), (Transient, "sssrrr"), (Temporary, "ffffff")];
    for (restart, row) in rows {
        for (how, expected) in ENDS.into_iter().zip(row.chars()) {
            let log = Log::new();
            let [a, b] = plans(&log, ["a", "b"]);
            let sup = Supervisor::new([a.spec().restart(restart), b.spec()]);
            let sup = sup.intensity(1, ms(1_000)).start().await.expect("starts");
            let (first, other) = (pid(&sup, "a"), pid(&sup, "b"));
            end(&sup, "a", how).await;
            let now = match states(&sup).await.as_str() {
                "a b" => 'r',
                "a. b" => 's',
                "b" => 'f',
                _ => '?',
            };
            assert_eq!(now, expected, "{restart:?} {how:?}");
            assert!(sup.whereis("a") != Some(first) && sup.whereis("a").is_some() == (now == 'r'));
            assert_eq!(sup.whereis("b"), Some(other));
            // The same by the signals of others.
            if let (End::Killed, Some(second)) = (how, sup.whereis("a")) {
                second.kill();
                process::join(second).await;
                assert!(sup.count_children().await.is_err(), "the second one is too much");
            }
        }
    }
}

#[tokio::test]
async fn sup_041_a_normal_end_of_a_permanent_child_is_a_failure() {
    let reports = Reports::here();
    let log = Log::new();
    let a = Plan::new(&log, "a").spec().restart(Restart::Permanent);
    let sup = Supervisor::new([a]).intensity(1, ms(1_000)).start().await.expect("starts");
    assert!(survives(&sup, "a", End::Normal).await);
    let told = reports.of(&["ERROR", "context=\"child_terminated\"", "child=\"a\""]);
    assert_eq!(told.len(), 1, "reported");
    let (reason, alive) = tokio::join!(sup.wait(), survives(&sup, "a", End::Normal));
    assert!(gave_up(&reason) && !alive, "and counted");
}

#[tokio::test]
async fn sup_042_ends_caused_by_the_supervisor_are_neither_restarted_nor_counted() {
    let log = Log::new();
    let children = plans(&log, ["a", "b", "c"]).map(|plan| plan.spec().restart(Restart::Permanent));
    let sup = Supervisor::new(children.clone()).intensity(0, ms(1_000)).start().await;
    let sup = sup.expect("starts");
    for _ in 0..5 {
        sup.terminate_child("b").await.expect("stops");
        settle().await;
        assert_eq!(states(&sup).await, "a b. c");
        sup.restart_child("b").await.expect("starts");
    }
    // Brothers that go down with one: only the one counts.
    let sup = Supervisor::new(children).intensity(1, ms(1_000));
    let sup = sup.strategy(RestartStrategy::OneForAll).start().await.expect("starts");
    log.take();
    assert!(survives(&sup, "b", End::Error).await);
    assert_eq!(log.take(), "-b -c -a >a +a >b +b >c +c");
}

/// Fails the child at these virtual milliseconds; tells which of them the supervisor survived.
async fn failures_at(restarts: u32, period: u64, times: &[u64]) -> Vec<bool> {
    let log = Log::new();
    let a = Plan::new(&log, "a").spec();
    let sup = Supervisor::new([a]).intensity(restarts, ms(period)).start().await.expect("starts");
    let mut now = 0;
    let mut survived = Vec::new();
    for time in times {
        tokio::time::advance(ms(time - now)).await;
        now = *time;
        survived.push(survives(&sup, "a", End::Error).await);
    }
    survived
}

/// also: SUP-051
#[tokio::test(start_paused = true)]
async fn sup_050_restarts_are_counted_in_a_sliding_window() {
    let at = async |times: &[u64]| failures_at(2, 10_000, times).await;
    assert_eq!(at(&[0, 6_000, 12_000, 17_000]).await, [true, true, true, true]);
    // A window from 10 000 to 20 000 would hold only two.
    assert_eq!(at(&[0, 6_000, 12_000, 15_000]).await, [true, true, true, false]);
    assert_eq!(at(&[0, 100_000, 100_000, 100_000]).await, [true, true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn sup_051_the_window_allows_exactly_the_configured_number() {
    for restarts in 0..4 {
        let times = vec![0; restarts as usize + 1];
        let survived = failures_at(restarts, 1_000, &times).await;
        let expected: Vec<_> = (0..=restarts).map(|n| n < restarts).collect();
        assert_eq!(survived, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn sup_052_the_restart_window_has_exact_bounds() {
    assert_eq!(failures_at(1, 1_000, &[0, 999]).await, [true, false]);
    assert_eq!(failures_at(1, 1_000, &[0, 1_000]).await, [true, false], "inclusive");
    assert_eq!(failures_at(1, 1_000, &[0, 1_001]).await, [true, true]);
    assert_eq!(failures_at(1, 1_000, &[500, 1_501, 2_502, 3_502]).await, [true, true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn sup_053_all_children_draw_on_one_budget() {
    let log = Log::new();
    let children = plans(&log, ["a", "b", "c"]).map(|plan| plan.spec());
    let sup = Supervisor::new(children).intensity(2, ms(1_000)).start().await.expect("starts");
    assert!(survives(&sup, "a", End::Error).await);
    assert!(survives(&sup, "b", End::Panic).await);
    assert!(!survives(&sup, "c", End::Error).await);
}

#[tokio::test(start_paused = true)]
async fn sup_054_restarting_a_whole_group_costs_one_restart() {
    for strategy in [RestartStrategy::OneForAll, RestartStrategy::RestForOne] {
        let log = Log::new();
        // Siblings that fail while they are torn down cost nothing either.
        let children = plans(&log, ["a", "b", "c", "d"])
            .map(|plan| plan.last(Last::Panic).spec().restart(Restart::Permanent));
        let sup = Supervisor::new(children).strategy(strategy).intensity(1, ms(1_000));
        let sup = sup.start().await.expect("starts");
        log.take();
        assert!(survives(&sup, "a", End::Killed).await, "{strategy:?}");
        assert_eq!(log.take(), "-a ?d -d ?c -c ?b -b >a +a >b +b >c +c >d +d");
        assert!(!survives(&sup, "a", End::Killed).await, "{strategy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn sup_055_every_failed_attempt_to_restart_costs_one() {
    for failure in [Init::Fail, Init::Panic] {
        let log = Log::new();
        let a = Plan::new(&log, "a");
        let sup = Supervisor::new([a.spec()]).intensity(3, ms(1_000));
        let sup = sup.start().await.expect("starts");
        a.forever(failure);
        log.take();
        let (reason, _) = tokio::join!(sup.wait(), end(&sup, "a", End::Error));
        assert!(gave_up(&reason));
        assert_eq!(log.take(), "-a >a !a >a !a >a !a");
    }
}

#[tokio::test(start_paused = true)]
async fn sup_056_with_the_budget_spent_everybody_is_stopped_backwards() {
    let reports = Reports::here();
    for strategy in
        [RestartStrategy::OneForOne, RestartStrategy::OneForAll, RestartStrategy::RestForOne]
    {
        let log = Log::new();
        let children = plans(&log, ["a", "b", "c", "d"]).map(|plan| plan.last(Last::Slow(10)));
        let sup = Supervisor::new(children.map(|plan| plan.spec()))
            .strategy(strategy)
            .intensity(1, ms(1_000));
        let sup = sup.start().await.expect("starts");
        assert!(survives(&sup, "d", End::Panic).await);
        settle().await;
        log.take();
        reports.clear();
        let (reason, _) = tokio::join!(sup.wait(), end(&sup, "b", End::Error));
        assert!(gave_up(&reason), "{reason}");
        assert_eq!(log.take(), "?b -b ?d -d ?c -c ?a -a", "{strategy:?}");
        let told = reports.of(&["ERROR", "context=\"shutdown\"", "child=\"b\""]);
        assert_eq!(told.len(), 1, "reported");
    }
}

/// A supervisor that is to give up at its first failure, below one that is asked what it does then.
#[tokio::test]
async fn sup_057_a_supervisor_that_gave_up_is_restarted_only_if_permanent() {
    let rows = [
        (Restart::Permanent, "nested"),
        (Restart::Transient, "nested."),
        (Restart::OnError, "nested."),
        (Restart::Temporary, ""),
    ];
    for (restart, expected) in rows {
        let log = Log::new();
        let (inner, registry) =
            (Plan::new(&log, "inner"), Registry::start().await.expect("starts"));
        let shared = registry.clone();
        let nested = ChildSpec::supervisor("nested", move || {
            Supervisor::new([inner.spec()]).registry(&shared).intensity(0, ms(1_000))
        });
        let sup = Supervisor::new([nested.restart(restart)]).start().await.expect("starts");
        let (worker, middle) = (registry.address::<trees::Probe>("inner"), pid(&sup, "nested"));
        let worker = worker.expect("it runs");
        let (reason, _) = tokio::join!(process::join(middle), end_of(&worker, End::Error));
        assert!(gave_up(&reason) && reason.is_clean());
        assert_eq!(states(&sup).await, expected, "{restart:?}");
        let restarted = usize::from(restart == Restart::Permanent);
        assert_eq!(log.count("+inner"), 1 + restarted);
    }
    let by_default = ChildSpec::supervisor("nested", || Supervisor::new([]));
    let sup = Supervisor::new([by_default]).start().await.expect("starts");
    let spec = sup.child_spec("nested").await.expect("answers").expect("known");
    assert_eq!(spec.restart, Restart::Permanent);
}

#[tokio::test]
async fn sup_058_starts_requested_by_hand_cost_nothing() {
    let log = Log::new();
    let [a, b] = plans(&log, ["a", "b"]);
    let sup = Supervisor::new([a.spec()]).intensity(1, ms(1_000)).start().await.expect("starts");
    for _ in 0..5 {
        end(&sup, "a", End::Normal).await;
        sup.restart_child("a").await.expect("starts");
        sup.start_child(b.spec()).await.expect("starts");
        sup.terminate_child("b").await.expect("stops");
        b.then([Init::Fail]);
        sup.restart_child("b").await.expect_err("fails");
        sup.delete_child("b").await.expect("is stopped");
    }
    assert!(survives(&sup, "a", End::Error).await, "the budget is untouched");
    assert!(!survives(&sup, "a", End::Error).await);
}

#[tokio::test]
async fn sup_059_budgets_multiply_through_the_levels_of_a_tree() {
    let log = Log::new();
    let leaf = Plan::new(&log, "leaf");
    let (plan, registry) = (leaf.clone(), Registry::start().await.expect("starts"));
    let shared = registry.clone();
    let inner = ChildSpec::supervisor("inner", move || {
        Supervisor::new([plan.spec()]).registry(&shared).intensity(2, Duration::from_secs(60))
    });
    let sup = Supervisor::new([inner]).intensity(3, Duration::from_secs(60));
    let sup = sup.start().await.expect("starts");
    leaf.forever(Init::UpThen(End::Error));
    let first = registry.address::<trees::Probe>("leaf").expect("runs");
    let (reason, _) = tokio::join!(sup.wait(), end_of(&first, End::Error));
    assert!(gave_up(&reason));
    assert_eq!(log.count("+leaf"), (1 + 2) * (1 + 3));
}

#[tokio::test(start_paused = true)]
async fn sup_060_restarts_happen_at_once_unless_a_backoff_is_asked_for() {
    let log = Log::new();
    let [a, b] = plans(&log, ["a", "b"]);
    let backoff = Backoff { min: ms(1_000), max: ms(4_000), jitter_permille: 0 };
    let children = [a.spec(), b.spec().backoff(backoff)];
    let sup = Supervisor::new(children).unlimited().start().await.expect("starts");
    end(&sup, "a", End::Error).await;
    assert_eq!(states(&sup).await, "a b");
    assert_eq!(log.now(), 0, "at once");
    let mut waited = Vec::new();
    for _ in 0..4 {
        let before = log.now();
        end(&sup, "b", End::Error).await;
        assert_eq!(states(&sup).await, "a b~", "the supervisor serves others meanwhile");
        assert!(survives(&sup, "a", End::Error).await);
        assert_eq!(states(&sup).await, "a b~");
        assert_eq!(log.now(), before);
        while sup.whereis("b").is_none() {
            later(100).await;
        }
        waited.push(log.now() - before);
    }
    assert_eq!(waited, [1_000, 2_000, 4_000, 4_000]);
    // A run as long as the longest delay begins a new row.
    later(4_000).await;
    let before = log.now();
    end(&sup, "b", End::Error).await;
    while sup.whereis("b").is_none() {
        later(100).await;
    }
    assert_eq!(log.now() - before, 1_000);
}
