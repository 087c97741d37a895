//! Processes, exit signals and order (PROC-001 … PROC-017).

mod puppet;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::process::{self, Context as Inside, Trap};
use fauxtp::stop::kill_reason;
use puppet::{Log, Order, act, body, end, note, puppet, settled, trapping};

#[tokio::test]
async fn proc_001_a_process_ends_once_with_one_reason() {
    let returned = process::spawn(async |_: Inside<()>| {}).expect("spawns");
    assert!(process::join(&returned).await.is_normal());
    let failed =
        process::spawn(async |_: Inside<()>| Err::<(), _>(std::fmt::Error)).expect("spawns");
    assert_eq!(process::join(&failed).await.to_string(), "error: Error");
    let panicked = process::spawn(async |_: Inside<()>| panic!("x")).expect("spawns");
    let reason = process::join(&panicked).await;
    assert_eq!(reason.panic().map(|panic| panic.message.as_str()), Some("x"));
    let chosen = ExitReason::custom(7);
    let given = chosen.clone();
    let exited = process::spawn(async |_: Inside<()>| given).expect("spawns");
    assert_eq!(process::join(&exited).await, chosen);
}

#[tokio::test]
async fn proc_002_only_normal_and_shutdown_are_clean() {
    let clean = [ExitReason::Normal, ExitReason::shutdown(), ExitReason::shutdown_with("why")];
    assert!(clean.iter().all(ExitReason::is_clean));
    let abnormal = [
        ExitReason::killed(),
        kill_reason(),
        ExitReason::no_proc(),
        ExitReason::error("e"),
        ExitReason::custom(1),
    ];
    assert!(!abnormal.iter().any(ExitReason::is_clean));
}

#[tokio::test]
async fn proc_003_an_exit_signal_does_what_the_table_says() {
    let other = ExitReason::custom("other");
    for (reason, dies) in [
        (ExitReason::Normal, false),
        (ExitReason::shutdown(), true),
        (kill_reason(), true),
        (other, true),
    ] {
        let plain = puppet(&Log::default());
        plain.pid().exit(reason.clone());
        if dies {
            assert_eq!(process::join(&plain).await, reason);
        } else {
            settled(&plain).await;
        }
        let log = Log::default();
        let trapper = trapping(&log).await;
        trapper.pid().exit(reason.clone());
        settled(&trapper).await;
        assert_eq!(log.line(), format!("exit({reason:#})"));
    }
    let own = puppet(&Log::default());
    act(&own, |ctx| ctx.exit(ctx.pid(), ExitReason::Normal)).await;
    process::join(&own).await;
    assert!(!own.is_alive(), "even normal ends its own sender");
    let own_trapping = trapping(&Log::default()).await;
    act(&own_trapping, |ctx| ctx.exit(ctx.pid(), ExitReason::Normal)).await;
    settled(&own_trapping).await;
}

#[tokio::test]
async fn proc_004_the_reason_kill_can_be_trapped_and_the_signal_cannot() {
    let log = Log::default();
    let watcher = trapping(&log).await;
    let peer = puppet(&Log::default());
    act(&watcher, {
        let pid = peer.pid();
        move |ctx| ctx.link(pid)
    })
    .await
    .expect("lives");
    end(&peer, kill_reason());
    process::join(&peer).await;
    settled(&watcher).await;
    assert_eq!(log.line(), "exit(error: kill)");
    watcher.pid().kill();
    assert!(process::join(&watcher).await.is_killed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proc_005_nothing_sent_after_an_exit_is_handled() {
    for _ in 0..2_000 {
        let log = Log::default();
        let target = puppet(&log);
        note(&target, "before");
        target.pid().exit(ExitReason::shutdown());
        note(&target, "after");
        process::join(&target).await;
        assert!(["", "before"].contains(&log.line().as_str()), "{}", log.line());
    }
    let log = Log::default();
    let trapper = trapping(&log).await;
    for _ in 0..200 {
        note(&trapper, "m");
        trapper.pid().exit(ExitReason::Normal);
    }
    settled(&trapper).await;
    assert_eq!(log.line(), ["m exit(normal)"; 200].join(" "));
}

#[tokio::test]
async fn proc_006_an_untrapped_exit_waits_for_no_message_and_interrupts_a_handler() {
    let log = Log::default();
    let target = puppet(&log);
    for _ in 0..1_000 {
        note(&target, "unread");
    }
    target.pid().exit(ExitReason::shutdown());
    process::join(&target).await;
    assert_eq!(log.line(), "");
    let stuck =
        process::spawn(async |_: Inside<()>| std::future::pending::<()>().await).expect("spawns");
    stuck.pid().exit(ExitReason::shutdown());
    assert!(process::join(&stuck).await.is_shutdown());
}

/// Goal: whoever acts because of something sees it everywhere. Method: A tells B that it has sent to C; B
/// then sends to C; C has A's first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proc_007_what_happened_first_is_seen_first() {
    let log = Log::default();
    let (a, b, c) = (puppet(&Log::default()), puppet(&Log::default()), puppet(&log));
    for _ in 0..1_000 {
        let (to_c, then) = (c.clone(), b.clone());
        act(&a, move |_| {
            note(&to_c, "a");
            let to_c = to_c.clone();
            then.send(Order::Do(Box::new(move |_| {
                note(&to_c, "b");
                None
            })));
        })
        .await;
        settled(&b).await;
    }
    settled(&c).await;
    assert_eq!(log.line(), ["a b"; 1_000].join(" "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proc_008_a_name_is_free_when_the_death_is_known() {
    static NAME: Name<Raw<Order>> = Name::new("proc-008");
    for _ in 0..2_000 {
        let holder = puppet(&Log::default());
        act(&holder, |ctx| ctx.register(&NAME)).await.expect("the name is free again");
        end(&holder, ExitReason::Normal);
        process::join(&holder).await;
        assert!(NAME.whereis().is_none());
        assert!(!holder.is_alive());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proc_009_after_kill_the_target_is_not_alive() {
    for _ in 0..2_000 {
        let target = trapping(&Log::default()).await;
        target.pid().kill();
        assert!(!target.pid().is_alive());
        assert!(!target.is_alive());
        let reason = process::join(&target).await;
        assert!(reason.is_killed() || reason.is_no_proc(), "{reason:?}");
    }
}

#[tokio::test]
async fn proc_010_sending_to_the_dead_is_silent_and_to_no_name_an_error() {
    static NOBODY: Name<Raw<Order>> = Name::new("proc-010");
    let target = puppet(&Log::default());
    end(&target, ExitReason::Normal);
    process::join(&target).await;
    note(&target, "silent");
    assert!(target.try_send(Order::Note("told".to_owned())).is_err());
    assert!(NOBODY.send(Order::Note("told".to_owned())).is_err());
    NOBODY.cast(Order::Note("silent".to_owned()));
}

#[tokio::test]
async fn proc_011_a_kill_runs_no_user_code_but_destructors() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    struct Server(#[allow(dead_code, reason = "held to be dropped")] Dropped, Arc<AtomicUsize>);
    impl GenServer for Server {
        type Args = (Arc<AtomicUsize>, Arc<AtomicUsize>);
        type Message = ();
        async fn init((dropped, ended): Self::Args, _: &mut Context<Self>) -> Result<Self> {
            Ok(Self(Dropped(dropped), ended))
        }
        async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
            Ok(())
        }
        async fn terminate(&mut self, _: &ExitReason, _: &mut Context<Self>) {
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    for kill in [true, false] {
        let (dropped, ended) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let server = Server::start((dropped.clone(), ended.clone())).await.expect("starts");
        if kill {
            server.pid().kill();
        } else {
            server.pid().exit(ExitReason::shutdown());
        }
        process::join(&server).await;
        assert_eq!((dropped.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)), (1, 0));
    }
}

#[tokio::test]
async fn proc_012_the_first_cause_stands() {
    let first = ExitReason::custom("first");
    let target = puppet(&Log::default());
    target.pid().exit(first.clone());
    target.pid().exit(ExitReason::custom("second"));
    target.pid().kill();
    assert_eq!(process::join(&target).await, first);
    // An end of its own, decided before a pending signal is noticed, keeps its own reason.
    let own = ExitReason::custom("own");
    let target = puppet(&Log::default());
    let given = own.clone();
    target.send(Order::Do(Box::new(move |ctx| {
        ctx.exit(ctx.pid(), ExitReason::custom("pending"));
        Some(given)
    })));
    assert_eq!(process::join(&target).await, own);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proc_013_a_child_that_dies_at_once_still_gives_its_reason() {
    let log = Log::default();
    let parent = trapping(&log).await;
    for _ in 0..500 {
        act(&parent, |ctx| {
            ctx.spawn_link(async |_: Inside<()>| ExitReason::custom(1)).expect("spawns");
            ctx.spawn_monitor(async |_: Inside<()>| ExitReason::custom(2)).expect("spawns");
        })
        .await;
    }
    while log.line().split(' ').filter(|event| event.ends_with(')')).count() < 1_000 {
        settled(&parent).await;
    }
    assert!(!log.line().contains("noproc"), "the link and the monitor were there first");
}

#[tokio::test]
async fn proc_014_the_trap_flag_is_read_when_the_signal_is_received() {
    let target = puppet(&Log::default());
    target.send(Order::Do(Box::new(|ctx| {
        ctx.exit(ctx.pid(), ExitReason::custom("received before"));
        ctx.trap_exits(Trap::On);
        None
    })));
    assert!(process::join(&target).await.is_error());
}

#[tokio::test]
async fn proc_015_the_mailbox_dies_with_its_process() {
    let log = Log::default();
    let sup = Supervisor::new([ChildSpec::process("p", {
        let log = log.clone();
        move |ctx| body(log.clone())(ctx)
    })])
    .start()
    .await
    .expect("starts");
    let first = sup.child::<Raw<Order>>("p").expect("runs");
    end(&first, ExitReason::error("die"));
    note(&first, "unread");
    process::join(&first).await;
    sup.count_children().await.expect("answers");
    let second = sup.child::<Raw<Order>>("p").expect("runs again");
    settled(&second).await;
    assert_ne!(first.pid(), second.pid());
    assert_eq!(log.line(), "");
}

#[tokio::test]
async fn proc_016_a_reason_travels_unchanged() {
    let payload = vec![7_u8; 1 << 20];
    let reason = ExitReason::custom(payload.clone());
    let target = puppet(&Log::default());
    let (told, heard) = tokio::sync::oneshot::channel();
    let watcher = process::spawn({
        let pid = target.pid();
        async move |mut ctx: Inside<()>| {
            ctx.trap_exits(Trap::On);
            ctx.link(pid).expect("lives");
            ctx.monitor(pid);
            let _ = told.send((ctx.recv().await, ctx.recv().await));
        }
    })
    .expect("spawns");
    watcher.pid().info().await;
    end(&target, reason.clone());
    let (process::Received::Exit(exit), process::Received::Down(down)) = heard.await.expect("told")
    else {
        panic!("an exit, then a down (LINK-008)");
    };
    assert_eq!((&exit.reason, &down.reason), (&reason, &reason));
    assert_eq!(down.reason.downcast_ref::<Vec<u8>>(), Some(&payload));
}

#[tokio::test]
async fn proc_017_a_normal_end_leaves_linked_processes_alone() {
    let parent = puppet(&Log::default());
    let child = act(&parent, |ctx| ctx.spawn_link(body(Log::default())).expect("spawns")).await;
    end(&parent, ExitReason::Normal);
    process::join(&parent).await;
    settled(&child).await;
}
