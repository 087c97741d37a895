//! Ends, of one or of very many, after which nobody may be left.

use crate::common;
use crate::pools;
use crate::robot;
use crate::turn;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::process::{self, StopError};
use fauxtp::reason::MaxRestartsReached;
use fauxtp::supervisor::Restart;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use common::{custom, puppet, trapper};
use pools::{Finish, Setup, ms, plain, secs, settle, state};
use robot::{Log, Message, Robot, job, sync, tell};
use turn::{alone, alone_paused, turn};

type Inside = process::Context<()>;

/// also: RUST-009
#[test]
fn rust_008_a_hundred_thousand_lives_leave_nothing_and_no_pid_comes_back() {
    alone(async || {
        static NAME: Name<Raw<u32>> = Name::new("rust-008");
        // Everybody holds on to it as long as anything is left of him: his reason has it.
        let token = Arc::new(());
        let (first, peer) = (puppet(), trapper().await);
        let (stale, friend) = (first.pid(), peer.pid());
        first.ended(ExitReason::Normal).await;
        let mut some = Vec::new();
        for round in 0..100_000 {
            let reason = ExitReason::shutdown_with(token.clone());
            let one = process::spawn(async move |mut ctx: process::Context<u32>| {
                if round % 10 == 0 {
                    ctx.register(&NAME).expect("the name is free");
                    ctx.link(friend).expect("it lives");
                    ctx.monitor(friend);
                    ctx.send_after(Duration::from_secs(3_600), 0);
                }
                reason
            });
            let one = one.expect("there is a runtime");
            assert_ne!(one.pid(), stale);
            process::join(&one).await;
            if round % 1_000 == 0 {
                some.push(one.pid());
                assert_eq!(peer.events().await.len(), if round == 0 { 1 } else { 100 });
            }
        }
        let listed = process::list();
        assert!(!some.iter().any(|pid| listed.contains(pid)), "none of them is left");
        assert_eq!(listed, [friend]);
        assert_eq!(process::timers_pending(), 0);
        let facts = friend.info().await.expect("it lives");
        assert_eq!((facts.links, facts.monitored_by), (vec![], 0));
        drop(peer.events().await);
        assert_eq!(Arc::strong_count(&token), 1, "nothing is left of them");
        assert!(!stale.is_alive() && stale.info().await.is_none());
        first.tell(|_| panic!("it is dead"));
    });
}

/// Runs it in its turn, in a runtime of one thread whose stack is small even for a test build.
fn on_a_small_stack<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send) {
    let _turn = turn();
    thread::scope(|scope| {
        let run = || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(test());
        };
        let small = thread::Builder::new().stack_size(512 * 1024).spawn_scoped(scope, run);
        small.expect("it starts").join().expect("it ends well");
    });
}

/// Two that supervised each other told each other of an end until the stack was full (ractor#167, #168). Here a ring in
/// which everybody is linked with both neighbours, from both sides, goes down at once.
/// also: RACTOR-168
#[test]
fn ractor_167_a_ring_of_links_from_both_sides_ends_without_recursion() {
    on_a_small_stack(async || {
        let ring: Vec<_> = (0..5_000).map(|_| puppet()).collect();
        for (number, member) in ring.iter().enumerate() {
            member.link(&ring[(number + 1) % ring.len()]).await;
            member.link(&ring[(number + ring.len() - 1) % ring.len()]).await;
        }
        let opposite = ring[2_500].address.clone();
        ring[0].end(custom("around"));
        let reason = opposite.join().await;
        assert!(common::carries(&reason, "around"), "{reason:?}");
        for member in &ring {
            member.address.join().await;
        }
        assert_eq!(process::list(), []);
    });
}

/// The kill of a deep tree went down by calls within calls until the stack was full (ractor#469). Here every generation
/// is told by a message, and the list of ancestors is shared and let go of one by one.
#[test]
fn ractor_469_a_deep_line_of_generations_is_killed_on_a_small_stack() {
    fn generation(
        mut ctx: Inside,
        left: u32,
        tell: oneshot::Sender<Pid>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            if left > 0 {
                ctx.spawn_link(|ctx| generation(ctx, left - 1, tell)).expect("in a runtime");
            } else {
                tell.send(ctx.pid()).expect("the test waits");
            }
            ctx.recv().await;
        })
    }
    on_a_small_stack(async || {
        let (tell, told) = oneshot::channel();
        let first = process::spawn(|ctx| generation(ctx, 20_000, tell)).expect("in a runtime");
        let last = told.await.expect("the last one starts");
        let facts = last.info().await.expect("it lives");
        assert_eq!((facts.ancestors.len(), facts.ancestors.last()), (20_000, Some(&first.pid())));
        let (reason, ()) = tokio::join!(process::join(last), async { first.pid().kill() });
        assert!(reason.is_killed(), "{reason:?}");
        assert_eq!(process::list(), []);
    });
}

/// A supervised actor could not be stopped: it came back each time (actix#157). Here a child that is told to stop, or
/// whose supervisor is, stays away, also if it is permanent.
#[test]
fn actix_157_a_supervised_child_can_be_stopped() {
    alone(async || {
        let log = pools::Log::default();
        let child = Setup::new("child", &log).spec().restart(Restart::Permanent);
        let sup = Supervisor::new([child]).unlimited().start().await.expect("starts");
        sup.terminate_child("child").await.expect("it runs");
        settle().await;
        assert_eq!(state(&sup.which_children().await.expect("lives"), "child").pid(), None);
        sup.restart_child("child").await.expect("by hand");
        sup.stop().await.expect("stops");
        settle().await;
        assert_eq!((log.count("start child"), log.count("gone child")), (2, 2));
        assert_eq!(process::list(), []);
    });
}

/// A child that takes its time to end did not hold up the stop of its supervisor, and outlived it (actix#157).
#[test]
fn actix_157_the_stop_of_a_supervisor_includes_its_slow_children() {
    alone_paused(async || {
        let log = pools::Log::default();
        let slow = Setup::new("slow", &log).finish(Finish::Take(ms(900)));
        let sup = Supervisor::new([slow.spec(), plain("quick")]).start().await.expect("starts");
        let began = tokio::time::Instant::now();
        sup.stop().await.expect("stops");
        assert_eq!((began.elapsed(), process::list()), (ms(900), vec![]));
        assert_eq!(log.lines().last().map(String::as_str), Some("gone slow"));
    });
}

/// A task panicked, and the service stayed up without it (iris-mpc#39). Here whoever waits for the root hears of its
/// end, and why, so that a program can end as well.
#[test]
fn irismpc_39_who_waits_for_the_root_hears_of_its_end() {
    alone(async || {
        let starts = Arc::<AtomicUsize>::default();
        let counts = starts.clone();
        let child = ChildSpec::task("service", move || {
            let number = counts.fetch_add(1, Ordering::SeqCst);
            async move { panic!("start {number} of the service") }
        });
        let inner = ChildSpec::supervisor("inner", move || {
            Supervisor::new([child.clone()]).intensity(2, secs(60))
        });
        let root = Supervisor::new([inner]).intensity(1, secs(60)).start().await.expect("starts");
        let reason = root.wait().await;
        assert_eq!(reason.downcast_ref(), Some(&MaxRestartsReached));
        assert_eq!(starts.load(Ordering::SeqCst), 6, "three times below each of two");
        assert_eq!(root.stop().await, Err(StopError::NoProc));
        assert_eq!(process::list(), []);
    });
}

/// Timers went on after the shutdown, and hit what came later (actor-ts#921). Here they end with who set them, of
/// whatever kind.
#[test]
fn actorts_921_timers_end_with_their_owner() {
    alone_paused(async || {
        let log = Log::default();
        let begin = |log: &Log| (log.clone(), job(|_, _| Ok(())));
        static NAME: Name<Robot> = Name::new("actorts-921");
        for stops in [true, false] {
            let owner = Robot::start(begin(&log)).name(&NAME).await.expect("the name is free");
            tell(&owner, |_, ctx| {
                ctx.send_after(secs(10), Message::Note("late"));
                ctx.set_timeout(secs(20));
                ctx.spawn_task(pools::take(secs(30)), |_| Message::Note("late"))?;
                Ok(())
            });
            sync(&owner).await;
            assert!(process::timers_pending() >= 1);
            match stops {
                true => owner.pid().stop(ExitReason::shutdown(), None).await.expect("stops"),
                false => owner.pid().kill(),
            }
            owner.join().await;
            settle().await;
            assert_eq!((process::timers_pending(), process::list()), (0, vec![]));
        }
        let next = Robot::start(begin(&log)).name(&NAME).await.expect("the name is free");
        pools::take(secs(60)).await;
        assert!(
            !log.all().iter().any(|line| line == "late" || line == "timeout"),
            "{:?}",
            log.all()
        );
        next.pid().kill();
    });
}
