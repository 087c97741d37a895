//! What broke elsewhere, messages and lives: stale handles, life by reference, full receivers, timers, and watching.

use crate::common;
use crate::pools;
use crate::robot;

use std::sync::Arc;

use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::process::{self, Received};
use fauxtp::{Mailbox, Overflow, SendError};
use tokio::sync::mpsc;
use tokio::task::yield_now;

use common::{puppet, trapper};
use pools::reports::Reports;
use pools::{Actor, Ask, Setup, actor, end, plain, secs, settle, until};
use robot::{Log, Message, Robot, job, robot, sync, tell};

type Inside = process::Context<u32>;

/// Whoever sent to a child while that was restarted used a handle to nothing (hew#382). Here a send at any point of a
/// restart is accepted, or comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hew_382_a_child_may_be_sent_to_at_every_point_of_a_restart() {
    static NAME: Name<Actor> = Name::new("hew-382");
    let setup = Setup::new("child", &pools::Log::default());
    let sup = Supervisor::new([setup.spec().name(&NAME)]).unlimited().start().await;
    let sup = sup.expect("starts");
    let body = async |_: Inside| {
        let mut outcomes = [0_u64; 2];
        for number in 0..5_000 {
            let sent = NAME.send(Ask::Fail);
            assert!(matches!(sent, Ok(()) | Err(SendError::NoProc(_))), "{sent:?}");
            outcomes[usize::from(sent.is_err())] += 1;
            match number % 100 {
                // The one before has failed, and the next one is there.
                0 => drop(NAME.await_restart().await.expect("it comes back")),
                number if number % 7 == 0 => yield_now().await,
                _ => {}
            }
        }
        ExitReason::custom(outcomes)
    };
    let reason = process::spawn(body).expect("in a runtime").join().await;
    let outcomes = reason.downcast_ref::<[u64; 2]>().expect("it comes to its end");
    assert!(outcomes[0] >= 50 && setup.starts() > 50, "{outcomes:?}");
    assert!(sup.pid().is_alive());
    sup.stop().await.expect("stops");
}

/// A handle to somebody who had ended trapped the whole program (hew#2127). Here it says so, and never means another
/// one, though the place is taken again.
#[tokio::test]
async fn hew_2127_a_stale_address_says_so_and_means_nobody_else() {
    let log = pools::Log::default();
    let sup = Supervisor::new([Setup::new("child", &log).spec()]).unlimited().start().await;
    let sup = sup.expect("starts");
    let mut stale = Vec::new();
    for _ in 0..50 {
        let child = actor(sup.registry(), "child");
        end(&child, Ask::Panic).await;
        sup.child::<Actor>("child").await_restart().await.expect("it is back");
        stale.push(child);
        for old in &stale {
            assert_eq!(old.call(Ask::Who).await, Err(CallError::NoProc));
            assert!(matches!(old.try_send(Ask::Panic), Err(SendError::NoProc(Ask::Panic))));
            old.send(Ask::Panic);
            old.pid().kill();
        }
    }
    assert_eq!(log.count("start child"), 51, "none of that has hit a later one");
    sup.stop().await.expect("stops");
}

/// An actor ended when the last of its mailboxes was dropped, and that by accident (quickwit#2085). Here nobody ends
/// because nobody holds its address; it can be found, and watched, as before.
#[tokio::test]
async fn quickwit_2085_the_last_address_is_no_life_line() {
    let pool = DynamicSupervisor::new().start().await.expect("starts");
    let child = pool.start_child(plain("child")).await.expect("starts").expect("not ignored");
    let raw = process::spawn(async |mut ctx: Inside| drop(ctx.recv().await)).expect("in a runtime");
    let pid = raw.pid();
    drop(raw);
    settle().await;
    assert!(pid.is_alive() && child.is_alive());
    assert_eq!(pool.count_children().await.expect("lives").active, 1);
    Address::<u32>::of(pid).expect("it is to be had").send(1);
    until("it has received it", || !pid.is_alive()).await;
    pool.stop().await.expect("stops");
}

/// And one that had ended was kept, with all that was in its mailbox, by whoever still had that (quickwit#2086). Here
/// what it held is gone with it.
#[tokio::test]
async fn quickwit_2086_an_address_keeps_nothing_of_the_dead() {
    let token = Arc::new(());
    let (state, unread) = (token.clone(), token.clone());
    let process = process::spawn(async move |_: process::Context<Arc<()>>| {
        let _held = state;
        std::future::pending::<()>().await;
    });
    let process = process.expect("in a runtime");
    process.send(unread);
    settle().await;
    process.pid().kill();
    process.join().await;
    assert_eq!(Arc::strong_count(&token), 1);
    let refused = process.try_send(token.clone()).expect_err("it is dead");
    drop(refused);
    process.send(token.clone());
    assert_eq!(Arc::strong_count(&token), 1, "nor is anything put there any more");
}

/// A sender crashed because its receiver had no room (actor-ts#919). Here that is an answer to those who ask, and
/// nothing to those who do not.
#[tokio::test]
async fn actorts_919_a_full_receiver_does_not_harm_its_senders() {
    let full = Mailbox::bounded(1, Overflow::Reject).expect("there is room");
    let stuck = Robot::start((Log::default(), job(|_, _| Ok(())))).mailbox(full);
    let stuck = stuck.await.expect("starts");
    stuck.send(Message::Forever);
    until("it is stuck", || stuck.queue_len() == 0).await;
    stuck.send(Message::Note("fills it"));
    let (sender, to) = (robot(&Log::default()).await, stuck.clone());
    tell(&sender, move |_, ctx| {
        for _ in 0..1_000 {
            to.cast(Message::Note("too many"));
            to.try_send(Message::Note("too many")).expect_err("it is full");
        }
        ctx.monitor(&to);
        Ok(())
    });
    let called = stuck.call(|from| Message::Call(from, Box::new(|_, _, _| Ok(())))).await;
    assert_eq!(called, Err(CallError::Full));
    sync(&sender).await;
    assert!(sender.is_alive() && stuck.is_alive() && stuck.queue_len() == 1);
}

/// An ask whose timeout was zero or less was never settled (actor-ts#765). Here it is, at once, and so is one whose
/// timeout no clock can hold.
#[tokio::test(start_paused = true)]
async fn actorts_765_a_call_with_any_timeout_is_settled() {
    let idle = robot(&Log::default()).await;
    tell(&idle, |robot, _| {
        robot.hangs = true;
        Ok(())
    });
    sync(&idle).await;
    let hold = |from| {
        let keep = |robot: &mut Robot, _: &mut Context<Robot>, from| {
            robot.held.push(from);
            Ok(())
        };
        Message::Call(from, Box::new(keep))
    };
    let began = tokio::time::Instant::now();
    for timeout in [Duration::ZERO, Duration::from_nanos(1)] {
        assert_eq!(idle.call(hold).timeout(timeout).await, Err(CallError::Timeout));
    }
    assert!(began.elapsed() < secs(1));
    let say_five = |_: &mut Robot, _: &mut Context<Robot>, from: Reply<u64>| {
        from.send(5);
        Ok(())
    };
    let answer = idle.call(|from| Message::Call(from, Box::new(say_five)));
    assert_eq!(answer.timeout(Duration::MAX).await, Ok(5));
    let endless = idle.call(hold).timeout(Duration::MAX);
    let (answer, ()) = tokio::join!(endless, async {
        pools::take(secs(3_600)).await;
        idle.pid().kill();
    });
    assert!(matches!(&answer, Err(CallError::Exited(reason)) if reason.is_killed()), "{answer:?}");
}

/// Instrumentation swallowed system messages (Kamon#932). Here every exit, down and restart arrives while somebody
/// listens to all reports.
#[tokio::test]
async fn kamon_932_who_listens_to_reports_takes_nothing_away() {
    let reports = Reports::here();
    let watcher = trapper().await;
    for _ in 0..200 {
        let one = puppet();
        let pid = one.pid();
        watcher.link(pid).await;
        watcher.run(move |ctx| ctx.monitor(pid)).await;
        one.tell(|_| panic!("seen"));
        one.address.join().await;
    }
    let events = watcher.wait(400).await;
    let exits = events.iter().filter(|event| matches!(event, common::Event::Exit(_))).count();
    assert_eq!((exits, events.len() - exits), (200, 200));
    assert_eq!(reports.of(&["ERROR fauxtp::crash", "seen"]).len(), 200);
    let setup = Setup::new("child", &pools::Log::default());
    let sup = Supervisor::new([setup.spec()]).unlimited().start().await.expect("starts");
    for _ in 0..50 {
        end(&actor(sup.registry(), "child"), Ask::Panic).await;
        sup.child::<Actor>("child").await_restart().await.expect("it is back");
    }
    assert_eq!(setup.starts(), 51);
    sup.stop().await.expect("stops");
}

/// A ring whose mailboxes were all full stood still, for every send waited for room (protoactor-kotlin#16). Here sends do
/// not wait: the ring goes on, and says how much it has lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn protoactor_16_a_ring_of_full_mailboxes_goes_on() {
    const MEMBERS: usize = 8;
    let (count, mut counts) = mpsc::unbounded_channel();
    let mut links = Vec::new();
    let mut ring = Vec::new();
    for _ in 0..MEMBERS {
        let (tell, next) = tokio::sync::oneshot::channel::<Address<u32>>();
        let count = count.clone();
        let body = async move |mut ctx: Inside| {
            let next = next.await.expect("the ring is closed");
            let (mut sent, mut lost) = (0_u64, 0_u64);
            loop {
                let Some(Received::Message(left)) = ctx.recv_timeout(secs(60)).await else {
                    return;
                };
                if left == 0 {
                    count.send((sent, lost)).expect("the test lives");
                    continue;
                }
                // Two for one: the ring is always full.
                for _ in 0..2 {
                    sent += 1;
                    lost += u64::from(next.try_send(left - 1).is_err());
                }
            }
        };
        let mailbox = Mailbox::bounded(4, Overflow::Reject).expect("there is room");
        ring.push(process::spawn_with(mailbox, body).expect("in a runtime"));
        links.push(tell);
    }
    for (number, tell) in links.into_iter().enumerate() {
        tell.send(ring[(number + 1) % MEMBERS].clone()).expect("it waits");
    }
    ring.iter().for_each(|member| member.send(10_000));
    let (sent, lost) = counts.recv().await.expect("some message goes all the way");
    assert!(sent > 0 && lost < sent, "{lost} of {sent} were lost");
    ring.iter().for_each(|member| member.pid().kill());
}

/// The reference of an actor that had been replaced under its name was used on (bastion#287, from the side of the
/// holder): whoever loses a name by its end cannot take it from the next one.
#[tokio::test]
async fn bastion_287_a_name_belongs_to_the_last_one_who_took_it() {
    static NAME: Name<Raw<u32>> = Name::new("bastion-287-names");
    let holder = || {
        process::spawn(async |mut ctx: Inside| {
            ctx.register(&NAME).expect("the name is free");
            ctx.recv().await;
        })
        .expect("in a runtime")
    };
    for _ in 0..100 {
        let first = holder();
        until("it has the name", || NAME.whereis().as_ref() == Some(&first)).await;
        let monitor = puppet();
        monitor.run(|ctx| ctx.monitor_name(&NAME)).await;
        first.send(1);
        first.join().await;
        let second = holder();
        until("the next one has it", || NAME.whereis().as_ref() == Some(&second)).await;
        assert_eq!(monitor.downs().await[0].pid, Some(first.pid()), "and not of the next one");
        first.pid().kill();
        assert_eq!(NAME.whereis(), Some(second.clone()));
        second.send(1);
        second.join().await;
    }
}
