//! SUP-001 … SUP-010: how supervisors start.

use crate::trees;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fauxtp::StartError;
use fauxtp::prelude::*;
use fauxtp::process::{self, Trap};
use fauxtp::supervisor::{
    AutoShutdown, Backoff, ChildKind, ChildState, FailedToStartChild, ManageError, Restart,
    Shutdown, SpecError, StartChildError,
};

use trees::{
    Ask, End, Init, Last, Log, Plan, Probe, end, end_of, gave_up, ms, pid, plans, probe, settle,
    states,
};

#[tokio::test(start_paused = true)]
async fn sup_001_children_start_in_order_each_when_the_one_before_is_ready() {
    let log = Log::new();
    let slow = plans(&log, ["a", "b", "c"]).map(|plan| plan.always(Init::Slow(50)).spec());
    let sup = Supervisor::new(slow).start().await.expect("starts");
    let seen = log.take_timed();
    let expected = [(0, ">a"), (50, "+a"), (50, ">b"), (100, "+b"), (100, ">c"), (150, "+c")];
    assert_eq!(seen, expected.map(|(at, event)| (at, event.to_owned())));
    assert_eq!(log.now(), 150, "start returns after the last");
    assert_eq!(states(&sup).await, "a b c");
}

#[tokio::test(start_paused = true)]
async fn sup_002_a_failed_start_stops_those_before_backwards() {
    for how in [Init::Fail, Init::Panic] {
        let log = Log::new();
        let a = Plan::new(&log, "a").last(Last::Slow(10));
        let b = Plan::new(&log, "b").last(Last::Slow(10)).next([Init::Slow(10)]);
        let c = Plan::new(&log, "c").always(how);
        let d = Plan::new(&log, "d");
        let starting = Supervisor::new([a.spec(), b.spec(), c.spec(), d.spec()]).start();
        settle().await;
        let (outcome, reason) = tokio::join!(starting, process::join(a.parent()));
        assert_eq!(log.take(), ">a +a >b +b >c !c ?b -b ?a -a");
        assert_eq!(log.now(), 30, "each by its own shutdown rule");
        let Err(StartError::Failed(error)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(error, reason, "the supervisor ends with what the start failed with");
        assert!(error.is_shutdown());
        let failed = error.downcast_ref::<FailedToStartChild>().expect("says which child");
        assert_eq!(&*failed.id, "c");
        assert_eq!(failed.reason.panic().is_some(), how == Init::Panic);
        assert!(failed.reason.is_error());
    }
}

/// also: PL-004
#[tokio::test(start_paused = true)]
async fn sup_002_a_failed_linked_start_leaves_no_exit_and_spares_the_starter() {
    for trap in [Trap::On, Trap::Off] {
        for how in [Init::Fail, Init::Panic] {
            let starter = process::spawn(async move |mut ctx: process::Context<()>| {
                ctx.trap_exits(trap);
                let log = Log::new();
                for round in 0..20 {
                    let [a, b] = plans(&log, ["a", "b"]);
                    let (a, b) = (a.last(Last::Slow(10)), b.always(how));
                    let start = async {
                        if round % 2 == 0 {
                            return Supervisor::new([a.spec(), b.spec()]).link(&ctx).start().await;
                        }
                        // Nor one that fails before it starts anybody.
                        Supervisor::new([a.spec(), a.spec()]).link(&ctx).start().await
                    };
                    let error = start.await.expect_err("no start");
                    let spec = matches!(error, StartError::Spec(_));
                    assert_eq!(spec, round % 2 == 1, "{error}");
                    let nothing = ctx.recv_timeout(ms(10)).await;
                    assert!(nothing.is_none(), "{nothing:?}");
                    let (facts, nothing) = tokio::join!(ctx.pid().info(), ctx.recv_timeout(ms(10)));
                    assert!(facts.expect("lives").links.is_empty() && nothing.is_none());
                }
            });
            let reason = process::join(&starter.expect("there is a runtime")).await;
            assert_eq!(reason, ExitReason::Normal, "{trap:?} {how:?}");
        }
    }
}

#[tokio::test]
async fn sup_003_a_declining_child_is_listed_without_pid_unless_temporary() {
    let log = Log::new();
    let [a, b, c, d] = plans(&log, ["a", "b", "c", "d"]);
    let (a, b) = (a.next([Init::Ignore]), b.next([Init::Ignore]));
    let children = [a.spec(), b.spec().restart(Restart::Temporary), c.spec()];
    let sup = Supervisor::new(children).start().await.expect("ignoring is no failure");
    assert_eq!(states(&sup).await, "a. c");
    assert_eq!(sup.whereis("a"), None);
    let d = d.next([Init::Ignore]);
    assert_eq!(sup.start_child(d.spec().restart(Restart::Temporary)).await, Ok(None));
    assert_eq!(states(&sup).await, "a. c");
    assert!(sup.restart_child("a").await.expect("starts").is_some());
    assert_eq!(states(&sup).await, "a c");
}

#[tokio::test]
async fn sup_004_a_supervisor_that_declines_starts_nothing() {
    assert_eq!(Supervisor::ignore().start().await.err(), Some(StartError::Ignored));
    // Linked with a trapping process: it gets the error, and no exit as well.
    let (tell, told) = tokio::sync::oneshot::channel();
    process::spawn(async move |mut ctx: process::Context<()>| {
        ctx.trap_exits(Trap::On);
        let outcome = Supervisor::ignore().link(&ctx).start().await;
        let exit = ctx.recv_timeout(ms(1)).await;
        let _test_is_over = tell.send((outcome.err(), exit.is_none()));
    })
    .expect("a runtime");
    assert_eq!(told.await, Ok((Some(StartError::Ignored), true)));
    let log = Log::new();
    let declines = Arc::new(AtomicUsize::new(1));
    let (inner, count) = (Plan::new(&log, "inner"), declines.clone());
    let nested = ChildSpec::supervisor("nested", move || {
        if count.load(Ordering::SeqCst) > 0 {
            return Supervisor::ignore();
        }
        Supervisor::new([inner.spec()])
    });
    let sup = Supervisor::new([nested, Plan::new(&log, "a").spec()]);
    let sup = sup.start().await.expect("starts");
    assert_eq!(states(&sup).await, "nested. a");
    assert_eq!(log.take(), ">a +a");
    declines.store(0, Ordering::SeqCst);
    assert!(sup.restart_child("nested").await.expect("starts").is_some());
    assert_eq!(log.take(), ">inner +inner");
}

#[tokio::test]
async fn sup_005_everything_is_checked_before_any_child_runs() {
    let log = Log::new();
    let a = || Plan::new(&log, "a").spec();
    let name = Name::<Wrong>::new("sup_005");
    let id = |id: &str| id.into();
    let impossible = Backoff { min: ms(2), max: ms(1), jitter_permille: 0 };
    let rows = [
        (Supervisor::new([a()]).intensity(1, Duration::ZERO), SpecError::ZeroPeriod),
        (Supervisor::new([a(), a()]), SpecError::DuplicateChild(id("a"))),
        (Supervisor::new([a(), a().id("")]), SpecError::EmptyId),
        (
            Supervisor::new([a(), a().id("b").significant()]),
            SpecError::SignificantNeverShutsDown(id("b")),
        ),
        (
            Supervisor::new([a(), a().id("b").significant().restart(Restart::Permanent)])
                .auto_shutdown(AutoShutdown::AnySignificant),
            SpecError::SignificantPermanent(id("b")),
        ),
        (
            Supervisor::new([a(), a().id("b").backoff(impossible)]),
            SpecError::InvalidBackoff(id("b")),
        ),
    ];
    for (supervisor, error) in rows {
        assert_eq!(supervisor.start().await.err(), Some(StartError::Spec(error)));
    }
    let misnamed = Supervisor::new([a(), a().name(&name)]);
    assert_eq!(misnamed.start().await.err(), Some(StartError::NameOfOtherType));
    assert_eq!(log.take(), "");
}

/// A server that takes other messages than [`Probe`].
struct Wrong;

impl GenServer for Wrong {
    type Args = ();
    type Message = u8;
    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self)
    }
    async fn handle(&mut self, _: u8, _: &mut Context<Self>) -> Result {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn sup_006_defaults_are_three_restarts_in_five_seconds_and_five_to_stop() {
    let log = Log::new();
    let [a, b] = plans(&log, ["a", "b"]);
    let stubborn = Plan::new(&log, "c").last(Last::Never);
    let inner = b.clone();
    let nested = ChildSpec::supervisor("nested", move || Supervisor::new([inner.spec()]));
    let sup = Supervisor::new([a.spec(), stubborn.spec(), nested]).start().await.expect("starts");
    let spec = sup.child_spec("a").await.expect("answers").expect("known");
    assert_eq!(spec.restart, Restart::OnError);
    assert_eq!(spec.shutdown, Shutdown::Timeout(ms(5_000)));
    assert_eq!(spec.kind, ChildKind::Worker);
    assert!(!spec.significant && spec.backoff.is_none());
    let spec = sup.child_spec("nested").await.expect("answers").expect("known");
    assert_eq!(spec.shutdown, Shutdown::Infinity);
    assert_eq!(spec.kind, ChildKind::Supervisor);
    let other = pid(&sup, "c");
    for _ in 0..3 {
        end(&sup, "a", End::Error).await;
        assert_eq!(states(&sup).await, "a c nested");
        trees::later(1_660).await;
    }
    assert_eq!(pid(&sup, "c"), other, "one_for_one");
    // The first restart is 4 980 ms ago.
    let before = log.now();
    let gone = sup.clone();
    let (reason, _) = tokio::join!(gone.wait(), end(&sup, "a", End::Error));
    assert!(gave_up(&reason), "{reason}");
    assert_eq!(log.now() - before, 5_000, "what the stubborn child was given");
}

/// In Rust what a start function says beyond the pid is the child's typed address.
#[tokio::test]
async fn sup_007_the_pid_of_a_started_child_gives_its_typed_address() {
    let log = Log::new();
    let sup = Supervisor::new([]).start().await.expect("starts");
    let started = sup.start_child(Plan::new(&log, "a").spec()).await.expect("starts");
    let address = Address::<Ask>::of(started.expect("not ignored")).expect("a probe");
    assert_eq!(address.call(Ask::Count).await, Ok(1));
    assert!(Address::<u8>::of(address.pid()).is_none(), "it takes other messages");
    sup.terminate_child("a").await.expect("stops");
    assert!(Address::<Ask>::of(address.pid()).is_none(), "it is gone");
    let again = sup.restart_child("a").await.expect("starts").expect("not ignored");
    let address = Address::<Ask>::of(again).expect("a probe");
    assert_eq!(address.call(Ask::Count).await, Ok(1));
}

#[tokio::test]
async fn sup_008_a_panicking_start_function_is_a_failed_start() {
    let log = Log::new();
    let broken = || ChildSpec::supervisor("broken", || panic!("start function"));
    let outcome = Supervisor::new([Plan::new(&log, "a").spec(), broken()]).start().await;
    let Err(StartError::Failed(reason)) = outcome else { panic!("{outcome:?}") };
    let failed = reason.downcast_ref::<FailedToStartChild>().expect("says which child");
    assert!(failed.reason.panic().is_some_and(|panic| panic.message.contains("start function")));
    assert_eq!(log.take(), ">a +a -a");

    let sup = Supervisor::new([Plan::new(&log, "a").spec()]).start().await.expect("starts");
    let panics = Plan::new(&log, "b").always(Init::Panic).spec();
    for broken in [broken(), panics] {
        let refused = sup.start_child(broken).await;
        let Err(ManageError::Refused(StartChildError::Failed(reason))) = refused else {
            panic!("{refused:?}")
        };
        assert!(reason.panic().is_some());
        assert_eq!(states(&sup).await, "a", "the supervisor lives, the spec is forgotten");
    }
    // On a restart it is a failed attempt like any other.
    let (calls, inner) = (Arc::new(AtomicUsize::new(0)), Plan::new(&log, "inner"));
    let moody = ChildSpec::supervisor("moody", move || {
        assert_ne!(calls.fetch_add(1, Ordering::SeqCst), 1, "the second start panics");
        Supervisor::new([inner.spec()])
    });
    let first = sup.start_child(moody).await.expect("starts").expect("not ignored");
    first.kill();
    process::join(first).await;
    settle().await;
    assert_eq!(states(&sup).await, "a moody");
}

#[tokio::test]
async fn sup_009_a_death_while_siblings_start_is_dealt_with_afterwards() {
    for intensity in [1, 0] {
        let log = Log::new();
        let a = Plan::new(&log, "a");
        let b = Plan::new(&log, "b").next([Init::Gate]);
        let registry = Registry::start().await.expect("starts");
        let starting = Supervisor::new([a.spec(), b.spec()])
            .registry(&registry)
            .intensity(intensity, ms(1_000))
            .start();
        settle().await;
        let first = registry.address::<Probe>("a").expect("runs");
        assert!(end_of(&first, End::Error).await.is_error());
        settle().await;
        assert_eq!(log.take(), ">a +a >b -a", "nothing is done about it yet");
        b.open();
        let sup = starting.await.expect("the start succeeds all the same");
        if intensity > 0 {
            assert_eq!(states(&sup).await, "a b");
            assert_eq!(log.take(), "+b >a +a");
        } else {
            settle().await;
            assert!(!sup.pid().is_alive());
            assert_eq!(log.take(), "+b -b");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn sup_010_requests_queue_while_a_child_initialises() {
    let log = Log::new();
    let [a, b] = plans(&log, ["a", "b"]);
    let sup = Supervisor::new([a.spec()]).start().await.expect("starts");
    let slow = b.next([Init::Slow(100)]);
    let answers = Mutex::new(Vec::new());
    let note = |what: &'static str| answers.lock().expect("unpoisoned").push((what, log.now()));
    let start = async {
        let started = sup.start_child(slow.spec()).await.expect("starts");
        note("start");
        started
    };
    let count = async {
        let counts = sup.count_children().await.expect("answers");
        note("count");
        counts.active
    };
    let stop = async {
        sup.stop().await.expect("stops");
        note("stop");
    };
    let (started, active, ()) = tokio::join!(start, count, stop);
    assert!(started.is_some());
    assert_eq!(active, 2, "asked after the start, it is answered after it");
    let mut answers = answers.into_inner().expect("unpoisoned");
    answers.sort_unstable();
    assert_eq!(answers, [("count", 100), ("start", 100), ("stop", 100)]);
    assert_eq!(log.take(), ">a +a >b +b -b -a", "even a stop lets the init finish");
}

#[tokio::test(start_paused = true)]
async fn sup_010_a_start_timeout_frees_the_supervisor() {
    let log = Log::new();
    let a = Plan::new(&log, "a").next([Init::Gate]);
    let sup = Supervisor::new([]).start().await.expect("starts");
    let refused = sup.start_child(a.spec().start_timeout(ms(70))).await;
    assert!(matches!(refused, Err(ManageError::Refused(StartChildError::Failed(_)))));
    assert_eq!(log.now(), 70);
    assert_eq!(states(&sup).await, "");
    assert!(matches!(sup.start_child(a.spec()).await, Ok(Some(_))));
    assert_eq!(probe(&sup, "a").call(Ask::Count).await, Ok(1));
    let children = sup.which_children().await.expect("answers");
    assert!(matches!(children[0].state, ChildState::Running(_)));
}
