//! What a review of the run queues found: ends that meet, births and closings of runtimes that race, blocked threads.

#![allow(clippy::disallowed_methods, reason = "tasks and runtimes are what it is about")]

use crate::common;

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context as Poller, Wake};
use std::time::{Duration, Instant};

use common::puppet;
use fauxtp::prelude::*;
use fauxtp::process::{self, Received, Trap};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::block_in_place;

fn workers(count: usize) -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(count).enable_all().build().expect("a runtime")
}

/// Whether something that might never end does end. Its thread is left behind if it does not.
fn ends(code: impl FnOnce() + Send + 'static) -> bool {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        code();
        tell.send(()).expect("somebody waits");
    });
    told.recv_timeout(Duration::from_secs(60)).is_ok()
}

/// Each of the two had closed its inbox, told the other, and waited for the other to be dead.
#[test]
fn link_002_two_that_end_at_the_same_moment_do_not_wait_for_each_other() {
    let rounds = || {
        workers(2).block_on(async {
            for _ in 0..20_000 {
                let (one, other) = (puppet(), puppet());
                let (here, there) = (one.pid(), other.pid());
                one.tell(move |ctx| {
                    ctx.link(there).expect("it lives");
                    ctx.monitor(there);
                });
                other.tell(move |ctx| {
                    ctx.monitor(here);
                });
                one.run(|_| ()).await;
                other.run(|_| ()).await;
                one.end(ExitReason::Normal);
                other.end(ExitReason::Normal);
                process::join(here).await;
                process::join(there).await;
            }
        });
    };
    assert!(ends(rounds), "they wait for each other");
}

/// Asks whether a process lives, when it is told of its end.
struct Asks(Pid, AtomicUsize);

impl Wake for Asks {
    fn wake(self: Arc<Self>) {
        let _lives = self.0.is_alive();
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

/// The answer waited for the end of that process, on the thread that told of it.
#[test]
fn proc_008_a_waker_may_ask_about_the_process_whose_end_it_is_told() {
    let asked = || {
        let runtime = workers(2);
        let _inside = runtime.enter();
        let process = puppet();
        let asks = Arc::new(Asks(process.pid(), AtomicUsize::new(0)));
        let waker = asks.clone().into();
        let mut join = Box::pin(process::join(&process));
        assert!(join.as_mut().poll(&mut Poller::from_waker(&waker)).is_pending());
        process.end(ExitReason::Normal);
        while asks.1.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
    };
    assert!(ends(asked), "it asks for ever");
}

/// A process that was found before it had a body was polled without one, and never again.
#[test]
fn proc_013_a_process_that_is_signalled_before_it_has_a_body_runs() {
    let runs = || {
        workers(2).block_on(async {
            for _ in 0..200 {
                let process = process::spawn(|mut ctx: process::Context<()>| {
                    ctx.pid().exit(ExitReason::shutdown());
                    // Time enough for somebody to look after it, who then finds no body.
                    let since = Instant::now();
                    while since.elapsed() < Duration::from_micros(200) {
                        std::thread::yield_now();
                    }
                    async move { drop(ctx.recv().await) }
                });
                let process = process.expect("there is a runtime");
                let reason = process::join(&process).await;
                assert!(reason.is_shutdown() || reason.is_no_proc(), "{reason:?}");
            }
        });
    };
    assert!(ends(runs), "it never ran");
}

/// Takes its time, but blocks nobody.
struct Slow;

impl GenServer for Slow {
    type Args = ();
    type Message = Reply<Option<tokio::runtime::Id>>;

    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self)
    }

    async fn handle(&mut self, from: Self::Message, _: &mut Context<Self>) -> Result {
        let here = Handle::try_current().ok().map(|handle| handle.id());
        tokio::task::yield_now().await;
        from.send(here);
        Ok(())
    }
}

/// tokio gives a worker that blocks in place a substitute; processes had none.
#[test]
fn rust_001_processes_that_block_in_place_hold_nobody_up() {
    for (count, blockers) in [(1, 1), (2, 4)] {
        let answers = workers(count).block_on(async move {
            let mut answers = Vec::new();
            for _ in 0..blockers {
                let slow = Slow::start(()).await.expect("starts");
                let (tell, told) = oneshot::channel();
                let blocker = async move |_: process::Context<()>| {
                    let call = slow.call(|from| from).no_timeout();
                    let _ = tell.send(block_in_place(|| Handle::current().block_on(call)));
                };
                process::spawn(blocker).expect("there is a runtime");
                answers.push(told);
            }
            let mut all = Vec::new();
            for told in answers {
                all.push(told.await.expect("it tells").is_ok());
            }
            all
        });
        assert_eq!(answers, vec![true; blockers]);
    }
}

/// A caller that blocked in place in the midst of another runtime had its callee run there.
#[test]
fn rust_010_a_callee_runs_in_its_own_runtime_whoever_calls() {
    let (home, abroad) = (workers(2), Builder::new_current_thread().enable_all().build());
    let abroad = abroad.expect("a runtime");
    let own = home.handle().id();
    let seen = home.block_on(async move {
        let slow = Slow::start(()).await.expect("starts");
        let (tell, told) = oneshot::channel();
        let caller = async move |_: process::Context<()>| {
            let call = slow.call(|from| from).no_timeout();
            let _ = tell.send(block_in_place(|| abroad.block_on(call)));
            abroad.shutdown_background();
        };
        process::spawn(caller).expect("there is a runtime");
        told.await.expect("it tells")
    });
    assert_eq!(seen, Ok(Some(own)));
}

/// Only with the last worker all processes ended, and that one may be blocked for ever.
#[test]
fn rust_004_idle_processes_end_with_their_runtime_though_another_one_blocks() {
    let closing = workers(2);
    let (begin, begun) = mpsc::channel();
    let (open, gate) = mpsc::channel::<()>();
    let idle = {
        let _inside = closing.enter();
        let idle = puppet();
        puppet().tell(move |_| {
            begin.send(()).expect("somebody waits");
            let _opened = gate.recv();
        });
        idle
    };
    begun.recv().expect("it blocks");
    closing.shutdown_background();
    let here = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let reason = here.block_on(process::join(&idle));
    assert!(reason.is_killed() || reason.is_no_proc(), "{reason:?}");
    assert!(!idle.pid().is_alive());
    drop(open);
}

/// A process that closed its own runtime, run on the stack of its caller, waited for itself.
#[test]
fn rust_004_a_process_may_close_its_own_runtime() {
    let closed = || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let handle = runtime.handle().clone();
        let runtime = Arc::new(Mutex::new(Some(runtime)));
        let taken = runtime.clone();
        let server = {
            let _inside = handle.enter();
            puppet_that(move || {
                let runtime = taken.lock().expect("unpoisoned").take();
                runtime.expect("it is closed once").shutdown_background();
            })
        };
        let held = runtime.lock().expect("unpoisoned");
        held.as_ref().expect("open").block_on(server.pid().info());
        drop(held);
        let _ended = handle.block_on(server.call(|from| from));
    };
    assert!(ends(closed), "it waits for itself");
}

/// A process that does something when it is called.
fn puppet_that(act: impl FnOnce() + Send + 'static) -> Address<Reply<()>> {
    let body = async move |mut ctx: process::Context<Reply<()>>| {
        if let Received::Message(from) = ctx.recv().await {
            act();
            from.send(());
        }
    };
    process::spawn(body).expect("there is a runtime")
}

/// Two threads took signals in at once: exits were lost, or the process died of a wrong index.
#[test]
fn proc_005_no_exit_is_lost_to_a_context_in_a_task_of_its_own() {
    const EXITS: usize = 50_000;
    workers(2).block_on(async {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let (traps, trapping) = oneshot::channel();
        let body = async move |mut ctx: process::Context<()>| {
            ctx.trap_exits(Trap::On);
            let _ = traps.send(());
            let reader = tokio::spawn(async move {
                while let Received::Exit(exit) = ctx.recv().await {
                    let _ = tell.send(exit.reason);
                }
            });
            let _ = reader.await;
        };
        let process = process::spawn(body).expect("there is a runtime");
        // To be asked something and to have answered would not do: that comes before the body.
        trapping.await.expect("it lives");
        let pid = process.pid();
        let exits = std::thread::spawn(move || {
            (0..EXITS).for_each(|_| pid.exit(ExitReason::shutdown()));
        });
        for _ in 0..EXITS {
            assert!(told.recv().await.expect("it lives").is_shutdown());
        }
        exits.join().expect("sends");
        process.pid().kill();
    });
}

/// The exit that was to end the process was taken in by the task, and nobody told the process.
#[test]
fn proc_006_an_exit_met_by_a_context_in_a_task_of_its_own_ends_the_process() {
    let met = || {
        workers(2).block_on(async {
            for _ in 0..2_000 {
                let body = async move |mut ctx: process::Context<()>| {
                    let reader = tokio::spawn(async move {
                        loop {
                            ctx.recv().await;
                        }
                    });
                    let _ = reader.await;
                };
                let process = process::spawn(body).expect("there is a runtime");
                process.pid().info().await;
                process.send(());
                process.pid().exit(ExitReason::error("over"));
                process::join(&process).await;
            }
        });
    };
    assert!(ends(met), "the exit was lost");
}

/// What was started by a context in a task of its own ended at once, and its end was told before anybody watched.
#[test]
fn proc_013_no_down_is_lost_to_a_context_in_a_task_of_its_own() {
    const ROUNDS: u32 = 5_000;
    let met = || {
        workers(2).block_on(async {
            let (tell, told) = oneshot::channel();
            let body = async move |mut ctx: process::Context<()>| {
                let starter = tokio::spawn(async move {
                    for round in 0..ROUNDS {
                        let instant =
                            async move |_: process::Context<()>| ExitReason::custom(round);
                        let (child, monitor) = ctx.spawn_monitor(instant).expect("in a runtime");
                        let Received::Down(down) = ctx.recv().await else { panic!("no down") };
                        assert_eq!((down.monitor, down.pid), (monitor, Some(child.pid())));
                        assert_eq!(down.reason.downcast_ref(), Some(&round), "{:?}", down.reason);
                    }
                });
                let _ = tell.send(starter.await.is_ok());
            };
            process::spawn(body).expect("there is a runtime");
            assert_eq!(told.await, Ok(true));
        });
    };
    assert!(ends(met), "a down was lost");
}

/// What a process waits for.
#[derive(Clone, Copy, Debug)]
enum Wait {
    Timer,
    Receive,
    Call(Duration),
}

/// A timer was driven by a task that was kept for the thread of the process that set it; and that thread was blocked
/// by whom it ran next.
#[test]
fn rust_001_no_timer_waits_behind_a_thread_that_blocks() {
    const SHORT: Duration = Duration::from_millis(50);
    let long = Wait::Call(Duration::from_millis(1_500));
    let short = [Wait::Timer, Wait::Receive, Wait::Call(2 * SHORT)];
    for wait in short.repeat(5).into_iter().chain([long; 2]) {
        let runtime = workers(4);
        let callee = runtime.block_on(async {
            let never_answers = async move |mut ctx: process::Context<Reply<()>>| {
                let _kept = ctx.recv().await;
                ctx.recv().await;
            };
            let callee = process::spawn(never_answers).expect("there is a runtime");
            callee.pid().info().await.expect("it lives");
            callee
        });
        let (open, gate) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let waits = async move |mut ctx: process::Context<()>| {
            if matches!(wait, Wait::Timer) {
                ctx.send_after(SHORT, ());
            }
            let blocks = async move |_: process::Context<()>| {
                let _opened = gate.recv();
            };
            ctx.spawn(blocks).expect("there is a runtime");
            match wait {
                Wait::Timer => drop(ctx.recv().await),
                Wait::Receive => drop(ctx.recv_timeout(SHORT).await),
                Wait::Call(timeout) => drop(callee.call(|from| from).timeout(timeout).await),
            }
            tell.send(()).expect("the test waits");
        };
        {
            let _inside = runtime.enter();
            process::spawn(waits).expect("there is a runtime");
        }
        let over = told.recv_timeout(Duration::from_secs(10));
        drop(open);
        assert!(over.is_ok(), "{wait:?} is never over");
    }
}

/// Help for a thread that was blocked was sent again every 20 ms, though none had come yet.
#[test]
fn rust_008_help_that_cannot_come_is_not_sent_twice() {
    let runtime = workers(2);
    let _inside = runtime.enter();
    let (all_open, gates): (Vec<_>, Vec<_>) = (0..6).map(|_| mpsc::channel::<()>()).unzip();
    let blocked = Arc::<AtomicUsize>::default();
    for gate in gates {
        let (gate, blocked) = (Mutex::new(gate), blocked.clone());
        let body = async move |_: process::Context<()>| {
            blocked.fetch_add(1, Ordering::SeqCst);
            let _opened = gate.lock().expect("unpoisoned").recv();
        };
        process::spawn(body).expect("there is a runtime");
    }
    let begun = Instant::now();
    let mut deepest = 0;
    while begun.elapsed() < Duration::from_secs(1) {
        deepest = deepest.max(runtime.metrics().global_queue_depth());
        std::thread::yield_now();
    }
    assert_eq!(blocked.load(Ordering::SeqCst), 2, "every worker is blocked");
    assert!(deepest < 16, "{deepest}");
    drop(all_open);
}

/// Of two runtimes, the callee belongs to the one that its caller, a process of the other one, drives at that moment. What
/// the callee woke was put in a line that nobody served.
#[test]
fn rust_006_a_callee_of_another_runtime_wakes_those_there() {
    let rounds = || {
        let driven =
            Arc::new(Builder::new_current_thread().enable_all().build().expect("a runtime"));
        let inside = driven.enter();
        let answers = process::spawn(async |mut ctx: process::Context<Reply<u32>>| {
            while let Received::Message(from) = ctx.recv().await {
                from.send(7);
            }
        });
        let answers = answers.expect("inside a runtime");
        let relays = process::spawn(async move |mut ctx: process::Context<Reply<u32>>| {
            while let Received::Message(from) = ctx.recv().await {
                answers.send(from);
            }
        });
        let relays = relays.expect("inside a runtime");
        drop(inside);
        for runtime in [workers(1), workers(2)] {
            let (driven, relays) = (driven.clone(), relays.clone());
            let drives = runtime.block_on(async {
                process::spawn(async move |_: process::Context<()>| {
                    block_in_place(|| {
                        driven.block_on(async {
                            for _ in 0..100 {
                                relays.pid().info().await.expect("it lives");
                                assert_eq!(relays.call(|from| from).await, Ok(7));
                            }
                        });
                    });
                })
            });
            let drives = drives.expect("inside a runtime");
            assert_eq!(runtime.block_on(drives.join()), ExitReason::Normal);
        }
    };
    assert!(ends(rounds), "nobody runs those who were woken");
}
