//! What once went wrong with the ends of processes, and what is said of them, and must not again.

use crate::pools;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fauxtp::prelude::*;
use fauxtp::process::{self, Received, Trap};
use fauxtp::supervisor::{Restart, Shutdown};
use tokio::sync::{Notify, oneshot};

use pools::reports::Reports;
use pools::{Ask, actor, end, plain, secs, soon};

/// A message that panics when it is dropped.
struct Armed;

impl Drop for Armed {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a message is dropped");
    }
}

/// The message of a pending timer was dropped unguarded when its process ended: nobody was told of the end, and
/// the process was never restarted.
/// also: TMR-004
#[tokio::test(start_paused = true)]
async fn rust_002_the_destructor_of_a_timers_message_cuts_no_end_short() {
    let timers = Arc::<AtomicUsize>::default();
    let set = timers.clone();
    let child = ChildSpec::process("child", move |mut ctx: process::Context<Armed>| {
        let set = set.clone();
        async move {
            for _ in 0..3 {
                ctx.send_after(secs(3_600), Armed);
                set.fetch_add(1, Ordering::SeqCst);
            }
            std::future::pending::<()>().await;
        }
    });
    let sup = Supervisor::new([child.restart(Restart::Permanent)]).start().await.expect("starts");
    for round in 1..=3 {
        let pid = sup.whereis("child").expect("runs");
        pools::until("its timers are set", || timers.load(Ordering::SeqCst) == 3 * round).await;
        pid.kill();
        assert!(soon("the end", process::join(pid)).await.is_killed());
        let counts = soon("the restart", sup.count_children()).await.expect("lives");
        assert_eq!(counts.active, 1, "it is restarted");
        assert!(!pid.is_alive() && !process::list().contains(&pid));
        assert_ne!(sup.whereis("child"), Some(pid));
    }
    soon("the end of the supervisor", sup.stop()).await.expect("stops");
}

/// A crash was reported with the place of an earlier panic, which the process had caught itself.
///
/// also: PL-008
#[tokio::test(start_paused = true)]
async fn rust_002_a_panic_is_not_reported_at_the_place_of_another() {
    let panics = [
        ("thrown", Some(())),
        // Thrown on without the hook: the place of the first is the place of the second, if it is the same.
        ("caught and thrown on", Some(())),
        ("caught, then another", None),
    ];
    for (words, place) in panics {
        let process = process::spawn(async move |mut ctx: process::Context<()>| {
            ctx.recv().await;
            let caught = std::panic::catch_unwind(|| panic!("{words}")).expect_err("panics");
            match words {
                "thrown" => panic!("{words}"),
                "caught and thrown on" => std::panic::resume_unwind(caught),
                _ => std::panic::resume_unwind(Box::new("another")),
            }
        });
        let process = process.expect("there is a runtime");
        let end = process::join(&process);
        process.send(());
        let reason = soon("the end", end).await;
        let panic = reason.panic().expect("it was a panic");
        let location = panic.location.as_deref();
        assert_eq!(location.map(|_| ()), place, "{words}: {panic:?}");
        assert!(location.is_none_or(|location| location.contains("regression_processes.rs")));
    }
}

/// What outlives its process, a context carried elsewhere, linked a new process with the dead.
#[tokio::test]
async fn proc_013_a_process_linked_with_the_dead_from_its_first_moment_hears_of_it() {
    for killed in [false, true] {
        let (hand_out, handed_out) = oneshot::channel();
        let dead = process::spawn(async move |ctx: process::Context<()>| {
            let _the_test_waits = hand_out.send(ctx);
            if killed {
                std::future::pending::<()>().await;
            }
        });
        let dead = dead.expect("there is a runtime").pid();
        let mut ctx = handed_out.await.expect("it begins");
        if killed {
            dead.kill();
        }
        process::join(dead).await;
        let body = async |_: process::Context<()>| std::future::pending::<()>().await;
        let child = ctx.spawn_link(body).expect("there is a runtime");
        assert!(soon("the end", process::join(&child)).await.is_no_proc(), "killed: {killed}");
        let (free, monitor) = ctx.spawn_monitor(body).expect("there is a runtime");
        assert!(free.pid().is_alive());
        assert!(!ctx.demonitor(monitor), "the dead watch nobody");
        free.pid().kill();
    }
}

/// Those who end together with a process were not named in the report of its crash.
#[tokio::test(start_paused = true)]
async fn pl_008_a_crash_report_names_those_who_end_as_well() {
    let reports = Reports::here();
    let (hand_out, handed_out) = oneshot::channel();
    let crashes = process::spawn(async move |mut ctx: process::Context<()>| {
        let idle = async |_: process::Context<()>| std::future::pending::<()>().await;
        let mut peers: Vec<Pid> = Vec::new();
        for _ in 0..20 {
            peers.push(ctx.spawn_link(idle).expect("there is a runtime").pid());
        }
        hand_out.send(peers).expect("the test waits");
        Err::<(), _>(Stop::error("over"))
    });
    let mut peers = handed_out.await.expect("it begins");
    soon("the end", process::join(&crashes.expect("there is a runtime"))).await;
    peers.sort_unstable();
    let told = reports.of(&["process crashed", &format!(" neighbours={:?} ", &peers[..15])]);
    assert_eq!(told.len(), 1, "{:?}", reports.of(&[]));
    for peer in peers {
        assert!(soon("its end", process::join(peer)).await.is_error() || !peer.is_alive());
    }
}

/// Messages that a process had taken over, and not handled, were missing in the report of its crash.
#[tokio::test(start_paused = true)]
async fn pl_008_a_crash_report_counts_all_that_was_unread() {
    struct Fails;
    impl GenServer for Fails {
        type Args = ();
        type Message = u8;
        async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
            Ok(Self)
        }
        async fn handle(&mut self, _: u8, ctx: &mut Context<Self>) -> Result {
            // These lie in the inbox, the others were taken over with the first one.
            (0..5).for_each(|late| ctx.address().cast(late));
            Err(Stop::error("over"))
        }
    }
    let reports = Reports::here();
    let server = Fails::start(()).await.expect("starts");
    let raw = process::spawn(async |mut ctx: process::Context<u8>| {
        ctx.recv().await;
        (0..5).for_each(|late| ctx.address().send(late));
        Err::<(), _>(Stop::error("over"))
    });
    for address in [server, raw.expect("there is a runtime")] {
        (0..100).for_each(|message| address.send(message));
        soon("the end", process::join(&address)).await;
        let told = reports.of(&["process crashed", " queue_len=104"]);
        assert_eq!(told.len(), 1, "{:?}", reports.of(&[]));
        reports.clear();
    }
}

/// How often it was tried to write what cannot be written.
static TRIED: AtomicUsize = AtomicUsize::new(0);

/// An error that cannot be written.
struct Unspeakable;

impl fmt::Debug for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        TRIED.fetch_add(1, Ordering::SeqCst);
        panic!("this cannot be written");
    }
}

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("nor can this");
    }
}

impl std::error::Error for Unspeakable {}

struct Fails;

static FAILS: Name<Fails> = Name::new("regression: fails");

impl GenServer for Fails {
    type Args = ();
    type Message = Reply<()>;

    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self)
    }

    async fn handle(&mut self, from: Reply<()>, _: &mut Context<Self>) -> Result {
        drop(from);
        Err(Unspeakable)?
    }
}

/// As soon as anybody listened to reports, a process that ended with such an error was immortal: the report was
/// made before anything else of the end, and its panic cut all of that short. The report is made all the same.
///
/// also: PL-007
#[tokio::test(start_paused = true)]
async fn rust_002_an_error_that_cannot_be_written_cuts_no_end_short() {
    let reports = Reports::here();
    let raw = process::spawn(async |mut ctx: process::Context<()>| -> Result {
        ctx.recv().await;
        Err(Unspeakable)?
    });
    let raw = raw.expect("there is a runtime");
    let (reason, _) =
        soon("the end", async { tokio::join!(process::join(&raw), async { raw.send(()) }) }).await;
    assert!(reason.downcast_error::<Unspeakable>().is_some() && !raw.is_alive());

    let sup = Supervisor::new([Fails::spec(()).name(&FAILS)]).start().await.expect("starts");
    for _ in 0..3 {
        let old = FAILS.whereis().expect("runs");
        soon("the call", FAILS.call(|from| from)).await.expect_err("it fails");
        soon("the end", process::join(&old)).await;
        let counts = soon("the restart", sup.count_children()).await.expect("lives");
        assert_eq!(counts.active, 1, "it is restarted");
        assert_ne!(FAILS.whereis().expect("is held"), old);
        assert!(!process::list().contains(&old.pid()));
    }
    soon("the end of the supervisor", sup.stop()).await.expect("stops");
    assert!(FAILS.whereis().is_none());
    assert!(TRIED.load(Ordering::SeqCst) > 0, "somebody listened, and it was tried");
    assert_eq!(reports.of(&["process crashed"]).len(), 4);
    assert_eq!(reports.of(&["child_terminated"]).len(), 3);
}

/// If a child was told to end with such an error, its supervisor made the report, and died of it.
#[tokio::test(start_paused = true)]
async fn rust_002_an_error_that_cannot_be_written_does_not_harm_the_supervisor() {
    let _somebody_listens = Reports::here();
    let sup = Supervisor::new([plain("child")]).start().await.expect("starts");
    let pool = DynamicSupervisor::new().start().await.expect("starts");
    let child = sup.whereis("child").expect("runs");
    let in_pool = pool.start_child(plain("child")).await.expect("starts").expect("runs");
    for pid in [child, in_pool] {
        pid.exit(ExitReason::error(Unspeakable));
        soon("the end", process::join(pid)).await;
    }
    let counts = soon("the restart", sup.count_children()).await.expect("lives");
    assert_eq!(counts.active, 1, "it is restarted");
    let counts = soon("the restart", pool.count_children()).await.expect("lives");
    assert_eq!(counts.active, 1, "it is restarted");
    // Nor does one that is not for them at all.
    for pid in [sup.pid(), pool.pid()] {
        pid.exit(ExitReason::error(Unspeakable));
    }
    sup.count_children().await.expect("lives");
    pool.count_children().await.expect("lives");
    assert!(TRIED.load(Ordering::SeqCst) > 0, "somebody listened, and it was tried");
}

/// The supervisor was told of an end, and could say so, before the process was marked dead.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sup_091_a_child_is_dead_when_its_termination_returns() {
    let rounds = async |pooled: bool| {
        let idle = || ChildSpec::task("idle", std::future::pending::<()>);
        let sup = Supervisor::new([idle()]).start().await.expect("starts");
        let pool = DynamicSupervisor::new().start().await.expect("starts");
        for round in 0..ROUNDS {
            let pid = if pooled {
                let child = idle().shutdown(Shutdown::Infinity);
                let pid = pool.start_child(child).await.expect("starts").expect("runs");
                pool.terminate_child(pid).await.expect("stops");
                pid
            } else {
                let pid = sup.whereis("idle").expect("runs");
                sup.terminate_child("idle").await.expect("stops");
                pid
            };
            assert!(!pid.is_alive(), "round {round}, in a pool: {pooled}");
            if !pooled {
                sup.restart_child("idle").await.expect("starts");
            }
        }
    };
    let mut testers = Vec::new();
    for pooled in [false, true, false, true] {
        let (done, test) = oneshot::channel();
        let tester = process::spawn(async move |_: process::Context<()>| {
            rounds(pooled).await;
            let _the_test_waits = done.send(());
        });
        tester.expect("there is a runtime");
        testers.push(test);
    }
    for test in testers {
        test.await.expect("is done, and did not panic");
    }
}

/// How often a child is terminated by each tester; before it was mended about one round in 16,000 failed.
const ROUNDS: usize = 5_000;

/// A process counted as dead while its links and monitors were still being told.
/// also: PROC-008
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn mon_001_who_sees_that_a_process_is_dead_finds_everybody_told() {
    const WATCHERS: usize = 200;
    for round in 0..100 {
        let go = Arc::new(Notify::new());
        let gone = go.clone();
        let target = process::spawn(async move |_: process::Context<()>| gone.notified().await);
        let target = target.expect("there is a runtime").pid();
        let mut last = None;
        for _ in 0..WATCHERS {
            last = Some(watcher(target).await);
        }
        let last = last.expect("there are watchers");
        go.notify_one();
        while target.is_alive() {
            std::hint::spin_loop();
        }
        let (ask, told) = oneshot::channel();
        last.send(ask);
        assert_eq!(told.await, Ok(true), "round {round}");
    }
}

/// Watches another process; tells whoever asks whether it has heard of its end.
async fn watcher(target: Pid) -> Address<oneshot::Sender<bool>> {
    let (ready, watches) = oneshot::channel();
    let watcher = process::spawn(async move |mut ctx: process::Context<oneshot::Sender<bool>>| {
        ctx.monitor(target);
        let _the_test_waits = ready.send(());
        let mut told = false;
        loop {
            match ctx.recv().await {
                Received::Message(from) => {
                    let _the_test_waits = from.send(told);
                    break;
                }
                Received::Down(_) => told = true,
                other => unreachable!("nothing else is received: {other:?}"),
            }
        }
    });
    watches.await.expect("it begins");
    watcher.expect("there is a runtime")
}

/// The crash report of a restarted child said one restart too few.
/// also: LOG-004
#[tokio::test(start_paused = true)]
async fn pl_008_a_crash_report_counts_the_restarts_before_it() {
    let reports = Reports::here();
    let sup = Supervisor::new([plain("child")]).intensity(9, secs(5)).start().await;
    let sup = sup.expect("starts");
    for restarts in 0..4 {
        end(&actor(sup.registry(), "child"), Ask::Panic).await;
        sup.count_children().await.expect("lives");
        let told = reports.of(&["process crashed", &format!(" restarts={restarts}")]);
        assert_eq!(told.len(), 1, "{restarts}: {told:?}");
    }
    assert_eq!(reports.of(&["process crashed"]).len(), 4);
    reports.clear();
    let registry = Registry::start().await.expect("starts");
    let pool = DynamicSupervisor::new().intensity(9, secs(5)).registry(&registry).start().await;
    let pool = pool.expect("starts");
    pool.start_child(plain("child")).await.expect("starts");
    for restarts in 0..4 {
        end(&actor(&registry, "child"), Ask::Panic).await;
        pools::settle().await;
        let counts = pool.count_children().await.expect("lives");
        assert_eq!(counts.active, 1, "it is restarted");
        let told = reports.of(&["process crashed", &format!(" restarts={restarts}")]);
        assert_eq!(told.len(), 1, "in a pool, {restarts}: {told:?}");
    }
}

/// A server that fails in the midst of work.
struct Loaded;

enum Work {
    /// Becomes what a report has to tell, with so many messages waiting, and fails.
    Fail {
        peer: Option<Pid>,
        waiting: usize,
    },
    Wait,
}

impl GenServer for Loaded {
    type Args = Trap;
    type Message = Work;

    async fn init(trap: Trap, ctx: &mut Context<Self>) -> Result<Self> {
        ctx.trap_exits(trap);
        Ok(Self)
    }

    async fn handle(&mut self, work: Work, ctx: &mut Context<Self>) -> Result {
        let Work::Fail { peer, waiting } = work else { return Ok(()) };
        if let Some(peer) = peer {
            ctx.link(peer)?;
        }
        (0..waiting).for_each(|_| ctx.address().send(Work::Wait));
        Err(Stop::error("fails"))
    }
}

/// Everything that is known of a process was in its crash report but never looked at: it might have been nothing.
#[tokio::test(start_paused = true)]
async fn pl_008_a_crash_report_tells_of_name_line_links_queue_and_trapping() {
    static NAME: Name<Loaded> = Name::new("pl-008");
    let reports = Reports::here();
    let peer = process::spawn(async |mut ctx: process::Context<()>| {
        ctx.trap_exits(Trap::On);
        loop {
            ctx.recv().await;
        }
    });
    let peer = peer.expect("there is a runtime").pid();
    for (trap, linked, named, waiting, depth) in
        [(Trap::On, Some(peer), true, 3, 2), (Trap::Off, None, false, 0, 1)]
    {
        let start = async move |_: process::Context<()>| {
            let start = Loaded::start(trap);
            let server = if named { start.name(&NAME) } else { start }.await.expect("starts");
            let ended = process::join(&server);
            let fail = async { server.send(Work::Fail { peer: linked, waiting }) };
            assert!(tokio::join!(ended, fail).0.is_error());
        };
        // One that starts it, or one that starts the one that starts it.
        let starters = Arc::<Mutex<Vec<Pid>>>::default();
        let (line, all) = (starters.clone(), starters.clone());
        let first = process::spawn(async move |mut ctx: process::Context<()>| {
            all.lock().expect("unpoisoned").push(ctx.pid());
            if depth == 1 {
                return start(ctx).await;
            }
            let second = ctx.spawn(start).expect("there is a runtime").pid();
            all.lock().expect("unpoisoned").insert(0, second);
            process::join(second).await;
        });
        assert!(soon("the end", process::join(&first.expect("starts"))).await.is_normal());
        let told = reports.of(&["process crashed"]);
        assert_eq!(told.len(), 1, "{told:?}");
        let ancestors = line.lock().expect("unpoisoned").clone();
        assert_eq!(ancestors.len(), depth);
        let links: Vec<Pid> = linked.into_iter().collect();
        let trapping = matches!(trap, Trap::On);
        let expected = [
            format!(" queue_len={waiting} ancestors={ancestors:?} links={links:?} "),
            // The peer traps exits, so it does not end as well.
            " neighbours=[] ".to_owned(),
            format!(" trapping={trapping} "),
        ];
        for part in &expected {
            assert!(told[0].contains(part), "{part} is in {told:?}");
        }
        assert_eq!(told[0].contains(" name=\"pl-008\" "), named, "{told:?}");
        reports.clear();
    }
}
