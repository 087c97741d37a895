//! What broke in ractor, links and trees: deep and cyclic structures, hooks, stops, and what a crash is told.

use crate::common;
use crate::pools;
use crate::robot;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use fauxtp::prelude::*;
use fauxtp::process::{self, StopError, Trap};
use fauxtp::supervisor::SupervisorHandle;
use tokio::sync::oneshot;

use common::{Note, custom, puppet, reasons, trapper};
use pools::reports::Reports;
use pools::{Ask, Finish, Setup, actor, end, ms, secs, settle, state, take, until};
use robot::{Log, Robot, ask, job, robot, sync, tell};

type Inside = process::Context<()>;

/// The clean-up hook ran in actors that had been killed, and not in some that had been stopped (ractor#226, #230). Here
/// the way it ends decides, and nothing else: stopped, whatever the reason, but for the kill; not hit by a signal.
/// also: RACTOR-230
#[tokio::test]
async fn ractor_226_whether_terminate_runs_depends_on_the_way_it_ends_alone() {
    for reason in reasons() {
        for (by_signal, trap) in [(false, Trap::Off), (false, Trap::On), (true, Trap::Off)] {
            let log = Log::default();
            let server = robot(&log).await;
            tell(&server, move |_, ctx| {
                ctx.trap_exits(trap);
                Ok(())
            });
            sync(&server).await;
            if by_signal {
                server.pid().exit(reason.clone());
                // The one reason that has no effect.
                if reason.is_normal() {
                    sync(&server).await;
                    server.pid().kill();
                }
                server.join().await;
            } else {
                let _ended_otherwise = server.pid().stop(reason.clone(), None).await;
                assert!(!server.is_alive());
            }
            let hooked = log.all().iter().any(|line| line.starts_with("terminate"));
            assert_eq!(hooked, !by_signal, "{reason:?}, {trap:?}, by signal: {by_signal}");
        }
    }
}

/// A kill, and it alone, lets no hook run, whoever it comes from and whatever is being done (ractor#226).
#[tokio::test]
async fn ractor_226_no_hook_runs_in_a_killed_process() {
    for trap in [Trap::Off, Trap::On] {
        let log = Log::default();
        let server = robot(&log).await;
        tell(&server, move |_, ctx| {
            ctx.trap_exits(trap);
            Ok(())
        });
        server.cast(robot::Message::Forever);
        server.pid().info().await.expect("it lives");
        server.pid().kill();
        assert!(server.join().await.is_killed());
        assert_eq!(log.all(), [""; 0]);
    }
}

fn branch(name: &str, log: &pools::Log) -> ChildSpec {
    let (name, log) = (name.to_owned(), log.clone());
    ChildSpec::supervisor(name.clone(), move || {
        let leaf = |number: u32| {
            let setup = Setup::new(&format!("{name}{number}"), &log);
            setup.finish(Finish::Take(ms(10))).spec()
        };
        Supervisor::new([leaf(1), leaf(2)])
    })
}

/// There was no stop that went down a tree and waited for everybody (ractor#278). Here the last started goes first, on
/// every level, and each has done before the next is asked.
#[tokio::test(start_paused = true)]
async fn ractor_278_a_stop_goes_through_the_whole_tree_backwards() {
    let log = pools::Log::default();
    let sup = Supervisor::new([branch("a", &log), branch("b", &log)]).start().await;
    log.take();
    sup.expect("starts").stop().await.expect("stops");
    let ends = log.take().into_iter().filter(|line| line.starts_with("gone")).collect::<Vec<_>>();
    assert_eq!(ends, ["gone b2", "gone b1", "gone a2", "gone a1"]);
}

/// Whoever stopped an actor and waited went on before its clean-up hook had run (ractor#254, #257). Here the hook is
/// through, the name free, and every watcher told.
/// also: RACTOR-254
#[tokio::test(start_paused = true)]
async fn ractor_257_a_stop_returns_when_terminate_is_through() {
    static NAME: Name<Robot> = Name::new("ractor-257");
    let (log, done) = (Log::default(), Arc::new(AtomicUsize::new(0)));
    let begin = (log.clone(), job(|_, _| Ok(())));
    let server = Robot::start(begin).name(&NAME).await.expect("starts");
    let watcher = trapper().await;
    let pid = server.pid();
    watcher.run(move |ctx| ctx.monitor(pid)).await;
    let noted = done.clone();
    tell(&server, move |robot, _| {
        robot.finally = Some(Box::pin(take(secs(4))));
        robot.last = Some(Box::new(move || {
            noted.fetch_add(1, Ordering::SeqCst);
        }));
        Ok(())
    });
    assert_eq!(pid.stop(ExitReason::shutdown(), Some(secs(5))).await, Ok(()));
    assert_eq!(done.load(Ordering::SeqCst), 1, "the hook has run");
    assert!(NAME.whereis().is_none() && !pid.is_alive());
    assert_eq!(watcher.downs().await.len(), 1);
}

/// And a stop that is given less time than the hook takes says so, while the hook goes on to its end (ractor#257).
#[tokio::test(start_paused = true)]
async fn ractor_257_a_stop_that_waits_too_briefly_says_so() {
    let log = Log::default();
    let server = robot(&log).await;
    tell(&server, |robot, _| {
        robot.finally = Some(Box::pin(take(secs(4))));
        Ok(())
    });
    let early = server.pid().stop(ExitReason::Normal, Some(secs(1))).await;
    assert_eq!(early, Err(StopError::Timeout));
    assert_eq!(server.join().await, ExitReason::Normal);
    assert_eq!(log.all(), ["terminate(normal)"]);
}

async fn two(log: &pools::Log) -> SupervisorHandle {
    let children = [Setup::new("one", log).spec(), Setup::new("two", log).spec()];
    Supervisor::new(children).start().await.expect("starts")
}

/// Supervision only told of a crash; whoever forgot to handle that had no restart (ractor#114). Here a child comes back
/// although nobody has asked for it, with nothing set but its id: after every failure, and after no clean end.
#[tokio::test]
async fn ractor_114_a_child_is_restarted_without_being_asked_for() {
    for reason in reasons() {
        let log = pools::Log::default();
        let sup = two(&log).await;
        let first = sup.whereis("one");
        let ended = end(&actor(sup.registry(), "one"), Ask::End(reason.clone())).await;
        assert_eq!(ended, reason);
        if reason.is_error() {
            let back = || sup.whereis("one").is_some_and(|pid| Some(pid) != first);
            until("it is back", back).await;
        } else {
            settle().await;
            assert_eq!(sup.whereis("one"), None, "{reason:?}");
        }
        let starts = 1 + usize::from(reason.is_error());
        assert_eq!((log.count("start one"), log.count("start two")), (starts, 1), "{reason:?}");
        sup.stop().await.expect("stops");
    }
}

/// The stop of a child took its parent along (ractor#107). Here a supervisor, and a parent that is linked, survive
/// every clean end of a child.
#[tokio::test]
async fn ractor_107_the_clean_end_of_a_child_spares_its_parent() {
    let log = pools::Log::default();
    let sup = two(&log).await;
    for reason in reasons().into_iter().filter(ExitReason::is_clean) {
        let one = actor(sup.registry(), "one");
        assert!(end(&one, Ask::End(reason)).await.is_clean());
        assert_eq!(state(&sup.which_children().await.expect("lives"), "one").pid(), None);
        sup.restart_child("one").await.expect("starts again");
    }
    assert_eq!((log.count("start two"), log.count("gone two")), (1, 0));
    sup.stop().await.expect("stops");
    let parent = puppet();
    let child = parent.run(|ctx| ctx.spawn_link(async |_: Inside| {}).expect("in a runtime")).await;
    assert_eq!(child.join().await, ExitReason::Normal);
    parent.run(|_| ()).await;
    assert_eq!(parent.links().await, []);
}

/// Panics disappeared, in tests above all: nothing was logged, and the actor was just gone (ractor#282). Here whoever
/// watches, joins or calls is told the words and the place, and it is reported.
#[tokio::test]
async fn ractor_282_a_panic_is_told_to_everybody_with_words_and_place() {
    let reports = Reports::here();
    let (log, watcher) = (Log::default(), trapper().await);
    let server = robot(&log).await;
    let pid = server.pid();
    watcher.run(move |ctx| ctx.monitor(pid)).await;
    let called = ask(&server, |_, _, _| panic!("the words")).await;
    let joined = server.join().await;
    let down = watcher.downs().await.remove(0);
    let Err(CallError::Exited(answer)) = called else { panic!("{called:?}") };
    for reason in [&answer, &joined, &down.reason] {
        let panic = reason.panic().expect("it is known as a panic");
        assert_eq!(panic.message, "the words");
        let place = panic.location.as_deref().unwrap_or_default();
        assert!(place.contains("peers_ractor.rs:"), "{place}");
    }
    let told = reports.of(&["ERROR fauxtp::crash", "the words", &pid.to_string()]);
    assert_eq!(told.len(), 1, "{told:?}");
}

/// The list of children was taken out of the tree when somebody asked for it (ractor#311). Here questions change
/// nothing, however often they are asked: the answers stay the same, and supervision goes on.
#[tokio::test]
async fn ractor_311_questions_change_nothing() {
    let log = pools::Log::default();
    let sup = two(&log).await;
    let pool = DynamicSupervisor::new().start().await.expect("starts");
    let worker = Setup::new("child", &log);
    let child = pool.start_child(worker.spec()).await.expect("starts").expect("not ignored");
    let look = async || {
        let children = sup.which_children().await.expect("lives");
        let counts = sup.count_children().await.expect("lives");
        let spec = sup.child_spec("one").await.expect("lives").map(|spec| spec.id);
        let of_pool = pool.which_children().await.expect("lives");
        let counts_of_pool = pool.count_children().await.expect("lives");
        let links = sup.pid().info().await.expect("lives").links;
        let keys = sup.registry().select(|_, _, ()| true);
        format!(
            "{children:?} {counts:?} {spec:?} {of_pool:?} {counts_of_pool:?} {links:?} {keys:?}"
        )
    };
    let first = look().await;
    for _ in 0..100 {
        assert_eq!(look().await, first);
    }
    let before = sup.whereis("one");
    end(&actor(sup.registry(), "one"), Ask::Panic).await;
    child.exit(custom("fails"));
    process::join(child).await;
    until("it is restarted", || sup.whereis("one").is_some_and(|pid| Some(pid) != before)).await;
    until("so is the other", || worker.starts() == 2).await;
    assert_eq!(pool.count_children().await.expect("lives").active, 1);
    sup.stop().await.expect("stops");
    pool.stop().await.expect("stops");
}

/// What a message carried was gone when it came with a failure of another type (ractor#282, the other half): a reason
/// of one's own arrives as the value it was, through a link and through a monitor.
#[tokio::test]
async fn ractor_282_a_reason_of_ones_own_arrives_whole() {
    let (peer, watcher) = (puppet(), trapper().await);
    watcher.link(&peer).await;
    peer.end(custom("whole"));
    let exits = watcher.wait(1).await;
    let common::Event::Exit(exit) = &exits[0] else { panic!("{exits:?}") };
    assert_eq!(exit.reason.downcast_ref::<Note>(), Some(&Note("whole")));
    assert_eq!(exit.reason.downcast_ref::<String>(), None);
}

/// What had waited for a crashed worker stayed where it was, and its callers waited (ractor#118). Here the callers are
/// told at once, and the next worker serves what is sent to it, in order, and nothing else.
#[tokio::test]
async fn ractor_118_nobody_waits_for_a_crashed_worker_and_the_next_one_serves_in_order() {
    let log = Log::default();
    let child = ChildSpec::new::<Worker>("worker", Begin(log.clone())).name(&SERVED);
    let sup = Supervisor::new([child]).start().await.expect("starts");
    let first = SERVED.whereis().expect("it runs");
    let (open, gate) = oneshot::channel();
    first.send(Work::Crash(gate));
    let call = |number| {
        let mut call = Box::pin(first.call(move |from| Work::Serve(number, from)).into_future());
        let begun = call.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop()));
        assert!(begun.is_pending(), "it waits in the mailbox");
        call
    };
    let calls: Vec<_> = (0..20).map(call).collect();
    open.send(()).expect("it waits");
    for call in calls {
        let answer = call.await;
        let Err(CallError::Exited(reason)) = answer else { panic!("{answer:?}") };
        assert!(reason.panic().is_some(), "{reason:?}");
    }
    SERVED.await_restart().await.expect("it is back");
    for number in 0..20 {
        SERVED.send(Work::Note(number)).expect("it runs");
    }
    assert_eq!(SERVED.call(|from| Work::Serve(7, from)).await, Ok(7));
    let expected: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(log.all(), expected, "in order, and nothing of what had waited before");
    sup.stop().await.expect("stops");
}

static SERVED: Name<Worker> = Name::new("ractor-118");

#[derive(Clone)]
struct Begin(Log);

struct Worker(Log);

enum Work {
    Crash(oneshot::Receiver<()>),
    Serve(u32, Reply<u32>),
    Note(u32),
}

impl GenServer for Worker {
    type Args = Begin;
    type Message = Work;

    async fn init(begin: Begin, _: &mut Context<Self>) -> Result<Self> {
        Ok(Self(begin.0))
    }

    async fn handle(&mut self, work: Work, _: &mut Context<Self>) -> Result {
        match work {
            Work::Crash(gate) => {
                gate.await.expect("the test lives");
                panic!("the worker crashes");
            }
            Work::Serve(number, from) => from.send(number),
            Work::Note(number) => self.0.push(number.to_string()),
        }
        Ok(())
    }
}
