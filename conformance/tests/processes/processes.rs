//! PROC-001 … PROC-007: how processes end, and what signals do to them. Deaths are in `process_deaths.rs`, what an
//! end does in `process_ends.rs`.

use crate::common;

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fauxtp::prelude::*;
use fauxtp::process::{self, Received};
use fauxtp::reason::Failure;
use tokio::sync::oneshot;

use common::{Do, Event, Note, carries, puppet, reasons, trapper};

type Plain = process::Context<u32>;

/// Starts a process that waits for the gate, and then does the rest; waits until it has ended.
async fn end_of<F>(body: impl FnOnce() -> F + Send + 'static) -> ExitReason
where
    F: Future<Output: fauxtp::Outcome> + Send + 'static,
{
    let (open, gate) = oneshot::channel::<()>();
    let process = process::spawn(async move |_: Plain| {
        gate.await.expect("it is opened");
        body().await
    });
    let process = process.expect("there is a runtime");
    let ends = async { tokio::join!(process::join(&process), process::join(&process)) };
    let ((first, second), ()) = tokio::join!(ends, async { open.send(()).expect("it waits") });
    assert_eq!(first, second, "all hear the same");
    assert!(process::join(&process).await.is_no_proc(), "once");
    first
}

#[tokio::test]
async fn proc_001_a_process_ends_once_with_one_reason() {
    assert!(end_of(async || ()).await.is_normal());
    assert!(end_of(async || Result::<()>::Ok(())).await.is_normal());
    assert!(carries(&end_of(async || ExitReason::custom(Note("own"))).await, "own"));
    let failed = end_of(async || Err::<(), _>(std::fmt::Error)).await;
    assert!(failed.is_error() && failed.downcast_error::<std::fmt::Error>().is_some());
    assert_eq!(failed.to_string(), "error: Error");
    let panicked = end_of(async || {
        if true {
            panic!("boom {}", 7)
        }
    })
    .await;
    assert_eq!(panicked.panic().expect("says that it panicked").message, "boom 7");

    for reason in reasons() {
        let (target, watcher) = (puppet(), puppet());
        let pid = target.pid();
        watcher.run(move |ctx| ctx.monitor(pid)).await;
        target.ended(reason.clone()).await;
        pid.exit(ExitReason::custom(Note("late")));
        pid.kill();
        let downs = watcher.downs().await;
        assert_eq!(downs.len(), 1, "{downs:?}");
        assert_eq!((downs[0].pid, &downs[0].reason), (Some(pid), &reason));
    }
    let told = puppet();
    let (reason, ()) = tokio::join!(process::join(&told), async {
        told.pid().exit(ExitReason::custom(Note("told")));
    });
    assert!(carries(&reason, "told"));
}

#[tokio::test]
async fn proc_002_normal_and_the_shutdowns_alone_are_clean() {
    for (index, reason) in reasons().into_iter().enumerate() {
        assert_eq!(reason.is_clean(), index < 3, "{reason:?}");
        let ended = end_of(move || async { reason }).await;
        assert_eq!(ended.is_clean(), index < 3, "{ended:?}");
    }
    assert!(
        !end_of(async || if true {
            panic!("boom")
        })
        .await
        .is_clean()
    );
    assert!(!end_of(async || Err::<(), _>(std::fmt::Error)).await.is_clean());
}

/// Who sends an exit signal.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sender {
    Outside,
    Other,
    Itself,
}

#[tokio::test]
async fn proc_003_reason_sender_and_trap_flag_decide_what_an_exit_does() {
    for sender in [Sender::Outside, Sender::Other, Sender::Itself] {
        for reason in reasons() {
            for trapping in [false, true] {
                let case = format!("{reason:?} from {sender:?}, trapping: {trapping}");
                let target = if trapping { trapper().await } else { puppet() };
                let (pid, other, sent) = (target.pid(), puppet(), reason.clone());
                let send = async {
                    match sender {
                        Sender::Outside => pid.exit(sent),
                        Sender::Other => other.run(move |ctx| ctx.exit(pid, sent)).await,
                        Sender::Itself => target.tell(move |ctx| ctx.exit(pid, sent)),
                    }
                };
                if reason == ExitReason::Error(Failure::Kill) {
                    let (ended, ()) = tokio::join!(process::join(pid), send);
                    assert!(ended.is_killed(), "{case}: {ended:?}");
                } else if trapping {
                    send.await;
                    let exits = target.exits().await;
                    assert_eq!(exits.len(), 1, "{case}");
                    assert_eq!(exits[0].1, reason, "{case}");
                    match sender {
                        Sender::Outside => {}
                        Sender::Other => assert_eq!(exits[0].0, other.pid(), "{case}"),
                        Sender::Itself => assert_eq!(exits[0].0, pid, "{case}"),
                    }
                } else if reason.is_normal() && sender != Sender::Itself {
                    send.await;
                    assert_eq!(target.exits().await, [], "{case}: nothing happens");
                } else {
                    let (ended, ()) = tokio::join!(process::join(pid), send);
                    assert_eq!(ended, reason, "{case}");
                }
            }
        }
    }
}

#[tokio::test]
async fn proc_004_the_kill_signal_is_untrappable_and_not_the_reason_kill() {
    let kill = || ExitReason::Error(Failure::Kill);
    assert_eq!(fauxtp::stop::kill_reason(), kill());
    for target in [puppet(), trapper().await] {
        let (reason, ()) = tokio::join!(process::join(&target), async { target.pid().kill() });
        assert!(reason.is_killed(), "{reason:?}");
        assert_ne!(reason, kill());
    }
    // The reason `kill`, over links: trapped by some, fatal to others, but never `killed`.
    let (leaver, trapping, other) = (puppet(), trapper().await, puppet());
    trapping.link(&leaver).await;
    other.link(&leaver).await;
    let (reason, ()) = tokio::join!(process::join(&other), leaver.ended(kill()));
    assert!(reason == kill() && !reason.is_killed(), "{reason:?}");
    assert_eq!(trapping.exits().await, [(leaver.pid(), kill())]);
    // The reason `killed` is one like others; the reason `kill`, sent, is the signal (PROC-003).
    trapping.pid().exit(ExitReason::killed());
    let exits = trapping.exits().await;
    assert!(exits.len() == 1 && exits[0].1.is_killed(), "{exits:?}");
    let sent = async { trapping.pid().exit(kill()) };
    let (reason, ()) = tokio::join!(process::join(&trapping), sent);
    assert!(reason.is_killed(), "{reason:?}");
}

/// Exits, messages and links of one sender, all in their order.
async fn mixed_signals_keep_their_order() {
    for round in 0..1_000 {
        let (target, sender) = (trapper().await, puppet());
        let (pid, to, mark) = (target.pid(), target.address.clone(), target.marker());
        sender.tell(move |ctx| {
            ctx.exit(pid, ExitReason::custom(Note("first")));
            to.send(mark);
            ctx.exit(pid, ExitReason::custom(Note("second")));
            ctx.link(pid).expect("it lives");
            ctx.unlink(pid);
            ctx.link(pid).expect("it lives");
        });
        sender.ended(ExitReason::custom(Note("third"))).await;
        let events = target.events().await;
        let exits: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::Exit(exit) => exit.reason.downcast_ref::<Note>().map(|note| note.0),
                _ => None,
            })
            .collect();
        assert!(matches!(&events[..], [Event::Exit(_), Event::Mark, ..]), "{events:?}");
        assert_eq!(exits, ["first", "second", "third"], "round {round}");
        assert_eq!(target.links().await, []);
    }
    // From outside of all processes: by turns, all the way.
    let target = trapper().await;
    for _ in 0..1_000 {
        target.address.send(target.marker());
        target.pid().exit(ExitReason::Normal);
    }
    let events = target.events().await;
    assert_eq!(events.len(), 2_000);
    assert!(events.chunks(2).all(|pair| matches!(pair, [Event::Mark, Event::Exit(_)])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proc_005_nothing_sent_after_an_exit_is_handled() {
    for round in 0..3_000 {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let note = seen.clone();
        let target = process::spawn(async move |mut ctx: Plain| {
            while let Received::Message(number) = ctx.recv().await {
                note.lock().unwrap_or_else(PoisonError::into_inner).push(number);
            }
        });
        let target = target.expect("there is a runtime");
        let to = target.clone();
        let send = move |ctx: Option<Plain>| {
            (0..8).for_each(|number| to.send(number));
            match (ctx, round % 4) {
                (Some(ctx), 0) => ctx.exit(&to, ExitReason::shutdown()),
                (_, 1) => to.pid().kill(),
                _ => to.pid().exit(ExitReason::custom(round)),
            }
            (8..16).for_each(|number| to.send(number));
        };
        if round % 8 < 4 {
            let sender = process::spawn(async move |ctx: Plain| send(Some(ctx)));
            process::join(&sender.expect("there is a runtime")).await;
        } else {
            // From outside of all processes as well.
            send(None);
        }
        process::join(&target).await;
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        assert!(seen.len() <= 8, "round {round}: {seen:?}");
        assert_eq!(seen, (0..8).take(seen.len()).collect::<Vec<_>>(), "round {round}");
    }
    mixed_signals_keep_their_order().await;
}

#[tokio::test]
async fn proc_006_an_untrapped_exit_stops_at_the_next_await_a_trapped_one_waits() {
    // In the middle of something that would never end.
    let (begun, begins) = oneshot::channel();
    let stuck = process::spawn(async move |_: Plain| {
        begun.send(()).expect("the test waits");
        pending::<()>().await;
    });
    let stuck = stuck.expect("there is a runtime");
    begins.await.expect("it begins");
    let (reason, ()) = tokio::join!(process::join(&stuck), async {
        stuck.pid().exit(ExitReason::shutdown());
    });
    assert_eq!(reason, ExitReason::shutdown());

    // Before what had been sent earlier; the queue is not drained.
    let handled = Arc::new(AtomicUsize::new(0));
    let target = puppet();
    target.run(|_| ()).await;
    for _ in 0..1_000 {
        let handled = handled.clone();
        target.tell(move |_| {
            let _before = handled.fetch_add(1, Ordering::SeqCst);
        });
    }
    target.pid().exit(ExitReason::shutdown());
    process::join(&target).await;
    assert_eq!(handled.load(Ordering::SeqCst), 0);

    // A trapped one is one more message.
    let target = trapper().await;
    let (before, after) = (target.marker(), target.marker());
    let (to, again) = (target.address.clone(), target.address.clone());
    to.send(before);
    target.pid().exit(ExitReason::shutdown());
    again.send(after);
    let events = target.events().await;
    assert!(
        matches!(&events[..], [Event::Mark, Event::Exit(_), Event::Mark]),
        "in the order of sending: {events:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proc_007_what_happened_first_is_seen_first_through_a_third_process_too() {
    for round in 0..3_000 {
        let [first, third] = [puppet(), puppet()];
        let target = trapper().await;
        let (pid, seen, late) = (target.pid(), target.marker(), Arc::new(AtomicBool::new(false)));
        let (relay, to, flag) = (third.address.clone(), target.address.clone(), late.clone());
        let kill = round % 2 == 0;
        first.tell(move |ctx| {
            if kill {
                pid.kill()
            } else {
                ctx.exit(pid, ExitReason::shutdown())
            }
            relay.send(Do::job(move |_| {
                to.send(seen);
                to.send(Do::job(move |_| flag.store(true, Ordering::SeqCst)));
            }));
        });
        if kill {
            first.run(|_| ()).await;
            third.run(|_| ()).await;
            process::join(&target).await;
            assert!(!late.load(Ordering::SeqCst), "round {round}: handled after a kill");
        } else {
            first.run(|_| ()).await;
            third.run(|_| ()).await;
            let events = target.events().await;
            assert!(matches!(&events[..], [Event::Exit(_), Event::Mark]), "{round}: {events:?}");
        }
    }
    messages_keep_the_order_of_their_causes().await;
}

/// The first tells the third that it has sent to the target; then the third sends to the target.
async fn messages_keep_the_order_of_their_causes() {
    let [first, third, target] = [puppet(), puppet(), puppet()];
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |who: &'static str| {
        let seen = seen.clone();
        Do::job(move |_| seen.lock().unwrap_or_else(PoisonError::into_inner).push(who))
    };
    for _ in 0..1_000 {
        let (by_first, by_third) = (note("first"), note("third"));
        let (to, relay) = (target.address.clone(), third.address.clone());
        first.tell(move |_| {
            to.send(by_first);
            relay.send(Do::job(move |_| to.send(by_third)));
        });
        first.run(|_| ()).await;
        third.run(|_| ()).await;
    }
    target.run(|_| ()).await;
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    assert_eq!(seen, ["first", "third"].repeat(1_000));
}
