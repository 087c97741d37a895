//! What broke in ractor, lives and messages: what was sent, counters, idleness, lagging, groups.

use crate::common;
use crate::pools;
use crate::robot;

use std::sync::Arc;
use std::task::{Context as TaskContext, Waker};

use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::process::{self, Received};
use fauxtp::supervisor::ChildState;
use fauxtp::{Mailbox, Overflow};
use tokio::sync::oneshot;

use common::puppet;
use pools::{ms, plain, secs, settle, until};
use robot::{Log, ask, robot, sync};

type Inside = process::Context<u32>;

/// Broadcasts that were still under way were lost when the port they came from was dropped (ractor#293). Here what was
/// sent is there, whether or not anybody still holds an address.
#[tokio::test]
async fn ractor_293_what_was_sent_arrives_without_the_address_it_was_sent_to() {
    let (tell, told) = oneshot::channel();
    let receiver = process::spawn(async move |mut ctx: Inside| {
        for expected in 0..1_000 {
            let received = ctx.recv().await;
            assert!(matches!(received, Received::Message(n) if n == expected), "{received:?}");
        }
        tell.send(()).expect("the test waits");
    });
    let receiver = receiver.expect("in a runtime");
    for number in 0..1_000 {
        receiver.send(number);
    }
    drop(receiver);
    told.await.expect("all of it has arrived");
}

/// The same for senders that have ended, by whatever end, before anything of theirs is received (ractor#293).
#[tokio::test]
async fn ractor_293_what_was_sent_arrives_without_its_sender() {
    let (open, gate) = oneshot::channel::<()>();
    let receiver = process::spawn(async move |mut ctx: process::Context<(usize, u32)>| {
        gate.await.expect("the test lives");
        let mut next = [0; 3];
        while next != [100; 3] {
            let Received::Message((sender, number)) = ctx.recv().await else { continue };
            assert_eq!(number, next[sender], "in the order of its sender");
            next[sender] += 1;
        }
    });
    let receiver = receiver.expect("in a runtime");
    for sender in 0..3 {
        let to = receiver.clone();
        let body = process::spawn(async move |_: Inside| {
            (0..100).for_each(|number| to.send((sender, number)));
            assert!(sender != 1, "this one crashes");
            std::future::pending::<()>().await;
        });
        let body = body.expect("in a runtime");
        until("it has sent", || receiver.queue_len() == (sender + 1) * 100).await;
        body.pid().kill();
        body.join().await;
    }
    open.send(()).expect("it waits");
    assert_eq!(receiver.join().await, ExitReason::Normal);
}

/// Counters were added to and taken from in different places, and drifted (ractor#353). Here they are what a recount
/// says, after any number of starts, ends, crashes and terminations.
#[tokio::test]
async fn ractor_353_the_counts_of_a_supervisor_are_a_recount() {
    let pool = DynamicSupervisor::new().unlimited().start().await.expect("starts");
    let mut pids = Vec::new();
    for step in 0..300_usize {
        match step % 5 {
            0 | 1 => pids.push(pool.start_child(plain("child")).await.expect("starts")),
            2 => {
                let some = pids.swap_remove(step % pids.len()).expect("not ignored");
                let _restarted_under_another_pid = pool.terminate_child(some).await;
            }
            3 => pids[step % pids.len()].expect("not ignored").exit(ExitReason::error("crash")),
            _ => pids[step % pids.len()].expect("not ignored").exit(ExitReason::shutdown()),
        }
        let children = pool.which_children().await.expect("lives");
        let counts = pool.count_children().await.expect("lives");
        let running = |state| matches!(state, ChildState::Running(_));
        let active = children.iter().filter(|child| running(child.state)).count();
        // Between the two answers somebody may have come back, or have gone.
        settle().await;
        let again = pool.count_children().await.expect("lives");
        assert!(counts.specs == children.len() || again.specs != counts.specs, "step {step}");
        assert!(counts.active == active || again.active != counts.active, "step {step}");
    }
    settle().await;
    let children = pool.which_children().await.expect("lives");
    let counts = pool.count_children().await.expect("lives");
    assert_eq!((counts.specs, counts.active), (children.len(), children.len()));
    pool.stop().await.expect("stops");
}

/// The number of messages in hand went up on one way and down on another (ractor#428). Here the length of the queue is
/// what is in it, also if messages are refused, displaced or picked out.
#[tokio::test]
async fn ractor_428_the_length_of_a_queue_is_a_recount() {
    for overflow in [None, Some(Overflow::Reject), Some(Overflow::DropOldest)] {
        let mailbox = overflow.map_or(Mailbox::UNBOUNDED, |overflow| {
            Mailbox::bounded(8, overflow).expect("there is room")
        });
        let (step, mut steps) = tokio::sync::mpsc::unbounded_channel::<()>();
        let (done, mut took) = tokio::sync::mpsc::unbounded_channel();
        let taker = process::spawn_with(mailbox, async move |mut ctx: Inside| {
            while steps.recv().await.is_some() {
                let taken = ctx.recv_timeout(Duration::ZERO).await;
                done.send(taken.is_some()).expect("the test lives");
            }
        });
        let taker = taker.expect("in a runtime");
        for batch in [1, 3, 8, 13] {
            (0..batch).for_each(|number| taker.send(number));
            let waiting = if overflow.is_none() { batch } else { batch.min(8) };
            assert_eq!(taker.queue_len(), waiting as usize, "{overflow:?}");
            for _ in 0..waiting {
                step.send(()).expect("it lives");
                assert_eq!(took.recv().await, Some(true), "{overflow:?}");
            }
            step.send(()).expect("it lives");
            assert_eq!(took.recv().await, Some(false), "{overflow:?}: there is no more");
            assert_eq!(taker.queue_len(), 0);
        }
    }
}

/// Workers that had nothing to do were taken for stuck, and replaced (ractor#445). Here idleness is no fault: after a
/// year of it everybody is the one he was.
#[tokio::test(start_paused = true)]
async fn ractor_445_who_is_idle_is_left_alone() {
    let sup = Supervisor::new([plain("one"), plain("two").start_timeout(ms(10))]).start().await;
    let sup = sup.expect("starts");
    let before = sup.which_children().await.expect("lives");
    pools::take(secs(365 * 24 * 3_600)).await;
    assert_eq!(sup.which_children().await.expect("lives"), before);
    assert_eq!(process::timers_pending(), 0, "and nobody watches the time");
    sup.stop().await.expect("stops");
}

/// A reference of the wrong type killed the actor that it was used on (ractor#468). Here there is no such reference.
#[tokio::test]
async fn ractor_468_an_address_of_other_messages_is_not_given() {
    static RIGHT: Name<Raw<u32>> = Name::new("ractor-468");
    static WRONG: Name<Raw<String>> = Name::new("ractor-468");
    let (tell, told) = oneshot::channel();
    let process = process::spawn(async move |mut ctx: Inside| {
        ctx.register(&RIGHT).expect("the name is free");
        tell.send(()).expect("the test waits");
        assert!(matches!(ctx.recv().await, Received::Message(7)));
    });
    let process = process.expect("in a runtime");
    told.await.expect("it registers");
    let pid = process.pid();
    assert!(Address::<String>::of(pid).is_none() && WRONG.whereis().is_none());
    WRONG.send("wrong".to_owned()).expect_err("nobody takes that under this name");
    Address::<u32>::of(pid).expect("of the right type").send(7);
    assert_eq!(process.join().await, ExitReason::Normal);
}

/// A subscriber that lagged behind was stopped for it (ractor#468). Here it misses messages, as its policy says, and
/// lives.
#[tokio::test]
async fn ractor_468_who_lags_behind_is_not_stopped() {
    for (overflow, kept) in
        [(Overflow::DropOldest, 96..100), (Overflow::DropNewest, 0..4), (Overflow::Reject, 0..4)]
    {
        let (open, gate) = oneshot::channel::<()>();
        let mailbox = Mailbox::bounded(4, overflow).expect("there is room");
        let lags = process::spawn_with(mailbox, async move |mut ctx: Inside| {
            gate.await.expect("the test lives");
            let mut got = Vec::new();
            while let Some(Received::Message(number)) = ctx.recv_timeout(Duration::ZERO).await {
                got.push(number);
            }
            ExitReason::custom(got)
        });
        let lags = lags.expect("in a runtime");
        (0..100).for_each(|number| lags.send(number));
        assert!(lags.is_alive());
        open.send(()).expect("it waits");
        let reason = lags.join().await;
        assert_eq!(reason.downcast_ref::<Vec<u32>>(), Some(&kept.collect()), "{overflow:?}");
    }
}

/// Requests whose callers had gone were kept for ever (ractor#468). Here nothing is left of ten thousand of them, neither
/// at the callee nor at the callers.
#[tokio::test]
async fn ractor_468_abandoned_calls_leave_nothing() {
    let (log, token) = (Log::default(), Arc::new(()));
    let server = robot(&log).await;
    for _ in 0..10_000 {
        let held = token.clone();
        let mut call = Box::pin(ask(&server, move |_, _, from| {
            drop(held);
            from.send(1);
            Ok(())
        }));
        let begun = call.as_mut().poll(&mut TaskContext::from_waker(Waker::noop()));
        assert!(begun.is_pending() || begun.is_ready());
    }
    sync(&server).await;
    let facts = server.pid().info().await.expect("it lives");
    assert_eq!((facts.queue_len, facts.monitored_by, facts.links.len()), (0, 0, 0));
    assert_eq!(Arc::strong_count(&token), 1, "nobody holds a request any more");
    assert_eq!(process::timers_pending(), 0);
}

/// Those who were dying could still join a group, and stayed in it (ractor#374); members that came and went at the same
/// time were counted twice or not at all (ractor#411). Here the holders of a key are those that live.
/// also: RACTOR-411
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ractor_374_the_holders_of_a_key_are_those_that_live() {
    let group = Registry::<u8, u32>::start_duplicate().await.expect("starts");
    let mut lives = Vec::new();
    for number in 0..200 {
        let (joined, life) = (group.clone(), puppet());
        life.tell(move |ctx| {
            for _ in 0..=number % 3 {
                let _killed_meanwhile = joined.register(ctx, 1, number);
            }
            if number % 4 == 0 {
                joined.unregister(ctx, &1);
            }
        });
        lives.push(life);
        if number % 2 == 1 {
            lives[number as usize].pid().kill();
        }
        let holders = group.lookup(&1);
        assert!(holders.len() <= 3 * lives.len());
    }
    for (number, life) in lives.iter().enumerate() {
        match number % 2 {
            0 => life.run(|_| ()).await,
            _ => drop(life.address.join().await),
        }
    }
    let mut holders: Vec<u32> = group.lookup(&1).into_iter().map(|(_, number)| number).collect();
    holders.sort_unstable();
    let expected = (0..200).filter(|number| number % 4 == 2);
    let expected: Vec<u32> =
        expected.flat_map(|number| (0..=number % 3).map(move |_| number)).collect();
    assert_eq!(holders, expected);
    assert_eq!(group.count(), expected.len());
    group.stop().await;
}
