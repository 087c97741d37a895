//! What the Python original got wrong, as found by running it; the serious defects, a test for each.

use crate::pools;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fauxtp::StartError;
use fauxtp::prelude::*;
use fauxtp::process::{self, Received};
use fauxtp::supervisor::{
    ChildState, ManageError, Restart, Shutdown, SpecError, StartChildError, SupervisorHandle,
};
use tokio::sync::oneshot;
use tokio::time::Instant;

use pools::{
    Actor, Ask, Finish, Log, Setup, actor, end, ms, observer, plain, secs, seen, settle, soon,
    state, take, until,
};

async fn start(supervisor: Supervisor) -> SupervisorHandle {
    soon("the start of a supervisor", supervisor.start()).await.expect("all children start")
}

/// also: SUP-027
#[tokio::test(start_paused = true)]
async fn faux_07_a_crash_in_terminate_harms_nobody_else() {
    let log = Log::default();
    let bad = Setup::new("bad", &log).finish(Finish::Panic);
    let (observe, mut exits) = observer();
    let sup = start(Supervisor::new([plain("other"), bad.spec()]).on_exit(observe)).await;
    let other = sup.whereis("other");
    let first = actor(sup.registry(), "bad");
    let told = end(&first, Ask::End(ExitReason::Normal)).await;
    assert_eq!(told.to_string(), "error: panic: terminate panics");
    let children = sup.which_children().await.expect("the supervisor lives");
    assert_eq!(seen(&mut exits), [(first.pid(), told)], "the exit is told once");
    let second = state(&children, "bad").pid().expect("an error is followed by a restart");
    assert_eq!(sup.whereis("other"), other, "the sibling has noticed nothing");
    let (observed, other) = (second, other.expect("runs"));
    sup.stop().await.expect("the shutdown is not disturbed");
    let last: Vec<_> = seen(&mut exits).into_iter().map(|(pid, _)| pid).collect();
    assert_eq!(last, [observed, other]);
}

/// also: SUP-002, SUP-008
#[tokio::test(start_paused = true)]
async fn faux_08_a_child_that_cannot_be_made_leaves_no_siblings_behind() {
    let log = Log::default();
    let bomb = || ChildSpec::supervisor("bomb", || panic!("cannot be made"));
    let registry: Registry = Registry::start().await.expect("starts");
    let specs = [
        Setup::new("a", &log).spec(),
        Setup::new("b", &log).spec(),
        bomb(),
        Setup::new("c", &log).spec(),
    ];
    let error = soon("the start", Supervisor::new(specs).registry(&registry).start()).await;
    let error = error.expect_err("one cannot be made");
    assert!(error.to_string().contains("cannot be made"), "{error}");
    settle().await;
    assert_eq!(log.take(), ["start a", "start b", "gone b", "gone a"]);
    assert_eq!(registry.count(), 0);

    // At a restart: an attempt like any other, each one paid for; then all siblings go, and it is over.
    let made = Arc::new(AtomicUsize::new(0));
    let second = {
        let made = made.clone();
        ChildSpec::supervisor("second", move || {
            assert_eq!(made.fetch_add(1, Ordering::SeqCst), 0, "made only once");
            Supervisor::new([plain("leaf")])
        })
    };
    let sup = start(Supervisor::new([Setup::new("a", &log).spec(), second])).await;
    let pid = sup.whereis("second").expect("runs");
    pid.kill();
    let reason = soon("the supervisor gives up", sup.wait()).await;
    assert!(reason.is_shutdown(), "{reason:?}");
    assert_eq!(made.load(Ordering::SeqCst), 1 + 3);
    assert_eq!(log.take(), ["start a", "gone a"]);
}

/// also: GS-011, GS-012
#[tokio::test(start_paused = true)]
async fn faux_09_a_call_to_the_dead_or_dying_fails_at_once() {
    let began = Instant::now();
    let registry: Registry = Registry::start().await.expect("starts");
    let name: Name<Actor> = Name::new("faux-09");
    let setup = || Setup::new("callee", &Log::default());
    let callee = Actor::start(setup()).name(&name).via(&registry, "callee", ()).await;
    let callee = callee.expect("starts");
    let crashed = callee.call(Ask::Crash).await.expect_err("it has crashed");
    assert!(matches!(&crashed, CallError::Exited(why) if why.panic().is_some()), "{crashed:?}");
    process::join(callee.pid()).await;
    assert_eq!(callee.call(Ask::Who).await, Err(CallError::NoProc));
    assert_eq!(name.call(Ask::Who).await, Err(CallError::NoProc));
    assert_eq!(registry.via::<Actor>("callee").call(Ask::Who).await, Err(CallError::NoProc));
    assert_eq!(callee.queue_len(), 0, "nothing piles up for the dead");

    let callee = Actor::start(setup()).await.expect("starts");
    let pid = callee.pid();
    let kill = async {
        settle().await;
        pid.kill();
    };
    let (answer, ()) = tokio::join!(callee.call(Ask::Keep), kill);
    assert_eq!(answer, Err(CallError::Exited(ExitReason::killed())));
    assert_eq!(began.elapsed(), Duration::ZERO, "none of this takes time");
}

/// also: TMR-006
#[tokio::test(start_paused = true)]
async fn faux_10_a_receive_timeout_never_cuts_off_a_handler() {
    let (tell, told) = oneshot::channel();
    let worker = process::spawn(async move |mut ctx: process::Context<u32>| {
        let mut done = Vec::new();
        while let Some(Received::Message(n)) = ctx.recv_timeout(ms(10)).await {
            take(secs(1)).await;
            done.push(n);
        }
        tell.send(done).expect("the test waits");
    });
    let worker = worker.expect("starts");
    worker.send(1);
    worker.send(2);
    assert_eq!(soon("the worker", told).await, Ok(vec![1, 2]), "each takes 100 times the timeout");

    struct Slow(u32);
    impl GenServer for Slow {
        type Args = ();
        type Message = Reply<u32>;
        async fn init((): (), ctx: &mut Context<Self>) -> Result<Self> {
            ctx.set_timeout(ms(10));
            Ok(Self(0))
        }
        async fn handle(&mut self, from: Reply<u32>, ctx: &mut Context<Self>) -> Result {
            ctx.set_timeout(ms(10));
            take(secs(1)).await;
            from.send(self.0);
            Ok(())
        }
        async fn handle_info(&mut self, _: Info, _: &mut Context<Self>) -> Result {
            self.0 += 1;
            Ok(())
        }
    }
    let slow = Slow::start(()).await.expect("starts");
    assert_eq!(slow.call(|from| from).await, Ok(0), "the timeout runs while nothing is handled");
    take(ms(20)).await;
    assert_eq!(slow.call(|from| from).await, Ok(1), "and it ran out once afterwards");
}

/// also: CON-03
#[tokio::test(start_paused = true)]
async fn faux_11_a_failing_task_is_an_error_and_restarted() {
    let runs = Arc::new(AtomicUsize::new(0));
    let task = {
        let runs = runs.clone();
        move || {
            let run = runs.fetch_add(1, Ordering::SeqCst);
            async move {
                match run {
                    0 => Err(pools::Broken { code: 9 }),
                    1 => panic!("task panics"),
                    _ => std::future::pending().await,
                }
            }
        }
    };
    let (observe, mut exits) = observer();
    let sup = Supervisor::new([ChildSpec::task("task", task)]).on_exit(observe);
    let sup = start(sup).await;
    until("the third run", || runs.load(Ordering::SeqCst) == 3).await;
    let children = sup.which_children().await.expect("lives");
    assert!(matches!(state(&children, "task"), ChildState::Running(_)));
    let reasons: Vec<_> = seen(&mut exits).into_iter().map(|(_, why)| why.to_string()).collect();
    assert_eq!(reasons, ["error: Broken { code: 9 }", "error: panic: task panics"]);
}

struct Loud;

impl Drop for Loud {
    fn drop(&mut self) {
        panic!("the payload panics as well");
    }
}

/// also: RUST-002
#[tokio::test(start_paused = true)]
async fn faux_12_every_kind_of_panic_is_an_error_and_stays_inside() {
    type Body = fn();
    let rows: [(&str, Body); 5] = [
        ("error: panic: text", || panic!("text")),
        ("error: panic: number 7", || panic!("number {}", 7)),
        ("error: panic: (no message)", || std::panic::panic_any(7)),
        ("error: panic: (no message)", || std::panic::panic_any(Loud)),
        ("error: panic: out of range", || {
            let none: Option<u8> = std::hint::black_box(None);
            none.expect("out of range");
        }),
    ];
    for (text, body) in rows {
        let runs = Arc::new(AtomicUsize::new(0));
        let task = {
            let runs = runs.clone();
            move || {
                let first = runs.fetch_add(1, Ordering::SeqCst) == 0;
                async move {
                    if first {
                        body();
                    }
                    std::future::pending::<()>().await;
                }
            }
        };
        let (observe, mut exits) = observer();
        let specs = [plain("other"), ChildSpec::task("task", task)];
        let sup = start(Supervisor::new(specs).on_exit(observe)).await;
        let other = sup.whereis("other").expect("runs");
        until("the second run", || runs.load(Ordering::SeqCst) == 2).await;
        let reasons: Vec<_> =
            seen(&mut exits).into_iter().map(|(_, why)| why.to_string()).collect();
        assert_eq!(reasons, [text]);
        assert_eq!(actor(sup.registry(), "other").call(Ask::Who).await, Ok(other));
        sup.stop().await.expect("stops");
    }
}

/// also: SUP-005, SUP-090
#[tokio::test(start_paused = true)]
async fn faux_13_two_children_of_one_name_are_refused() {
    let log = Log::default();
    let twin = || Setup::new("twin", &log).spec();
    let sup = Supervisor::new([Setup::new("a", &log).spec(), twin(), twin()]);
    let error = sup.start().await.expect_err("there are two");
    assert!(matches!(&error, StartError::Spec(SpecError::DuplicateChild(id)) if &**id == "twin"));
    assert!(error.to_string().contains("\"twin\""), "{error}");
    settle().await;
    assert_eq!(log.lines(), Vec::<String>::new(), "nothing has started");

    let sup = start(Supervisor::new([twin()])).await;
    let first = sup.whereis("twin").expect("runs");
    let error = sup.start_child(twin()).await.expect_err("there is one");
    let there = |pid| matches!(&error, ManageError::Refused(StartChildError::AlreadyStarted(p)) if *p == pid);
    assert!(there(first), "{error:?}");
    assert_eq!(sup.whereis("twin"), Some(first));
    assert_eq!(log.take(), ["start twin"]);
}

/// also: CON-09, REG-003
#[tokio::test(start_paused = true)]
async fn faux_14_the_dead_leave_the_registry_and_the_registry_is_supervised() {
    let registry: Registry = Registry::start().await.expect("starts");
    let ends: [fn(&Address<Ask>); 4] = [
        |child| child.send(Ask::Fail),
        |child| child.send(Ask::End(ExitReason::Normal)),
        |child| child.pid().kill(),
        |child| child.pid().exit(ExitReason::shutdown()),
    ];
    for end in ends {
        let setup = Setup::new("", &Log::default());
        let child = Actor::start(setup).via(&registry, "child", ()).await.expect("starts");
        assert_eq!(registry.get("child"), Some(child.pid()));
        let ((), _reason) = tokio::join!(async { end(&child) }, process::join(child.pid()));
        assert_eq!((registry.get("child"), registry.count()), (None, 0));
    }
    let sup = start(Supervisor::new([plain("child").restart(Restart::Permanent)])).await;
    let child = sup.whereis("child");
    for _ in 0..10 {
        let owner = sup.registry().pid().expect("has one");
        owner.kill();
        settle().await;
        assert!(sup.registry().pid().is_some_and(|new| new != owner && new.is_alive()));
        assert_eq!(sup.whereis("child"), child, "nothing has vanished");
        let late = sup.start_child(plain("late")).await.expect("accepts names").expect("runs");
        assert_eq!(sup.whereis("late"), Some(late));
        sup.terminate_child("late").await.expect("stops");
        sup.delete_child("late").await.expect("is forgotten");
    }
    // Nobody need wait: whoever starts next finds it open.
    for by_hand in [true, false].repeat(3) {
        let owner = sup.registry().pid().expect("has one");
        if by_hand {
            owner.kill();
            let late = sup.start_child(plain("late")).await.expect("accepts names").expect("runs");
            assert_eq!(sup.whereis("late"), Some(late));
            sup.terminate_child("late").await.expect("stops");
            sup.delete_child("late").await.expect("is forgotten");
        } else {
            let child = actor(sup.registry(), "child");
            owner.kill();
            child.pid().kill();
            settle().await;
            let next = sup.whereis("child").expect("it is restarted");
            assert_ne!(next, child.pid());
        }
        assert!(sup.registry().pid().is_some_and(|new| new != owner && new.is_alive()));
    }
}

/// also: REG-004, REG-009
#[tokio::test]
async fn faux_15_a_late_unregistration_does_not_hurt_the_present_holder() {
    #[derive(Debug)]
    enum Do {
        Register(oneshot::Sender<bool>),
        Unregister(oneshot::Sender<()>),
    }
    let registry: Registry = Registry::start().await.expect("starts");
    let holder = || {
        let registry = registry.clone();
        let body = async move |mut ctx: process::Context<Do>| {
            while let Received::Message(order) = ctx.recv().await {
                match order {
                    Do::Register(done) => {
                        let registered = registry.register(&mut ctx, "name", ()).is_ok();
                        done.send(registered).expect("the test waits");
                    }
                    Do::Unregister(done) => {
                        registry.unregister(&mut ctx, "name");
                        done.send(()).expect("the test waits");
                    }
                }
            }
        };
        process::spawn(body).expect("starts")
    };
    let order = |address: &Address<Do>| {
        let (done, wait) = oneshot::channel();
        address.send(Do::Register(done));
        wait
    };
    let (old, new) = (holder(), holder());
    assert_eq!(order(&old).await, Ok(true));
    assert_eq!(order(&new).await, Ok(false), "it is held");
    // The new one is woken first, so it takes the name from the killed one before that one says farewell.
    let taken = order(&new);
    old.pid().kill();
    assert_eq!(taken.await, Ok(true), "the dead hold nothing");
    settle().await;
    assert!(!process::list().contains(&old.pid()), "it is gone, with all that it releases");
    assert_eq!(registry.get("name"), Some(new.pid()));

    let third = holder();
    let (done, wait) = oneshot::channel();
    third.send(Do::Unregister(done));
    wait.await.expect("done");
    assert_eq!(registry.get("name"), Some(new.pid()), "what one does not hold, one cannot give up");
}

/// also: SUP-022
#[tokio::test(start_paused = true)]
async fn faux_16_a_stubborn_child_delays_no_longer_than_its_deadline() {
    let stubborn = |name: &str| {
        let setup = Setup::new(name, &Log::default()).finish(Finish::Never);
        setup.spec().shutdown(Shutdown::Timeout(ms(100)))
    };
    let (observe, mut exits) = observer();
    let sup = Supervisor::new([stubborn("a"), stubborn("b"), plain("c")]);
    let sup = start(sup.strategy(RestartStrategy::OneForAll).on_exit(observe)).await;
    let began = Instant::now();
    end(&actor(sup.registry(), "c"), Ask::Fail).await;
    let children = sup.which_children().await.expect("lives");
    assert_eq!(began.elapsed(), ms(200), "one after the other, each at its deadline");
    assert!(children.iter().all(|child| child.state.pid().is_some()), "all run again");
    let reasons: Vec<_> = seen(&mut exits).into_iter().map(|(_, why)| why).collect();
    assert_eq!(reasons[1..], [ExitReason::killed(), ExitReason::killed()]);
    let began = Instant::now();
    sup.stop().await.expect("stops");
    assert_eq!(began.elapsed(), ms(200));
}

/// also: SUP-029, SUP-032, SUP-081
#[tokio::test(start_paused = true)]
async fn faux_17_a_supervisor_answers_and_nobody_hangs() {
    let sup = start(Supervisor::new([plain("a"), plain("b")])).await;
    let a = sup.whereis("a").expect("runs");
    assert_eq!(sup.which_children().await.expect("answers").len(), 2);
    assert_eq!(sup.count_children().await.expect("answers").active, 2);
    let spec = sup.child_spec_of(a).await.expect("answers").expect("is a child");
    assert_eq!((&*spec.id, spec.restart), ("a", Restart::OnError));
    // What it does not know does it no harm: signals of strangers, and the end of processes that are none of its.
    sup.pid().exit(ExitReason::error("stranger"));
    sup.pid().exit(ExitReason::shutdown());
    assert_eq!(sup.count_children().await.expect("still answers").active, 2);
    assert_eq!(sup.whereis("a"), Some(a));
    // A server that drops what it cannot answer does not hang the caller either.
    let began = Instant::now();
    let answer = actor(sup.registry(), "a").call(Ask::Forget).await;
    assert_eq!((answer, began.elapsed()), (Err(CallError::NoReply), Duration::ZERO));
    sup.stop().await.expect("stops");
    let late = soon("an answer", sup.which_children()).await;
    assert_eq!(late, Err(CallError::NoProc));
}
