//! The run queues of processes, and callees that run on their callers' stacks: nobody starves, nobody is held up.

#![allow(clippy::disallowed_methods, reason = "tasks of the runtime are what it is about")]

use crate::common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use common::{Puppet, puppet};
use fauxtp::prelude::*;
use fauxtp::process::{self, Received};
use tokio::sync::oneshot;

/// Passes a ball on for ever.
fn player(passes: Arc<AtomicUsize>) -> Address<Ball> {
    let body = async move |mut ctx: process::Context<Ball>| {
        while let Received::Message(Ball(back)) = ctx.recv().await {
            passes.fetch_add(1, Ordering::Relaxed);
            back.send(Ball(ctx.address()));
        }
    };
    process::spawn(body).expect("there is a runtime")
}

struct Ball(Address<Self>);

/// How often something happens, at most, between two turns of a task that only yields.
async fn most_between_turns(count: &AtomicUsize) -> usize {
    let mut most = 0;
    for _ in 0..200 {
        let before = count.load(Ordering::Relaxed);
        tokio::task::yield_now().await;
        most = most.max(count.load(Ordering::Relaxed) - before);
    }
    most
}

#[tokio::test]
async fn rust_007_processes_that_chat_let_tasks_of_the_runtime_run() {
    let passes = Arc::<AtomicUsize>::default();
    let (a, b) = (player(passes.clone()), player(passes.clone()));
    a.send(Ball(b.clone()));
    let most = most_between_turns(&passes).await;
    // One turn of tokio's is 61 tasks, one of a run queue 16 processes.
    assert!(most > 0 && most <= 61 * 16, "{most}");
    a.pid().kill();
    b.pid().kill();
}

/// Answers at once.
struct Echo;

impl GenServer for Echo {
    type Args = ();
    type Message = Reply<()>;

    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self)
    }

    async fn handle(&mut self, from: Reply<()>, _: &mut Context<Self>) -> Result {
        from.send(());
        Ok(())
    }
}

#[tokio::test]
async fn rust_007_a_caller_whose_callees_run_at_once_lets_others_run() {
    let echo = Echo::start(()).await.expect("starts");
    let calls = Arc::<AtomicUsize>::default();
    let counted = calls.clone();
    let caller = tokio::spawn(async move {
        while echo.call(|from| from).await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let most = most_between_turns(&calls).await;
    // tokio's budget is 128 a poll.
    assert!(most > 0 && most <= 61 * 128, "{most}");
    caller.abort();
}

/// Calls the next of its kind, and says how many are behind it.
struct Link(Option<Address<Reply<usize>>>);

impl GenServer for Link {
    type Args = Option<Address<Reply<usize>>>;
    type Message = Reply<usize>;

    async fn init(next: Self::Args, _: &mut Context<Self>) -> Result<Self> {
        Ok(Self(next))
    }

    async fn handle(&mut self, from: Reply<usize>, _: &mut Context<Self>) -> Result {
        let behind = match &self.0 {
            Some(next) => next.call(|from| from).no_timeout().await? + 1,
            None => 0,
        };
        from.send(behind);
        Ok(())
    }
}

#[tokio::test]
async fn gs_010_a_chain_of_calls_may_be_as_long_as_it_likes() {
    let mut first = None;
    for _ in 0..=20_000 {
        first = Some(Link::start(first).await.expect("starts"));
    }
    let first = first.expect("one was started");
    assert_eq!(first.call(|from| from).no_timeout().await, Ok(20_000));
}

/// Wakes `others`, and then blocks its thread until `gate` opens.
fn block(
    blocker: &Puppet,
    others: &[Puppet],
    begin: oneshot::Sender<()>,
    gate: mpsc::Receiver<()>,
) {
    let others: Vec<_> = others.iter().map(|other| other.address.clone()).collect();
    blocker.tell(move |_| {
        for other in &others {
            other.send(common::Do::job(|_| ()));
        }
        begin.send(()).expect("somebody waits");
        gate.recv().expect("it is opened");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust_001_a_handler_that_blocks_does_not_hold_up_those_it_has_just_woken() {
    for count in [1, 2, 20] {
        for _ in 0..20 {
            let blocker = puppet();
            let others: Vec<_> = (0..count).map(|_| puppet()).collect();
            // They are idle, so that it is the blocker that wakes them.
            for process in others.iter().chain([&blocker]) {
                process.run(|_| ()).await;
            }
            let (begin, begun) = oneshot::channel();
            let (open, gate) = mpsc::channel();
            block(&blocker, &others, begin, gate);
            begun.await.expect("it begins");
            // Each of them answers while the thread is still blocked.
            for other in &others {
                other.run(|_| ()).await;
            }
            open.send(()).expect("it waits");
            blocker.run(|_| ()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust_007_work_that_piles_up_in_one_place_is_shared() {
    // Far more processes than workers, all woken from one of them; each needs the other worker's help to end.
    let (log, ended) = (Arc::<AtomicUsize>::default(), 5_000);
    let done = log.clone();
    let parent = process::spawn(async move |mut ctx: process::Context<()>| {
        for _ in 0..ended {
            let done = done.clone();
            let child = async move |_: process::Context<()>| {
                tokio::task::yield_now().await;
                done.fetch_add(1, Ordering::Relaxed);
            };
            ctx.spawn_monitor(child).expect("spawns");
        }
        for _ in 0..ended {
            assert!(matches!(ctx.recv().await, Received::Down(_)));
        }
    });
    assert!(process::join(&parent.expect("spawns")).await.is_normal());
    assert_eq!(log.load(Ordering::Relaxed), ended);
}

#[test]
fn rust_004_processes_of_a_runtime_that_ends_are_killed_and_everybody_hears_of_it() {
    let here = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("builds");
    for workers in [0, 2] {
        let there = match workers {
            0 => tokio::runtime::Builder::new_current_thread().enable_all().build(),
            n => tokio::runtime::Builder::new_multi_thread().worker_threads(n).enable_all().build(),
        };
        let there = there.expect("builds");
        let processes: Vec<Puppet> = {
            let _inside = there.enter();
            (0..100).map(|_| puppet()).collect()
        };
        let one = &processes[0];
        there.block_on(one.run(|_| ()));
        let reasons = here.block_on(async {
            let watched = Arc::<AtomicUsize>::default();
            let mut waiting = Vec::new();
            for pid in processes.iter().map(Puppet::pid) {
                let watched = watched.clone();
                waiting.push(tokio::spawn(async move {
                    // The first poll of what follows, which watches, is part of this one.
                    watched.fetch_add(1, Ordering::Relaxed);
                    process::join(pid).await
                }));
            }
            while watched.load(Ordering::Relaxed) < processes.len() {
                tokio::task::yield_now().await;
            }
            drop(tokio::task::spawn_blocking(move || drop(there)).await);
            let mut reasons = Vec::new();
            for waiting in waiting {
                reasons.push(waiting.await.expect("joins"));
            }
            reasons
        });
        assert!(reasons.iter().all(ExitReason::is_killed), "{workers}: {reasons:?}");
        assert!(processes.iter().all(|process| !process.pid().is_alive()));
        assert!(one.address.try_send(common::Do::job(|_| ())).is_err());
    }
}
