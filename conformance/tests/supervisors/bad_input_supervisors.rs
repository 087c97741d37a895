//! What supervisors make of nonsense, and of children that will not behave: errors with a helpful text, never a
//! panic, never a hang.

use crate::pools;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fauxtp::StartError;
use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::reason::MaxRestartsReached;
use fauxtp::supervisor::{
    Backoff, ChildState, FailedToStartChild, ManageError, Shutdown, SpecError, StartChildError,
    SupervisorHandle,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use pools::{
    Actor, Ask, Begin, Finish, Log, Setup, actor, end, ms, observer, plain, secs, seen, settle,
    soon, state, take,
};

async fn start(supervisor: Supervisor) -> SupervisorHandle {
    soon("the start of a supervisor", supervisor.start()).await.expect("all children start")
}

/// What is wrong with the start of this supervisor; says so in words, too.
async fn refused(supervisor: Supervisor) -> StartError {
    let error = soon("the start", supervisor.start()).await.expect_err("it is nonsense");
    assert!(error.to_string().starts_with("start process: "), "{error}");
    error
}

#[tokio::test(start_paused = true)]
async fn bad_060_two_children_of_one_id_are_refused_and_named() {
    let log = Log::default();
    let specs = [Setup::new("same", &log).spec(), plain("other"), Setup::new("same", &log).spec()];
    let error = refused(Supervisor::new(specs)).await;
    assert_eq!(error, StartError::Spec(SpecError::DuplicateChild("same".into())));
    assert!(error.to_string().contains("two children have the id \"same\""), "{error}");
    assert_eq!(log.lines(), Vec::<String>::new(), "nothing has run");
}

#[tokio::test(start_paused = true)]
async fn bad_061_a_period_of_zero_is_refused_and_a_huge_one_is_for_ever() {
    let error = refused(Supervisor::new([plain("a")]).intensity(3, Duration::ZERO)).await;
    assert_eq!(error, StartError::Spec(SpecError::ZeroPeriod));
    let pool = DynamicSupervisor::new().intensity(3, Duration::ZERO).start().await;
    assert_eq!(pool.expect_err("the same").to_string(), error.to_string());
    let sup = start(Supervisor::new([plain("a")]).intensity(1, Duration::MAX)).await;
    end(&actor(sup.registry(), "a"), Ask::Fail).await;
    take(secs(1_000_000)).await;
    let child = actor(sup.registry(), "a");
    let (reason, ()) = tokio::join!(sup.wait(), async { child.send(Ask::Fail) });
    assert!(reason.downcast_ref::<MaxRestartsReached>().is_some(), "{reason:?}");
}

#[tokio::test(start_paused = true)]
async fn bad_062_an_intensity_of_zero_gives_up_at_the_first_failure() {
    let setup = Setup::new("a", &Log::default());
    let sup = start(Supervisor::new([setup.spec()]).intensity(0, secs(5))).await;
    let child = actor(sup.registry(), "a");
    let (reason, ()) = tokio::join!(sup.wait(), async { child.send(Ask::Fail) });
    assert!(reason.downcast_ref::<MaxRestartsReached>().is_some(), "{reason:?}");
    assert_eq!(setup.starts(), 1);
}

#[tokio::test(start_paused = true)]
async fn bad_063_a_stubborn_child_ends_by_its_deadline_or_by_the_hand_of_others() {
    let stubborn = |shutdown| {
        let setup = Setup::new("stubborn", &Log::default()).finish(Finish::Never);
        Supervisor::new([setup.spec().shutdown(shutdown)])
    };
    let sup = start(stubborn(Shutdown::Timeout(Duration::ZERO))).await;
    let began = Instant::now();
    sup.stop().await.expect("stops");
    assert!(began.elapsed() <= ms(2), "asked, and killed at once");
    for for_ever in [Shutdown::Timeout(Duration::MAX), Shutdown::Infinity] {
        let sup = start(stubborn(for_ever)).await;
        let child = sup.whereis("stubborn").expect("runs");
        let patient = tokio::time::timeout(secs(1_000_000), sup.stop()).await;
        assert!(patient.is_err() && sup.pid().is_alive(), "{for_ever:?}: it waits");
        child.kill();
        let reason = soon("the end", sup.wait()).await;
        assert!(reason.is_shutdown(), "{reason:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn bad_064_a_child_cannot_take_the_name_of_a_supervisor() {
    let text = "bad-064";
    let first = Supervisor::new([]).name(&Name::new(text)).start().await.expect("starts");
    let again = refused(Supervisor::new([]).name(&Name::new(text))).await;
    assert_eq!(again, StartError::AlreadyStarted(first.pid()));
    assert!(again.to_string().contains("name is taken"), "{again}");
    let name: Name<Actor> = Name::new(text);
    let sup = start(Supervisor::new([])).await;
    let error = sup.start_child(plain("child").name(&name)).await.expect_err("it is taken");
    assert!(error.to_string().contains("name is taken by"), "{error}");
    let error = refused(Supervisor::new([plain("child").name(&name)])).await;
    let StartError::Failed(reason) = &error else { panic!("{error:?}") };
    assert_eq!(&*reason.downcast_ref::<FailedToStartChild>().expect("says which").id, text);
    assert!(name.whereis().is_none(), "it is not that of an actor");
    assert!(first.pid().is_alive() && first.which_children().await.is_ok(), "nobody has noticed");
    // Two children of one registry, the same.
    let registry = Registry::start().await.expect("starts");
    let _holder = start(Supervisor::new([plain("x")]).registry(&registry)).await;
    let error = refused(Supervisor::new([plain("x")]).registry(&registry)).await;
    assert!(error.to_string().contains("AlreadyStarted"), "{error}");
    assert_eq!(registry.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn bad_065_a_start_that_panics_or_comes_late_is_an_error() {
    let late = |begin| {
        let setup = Setup::new("late", &Log::default()).begin(move |_| begin);
        setup.spec().start_timeout(secs(1))
    };
    let rows = [
        (late(Begin::Panic), "init panics", 0),
        (late(Begin::Take(secs(2))), "timeout", 1),
        (late(Begin::Never), "timeout", 1),
        (ChildSpec::supervisor("late", || panic!("cannot be made")), "cannot be made", 0),
    ];
    let sup = start(Supervisor::new([plain("other")])).await;
    for (child, text, seconds) in rows {
        let began = Instant::now();
        let error = sup.start_child(child.clone()).await.expect_err("no start");
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(began.elapsed(), secs(seconds));
        assert_eq!(sup.count_children().await.expect("lives").specs, 1);
        assert_eq!(sup.whereis("late"), None, "nothing is left");
        let error = refused(Supervisor::new([plain("before"), child])).await;
        assert!(error.to_string().contains(text), "{error}");
    }
    let in_time = sup.start_child(late(Begin::Take(ms(500)))).await;
    assert!(in_time.is_ok_and(|pid| pid.is_some()));
}

/// also: SUP-101
#[tokio::test(start_paused = true)]
async fn bad_066_a_child_in_its_init_cannot_wait_for_its_supervisor() {
    struct Selfish;
    type Told = mpsc::UnboundedSender<String>;
    impl GenServer for Selfish {
        type Args = Told;
        type Message = ();
        async fn init(told: Told, ctx: &mut Context<Self>) -> Result<Self> {
            let sup = HANDLE.with(|handle| handle.borrow().clone()).expect("the test has set it");
            let rows = [
                sup.start_child(plain("more")).await.map(drop).map_err(|error| error.to_string()),
                sup.terminate_child("selfish").await.map_err(|error| error.to_string()),
                sup.which_children().await.map(drop).map_err(|error| error.to_string()),
            ];
            for row in rows {
                told.send(row.expect_err("it would never be answered")).expect("the test listens");
            }
            assert!(ctx.parent() == Some(sup.pid()));
            Ok(Self)
        }
        async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
            Ok(())
        }
    }
    thread_local! {
        static HANDLE: std::cell::RefCell<Option<SupervisorHandle>> =
            const { std::cell::RefCell::new(None) };
    }
    let (told, mut heard) = mpsc::unbounded_channel();
    let sup = start(Supervisor::new([])).await;
    HANDLE.with(|handle| *handle.borrow_mut() = Some(sup.clone()));
    let selfish = ChildSpec::new::<Selfish>("selfish", told);
    soon("the start", sup.start_child(selfish)).await.expect("starts all the same");
    for _ in 0..3 {
        let error = heard.recv().await.expect("it tells");
        assert!(error.contains("would wait for itself"), "{error}");
    }
    assert_eq!(sup.count_children().await.expect("lives").specs, 1);
}

/// Started children may manage their supervisor, themselves included.
#[tokio::test(start_paused = true)]
async fn bad_067_a_running_child_may_end_itself_through_its_supervisor() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let (hand, handle) = tokio::sync::watch::channel(None::<SupervisorHandle>);
    let task = ChildSpec::task("task", move || {
        let (mut handle, tell) = (handle.clone(), tell.clone());
        async move {
            let sup = handle.wait_for(Option::is_some).await.expect("comes").clone().expect("is");
            let more = sup.start_child(plain("more")).await;
            tell.send(more.is_ok()).expect("the test listens");
            let _ended_before_it_is_told = sup.terminate_child("task").await;
            tell.send(false).expect("the test listens");
        }
    });
    let sup = start(Supervisor::new([task])).await;
    hand.send(Some(sup.clone())).expect("the task listens");
    assert_eq!(told.recv().await, Some(true));
    settle().await;
    let children = soon("the answer", sup.which_children()).await.expect("lives");
    assert_eq!(state(&children, "task"), ChildState::Stopped);
    assert!(state(&children, "more").pid().is_some());
    assert!(told.try_recv().is_err(), "it was gone before it could hear the answer");
}

/// also: SUP-032
#[tokio::test(start_paused = true)]
async fn bad_068_a_dying_or_dead_supervisor_refuses() {
    let log = Log::default();
    let slow = Setup::new("slow", &log).finish(Finish::Take(secs(1)));
    let sup = start(Supervisor::new([slow.spec()])).await;
    let asked = async {
        settle().await;
        tokio::join!(
            sup.start_child(plain("late")),
            sup.terminate_child("slow"),
            sup.restart_child("slow"),
            sup.delete_child("slow"),
            sup.which_children(),
        )
    };
    let (stopped, asked) = soon("the end", async { tokio::join!(sup.stop(), asked) }).await;
    stopped.expect("stops");
    let why = || CallError::Exited(ExitReason::shutdown());
    assert!(matches!(asked.0, Err(ManageError::Call(error)) if error == why()));
    assert_eq!(asked.1, Err(ManageError::Call(why())));
    assert!(matches!(asked.2, Err(ManageError::Call(error)) if error == why()));
    assert_eq!(asked.3, Err(ManageError::Call(why())));
    assert_eq!(asked.4, Err(why()));
    let dead = sup.start_child(plain("late")).await;
    assert!(matches!(dead, Err(ManageError::Call(CallError::NoProc))));
    assert_eq!(sup.terminate_child("slow").await, Err(ManageError::Call(CallError::NoProc)));
    assert_eq!(log.count("start late"), 0);
}

#[tokio::test(start_paused = true)]
async fn bad_069_an_empty_child_name_is_refused_and_a_huge_one_is_a_name() {
    let error = refused(Supervisor::new([plain("")])).await;
    assert_eq!(error, StartError::Spec(SpecError::EmptyId));
    let sup = start(Supervisor::new([])).await;
    let error = sup.start_child(plain("")).await.expect_err("no name");
    assert!(matches!(error, ManageError::Refused(StartChildError::Spec(SpecError::EmptyId))));
    for name in ["x".repeat(1 << 20), "naïve 名前 \u{1f980} \0 \n".to_owned()] {
        let pid = sup.start_child(plain(&name)).await.expect("starts").expect("runs");
        assert_eq!(sup.whereis(&name), Some(pid));
        assert_eq!(actor(sup.registry(), &name).call(Ask::Who).await, Ok(pid));
        sup.terminate_child(&name).await.expect("stops");
        assert_eq!(sup.whereis(&name), None);
    }
}

/// also: CON-02
#[tokio::test(start_paused = true)]
async fn bad_070_an_observer_that_panics_harms_nobody() {
    let heard = Arc::new(AtomicUsize::new(0));
    let panics = |heard: &Arc<AtomicUsize>| {
        let heard = heard.clone();
        move |_: Pid, _: &ExitReason| {
            heard.fetch_add(1, Ordering::SeqCst);
            panic!("the observer panics");
        }
    };
    let sup = start(Supervisor::new([plain("a")]).on_exit(panics(&heard))).await;
    let before = sup.whereis("a");
    end(&actor(sup.registry(), "a"), Ask::Fail).await;
    let children = sup.which_children().await.expect("lives");
    assert!(state(&children, "a").pid().is_some_and(|pid| Some(pid) != before), "is restarted");
    sup.stop().await.expect("stops");
    assert_eq!(heard.load(Ordering::SeqCst), 2, "it hears of every exit all the same");
    let pool = DynamicSupervisor::new().on_exit(panics(&heard)).start().await.expect("starts");
    let pid = pool.start_child(plain("a")).await.expect("starts").expect("runs");
    pool.terminate_child(pid).await.expect("stops");
    assert_eq!(pool.count_children().await.expect("lives").specs, 0);
    assert_eq!(heard.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn bad_071_a_terminate_that_panics_hangs_or_asks_its_supervisor_delays_at_most_by_its_deadline()
 {
    struct Asks(tokio::sync::watch::Receiver<Option<SupervisorHandle>>);
    impl GenServer for Asks {
        type Args = tokio::sync::watch::Receiver<Option<SupervisorHandle>>;
        type Message = ();
        async fn init(handle: Self::Args, ctx: &mut Context<Self>) -> Result<Self> {
            ctx.trap_exits(Trap::On);
            Ok(Self(handle))
        }
        async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
            Ok(())
        }
        async fn terminate(&mut self, _: &ExitReason, _: &mut Context<Self>) {
            let sup = self.0.borrow().clone().expect("is set");
            // It would not be answered before this returns.
            let refused = sup.terminate_child("panics").await;
            assert!(matches!(refused, Err(ManageError::Deadlock(_))), "{refused:?}");
        }
    }
    let log = Log::default();
    let limit = Shutdown::Timeout(ms(100));
    let of = |name: &str, finish| Setup::new(name, &log).finish(finish).spec().shutdown(limit);
    let (hand, handle) = tokio::sync::watch::channel(None);
    let asks = ChildSpec::new::<Asks>("asks", handle).shutdown(limit);
    let specs = [of("panics", Finish::Panic), of("hangs", Finish::Never), asks];
    let (observe, mut exits) = observer();
    let sup = start(Supervisor::new(specs).on_exit(observe)).await;
    hand.send(Some(sup.clone())).expect("the child listens");
    let began = Instant::now();
    soon("the end", sup.stop()).await.expect("stops");
    assert!(began.elapsed() <= ms(105), "{:?}", began.elapsed());
    let reasons: Vec<_> = seen(&mut exits).into_iter().map(|(_, why)| format!("{why:?}")).collect();
    assert_eq!(reasons, ["shutdown", "killed", "error: panic: terminate panics"]);
}

#[tokio::test(start_paused = true)]
async fn bad_072_a_name_for_other_messages_is_refused_before_anything_starts() {
    let wrong: Name<Raw<String>> = Name::new("bad-072");
    let log = Log::default();
    let child = || Setup::new("child", &log).spec().name(&wrong);
    let sup = start(Supervisor::new([])).await;
    let error = sup.start_child(child()).await.expect_err("not its messages");
    assert_eq!(error.to_string(), StartError::NameOfOtherType.to_string());
    assert!(error.to_string().contains("take other messages"), "{error}");
    let pool = DynamicSupervisor::new().start().await.expect("starts");
    let error = pool.start_child(child()).await.expect_err("not its messages");
    assert!(matches!(error, ManageError::Spec(StartError::NameOfOtherType)));
    let error = refused(Supervisor::new([plain("before"), child()])).await;
    assert_eq!(error, StartError::NameOfOtherType);
    assert_eq!(log.lines(), Vec::<String>::new());
}

/// also: SUP-060
#[tokio::test(start_paused = true)]
async fn bad_073_a_child_that_waits_for_its_restart_blocks_nobody() {
    let hour = Backoff { min: secs(3_600), max: secs(3_600), jitter_permille: 0 };
    let setup = Setup::new("waits", &Log::default());
    let sup = start(Supervisor::new([setup.spec().backoff(hour), plain("other")])).await;
    end(&actor(sup.registry(), "waits"), Ask::Fail).await;
    let began = Instant::now();
    let children = sup.which_children().await.expect("answers");
    assert_eq!(state(&children, "waits"), ChildState::Restarting);
    end(&actor(sup.registry(), "other"), Ask::Fail).await;
    let children = sup.which_children().await.expect("answers");
    assert!(state(&children, "other").pid().is_some(), "others are restarted meanwhile");
    sup.start_child(plain("more")).await.expect("starts");
    assert_eq!(began.elapsed(), Duration::ZERO, "none of this has waited");
    take(secs(3_599)).await;
    assert_eq!(setup.starts(), 1);
    take(secs(2)).await;
    settle().await;
    assert_eq!(setup.starts(), 2, "an hour later");
    end(&actor(sup.registry(), "waits"), Ask::Fail).await;
    let began = Instant::now();
    sup.stop().await.expect("stops");
    assert_eq!(began.elapsed(), Duration::ZERO, "nor does the end wait for it");
    take(secs(7_200)).await;
    assert_eq!(setup.starts(), 2, "nothing is started after the end");
}
