//! APP-001 … APP-005: applications, and systems of them. What needs real signals is in the tests of the examples.

use crate::pools;
use crate::support;
use crate::trees;

use std::sync::Arc;
use std::sync::mpsc;

use fauxtp::application::{
    Application, Callback, Cause, Ended, Overrun, RunningSystem, StartApplicationError, StartType,
    StopApplicationError, System, SystemError,
};
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::Shutdown;
use fauxtp::{StartError, SupervisorHandle};

use pools::reports::Reports;
use support::{multi_thread, soon};
use trees::{Ask, End, Init, Last, Log, Plan, gave_up, later, ms, probe, settle};

/// An application of one child that is called as it is, and logs its callbacks.
fn app(log: &Log, name: &'static str) -> Application {
    app_of(&Plan::new(log, name))
}

/// The same with another child. The first end of the child that is an error ends the top supervisor.
fn app_of(plan: &Plan) -> Application {
    let (child, before, after) = (plan.clone(), plan.clone(), plan.clone());
    Application::new(plan.id, move || {
        let child = child.spec().shutdown(Shutdown::Infinity);
        Supervisor::new([child]).intensity(0, ms(1))
    })
    .prep_stop(move || note(before.clone(), "prep"))
    .stop(move || note(after.clone(), "stop"))
}

async fn note(plan: Plan, what: &str) {
    plan.log.push(format!("{what}:{}", plan.id));
}

async fn root(system: &RunningSystem, name: &str) -> SupervisorHandle {
    let running = system.which_applications().await;
    let info = running.into_iter().find(|info| &*info.name == name);
    info.unwrap_or_else(|| panic!("{name} runs")).supervisor
}

/// The names of those that run, newest first.
async fn running(system: &RunningSystem) -> String {
    let names = system.which_applications().await.into_iter().map(|info| info.name.to_string());
    names.collect::<Vec<_>>().join(" ")
}

/// Who was stopped, in which order.
fn order(ended: &Ended) -> String {
    let names = ended.stopped.iter().map(|stopped| &*stopped.application);
    names.collect::<Vec<_>>().join(" ")
}

/// Waits until nothing is left of what these have started.
async fn gone(plans: &[&Plan]) {
    for plan in plans {
        for pid in [plan.pid(), plan.parent()] {
            process::join(pid).await;
            assert!(!process::list().contains(&pid), "{}", plan.id);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn app_001_an_application_starts_after_those_it_depends_on() {
    let log = Log::new();
    let web = app(&log, "web").depends_on(["cache", "db"]);
    let cache = app(&log, "cache").depends_on(["db"]);
    let system = System::new([web, cache, app(&log, "db")]).start().await.expect("starts");
    assert_eq!(log.take(), ">db +db >cache +cache >web +web");
    assert_eq!(running(&system).await, "web cache db");

    let again = system.start_application("web").await;
    assert_eq!(again, Err(StartApplicationError::AlreadyStarted));
    assert_eq!(system.ensure_started("web").await.expect("it runs"), Vec::<Arc<str>>::new());

    for name in ["web", "cache", "db"] {
        system.stop_application(name).await.expect("stops");
    }
    let missing = system.start_application("web").await;
    assert_eq!(missing, Err(StartApplicationError::NotStarted("cache".into())));
    system.start_application("db").await.expect("starts");
    log.take();
    let started = system.ensure_started("web").await.expect("starts");
    assert_eq!(started, ["cache".into(), "web".into()]);
    assert_eq!(log.take(), ">cache +cache >web +web");

    assert_eq!(system.start_application("x").await, Err(StartApplicationError::Unknown));
    let unknown = system.ensure_started("x").await.expect_err("there is none");
    assert_eq!(unknown.error, StartApplicationError::Unknown);
}

#[tokio::test(start_paused = true)]
async fn app_001_without_an_order_nothing_starts() {
    let log = Log::new();
    let rows = [
        (vec![app(&log, "a").depends_on(["b"])], "`a` depends on `b`, which is not there"),
        (vec![app(&log, "a"), app(&log, "a")], "there are two named `a`"),
        (
            vec![
                app(&log, "c"),
                app(&log, "a").depends_on(["b"]),
                app(&log, "b").depends_on(["a"]),
            ],
            "each depends on the next: `a` → `b` → `a`",
        ),
    ];
    for (applications, expected) in rows {
        let error = System::new(applications).start().await.expect_err("there is no order");
        assert!(matches!(error, SystemError::Order(_)), "{error:?}");
        assert_eq!(error.to_string(), format!("start system: order applications: {expected}"));
        assert_eq!(log.take(), "");
    }
}

#[tokio::test(start_paused = true)]
async fn app_001_a_failed_ensure_started_stops_what_it_had_started() {
    let log = Log::new();
    let cache = Plan::new(&log, "cache");
    let web = app(&log, "web").depends_on(["cache"]);
    let applications = [web, app_of(&cache).depends_on(["db"]), app(&log, "db"), app(&log, "x")];
    let system = System::new(applications).start().await.expect("starts");
    for name in ["web", "cache", "db"] {
        system.stop_application(name).await.expect("stops");
    }
    cache.then([Init::Fail]);
    log.take();
    let failed = system.ensure_started("web").await.expect_err("its dependency fails");
    assert_eq!(&*failed.application, "cache");
    assert!(matches!(failed.error, StartApplicationError::Failed(_)), "{failed:?}");
    assert_eq!(log.take(), ">db +db >cache !cache prep:db -db stop:db");
    assert_eq!(running(&system).await, "x");
}

#[tokio::test(start_paused = true)]
async fn app_001_two_that_start_the_same_application_wait_for_the_same_start() {
    let log = Log::new();
    let plan = Plan::new(&log, "a");
    let system = System::new([app_of(&plan), app(&log, "b")]).start().await.expect("starts");
    system.stop_application("a").await.expect("stops");
    plan.then([Init::Gate]);
    log.take();
    let both = async { tokio::join!(system.start_application("a"), system.ensure_started("a")) };
    let open = async {
        settle().await;
        plan.open();
    };
    let ((one, other), ()) = tokio::join!(both, open);
    one.expect("starts");
    assert_eq!(other.expect("starts"), ["a".into()]);
    assert_eq!(log.take(), ">a +a");
}

#[tokio::test(start_paused = true)]
async fn app_002_a_failed_start_is_named_and_what_had_started_is_stopped_backwards() {
    let log = Log::new();
    let (a, b) = (Plan::new(&log, "a"), Plan::new(&log, "b"));
    let c = Plan::new(&log, "c").always(Init::Fail);
    let applications = [app_of(&a), app_of(&b), app_of(&c).depends_on(["a"]), app(&log, "d")];
    let error = System::new(applications).start().await.expect_err("c fails");
    let SystemError::Application(failed) = &error else { panic!("{error:?}") };
    assert_eq!(&*failed.application, "c");
    let StartApplicationError::Failed(StartError::Failed(_)) = &failed.error else {
        panic!("{failed:?}")
    };
    assert_eq!(error.to_string(), "start system: `c` does not start");
    assert_eq!(
        log.take(),
        ">a +a >b +b >c !c prep:b -b stop:b prep:a -a stop:a",
        "its own callbacks have nothing to stop, and d is never tried"
    );
    gone(&[&a, &b, &c]).await;
}

#[tokio::test(start_paused = true)]
async fn app_002_a_top_supervisor_that_cannot_be_made_is_a_failed_start() {
    let broken = Application::new("broken", || panic!("no configuration"));
    let error = System::new([broken]).start().await.expect_err("it panics");
    let SystemError::Application(failed) = error else { panic!("{error:?}") };
    let StartApplicationError::Failed(StartError::Failed(reason)) = failed.error else {
        panic!("{failed:?}")
    };
    assert_eq!(reason.panic().expect("a panic").message, "no configuration");

    let nothing = Application::new("nothing", Supervisor::ignore);
    let error = System::new([nothing]).start().await.expect_err("it declines");
    let SystemError::Application(failed) = error else { panic!("{error:?}") };
    assert_eq!(failed.error, StartApplicationError::Failed(StartError::Ignored));
}

#[tokio::test(start_paused = true)]
async fn app_002_a_start_that_is_dropped_is_undone() {
    let log = Log::new();
    let (a, b) = (Plan::new(&log, "a"), Plan::new(&log, "b").always(Init::Gate));
    let start = System::new([app_of(&a), app_of(&b)]).start();
    assert!(tokio::time::timeout(ms(10), start).await.is_err());
    assert_eq!(log.take(), ">a +a >b");
    b.open();
    settle().await;
    assert_eq!(log.take(), "+b prep:b -b stop:b prep:a -a stop:a");
    gone(&[&a, &b]).await;
}

#[tokio::test(start_paused = true)]
async fn app_003_a_stop_takes_three_steps_and_has_no_time_limit() {
    const HOUR_MS: u64 = 3_600_000;
    let log = Log::new();
    let plan = Plan::new(&log, "a").last(Last::Slow(10 * HOUR_MS));
    let system = System::new([app_of(&plan), app(&log, "b")]).start().await.expect("starts");
    log.take();
    let stopped = system.stop_application("a").await.expect("stops");
    assert_eq!(log.take(), "prep:a ?a -a stop:a");
    assert_eq!(stopped.reason, Some(ExitReason::shutdown()));
    assert!(stopped.took >= ms(10 * HOUR_MS), "{stopped}");
    assert!(stopped.is_clean(), "{stopped}");

    let again = system.stop_application("a").await;
    assert_eq!(again.expect_err("it is stopped"), StopApplicationError::NotRunning);
    let unknown = system.stop_application("x").await;
    assert_eq!(unknown.expect_err("there is none"), StopApplicationError::Unknown);
}

#[tokio::test(start_paused = true)]
async fn app_003_a_system_stops_in_reverse_start_order() {
    let log = Log::new();
    let applications = ["a", "b", "c"].map(|name| app(&log, name));
    let system = System::new(applications).start().await.expect("starts");
    system.stop_application("a").await.expect("stops");
    system.start_application("a").await.expect("starts");
    log.take();
    let ended = system.shutdown().await;
    assert_eq!(log.take(), "prep:a -a stop:a prep:c -c stop:c prep:b -b stop:b");
    assert_eq!(order(&ended), "a c b");
    assert!(matches!(ended.cause, Cause::Requested));
    assert_eq!(ended.exit_code(), 0);

    // Whoever asks later is told the same.
    assert_eq!(order(&system.shutdown().await), "a c b");
    assert_eq!(order(&system.run_until_shutdown().await), "a c b");
    let late = system.start_application("a").await;
    assert_eq!(late, Err(StartApplicationError::ShuttingDown));
    let late = system.stop_application("a").await;
    assert_eq!(late.expect_err("all is over"), StopApplicationError::ShutDown);
    assert_eq!(running(&system).await, "");
}

#[tokio::test(start_paused = true)]
async fn app_003_all_that_stop_at_once_wait_for_one_stop() {
    let log = Log::new();
    let plan = Plan::new(&log, "a").last(Last::Slow(50));
    let system = System::new([app_of(&plan), app(&log, "b")]).start().await.expect("starts");
    log.take();
    let restart = async {
        settle().await;
        system.start_application("a").await
    };
    let (one, other, restarted, ended, again) = tokio::join!(
        system.stop_application("a"),
        system.stop_application("a"),
        restart,
        async {
            later(10).await;
            system.shutdown().await
        },
        async {
            later(20).await;
            system.shutdown().await
        },
    );
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(restarted, Err(StartApplicationError::Stopping));
    assert_eq!(log.take(), "prep:a ?a prep:b -b stop:b -a stop:a");
    assert_eq!((order(&ended), order(&again)), ("b a".to_owned(), "b a".to_owned()));
    assert!(ended.is_clean(), "{ended}");
}

#[tokio::test(start_paused = true)]
async fn app_003_whoever_is_late_is_killed_and_named() {
    let log = Log::new();
    let db = Plan::new(&log, "db").last(Last::Slow(100));
    let stuck = Plan::new(&log, "stuck").last(Last::Never);
    let (first, last) = (Plan::new(&log, "first"), Plan::new(&log, "last"));
    let after = log.clone();
    let children = (first.clone(), stuck.clone(), last.clone());
    let web = Application::new("web", move || {
        let (first, stuck, last) = children.clone();
        let inner = move || {
            let stuck = stuck.spec().shutdown(Shutdown::Infinity);
            Supervisor::new([first.spec(), stuck, last.spec()])
        };
        Supervisor::new([ChildSpec::supervisor("inner", inner)])
    })
    .drain(ms(1_000))
    .stop(move || {
        after.push("stop:web");
        std::future::ready(())
    });
    let system = System::new([app_of(&db), web]).start().await.expect("starts");
    log.take();
    let ended = system.shutdown().await;
    let expected = [
        (0, "-last"),
        (0, "?stuck"),
        (1_000, "-stuck"),
        (1_000, "-first"),
        (1_000, "stop:web"),
        (1_000, "prep:db"),
        (1_000, "?db"),
        (1_100, "-db"),
        (1_100, "stop:db"),
    ];
    let mut events = log.take_timed();
    // Those that are killed are killed all at once.
    events[2..4].sort_by(|one, other| other.cmp(one));
    assert_eq!(events, expected.map(|(at, event)| (at, event.to_owned())));

    let [web, store] = &ended.stopped[..] else { panic!("{ended}") };
    let [Overrun::Processes(alive)] = &web.overran[..] else { panic!("{ended}") };
    let named: Vec<_> = alive.iter().map(|alive| (&*alive.name, alive.asked)).collect();
    assert_eq!(named, [("stuck", true), ("first", false)]);
    assert!(store.is_clean(), "{ended}");
    assert_eq!(ended.exit_code(), 1);
    assert_eq!(ended.overran().count(), 1);
    assert!(
        ended.to_string().contains("`web` killed after 1.0s; still alive: `stuck` <"),
        "{ended}"
    );
    gone(&[&db, &first, &stuck, &last]).await;
}

#[tokio::test(start_paused = true)]
async fn app_003_a_shutdown_as_a_whole_has_a_deadline() {
    let log = Log::new();
    let reports = Reports::here();
    let a = Plan::new(&log, "a");
    let b = Plan::new(&log, "b").last(Last::Never);
    let c = Plan::new(&log, "c").last(Last::Slow(500));
    let system = System::new([&a, &b, &c].map(app_of)).drain_within(ms(2_000));
    let system = system.start().await.expect("starts");
    log.take();
    let ended = system.shutdown().await;
    let expected = [
        (0, "prep:c"),
        (0, "?c"),
        (500, "-c"),
        (500, "stop:c"),
        (500, "prep:b"),
        (500, "?b"),
        (2_000, "-a"),
        (2_000, "-b"),
    ];
    let mut events = log.take_timed();
    events[6..].sort();
    assert_eq!(events, expected.map(|(at, event)| (at, event.to_owned())), "no `stop` any more");
    assert_eq!(ended.stopped.len(), 3);
    assert_eq!(order(&ended), "c b a");
    let late: Vec<_> = ended.overran().map(|stopped| &*stopped.application).collect();
    assert_eq!(late, ["b", "a"]);
    assert_eq!(ended.exit_code(), 1);
    assert_eq!(reports.of(&["ERROR", "fauxtp::application", "application killed"]).len(), 2);
    gone(&[&a, &b, &c]).await;
}

#[tokio::test(start_paused = true)]
async fn app_003_a_system_that_still_starts_stops_as_soon_as_it_can() {
    let rows = [(true, "+b prep:b -b stop:b prep:a -a stop:a", 0), (false, "prep:a -a stop:a", 1)];
    for (gate_opens, expected, code) in rows {
        let log = Log::new();
        let plan = Plan::new(&log, "b");
        let applications = [app(&log, "a"), app_of(&plan)];
        let system = System::new(applications).drain_within(ms(1_000));
        let system = system.start().await.expect("starts");
        system.stop_application("b").await.expect("stops");
        plan.then([Init::Gate]);
        let stop = async {
            settle().await;
            log.take();
            system.begin_shutdown();
            settle().await;
            if gate_opens {
                plan.open();
            }
            system.wait().await
        };
        let (started, ended) = tokio::join!(system.start_application("b"), stop);
        assert_eq!(started, Err(StartApplicationError::ShuttingDown));
        assert_eq!(ended.exit_code(), code, "{ended}");
        if gate_opens {
            assert_eq!(log.take(), expected);
        } else {
            let late: Vec<_> = ended.overran().map(|stopped| &*stopped.application).collect();
            // The time was over for both; one was killed in its start, the other one before its turn.
            assert_eq!(late, ["b", "a"], "{ended}");
            assert_eq!(ended.stopped[0].overran, [Overrun::Start]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn app_003_a_callback_that_fails_is_reported_and_the_stop_goes_on() {
    let log = Log::new();
    let reports = Reports::here();
    let a = app(&log, "a").prep_stop(|| async { panic!("not prepared") });
    let b = app(&log, "b").stop(|| async { Err::<(), _>(trees::Oops) });
    // One that panics before there is a future.
    let c = app(&log, "c").stop(|| -> std::future::Ready<()> { panic!("no future") });
    let system = System::new([a, b, c]).start().await.expect("starts");
    log.take();
    let ended = system.shutdown().await;
    assert_eq!(log.take(), "prep:c -c prep:b -b -a stop:a");
    let failed: Vec<_> = ended.stopped.iter().flat_map(|stopped| &stopped.failed).collect();
    let callbacks = failed.iter().map(|(callback, _)| *callback).collect::<Vec<_>>();
    assert_eq!(callbacks, [Callback::Stop, Callback::Stop, Callback::PrepStop]);
    assert!(failed[1].1.downcast_error::<trees::Oops>().is_some());
    assert_eq!(failed[2].1.panic().expect("a panic").message, "not prepared");
    assert_eq!(ended.exit_code(), 1);
    assert_eq!(reports.of(&["ERROR", "callback of an application failed"]).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn app_003_a_callback_that_hangs_is_cut_off() {
    let log = Log::new();
    let a = app(&log, "a").prep_stop(std::future::pending::<()>).drain(ms(100));
    let b = app(&log, "b").stop(std::future::pending::<()>);
    let system = System::new([b, a]).drain_within(ms(1_000)).start().await.expect("starts");
    log.take();
    let ended = system.shutdown().await;
    let expected = [(100, "-a"), (100, "stop:a"), (100, "prep:b"), (100, "-b")];
    assert_eq!(log.take_timed(), expected.map(|(at, event)| (at, event.to_owned())));
    assert_eq!(log.now(), 1_000);
    let overran = |index: usize| ended.stopped[index].overran[0].clone();
    assert_eq!(overran(0), Overrun::Callback(Callback::PrepStop));
    assert_eq!(overran(1), Overrun::Callback(Callback::Stop));
}

#[tokio::test(start_paused = true)]
async fn app_003_a_top_supervisor_that_ends_meanwhile_is_no_obstacle() {
    let log = Log::new();
    let plan = Plan::new(&log, "a").last(Last::Slow(100));
    let system = System::new([app_of(&plan)]).start().await.expect("starts");
    let top = root(&system, "a").await;
    log.take();
    let kill = async {
        later(50).await;
        top.pid().kill();
    };
    let (ended, ()) = tokio::join!(system.shutdown(), kill);
    // The child has its end from its dead supervisor, and its time; `stop` comes after that.
    assert_eq!(log.take(), "prep:a ?a -a stop:a");
    assert!(ended.stopped[0].reason.as_ref().is_some_and(ExitReason::is_killed), "{ended}");
    assert!(matches!(ended.cause, Cause::Requested));
}

/// The processes above a child: its top supervisor, the application's own, the system's.
async fn above(plan: &Plan) -> [Pid; 3] {
    let facts = plan.pid().info().await.expect("it runs");
    facts.ancestors[..].try_into().expect("three")
}

#[tokio::test(start_paused = true)]
async fn app_003_what_runs_a_system_may_be_killed() {
    let log = Log::new();
    let (a, b) = (Plan::new(&log, "a"), Plan::new(&log, "b"));
    let applications = [app_of(&a), app_of(&b)];
    let system = System::new(applications).start().await.expect("starts");
    let [_, own, all] = above(&a).await;
    log.take();

    own.kill();
    settle().await;
    assert_eq!(log.take(), "-a", "its tree goes down with it");
    assert_eq!(running(&system).await, "b");
    gone(&[&a]).await;
    system.start_application("a").await.expect("starts again");
    log.take();

    let (ended, ()) = tokio::join!(system.run_until_shutdown(), async { all.kill() });
    assert!(matches!(&ended.cause, Cause::Lost(reason) if reason.is_killed()), "{ended}");
    gone(&[&a, &b]).await;
    settle().await;
    let events = log.take();
    for name in ["a", "b"] {
        let own = events.split(' ').filter(|event| event.ends_with(name)).collect::<Vec<_>>();
        assert_eq!(own.join(" "), format!("prep:{name} -{name} stop:{name}"));
    }
}

#[tokio::test(start_paused = true)]
async fn app_003_a_part_of_an_application_cannot_wait_for_its_end() {
    let log = Log::new();
    let system = System::new([app(&log, "a"), app(&log, "b")]).start().await.expect("starts");
    let top = root(&system, "a").await;
    let (told, hears) = tokio::sync::oneshot::channel();
    let told = Arc::new(std::sync::Mutex::new(Some(told)));
    let inside = system.clone();
    let child = ChildSpec::task("suicidal", move || {
        let (system, told) = (inside.clone(), told.clone());
        async move {
            let refused = system.stop_application("a").await;
            let told = told.lock().expect("nobody panics").take().expect("it runs once");
            told.send(refused.map(drop)).expect("somebody listens");
            system.stop_application("b").await.expect("another one may be stopped");
            system.begin_shutdown();
        }
    });
    top.start_child(child).await.expect("starts");
    let refused = hears.await.expect("it tells");
    assert_eq!(refused, Err(StopApplicationError::CallingSelf));
    let ended = system.wait().await;
    assert_eq!(order(&ended), "a");
    assert!(ended.is_clean(), "{ended}");
}

#[tokio::test(start_paused = true)]
async fn app_004_stopping_an_application_does_not_stop_its_dependents() {
    let log = Log::new();
    let web = app(&log, "web").depends_on(["db"]);
    let system = System::new([app(&log, "db"), web]).start().await.expect("starts");
    log.take();
    system.stop_application("db").await.expect("stops");
    settle().await;
    assert_eq!(log.take(), "prep:db -db stop:db");
    assert_eq!(running(&system).await, "web");
    let top = root(&system, "web").await;
    assert_eq!(probe(&top, "web").call(Ask::Count).await, Ok(1));
}

/// How a top supervisor comes to its end.
#[derive(Clone, Copy, Debug)]
enum Fall {
    GivesUp,
    Killed,
    Normal,
    Shutdown,
}

#[tokio::test(start_paused = true)]
async fn app_005_an_end_means_what_the_start_type_says() {
    use StartType::{Permanent, Temporary, Transient};
    // (how the top supervisor ends, start type, the exit code if the system ends with it)
    let rows = [
        (Fall::GivesUp, Permanent, Some(1)),
        (Fall::GivesUp, Transient, Some(1)),
        (Fall::GivesUp, Temporary, None),
        (Fall::Killed, Permanent, Some(1)),
        (Fall::Killed, Transient, Some(1)),
        (Fall::Killed, Temporary, None),
        (Fall::Normal, Permanent, Some(0)),
        (Fall::Normal, Transient, None),
        (Fall::Normal, Temporary, None),
        (Fall::Shutdown, Permanent, Some(0)),
        (Fall::Shutdown, Transient, Some(0)),
        (Fall::Shutdown, Temporary, None),
    ];
    for (fall, start_type, code) in rows {
        let log = Log::new();
        let reports = Reports::here();
        let applications = [app(&log, "a"), app(&log, "b").start_type(start_type), app(&log, "c")];
        let system = System::new(applications).start().await.expect("starts");
        let top = root(&system, "b").await;
        log.take();
        let until = tokio::time::timeout(ms(1_000), system.run_until_shutdown());
        let (ended, ()) = tokio::join!(until, async {
            match fall {
                Fall::GivesUp => drop(trees::end(&top, "b", End::Error).await),
                Fall::Killed => top.pid().kill(),
                Fall::Normal => top.pid().stop(ExitReason::Normal, None).await.expect("stops"),
                Fall::Shutdown => top.stop().await.expect("stops"),
            }
        });
        let row = format!("{fall:?} {start_type:?}");
        let own = match fall {
            // What hung below it ends after it, but before `stop`.
            Fall::Killed => "prep:b -b stop:b",
            _ => "-b prep:b stop:b",
        };
        let others = if code.is_some() { " prep:c -c stop:c prep:a -a stop:a" } else { "" };
        assert_eq!(log.take(), format!("{own}{others}"), "{row}: its callbacks run in every case");
        assert_eq!(ended.as_ref().ok().map(Ended::exit_code), code, "{row}");
        let level = match fall {
            Fall::Normal => "INFO",
            _ => "ERROR",
        };
        let told = reports.of(&["fauxtp::application", "ended by itself", "\"b\""]);
        assert!(matches!(&*told, [told] if told.starts_with(level)), "{row}: {told:?}");
        match ended {
            Ok(ended) => {
                let Cause::ApplicationEnded { application, reason } = &ended.cause else {
                    panic!("{row}: {ended}")
                };
                assert_eq!(&**application, "b");
                assert!(!matches!(fall, Fall::GivesUp) || gave_up(reason), "{row}: {reason:?}");
                assert_eq!(order(&ended), "c a", "{row}");
            }
            Err(_) => {
                assert_eq!(running(&system).await, "c a", "{row}");
                system.start_application("b").await.expect("starts again");
            }
        }
        system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn app_005_an_explicit_stop_ends_nobody_else() {
    let log = Log::new();
    let applications = ["a", "b"].map(|name| app(&log, name).start_type(StartType::Permanent));
    let system = System::new(applications).start().await.expect("starts");
    for name in ["a", "b"] {
        system.stop_application(name).await.expect("stops");
    }
    later(1_000).await;
    system.start_application("b").await.expect("the system runs");
}

#[tokio::test(start_paused = true)]
async fn app_005_the_end_of_the_last_application_ends_the_system() {
    let log = Log::new();
    let system = System::new([app(&log, "a"), app(&log, "b")]).start().await.expect("starts");
    for name in ["a", "b"] {
        assert!(!running(&system).await.is_empty());
        trees::end(&root(&system, name).await, name, End::Error).await;
    }
    let ended = soon(system.run_until_shutdown()).await;
    let Cause::ApplicationEnded { application, reason } = &ended.cause else { panic!("{ended}") };
    assert_eq!(&**application, "b");
    assert!(gave_up(reason), "{reason:?}");
    assert_eq!(ended.exit_code(), 1);
}

#[tokio::test(start_paused = true)]
async fn app_005_a_permanent_end_during_the_start_ends_it() {
    let log = Log::new();
    let a = Plan::new(&log, "a");
    let b = Plan::new(&log, "b").always(Init::Gate);
    let system = [app_of(&a).start_type(StartType::Permanent), app_of(&b), app(&log, "c")];
    let fall = async {
        settle().await;
        assert_eq!(log.take(), ">a +a >b");
        a.parent().kill();
        settle().await;
        assert_eq!(log.take(), "prep:a -a stop:a");
        b.open();
    };
    let (started, ()) = tokio::join!(System::new(system).start(), fall);
    let error = started.expect_err("a is gone");
    let SystemError::Ended(ended) = &error else { panic!("{error:?}") };
    let Cause::ApplicationEnded { application, reason } = &ended.cause else { panic!("{ended}") };
    assert!(&**application == "a" && reason.is_killed(), "{ended}");
    let words = "start system: it ended before all had started: `a` ended by itself: killed";
    assert_eq!(error.to_string(), words);
    assert_eq!(order(ended), "b");
    assert_eq!(log.take(), "+b prep:b -b stop:b");
}

#[tokio::test(start_paused = true)]
async fn app_005_one_tree_runs_until_it_gives_up() {
    for adopted in [false, true] {
        let log = Log::new();
        let plan = Plan::new(&log, "a").next([Init::UpThen(End::Error)]).always(Init::Fail);
        let tree = Supervisor::new([plan.spec()]).intensity(1, ms(1_000));
        let ended = if adopted {
            tree.start().await.expect("starts").run_until_shutdown().await
        } else {
            tree.run_until_shutdown().await
        };
        let Cause::ApplicationEnded { application, reason } = &ended.cause else {
            panic!("{ended}")
        };
        assert_eq!(&**application, "main");
        assert!(gave_up(reason), "{reason:?}");
        assert_eq!(ended.exit_code(), 1);
    }
    let ended = Supervisor::new([Plan::new(&Log::new(), "a").always(Init::Fail).spec()]);
    let ended = ended.run_until_shutdown().await;
    assert!(matches!(ended.cause, Cause::NotStarted(_)), "{ended}");
    assert_eq!(ended.exit_code(), 1);
}

#[test]
fn app_003_a_system_goes_down_with_its_runtime() {
    let its_runtime = multi_thread();
    let log = Log::new();
    let system = its_runtime.block_on(System::new([app(&log, "a")]).start()).expect("starts");
    let (begun, begins) = mpsc::channel();
    let waiting = std::thread::spawn({
        let system = system.clone();
        move || {
            multi_thread().block_on(async {
                let mut wait = std::pin::pin!(system.wait());
                let looked = std::future::poll_fn(|cx| {
                    std::task::Poll::Ready(wait.as_mut().poll(cx).is_pending())
                });
                begun.send(looked.await).expect("somebody listens");
                soon(wait).await
            })
        }
    });
    assert!(begins.recv().expect("it waits"));
    drop(its_runtime);
    let ended = waiting.join().expect("no panic");
    // Whether the controller goes first, or sees its application go, depends on the runtime's threads.
    let is_killed = |ended: &Ended| match &ended.cause {
        Cause::Lost(reason) | Cause::ApplicationEnded { reason, .. } => reason.is_killed(),
        _ => false,
    };
    assert!(is_killed(&ended), "{ended}");
    assert_eq!(ended.exit_code(), 1);
    // And from then on nothing hangs.
    multi_thread().block_on(soon(async {
        assert!(!system.shutdown().await.is_clean());
        assert_eq!(running(&system).await, "");
        let late = system.start_application("a").await;
        assert_eq!(late, Err(StartApplicationError::ShuttingDown));
    }));
}

#[test]
fn app_003_a_program_that_cannot_hear_signals_does_not_run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime without I/O");
    let log = Log::new();
    runtime.block_on(soon(async {
        let ended = System::new([app(&log, "a")]).run_until_shutdown().await;
        assert!(matches!(ended.cause, Cause::NoSignals(_)), "{ended}");
        assert_eq!(ended.exit_code(), 1);
        assert_eq!(log.take(), "");

        let system = System::new([app(&log, "a")]).start().await.expect("starts");
        let ended = system.run_until_shutdown().await;
        assert!(matches!(ended.cause, Cause::NoSignals(_)), "{ended}");
        assert_eq!(log.take(), ">a +a prep:a -a stop:a");
    }));
}

#[test]
fn app_003_a_callback_that_blocks_is_left_behind() {
    let runtime = multi_thread();
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(std::sync::Mutex::new(released));
    let log = Log::new();
    let blocking = app(&log, "a").prep_stop(move || {
        let _the_sender_is_dropped = released.lock().map(|released| released.recv());
        std::future::ready(())
    });
    let ended = runtime.block_on(async {
        let system = System::new([blocking]).drain_within(ms(10)).start().await.expect("starts");
        soon(system.shutdown()).await
    });
    assert_eq!(ended.stopped[0].overran, [Overrun::Unkillable], "{ended}");
    drop(release);
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("cut off badly");
    }
}

#[tokio::test(start_paused = true)]
async fn app_003_a_callback_may_panic_as_it_is_cut_off() {
    let log = Log::new();
    let app = app(&log, "a").drain(ms(10)).prep_stop(|| async {
        let _bomb = Bomb;
        std::future::pending::<()>().await;
    });
    let system = System::new([app]).start().await.expect("starts");
    log.take();
    let ended = soon(system.shutdown()).await;
    let stopped = &ended.stopped[0];
    assert_eq!(stopped.overran[0], Overrun::Callback(Callback::PrepStop));
    let (which, reason) = &stopped.failed[0];
    assert_eq!(*which, Callback::PrepStop);
    assert_eq!(reason.panic().expect("a panic").message, "cut off badly");
    assert!(log.take().ends_with("stop:a"), "the stop goes on");
    assert_eq!(ended.exit_code(), 1);
}

/// Who asks for the start of an application while he is part of that start would wait for himself.
#[tokio::test(start_paused = true)]
async fn app_001_an_application_cannot_wait_for_its_own_start() {
    type Own = Arc<std::sync::OnceLock<RunningSystem>>;
    struct Starter;
    impl GenServer for Starter {
        type Args = Own;
        type Message = ();
        async fn init(system: Own, _: &mut Context<Self>) -> Result<Self> {
            let Some(system) = system.get() else { return Ok(Self) };
            let refused = system.start_application("app").await;
            assert_eq!(refused, Err(StartApplicationError::Deadlock));
            Ok(Self)
        }
        async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
            Ok(())
        }
    }
    let own = Own::default();
    let inside = own.clone();
    let app = Application::new("app", move || Supervisor::new([Starter::spec(inside.clone())]));
    let system = System::new([app]).start().await.expect("starts");
    own.set(system.clone()).expect("once");
    system.stop_application("app").await.expect("stops");
    soon(system.start_application("app")).await.expect("starts");
}

/// The process that keeps a system, as the system itself shows it.
fn controller(system: &RunningSystem) -> Pid {
    let shown = format!("{system:?}");
    let (_, rest) = shown.split_once("controller: ").expect("it is shown");
    let (pid, _) = rest.split_once(',').expect("more is shown");
    pid.parse().expect("a pid")
}

#[tokio::test(start_paused = true)]
async fn app_003_who_shuts_the_controller_down_means_the_whole_system() {
    let log = Log::new();
    let system = System::new([app(&log, "a")]).start().await.expect("starts");
    log.take();
    controller(&system).exit(ExitReason::error("strangers are not obeyed"));
    settle().await;
    assert_eq!(running(&system).await, "a");
    controller(&system).exit(ExitReason::shutdown());
    let ended = soon(system.wait()).await;
    assert!(matches!(ended.cause, Cause::Requested), "{ended}");
    assert_eq!((order(&ended).as_str(), ended.exit_code()), ("a", 0));
    assert_eq!(log.take(), "prep:a -a stop:a");
}

#[tokio::test(start_paused = true)]
async fn app_003_nothing_starts_while_the_system_stops() {
    let log = Log::new();
    let slow = Plan::new(&log, "slow").last(Last::Slow(100));
    let system = [app(&log, "idle"), app_of(&slow)];
    let system = System::new(system).start().await.expect("starts");
    system.stop_application("idle").await.expect("stops");
    system.begin_shutdown();
    settle().await;
    let refused = system.start_application("idle").await;
    assert_eq!(refused, Err(StartApplicationError::ShuttingDown));
    assert_eq!(order(&soon(system.wait()).await), "slow");
}

#[tokio::test(start_paused = true)]
async fn app_005_what_goes_wrong_with_the_end_that_ends_the_system_counts() {
    let log = Log::new();
    let fails = Plan::new(&log, "fails");
    let app_that_fails = app_of(&fails)
        .start_type(StartType::Permanent)
        .stop(|| async { panic!("cannot clean up") });
    let system = System::new([app_that_fails, app(&log, "b")]).start().await.expect("starts");
    root(&system, "fails").await.stop().await.expect("stops");
    let ended = soon(system.wait()).await;
    let Cause::ApplicationEnded { application, reason } = &ended.cause else { panic!("{ended}") };
    assert!(&**application == "fails" && reason.is_shutdown(), "{ended}");
    assert!(ended.cause.is_clean(), "it was told to end");
    assert_eq!(order(&ended), "fails b", "the one that had ended by itself comes first");
    let (which, reason) = &ended.stopped[0].failed[0];
    assert_eq!(*which, Callback::Stop);
    assert_eq!(reason.panic().expect("a panic").message, "cannot clean up");
    assert_eq!(ended.exit_code(), 1);
}
