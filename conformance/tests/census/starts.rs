//! Starts that come to nothing, and what is no process at all.

use crate::pools;
use crate::turn;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fauxtp::NoRuntime;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::Shutdown;
use fauxtp::task::{Task, TaskError};
use tokio::runtime::Builder;

use pools::{Actor, Ask, Begin, Finish, Setup, ms, plain, settle};
use turn::{alone, turn};

type Inside = process::Context<()>;

#[test]
fn bad_002_a_process_needs_a_runtime_with_time() {
    let _turn = turn();
    let spawn = || process::spawn(async |_: Inside| {}).map(|_| ());
    assert_eq!(spawn(), Err(NoRuntime::Absent));
    {
        let timeless = Builder::new_current_thread().build().expect("builds");
        let _inside = timeless.enter();
        assert_eq!(spawn(), Err(NoRuntime::WithoutTime));
    }
    assert_eq!(spawn(), Err(NoRuntime::Absent), "outside again");
    assert!(process::list().is_empty(), "nothing half-made is left");
}

#[test]
fn task_010_a_value_can_pose_as_a_finished_task() {
    alone(async || {
        assert_eq!(Task::completed(7).pid(), None);
        assert_eq!(Task::completed(7).await, Ok(7));
        assert_eq!(Task::completed(7).ignore(), Some(Ok(7)));
        assert_eq!(Task::completed(7).shutdown(Shutdown::BrutalKill).await, Some(Ok(7)));
        let mut task = Task::completed(7);
        assert_eq!(task.yield_within(Duration::ZERO).await, Some(Ok(7)));
        assert_eq!(task.await, Err(TaskError::Exited(ExitReason::no_proc())));
        assert_eq!(process::list(), [], "no process");
    });
}

/// Waiting for the end waited for the start instead (kameo#183), a hook was never called (kameo#186), and somebody was
/// alive who was not. Here is who is alive, and who has been told, at every stage of a life.
/// also: KAMEO-186
#[test]
fn kameo_183_every_stage_of_a_life_is_seen_as_what_it_is() {
    alone(async || {
        let (log, ended) = (pools::Log::default(), Arc::<AtomicUsize>::default());
        let setup = Setup::new("life", &log).begin(|_| Begin::Take(ms(0))).finish(Finish::AtOnce);
        let start = Actor::start(setup);
        assert_eq!(process::list(), [], "not before it is polled");
        let server = start.await.expect("starts");
        assert!(server.is_alive() && log.lines() == ["start life"]);
        let (counts, address) = (ended.clone(), server.clone());
        let waits = process::spawn(async move |_: Inside| {
            let reason = address.join().await;
            counts.fetch_add(1, Ordering::SeqCst);
            reason
        });
        let waits = waits.expect("in a runtime");
        settle().await;
        assert_eq!(ended.load(Ordering::SeqCst), 0, "its start is not its end");
        server.pid().stop(ExitReason::shutdown(), None).await.expect("stops");
        assert!(!server.is_alive());
        assert_eq!(log.lines(), ["start life", "terminate life", "gone life"]);
        assert_eq!(waits.join().await, ExitReason::shutdown());
        assert_eq!(ended.load(Ordering::SeqCst), 1);
    });
}

/// A constructor that threw left an actor without state that took messages (actor-ts#914). Here there is no such
/// process, and no name of it.
#[test]
fn actorts_914_a_failed_start_leaves_no_zombie() {
    alone(async || {
        static NAME: Name<Actor> = Name::new("actorts-914");
        for begin in [Begin::Panic, Begin::Fail, Begin::Shutdown, Begin::Ignore] {
            let log = pools::Log::default();
            let setup = Setup::new("zombie", &log).begin(move |_| begin);
            Actor::start(setup.clone()).name(&NAME).await.expect_err("it does not start");
            assert!(NAME.whereis().is_none());
            assert_eq!(process::list(), [], "{begin:?}");
            NAME.send(Ask::Panic).expect_err("nobody is there");
            let sup = Supervisor::new([plain("sibling"), setup.spec()]).start().await;
            if let Ok(sup) = sup {
                assert_eq!(begin, Begin::Ignore);
                sup.stop().await.expect("stops");
            }
            assert_eq!(process::list(), [], "{begin:?}");
        }
    });
}
