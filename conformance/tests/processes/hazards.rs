//! RUST-002, 005 and 010: what only Rust can do to a process. RUST-001, 003 and 004 are in
//! `hazards_supervisors.rs`, the others in `hazards_load.rs`.

use std::fmt;
use std::future::pending;
use std::panic;

use fauxtp::prelude::*;
use fauxtp::process::{self, Received, Trap};
use fauxtp::{Mailbox, Overflow, SendError, StartError};
use tokio::sync::oneshot;
use tokio::time::Instant;

type Inside = process::Context<u32>;

/// Panics when it is dropped, and when it is shown.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("drop");
    }
}

/// An error that cannot be shown.
struct Unshowable;

impl fmt::Debug for Unshowable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("debug");
    }
}

impl fmt::Display for Unshowable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("display");
    }
}

impl std::error::Error for Unshowable {}

/// Where a server panics, or what it does that leads to a panic elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Init,
    Handle,
    /// Killed in a handler; its locals and the state panic in their destructors, one after the other.
    Killed,
    Terminate,
    Shown,
    Payload,
    StateDropped,
}

struct Fragile(Place, #[allow(dead_code, reason = "held to be dropped")] Option<Grenade>);

struct Go(oneshot::Sender<()>);

impl GenServer for Fragile {
    type Args = Place;
    type Message = Go;

    async fn init(place: Place, _: &mut Context<Self>) -> Result<Self> {
        assert!(place != Place::Init, "init");
        let armed = matches!(place, Place::Killed | Place::StateDropped);
        Ok(Self(place, armed.then(|| Grenade)))
    }

    async fn handle(&mut self, Go(entered): Go, _: &mut Context<Self>) -> Result {
        entered.send(()).expect("the test waits");
        match self.0 {
            Place::Handle => panic!("handle"),
            Place::Killed => {
                let _local = Grenade;
                pending().await
            }
            Place::Shown => Err(Unshowable.into()),
            Place::Payload => panic::panic_any(Grenade),
            Place::Init | Place::Terminate | Place::StateDropped => Err(Stop::normal()),
        }
    }

    async fn terminate(&mut self, _: &ExitReason, _: &mut Context<Self>) {
        assert!(self.0 != Place::Terminate, "terminate");
    }
}

fn panicked(reason: &ExitReason) -> Option<&str> {
    reason.panic().map(|panic| panic.message.as_str())
}

/// Method: wherever it panics, whoever is linked, watches, waits or wants the name hears of it, once.
#[tokio::test]
async fn rust_002_a_panic_anywhere_skips_no_step_of_an_exit() {
    static FRAGILE: Name<Fragile> = Name::new("rust-002");
    let failed = Fragile::start(Place::Init).name(&FRAGILE).await;
    let Err(StartError::Failed(reason)) = failed else { panic!("it starts: {failed:?}") };
    assert_eq!(panicked(&reason), Some("init"));
    assert_eq!(FRAGILE.whereis(), None);

    use Place::{Handle, Killed, Payload, Shown, StateDropped, Terminate};
    for place in [Handle, Killed, Terminate, Shown, Payload, StateDropped] {
        let check = process::spawn(async move |mut ctx: Inside| {
            ctx.trap_exits(Trap::On);
            let start = Fragile::start(place).name(&FRAGILE).link(&ctx);
            let server = start.await.expect("it starts");
            let monitor = ctx.monitor(&server);
            // A call that waits in the mailbox all the while.
            let (entered, enters) = oneshot::channel();
            server.send(Go(entered));
            enters.await.expect("it is handled");
            if place == Killed {
                server.pid().kill();
            }
            let ended = process::join(&server).await;
            assert!(ended.is_no_proc() || !server.is_alive(), "{ended:?}");
            assert_eq!(FRAGILE.whereis(), None, "{place:?}");
            let (mut exit, mut down) = (None, None);
            while exit.is_none() || down.is_none() {
                match ctx.recv().await {
                    Received::Exit(it) => assert!(exit.replace(it.reason).is_none()),
                    Received::Down(it) if it.monitor == monitor => down = Some(it.reason),
                    odd => panic!("{odd:?}"),
                }
            }
            let (exit, down) = (exit.expect("both came"), down.expect("both came"));
            match place {
                Handle | Terminate => {
                    let message = if place == Handle { "handle" } else { "terminate" };
                    assert_eq!((panicked(&exit), panicked(&down)), (Some(message), Some(message)));
                }
                Killed => assert!(exit.is_killed() && down.is_killed()),
                Shown => {
                    assert!(exit.downcast_error::<Unshowable>().is_some());
                    assert!(down.is_error());
                }
                Payload => assert_eq!(panicked(&exit), Some("(no message)")),
                _ => {
                    assert!(exit.is_normal() && down.is_normal(), "a destructor changes no reason")
                }
            }
            assert!(ctx.recv_timeout(Duration::ZERO).await.is_none(), "each came once");
            // The name may be had again.
            let again = Fragile::start(Handle).name(&FRAGILE).await.expect("the name is free");
            again.pid().kill();
            process::join(&again).await;
        });
        let ended = process::join(&check.expect("there is a runtime")).await;
        assert_eq!(ended, ExitReason::Normal, "{place:?}");
    }
}

#[tokio::test]
async fn rust_002_a_start_closure_and_mail_that_panic_leave_nothing_behind() {
    let parent = process::spawn(async |mut ctx: Inside| {
        let mut half_made = None;
        let thrown = panic::catch_unwind(panic::AssertUnwindSafe(|| {
            let _started = ctx.spawn_link(|child: Inside| -> std::future::Ready<()> {
                half_made = Some(child.pid());
                panic!("closure")
            });
        }));
        assert!(thrown.is_err(), "the starter has the panic");
        let half_made = half_made.expect("the closure has run");
        assert!(!process::list().contains(&half_made), "half a process is left");
        let me = ctx.pid();
        let (facts, nothing) = tokio::join!(me.info(), ctx.recv_timeout(Duration::from_millis(1)));
        assert!(facts.expect("it lives").links.is_empty() && nothing.is_none(), "and no link");
    });
    let parent = parent.expect("there is a runtime");
    assert_eq!(process::join(&parent).await, ExitReason::Normal);

    // A process among whose unread messages are some that panic when they are dropped.
    let (begun, begins) = oneshot::channel();
    let full = process::spawn(async move |_: process::Context<Grenade>| {
        begun.send(()).expect("the test waits");
        pending::<()>().await;
    });
    let full = full.expect("there is a runtime");
    begins.await.expect("it runs");
    for _ in 0..3 {
        full.send(Grenade);
    }
    full.pid().kill();
    assert_eq!(process::join(&full).await, ExitReason::killed());
    assert!(!process::list().contains(&full.pid()));
}

/// also: RUST-006
///
/// Method: a watcher with a full mailbox does not take anything in while a thousand processes end.
#[tokio::test]
async fn rust_005_a_thousand_deaths_are_told_to_one_whose_mailbox_is_full() {
    const MANY: usize = 1_000;
    let one = Mailbox::bounded(1, Overflow::Reject).expect("there is room for one");
    let (asleep, sleeps) = oneshot::channel();
    let (wake, wakes) = oneshot::channel::<()>();
    let watcher = process::spawn_with(one, async move |mut ctx: Inside| {
        ctx.trap_exits(Trap::On);
        let mut pids = Vec::new();
        for _ in 0..MANY {
            let child = ctx.spawn_link(async |_: Inside| pending::<()>().await);
            let child = child.expect("there is a runtime").pid();
            ctx.monitor(child);
            pids.push(child);
        }
        asleep.send(pids.clone()).expect("the test waits");
        wakes.await.expect("the test lives");
        let (mut exits, mut downs, mut messages) = (Vec::new(), Vec::new(), 0);
        while let Some(item) = ctx.recv_timeout(Duration::ZERO).await {
            match item {
                Received::Message(_) => messages += 1,
                Received::Exit(exit) => exits.push(exit.from),
                Received::Down(down) => downs.extend(down.pid),
                odd => panic!("{odd:?}"),
            }
        }
        assert_eq!((exits, downs, messages), (pids.clone(), pids, 1), "nothing is missing");
    });
    let watcher = watcher.expect("there is a runtime");
    let children = sleeps.await.expect("it runs");
    assert_eq!(watcher.try_send(1), Ok(()));
    assert_eq!(watcher.try_send(2), Err(SendError::Full(2)));
    for child in children {
        child.kill();
        process::join(child).await;
        assert!(!process::list().contains(&child), "it need not wait for its watcher");
    }
    wake.send(()).expect("it waits");
    assert_eq!(process::join(&watcher).await, ExitReason::Normal);
}

struct Slow;

impl GenServer for Slow {
    type Args = bool;
    type Message = Reply<()>;

    async fn init(hangs: bool, ctx: &mut Context<Self>) -> Result<Self> {
        if hangs {
            pending::<()>().await;
        }
        ctx.trap_exits(Trap::On);
        Ok(Self)
    }

    async fn handle(&mut self, _kept: Reply<()>, _: &mut Context<Self>) -> Result {
        pending().await
    }
}

/// Method: the clock is paused, so that the wall clock would need hours for what takes none.
#[tokio::test(start_paused = true)]
async fn rust_010_every_timeout_follows_the_one_clock() {
    const HOUR: Duration = Duration::from_secs(3_600);
    let within = |since: Instant, what: &str| {
        let took = since.elapsed();
        assert!((HOUR..HOUR + Duration::from_secs(1)).contains(&took), "{what}: {took:?}");
    };
    let since = Instant::now();
    let timer = process::spawn(async move |mut ctx: Inside| {
        assert!(ctx.recv_timeout(HOUR).await.is_none());
        ctx.send_after(HOUR, 1);
        assert!(matches!(ctx.recv().await, Received::Message(1)));
    });
    assert!(process::join(&timer.expect("there is a runtime")).await.is_normal());
    within(since + HOUR, "receive and timer");

    let since = Instant::now();
    assert_eq!(Slow::start(true).timeout(HOUR).await, Err(StartError::Timeout));
    within(since, "start");

    let slow = Slow::start(false).await.expect("starts");
    let since = Instant::now();
    assert_eq!(slow.call(|from| from).timeout(HOUR).await, Err(CallError::Timeout));
    within(since, "call");

    let since = Instant::now();
    let stopped = slow.pid().stop(ExitReason::Normal, Some(HOUR)).await;
    assert_eq!(stopped, Err(process::StopError::Timeout));
    within(since, "stop");
    slow.pid().kill();
    assert!(!slow.is_alive());
}
