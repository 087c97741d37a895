//! TASK-040 … TASK-043, GS-070 … GS-073: tasks that belong to a process, and streams that a server reads.

use crate::common;
use crate::pools::reports;
use crate::robot;
use crate::support;

use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as Cx, Poll};

use fauxtp::prelude::*;
use fauxtp::process::{self, OwnedTask, Received, Trap};
use fauxtp::{Mailbox, Overflow};
use futures_core::Stream;
use reports::Reports;
use robot::{Handle, Log, Message, ask, robot, sync, tell, trapping};
use tokio::sync::{mpsc, oneshot};

use common::{carries, custom};
use support::{everywhere, soon, watch};

/// What came of a task.
type Told = mpsc::UnboundedReceiver<Result<u64, ExitReason>>;

/// Has the robot start a task, whose outcomes are told.
async fn start(
    robot: &Handle,
    work: impl Future<Output = u64> + Send + 'static,
) -> (OwnedTask, Told) {
    let (note, told) = mpsc::unbounded_channel();
    let (give, given) = oneshot::channel();
    tell(robot, move |_, ctx| {
        let task = ctx.spawn_task(work, move |outcome| {
            Message::Do(Box::new(move |_, _| {
                let _somebody_waits = note.send(outcome);
                Ok(())
            }))
        })?;
        let _somebody_waits = give.send(task);
        Ok(())
    });
    (soon(given).await.expect("it starts"), told)
}

#[test]
fn task_040_the_outcome_of_an_owned_task_arrives_exactly_once_however_it_ends() {
    everywhere(100, |round| async move {
        let log = Log::default();
        let owner = if round % 2 == 0 { robot(&log).await } else { trapping(&log).await };
        let (_, mut value) = start(&owner, async { 7 }).await;
        assert_eq!(soon(value.recv()).await, Some(Ok(7)));
        assert_eq!(value.recv().await, None, "once");

        let (task, mut value) = start(&owner, async { panic!("boom") }).await;
        let reason = soon(value.recv()).await.expect("it is told").expect_err("a panic");
        assert_eq!(reason.panic().expect("a panic").message, "boom");
        assert!(!task.pid().is_alive(), "it has ended before");
        assert_eq!(value.recv().await, None, "once");

        for (reason, kill) in
            [(ExitReason::killed(), true), (custom("hit"), false), (ExitReason::shutdown(), false)]
        {
            let (task, mut value) = start(&owner, pending()).await;
            if kill {
                task.pid().kill()
            } else {
                task.pid().exit(reason.clone())
            }
            assert_eq!(soon(value.recv()).await, Some(Err(reason)));
            assert_eq!(value.recv().await, None, "once");
        }
        // Killed at any moment.
        let (task, mut value) = start(&owner, async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            7
        })
        .await;
        for _ in 0..round % 5 {
            tokio::task::yield_now().await;
        }
        task.pid().kill();
        let outcome = soon(value.recv()).await.expect("it is told");
        assert!(outcome.is_ok() || outcome.is_err_and(|reason| reason.is_killed()));
        assert_eq!(value.recv().await, None, "once");
        // None of it has reached the owner in any other way.
        sync(&owner).await;
        assert_eq!(owner.pid().info().await.expect("it lives").links, []);
        assert_eq!(log.all(), Vec::<String>::new());
    });
    // Not even a full mailbox refuses it.
    everywhere(20, |_| async {
        let (done, is_done) = oneshot::channel();
        let (open, gate) = oneshot::channel::<()>();
        let mailbox = Mailbox::bounded(1, Overflow::Reject).expect("room for one");
        let body = |mut ctx: process::Context<u8>| async move {
            let work = async {
                drop(gate.await);
                2
            };
            let task = ctx.spawn_task(work, |outcome| outcome.expect("a value"));
            process::join(task.expect("a runtime").pid()).await;
            let seen = [ctx.recv().await, ctx.recv().await];
            assert!(matches!(seen, [Received::Message(1), Received::Message(2)]), "{seen:?}");
            let _somebody_waits = done.send(());
        };
        let owner = process::spawn_with(mailbox, body).expect("a runtime");
        owner.send(1);
        assert!(owner.try_send(9).is_err(), "it is full");
        drop(open);
        soon(is_done).await.expect("both have come");
    });
}

#[test]
fn task_041_an_owned_task_ends_with_its_owner_and_never_takes_it_along() {
    everywhere(50, |_| async {
        let ends = [custom("failed"), ExitReason::shutdown(), ExitReason::Normal];
        for reason in ends {
            let expected = if reason.is_normal() { ExitReason::shutdown() } else { reason.clone() };
            let owner = robot(&Log::default()).await;
            let (task, mut value) = start(&owner, pending()).await;
            let end = watch(task.pid());
            tell(&owner, move |_, ctx| {
                ctx.stop(reason);
                Ok(())
            });
            assert_eq!(soon(end).await, expected);
            assert_eq!(value.recv().await, None, "and there is nobody to tell");
        }
        let owner = trapping(&Log::default()).await;
        let (task, _) = start(&owner, pending()).await;
        let end = watch(task.pid());
        owner.pid().kill();
        assert!(soon(end).await.is_killed());

        // Its own end, however bad, is a message and nothing else: see TASK-040. And somebody else's exit is not
        // the owner's.
        let (owner, other) = (robot(&Log::default()).await, common::puppet());
        let (task, _) = start(&owner, pending()).await;
        let pid = task.pid();
        other.run(move |_| pid.exit(ExitReason::Normal)).await;
        assert!(pid.info().await.is_some(), "normal, from a stranger, is nothing");
    });
    // Not even the owner can let go of it, unless it cancels it; and it is not the worse for being linked as well.
    everywhere(20, |_| async {
        for ends in [true, false] {
            let owner = robot(&Log::default()).await;
            let (open, gate) = oneshot::channel::<()>();
            let (task, mut value) = start(&owner, async {
                drop(gate.await);
                panic!("boom")
            })
            .await;
            let (pid, end) = (task.pid(), watch(task.pid()));
            tell(&owner, move |_, ctx| {
                ctx.unlink(pid);
                ctx.link(pid)?;
                ctx.unlink_flush(pid);
                Ok(())
            });
            sync(&owner).await;
            if ends {
                owner.pid().kill();
                assert!(soon(end).await.is_killed());
            } else {
                drop(open);
                assert!(soon(value.recv()).await.expect("it is told").is_err());
                sync(&owner).await;
            }
        }
    });
    // The owner's context has been carried elsewhere, and its process is gone.
    everywhere(20, |_| async {
        let (give, given) = oneshot::channel();
        let owner = process::spawn(|ctx: process::Context<()>| async move {
            let _somebody_waits = give.send(ctx);
        });
        let mut ctx = given.await.expect("it gives");
        process::join(owner.expect("a runtime").pid()).await;
        let task = ctx.spawn_task(pending::<()>(), |_| ()).expect("a runtime");
        process::join(task.pid()).await;
        assert!(!task.pid().is_alive());
    });
}

/// Goal: nothing arrives of a cancelled task. Method: it is cancelled at all times, before and after its outcome has
/// been sent, and whether there was one is compared with what the owner was told.
#[test]
fn task_042_cancelling_an_owned_task_withdraws_its_outcome() {
    let outcomes = Arc::new([const { AtomicUsize::new(0) }; 2]);
    let seen = outcomes.clone();
    everywhere(300, move |round| {
        let seen = seen.clone();
        async move {
            let owner = robot(&Log::default()).await;
            let (task, mut value) = start(&owner, async move {
                for _ in 0..round % 4 {
                    tokio::task::yield_now().await;
                }
                7
            })
            .await;
            let end = watch(task.pid());
            for _ in 0..round % 6 {
                tokio::task::yield_now().await;
            }
            let withdrawn = ask(&owner, move |_, ctx, from| {
                from.send(u64::from(ctx.cancel_task(task)));
                Ok(())
            });
            let withdrawn = withdrawn.await.expect("it lives") == 1;
            soon(end).await;
            sync(&owner).await;
            let told = value.recv().await;
            assert_eq!(told, (!withdrawn).then_some(Ok(7)), "told, or withdrawn");
            seen[usize::from(withdrawn)].fetch_add(1, Ordering::Relaxed);
        }
    });
    assert!(outcomes.iter().all(|count| count.load(Ordering::Relaxed) > 0), "{outcomes:?}");
    // One that waits in the mailbox.
    everywhere(20, |_| async {
        let (done, is_done) = oneshot::channel();
        process::spawn(|mut ctx: process::Context<u8>| async move {
            let task = ctx.spawn_task(async { 2 }, |outcome| outcome.expect("a value"));
            let task = task.expect("a runtime");
            process::join(task.pid()).await;
            assert!(ctx.cancel_task(task.clone()));
            assert!(!ctx.cancel_task(task), "there is nothing left of it");
            ctx.address().send(1);
            let first = ctx.recv().await;
            assert!(matches!(first, Received::Message(1)), "{first:?}");
            let _somebody_waits = done.send(());
        })
        .expect("a runtime");
        soon(is_done).await.expect("nothing has come");
    });
}

#[tokio::test]
async fn task_043_a_panic_while_the_message_is_made_stays_in_the_task() {
    let reports = Reports::here();
    for panics in [false, true] {
        let (tell, told) = oneshot::channel();
        let owner = process::spawn(move |mut ctx: process::Context<()>| async move {
            ctx.trap_exits(Trap::On);
            let work = async move { assert!(!panics, "boom") };
            let task = ctx.spawn_task(work, |_| panic!("no message"));
            let reason = process::join(task.expect("a runtime").pid()).await;
            ctx.address().send(());
            assert!(matches!(ctx.recv().await, Received::Message(())), "it is the only one");
            let _somebody_waits = tell.send(reason);
        });
        let end = watch(owner.expect("a runtime").pid());
        let reason = soon(told).await.expect("the owner goes on");
        let message = &reason.panic().expect("a panic").message;
        assert_eq!(message, if panics { "boom" } else { "no message" });
        assert_eq!(end.await, ExitReason::Normal);
        assert!(!reports.of(&["fauxtp::crash", "no message"]).is_empty(), "it is told");
        reports.clear();
    }
}

/// A stream of what is sent.
struct Sent(mpsc::UnboundedReceiver<Message>);

impl Stream for Sent {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Cx<'_>) -> Poll<Option<Message>> {
        self.0.poll_recv(cx)
    }
}

/// A stream that always has something; it counts how often it was asked.
struct Endless(Arc<AtomicUsize>, &'static str);

impl Stream for Endless {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, _: &mut Cx<'_>) -> Poll<Option<Message>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Message::Note(self.1)))
    }
}

/// Attaches a stream of what is sent.
async fn attach(robot: &Handle) -> (mpsc::UnboundedSender<Message>, fauxtp::gen_server::StreamId) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (give, given) = oneshot::channel();
    tell(robot, move |_, ctx| {
        let _somebody_waits = give.send(ctx.attach(Sent(receiver)));
        Ok(())
    });
    (sender, given.await.expect("it is attached"))
}

/// Waits until the robot has noted so much.
async fn noted(log: &Log, count: usize) -> Vec<String> {
    while log.all().len() < count {
        tokio::task::yield_now().await;
    }
    log.take()
}

#[test]
fn gs_070_the_items_of_an_attached_stream_are_messages_pulled_when_the_server_is_ready() {
    everywhere(50, |_| async {
        let log = Log::default();
        let server = robot(&log).await;
        let (first, _) = attach(&server).await;
        let (second, _) = attach(&server).await;
        let notes = ["a", "b", "c"];
        for note in notes {
            first.send(Message::Note(note)).expect("it is attached");
        }
        assert_eq!(soon(noted(&log, 3)).await, notes, "in the order of the stream");
        second.send(Message::Note("d")).expect("it is attached");
        assert_eq!(soon(noted(&log, 1)).await, ["d"]);
        server.cast(Message::Note("e"));
        assert_eq!(soon(noted(&log, 1)).await, ["e"], "along with the mailbox");

        // Nothing is pulled while the server is at work.
        let pulled = Arc::new(AtomicUsize::new(0));
        let count = pulled.clone();
        let (open, gate) = oneshot::channel::<()>();
        tell(&server, move |robot, ctx| {
            robot.log.take();
            ctx.attach(Endless(count, "more"));
            ctx.continue_with(Message::Work(Box::pin(async { drop(gate.await) })));
            Ok(())
        });
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(pulled.load(Ordering::Relaxed), 0);
        drop(open);
        while log.all().len() < 100 {
            tokio::task::yield_now().await;
        }
        let (tell_counts, counts) = oneshot::channel();
        tell(&server, move |robot, _| {
            let handled = robot.log.all().iter().filter(|note| *note == "more").count();
            let _somebody_waits = tell_counts.send((handled, pulled.load(Ordering::Relaxed)));
            Ok(())
        });
        let (handled, pulled) = soon(counts).await.expect("messages are handled as well");
        assert_eq!(handled, pulled, "each is handled before the next one is pulled");
        let end = watch(&server);
        server.pid().kill();
        soon(end).await;
    });
}

#[test]
fn gs_071_neither_streams_nor_messages_starve_and_signals_come_first() {
    everywhere(20, |_| async {
        let log = Log::default();
        let server = robot(&log).await;
        let pulled = Arc::new(AtomicUsize::new(0));
        let (one, two) = (pulled.clone(), pulled.clone());
        // All of it waits when the server begins.
        let (open, gate) = oneshot::channel::<()>();
        server.cast(Message::Work(Box::pin(async { drop(gate.await) })));
        tell(&server, move |robot, ctx| {
            robot.log.take();
            ctx.attach(Endless(one, "one"));
            ctx.attach(Endless(two, "two"));
            Ok(())
        });
        for _ in 0..50 {
            server.cast(Message::Note("message"));
        }
        let (stop, stopped) = oneshot::channel();
        server.cast(Message::Do(Box::new(move |robot, _| {
            let _somebody_waits = stop.send(robot.log.all());
            Ok(())
        })));
        drop(open);
        let seen = soon(stopped).await.expect("messages are handled");
        let count = |what: &str| seen.iter().filter(|note| *note == what).count();
        let (messages, one, two) = (count("message"), count("one"), count("two"));
        assert!(messages == 50 && one + two >= 45 && one + two <= 55, "{messages} {one} {two}");
        assert!(one.abs_diff(two) <= 1, "and streams take turns as well: {one} {two}");

        // Somebody else runs, and an exit comes through.
        let end = watch(&server);
        server.pid().exit(custom("enough"));
        assert!(carries(&soon(end).await, "enough"));
    });
}

#[test]
fn gs_072_a_stream_is_detached_by_its_id_and_forgotten_at_its_end() {
    everywhere(50, |_| async {
        let log = Log::default();
        let server = robot(&log).await;
        let (kept, _) = attach(&server).await;
        let (sender, id) = attach(&server).await;
        sender.send(Message::Note("a")).expect("it is attached");
        soon(noted(&log, 1)).await;
        let detach = |id| {
            ask(&server, move |_, ctx, from| {
                from.send(u64::from(ctx.detach(id)));
                Ok(())
            })
        };
        assert_eq!(detach(id).await, Ok(1));
        assert!(sender.is_closed(), "it is dropped");
        assert_eq!(detach(id).await, Ok(0), "it was");

        let (sender, id) = attach(&server).await;
        sender.send(Message::Note("last")).expect("it is attached");
        drop(sender);
        assert_eq!(soon(noted(&log, 1)).await, ["last"]);
        // After a message it is the stream's turn.
        sync(&server).await;
        assert_eq!(detach(id).await, Ok(0), "it was at its end");
        kept.send(Message::Note("b")).expect("it is attached");
        assert_eq!(soon(noted(&log, 1)).await, ["b"], "the others go on");
        server.pid().stop(ExitReason::Normal, None).await.expect("stops");
        assert!(kept.is_closed());
    });
}

/// A stream that panics as it is told: when it is asked, or when it is dropped at its end.
struct Panics(bool);

impl Stream for Panics {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, _: &mut Cx<'_>) -> Poll<Option<Message>> {
        assert!(!self.0, "when asked");
        Poll::Ready(None)
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("when dropped");
    }
}

#[test]
fn gs_073_a_stream_that_panics_is_the_servers_own_panic() {
    everywhere(50, |round| async move {
        let log = Log::default();
        let server = robot(&log).await;
        let end = watch(&server);
        let asked = round % 2 == 0;
        let (other, _) = attach(&server).await;
        tell(&server, move |_, ctx| {
            ctx.attach(Panics(asked));
            Ok(())
        });
        let reason = soon(end).await;
        let message = if asked { "when asked" } else { "when dropped" };
        assert_eq!(reason.panic().expect("a panic").message, message);
        assert_eq!(log.all().len(), 1, "terminate has run: {:?}", log.all());
        assert!(log.all()[0].starts_with("terminate("));
        assert!(other.is_closed());
    });
}

#[tokio::test(start_paused = true)]
async fn gs_070_an_item_counts_as_an_arrival_for_the_timeout() {
    let log = Log::default();
    let server = robot(&log).await;
    tell(&server, |_, ctx| {
        ctx.attach(Endless(Arc::default(), "item"));
        ctx.set_timeout(Duration::ZERO);
        Ok(())
    });
    assert!(noted(&log, 10).await.iter().all(|note| note == "item"));
    // As long as it is busy, time stands still.
    let end = watch(&server);
    server.pid().kill();
    end.await;
    log.take();
    let quiet = robot(&log).await;
    let (sender, _) = attach(&quiet).await;
    tell(&quiet, |_, ctx| {
        ctx.set_timeout(Duration::from_millis(10));
        Ok(())
    });
    drop(tokio::time::timeout(Duration::from_millis(5), pending::<()>()).await);
    sender.send(Message::Note("item")).expect("it is attached");
    drop(tokio::time::timeout(Duration::from_millis(50), pending::<()>()).await);
    assert_eq!(log.take(), ["item"], "the timeout is gone");
    tell(&quiet, |_, ctx| {
        ctx.set_timeout(Duration::from_millis(10));
        Ok(())
    });
    drop(tokio::time::timeout(Duration::from_millis(50), pending::<()>()).await);
    assert_eq!(log.take(), ["timeout"]);
}

/// Takes a lock when it is dropped.
struct Locks(Arc<Mutex<()>>);

impl Drop for Locks {
    fn drop(&mut self) {
        drop(self.0.lock());
    }
}

/// Goal: no code of the user's runs while an end is told. Method: whoever asks whether the task lives, and so waits until
/// everybody has been told, holds the lock that the destructor of the task's message wants; which comes too late for
/// its owner.
#[test]
fn task_041_a_message_that_comes_too_late_is_dropped_when_everybody_has_been_told() {
    let (done, is_done) = std::sync::mpsc::channel();
    // Left behind if it hangs.
    std::thread::spawn(move || {
        let runtime = support::multi_thread();
        for _ in 0..200 {
            let lock = Arc::new(Mutex::new(()));
            let its = lock.clone();
            let (give, given) = std::sync::mpsc::channel();
            let body = |mut ctx: process::Context<Locks>| async move {
                let task = ctx.spawn_task(pending::<()>(), move |_| Locks(its));
                give.send(task.expect("a runtime").pid()).expect("somebody waits");
                ctx.recv().await;
            };
            let owner = runtime.block_on(async { process::spawn(body) }).expect("a runtime");
            let task: Pid = given.recv().expect("it tells");
            let held = lock.lock().expect("nobody panics");
            owner.pid().exit(ExitReason::shutdown());
            while task.is_alive() {
                std::thread::yield_now();
            }
            drop(held);
        }
        done.send(()).expect("somebody waits");
    });
    is_done.recv_timeout(Duration::from_secs(60)).expect("no deadlock");
}
