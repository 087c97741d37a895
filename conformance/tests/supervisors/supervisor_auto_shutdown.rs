//! SUP-120 … SUP-126: supervisors that end when their significant children have.

use crate::trees;

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::{AutoShutdown, ManageError, Restart, SpecError, StartChildError};
use fauxtp::{StartError, SupervisorHandle};

use trees::{ENDS, End, Init, Last, Log, end, ms, pid, plans, settle, states};

use AutoShutdown::{AllSignificant, AnySignificant, Never};

/// Whether a supervisor still serves.
async fn is_up(sup: &SupervisorHandle) -> bool {
    sup.count_children().await.is_ok()
}

#[tokio::test]
async fn sup_120_significant_children_need_automatic_shutdown_and_are_never_permanent() {
    let log = Log::new();
    for auto_shutdown in [Never, AnySignificant, AllSignificant] {
        for restart in
            [Restart::OnError, Restart::Permanent, Restart::Transient, Restart::Temporary]
        {
            let [a, b] = plans(&log, ["a", "b"]).map(|plan| plan.spec());
            let b = b.significant().restart(restart);
            let expected = match (auto_shutdown, restart) {
                (_, Restart::Permanent) => Some(SpecError::SignificantPermanent("b".into())),
                (Never, _) => Some(SpecError::SignificantNeverShutsDown("b".into())),
                _ => None,
            };
            let new = |children: Vec<ChildSpec>| {
                Supervisor::new(children).auto_shutdown(auto_shutdown).start()
            };
            let at_start = new(vec![a.clone(), b.clone()]).await.err();
            assert_eq!(at_start, expected.clone().map(StartError::Spec));
            let sup = new(vec![a]).await.expect("starts");
            let later = sup.start_child(b).await.err();
            let refused = |error| ManageError::Refused(StartChildError::Spec(error));
            assert_eq!(later, expected.map(refused), "{auto_shutdown:?} {restart:?}");
        }
    }
}

#[tokio::test]
async fn sup_121_only_a_significant_childs_own_final_end_triggers() {
    use Restart::{OnError, Temporary, Transient};
    // By the columns of `ENDS`: normal, shutdown, shutdown with a value, killed, error, panic.
    let rows = [(OnError, "xxxx.."), (Transient, "xxx..."), (Temporary, "xxxxxx")];
    for (restart, row) in rows {
        for (how, expected) in ENDS.into_iter().zip(row.chars()) {
            let log = Log::new();
            let [a, b] = plans(&log, ["a", "b"]).map(|plan| plan.spec());
            let children = [a.significant().restart(restart), b.restart(restart)];
            let sup = Supervisor::new(children).auto_shutdown(AnySignificant);
            let sup = sup.start().await.expect("starts");
            end(&sup, "b", how).await;
            assert!(is_up(&sup).await, "b is not significant");
            end(&sup, "a", how).await;
            assert_eq!(is_up(&sup).await, expected == '.', "{restart:?} {how:?}");
        }
    }
    // Not: stopped by hand, or with its siblings, even if it is forgotten then.
    for restart in [OnError, Transient, Temporary] {
        let log = Log::new();
        let [a, b] = plans(&log, ["a", "b"]).map(|plan| plan.spec());
        let children = [a, b.significant().restart(restart)];
        let sup = Supervisor::new(children).auto_shutdown(AnySignificant);
        let sup = sup.strategy(RestartStrategy::OneForAll).start().await.expect("starts");
        end(&sup, "a", End::Error).await;
        let left = if restart == Temporary { "a" } else { "a b" };
        assert_eq!(states(&sup).await, left, "{restart:?}");
        if restart != Temporary {
            sup.terminate_child("b").await.expect("stops");
        }
        settle().await;
        assert!(is_up(&sup).await, "{restart:?}");
    }
}

/// also: SUP-126
#[tokio::test(start_paused = true)]
async fn sup_122_any_significant_the_first_such_end_closes_the_supervisor() {
    for intensity in [3, 0] {
        let log = Log::new();
        let [a, b, c, d] =
            plans(&log, ["a", "b", "c", "d"]).map(|plan| plan.last(Last::Slow(10)).spec());
        let children = [a, b.significant(), c.significant(), d];
        let sup = Supervisor::new(children).auto_shutdown(AnySignificant);
        let sup = sup.intensity(intensity, ms(1_000)).start().await.expect("starts");
        log.take();
        let (reason, _) = tokio::join!(sup.wait(), end(&sup, "b", End::Normal));
        assert_eq!(reason, ExitReason::shutdown());
        assert_eq!(log.take(), "?b -b ?d -d ?c -c ?a -a");
    }
}

#[tokio::test]
async fn sup_123_all_significant_the_last_such_end_closes_the_supervisor() {
    let log = Log::new();
    let [a, b, c, never, d] = plans(&log, ["a", "b", "c", "never", "d"]);
    let never = never.next([Init::Ignore]);
    let children = [
        a.spec().significant(),
        b.spec().significant().restart(Restart::Temporary),
        c.spec().significant(),
        never.spec().significant(),
        d.spec(),
    ];
    let sup = Supervisor::new(children).auto_shutdown(AllSignificant).unlimited();
    let sup = sup.start().await.expect("starts");
    end(&sup, "a", End::Normal).await;
    assert_eq!(states(&sup).await, "a. b c never. d");
    // A significant child that waits for its next attempt still counts.
    c.forever(Init::Fail);
    end(&sup, "c", End::Error).await;
    assert!(states(&sup).await.contains("c~"));
    end(&sup, "b", End::Panic).await;
    assert!(states(&sup).await.contains("c~"));
    c.forever(Init::Up);
    settle().await;
    assert_eq!(states(&sup).await, "a. c never. d");
    let (reason, _) = tokio::join!(sup.wait(), end(&sup, "c", End::Normal));
    assert_eq!(reason, ExitReason::shutdown(), "one that never ran does not count");
    assert!(log.take().ends_with("-c -d"));
}

#[tokio::test]
async fn sup_124_removing_the_last_significant_child_by_hand_leaves_the_supervisor_up() {
    for auto_shutdown in [AnySignificant, AllSignificant] {
        for restart in [Restart::OnError, Restart::Temporary] {
            let log = Log::new();
            let [a, b] = plans(&log, ["a", "b"]).map(|plan| plan.spec());
            let children = [a.significant().restart(restart), b];
            let sup = Supervisor::new(children).auto_shutdown(auto_shutdown);
            let sup = sup.start().await.expect("starts");
            sup.terminate_child("a").await.expect("stops");
            if restart == Restart::OnError {
                sup.delete_child("a").await.expect("is stopped");
            }
            settle().await;
            assert_eq!(states(&sup).await, "b");
            end(&sup, "b", End::Normal).await;
            assert_eq!(states(&sup).await, "b.", "for ever");
        }
    }
}

#[tokio::test]
async fn sup_125_automatic_shutdown_climbs_through_significant_supervisors_only() {
    for significant in [true, false] {
        let log = Log::new();
        let registry = Registry::start().await.expect("starts");
        let [leaf, other] = plans(&log, ["leaf", "other"]).map(|plan| plan.spec());
        let shared = registry.clone();
        let nested = ChildSpec::supervisor("nested", move || {
            Supervisor::new([leaf.clone().significant()])
                .registry(&shared)
                .auto_shutdown(AnySignificant)
        });
        let nested = nested.restart(Restart::Transient);
        let nested = if significant { nested.significant() } else { nested };
        let sup = Supervisor::new([other, nested]).auto_shutdown(AnySignificant);
        let sup = sup.start().await.expect("starts");
        let (leaf, middle) =
            (registry.address::<trees::Probe>("leaf").expect("runs"), pid(&sup, "nested"));
        let (reason, _) = tokio::join!(process::join(middle), trees::end_of(&leaf, End::Normal));
        assert_eq!(reason, ExitReason::shutdown());
        assert_eq!(is_up(&sup).await, !significant);
        let expected = if significant { "-leaf -other" } else { "-leaf" };
        assert!(log.take().ends_with(expected));
    }
}
