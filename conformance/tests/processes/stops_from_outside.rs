//! Which ends of others end a server, and which of its ends `terminate` sees (GS-045 … GS-048).

use crate::robot;
use crate::support;

use std::sync::LazyLock;

use fauxtp::StartError;
use fauxtp::prelude::*;
use fauxtp::process::Trap;
use robot::{Handle, Log, Message, Robot, job, robot, sync, tell};
use support::{Actor, actor, begin, end, everywhere, watch};

/// Always the same: what reasons carry is compared by identity.
fn custom() -> ExitReason {
    static REASON: LazyLock<ExitReason> = LazyLock::new(|| ExitReason::custom("done"));
    REASON.clone()
}

/// Starts a robot linked with a process, which becomes its parent.
async fn child_of(parent: &Actor, log: &Log, traps: Trap) -> Handle {
    let log = log.clone();
    let start = begin(parent, move |ctx| {
        let init = job(move |_, ctx| {
            ctx.trap_exits(traps);
            Ok(())
        });
        // Launched by this very process; only the acknowledgement is waited for elsewhere.
        Robot::start((log, init)).link(ctx).into_future()
    });
    start.await.expect("the parent lives").await.expect("starts")
}

/// Has the process end with a reason.
fn leave(parent: &Actor, reason: ExitReason) {
    drop(begin(parent, move |ctx| ctx.exit(ctx.pid(), reason)));
}

#[tokio::test]
async fn gs_045_terminate_runs_for_own_ends_and_requests_only() {
    let log = Log::default();
    for way in 0..3 {
        let robot = robot(&log).await;
        let join = watch(&robot);
        tell(&robot, move |_, ctx| match way {
            0 => panic!("callback"),
            1 => Err(Stop::because(custom())),
            _ => {
                ctx.stop(custom());
                Ok(())
            }
        });
        join.await;
        assert_eq!(log.take().len(), 1, "{way}");
    }
    for reason in [custom(), ExitReason::Normal, ExitReason::shutdown()] {
        let server = robot(&log).await;
        server.pid().stop(reason.clone(), None).await.expect("stops");
        assert_eq!(log.take(), [format!("terminate({reason:#})")]);
    }
    let parent = actor();
    let server = child_of(&parent, &log, Trap::On).await;
    let join = watch(&server);
    leave(&parent, custom());
    join.await;
    assert_eq!(log.take(), ["terminate(error: \"done\")"]);
}

#[tokio::test]
async fn gs_045_terminate_does_not_run_for_kills_untrapped_exits_and_failed_inits() {
    let log = Log::default();
    for traps in [Trap::On, Trap::Off] {
        let server = child_of(&actor(), &log, traps).await;
        assert!(end(&server).await.is_killed());
    }
    assert!(end(&robot(&log).await).await.is_killed());
    for reason in [custom(), ExitReason::shutdown()] {
        let server = robot(&log).await;
        let join = watch(&server);
        server.pid().exit(reason.clone());
        assert_eq!(join.await, reason);
    }
    let parent = actor();
    let server = child_of(&parent, &log, Trap::Off).await;
    let join = watch(&server);
    leave(&parent, custom());
    assert_eq!(join.await, custom());
    for way in 0..3 {
        let init = job(move |_, _| match way {
            0 => panic!("init"),
            1 => Err(Stop::because(custom())),
            _ => Err(Stop::ignore()),
        });
        let failed: std::result::Result<_, StartError> = Robot::start((log.clone(), init)).await;
        failed.expect_err("fails");
    }
    assert_eq!(log.line(), "");
}

#[test]
fn gs_046_a_trapping_server_ends_with_its_parent_in_queue_order() {
    everywhere(100, async |_| {
        for reason in [custom(), ExitReason::Normal, ExitReason::shutdown()] {
            let log = Log::default();
            let parent = actor();
            let server = child_of(&parent, &log, Trap::On).await;
            let (left, join) = (watch(&parent), watch(&server));
            let to = server.clone();
            drop(begin(&parent, move |_| to.cast(Message::Note("ahead"))));
            leave(&parent, reason.clone());
            let behind = async {
                assert_eq!(left.await, reason);
                server.cast(Message::Note("behind"));
            };
            let (ended, ()) = tokio::join!(join, behind);
            assert_eq!(ended, reason);
            assert_eq!(log.line(), format!("ahead terminate({reason:#})"));
        }
    });
}

#[tokio::test]
async fn gs_047_an_exit_from_anybody_else_is_information() {
    let log = Log::default();
    let parent = actor();
    let server = child_of(&parent, &log, Trap::On).await;
    let other = actor();
    for reason in [custom(), ExitReason::Normal, ExitReason::shutdown()] {
        let pid = server.pid();
        begin(&other, move |ctx| ctx.exit(pid, reason)).await.expect("lives");
        sync(&server).await;
    }
    server.pid().exit(custom());
    sync(&server).await;
    assert_eq!(
        log.line(),
        "exit(error: \"done\") exit(normal) exit(shutdown) exit(error: \"done\")"
    );
    assert!(parent.is_alive());
}

#[test]
fn gs_048_a_parents_normal_end_does_not_stop_a_server_that_does_not_trap() {
    everywhere(100, async |_| {
        let log = Log::default();
        let parent = actor();
        let server = child_of(&parent, &log, Trap::Off).await;
        let left = watch(&parent);
        server.cast(Message::Note("ahead"));
        leave(&parent, ExitReason::Normal);
        assert_eq!(left.await, ExitReason::Normal);
        assert!(server.pid().info().await.is_some(), "its exit has been taken in");
        sync(&server).await;
        assert_eq!(log.line(), "ahead");
    });
}
