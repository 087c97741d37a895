//! PROC-011 … PROC-017: what an end does, and what it leaves behind.

use crate::common;
use crate::support;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use fauxtp::prelude::*;
use fauxtp::process::{self, NoProc, Received, Trap};
use fauxtp::supervisor::Restart;
use tokio::sync::oneshot;

use common::{Event, Inside, Note, carries, puppet, reasons, trapper};

type Plain = process::Context<u32>;

/// Sends an exit signal, or kills, from a thread of its own, and waits until that has been sent.
fn exit_from_elsewhere(pid: Pid, reason: impl Into<Option<ExitReason>>) {
    let send = match reason.into() {
        Some(reason) => std::thread::spawn(move || pid.exit(reason)),
        None => std::thread::spawn(move || pid.kill()),
    };
    send.join().expect("sending does not panic");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn push(&self, line: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A server that notes its callbacks, and its destructor.
struct Mortal(Log);

enum Message {
    Fail,
    Hang,
    Note(Arc<u32>),
    /// Is told to go while it handles this: by a kill, or by an exit.
    Struck(Option<ExitReason>),
    Sync(Reply<()>),
}

impl GenServer for Mortal {
    type Args = (Log, bool);
    type Message = Message;

    async fn init((log, trapping): (Log, bool), ctx: &mut Context<Self>) -> Result<Self> {
        if trapping {
            ctx.trap_exits(Trap::On);
        }
        Ok(Self(log))
    }

    async fn handle(&mut self, message: Message, ctx: &mut Context<Self>) -> Result {
        match message {
            Message::Struck(reason) => exit_from_elsewhere(ctx.pid(), reason),
            Message::Fail => return Err(Stop::because(ExitReason::error("fails"))),
            Message::Hang => std::future::pending().await,
            Message::Note(number) => self.0.push(number.to_string()),
            Message::Sync(from) => from.send(()),
        }
        Ok(())
    }

    async fn handle_info(&mut self, info: Info, _: &mut Context<Self>) -> Result {
        self.0.push(format!("info {info:?}"));
        Ok(())
    }

    async fn terminate(&mut self, _: &ExitReason, _: &mut Context<Self>) {
        self.0.push("terminate");
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        self.0.push("dropped");
    }
}

#[tokio::test]
async fn proc_011_a_kill_or_an_untrapped_exit_calls_no_callback() {
    for trapping in [false, true] {
        for busy in [false, true] {
            for reason in [None, Some(ExitReason::shutdown()), Some(ExitReason::error("e"))] {
                if trapping && reason.is_some() {
                    continue;
                }
                let log = Log::default();
                let server = Mortal::start((log.clone(), trapping)).await.expect("starts");
                if busy {
                    server.cast(Message::Hang);
                }
                server.pid().info().await.expect("it lives");
                let (ended, ()) = tokio::join!(process::join(&server), async {
                    match reason.clone() {
                        None => server.pid().kill(),
                        Some(reason) => server.pid().exit(reason),
                    }
                });
                assert_eq!(ended, reason.unwrap_or_else(ExitReason::killed));
                assert_eq!(log.take(), ["dropped"], "trapping: {trapping}, busy: {busy}");
            }
        }
    }
}

/// What waits is in the server's own hands by then, and yet it must not be handled.
///
/// also: PROC-006
#[tokio::test]
async fn proc_011_of_what_waits_nothing_is_handled_after_a_kill_or_an_untrapped_exit() {
    let reasons = [None, Some(ExitReason::shutdown()), Some(ExitReason::error("e"))];
    for (reason, trapping) in
        reasons.into_iter().flat_map(|reason| [(reason.clone(), false), (reason, true)])
    {
        if trapping && reason.is_some() {
            continue;
        }
        let log = Log::default();
        let server = Mortal::start((log.clone(), trapping)).await.expect("starts");
        // Nobody else runs before all of this is sent.
        let ended = process::join(&server);
        server.cast(Message::Note(Arc::new(0)));
        server.cast(Message::Struck(reason.clone()));
        for number in 1..=500 {
            server.cast(Message::Note(Arc::new(number)));
        }
        assert_eq!(ended.await, reason.unwrap_or_else(ExitReason::killed));
        assert_eq!(log.take(), ["0", "dropped"], "trapping: {trapping}");
    }
    // A raw process, the same.
    for kills in [false, true] {
        let (target, handled) = (puppet(), Log::default());
        let reason = if kills { None } else { Some(ExitReason::shutdown()) };
        let strike = reason.clone();
        target.tell(move |ctx| exit_from_elsewhere(ctx.pid(), strike));
        for number in 1..=500 {
            let handled = handled.clone();
            target.tell(move |_| handled.push(number.to_string()));
        }
        assert_eq!(process::join(&target).await, reason.unwrap_or_else(ExitReason::killed));
        assert_eq!(handled.take(), Vec::<String>::new(), "kills: {kills}");
    }
}

/// Its destructor would like to end its process for another reason.
struct Spiteful;

impl Drop for Spiteful {
    fn drop(&mut self) {
        let me = process::current_pid().expect("it is dropped by its process");
        me.exit(ExitReason::custom(Note("late")));
        exit_from_elsewhere(me, ExitReason::custom(Note("late")));
        me.kill();
        if !std::thread::panicking() {
            panic!("late");
        }
    }
}

#[tokio::test]
async fn proc_012_the_first_cause_stands() {
    // Several signals wait: the first one counts.
    for killed_first in [false, true] {
        let target = puppet();
        target.run(|_| ()).await;
        let (reason, ()) = tokio::join!(process::join(&target), async {
            if killed_first {
                target.pid().kill();
            }
            target.pid().exit(ExitReason::custom(Note("first")));
            target.pid().exit(ExitReason::custom(Note("second")));
            target.pid().kill();
        });
        assert!(if killed_first { reason.is_killed() } else { carries(&reason, "first") });
    }
    // Its own end, before it has noticed the signal, whoever sent that.
    for by_itself in [false, true] {
        let (go, gate) = oneshot::channel::<()>();
        let own = process::spawn(async move |ctx: Plain| {
            gate.await.expect("it is opened");
            let pending = ExitReason::custom(Note("pending"));
            if by_itself {
                ctx.exit(ctx.pid(), pending);
            } else {
                exit_from_elsewhere(ctx.pid(), pending);
            }
            ExitReason::custom(Note("own"))
        });
        let own = own.expect("there is a runtime");
        let open = async { go.send(()).expect("it waits") };
        let (reason, ()) = tokio::join!(process::join(&own), open);
        assert!(carries(&reason, "own"), "by itself: {by_itself}, {reason:?}");
    }
    // Nothing that its destructors do.
    for exits in [false, true] {
        let (go, gate) = oneshot::channel::<()>();
        let process = process::spawn(async move |mut ctx: Plain| {
            let _spiteful = Spiteful;
            gate.await.expect("it is opened");
            if exits {
                drop(ctx.recv().await);
            }
            ExitReason::custom(Note("first"))
        });
        let process = process.expect("there is a runtime");
        let (reason, ()) = tokio::join!(process::join(&process), async {
            go.send(()).expect("it waits");
            if exits {
                process.pid().exit(ExitReason::custom(Note("first")));
            }
        });
        // A destructor that panics while its body returns is part of the body, which then has panicked.
        let panicked = reason.panic().is_some_and(|report| report.message == "late");
        assert!(carries(&reason, "first") || (!exits && panicked), "{reason:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proc_013_spawning_with_a_link_or_monitor_is_one_step() {
    let parent = trapper().await;
    for round in 0..3_000_u32 {
        let pid = parent.run(move |ctx| {
            let instant = async move |_: Plain| ExitReason::custom(round);
            if round % 2 == 0 {
                ctx.spawn_link(instant).expect("there is a runtime").pid()
            } else {
                ctx.spawn_monitor(instant).expect("there is a runtime").0.pid()
            }
        });
        let pid = pid.await;
        process::join(pid).await;
        let mut events = parent.events().await;
        while events.is_empty() {
            // A `noproc` join says nothing about what else is still being told.
            tokio::task::yield_now().await;
            events = parent.events().await;
        }
        let (from, reason) = match &events[..] {
            [Event::Exit(exit)] if round % 2 == 0 => (Some(exit.from), &exit.reason),
            [Event::Down(down)] if round % 2 == 1 => (down.pid, &down.reason),
            other => panic!("{round}: {other:?}"),
        };
        assert_eq!((from, reason.downcast_ref()), (Some(pid), Some(&round)), "{reason:?}");
    }
    assert_eq!(parent.links().await, []);
}

#[tokio::test]
async fn proc_014_trapping_does_not_rescue_from_an_exit_that_has_arrived() {
    for by_itself in [false, true] {
        let (late, early) = (puppet(), trapper().await);
        let arrives = move |ctx: &mut Inside| {
            let arrived = ExitReason::custom(Note("arrived"));
            if by_itself {
                ctx.exit(ctx.pid(), arrived);
            } else {
                exit_from_elsewhere(ctx.pid(), arrived);
            }
        };
        let (reason, rest) = tokio::join!(
            process::join(&late),
            late.attempt(move |ctx| {
                arrives(ctx);
                ctx.trap_exits(Trap::On)
            })
        );
        assert!(carries(&reason, "arrived"), "by itself: {by_itself}, {reason:?}");
        assert!(rest.is_none_or(|before| before == Trap::Off));
        // And the other way round: what arrived while it trapped is a message.
        let before = early.run(move |ctx| {
            arrives(ctx);
            ctx.trap_exits(Trap::Off)
        });
        assert_eq!(before.await, Trap::On);
        let exits = early.exits().await;
        assert!(exits.len() == 1 && carries(&exits[0].1, "arrived"), "{exits:?}");
    }
}

#[tokio::test]
async fn proc_015_unread_messages_perish_and_the_replacement_starts_empty() {
    static NAME: Name<Mortal> = Name::new("mortal");
    let (log, unread) = (Log::default(), Arc::new(7));
    let spec = Mortal::spec((log.clone(), false)).name(&NAME).restart(Restart::Permanent);
    let sup = Supervisor::new([spec]).intensity(100, Duration::from_secs(1)).start().await;
    let sup = sup.expect("starts");
    let mut pids = HashSet::new();
    for round in 0..50 {
        let server = NAME.whereis().expect("it was restarted");
        assert!(pids.insert(server.pid()), "a new pid every time");
        // Killed while they wait, or by its own doing before it comes to them.
        let killed = round % 2 == 0;
        server.cast(if killed { Message::Hang } else { Message::Fail });
        for _ in 0..10 {
            server.cast(Message::Note(unread.clone()));
        }
        assert_eq!(Arc::strong_count(&unread), 11, "they wait");
        if killed {
            server.pid().info().await.expect("it lives");
            assert_eq!(Arc::strong_count(&unread), 11, "they still wait");
            server.pid().kill();
        }
        process::join(&server).await;
        assert_eq!(Arc::strong_count(&unread), 1, "they have perished");
        sup.count_children().await.expect("the supervisor lives");
        NAME.cast(Message::Note(Arc::new(round)));
        NAME.call(Message::Sync).await.expect("the replacement answers");
        let (round, seen) = (round.to_string(), log.take());
        let end = if killed { &["dropped"][..] } else { &["terminate", "dropped"] };
        assert_eq!(seen, [end, &[&round]].concat());
        server.cast(Message::Note(unread.clone()));
        NAME.call(Message::Sync).await.expect("the replacement answers");
        assert_eq!(log.take(), [""; 0], "what goes to the old pid goes nowhere");
    }
}

#[tokio::test]
async fn proc_016_a_reason_travels_whole_and_unchanged() {
    let large: Vec<u64> = (0..100_000).collect();
    let sent = ExitReason::custom(large.clone());
    for reason in reasons().into_iter().skip(1).chain([sent]) {
        // first ─ second ─ third: links; `last` traps, `watcher` watches the third.
        let [first, second, third] = [puppet(), puppet(), puppet()];
        let (last, watcher) = (trapper().await, puppet());
        second.link(&first).await;
        third.link(&second).await;
        last.link(&third).await;
        let pid = third.pid();
        watcher.run(move |ctx| ctx.monitor(pid)).await;
        let (joined, ()) = tokio::join!(process::join(&third), first.ended(reason.clone()));
        let exits = last.exits().await;
        let downs = watcher.downs().await;
        assert_eq!((exits.len(), downs.len()), (1, 1));
        for seen in [&joined, &exits[0].1, &downs[0].reason] {
            assert_eq!(*seen, reason);
            let payloads = (seen.downcast_ref::<Vec<u64>>(), reason.downcast_ref::<Vec<u64>>());
            if let (Some(seen), Some(own)) = payloads {
                assert!(*seen == large && std::ptr::eq(seen, own), "the very value");
            }
            assert_eq!(payloads.0.is_some(), payloads.1.is_some());
        }
    }
    // An error keeps its type, a panic its report.
    let failing = process::spawn(async |mut ctx: Plain| {
        assert!(matches!(ctx.recv().await, Received::Message(0)), "a panic");
        Err::<(), _>(std::fmt::Error)
    });
    let failing = failing.expect("there is a runtime");
    let (reason, ()) = tokio::join!(process::join(&failing), async { failing.send(0) });
    assert!(reason.downcast_error::<std::fmt::Error>().is_some(), "{reason:?}");
}

#[tokio::test]
async fn proc_017_a_normal_end_leaves_linked_children_running() {
    let parent = puppet();
    let children = parent.run(|ctx| {
        let idle = async |mut ctx: Plain| drop(ctx.recv().await);
        [0; 3].map(|_| ctx.spawn_link(idle).expect("there is a runtime").pid())
    });
    let children = children.await;
    parent.ended(ExitReason::Normal).await;
    for child in children {
        let facts = child.info().await.expect("the child lives");
        assert_eq!(facts.links, [], "and the link is gone");
        assert!(child.is_alive());
    }
}

/// A context can be given away, and outlive its process. What is asked of it then has no effect on anybody.
/// also: LINK-005
#[tokio::test(start_paused = true)]
async fn tmr_004_a_context_without_its_process_sets_no_timer_and_no_link() {
    let (give, given) = oneshot::channel();
    let process = process::spawn(async move |ctx: process::Context<u8>| drop(give.send(ctx)));
    let process = process.expect("there is a runtime").pid();
    let mut ctx = given.await.expect("it is given away");
    process::join(process).await;
    let other = support::actor();
    assert_eq!(ctx.link(other.pid()), Err(NoProc(process)));
    let timer = ctx.send_after(Duration::ZERO, 7);
    assert_eq!(ctx.cancel_timer(timer), None, "there is nothing to cancel");
    tokio::task::yield_now().await;
    assert!(other.is_alive());
}
