//! SUP-090 … SUP-103: what may be asked of a running supervisor.

use crate::trees;

use std::sync::{Arc, Mutex, OnceLock, Weak};

use fauxtp::SupervisorHandle;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::{
    Backoff, ChildKind, ChildState, Counts, DeleteChildError, ManageError, Restart,
    RestartChildError, Shutdown, SpecError, StartChildError, TerminateChildError,
};
use tokio::time::Instant;

use trees::{Ask, End, Init, Last, Log, Plan, end, end_of, ms, pid, plans, probe, settle, states};

fn refused<T, E>(error: E) -> std::result::Result<T, ManageError<E>> {
    Err(ManageError::Refused(error))
}

#[tokio::test]
async fn sup_090_start_child_appends_or_says_what_is_in_the_way() {
    let log = Log::new();
    let [a, b, c, d] = plans(&log, ["a", "b", "c", "d"]);
    let sup = Supervisor::new([a.spec()]).start().await.expect("starts");
    let started = sup.start_child(b.spec()).await.expect("starts").expect("not ignored");
    assert_eq!(pid(&sup, "b"), started);
    assert_eq!(states(&sup).await, "a b", "the last in the order");
    let running = StartChildError::AlreadyStarted(started);
    assert_eq!(sup.start_child(b.spec()).await, refused(running));
    sup.terminate_child("b").await.expect("stops");
    assert_eq!(sup.start_child(b.spec()).await, refused(StartChildError::AlreadyPresent));
    c.then([Init::Fail, Init::Panic]);
    for _ in 0..2 {
        let failed = sup.start_child(c.spec()).await;
        let Err(ManageError::Refused(StartChildError::Failed(reason))) = failed else {
            panic!("{failed:?}")
        };
        assert!(reason.is_error());
        assert_eq!(states(&sup).await, "a b.", "the spec is forgotten");
    }
    d.then([Init::Ignore]);
    assert_eq!(sup.start_child(d.spec()).await, Ok(None));
    assert_eq!(states(&sup).await, "a b. d.");
    assert!(sup.start_child(c.spec()).await.expect("starts").is_some());
    log.take();
    sup.stop().await.expect("stops");
    assert_eq!(log.take(), "-c -a", "the last to start is the first to go");
}

#[tokio::test(start_paused = true)]
async fn sup_091_terminate_child_returns_when_the_child_is_dead() {
    let log = Log::new();
    let [a, t] = plans(&log, ["a", "t"]).map(|plan| plan.last(Last::Slow(100)));
    let children = [a.spec().restart(Restart::Permanent), t.spec().restart(Restart::Temporary)];
    let sup = Supervisor::new(children).start().await.expect("starts");
    let pids = ["a", "t"].map(|id| pid(&sup, id));
    log.take();
    assert_eq!(sup.terminate_child("a").await, Ok(()));
    assert_eq!((log.take().as_str(), log.now()), ("?a -a", 100));
    assert!(!process::list().contains(&pids[0]) && sup.whereis("a").is_none());
    assert_eq!(states(&sup).await, "a. t", "its spec stays");
    assert_eq!(sup.terminate_child("a").await, Ok(()), "stopped already");
    assert_eq!(sup.terminate_child("t").await, Ok(()));
    assert!(!process::list().contains(&pids[1]));
    assert_eq!(states(&sup).await, "a.");
    for unknown in ["t", "x"] {
        assert_eq!(sup.terminate_child(unknown).await, refused(TerminateChildError::NotFound));
    }
    settle().await;
    assert_eq!(states(&sup).await, "a.", "and is not restarted later");
}

/// What waits, in this order, while the supervisor is busy.
async fn meet(exit_first: bool) -> (String, String, bool) {
    let log = Log::new();
    let [a, busy] = plans(&log, ["a", "busy"]);
    let sup = Supervisor::new([a.spec()]).intensity(1, ms(60_000)).start().await.expect("starts");
    let busy = busy.next([Init::Gate]);
    let dying = probe(&sup, "a");
    let requests = async {
        settle().await;
        if exit_first {
            end_of(&dying, End::Error).await;
        }
        let rest = async {
            settle().await;
            if !exit_first {
                end_of(&dying, End::Error).await;
            }
            busy.open();
        };
        tokio::join!(sup.terminate_child("a"), rest).0
    };
    let (_, terminated) = tokio::join!(sup.start_child(busy.spec()), requests);
    assert_eq!(terminated, Ok(()));
    settle().await;
    let (seen, now) = (log.take(), states(&sup).await);
    // Was the one restart spent?
    sup.restart_child("a").await.expect("starts");
    end(&sup, "a", End::Error).await;
    (seen, now, sup.count_children().await.is_err())
}

#[tokio::test]
async fn sup_092_a_request_and_a_death_that_meet_are_handled_in_order() {
    let (seen, now, counted) = meet(true).await;
    assert_eq!(seen, ">a +a >busy -a +busy >a +a -a", "restarted, then terminated");
    assert_eq!((now.as_str(), counted), ("a. busy", true));
    let (seen, now, counted) = meet(false).await;
    assert_eq!(seen, ">a +a >busy -a +busy");
    assert_eq!((now.as_str(), counted), ("a. busy", false));
}

#[tokio::test]
async fn sup_093_restart_child_revives_a_stopped_child_or_says_why_not() {
    let log = Log::new();
    let [a, b] = plans(&log, ["a", "b"]);
    let sup = Supervisor::new([a.spec(), b.spec()]).unlimited().start().await.expect("starts");
    assert_eq!(sup.restart_child("a").await, refused(RestartChildError::Running));
    assert_eq!(sup.restart_child("x").await, refused(RestartChildError::NotFound));
    sup.terminate_child("a").await.expect("stops");
    let revived = sup.restart_child("a").await.expect("starts").expect("not ignored");
    assert_eq!(pid(&sup, "a"), revived);
    assert_eq!(probe(&sup, "a").call(Ask::Count).await, Ok(1));
    end(&sup, "a", End::Normal).await;
    a.then([Init::Fail, Init::Ignore]);
    let failed = sup.restart_child("a").await;
    let Err(ManageError::Refused(RestartChildError::Failed(reason))) = failed else {
        panic!("{failed:?}")
    };
    assert!(reason.downcast_error::<trees::Oops>().is_some(), "the error itself");
    assert_eq!(states(&sup).await, "a. b", "its spec stays, and nothing is retried");
    assert_eq!(sup.restart_child("a").await, Ok(None), "ignored");
    assert!(sup.restart_child("a").await.expect("starts").is_some());
    a.forever(Init::Fail);
    end(&sup, "a", End::Error).await;
    assert_eq!(sup.restart_child("a").await, refused(RestartChildError::Restarting));
}

#[tokio::test]
async fn sup_094_delete_child_forgets_a_stopped_child_only() {
    let log = Log::new();
    let [a, b] = plans(&log, ["a", "b"]);
    let sup = Supervisor::new([a.spec(), b.spec()]).unlimited().start().await.expect("starts");
    assert_eq!(sup.delete_child("a").await, refused(DeleteChildError::Running));
    assert_eq!(sup.delete_child("x").await, refused(DeleteChildError::NotFound));
    sup.terminate_child("a").await.expect("stops");
    assert_eq!(sup.delete_child("a").await, Ok(()));
    assert_eq!(states(&sup).await, "b");
    assert_eq!(sup.delete_child("a").await, refused(DeleteChildError::NotFound));
    assert_eq!(sup.restart_child("a").await, refused(RestartChildError::NotFound));
    sup.start_child(a.spec()).await.expect("starts");
    assert_eq!(states(&sup).await, "b a", "a new child, last in the order");
    a.forever(Init::Fail);
    end(&sup, "a", End::Error).await;
    assert_eq!(sup.delete_child("a").await, refused(DeleteChildError::Restarting));
}

/// also: SUP-096
#[tokio::test]
async fn sup_095_which_children_lists_each_child() {
    let log = Log::new();
    let [a, b, c] = plans(&log, ["a", "b", "c"]);
    let nested = |id: &str| ChildSpec::supervisor(id, || Supervisor::new([]));
    let children = [a.spec(), nested("s"), b.spec().restart(Restart::Permanent), c.spec()];
    let sup = Supervisor::new(children).unlimited().start().await.expect("starts");
    sup.terminate_child("a").await.expect("stops");
    b.forever(Init::Fail);
    end(&sup, "b", End::Error).await;
    let listed = sup.which_children().await.expect("answers");
    let rows: Vec<_> =
        listed.iter().map(|child| (&*child.id, child.state, child.kind, child.restart)).collect();
    let running = |id| ChildState::Running(pid(&sup, id));
    let expected = [
        ("c", running("c"), ChildKind::Worker, Restart::OnError),
        ("b", ChildState::Restarting, ChildKind::Worker, Restart::Permanent),
        ("s", running("s"), ChildKind::Supervisor, Restart::Permanent),
        ("a", ChildState::Stopped, ChildKind::Worker, Restart::OnError),
    ];
    assert_eq!(rows, expected, "newest first");
}

#[tokio::test]
async fn sup_096_count_children_counts_by_kind() {
    let log = Log::new();
    let [a, b, t] = plans(&log, ["a", "b", "t"]).map(|plan| plan.spec());
    let nested = |id: &str| ChildSpec::supervisor(id, || Supervisor::new([]));
    let children = [a, nested("s"), nested("r"), b, t.restart(Restart::Temporary)];
    let sup = Supervisor::new(children).start().await.expect("starts");
    let counts = async || sup.count_children().await.expect("answers");
    let all = Counts { specs: 5, active: 5, supervisors: 2, workers: 3 };
    assert_eq!(counts().await, all);
    sup.terminate_child("a").await.expect("stops");
    sup.terminate_child("s").await.expect("stops");
    assert_eq!(counts().await, Counts { active: 3, ..all }, "alive or not");
    end(&sup, "t", End::Error).await;
    assert_eq!(counts().await, Counts { specs: 4, active: 2, workers: 2, ..all });
    sup.delete_child("s").await.expect("is stopped");
    assert_eq!(counts().await, Counts { specs: 3, active: 2, supervisors: 1, workers: 2 });
}

#[tokio::test]
async fn sup_097_a_childs_complete_spec_is_found_by_id_or_pid() {
    let log = Log::new();
    let [a, b] = plans(&log, ["a", "b"]).map(|plan| plan.spec());
    let backoff = Backoff::new(ms(1), ms(2));
    let a = a.restart(Restart::Transient).shutdown(Shutdown::BrutalKill).backoff(backoff);
    let sup = Supervisor::new([a, b]).start().await.expect("starts");
    let by_id = sup.child_spec("a").await.expect("answers").expect("known");
    let running = pid(&sup, "a");
    let by_pid = sup.child_spec_of(running).await.expect("answers").expect("known");
    assert_eq!(by_id, by_pid);
    assert_eq!((&*by_id.id, by_id.restart), ("a", Restart::Transient));
    assert_eq!((by_id.shutdown, by_id.backoff), (Shutdown::BrutalKill, Some(backoff)));
    let defaults = sup.child_spec("b").await.expect("answers").expect("known");
    assert_eq!(defaults.shutdown, Shutdown::Timeout(ms(5_000)));
    assert_eq!((defaults.restart, defaults.kind), (Restart::OnError, ChildKind::Worker));
    sup.terminate_child("a").await.expect("stops");
    assert_eq!(sup.child_spec("a").await, Ok(Some(by_id)), "running or not");
    assert_eq!(sup.child_spec_of(running).await, Ok(None));
    assert_eq!(sup.child_spec("x").await, Ok(None));
}

#[tokio::test]
async fn sup_099_a_spec_refused_by_start_child_changes_nothing() {
    let log = Log::new();
    let [a, b] = plans(&log, ["a", "b"]).map(|plan| plan.spec());
    let sup = Supervisor::new([a]).start().await.expect("starts");
    log.take();
    let id = || "b".into();
    let impossible = Backoff { min: ms(2), max: ms(1), jitter_permille: 0 };
    let permanent = b.clone().significant().restart(Restart::Permanent);
    let rows = [
        (b.clone().id(""), SpecError::EmptyId),
        (b.clone().significant(), SpecError::SignificantNeverShutsDown(id())),
        (permanent, SpecError::SignificantPermanent(id())),
        (b.clone().backoff(impossible), SpecError::InvalidBackoff(id())),
    ];
    for (spec, error) in rows {
        assert_eq!(sup.start_child(spec).await, refused(StartChildError::Spec(error)));
        assert_eq!(states(&sup).await, "a");
    }
    assert_eq!(log.take(), "", "nothing has run");
    let name = Name::<SupervisedByte>::new("sup_099");
    let misnamed = sup.start_child(b.clone().name(&name)).await;
    assert!(matches!(misnamed, Err(ManageError::Spec(_))), "{misnamed:?}");
    sup.start_child(b).await.expect("and the id is free");
}

/// A server that takes other messages than a probe.
struct SupervisedByte;

impl GenServer for SupervisedByte {
    type Args = Arc<()>;
    type Message = u8;
    async fn init(_: Arc<()>, _: &mut Context<Self>) -> Result<Self> {
        Ok(Self)
    }
    async fn handle(&mut self, _: u8, _: &mut Context<Self>) -> Result {
        Ok(())
    }
}

#[tokio::test]
async fn sup_100_a_temporary_childs_arguments_are_not_kept() {
    let sup = Supervisor::new([]).start().await.expect("starts");
    let start = async |id: &str, restart| -> Weak<()> {
        let argument = Arc::new(());
        let weak = Arc::downgrade(&argument);
        let child = ChildSpec::new::<SupervisedByte>(id, argument).restart(restart);
        sup.start_child(child).await.expect("starts");
        weak
    };
    assert!(start("kept", Restart::OnError).await.upgrade().is_some());
    assert!(start("not kept", Restart::Temporary).await.upgrade().is_none());
    assert_eq!(states(&sup).await, "kept not kept");
}

/// Calls a supervisor from its `init`, which that supervisor may be waiting for.
struct Caller;

type Answers = Arc<Mutex<Vec<bool>>>;

impl GenServer for Caller {
    type Args = (Arc<OnceLock<SupervisorHandle>>, Answers);
    type Message = ();
    async fn init((sup, answers): Self::Args, _: &mut Context<Self>) -> Result<Self> {
        let Some(sup) = sup.get() else { return Ok(Self) };
        let log = Log::new();
        let child = Plan::new(&log, "x").spec();
        let deadlocks = [
            matches!(sup.which_children().await, Err(CallError::Deadlock(_))),
            matches!(sup.count_children().await, Err(CallError::Deadlock(_))),
            matches!(sup.child_spec("x").await, Err(CallError::Deadlock(_))),
            matches!(sup.start_child(child).await, Err(ManageError::Deadlock(_))),
            matches!(sup.terminate_child("x").await, Err(ManageError::Deadlock(_))),
            matches!(sup.restart_child("x").await, Err(ManageError::Deadlock(_))),
            matches!(sup.delete_child("x").await, Err(ManageError::Deadlock(_))),
        ];
        answers.lock().expect("unpoisoned").extend(deadlocks);
        Ok(Self)
    }
    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
        Err(trees::Oops.into())
    }
}

#[tokio::test(start_paused = true)]
async fn sup_101_a_child_that_calls_its_own_supervisor_from_init_gets_an_error() {
    let (handle, answers) = (Arc::new(OnceLock::new()), Answers::default());
    let args = (handle.clone(), answers.clone());
    let sup = Supervisor::new([ChildSpec::new::<Caller>("first", args.clone())]).unlimited();
    let sup = sup.start().await.expect("starts");
    handle.set(sup.clone()).expect("once");
    let since = Instant::now();
    let taken = || std::mem::take(&mut *answers.lock().expect("unpoisoned"));
    // On a start by hand, on a restart, and below another supervisor that starts meanwhile.
    sup.start_child(ChildSpec::new::<Caller>("a", args.clone())).await.expect("starts");
    assert_eq!(taken(), [true; 7]);
    let child = sup.child::<Caller>("a").resolve().expect("runs");
    child.cast(());
    process::join(child.pid()).await;
    assert_eq!(states(&sup).await, "first a");
    assert_eq!(taken(), [true; 7]);
    let grandchild = args.clone();
    let nested = ChildSpec::supervisor("nested", move || {
        Supervisor::new([ChildSpec::new::<Caller>("grandchild", grandchild.clone())])
    });
    sup.start_child(nested).await.expect("starts");
    assert_eq!(taken(), [true; 7]);
    assert_eq!(since.elapsed(), Duration::ZERO);
    // A stranger's init may call: nobody waits for it but the test.
    Caller::start((handle, answers.clone())).await.expect("starts");
    assert_eq!(taken().iter().filter(|deadlock| **deadlock).count(), 0);
    assert!(sup.whereis("x").is_some(), "it has stopped and restarted it");
}

/// A server that starts a caller when it is told to, in its `init` or later.
struct Starter(Arc<OnceLock<SupervisorHandle>>, Answers);

impl GenServer for Starter {
    type Args = (Arc<OnceLock<SupervisorHandle>>, Answers, bool);
    type Message = Reply<()>;
    async fn init((sup, answers, at_once): Self::Args, ctx: &mut Context<Self>) -> Result<Self> {
        if at_once {
            Caller::start((sup.clone(), answers.clone())).link(ctx).await.expect("starts");
        }
        Ok(Self(sup, answers))
    }
    async fn handle(&mut self, from: Reply<()>, ctx: &mut Context<Self>) -> Result {
        Caller::start((self.0.clone(), self.1.clone())).link(ctx).await.expect("starts");
        from.send(());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn sup_101_who_starts_below_a_child_that_runs_may_call() {
    let (handle, answers) = (Arc::new(OnceLock::new()), Answers::default());
    let taken = || std::mem::take(&mut *answers.lock().expect("unpoisoned"));
    let child = |id: &str, at_once| {
        ChildSpec::new::<Starter>(id, (handle.clone(), answers.clone(), at_once))
    };
    let sup = Supervisor::new([child("runs", false)]).start().await.expect("starts");
    handle.set(sup.clone()).expect("once");
    let runs = sup.child::<Starter>("runs").resolve().expect("runs");
    runs.call(|from| from).await.expect("nobody waits for the other but the child");
    assert_eq!(taken(), [false; 7]);
    assert!(sup.whereis("x").is_some(), "it has stopped and restarted it");
    // Below one that starts, the supervisor waits for both.
    sup.start_child(child("starts", true)).await.expect("starts");
    assert_eq!(taken(), [true; 7]);
    assert_eq!(states(&sup).await, "runs x starts");
}

/// Starts, finds and stops so many children; tells how long that took.
async fn crowd(size: usize) -> Duration {
    let since = Instant::now();
    let sup = Supervisor::new([]).start().await.expect("starts");
    for n in 0..size {
        let child = ChildSpec::task(n.to_string(), std::future::pending::<()>);
        sup.start_child(child).await.expect("starts");
    }
    assert_eq!(sup.count_children().await.expect("answers").active, size);
    for n in (0..size).step_by(10) {
        let pid = sup.whereis(&n.to_string()).expect("runs");
        let spec = sup.child_spec_of(pid).await.expect("answers").expect("known");
        assert_eq!(*spec.id, *n.to_string());
    }
    sup.stop().await.expect("stops");
    assert_eq!(sup.registry().count(), 0);
    since.elapsed()
}

/// Ten times the children may take ten times as long, and a few times more for caches and luck; with
/// anything quadratic it would be a hundred times.
#[tokio::test]
async fn sup_102_a_hundred_thousand_children_take_about_linear_time() {
    crowd(1_000).await;
    let small = crowd(10_000).await;
    let large = crowd(100_000).await;
    assert!(large < small * 40, "{small:?} {large:?}");
}

#[tokio::test(start_paused = true)]
async fn sup_103_looking_at_children_never_waits_for_them() {
    let log = Log::new();
    let [a, b] = plans(&log, ["a", "b"]).map(|plan| plan.spec());
    let sup = Supervisor::new([a, b]).start().await.expect("starts");
    for id in ["a", "b"] {
        probe(&sup, id).cast(Ask::Hang);
    }
    settle().await;
    assert_eq!(states(&sup).await, "a b");
    assert_eq!(sup.count_children().await.expect("answers").active, 2);
    assert!(sup.child_spec("a").await.expect("answers").is_some());
    assert_eq!(sup.child_spec_of(pid(&sup, "b")).await.map(|spec| spec.is_some()), Ok(true));
    assert_eq!(log.now(), 0);
}
