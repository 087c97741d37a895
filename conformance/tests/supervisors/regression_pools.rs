//! What once went wrong with dynamic supervisors, and must not again.

use crate::pools;
use crate::support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use fauxtp::StartError;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::{
    AutoShutdown, Backoff, Counts, DynamicSupervisorHandle, ManageError, PoolStartError, Restart,
    Shutdown, SimpleSupervisorHandle, SpecError, SupervisorHandle, TerminateChildError,
};
use tokio::time::Instant;

use pools::reports::Reports;
use pools::{Begin, Finish, Log, Setup, ms, plain, secs, settle, soon, take, until};

async fn pool() -> DynamicSupervisorHandle {
    DynamicSupervisor::new().start().await.expect("starts")
}

async fn add(pool: &DynamicSupervisorHandle, child: ChildSpec) -> Pid {
    pool.start_child(child).await.expect("starts").expect("is not ignored")
}

/// A restart that failed on the spot was told to the pool twice. The second time it was taken for the failure of
/// the next attempt: the child was started once more, and the good incarnation ran on without a supervisor.
#[tokio::test(start_paused = true)]
async fn sup_080_a_restart_in_a_pool_that_fails_on_the_spot_is_told_once() {
    /// Its clones are counted, and the second one fails: that for the first restart.
    struct Fails(Arc<AtomicUsize>, Setup);
    impl Clone for Fails {
        fn clone(&self) -> Self {
            assert!(self.0.fetch_add(1, Ordering::SeqCst) != 1, "this once");
            Self(self.0.clone(), self.1.clone())
        }
    }
    struct Server(Setup);
    impl GenServer for Server {
        type Args = Fails;
        type Message = ();
        async fn init(args: Fails, _: &mut Context<Self>) -> Result<Self> {
            args.1.log.push("born");
            Ok(Self(args.1.clone()))
        }
        async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
            Ok(())
        }
    }
    impl Drop for Server {
        fn drop(&mut self) {
            self.0.log.push("gone");
        }
    }
    let (log, clones) = (Log::default(), Arc::new(AtomicUsize::new(0)));
    let args = Fails(clones.clone(), Setup::new("fails", &log));
    let pool = DynamicSupervisor::new().intensity(20, secs(60)).start().await.expect("starts");
    let first =
        add(&pool, ChildSpec::new::<Server>("fails", args).restart(Restart::Permanent)).await;
    first.kill();
    until("it is started again", || log.count("born") >= 2).await;
    settle().await;
    let counts = pool.count_children().await.expect("lives");
    assert_eq!((counts.active, counts.specs), (1, 1));
    assert_eq!(log.lines(), ["born", "gone", "born"], "one incarnation after the other");
    assert_eq!(clones.load(Ordering::SeqCst), 3);
}

/// A child whose `init` blocked its thread was killed at its deadline and waited for without end: nobody who asked
/// for its start, nor for the end of the pool, was ever answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rust_001_a_child_of_a_pool_stuck_in_its_init_is_left_behind() {
    type Gate = Arc<Mutex<mpsc::Receiver<()>>>;
    struct Blocks;
    impl GenServer for Blocks {
        type Args = (Arc<AtomicUsize>, Gate);
        type Message = ();
        async fn init((blocked, gate): Self::Args, _: &mut Context<Self>) -> Result<Self> {
            blocked.fetch_add(1, Ordering::SeqCst);
            let _opened = gate.lock().map(|gate| gate.recv());
            Ok(Self)
        }
        async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
            Ok(())
        }
    }
    let mut gates = Vec::new();
    let mut blocks = || {
        let (open, gate) = mpsc::channel();
        gates.push(open);
        let blocked = Arc::<AtomicUsize>::default();
        let args = (blocked.clone(), Arc::new(Mutex::new(gate)));
        (blocked, ChildSpec::new::<Blocks>("blocks", args))
    };
    let (timed, ends) = (pool().await, pool().await);
    let ((_, impatient), (blocked, brutal)) = (blocks(), blocks());
    let deadline = async {
        let started = timed.start_child(impatient.start_timeout(ms(50))).await;
        let error = started.expect_err("does not start").to_string();
        assert!(error.contains("timeout"), "{error}");
        assert_eq!(timed.count_children().await.expect("lives").specs, 0);
        timed.stop().await.expect("stops");
    };
    let end = async {
        let stop = async {
            until("it blocks", || blocked.load(Ordering::SeqCst) == 1).await;
            ends.stop().await.expect("stops");
        };
        let brutal = brutal.shutdown(Shutdown::BrutalKill);
        tokio::join!(ends.start_child(brutal), stop).0.expect_err("does not start");
    };
    support::soon(async { tokio::join!(deadline, end) }).await;
    drop(gates);
}

/// Method: two children block their threads until the test is over; one is stopped brutally, one by its deadline, and
/// their pool ends with a third. One worker is left: tokio may have blocked the one that waits for its timers, and
/// does not tell the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rust_001_a_running_child_of_a_pool_that_blocks_is_left_behind() {
    let mut gates = Vec::new();
    let mut blocks = || {
        let (open, gate) = mpsc::channel::<()>();
        gates.push(open);
        let blocked = Arc::<AtomicUsize>::default();
        let (gate, entered) = (Arc::new(Mutex::new(gate)), blocked.clone());
        let child = ChildSpec::task("blocks", move || {
            let (gate, entered) = (gate.clone(), entered.clone());
            async move {
                entered.fetch_add(1, Ordering::SeqCst);
                let _opened = gate.lock().map(|gate| gate.recv());
            }
        });
        (blocked, child.restart(Restart::Permanent))
    };
    let exits = Arc::<Mutex<Vec<Pid>>>::default();
    let seen = exits.clone();
    let observe = move |pid, _: &ExitReason| seen.lock().expect("unpoisoned").push(pid);
    let pool = DynamicSupervisor::new().on_exit(observe).start().await.expect("starts");
    for (how, stops_all) in [
        (Shutdown::BrutalKill, false),
        (Shutdown::Timeout(ms(20)), false),
        (Shutdown::BrutalKill, true),
    ] {
        let (blocked, child) = blocks();
        let pid = add(&pool, child.shutdown(how)).await;
        until("it blocks", || blocked.load(Ordering::SeqCst) == 1).await;
        let stop = async {
            if stops_all {
                return pool.stop().await.expect("stops");
            }
            pool.terminate_child(pid).await.expect("it is left behind");
            assert_eq!(pool.count_children().await.expect("lives").specs, 0);
        };
        support::soon(stop).await;
        assert!(!pid.is_alive());
        assert_eq!(exits.lock().expect("unpoisoned").last(), Some(&pid), "{how:?}");
    }
    assert_eq!(exits.lock().expect("unpoisoned").len(), 3);
    drop(gates);
}

/// Questions of a child to its pool were refused while the child was in its `init`, though a pool waits for no
/// `init` and can answer.
/// also: SUP-103
#[tokio::test(start_paused = true)]
async fn sup_101_a_child_of_a_pool_may_ask_it_from_its_init() {
    struct Asks(Counts, Pid);
    impl GenServer for Asks {
        type Args = DynamicSupervisorHandle;
        type Message = Reply<(Counts, Pid)>;
        async fn init(pool: DynamicSupervisorHandle, _: &mut Context<Self>) -> Result<Self> {
            let counts = pool.count_children().await?;
            let sibling = pool.start_child(plain("sibling")).await;
            Ok(Self(counts, sibling.expect("starts").expect("is not ignored")))
        }
        async fn handle(&mut self, from: Reply<(Counts, Pid)>, _: &mut Context<Self>) -> Result {
            from.send((self.0, self.1));
            Ok(())
        }
    }
    let pool = pool().await;
    let asks = ChildSpec::new::<Asks>("asks", pool.clone());
    let started = soon("the start", pool.start_child(asks)).await;
    let asks = started.expect("starts").expect("is not ignored");
    let asks: Address<Reply<(Counts, Pid)>> = Address::of(asks).expect("it takes these");
    let (counts, sibling) = asks.call(|from| from).await.expect("answers");
    assert_eq!(counts.active, 0, "it has not started yet");
    assert!(sibling.is_alive());
    assert_eq!(pool.count_children().await.expect("lives").active, 2);
}

/// Every child left two timers behind: those of its start and its shutdown, for as long as these might have taken.
#[tokio::test(start_paused = true)]
async fn rust_008_the_timers_of_a_child_end_with_it() {
    let pool = pool().await;
    let (before, day) = (process::timers_pending(), secs(86_400));
    for _ in 0..200 {
        let setup = Setup::new("child", &Log::default()).finish(Finish::AtOnce);
        let child = setup.spec().shutdown(Shutdown::Timeout(day)).start_timeout(day);
        let pid = add(&pool, child).await;
        pool.terminate_child(pid).await.expect("stops");
    }
    let kept = process::timers_pending() - before;
    assert!(kept <= 1, "{kept} timers: one is enough for all children");
}

/// A template that panicked took whoever asked for a child with it.
/// also: DYN-003
#[tokio::test(start_paused = true)]
async fn sup_113_a_template_that_panics_is_a_failed_start() {
    let template = |name: &'static str| match name {
        "" => panic!("there must be a name"),
        name => plain(name),
    };
    let pool = DynamicSupervisor::new().simple_one_for_one(template).await.expect("starts");
    let sibling = pool.start_child("sibling").await.expect("starts").expect("is not ignored");
    let error = pool.start_child("").await.expect_err("no child");
    let ManageError::Refused(PoolStartError::Failed(reason)) = &error else { panic!("{error:?}") };
    assert!(reason.panic().is_some(), "{reason:?}");
    assert!(error.to_string().contains("there must be a name"), "{error}");
    assert_eq!(pool.count_children().await.expect("lives").active, 1);
    assert!(sibling.is_alive());
}

/// A pool dropped the exit signals of strangers without a word; a static supervisor logged them.
/// also: SUP-029
#[tokio::test(start_paused = true)]
async fn sup_081_a_pool_logs_what_it_does_not_know() {
    let reports = Reports::here();
    let (pool, sup) = (pool().await, Supervisor::new([]).start().await.expect("starts"));
    for pid in [pool.pid(), sup.pid()] {
        pid.exit(ExitReason::custom("hello"));
    }
    pool.count_children().await.expect("it does not obey");
    sup.count_children().await.expect("it does not obey");
    for pid in [pool.pid(), sup.pid()] {
        let told = reports.of(&["WARN", &pid.to_string(), "hello"]);
        assert_eq!(told.len(), 1, "{told:?}");
    }
}

/// Automatic shutdown without a template, which is not supported, was ignored in silence.
#[tokio::test(start_paused = true)]
async fn dyn_010_automatic_shutdown_without_a_template_is_refused() {
    let with = |shutdown| DynamicSupervisor::new().auto_shutdown(shutdown);
    for shutdown in [AutoShutdown::AnySignificant, AutoShutdown::AllSignificant] {
        let refused = with(shutdown).start().await.expect_err("is not supported");
        assert_eq!(refused, StartError::Spec(SpecError::AutoShutdownWithoutTemplate));
        let pool = with(shutdown).simple_one_for_one(|(): ()| plain("child")).await;
        pool.expect("with a template it is");
    }
    with(AutoShutdown::Never).start().await.expect("nothing is asked for");
}

/// A pool that was told to stop waited for every `init`, however long it took and whatever the shutdown of the
/// child.
/// also: RUST-001
#[tokio::test(start_paused = true)]
async fn dyn_007_children_still_in_their_init_are_stopped_by_their_own_rule() {
    let limit = ms(50);
    for (shutdown, finish, takes) in [
        (Shutdown::BrutalKill, Finish::Untrapped, ms(0)),
        (Shutdown::BrutalKill, Finish::AtOnce, ms(0)),
        (Shutdown::Timeout(limit), Finish::Untrapped, ms(0)),
        (Shutdown::Timeout(limit), Finish::AtOnce, limit),
        (Shutdown::Infinity, Finish::Untrapped, ms(0)),
    ] {
        let pool = pool().await;
        let setup = Setup::new("slow", &Log::default()).begin(|_| Begin::Never).finish(finish);
        let stop = async {
            until("it is in its init", || setup.starts() == 1).await;
            let began = Instant::now();
            soon("the end of the pool", pool.stop()).await.expect("stops");
            began.elapsed()
        };
        let start = pool.start_child(setup.spec().shutdown(shutdown));
        let (started, took) = tokio::join!(start, stop);
        started.expect_err("it never starts");
        assert!(took >= takes && took <= takes + ms(2), "{shutdown:?}, {finish:?}: {took:?}");
    }
}

/// A supervisor that ends with the last of its children, and what they are registered in.
async fn all_significant() -> (SimpleSupervisorHandle<Setup>, Registry) {
    let registry = Registry::start().await.expect("starts");
    let pool = DynamicSupervisor::new().auto_shutdown(AutoShutdown::AllSignificant);
    let template = |setup: Setup| {
        let child = setup.spec().restart(Restart::Transient).significant();
        child.start_timeout(secs(10)).shutdown(Shutdown::Timeout(secs(5)))
    };
    (pool.registry(&registry).simple_one_for_one(template).await.expect("starts"), registry)
}

/// The end of the last child that ran was forgotten if another one was starting, and that one never came up, or if
/// another one was still being stopped: the pool stayed for ever, without a child.
/// also: SUP-124
#[tokio::test(start_paused = true)]
async fn sup_123_the_last_end_is_not_forgotten_while_others_start_or_stop() {
    let running = async |pool: &SimpleSupervisorHandle<Setup>, setup: Setup| {
        pool.start_child(setup).await.expect("starts").expect("is not ignored")
    };
    let setup = |name, begin| Setup::new(name, &Log::default()).begin(move |_| begin);
    for (begin, terminated) in
        [(Begin::Never, false), (Begin::Never, true), (Begin::Take(secs(1)), false)]
    {
        let (pool, registry) = all_significant().await;
        let last = running(&pool, setup("last", Begin::Run)).await;
        let slow = setup("slow", begin);
        let meanwhile = async {
            until("it is in its init", || slow.starts() == 1).await;
            last.stop(ExitReason::Normal, None).await.expect("ends");
            settle().await;
            assert!(pool.pid().is_alive(), "the other one may still come up");
            if terminated {
                let slow = registry.get("slow").expect("it is registered before its init");
                soon("its end", pool.terminate_child(slow)).await.expect("is a child");
            }
        };
        let (started, ()) = tokio::join!(pool.start_child(slow.clone()), meanwhile);
        if begin == Begin::Never {
            started.expect_err("it never starts");
            assert!(soon("the end of the pool", pool.wait()).await.is_shutdown());
        } else {
            let slow = started.expect("starts").expect("is not ignored");
            pool.terminate_child(slow).await.expect("is a child");
            settle().await;
            assert!(pool.pid().is_alive(), "the one that came up did not end by itself");
        }
    }
    let (pool, _registry) = all_significant().await;
    let slow = setup("slow", Begin::Run).finish(Finish::Take(secs(1)));
    let (slow, last) =
        (running(&pool, slow).await, running(&pool, setup("last", Begin::Run)).await);
    let meanwhile = async {
        settle().await;
        last.stop(ExitReason::Normal, None).await.expect("ends");
    };
    let (stopped, ()) = tokio::join!(pool.terminate_child(slow), meanwhile);
    stopped.expect("it was a child");
    assert!(soon("the end of the pool", pool.wait()).await.is_shutdown());
}

/// A child was no child while it was in its `init`, although its pid was to be had: to terminate it was refused, and
/// it came up. With the pid it had before a restart, the request was not answered before the `init` was through.
#[tokio::test(start_paused = true)]
async fn dyn_006_a_child_in_its_init_is_terminated_by_its_own_rule() {
    let limit = ms(50);
    for (shutdown, finish, takes) in [
        (Shutdown::BrutalKill, Finish::AtOnce, ms(0)),
        (Shutdown::Timeout(limit), Finish::Untrapped, ms(0)),
        (Shutdown::Timeout(limit), Finish::AtOnce, limit),
        (Shutdown::Infinity, Finish::Untrapped, ms(0)),
    ] {
        for first in [Begin::Never, Begin::Run] {
            let registry = Registry::start().await.expect("starts");
            let pool = DynamicSupervisor::new().registry(&registry).start().await.expect("starts");
            let begin = move |n| if n == 1 { first } else { Begin::Never };
            let setup = Setup::new("slow", &Log::default()).begin(begin).finish(finish);
            let child = setup.spec().shutdown(shutdown).restart(Restart::Permanent);
            let end = async || {
                let pid = registry.get("slow").expect("it is registered before its init");
                if first == Begin::Run {
                    pid.kill();
                    until("it is in its init again", || setup.starts() == 2).await;
                }
                let began = Instant::now();
                soon("its end", pool.terminate_child(pid)).await.expect("is a child");
                began.elapsed()
            };
            let took = if first == Begin::Run {
                add(&pool, child).await;
                end().await
            } else {
                let meanwhile = async {
                    until("it is in its init", || setup.starts() == 1).await;
                    end().await
                };
                let (started, took) = tokio::join!(pool.start_child(child), meanwhile);
                let error = started.expect_err("it was terminated");
                let failed = matches!(error, ManageError::Refused(PoolStartError::Failed(_)));
                assert!(failed, "{error:?}");
                took
            };
            let fits = took >= takes && took <= takes + ms(2);
            assert!(fits, "{shutdown:?}, {finish:?}, {first:?}: {took:?}");
            settle().await;
            assert_eq!(registry.count(), 0, "nothing is left of it");
            assert_eq!(pool.count_children().await.expect("lives"), Counts::default());
        }
    }
}

/// A child that survived the request to terminate it, its `init` being through just then, is gone all the same, and
/// no later than its shutdown allows from the request on.
#[tokio::test(start_paused = true)]
async fn dyn_006_the_time_of_a_child_that_starts_nevertheless_goes_on() {
    let registry = Registry::start().await.expect("starts");
    let pool = DynamicSupervisor::new().registry(&registry).start().await.expect("starts");
    let setup = Setup::new("slow", &Log::default());
    let setup = setup.begin(|_| Begin::Take(secs(1))).finish(Finish::Never);
    let meanwhile = async {
        until("it is in its init", || setup.starts() == 1).await;
        let (pid, began) = (registry.get("slow").expect("it is registered"), Instant::now());
        soon("its end", pool.terminate_child(pid)).await.expect("is a child");
        assert!(!pid.is_alive());
        began.elapsed()
    };
    let child = setup.spec().shutdown(Shutdown::Timeout(secs(3)));
    let (started, took) = tokio::join!(pool.start_child(child), meanwhile);
    started.expect_err("it was terminated");
    assert!(took >= secs(3) && took <= secs(3) + ms(2), "{took:?}");
}

/// A child that asked its pool to terminate it, and would not be interrupted, waited for itself for ever.
/// also: SUP-101
#[tokio::test(start_paused = true)]
async fn dyn_006_a_child_does_not_wait_for_its_own_end() {
    struct Ends(DynamicSupervisorHandle);
    type Outcome = Result<(), ManageError<TerminateChildError>>;
    impl GenServer for Ends {
        type Args = DynamicSupervisorHandle;
        type Message = (Pid, Reply<Outcome>);
        async fn init(pool: DynamicSupervisorHandle, ctx: &mut Context<Self>) -> Result<Self> {
            ctx.trap_exits(Trap::On);
            Ok(Self(pool))
        }
        async fn handle(
            &mut self,
            (pid, from): (Pid, Reply<Outcome>),
            _: &mut Context<Self>,
        ) -> Result {
            from.send(self.0.terminate_child(pid).await);
            Ok(())
        }
    }
    let pool = pool().await;
    let ends = || ChildSpec::new::<Ends>("ends", pool.clone()).shutdown(Shutdown::Infinity);
    let (below, child) = (ends(), add(&pool, ends()).await);
    let tree = ChildSpec::supervisor("tree", move || Supervisor::new([below.clone()]));
    let tree = add(&pool, tree).await;
    let sup = SupervisorHandle::of(tree).await.expect("lives");
    let grandchild = sup.whereis("ends").expect("runs");
    let ask = async |who: Pid, whom: Pid| {
        let who: Address<(Pid, Reply<Outcome>)> = Address::of(who).expect("it takes these");
        soon("the answer", who.call(|from| (whom, from)).no_timeout()).await.expect("answers")
    };
    for (who, whom) in [(child, child), (grandchild, tree)] {
        let refused = ask(who, whom).await;
        assert!(matches!(refused, Err(ManageError::Deadlock(_))), "{refused:?}");
    }
    let stranger = Err(ManageError::Refused(TerminateChildError::NotFound));
    assert_eq!(ask(grandchild, grandchild).await, stranger, "it is no child of the pool");
    assert!(child.is_alive() && grandchild.is_alive());
    assert_eq!(ask(grandchild, child).await, Ok(()), "somebody else may");
    pool.terminate_child(tree).await.expect("so may we");
    assert!(!tree.is_alive() && !grandchild.is_alive());
}

/// A handle by pid made a child of any spec a child of a supervisor whose children come from its template.
#[tokio::test(start_paused = true)]
async fn sup_110_a_handle_by_pid_does_not_get_around_the_template() {
    let simple = DynamicSupervisor::new().simple_one_for_one(plain).await.expect("starts");
    let child = simple.start_child("child").await.expect("starts").expect("is not ignored");
    let handle = DynamicSupervisorHandle::of(simple.pid()).expect("it is one");
    let error = handle.start_child(plain("other")).await.expect_err("not from the template");
    assert_eq!(error.to_string(), PoolStartError::Template.to_string());
    assert_eq!(handle.count_children().await.expect("lives").active, 1);
    handle.terminate_child(child).await.expect("the rest of the handle works");
}

/// A restart that was called off kept its deadline, and with it the alarm of the pool, until it would have come.
#[tokio::test(start_paused = true)]
async fn rust_008_the_deadline_of_a_restart_ends_with_it() {
    let (pool, before) = (pool().await, process::timers_pending());
    for hours in [1, 2] {
        let wait = secs(3_600 * hours);
        let backoff = Backoff { min: wait, max: wait, jitter_permille: 0 };
        let pid = add(&pool, plain("child").backoff(backoff)).await;
        pid.exit(ExitReason::error("x"));
        process::join(pid).await;
        settle().await;
        pool.terminate_child(pid).await.expect("its old pid will do");
    }
    // The alarm for the first one goes off, and finds nothing that is still to come.
    take(secs(3_601)).await;
    settle().await;
    assert_eq!(process::timers_pending(), before);
}
