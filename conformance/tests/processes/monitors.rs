//! MON-001 … MON-006: what a monitor tells, and when. The others are in `monitors_apart.rs`.

use crate::common;

use std::collections::BTreeSet;

use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::reason::Failure;
use fauxtp::{Down, Monitor};

use common::{Do, Event, Puppet, carries, custom, puppet, reasons, trapper, while_blocked};

async fn monitor(watcher: &Puppet, target: impl Into<Pid>) -> Monitor {
    let pid = target.into();
    watcher.run(move |ctx| ctx.monitor(pid)).await
}

fn down(event: &Event) -> &Down {
    let Event::Down(down) = event else { panic!("no down: {event:?}") };
    down
}

/// The events before the marker, which must be the last one.
fn before_the_mark(mut events: Vec<Event>) -> Vec<Event> {
    let mark = events.iter().position(|event| *event == Event::Mark);
    assert_eq!(mark, events.len().checked_sub(1), "late: {events:?}");
    events.pop();
    events
}

/// How a target ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Own,
    Panic,
    Told,
    Killed,
}

impl End {
    /// Sets it off, without waiting; tells whether this is what has come of it.
    fn begin(self, target: &Puppet, reason: &ExitReason) -> impl Fn(&ExitReason) -> bool {
        match self {
            Self::Own => target.end(reason.clone()),
            Self::Panic => target.tell(|_| panic!("boom")),
            Self::Told => target.pid().exit(reason.clone()),
            Self::Killed => target.pid().kill(),
        }
        let reason = reason.clone();
        move |seen| match self {
            // What cannot be trapped cannot be passed on either (PROC-003).
            Self::Told if matches!(reason, ExitReason::Error(Failure::Kill)) => seen.is_killed(),
            Self::Own | Self::Told => *seen == reason,
            Self::Panic => seen.panic().is_some_and(|panic| panic.message == "boom"),
            Self::Killed => seen.is_killed(),
        }
    }
}

/// Goal: one down for each monitor, never two. Method: one watcher for all rounds, so that whatever comes late of a
/// round is too much in one of the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mon_001_a_monitor_fires_once_and_says_which_whom_and_why() {
    let (watcher, reasons) = (puppet(), reasons());
    for round in 0..4_000 {
        let target = puppet();
        let pid = target.pid();
        // Panics are slow, for they are reported.
        let rare = if round % 64 == 3 { End::Panic } else { End::Own };
        let how = [End::Own, End::Told, End::Killed, rare][round % 4];
        let reason = &reasons[1 + round / 4 % (reasons.len() - 1)];
        // Watched before it ends, or while it does: then it may be gone already.
        let in_time = round / 4 % 2 == 0;
        let (monitor, is_right) = if in_time {
            let monitor = monitor(&watcher, pid).await;
            (monitor, how.begin(&target, reason))
        } else {
            let is_right = how.begin(&target, reason);
            (monitor(&watcher, pid).await, is_right)
        };
        let events = watcher.wait(1).await;
        let [event] = &events[..] else { panic!("round {round}: {events:?}") };
        let down = down(event);
        assert_eq!((down.monitor, down.pid, down.name.as_deref()), (monitor, Some(pid), None));
        let too_late = !in_time && down.reason.is_no_proc();
        assert!(is_right(&down.reason) || too_late, "round {round}, {how:?}: {:?}", down.reason);
    }
    // Every reason there is, also the one that cannot be sent.
    for reason in reasons {
        let target = puppet();
        let monitor = monitor(&watcher, &target).await;
        target.ended(reason.clone()).await;
        let downs = watcher.downs().await;
        let [down] = &downs[..] else { panic!("{reason:?}: {downs:?}") };
        assert_eq!((down.monitor, &down.reason), (monitor, &reason));
    }
    assert_eq!(watcher.events().await, []);
    let facts = watcher.pid().info().await.expect("it lives");
    assert_eq!((facts.monitors, facts.monitored_by), (0, 0), "all are used up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mon_002_several_monitors_on_one_target_each_fire_by_themselves() {
    let watchers = [puppet(), trapper().await];
    for round in 0..1_000 {
        let target = puppet();
        let pid = target.pid();
        let set = move |ctx: &mut common::Inside| [(); 4].map(|()| ctx.monitor(pid));
        let (of_one, of_other) = tokio::join!(watchers[0].run(set), watchers[1].run(set));
        let facts = pid.info().await.expect("it lives");
        assert_eq!(facts.monitored_by, 8, "round {round}");
        // Two of them are taken back; that is nothing to the others.
        let gone = [of_one[round % 4], of_other[3 - round % 4]];
        for (watcher, gone) in watchers.iter().zip(gone) {
            assert!(watcher.run(move |ctx| ctx.demonitor(gone)).await, "round {round}");
        }
        target.ended(custom("over")).await;
        for (watcher, set) in watchers.iter().zip([of_one, of_other]) {
            let events = watcher.wait(3).await;
            let downs: BTreeSet<Monitor> = events.iter().map(|event| down(event).monitor).collect();
            let expected = set.into_iter().filter(|monitor| !gone.contains(monitor)).collect();
            assert_eq!((events.len(), downs), (3, expected), "round {round}");
            assert!(events.iter().all(|event| carries(&down(event).reason, "over")));
            assert!(events.iter().all(|event| down(event).pid == Some(pid)));
        }
    }
    for watcher in &watchers {
        assert_eq!(watcher.events().await, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mon_003_watching_the_dead_or_unknown_is_answered_with_noproc() {
    static NOBODY: Name<Raw<Do>> = Name::new("nobody");
    let dead = puppet();
    dead.run(|ctx| ctx.register(&NOBODY)).await.expect("the name is free");
    dead.ended(ExitReason::Normal).await;
    for watcher in [puppet(), trapper().await] {
        let gone = dead.pid();
        for _ in 0..1_000 {
            let mark = watcher.marker();
            let monitors = watcher.run(move |ctx| {
                let monitors = [ctx.monitor(gone), ctx.monitor_name(&NOBODY), ctx.monitor(gone)];
                ctx.address().send(mark);
                monitors
            });
            let monitors = monitors.await;
            let events = before_the_mark(watcher.events().await);
            let seen: Vec<_> = events.iter().map(down).collect();
            assert_eq!(seen.len(), 3, "a message, at once: {seen:?}");
            for (down, monitor) in seen.iter().zip(monitors) {
                assert_eq!((down.monitor, &down.reason), (monitor, &ExitReason::no_proc()));
            }
            let of_whom = [(Some(gone), None), (None, Some("nobody")), (Some(gone), None)];
            assert!(seen.iter().map(|down| (down.pid, down.name.as_deref())).eq(of_whom));
        }
    }
}

#[tokio::test]
async fn mon_004_a_monitor_by_name_tells_the_name_and_does_not_follow_it() {
    static NAME: Name<Raw<Do>> = Name::new("watched");
    for gives_it_up in [false, true] {
        let (first, second, watcher) = (puppet(), puppet(), puppet());
        first.run(|ctx| ctx.register(&NAME)).await.expect("the name is free");
        let monitor = watcher.run(|ctx| ctx.monitor_name(&NAME)).await;
        if gives_it_up {
            first.run(|ctx| ctx.unregister(&NAME)).await.expect("it holds it");
        } else {
            first.ended(custom("first")).await;
        }
        let next = second.run(|ctx| ctx.register(&NAME)).await;
        next.expect("the name is free again");
        second.ended(custom("second")).await;
        if gives_it_up {
            assert_eq!(watcher.events().await, [], "neither its next holder nor the name counts");
            first.ended(custom("first")).await;
        }
        let downs = watcher.downs().await;
        let [down] = &downs[..] else { panic!("{downs:?}") };
        assert_eq!((down.monitor, down.pid), (monitor, Some(first.pid())));
        assert_eq!(down.name.as_deref(), Some("watched"));
        assert!(carries(&down.reason, "first"), "{down:?}");
        assert!(!watcher.run(move |ctx| ctx.demonitor(monitor)).await, "it is used up");
    }
}

/// also: MON-006
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mon_005_after_demonitor_no_down_arrives() {
    // One watcher for all rounds: what comes too late is too much in one of the next.
    let watcher = puppet();
    for round in 0..4_000 {
        let (target, flush) = (puppet(), round % 2 == 0);
        let pid = target.pid();
        let monitor = monitor(&watcher, pid).await;
        let (mark, seen_so_far) = (watcher.marker(), watcher.seen());
        let ((), (armed, flushed, seen)) = tokio::join!(
            async { if round % 4 < 2 { target.end(custom("dying")) } else { pid.kill() } },
            watcher.run(move |ctx| {
                let seen = seen_so_far();
                let (armed, flushed) = if flush {
                    (None, ctx.demonitor_flush(monitor))
                } else {
                    (Some(ctx.demonitor(monitor)), None)
                };
                ctx.address().send(mark);
                (armed, flushed, seen)
            })
        );
        let mut events = watcher.events().await;
        if !events.contains(&Event::Mark) {
            events.extend(watcher.events().await);
        }
        let events = before_the_mark(events);
        // One down or none: seen before, or taken out, or (unflushed) left where it was.
        let downs: Vec<_> = events.iter().map(down).chain(&flushed).collect();
        assert!(downs.iter().all(|down| (down.monitor, down.pid) == (monitor, Some(pid))));
        assert!(downs.len() <= 1, "round {round}: {downs:?}");
        match armed {
            Some(armed) => assert_eq!(armed, downs.is_empty(), "round {round}: {downs:?}"),
            None => assert_eq!(events.len(), seen, "round {round}: not flushed: {events:?}"),
        }
        process::join(pid).await;
    }
    assert_eq!(watcher.events().await, []);
}

/// The same without chance: the down is under way, and not yet received.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mon_005_a_down_that_has_arrived_stays_or_is_flushed() {
    for watcher in [puppet(), trapper().await] {
        for flush in [false, true] {
            let target = puppet();
            let monitor = monitor(&watcher, &target).await;
            let taken = while_blocked(&watcher, &target, move |ctx| {
                if flush { Err(ctx.demonitor_flush(monitor)) } else { Ok(ctx.demonitor(monitor)) }
            });
            let taken = taken.await;
            let downs = watcher.downs().await;
            match taken {
                Ok(armed) => assert!(!armed && downs.len() == 1, "it came before: {downs:?}"),
                Err(flushed) => {
                    let flushed = flushed.expect("it had come");
                    assert!(flushed.monitor == monitor && carries(&flushed.reason, "dead"));
                    assert_eq!(downs, []);
                }
            }
        }
    }
}

/// Method: a hundred targets end while as many monitors are taken back, a hundred times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mon_006_demonitor_tells_whether_it_came_before_the_down() {
    let watcher = puppet();
    for round in 0..100 {
        let targets: Vec<Puppet> = (0..100).map(|_| puppet()).collect();
        let pids: Vec<Pid> = targets.iter().map(Puppet::pid).collect();
        let set = watcher.run(move |ctx| pids.into_iter().map(|pid| ctx.monitor(pid)).collect());
        let monitors: Vec<Monitor> = set.await;
        targets.iter().for_each(|target| target.end(custom("over")));
        let (mark, mut expected) = (watcher.marker(), BTreeSet::from_iter(monitors.clone()));
        let armed = watcher.run(move |ctx| {
            let armed: Vec<_> = monitors.into_iter().filter(|one| ctx.demonitor(*one)).collect();
            ctx.address().send(mark);
            armed
        });
        for armed in armed.await {
            expected.remove(&armed);
        }
        let mut events = watcher.events().await;
        if !events.contains(&Event::Mark) {
            events.extend(watcher.events().await);
        }
        let downs: Vec<_> =
            before_the_mark(events).iter().map(|event| down(event).monitor).collect();
        assert_eq!(downs.len(), expected.len(), "round {round}");
        assert_eq!(BTreeSet::from_iter(downs), expected, "round {round}");
        for target in targets {
            process::join(&target).await;
        }
    }
    assert_eq!(watcher.events().await, []);
    assert_eq!(watcher.pid().info().await.expect("it lives").monitors, 0);
}
