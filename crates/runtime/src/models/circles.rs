//! Races of processes that call each other. For shuttle only: what they rely on is one order of all their stores and
//! loads, which loom does not know.

use super::checker::{CROWD, Depth, check, explore, settle};
use super::world::World;
use crate::address::Address;
use crate::call::{CallError, Reply};
use crate::process::{self, Context, Received};

enum Part {
    Peer(Address<Self>),
    /// Dropped with its inbox.
    Call(#[allow(dead_code, reason = "nobody answers")] Reply<()>),
}

/// Processes call each other in a circle, at the same time: not all of them wait for ever.
#[test]
fn call_in_a_circle() {
    check("call_in_a_circle", Depth::ThreePreemptions, || {
        let mut world = World::new(2);
        let part = |_| {
            process::spawn(async |mut ctx: Context<Part>| {
                let Received::Message(Part::Peer(peer)) = ctx.recv().await else { panic!() };
                let failed = peer.call(Part::Call).await.expect_err("nobody answers");
                assert_ne!(failed, CallError::Timeout);
            })
            .expect("in a runtime")
        };
        let parts: Vec<_> = (0..CROWD).map(part).collect();
        for (index, part) in parts.iter().enumerate() {
            part.send(Part::Peer(parts[(index + 1) % CROWD].clone()));
        }
        explore();
        let running = world.start();
        let mut hand = world.hand();
        for part in &parts {
            assert!(hand.work_until(part.join()).is_normal());
        }
        settle();
        world.put(hand);
        world.stop(running);
        world.end();
    });
}
