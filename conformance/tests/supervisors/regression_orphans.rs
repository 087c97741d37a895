//! What is left below a supervisor that was killed: nothing comes in its place before it is gone.

use crate::pools;

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::{
    DynamicSupervisorHandle, RestartStrategy, Shutdown, SupervisorHandle, SupervisorName,
};

use tokio::time::Instant;

use pools::{
    Actor, Ask, Begin, Finish, Log, Setup, actor, end, ms, plain, secs, settle, soon, take,
};

async fn start(supervisor: Supervisor) -> SupervisorHandle {
    soon("the start", supervisor.start()).await.expect("starts")
}

async fn start_pool(pool: DynamicSupervisor) -> DynamicSupervisorHandle {
    soon("the start", pool.start()).await.expect("starts")
}

/// A supervisor below another one, with a leaf that takes its time to end.
fn nested(leaf: &Setup) -> ChildSpec {
    let leaf = leaf.spec();
    ChildSpec::supervisor("nested", move || Supervisor::new([leaf.clone()]))
}

/// Where two lives of one child touch.
fn overlaps(lines: &[String]) -> bool {
    let mut alive = 0;
    lines.iter().any(|line| {
        match line.split(' ').next() {
            Some("start") => alive += 1,
            Some("gone") => alive -= 1,
            _ => {}
        }
        alive > 1
    })
}

/// A nested supervisor that was killed was started again while its children were still busy with their end.
/// also: SUP-030, CON-05
#[tokio::test(start_paused = true)]
async fn faux_04_what_is_left_of_a_killed_supervisor_is_gone_before_it_is_back() {
    static NAME: Name<Actor> = Name::new("regression: the leaf of a killed supervisor");
    // One that ends in its own time, and one that never does.
    for finish in [Finish::Take(secs(1)), Finish::Never] {
        for strategy in [RestartStrategy::OneForOne, RestartStrategy::OneForAll] {
            for brutal in [false, true] {
                let log = Log::default();
                let leaf = Setup::new("leaf", &log).finish(finish).spec().name(&NAME);
                let nested =
                    ChildSpec::supervisor("nested", move || Supervisor::new([leaf.clone()]));
                let nested = nested.shutdown(Shutdown::Timeout(ms(10)));
                let tree = Supervisor::new([plain("a"), nested]).strategy(strategy);
                let sup = start(tree).await;
                if brutal {
                    // Killed by the one above, for it does not end in time.
                    end(&actor(sup.registry(), "a"), Ask::Fail).await;
                    soon("the end of it", sup.terminate_child("nested")).await.expect("is known");
                    assert!(log.lines().last().is_some_and(|line| line.starts_with("gone")));
                    soon("the next", sup.restart_child("nested")).await.expect("starts");
                } else {
                    let nested = sup.whereis("nested").expect("runs");
                    nested.kill();
                    process::join(nested).await;
                }
                take(secs(20)).await;
                assert!(NAME.whereis().is_some() && sup.pid().is_alive());
                sup.pid().kill();
                take(secs(20)).await;
                pools::until("all are gone", || NAME.whereis().is_none()).await;
                assert!(!overlaps(&log.lines()), "{strategy:?}: {:?}", log.lines());
            }
        }
    }
}

/// The new set began with a child that is no supervisor, while a child of a supervisor of the old set was still ending.
#[tokio::test(start_paused = true)]
async fn con_05_no_child_of_the_new_set_starts_before_the_grandchildren_of_the_old_have_ended() {
    let log = Log::default();
    let leaf = Setup::new("leaf", &log).finish(Finish::Take(secs(1)));
    let first = Setup::new("first", &log).spec();
    let last = Setup::new("last", &log).spec();
    for (strategy, before, after) in [
        (RestartStrategy::OneForAll, vec!["gone last", "gone first"], "start first"),
        (RestartStrategy::RestForOne, vec!["gone last"], "start leaf"),
    ] {
        let children = [first.clone(), nested(&leaf), last.clone()];
        let sup = start(Supervisor::new(children).strategy(strategy)).await;
        assert_eq!(log.take(), ["start first", "start leaf", "start last"]);
        let failed = sup.whereis("nested").expect("runs");
        failed.kill();
        take(secs(2)).await;
        let lines = log.take();
        let of_the_old = [before, vec!["terminate leaf", "gone leaf"]].concat();
        let (old, new) = lines.split_at(of_the_old.len());
        assert!(of_the_old.iter().all(|line| old.iter().any(|other| other == line)), "{lines:?}");
        assert_eq!(new.first().map(String::as_str), Some(after), "{strategy:?}: {lines:?}");
        soon("the end", sup.stop()).await.expect("stops");
        log.take();
    }
}

/// Dynamic supervisors started a nested supervisor again at once.
#[tokio::test(start_paused = true)]
async fn con_05_a_dynamic_supervisor_waits_for_what_is_left_and_serves_everybody_meanwhile() {
    // One that ends in its own time, and one that is killed in the end.
    for (finish, gone_after) in [(Finish::Take(secs(1)), 1), (Finish::Never, 5)] {
        let log = Log::default();
        let leaf = Setup::new("leaf", &log).finish(finish);
        let pool = start_pool(DynamicSupervisor::new()).await;
        let started = pool.start_child(nested(&leaf).restart(Restart::Permanent)).await;
        let failed = started.expect("starts").expect("is there");
        failed.kill();
        process::join(failed).await;
        settle().await;
        let other = soon("a start", pool.start_child(plain("other"))).await;
        assert!(other.expect("starts").is_some());
        take(secs(gone_after) - ms(1)).await;
        assert_eq!(log.lines(), ["start leaf", "terminate leaf"]);
        take(ms(2)).await;
        assert_eq!(log.lines(), ["start leaf", "terminate leaf", "gone leaf", "start leaf"]);
        assert_eq!(pool.count_children().await.expect("serves").active, 2);
        soon("the end", pool.stop()).await.expect("stops");
        assert_eq!(log.lines().last().map(String::as_str), Some("gone leaf"));
    }
}

/// A start had failed while something that it had started still ran.
#[tokio::test(start_paused = true)]
async fn con_05_a_failed_start_below_a_dynamic_supervisor_is_over_when_nothing_is_left_of_it() {
    static BROKEN: Name<SupervisorName> = Name::new("regression: killed while it starts");
    let log = Log::default();
    let leaf = Setup::new("leaf", &log).finish(Finish::Take(secs(1)));
    let sibling = Setup::new("sibling", &log).begin(|_| {
        BROKEN.whereis().expect("it starts").pid().kill();
        Begin::Never
    });
    let pool = start_pool(DynamicSupervisor::new()).await;
    let children = (leaf.spec(), sibling.spec());
    let broken = ChildSpec::supervisor("broken", move || {
        Supervisor::new([children.0.clone(), children.1.clone()]).name(&BROKEN)
    });
    let started = soon("the answer", pool.start_child(broken)).await;
    assert!(started.is_err(), "{started:?}");
    let lines = log.lines();
    assert!(lines.iter().any(|line| line == "gone leaf"), "{lines:?}");
    assert_eq!(pool.count_children().await.expect("serves").specs, 0);
    soon("the end", pool.stop()).await.expect("stops");
}

/// A supervisor said that it had stopped while something below it still ran.
#[tokio::test(start_paused = true)]
async fn con_05_what_is_left_is_gone_before_a_supervisor_has_stopped() {
    let log = Log::default();
    let leaf = Setup::new("leaf", &log).finish(Finish::Take(secs(1)));
    let once = nested(&leaf).restart(Restart::Temporary);

    let sup = start(Supervisor::new([once.clone()])).await;
    let failed = sup.whereis("nested").expect("runs");
    failed.kill();
    process::join(failed).await;
    soon("the end", sup.stop()).await.expect("stops");
    assert_eq!(log.take(), ["start leaf", "terminate leaf", "gone leaf"]);

    // Nobody is told to end it; somebody is; somebody is, and will not wait.
    for how in [None, Some(Shutdown::Infinity), Some(Shutdown::BrutalKill)] {
        let pool = start_pool(DynamicSupervisor::new()).await;
        let once = once.clone().shutdown(how.unwrap_or(Shutdown::Infinity));
        let failed = pool.start_child(once).await.expect("starts").expect("is there");
        failed.kill();
        process::join(failed).await;
        let since = Instant::now();
        if let Some(how) = how {
            settle().await;
            soon("its end", pool.terminate_child(failed)).await.expect("it was there");
            assert_eq!(log.lines().last().map(String::as_str), Some("gone leaf"));
            assert_eq!(since.elapsed() < secs(1), how == Shutdown::BrutalKill);
        }
        soon("the end", pool.stop()).await.expect("stops");
        assert_eq!(log.take(), ["start leaf", "terminate leaf", "gone leaf"]);
    }
}
