//! The contract: what the Supervisor API document promises.

use crate::pools;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fauxtp::Down;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::{ChildState, Restart, SupervisorHandle};
use tokio::time::Instant;

use pools::{
    Actor, Ask, Begin, Broken, Finish, Log, Setup, actor, end, ms, observer, place, plain, secs,
    seen, soon, state,
};

async fn start(supervisor: Supervisor) -> SupervisorHandle {
    soon("the start of a supervisor", supervisor.start()).await.expect("all children start")
}

#[tokio::test(start_paused = true)]
async fn con_01_each_child_is_started_once() {
    let log = Log::default();
    let setups = ["a", "b", "c"].map(|name| Setup::new(name, &log));
    let sup = start(Supervisor::new(setups.iter().map(Setup::spec))).await;
    assert_eq!(log.lines(), ["start a", "start b", "start c"]);
    pools::take(secs(3_600)).await;
    assert_eq!(sup.which_children().await.expect("lives").len(), 3);
    assert!(setups.iter().all(|setup| setup.starts() == 1), "an hour later as well");
    sup.stop().await.expect("stops");
    assert!(setups.iter().all(|setup| setup.starts() == 1), "and after the end");
}

#[tokio::test(start_paused = true)]
async fn con_02_the_observer_hears_of_each_exit_once() {
    let (observe, mut exits) = observer();
    let specs = ["normal", "error", "panic", "killed", "lives"].map(plain);
    let sup = start(Supervisor::new(specs).on_exit(observe)).await;
    let registry = sup.registry();
    let pids = ["normal", "error", "panic", "killed"].map(|name| actor(registry, name));
    let mut expected = Vec::new();
    for (address, ask) in pids.iter().zip([Ask::End(ExitReason::Normal), Ask::Fail, Ask::Panic]) {
        let reason = end(address, ask).await;
        expected.push((address.pid(), reason));
    }
    pids[3].pid().kill();
    expected.push((pids[3].pid(), ExitReason::killed()));
    process::join(pids[3].pid()).await;
    sup.which_children().await.expect("lives");
    assert_eq!(seen(&mut exits), expected);
    // Those that are replaced and the one that never failed end with the supervisor, last to first.
    let rest = ["lives", "panic", "error"].map(|name| registry.get(name).expect("runs"));
    sup.stop().await.expect("stops");
    let rest = rest.map(|pid| (pid, ExitReason::shutdown()));
    assert_eq!(seen(&mut exits), rest);
}

#[tokio::test(start_paused = true)]
async fn con_03_only_an_error_brings_a_child_back() {
    let end_with =
        |reason: ExitReason| move |address: &Address<Ask>| address.send(Ask::End(reason));
    type How = Box<dyn FnOnce(&Address<Ask>)>;
    let rows: Vec<(&str, bool, How)> = vec![
        ("normal", false, Box::new(end_with(ExitReason::Normal))),
        ("cancelled", false, Box::new(end_with(ExitReason::shutdown()))),
        ("cancelled", false, Box::new(end_with(ExitReason::shutdown_with(1)))),
        ("cancelled", false, Box::new(|child| child.pid().exit(ExitReason::shutdown()))),
        ("cancelled", false, Box::new(|child| child.pid().kill())),
        ("error: Broken { code: 2 }", true, Box::new(|child| child.send(Ask::Fail))),
        ("error: panic: handle panics", true, Box::new(|child| child.send(Ask::Panic))),
        ("error: \"x\"", true, Box::new(end_with(ExitReason::custom("x")))),
        ("error: \"y\"", true, Box::new(|child| child.pid().exit(ExitReason::error("y")))),
    ];
    for (reason, comes_back, how) in rows {
        let (observe, mut exits) = observer();
        let sup = start(Supervisor::new([plain("child")]).on_exit(observe)).await;
        let child = actor(sup.registry(), "child");
        how(&child);
        let (pid, told) = soon("the end", exits.recv()).await.expect("the supervisor lives");
        assert_eq!((pid, told.to_string().as_str()), (child.pid(), reason));
        let children = sup.which_children().await.expect("lives");
        match state(&children, "child") {
            ChildState::Running(pid) => assert!(comes_back && pid != child.pid(), "{reason}"),
            other => assert!(!comes_back && other == ChildState::Stopped, "{reason}"),
        }
        assert_eq!(sup.whereis("child").is_some(), comes_back, "{reason}");
        sup.stop().await.expect("stops");
    }
}

#[tokio::test(start_paused = true)]
async fn con_04_one_for_one_replaces_the_failed_child_alone() {
    let log = Log::default();
    let specs = ["a", "b", "c"].map(|name| Setup::new(name, &log).spec());
    let sup = start(Supervisor::new(specs).strategy(RestartStrategy::OneForOne)).await;
    let before = ["a", "b", "c"].map(|name| sup.whereis(name).expect("runs"));
    log.take();
    end(&actor(sup.registry(), "b"), Ask::Fail).await;
    let children = sup.which_children().await.expect("lives");
    assert_eq!(state(&children, "a"), ChildState::Running(before[0]));
    assert!(matches!(state(&children, "b"), ChildState::Running(pid) if pid != before[1]));
    assert_eq!(state(&children, "c"), ChildState::Running(before[2]));
    assert_eq!(log.take(), ["terminate b", "gone b", "start b"]);
}

/// Goal: no overlap of generations, at any depth. Method: whoever ends takes his time and is written down when he
/// is gone; the first start of the new generation must stand below the last end of the old one.
#[tokio::test(start_paused = true)]
async fn con_05_one_for_all_ends_the_whole_old_set_before_it_starts_the_new_one() {
    for failing in ["first", "last"] {
        let log = Log::default();
        let slow = |name: &str| Setup::new(name, &log).finish(Finish::Take(ms(500)));
        let (leaf, deep) = (slow("leaf"), slow("deep"));
        let inner = move || {
            let deep = deep.clone();
            let below = move || Supervisor::new([deep.spec()]);
            Supervisor::new([leaf.spec(), ChildSpec::supervisor("below", below)])
        };
        let sup = Supervisor::new([
            slow("first").spec(),
            Setup::new("done", &log).spec(),
            ChildSpec::supervisor("inner", inner),
            slow("last").spec(),
        ]);
        let (observe, mut exits) = observer();
        let sup = start(sup.strategy(RestartStrategy::OneForAll).on_exit(observe)).await;
        end(&actor(sup.registry(), "done"), Ask::End(ExitReason::Normal)).await;
        sup.which_children().await.expect("lives");
        let old = ["first", "inner", "last"].map(|name| sup.whereis(name).expect("runs"));
        assert_eq!(log.count("start done"), 1, "a clean end is followed by nothing");
        log.take();
        seen(&mut exits);

        end(&actor(sup.registry(), failing), Ask::Fail).await;
        let children = sup.which_children().await.expect("lives");
        let lines = log.take();
        let last_end = ["first", "leaf", "deep", "last"].map(|name| {
            assert_eq!(lines.iter().filter(|line| **line == format!("gone {name}")).count(), 1);
            place(&lines, &format!("gone {name}"))
        });
        let starts = ["first", "done", "leaf", "deep", "last"]
            .map(|name| place(&lines, &format!("start {name}")));
        assert!(starts.is_sorted(), "in order: {lines:?}");
        assert!(last_end.iter().max() < starts.iter().min(), "{failing} failed: {lines:?}");
        for (name, old) in ["first", "inner", "last"].into_iter().zip(old) {
            let new = state(&children, name).pid().expect("runs again");
            assert!(new != old && !old.is_alive());
        }
        assert!(state(&children, "done").pid().is_some(), "the full set is started");
        let cancelled =
            seen(&mut exits).into_iter().filter(|(_, why)| why.to_string() == "cancelled");
        assert_eq!(cancelled.count(), 2, "the others were cancelled, once each");
        sup.stop().await.expect("stops");
    }
}

struct Adder {
    sum: u64,
    downs: Vec<Down>,
}

enum Sum {
    Add(u64),
    Total(Reply<u64>),
    Watch(Pid, Reply<()>),
    Downs(Reply<Vec<Down>>),
    Crash,
    Silence(Reply<u64>),
}

impl GenServer for Adder {
    type Args = u64;
    type Message = Sum;

    async fn init(sum: u64, _: &mut Context<Self>) -> Result<Self> {
        Ok(Self { sum, downs: Vec::new() })
    }

    async fn handle(&mut self, message: Sum, ctx: &mut Context<Self>) -> Result {
        match message {
            Sum::Add(n) => self.sum += n,
            Sum::Total(from) => from.send(self.sum),
            Sum::Watch(pid, from) => {
                ctx.monitor(pid);
                from.send(());
            }
            Sum::Downs(from) => from.send(self.downs.clone()),
            Sum::Crash => panic!("crash"),
            Sum::Silence(from) => {
                let _never_answered = from;
                std::future::pending().await
            }
        }
        Ok(())
    }

    async fn handle_info(&mut self, info: Info, _: &mut Context<Self>) -> Result {
        if let Info::Down(down) = info {
            self.downs.push(down);
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn con_06_a_child_spec_is_a_type_a_name_and_arguments() {
    let specs = [ChildSpec::new::<Adder>("seven", 7), ChildSpec::new::<Adder>("eight", 8)];
    let none = ChildSpec::new::<Plain>("none", ());
    let sup = start(Supervisor::new(specs.into_iter().chain([none]))).await;
    let children = sup.which_children().await.expect("lives");
    let mut names: Vec<_> = children.iter().map(|child| child.id.to_string()).collect();
    names.sort();
    assert_eq!(names, ["eight", "none", "seven"]);
    for (name, sum) in [("seven", 7), ("eight", 8)] {
        let adder = sup.child::<Adder>(name).resolve().expect("registered under its name");
        assert_eq!(adder.call(Sum::Total).await, Ok(sum));
        adder.cast(Sum::Add(100));
        adder.cast(Sum::Crash);
        assert!(process::join(adder.pid()).await.is_error());
        sup.which_children().await.expect("lives");
        let again = sup.child::<Adder>(name).resolve().expect("registered again");
        assert_eq!(again.call(Sum::Total).await, Ok(sum), "the same arguments again");
    }
    assert!(sup.child::<Plain>("none").resolve().is_some());
    assert!(sup.child::<Plain>("seven").resolve().is_none(), "not of that type");
}

#[derive(Debug)]
struct Plain;

impl GenServer for Plain {
    type Args = ();
    type Message = Reply<u8>;

    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self)
    }

    async fn handle(&mut self, from: Reply<u8>, _: &mut Context<Self>) -> Result {
        from.send(1);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn con_07_a_supervisor_takes_children_a_strategy_and_a_registry() {
    let others_survive = async |supervisor: Supervisor| {
        let registry = Registry::start().await.expect("starts");
        let sup = start(supervisor.registry(&registry)).await;
        let other = registry.get("b").expect("in the registry that was given");
        end(&actor(&registry, "a"), Ask::Fail).await;
        sup.which_children().await.expect("lives");
        let survives = registry.get("b").expect("runs") == other;
        sup.stop().await.expect("stops");
        assert!(registry.pid().is_some_and(PidExt::is_alive), "it is not the supervisor's to end");
        registry.stop().await;
        survives
    };
    let children = || Supervisor::new([plain("a"), plain("b")]);
    assert!(others_survive(children()).await, "one for one unless told otherwise");
    assert!(others_survive(children().strategy(RestartStrategy::OneForOne)).await);
    assert!(!others_survive(children().strategy(RestartStrategy::OneForAll)).await);
}

/// Goal: whoever can see the new child finds it under its name. Method: the child itself, in its `init`; whoever
/// knows of the death and asks; and three who ask all the time, on four threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn con_08_a_name_means_the_new_pid_before_anybody_sees_the_restart() {
    let registry = Registry::start().await.expect("starts");
    let log = Log::default();
    let child = Setup::new("child", &log).begin({
        let registry = registry.clone();
        move |_| {
            assert_eq!(registry.get("child"), process::current_pid(), "in its init");
            Begin::Run
        }
    });
    let held = Arc::new(AtomicUsize::new(0));
    let observe = {
        let (registry, held) = (registry.clone(), held.clone());
        move |pid: Pid, _: &ExitReason| {
            let old = usize::from(registry.get("child") == Some(pid));
            held.fetch_add(old, Ordering::SeqCst);
        }
    };
    let sup = Supervisor::new([child.spec()]).registry(&registry).unlimited().on_exit(observe);
    let sup = start(sup).await;
    let done = Arc::new(AtomicBool::new(false));
    let doomed = Arc::new(Mutex::new(BTreeSet::new()));
    let watchers: Vec<_> = (0..3)
        .map(|_| {
            let (sup, registry) = (sup.clone(), registry.clone());
            let (done, doomed) = (done.clone(), doomed.clone());
            let watch = async move |_: process::Context<()>| {
                while !done.load(Ordering::SeqCst) {
                    let children = sup.which_children().await.expect("lives");
                    let Some(pid) = state(&children, "child").pid() else { continue };
                    let named = registry.get("child");
                    let dies = doomed.lock().expect("is whole").contains(&pid);
                    assert!(named == Some(pid) || dies, "{pid} is listed, {named:?} is named");
                }
            };
            process::spawn(watch).expect("starts").pid()
        })
        .collect();
    for _ in 0..300 {
        let old = actor(&registry, "child");
        doomed.lock().expect("is whole").insert(old.pid());
        end(&old, Ask::Fail).await;
        assert_ne!(registry.get("child"), Some(old.pid()), "it is free before the end is known");
        let children = sup.which_children().await.expect("lives");
        let new = state(&children, "child").pid().expect("runs again");
        assert_ne!(new, old.pid());
        assert_eq!(registry.get("child"), Some(new));
    }
    for watcher in &watchers {
        assert!(watcher.is_alive(), "a watcher has seen a restart before the name");
    }
    done.store(true, Ordering::SeqCst);
    assert_eq!(held.load(Ordering::SeqCst), 0, "the observer finds the name free");
    assert_eq!(child.starts(), 301);
    sup.stop().await.expect("stops");
}

#[tokio::test(start_paused = true)]
async fn con_09_without_a_registry_a_supervisor_has_its_own() {
    let specs = [plain("a"), plain("b")];
    let sup = start(Supervisor::new(specs)).await;
    let registry = sup.registry().clone();
    let owner = registry.pid().expect("it has a process");
    assert!(owner.is_alive());
    let names = || ["a", "b"].map(|name| registry.get(name));
    let before = names();
    assert!(before.iter().all(Option::is_some));
    assert_eq!(sup.count_children().await.expect("lives").specs, 2, "it is not in the list");

    owner.kill();
    process::join(owner).await;
    sup.which_children().await.expect("lives");
    pools::settle().await;
    let revived = registry.pid().expect("it has a process again");
    assert!(revived != owner && revived.is_alive(), "it is supervised");
    assert_eq!(names(), before, "every live name is still there");
    assert_eq!(actor(&registry, "a").call(Ask::Who).await.ok(), before[0]);
    end(&actor(&registry, "a"), Ask::Fail).await;
    sup.which_children().await.expect("lives");
    assert!(registry.get("a").is_some_and(|pid| Some(pid) != before[0]), "it accepts new names");

    // Killed together with a child: the start of the child opens it, whichever end is noticed first.
    registry.pid().expect("it has a process").kill();
    end(&actor(&registry, "b"), Ask::Fail).await;
    sup.which_children().await.expect("lives");
    pools::settle().await;
    let (a, b) = (registry.get("a"), registry.get("b"));
    assert!(a.is_some() && b.is_some() && b != before[1], "{a:?} {b:?}");
    let added = sup.start_child(plain("c")).await.expect("starts").expect("is not ignored");
    assert_eq!(registry.get("c"), Some(added));

    let last = registry.pid().expect("it has a process");
    let stopped = Instant::now();
    sup.stop().await.expect("stops");
    assert_eq!(stopped.elapsed(), Duration::ZERO, "nothing is waited for in vain");
    assert!(!last.is_alive(), "it ends with the supervisor");
    assert_eq!(registry.count(), 0);

    // Killed just before the end of the supervisor: nobody waits for it a second time.
    let sup = start(Supervisor::new([plain("a")])).await;
    sup.registry().pid().expect("it has a process").kill();
    let stopped = Instant::now();
    sup.stop().await.expect("stops");
    assert_eq!(stopped.elapsed(), Duration::ZERO, "nothing is waited for in vain");
}

#[tokio::test(start_paused = true)]
async fn con_10_reasons_read_as_the_document_says() {
    let rows = [
        (ExitReason::Normal, "normal"),
        (ExitReason::shutdown(), "cancelled"),
        (ExitReason::shutdown_with("moving house"), "cancelled"),
        (ExitReason::error(Broken { code: 7 }), "error: Broken { code: 7 }"),
        (ExitReason::custom(vec![1, 2]), "error: [1, 2]"),
        (ExitReason::error("text"), "error: \"text\""),
    ];
    let (observe, mut exits) = observer();
    let sup = start(Supervisor::new([]).on_exit(observe)).await;
    for (reason, text) in rows {
        sup.start_child(plain("child").restart(Restart::Temporary)).await.expect("starts");
        end(&actor(sup.registry(), "child"), Ask::End(reason)).await;
        sup.which_children().await.expect("lives");
        let told = seen(&mut exits);
        assert_eq!(told.iter().map(|(_, why)| why.to_string()).collect::<Vec<_>>(), [text]);
    }
    let killed = sup.start_child(plain("child").restart(Restart::Temporary)).await;
    killed.expect("starts").expect("runs").kill();
    let (_, why) = soon("the end", exits.recv()).await.expect("lives");
    assert_eq!(why.to_string(), "cancelled");
    sup.start_child(plain("child")).await.expect("starts");
    sup.terminate_child("child").await.expect("stops");
    let (_, why) = soon("the end", exits.recv()).await.expect("lives");
    assert_eq!(why.to_string(), "cancelled");
}

/// Goal: `start` means started. Method: the document's example 10,000 times in a row, on one runtime of several
/// threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn con_11_the_example_holds_every_time() -> Result {
    let mut pids = BTreeSet::new();
    for _ in 0..10_000 {
        let registry = Registry::start().await?;
        let sup = Supervisor::new([
            ChildSpec::new::<Plain>("worker-1", ()),
            ChildSpec::new::<Plain>("worker-2", ()),
        ])
        .strategy(RestartStrategy::OneForOne)
        .registry(&registry)
        .start()
        .await?;
        let worker = registry.get("worker-1").expect("start has returned");
        assert!(registry.get("worker-2").is_some());
        assert!(pids.insert(worker), "a new process each time");
        sup.stop().await?;
        registry.stop().await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn con_12_a_server_has_init_and_takes_calls_casts_and_infos() {
    let adder = Adder::start(40).await.expect("its init has run when start returns");
    adder.cast(Sum::Add(2));
    assert_eq!(adder.call(Sum::Total).await, Ok(42), "an answer, and the state after the cast");
    let other = Actor::start(Setup::new("other", &Log::default())).await.expect("starts");
    adder.call(|from| Sum::Watch(other.pid(), from)).await.expect("answers");
    end(&other, Ask::End(ExitReason::Normal)).await;
    let downs = adder.call(Sum::Downs).await.expect("answers");
    assert_eq!(downs.len(), 1, "the end of the other came as an info");
    assert_eq!((downs[0].pid, downs[0].reason.is_normal()), (Some(other.pid()), true));

    let asked = Instant::now();
    assert_eq!(adder.call(Sum::Silence).await, Err(CallError::Timeout));
    let waited = asked.elapsed();
    assert!(waited >= secs(5) && waited <= ms(5_100), "five seconds by default, not {waited:?}");
}
