//! What the Python original got wrong, as found by running it; the fatal defects, a test for each.

use crate::pools;

use std::sync::Arc;

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::{ChildState, Shutdown, SupervisorHandle};
use tokio::sync::oneshot;
use tokio::time::Instant;

use pools::{
    Actor, Ask, Begin, Finish, Log, Setup, actor, end, ms, observer, place, plain, secs, seen,
    soon, state, until,
};

async fn start(supervisor: Supervisor) -> SupervisorHandle {
    soon("the start of a supervisor", supervisor.start()).await.expect("all children start")
}

/// also: CON-11
#[tokio::test(start_paused = true)]
async fn faux_01_when_start_returns_every_child_is_there() {
    let registry: Registry = Registry::start().await.expect("starts");
    let name = |n: usize| format!("child-{n:03}");
    let setups = (0..100).map(|n| {
        let registry = registry.clone();
        Setup::new(&name(n), &Log::default()).begin(move |_| {
            // Registered in the order of the list, each before its own init.
            assert!((0..100).all(|other| registry.get(&name(other)).is_some() == (other <= n)));
            Begin::Run
        })
    });
    let specs: Vec<_> = setups.map(|setup| setup.spec()).collect();
    let sup = start(Supervisor::new(specs).registry(&registry)).await;
    let found: Vec<_> = (0..100).map(|n| registry.get(&name(n))).collect();
    for (n, pid) in found.into_iter().enumerate() {
        assert_eq!(actor(&registry, &name(n)).call(Ask::Who).await.ok(), pid);
    }
    sup.stop().await.expect("stops");
}

#[tokio::test(start_paused = true)]
async fn faux_02_a_pid_from_the_registry_is_the_process_itself() {
    let registry: Registry = Registry::start().await.expect("starts");
    let mut started = Vec::new();
    for n in 0..1_000 {
        let setup = Setup::new("", &Log::default());
        let key = n.to_string();
        let address = Actor::start(setup).via(&registry, key.clone(), ()).await.expect("starts");
        started.push((key, address));
    }
    for (key, address) in &started {
        assert_eq!(registry.get(key), Some(address.pid()));
        let found = registry.address::<Actor>(key).expect("is registered");
        assert_eq!(found.call(Ask::Who).await, Ok(address.pid()), "it is not the copy of an inbox");
    }
}

/// Every way in which a parent may end.
#[derive(Clone, Copy, Debug)]
enum Way {
    Stop,
    Kill,
    GiveUp,
}

/// also: SUP-030
#[tokio::test(start_paused = true)]
async fn faux_03_children_never_outlive_their_parent() {
    for way in [Way::Stop, Way::Kill, Way::GiveUp] {
        let log = Log::default();
        let deep = Setup::new("deep", &log).finish(Finish::Take(ms(10)));
        let inner = ChildSpec::supervisor("inner", move || Supervisor::new([deep.spec()]));
        let registry: Registry = Registry::start().await.expect("starts");
        let specs = [plain("plain"), Setup::new("trap", &log).finish(Finish::AtOnce).spec(), inner];
        let sup = Supervisor::new(specs).registry(&registry).intensity(0, secs(5));
        let sup = start(sup).await;
        let children = sup.which_children().await.expect("lives");
        let pids: Vec<_> = children.iter().filter_map(|child| child.state.pid()).collect();
        assert_eq!(pids.len(), 3);
        match way {
            Way::Stop => sup.stop().await.expect("stops"),
            Way::Kill => sup.pid().kill(),
            Way::GiveUp => actor(&registry, "plain").send(Ask::Fail),
        }
        soon("the end of the supervisor", sup.wait()).await;
        for pid in pids {
            soon("the end of a child", process::join(pid)).await;
        }
        until("the grandchild is gone", || log.count("gone deep") == 1).await;
        assert_eq!(log.count("gone trap"), 1, "{way:?}");
        assert_eq!(registry.count(), 0, "{way:?}");
    }
    // A process that is no supervisor, but the parent of one: whether it fails or ends well.
    for reason in [ExitReason::Normal, ExitReason::error("crash")] {
        let (tell, told) = oneshot::channel();
        let parent = process::spawn(async move |ctx: process::Context<()>| {
            let sup = Supervisor::new([plain("child")]).link(&ctx).start().await;
            let sup = sup.expect("starts");
            let child = sup.whereis("child").expect("runs");
            tell.send((sup.pid(), child)).expect("the test waits");
            reason
        });
        parent.expect("starts");
        let (sup, child) = told.await.expect("the parent tells");
        soon("the end of the supervisor", process::join(sup)).await;
        soon("the end of the child", process::join(child)).await;
    }
}

/// Goal: no subtree twice. Method: its leaf takes a second to end; at that, nothing of the new one may have started.
/// also: CON-05
#[tokio::test(start_paused = true)]
async fn faux_04_a_subtree_has_ended_before_its_end_is_told() {
    for strategy in [RestartStrategy::OneForAll, RestartStrategy::OneForOne] {
        let log = Log::default();
        let registry: Registry = Registry::start().await.expect("starts");
        let inner = {
            let leaf = Setup::new("leaf", &log).finish(Finish::Take(secs(1))).spec();
            let (specs, registry) = ([leaf, plain("bad")], registry.clone());
            let inner = move || Supervisor::new(specs.clone()).registry(&registry);
            ChildSpec::supervisor("inner", move || inner().intensity(0, secs(5)))
        };
        let told = log.clone();
        let sup = Supervisor::new([plain("sibling"), inner]).strategy(strategy);
        let sup =
            sup.registry(&registry).on_exit(move |_, reason| told.push(format!("{reason:#}")));
        let sup = start(sup).await;
        let before = registry.get("inner").expect("runs");
        let (failing, why) = match strategy {
            RestartStrategy::OneForAll => ("sibling", "shutdown"),
            _ => ("bad", "shutdown(MaxRestartsReached)"),
        };
        log.take();
        actor(&registry, failing).send(Ask::Fail);
        soon("the end of the subtree", process::join(before)).await;
        let children = sup.which_children().await.expect("lives");
        assert!(matches!(state(&children, "inner"), ChildState::Running(pid) if pid != before));
        let lines = log.take();
        let gone = place(&lines, "gone leaf");
        assert!(gone < place(&lines, why), "told after the end: {lines:?}");
        assert!(place(&lines, why) < place(&lines, "start leaf"), "never two leaves: {lines:?}");
        sup.stop().await.expect("stops");
        assert_eq!(log.count("gone leaf"), 1, "one leaf was left");
    }
}

#[tokio::test(start_paused = true)]
async fn faux_05_a_supervisor_that_ends_does_finish() {
    for way in [Way::Stop, Way::Kill, Way::GiveUp] {
        let log = Log::default();
        let specs = [
            plain("plain"),
            Setup::new("slow", &log).finish(Finish::Take(secs(1))).spec(),
            Setup::new("hangs", &log)
                .finish(Finish::Never)
                .spec()
                .shutdown(Shutdown::Timeout(ms(50))),
        ];
        let sup = start(Supervisor::new(specs).intensity(0, secs(5))).await;
        let owner = sup.registry().pid().expect("has its own registry");
        let began = Instant::now();
        match way {
            Way::Stop => sup.stop().await.expect("stops"),
            Way::Kill => sup.pid().kill(),
            Way::GiveUp => actor(sup.registry(), "plain").send(Ask::Fail),
        }
        let reason = soon("the end of the supervisor", sup.wait()).await;
        match way {
            Way::Stop => assert!(reason.is_shutdown(), "it is known afterwards as well"),
            Way::Kill => assert!(reason.is_killed()),
            Way::GiveUp => assert!(reason.is_shutdown()),
        }
        assert!(began.elapsed() <= ms(1_050), "{way:?}: {:?}", began.elapsed());
        soon("the end of its registry", process::join(owner)).await;
        let late = sup.which_children().await;
        assert!(late.is_err(), "whoever asks a dead supervisor is told so");
    }
}

/// also: SUP-055
#[tokio::test(start_paused = true)]
async fn faux_06_a_crash_in_init_is_retried_within_the_limit() {
    for broken in [Begin::Fail, Begin::Panic, Begin::RunAndFail] {
        let log = Log::default();
        let bad = Setup::new("bad", &log).begin(move |n| if n == 1 { Begin::Run } else { broken });
        let sup = start(Supervisor::new([plain("other"), bad.spec()])).await;
        end(&actor(sup.registry(), "bad"), Ask::Fail).await;
        let reason = soon("the supervisor gives up", sup.wait()).await;
        assert!(reason.is_shutdown(), "{reason:?}");
        assert_eq!(bad.starts(), 1 + 3, "three restarts in five seconds, and no more");
    }
    // At the first start, the starter is told, and nothing is tried again.
    let bad = Setup::new("bad", &Log::default()).begin(|_| Begin::Fail);
    let error = Supervisor::new([bad.spec()]).start().await.expect_err("no start");
    assert!(error.to_string().contains("Broken { code: 1 }"), "{error}");
    assert_eq!(bad.starts(), 1);
}

/// The first acceptance criterion for the original's behaviour: no limit, and yet no harm.
///
/// Goal: 1,000 failures in a row cost nothing that stays, and starve nobody. Method: the child fails by itself as soon
/// as it runs; meanwhile a sibling and the supervisor are asked, and at the end everything is counted.
/// also: CON-03, RUST-007
#[tokio::test(start_paused = true)]
async fn faux_06_a_thousand_failures_neither_leak_nor_starve() {
    for broken in [Begin::RunAndFail, Begin::Fail] {
        let log = Log::default();
        let bad = Setup::new("bad", &log).begin(move |n| match n {
            1 => Begin::RunAndFail,
            2..=1_000 => broken,
            _ => Begin::Run,
        });
        let (observe, mut exits) = observer();
        let sup = Supervisor::new([plain("good"), bad.spec()]).unlimited().on_exit(observe);
        let sup = start(sup).await;
        let (asked, good) = ((sup.clone(), bad.clone()), actor(sup.registry(), "good"));
        // In a process of its own: the runtime polls the test's own future seldom.
        let asker = process::spawn(async move |_: process::Context<()>| {
            let (sup, bad) = asked;
            while bad.starts() <= 1_000 {
                let before = bad.starts();
                good.call(Ask::Who).await.expect("is not starved");
                let meanwhile = bad.starts() - before;
                assert!(meanwhile <= 5, "the sibling waits for a turn or two, not {meanwhile}");
                let before = bad.starts();
                sup.which_children().await.expect("is not starved");
                let meanwhile = bad.starts() - before;
                assert!(meanwhile <= 5, "so does whoever asks the supervisor, not {meanwhile}");
            }
        });
        let asked_well = soon("all questions", process::join(asker.expect("starts").pid())).await;
        assert!(asked_well.is_normal(), "{asked_well:?}");
        let children = sup.which_children().await.expect("lives");
        let last = state(&children, "bad").pid().expect("runs at last");
        let facts = sup.pid().info().await.expect("lives");
        // Two children and the registry.
        assert_eq!((facts.links.len(), facts.monitors, facts.queue_len), (3, 0, 0));
        assert_eq!(sup.registry().count(), 2);
        let dead: Vec<_> = seen(&mut exits).into_iter().map(|(pid, _)| pid).collect();
        assert_eq!(dead.len(), if broken == Begin::Fail { 1 } else { 1_000 });
        let here = process::list();
        assert!(here.contains(&last) && dead.iter().all(|pid| !here.contains(pid)));
        assert_eq!(
            Arc::strong_count(&bad.starts),
            3,
            "this one, the child's, and its specification's"
        );
        sup.stop().await.expect("stops");
        assert_eq!(Arc::strong_count(&bad.starts), 1, "nothing is kept");
    }
}
