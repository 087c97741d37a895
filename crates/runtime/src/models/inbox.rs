//! Races at an inbox.

use std::sync::{Arc, Mutex};

use super::checker::{CROWD, Depth, FEW, check, explore, settle};
use super::world::{World, block_on};
use crate::mailbox::SendError;
use crate::process::{self, Context, PidExt, Received};

/// Many send while the process waits at its inbox, or is about to: every message is handled, each sender's in order.
#[test]
fn push_and_park() {
    check("push_and_park", Depth::ThreePreemptions, || {
        let mut world = World::new(1);
        let process = process::spawn(async |mut ctx: Context<(usize, u32)>| {
            let mut next = [0; CROWD];
            for _ in 0..2 * CROWD {
                let Received::Message((sender, number)) = ctx.recv().await else { panic!() };
                assert_eq!(number, next[sender], "order of one sender");
                next[sender] += 1;
            }
        })
        .expect("in a runtime");
        explore();
        let send = |sender| {
            let process = process.clone();
            world.thread(move || (0..2).for_each(|number| process.send((sender, number))))
        };
        let senders: Vec<_> = (0..CROWD).map(send).collect();
        let mut hand = world.hand();
        assert!(hand.work_until(process.join()).is_normal());
        senders.into_iter().for_each(|sender| sender.join().expect("senders do not panic"));
        settle();
        world.put(hand);
        world.end();
    });
}

/// Many send while an inbox is emptied and closed: what was accepted comes out, and whoever is refused finds that
/// everybody has been told of the end.
#[test]
fn push_and_close() {
    check("push_and_close", Depth::All, || {
        let world = World::new(1);
        let process = process::spawn(async |mut ctx: Context<usize>| drop(ctx.recv().await));
        let process = process.expect("in a runtime");
        explore();
        let send = |sender| {
            let process = process.clone();
            world.thread(move || match process.try_send(sender) {
                Ok(()) => true,
                Err(SendError::NoProc(back)) => {
                    assert_eq!(back, sender);
                    assert!(!process.is_alive() && process.shared().core.has_ended());
                    false
                }
                Err(other) => panic!("{other:?}"),
            })
        };
        let senders: Vec<_> = (0..FEW).map(send).collect();
        // As in a farewell.
        let shared = process.shared();
        let mut out = Vec::new();
        if let Some(unread) = shared.close_if_empty() {
            out.extend(unread.messages);
            out.extend(shared.close().messages);
        }
        shared.core.mark_dead();
        let accepted = senders.into_iter().map(|sender| sender.join().expect("no panic"));
        assert_eq!(accepted.filter(|accepted| *accepted).count(), out.len());
        settle();
        world.end();
    });
}

/// A context that was carried into another task receives there, while signals come in that take effect in the process
/// only: the message is received.
#[test]
fn carried_and_signalled() {
    check("carried_and_signalled", Depth::ThreePreemptions, || {
        let mut world = World::new(1);
        let carried = Arc::new(Mutex::new(None));
        let carrier = carried.clone();
        let process = process::spawn(async move |ctx: Context<usize>| {
            *carrier.lock().expect("nobody panics") = Some(ctx);
            std::future::pending::<()>().await;
        })
        .expect("in a runtime");
        world.settle();
        let mut ctx = carried.lock().expect("nobody panics").take().expect("it has run");
        explore();
        let send = |number| {
            let process = process.clone();
            world.thread(move || process.send(number))
        };
        let senders: Vec<_> = (1..CROWD).map(send).collect();
        let reader = world.thread(move || {
            let mut all = (1..CROWD).map(|_| match block_on(ctx.recv()) {
                Received::Message(number) => number,
                other => panic!("{other:?}"),
            });
            all.by_ref().for_each(drop);
        });
        let mut hand = world.hand();
        let pid = process.pid();
        assert!(hand.work_until(pid.info()).is_some(), "the process lives");
        senders.into_iter().for_each(|sender| sender.join().expect("it does not panic"));
        reader.join().expect("it does not panic");
        settle();
        world.put(hand);
        world.end();
    });
}
