//! RUST-006 … RUST-009: full mailboxes, hot loops, and very many lives.

use crate::common;
use crate::robot;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::process::{self, Received, Trap};
use fauxtp::supervisor::Restart;
use fauxtp::{Mailbox, Overflow, SendError};
use robot::{Log, Message, Robot, job, sync};
use tokio::sync::oneshot;

use common::{puppet, trapper};

type Inside = process::Context<u32>;

fn one_place() -> Mailbox {
    Mailbox::bounded(1, Overflow::Reject).expect("there is room for one")
}

/// also: RUST-005
#[tokio::test]
async fn rust_006_signals_pass_a_full_mailbox() {
    let (go, gone) = oneshot::channel::<()>();
    let (tell, told) = oneshot::channel();
    let full = process::spawn_with(one_place(), async move |mut ctx: Inside| {
        ctx.trap_exits(Trap::On);
        let child = ctx.spawn_link(async |_: Inside| {}).expect("there is a runtime");
        ctx.monitor(&child);
        gone.await.expect("the test lives");
        let (mut exits, mut downs, mut messages) = (Vec::new(), 0, 0);
        while let Some(item) = ctx.recv_timeout(Duration::ZERO).await {
            match item {
                Received::Message(_) => messages += 1,
                Received::Exit(exit) => exits.push(exit.from),
                Received::Down(_) => downs += 1,
                odd => panic!("{odd:?}"),
            }
        }
        tell.send((child.pid(), exits, downs, messages)).expect("the test waits");
        pending::<()>().await;
    });
    let full = full.expect("there is a runtime");
    full.pid().info().await.expect("it lives");
    assert_eq!(full.try_send(1), Ok(()));
    assert_eq!(full.try_send(2), Err(SendError::Full(2)));
    let (peer, pid) = (trapper().await, full.pid());
    peer.link(pid).await;
    peer.run(move |ctx| ctx.exit(pid, ExitReason::shutdown())).await;
    let facts = pid.info().await.expect("inquiries pass, too");
    assert_eq!((facts.links, facts.queue_len), (vec![peer.pid()], 1));
    go.send(()).expect("it waits");
    let (child, exits, downs, messages) = told.await.expect("it lives");
    assert_eq!((exits, downs, messages), (vec![child, peer.pid()], 1, 1));
    full.send(3);
    pid.kill();
    process::join(pid).await;
    assert!(!pid.is_alive());
    assert_eq!(peer.wait(1).await.len(), 1, "and its end gets out");
}

#[tokio::test(start_paused = true)]
async fn rust_006_servers_with_full_mailboxes_that_call_each_other_come_through() {
    let start = || Robot::start((Log::default(), job(|_, _| Ok(())))).mailbox(one_place());
    let servers = [start().await.expect("starts"), start().await.expect("starts")];
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let both = Arc::new(tokio::sync::Barrier::new(2));
    for (one, other) in [(0, 1), (1, 0)] {
        let (other, tell, both) = (servers[other].clone(), tell.clone(), both.clone());
        servers[one].cast(Message::Work(Box::pin(async move {
            both.wait().await;
            let call = other.call(|from| Message::Call(from, Box::new(|_, _, _| Ok(()))));
            tell.send(call.await).expect("the test listens");
        })));
    }
    // One is refused at once; the other's call fills the mailbox until then.
    let outcomes = [told.recv().await, told.recv().await];
    let refused = |outcome: &Option<_>| matches!(outcome, Some(Err(CallError::Deadlock(_))));
    assert!(outcomes.iter().any(refused), "{outcomes:?}");
    for (one, other) in [(0, 1), (1, 0)] {
        // Now the mailbox is full of something else, and its owner busy with a call into the other's full one.
        let (other, tell) = (servers[other].clone(), tell.clone());
        let (full, is_full) = oneshot::channel();
        servers[one].cast(Message::Work(Box::pin(async move {
            is_full.await.expect("the test fills it");
            let call = other.call(|from| Message::Call(from, Box::new(|_, _, _| Ok(()))));
            tell.send(call.await).expect("the test listens");
        })));
        while servers[one].queue_len() > 0 {
            tokio::task::yield_now().await;
        }
        servers[one].send(Message::Note("fills it"));
        full.send(()).expect("it waits");
    }
    for _ in 0..2 {
        let outcome = told.recv().await;
        let ended = matches!(
            outcome,
            Some(Err(CallError::Full | CallError::NoReply | CallError::Deadlock(_)))
        );
        assert!(ended, "{outcome:?}");
    }
    for server in servers {
        sync(&server).await;
        assert_eq!(server.pid().stop(ExitReason::Normal, None).await, Ok(()));
    }
}

/// Method: on one thread, several loops that never rest; each fails if it is alone for too long.
#[tokio::test]
async fn rust_007_busy_processes_let_others_run() {
    let served = Arc::new(AtomicUsize::new(0));
    let alone = |served: &Arc<AtomicUsize>| {
        let (served, mut last) = (served.clone(), (0, 0));
        move || {
            let now = served.load(Ordering::SeqCst);
            last = if now == last.0 { (now, last.1 + 1) } else { (now, 0) };
            assert!(last.1 < 100_000, "nobody else has a turn");
        }
    };
    let mut check = alone(&served);
    let messages = process::spawn(async move |mut ctx: Inside| {
        loop {
            check();
            ctx.address().send(0);
            ctx.recv().await;
        }
    });
    let mut check = alone(&served);
    let looks = process::spawn(async move |mut ctx: Inside| {
        loop {
            check();
            ctx.recv_timeout(Duration::ZERO).await;
        }
    });
    let mut check = alone(&served);
    let timers = process::spawn(async move |mut ctx: Inside| {
        loop {
            check();
            ctx.send_after(Duration::ZERO, 0);
            ctx.recv().await;
        }
    });
    let busy = [messages, looks, timers].map(|busy| busy.expect("there is a runtime"));
    let other = puppet();
    for _ in 0..100 {
        other.run(|_| ()).await;
        served.fetch_add(1, Ordering::SeqCst);
    }
    for busy in busy {
        let (reason, ()) = tokio::join!(process::join(&busy), async { busy.pid().kill() });
        assert!(reason.is_killed(), "{reason:?}");
    }
}

/// A server that answers, and that never comes to an end with going on if it is told to.
struct Restless(u32);

impl GenServer for Restless {
    type Args = bool;
    type Message = Option<Reply<()>>;

    async fn init(goes_on: bool, ctx: &mut Context<Self>) -> Result<Self> {
        if goes_on {
            ctx.continue_with(None);
        }
        Ok(Self(0))
    }

    async fn handle(&mut self, message: Self::Message, _: &mut Context<Self>) -> Result {
        if let Some(from) = message {
            from.send(());
        }
        Ok(())
    }

    async fn handle_continue(&mut self, _: Self::Message, ctx: &mut Context<Self>) -> Result {
        self.0 += 1;
        assert!(self.0 < 1_000_000, "nobody else has a turn");
        ctx.continue_with(None);
        Ok(())
    }
}

/// Method: on one thread, whoever calls again and again waits for a server that its supervisor has yet to start.
#[tokio::test]
async fn rust_007_calls_that_fail_on_the_spot_let_others_run() {
    static LATE: Name<Restless> = Name::new("rust-007");
    let insist = || {
        let body = async move |_: Inside| {
            let mut failed = 0;
            while LATE.call(Some).await.is_err() {
                failed += 1;
                assert!(failed < 1_000_000, "nobody else has a turn");
            }
        };
        process::spawn(body).expect("there is a runtime")
    };
    let insists = insist();
    // It is at it when the supervisor starts.
    insists.pid().info().await.expect("it lives");
    let child = ChildSpec::new::<Restless>("late", false).name(&LATE).restart(Restart::Permanent);
    let start = Supervisor::new([child]).start();
    let (reason, sup) = tokio::join!(process::join(&insists), start.into_future());
    assert!(reason.is_normal(), "it was answered: {reason:?}");
    for _ in 0..3 {
        LATE.whereis().expect("it runs").pid().kill();
        let insists = insist();
        let reason = process::join(&insists).await;
        assert!(reason.is_normal(), "it was answered: {reason:?}");
    }
    sup.expect("starts").stop().await.expect("stops");
}

#[tokio::test]
async fn rust_007_a_server_that_never_stops_going_on_can_be_ended() {
    let reasons = [ExitReason::killed(), ExitReason::shutdown(), ExitReason::error("over")];
    for reason in reasons {
        let server = Restless::start(true).await.expect("starts");
        let other = puppet();
        for _ in 0..10 {
            other.run(|_| ()).await;
        }
        let (ended, ()) = tokio::join!(process::join(&server), async {
            if reason.is_killed() {
                server.pid().kill();
            } else {
                server.pid().exit(reason.clone());
            }
        });
        assert_eq!(ended, reason);
    }
}

#[tokio::test]
async fn rust_009_an_old_pid_is_dead_for_ever() {
    static OLD: Name<Raw<u32>> = Name::new("rust-009");
    let spawn = || process::spawn(async |_: Inside| pending::<()>().await);
    let old = spawn().expect("there is a runtime");
    let pid = old.pid();
    pid.kill();
    process::join(pid).await;
    for _ in 0..20_000 {
        let new = spawn().expect("there is a runtime");
        assert_ne!(new.pid(), pid);
        // None of these may hit the one that has come after it.
        old.send(1);
        pid.exit(ExitReason::error("stale"));
        pid.kill();
        assert!(new.is_alive());
        new.pid().kill();
        process::join(&new).await;
    }
    assert_eq!(old.try_send(1), Err(SendError::NoProc(1)));
    assert!(!pid.is_alive() && !process::list().contains(&pid));
    assert!(Address::<u32>::of(pid).is_none() && pid.info().await.is_none());
    assert!(process::join(pid).await.is_no_proc());
    assert_eq!(pid.stop(ExitReason::Normal, None).await, Err(process::StopError::NoProc));
    assert_eq!(OLD.whereis(), None);
}
