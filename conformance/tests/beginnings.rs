//! Starting, timers and hazards (PL-001 … PL-006, TMR-001 … TMR-006, RUST-005 … RUST-009).

mod puppet;
mod robot;

use std::time::Duration;

use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::process::{self, Received, Trap};
use fauxtp::{Mailbox, Overflow, SendError, StartError};
use puppet::{Order, act, end, note, puppet, settled};
use robot::{Log, Message, Robot, job, sync};
use tokio::time::Instant;

static NAMED: Name<Robot> = Name::new("beginnings");

#[tokio::test]
async fn pl_001_start_returns_when_init_is_through() {
    let log = Log::default();
    let noted = log.clone();
    let started = Robot::start((
        log.clone(),
        job(move |_, _| {
            noted.push("init");
            Ok(())
        }),
    ));
    started.await.expect("starts");
    log.push("started");
    assert_eq!(log.line(), "init started");
}

#[tokio::test]
async fn pl_002_the_name_comes_first_and_a_taken_one_stops_init() {
    let log = Log::default();
    let noted = log.clone();
    let first = Robot::start((
        log.clone(),
        job(move |_, ctx| {
            noted.push(format!("{}", NAMED.whereis() == Some(ctx.address())));
            NAMED.cast(Message::Note("waited"));
            Ok(())
        }),
    ))
    .name(&NAMED);
    let first = first.await.expect("starts");
    let second = Robot::start((
        log.clone(),
        job(|robot, _| {
            robot.log.push("never");
            Ok(())
        }),
    ))
    .name(&NAMED);
    assert_eq!(second.await, Err(StartError::AlreadyStarted(first.pid())));
    sync(&first).await;
    assert_eq!(log.line(), "true waited");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pl_003_a_failed_start_leaves_neither_name_nor_process() {
    for _ in 0..200 {
        for fail in [
            job(|_, _| Err(Stop::because(ExitReason::custom(1)))),
            job(|_, _| Err(Stop::ignore())),
            job(|_, _| panic!("init")),
        ] {
            assert!(Robot::start((Log::default(), fail)).name(&NAMED).await.is_err());
            assert!(NAMED.whereis().is_none());
        }
    }
    // Nothing that carries this name is alive under any pid.
    assert!(fauxtp::names::registered().is_empty());
}

#[tokio::test]
async fn pl_004_a_failed_linked_start_is_told_once_and_spares_the_starter() {
    let (told, heard) = tokio::sync::oneshot::channel();
    process::spawn(async move |mut ctx: process::Context<()>| {
        let fail = || (Log::default(), job(|_, _| Err(Stop::because(ExitReason::custom(1)))));
        let plain = Robot::start(fail()).link(&ctx).await.is_err();
        ctx.trap_exits(Trap::On);
        let trapping = Robot::start(fail()).link(&ctx).await.is_err();
        let stray = ctx.recv_timeout(Duration::from_millis(20)).await.is_some();
        let _ = told.send((plain, trapping, stray));
    })
    .expect("spawns");
    assert_eq!(heard.await, Ok((true, true, false)));
}

#[tokio::test(start_paused = true)]
async fn pl_005_a_start_that_takes_too_long_is_killed_and_its_starter_spared() {
    struct Slow;
    impl GenServer for Slow {
        type Args = ();
        type Message = ();
        async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
            std::future::pending().await
        }
        async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
            Ok(())
        }
    }
    static SLOW: Name<Slow> = Name::new("slow");
    let (told, heard) = tokio::sync::oneshot::channel();
    process::spawn(async move |ctx: process::Context<()>| {
        let before = Instant::now();
        let start = Slow::start(()).name(&SLOW).link(&ctx).timeout(Duration::from_millis(100));
        let _ = told.send((start.await, before.elapsed(), SLOW.whereis().is_none()));
    })
    .expect("spawns");
    let (outcome, waited, free) = heard.await.expect("the starter lives");
    assert_eq!((outcome, free), (Err(StartError::Timeout), true));
    assert!(waited >= Duration::from_millis(100));
}

#[tokio::test]
async fn pl_006_a_process_knows_its_ancestors() {
    let grandparent = puppet(&puppet::Log::default());
    let parent =
        act(&grandparent, |ctx| ctx.spawn(puppet::body(puppet::Log::default())).expect("spawns"))
            .await;
    let child =
        act(&parent, |ctx| ctx.spawn(puppet::body(puppet::Log::default())).expect("spawns")).await;
    let facts = child.pid().info().await.expect("lives");
    assert_eq!(facts.ancestors, [parent.pid(), grandparent.pid()]);
}

#[tokio::test(start_paused = true)]
async fn tmr_001_timers_are_never_early() {
    let (told, heard) = tokio::sync::oneshot::channel();
    process::spawn(async move |mut ctx: process::Context<u64>| {
        let mut waits = Vec::new();
        for millis in [0, 1, 7, 50, 1_000, 86_400_000] {
            let before = Instant::now();
            ctx.send_after(Duration::from_millis(millis), millis);
            ctx.recv().await;
            waits.push(before.elapsed() >= Duration::from_millis(millis));
        }
        let _ = told.send(waits);
    })
    .expect("spawns");
    assert_eq!(heard.await, Ok(vec![true; 6]));
}

#[tokio::test(start_paused = true)]
async fn tmr_002_cancel_tells_what_remained_or_that_it_came_too_late() {
    let (told, heard) = tokio::sync::oneshot::channel();
    process::spawn(async move |mut ctx: process::Context<u8>| {
        let timer = ctx.send_after(Duration::from_millis(100), 1);
        let nothing = ctx.recv_timeout(Duration::from_millis(40)).await.is_none();
        let remaining =
            ctx.cancel_timer(timer).is_some_and(|left| left <= Duration::from_millis(60));
        let twice = ctx.cancel_timer(timer).is_none();
        // Too late: the message is in the mailbox, and flushing takes it out.
        let late = ctx.send_after(Duration::from_millis(10), 2);
        tokio::time::advance(Duration::from_millis(20)).await;
        tokio::task::yield_now().await;
        let too_late = ctx.cancel_timer_flush(late).is_none();
        let flushed = ctx.recv_timeout(Duration::from_millis(50)).await.is_none();
        let _ = told.send([nothing, remaining, twice, too_late, flushed]);
    })
    .expect("spawns");
    assert_eq!(heard.await, Ok([true; 5]));
}

/// also: TMR-005
#[tokio::test(start_paused = true)]
async fn tmr_003_an_expired_timer_is_a_message_at_the_tail() {
    let (told, heard) = tokio::sync::oneshot::channel();
    process::spawn(async move |mut ctx: process::Context<(u8, Option<process::Timer>)>| {
        ctx.address().send((1, None));
        let timer = ctx.start_timer(Duration::ZERO, |timer| (2, Some(timer)));
        ctx.address().send((3, None));
        let mut order = Vec::new();
        let mut own = false;
        for _ in 0..3 {
            let Received::Message((number, carried)) = ctx.recv().await else { return };
            own |= carried == Some(timer);
            order.push(number);
        }
        let _ = told.send((order, own));
    })
    .expect("spawns");
    assert_eq!(heard.await, Ok((vec![1, 3, 2], true)));
}

#[tokio::test(start_paused = true)]
async fn tmr_004_timers_die_with_their_process_and_find_a_name_at_expiry() {
    static LATE: Name<Raw<Order>> = Name::new("tmr-004");
    let log = puppet::Log::default();
    let owner = puppet(&log);
    act(&owner, |ctx| {
        for _ in 0..100 {
            ctx.send_after(Duration::from_secs(9), Order::Note("never".to_owned()));
        }
    })
    .await;
    assert_eq!(process::timers_pending(), 100);
    LATE.send_after(Duration::from_millis(10), Order::Note("found".to_owned()));
    end(&owner, ExitReason::Normal);
    process::join(&owner).await;
    assert_eq!(process::timers_pending(), 1, "only the one to a name is left");
    let later = puppet(&log);
    act(&later, |ctx| ctx.register(&LATE)).await.expect("free");
    tokio::time::advance(Duration::from_millis(11)).await;
    while log.line().is_empty() {
        settled(&later).await;
    }
    assert_eq!(log.line(), "found");
}

#[tokio::test]
async fn tmr_006_a_receive_looks_before_it_times_out() {
    let (told, heard) = tokio::sync::oneshot::channel();
    process::spawn(async move |mut ctx: process::Context<u8>| {
        ctx.address().send(1);
        let first = ctx.recv_timeout(Duration::ZERO).await.is_some();
        let second = ctx.recv_timeout(Duration::ZERO).await.is_none();
        let _ = told.send((first, second));
    })
    .expect("spawns");
    assert_eq!(heard.await, Ok((true, true)));
}

/// also: RUST-005
#[tokio::test]
async fn rust_006_signals_pass_a_full_mailbox() {
    let bound = Mailbox::bounded(1, Overflow::Reject).expect("room for one");
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let (told, heard) = tokio::sync::oneshot::channel();
    let full = process::spawn_with(bound, async move |mut ctx: process::Context<u8>| {
        ctx.trap_exits(Trap::On);
        let child = ctx.spawn_link(async |_: process::Context<()>| {}).expect("spawns");
        ctx.monitor(&child);
        let _ = gone.await;
        let received = [ctx.recv().await, ctx.recv().await, ctx.recv().await];
        let _ = told.send(received.iter().filter(|r| !matches!(r, Received::Message(_))).count());
        std::future::pending::<()>().await;
    })
    .expect("spawns");
    full.pid().info().await.expect("lives");
    assert!(full.try_send(1).is_ok());
    assert_eq!(full.try_send(2), Err(SendError::Full(2)));
    drop(go);
    assert_eq!(heard.await, Ok(2), "an exit and a down arrived all the same");
    full.pid().kill();
    assert!(process::join(&full).await.is_killed());
}

#[tokio::test]
async fn rust_007_a_busy_process_lets_others_run() {
    let busy = process::spawn(async |mut ctx: process::Context<()>| {
        loop {
            ctx.address().send(());
            ctx.recv().await;
        }
    })
    .expect("spawns");
    let other = puppet(&puppet::Log::default());
    for _ in 0..100 {
        settled(&other).await;
    }
    busy.pid().kill();
    process::join(&busy).await;
}

/// also: RUST-009
#[tokio::test]
async fn rust_008_a_hundred_thousand_lives_leave_nothing_and_no_pid_comes_back() {
    let first = puppet(&puppet::Log::default());
    let mut some = Vec::new();
    let stale = first.pid();
    end(&first, ExitReason::Normal);
    process::join(&first).await;
    for round in 0..100_000 {
        let one = process::spawn(async |_: process::Context<()>| {}).expect("spawns");
        assert_ne!(one.pid(), stale);
        process::join(&one).await;
        if round % 1_000 == 0 {
            some.push(one.pid());
        }
    }
    let listed = process::list();
    assert!(!some.iter().any(|pid| listed.contains(pid)), "none of them is left");
    assert!(!stale.is_alive());
    assert!(stale.info().await.is_none());
    note(&first, "silent");
}

#[tokio::test]
async fn bad_001_a_mailbox_must_have_room_and_its_policy_is_exact() {
    assert!(Mailbox::bounded(0, Overflow::Reject).is_err());
    for (overflow, kept) in
        [(Overflow::Reject, [0, 1]), (Overflow::DropNewest, [0, 1]), (Overflow::DropOldest, [3, 4])]
    {
        let bound = Mailbox::bounded(2, overflow).expect("room for two");
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let (told, heard) = tokio::sync::oneshot::channel();
        let target = process::spawn_with(bound, async move |mut ctx: process::Context<u8>| {
            let _ = gone.await;
            let mut got = Vec::new();
            while let Some(Received::Message(number)) = ctx.recv_timeout(Duration::ZERO).await {
                got.push(number);
            }
            let _ = told.send(got);
        })
        .expect("spawns");
        target.pid().info().await.expect("lives");
        let refused = (0..5).filter(|number| target.try_send(*number).is_err()).count();
        assert_eq!(refused, if overflow == Overflow::Reject { 3 } else { 0 });
        drop(go);
        assert_eq!(heard.await, Ok(kept.to_vec()), "{overflow:?}");
    }
}

#[test]
fn bad_002_a_process_needs_a_runtime_with_time() {
    let absent = process::spawn(async |_: process::Context<()>| {});
    assert_eq!(absent.map(|_| ()), Err(fauxtp::NoRuntime::Absent));
    let timeless = tokio::runtime::Builder::new_current_thread().build().expect("builds");
    let _inside = timeless.enter();
    let timeless = process::spawn(async |_: process::Context<()>| {});
    assert_eq!(timeless.map(|_| ()), Err(fauxtp::NoRuntime::WithoutTime));
}

#[test]
fn bad_003_two_runtimes_share_pids_but_not_names_and_one_may_go() {
    static BOTH: Name<Raw<Order>> = Name::new("bad-003");
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let (here, there) = (runtime().expect("builds"), runtime().expect("builds"));
    let hold = async || {
        let holder = puppet(&puppet::Log::default());
        act(&holder, |ctx| ctx.register(&BOTH)).await.expect("free in this runtime");
        holder
    };
    let (ours, theirs) = (here.block_on(hold()), there.block_on(hold()));
    assert_ne!(ours.pid(), theirs.pid());
    let watch = here.spawn(async move { (process::join(&theirs).await, theirs.pid().is_alive()) });
    here.block_on(settled(&ours));
    drop(there);
    let (reason, alive) = here.block_on(watch).expect("told");
    assert!(reason.is_killed() || reason.is_no_proc(), "{reason:?}");
    assert!(!alive);
    here.block_on(settled(&ours));
}

#[tokio::test]
async fn bad_004_names_may_be_long_and_foreign_but_not_empty() {
    let long: Name<Raw<Order>> = Name::from_string("ü".repeat(500_000));
    let empty: Name<Raw<Order>> = Name::new("");
    let holder = puppet(&puppet::Log::default());
    let refused = act(&holder, move |ctx| ctx.register(&empty)).await;
    assert_eq!(refused, Err(fauxtp::names::NameError::Empty));
    let name = long.clone();
    act(&holder, move |ctx| ctx.register(&name)).await.expect("any text will do");
    assert_eq!(long.whereis(), Some(holder));
}
