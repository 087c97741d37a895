//! What broke in actix: supervision that was none, topologies that changed when a mailbox was full, and what was lost.

use crate::common;
use crate::pools;
use crate::robot;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::process::{self, Received};
use fauxtp::{Mailbox, Overflow, ZeroCapacity};
use tokio::sync::{mpsc, oneshot};

use common::{Event, trapper};
use pools::{Actor, Ask, Begin, Setup, actor, end, observer, seen, settle, until};
use robot::{Log, Robot, job, robot, tell};

type Inside = process::Context<u32>;

/// What was called a supervisor did not restart after a panic (actix#158). Here it does, and if the restart panics as
/// well, it tries again.
#[tokio::test]
async fn actix_158_a_panic_is_restarted() {
    let (log, (observe, mut exits)) = (pools::Log::default(), observer());
    let failing = Setup::new("fails", &log).begin(|start| match start {
        2 | 3 => Begin::Panic,
        _ => Begin::Run,
    });
    let sup = Supervisor::new([failing.spec()]).intensity(10, Duration::from_secs(60));
    let sup = sup.on_exit(observe).start().await.expect("starts");
    let first = actor(sup.registry(), "fails");
    end(&first, Ask::Panic).await;
    until("the fourth one runs", || failing.starts() == 4 && sup.whereis("fails").is_some()).await;
    let who = actor(sup.registry(), "fails").call(Ask::Who).await.ok();
    assert_eq!(who, sup.whereis("fails"));
    assert_ne!(who, Some(first.pid()));
    sup.stop().await.expect("stops");
    let exits = seen(&mut exits);
    assert_eq!((exits.len(), exits[0].0), (2, first.pid()), "and its stop: {exits:?}");
    assert!(exits[0].1.panic().is_some() && exits[1].1.is_shutdown(), "{exits:?}");
}

/// One crash took the whole system down (actix#204). Here nobody hears of it but those who are linked or watch.
#[tokio::test]
async fn actix_204_a_crash_takes_nobody_along_who_is_not_linked() {
    let log = pools::Log::default();
    let sup = Supervisor::new([Setup::new("one", &log).spec(), Setup::new("two", &log).spec()]);
    let sup = sup.start().await.expect("starts");
    let bystander = robot(&Log::default()).await;
    let lonely = Actor::start(Setup::new("lonely", &log)).await.expect("starts");
    assert!(end(&lonely, Ask::Panic).await.panic().is_some());
    end(&actor(sup.registry(), "one"), Ask::Panic).await;
    until("one is back", || log.count("start one") == 2).await;
    assert!(bystander.is_alive() && sup.pid().is_alive());
    assert_eq!((log.count("start two"), log.count("gone two")), (1, 0));
    sup.stop().await.expect("stops");
}

/// Whoever could not take one message more was silently taken out of the subscribers (actix#534). Here a full mailbox
/// costs messages, and no link, monitor, name or key.
#[tokio::test]
async fn actix_534_a_full_mailbox_changes_no_relation() {
    static NAME: Name<Raw<u32>> = Name::new("actix-534");
    let group = Registry::<u8, ()>::start_duplicate().await.expect("starts");
    let (open, gate) = oneshot::channel::<()>();
    let (joined, peer) = (group.clone(), trapper().await);
    let (ready, is_ready) = oneshot::channel();
    let (friend, mailbox) = (peer.pid(), Mailbox::bounded(2, Overflow::DropNewest));
    let full = async move |mut ctx: Inside| {
        ctx.register(&NAME).expect("the name is free");
        joined.register(&mut ctx, 1, ()).expect("it lives");
        ctx.link(friend).expect("it lives");
        ready.send(()).expect("the test waits");
        gate.await.expect("the test lives");
        let mut got = Vec::new();
        while got.last() != Some(&1_000) {
            let Received::Message(number) = ctx.recv().await else { continue };
            got.push(number);
        }
        ExitReason::custom(got)
    };
    let full = process::spawn_with(mailbox.expect("there is room"), full).expect("in a runtime");
    is_ready.await.expect("it runs");
    let pid = full.pid();
    let monitor = peer.run(move |ctx| ctx.monitor(pid)).await;
    (0..100).for_each(|number| full.send(number));
    assert_eq!(NAME.whereis(), Some(full.clone()));
    assert_eq!(group.lookup(&1), [(pid, ())]);
    assert_eq!(pid.info().await.expect("it lives").links, [friend]);
    open.send(()).expect("it waits");
    until("there is room", || full.queue_len() == 0).await;
    full.send(1_000);
    let reason = full.join().await;
    assert_eq!(reason.downcast_ref::<Vec<u32>>(), Some(&vec![0, 1, 1_000]));
    let events = peer.wait(2).await;
    assert!(events.iter().any(|event| matches!(event, Event::Exit(exit) if exit.from == pid)));
    assert!(
        events.iter().any(|event| matches!(event, Event::Down(down) if down.monitor == monitor))
    );
    group.stop().await;
}

/// And a publisher forgot those that were full at the time (actix#536). Here each of those that hold the key gets the
/// next message again.
#[tokio::test]
async fn actix_536_members_that_were_full_get_what_comes_later() {
    let group = Registry::<u8, ()>::start_duplicate().await.expect("starts");
    let (got, mut all) = mpsc::unbounded_channel();
    let (gates, opened) = tokio::sync::watch::channel(false);
    for _ in 0..3 {
        let (joined, got, mut opened) = (group.clone(), got.clone(), opened.clone());
        let member = async move |mut ctx: Inside| {
            joined.register(&mut ctx, 1, ()).expect("it lives");
            opened.wait_for(|open| *open).await.expect("the test lives");
            loop {
                let Received::Message(number) = ctx.recv().await else { continue };
                got.send(number).expect("the test lives");
            }
        };
        let one = Mailbox::bounded(1, Overflow::Reject).expect("there is room");
        process::spawn_with(one, member).expect("in a runtime");
    }
    until("all have joined", || group.count() == 3).await;
    let publish = |number| {
        group.dispatch(&1, |members| {
            let addresses = members.into_iter().filter_map(|(pid, ())| Address::<u32>::of(pid));
            addresses.for_each(|member| member.send(number));
        });
    };
    (0..50).for_each(publish);
    gates.send(true).expect("they wait");
    for _ in 0..3 {
        assert_eq!(all.recv().await, Some(0));
    }
    settle().await;
    publish(50);
    for _ in 0..3 {
        assert_eq!(all.recv().await, Some(50));
    }
    group.stop().await;
}

/// A future that an actor had spawned was cancelled at once when its handle was not kept (actix#484). Here it runs to
/// its end, or to that of its owner.
#[tokio::test]
async fn actix_484_work_beside_a_server_goes_on_without_its_handle() {
    let (log, (open, gate)) = (Log::default(), oneshot::channel::<()>());
    let server = robot(&log).await;
    let noted = log.clone();
    tell(&server, move |_, ctx| {
        let work = async move {
            gate.await.expect("the test lives");
            noted.push("worked");
        };
        drop(ctx.spawn_task(work, |_| robot::Message::Note("told"))?);
        Ok(())
    });
    robot::sync(&server).await;
    open.send(()).expect("it waits");
    until("it is told", || log.line() == "worked told").await;
}

/// What was buffered when an actor stopped was lost (actix#563). Here whatever it has sent, up to its last hook, is
/// delivered.
#[tokio::test]
async fn actix_563_what_is_sent_in_the_last_hook_is_delivered() {
    let (got, mut all) = mpsc::unbounded_channel();
    let sink = process::spawn(async move |mut ctx: Inside| {
        loop {
            let Received::Message(number) = ctx.recv().await else { continue };
            got.send(number).expect("the test lives");
        }
    });
    let sink = sink.expect("in a runtime");
    let server = robot(&Log::default()).await;
    let to = sink.clone();
    tell(&server, move |robot, _| {
        (0..100).for_each(|number| to.send(number));
        robot.last = Some(Box::new(move || (100..200).for_each(|number| to.send(number))));
        Ok(())
    });
    server.pid().stop(ExitReason::Normal, None).await.expect("stops");
    for expected in 0..200 {
        assert_eq!(all.recv().await, Some(expected));
    }
}

/// Two who asked for a service at the same time had two of it (actix#248). Here there is one, and all get the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actix_248_of_many_who_ask_for_a_service_all_get_the_same() {
    let registry = Registry::<String>::start().await.expect("starts");
    for round in 0..50 {
        let starts = Arc::<AtomicUsize>::default();
        let mut asking = Vec::new();
        for _ in 0..8 {
            let (registry, starts) = (registry.clone(), starts.clone());
            let body = async move |_: process::Context<()>| {
                let counts = move |_| {
                    starts.fetch_add(1, Ordering::SeqCst);
                    Begin::Run
                };
                let setup = Setup::new("service", &pools::Log::default()).begin(counts);
                let service = registry.ensure::<Actor>(format!("service-{round}"), setup.spec());
                let service = service.await.expect("it starts");
                ExitReason::custom(service.call(Ask::Who).await.expect("it runs"))
            };
            asking.push(process::spawn(body).expect("in a runtime"));
        }
        let mut pids = Vec::new();
        for asking in asking {
            pids.extend(asking.join().await.downcast_ref::<Pid>().copied());
        }
        assert_eq!((pids.len(), starts.load(Ordering::SeqCst)), (8, 1), "round {round}");
        assert!(pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
    }
    registry.stop().await;
}

/// A mailbox of no capacity was accepted, and unusable (actix#121). Here it cannot be made; one place is enough.
#[tokio::test]
async fn actix_121_a_mailbox_without_room_cannot_be_made() {
    for overflow in [Overflow::Reject, Overflow::DropNewest, Overflow::DropOldest] {
        assert_eq!(Mailbox::bounded(0, overflow), Err(ZeroCapacity));
        let one = Mailbox::bounded(1, overflow).expect("there is room for one");
        let server = Robot::start((Log::default(), job(|_, _| Ok(())))).mailbox(one);
        let server = server.await.expect("starts");
        for _ in 0..10 {
            robot::sync(&server).await;
        }
        server.pid().kill();
        server.join().await;
    }
}
