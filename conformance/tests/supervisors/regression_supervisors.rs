//! What once went wrong with supervisors, static and dynamic, and must not again.

use crate::pools;
use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::reason::MaxRestartsReached;
use fauxtp::supervisor::{
    AutoShutdown, Backoff, DynamicSupervisorHandle, DynamicSupervisorName, Restart,
    SupervisorHandle, SupervisorName,
};
use fauxtp::{CallError, Mailbox, Overflow, StartError};

use pools::reports::Reports;
use pools::{
    Actor, Ask, Begin, Log, Setup, actor, end, ms, plain, secs, settle, soon, take, until,
};

/// The next start comes exactly ten seconds after the failure.
const TEN_SECONDS: Backoff = Backoff { min: secs(10), max: secs(10), jitter_permille: 0 };

async fn start(supervisor: Supervisor) -> SupervisorHandle {
    soon("the start of a supervisor", supervisor.start()).await.expect("all children start")
}

async fn pool() -> DynamicSupervisorHandle {
    DynamicSupervisor::new().start().await.expect("starts")
}

async fn add(pool: &DynamicSupervisorHandle, child: ChildSpec) -> Pid {
    pool.start_child(child).await.expect("starts").expect("is not ignored")
}

fn idle() -> ChildSpec {
    ChildSpec::task("idle", std::future::pending::<()>)
}

/// Arguments of which the original, which the supervisor keeps, panics when it is dropped.
struct Armed(bool);

impl Clone for Armed {
    fn clone(&self) -> Self {
        Self(false)
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        assert!(!self.0 || std::thread::panicking(), "the arguments are dropped");
    }
}

/// Ends as its message says; fails to start if it is told to.
struct Plain;

impl GenServer for Plain {
    type Args = (Armed, Begin);
    type Message = ExitReason;

    async fn init((_, begin): Self::Args, _: &mut Context<Self>) -> Result<Self> {
        match begin {
            Begin::Ignore => Err(Stop::ignore()),
            Begin::Fail => Err(Stop::because(ExitReason::error("no start"))),
            _ => Ok(Self),
        }
    }

    async fn handle(&mut self, reason: ExitReason, _: &mut Context<Self>) -> Result {
        Err(Stop::because(reason))
    }
}

fn armed(begin: Begin) -> ChildSpec {
    ChildSpec::new::<Plain>("armed", (Armed(true), begin))
}

/// The arguments of a child that ended for good were dropped unguarded inside the pool, which died of it, and all
/// its children with it.
/// also: RUST-002
#[tokio::test(start_paused = true)]
async fn dyn_003_a_pool_survives_the_destructor_of_a_childs_arguments() {
    let pool = pool().await;
    let other = add(&pool, idle()).await;
    for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
        let child = add(&pool, armed(Begin::Run).restart(restart)).await;
        pool.terminate_child(child).await.expect("stops");
        for begin in [Begin::Ignore, Begin::Fail] {
            let _in_either_way = pool.start_child(armed(begin).restart(restart)).await;
        }
        assert_eq!(pool.count_children().await.expect("lives").specs, 1, "{restart:?}");
    }
    for restart in [Restart::Transient, Restart::Temporary] {
        let child = add(&pool, armed(Begin::Run).restart(restart)).await;
        child.stop(ExitReason::Normal, None).await.expect("stops");
        assert_eq!(pool.count_children().await.expect("lives").specs, 1, "{restart:?}");
    }
    assert!(other.is_alive());
    add(&pool, armed(Begin::Run)).await;
    add(&pool, armed(Begin::Run)).await;
    let (reason, stopped) = tokio::join!(process::join(pool.pid()), pool.stop());
    assert!(stopped.is_ok() && reason.is_shutdown(), "its own end is not disturbed: {reason:?}");
    assert!(!other.is_alive());
}

/// The same happened to static supervisors: at the start of a temporary child, whose arguments are not kept, at a
/// start that failed or was declined, and when a child was deleted.
/// also: RUST-002
#[tokio::test(start_paused = true)]
async fn sup_008_a_supervisor_survives_the_destructor_of_a_childs_arguments() {
    let sup = start(Supervisor::new([idle(), armed(Begin::Run)])).await;
    let other = sup.whereis("idle").expect("runs");
    sup.terminate_child("armed").await.expect("stops");
    sup.delete_child("armed").await.expect("is forgotten");
    for restart in [Restart::Permanent, Restart::Temporary] {
        sup.start_child(armed(Begin::Fail).restart(restart)).await.expect_err("fails");
        let ignored = sup.start_child(armed(Begin::Ignore).restart(restart)).await;
        assert_eq!(ignored.expect("is no failure"), None);
        let _unless_temporary = sup.delete_child("armed").await;
        assert_eq!(sup.count_children().await.expect("lives").specs, 1, "{restart:?}");
    }
    let temporary = armed(Begin::Run).restart(Restart::Temporary);
    let child = sup.start_child(temporary).await.expect("starts").expect("is not ignored");
    child.stop(ExitReason::Normal, None).await.expect("stops");
    assert_eq!(sup.count_children().await.expect("lives").specs, 1);
    assert!(other.is_alive());
    sup.start_child(armed(Begin::Run)).await.expect("starts");
    let (reason, stopped) = tokio::join!(sup.wait(), sup.stop());
    assert!(stopped.is_ok() && reason.is_shutdown(), "its own end is not disturbed: {reason:?}");
}

/// A retry fired for any later restart of its child: one of before cut the back-off of the next failure short.
#[tokio::test(start_paused = true)]
async fn sup_060_a_back_off_is_not_cut_short_by_an_earlier_retry() {
    let setup = Setup::new("child", &Log::default());
    let sup = start(Supervisor::new([setup.spec().backoff(TEN_SECONDS)]).unlimited()).await;
    end(&actor(sup.registry(), "child"), Ask::Fail).await;
    sup.count_children().await.expect("lives");
    sup.terminate_child("child").await.expect("is cancelled");
    take(secs(9)).await;
    sup.restart_child("child").await.expect("starts");
    end(&actor(sup.registry(), "child"), Ask::Fail).await;
    sup.count_children().await.expect("lives");
    take(ms(9_990)).await;
    settle().await;
    assert_eq!(setup.starts(), 2, "nothing has started for ten seconds");
    take(ms(20)).await;
    settle().await;
    assert_eq!(setup.starts(), 3);
}

/// Each restart of a group that failed at a child added one more endless row of retries: 29 attempts a minute with
/// a back-off of ten seconds.
#[tokio::test(start_paused = true)]
async fn sup_060_a_child_has_one_retry_at_a_time() {
    let begin = |number| if number == 1 { Begin::Run } else { Begin::Fail };
    let fails = Setup::new("fails", &Log::default()).begin(begin);
    let specs = [plain("first"), fails.spec().backoff(TEN_SECONDS)];
    let sup = Supervisor::new(specs).strategy(RestartStrategy::RestForOne).unlimited();
    let sup = start(sup).await;
    end(&actor(sup.registry(), "fails"), Ask::Fail).await;
    for _ in 0..4 {
        take(secs(1)).await;
        end(&actor(sup.registry(), "first"), Ask::Fail).await;
        sup.count_children().await.expect("lives");
    }
    let before = fails.starts();
    take(secs(60)).await;
    settle().await;
    let attempts = fails.starts() - before;
    assert!((5..=6).contains(&attempts), "{attempts} attempts in a minute");
}

/// Lets all others run who want to.
async fn next_turn() {
    let mut others_have_run = false;
    let yields = std::future::poll_fn(|cx| {
        if std::mem::replace(&mut others_have_run, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    yields.await;
}

/// A start that failed without a process was tried 256 times in one go, and everybody else had to wait.
/// also: SUP-074
#[tokio::test]
async fn rust_007_others_run_between_two_attempts_that_fail_on_the_spot() {
    let fails_later = |attempts: &Arc<AtomicUsize>| {
        let attempts = attempts.clone();
        ChildSpec::supervisor("fails", move || {
            let first = attempts.fetch_add(1, Ordering::SeqCst) == 0;
            if first { Supervisor::new([]) } else { panic!("this cannot be made") }
        })
    };
    let (of_static, of_pool) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let sup = start(Supervisor::new([fails_later(&of_static)]).unlimited()).await;
    let pool = DynamicSupervisor::new().unlimited().start().await.expect("starts");
    let in_pool = add(&pool, fails_later(&of_pool)).await;
    let in_static = sup.whereis("fails").expect("runs");
    for (child, attempts, sup) in
        [(in_static, of_static, sup.pid()), (in_pool, of_pool, pool.pid())]
    {
        child.kill();
        let other = process::spawn(move |_: process::Context<()>| async move {
            let mut seen = Vec::new();
            for _ in 0..20 {
                next_turn().await;
                seen.push(attempts.load(Ordering::SeqCst));
            }
            ExitReason::custom(seen)
        });
        let reason = process::join(other.expect("there is a runtime").pid()).await;
        let seen: &Vec<usize> = reason.downcast_ref().unwrap_or_else(|| panic!("{reason:?}"));
        sup.kill();
        assert!(seen.windows(2).all(|pair| pair[1] - pair[0] <= 2), "{seen:?}");
        assert!(seen[19] > 2, "it is tried again and again: {seen:?}");
    }
}

/// A supervisor that gave up said the same as one that ended as it should: nothing of why.
/// also: LOG-001
#[tokio::test(start_paused = true)]
async fn sup_056_a_supervisor_that_gives_up_says_so() {
    let reports = Reports::here();
    let sup = start(Supervisor::new([plain("child")]).intensity(0, secs(5))).await;
    end(&actor(sup.registry(), "child"), Ask::Fail).await;
    soon("the end", sup.wait()).await;
    let told = reports.of(&["ERROR fauxtp::supervisor", "reached_max_restart_intensity"]);
    assert_eq!(told.len(), 1, "{told:?}");
}

/// The clean end of a significant child was reported as an error.
/// also: SUP-122
#[tokio::test(start_paused = true)]
async fn log_003_the_clean_end_of_a_significant_child_is_no_error() {
    let reports = Reports::here();
    let child = plain("child").restart(Restart::Transient).significant();
    let sup = start(Supervisor::new([child]).auto_shutdown(AutoShutdown::AnySignificant)).await;
    end(&actor(sup.registry(), "child"), Ask::End(ExitReason::Normal)).await;
    soon("the end", sup.wait()).await;
    assert_eq!(reports.of(&["ERROR"]), Vec::<String>::new());
    assert_eq!(reports.of(&["reached_max_restart_intensity"]), Vec::<String>::new());
}

/// `link` took the process it was called in, not the one it was given: outside of a process it linked with nobody.
/// also: DYN-012
#[tokio::test(start_paused = true)]
async fn sup_028_a_supervisor_is_linked_with_the_process_it_is_given() {
    let parent = support::actor();
    let (sup, pool) = support::act(&parent, |ctx| {
        (Supervisor::new([idle()]).link(ctx), DynamicSupervisor::new().link(ctx))
    })
    .await;
    let (sup, pool) = (start(sup).await, pool.start().await.expect("starts"));
    let ends = async { tokio::join!(sup.wait(), pool.wait()) };
    let why = ExitReason::error("moved away");
    let exit = async { parent.pid().exit(why.clone()) };
    let ((of_static, of_pool), ()) = soon("the ends", async { tokio::join!(ends, exit) }).await;
    assert_eq!((of_static, of_pool), (why.clone(), why));
}

/// Whoever waited for a supervisor only after its end heard `noproc` instead of the reason.
/// also: SUP-031
#[tokio::test(start_paused = true)]
async fn sup_056_who_waits_after_the_end_still_hears_the_reason() {
    let reached = |reason: &ExitReason| reason.downcast_ref::<MaxRestartsReached>().is_some();
    let sup = start(Supervisor::new([plain("child")]).intensity(0, secs(5))).await;
    let waits = sup.clone();
    end(&actor(sup.registry(), "child"), Ask::Fail).await;
    process::join(sup.pid()).await;
    until("it is gone", || !process::list().contains(&sup.pid())).await;
    for handle in [&sup, &waits, &sup] {
        let reason = soon("the end that has been", handle.wait()).await;
        assert!(reached(&reason), "{reason:?}");
    }
    let pool = DynamicSupervisor::new().intensity(0, secs(5)).start().await.expect("starts");
    let child = add(&pool, plain("child")).await;
    child.stop(ExitReason::error("fails"), None).await.expect("ends as told");
    process::join(pool.pid()).await;
    until("it is gone", || !process::list().contains(&pool.pid())).await;
    let reason = soon("the end that has been", pool.wait()).await;
    assert!(reached(&reason), "{reason:?}");
    // Nor does it matter that somebody stopped it.
    let sup = start(Supervisor::new([])).await;
    sup.stop().await.expect("stops");
    assert_eq!(soon("the end that has been", sup.wait()).await, ExitReason::shutdown());
}

/// A supervisor or a pool below a supervisor could not have a name: whatever name it was given was refused as one
/// for other messages.
/// also: CON-06
#[tokio::test(start_paused = true)]
async fn con_08_a_supervisor_below_another_may_have_a_name() {
    static SUP: Name<SupervisorName> = Name::new("regression: a supervisor");
    static POOL: Name<DynamicSupervisorName> = Name::new("regression: a pool");
    let below = ChildSpec::supervisor("below", || Supervisor::new([plain("child")])).name(&SUP);
    let pool = ChildSpec::dynamic_supervisor("pool", DynamicSupervisor::new).name(&POOL);
    let sup = start(Supervisor::new([below, pool]).intensity(9, secs(5))).await;
    let holders = || (SUP.whereis().map(|sup| sup.pid()), POOL.whereis().map(|pool| pool.pid()));
    for round in 0..3 {
        let (Some(below), Some(pool)) = holders() else { panic!("{round}: both have their names") };
        assert_eq!(sup.whereis(SUP.as_str()), Some(below));
        assert_eq!(sup.whereis(POOL.as_str()), Some(pool));
        let handle = SupervisorHandle::of(below).await.expect("it is one");
        assert_eq!(handle.count_children().await.expect("lives").active, 1);
        add(&DynamicSupervisorHandle::of(pool).expect("it is one"), idle()).await;
        for old in [below, pool] {
            old.kill();
            process::join(old).await;
            sup.count_children().await.expect("lives");
        }
        let (Some(new_below), Some(new_pool)) = holders() else { panic!("both are back") };
        assert!(new_below != below && new_pool != pool, "{round}: they mean the new ones");
    }
}

/// A name that was given after an id took the id's place.
#[tokio::test(start_paused = true)]
async fn con_06_a_child_with_a_name_keeps_the_id_it_was_given() {
    static FIRST: Name<SupervisorName> = Name::new("regression: the name of a child");
    static SECOND: Name<SupervisorName> = Name::new("regression: the name of another child");
    let below = |id: &str| ChildSpec::supervisor(id, || Supervisor::new([plain("child")]));
    let children = [below("a").id("first").name(&FIRST), below("b").name(&SECOND).id("second")];
    let sup = start(Supervisor::new(children)).await;
    for (id, name) in [("first", &FIRST), ("second", &SECOND)] {
        assert_eq!(name.whereis().map(|address| address.pid()), sup.whereis(id));
        assert!(sup.whereis(id).is_some() && sup.whereis(name.as_str()).is_none());
    }
    soon("the end of the supervisor", sup.stop()).await.expect("stops");
}

/// With no restart allowed, a supervisor waited for the back-off before it gave up.
#[tokio::test(start_paused = true)]
async fn sup_051_who_may_not_restart_does_not_wait_for_it() {
    let backoff = Backoff { min: secs(3_600), max: secs(3_600), jitter_permille: 0 };
    let begun = tokio::time::Instant::now();
    let child = || plain("child").backoff(backoff);
    let sup = start(Supervisor::new([child()]).intensity(0, secs(5))).await;
    end(&actor(sup.registry(), "child"), Ask::Fail).await;
    assert!(sup.wait().await.is_shutdown());
    let pool = DynamicSupervisor::new().intensity(0, secs(5)).start().await.expect("starts");
    add(&pool, child()).await.exit(ExitReason::error("over"));
    assert!(pool.wait().await.is_shutdown());
    assert!(begun.elapsed() < secs(1), "{:?}", begun.elapsed());
}

/// The timer of a retry that was called off stayed until it was due.
#[tokio::test(start_paused = true)]
async fn rust_008_a_retry_that_is_called_off_leaves_no_timer() {
    let sup = start(Supervisor::new([]).intensity(1_000, secs(5))).await;
    let before = process::timers_pending();
    for round in 0..100 {
        let child = plain("child").backoff(Backoff {
            min: secs(3_600),
            max: secs(3_600),
            jitter_permille: 0,
        });
        sup.start_child(child).await.expect("starts");
        end(&actor(sup.registry(), "child"), Ask::Fail).await;
        assert_eq!(sup.count_children().await.expect("lives").active, 0, "{round}: it waits");
        assert_eq!(process::timers_pending(), before + 1);
        sup.terminate_child("child").await.expect("is known");
        sup.delete_child("child").await.expect("does not run");
        assert_eq!(process::timers_pending(), before, "{round}");
    }
}

/// The mailbox of a supervised child could not be bounded.
/// also: CON-06
#[tokio::test(start_paused = true)]
async fn bad_059_the_mailbox_of_a_supervised_child_may_be_bounded() {
    let bounded = Mailbox::bounded(1, Overflow::Reject).expect("there is room for one");
    let sup = start(Supervisor::new([plain("child").mailbox(bounded)])).await;
    for incarnation in 0..3 {
        let child = actor(sup.registry(), "child");
        let busy = child.call(|from| Ask::Slow(secs(1), from));
        let meanwhile = async {
            settle().await;
            let waits = child.call(Ask::Who);
            let refused = async {
                settle().await;
                assert_eq!(child.call(Ask::Who).await, Err(CallError::Full), "{incarnation}");
            };
            tokio::join!(waits, refused).0
        };
        let (busy, waits) = tokio::join!(busy, meanwhile);
        assert_eq!((busy, waits), (Ok(()), Ok(child.pid())), "{incarnation}");
        end(&child, Ask::Fail).await;
        sup.count_children().await.expect("lives");
    }
}

/// That a local name was empty, or asked for twice, was found out by the child that asked, when others had run.
#[tokio::test(start_paused = true)]
async fn sup_005_local_names_are_looked_at_before_anything_runs() {
    static NAME: Name<Actor> = Name::new("regression: twice");
    static EMPTY: Name<Actor> = Name::new("");
    let log = Log::default();
    let child = |id: &str, name| Setup::new(id, &log).spec().name(name).id(id);
    let twice = [child("a", &NAME), child("b", &NAME)];
    let error = Supervisor::new(twice).start().await.expect_err("twice");
    assert!(error.to_string().contains(NAME.as_str()), "{error}");
    let error = Supervisor::new([Setup::new("a", &log).spec(), child("b", &EMPTY)]).start().await;
    assert!(matches!(error, Err(StartError::BadName)), "{error:?}");
    assert_eq!(log.take(), Vec::<String>::new(), "nobody has run");
}
