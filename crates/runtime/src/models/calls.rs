//! Races of calls with their callees.

use super::checker::{CROWD, Depth, check, explore, settle};
use super::world::{World, block_on};
use crate::call::{CallError, Dest, Reply};
use crate::process::{self, Context, Received};

/// Callers ask a process that answers the first, and ends: everybody gets the answer, or hears of an end that
/// is over.
#[test]
fn call_and_exit() {
    check("call_and_exit", Depth::ThreePreemptions, || {
        let mut world = World::new(1);
        let callee = process::spawn(async |mut ctx: Context<Reply<u8>>| {
            let Received::Message(from) = ctx.recv().await else { panic!() };
            from.send(7);
        })
        .expect("in a runtime");
        explore();
        let call = |_| {
            let callee = callee.clone();
            world.thread(move || match block_on(async { callee.call(|from| from).await }) {
                Ok(answer) => answer == 7,
                Err(CallError::NoProc | CallError::Exited(_)) => {
                    assert!(!callee.is_alive(), "whoever has heard of an end finds it over");
                    false
                }
                Err(other) => panic!("{other}"),
            })
        };
        let callers: Vec<_> = (0..CROWD).map(call).collect();
        let mut hand = world.hand();
        assert!(hand.work_until(callee.join()).is_normal());
        let answered = callers.into_iter().map(|caller| caller.join().expect("no panic"));
        assert_eq!(answered.filter(|answered| *answered).count(), 1);
        settle();
        world.put(hand);
        world.end();
    });
}

/// A caller gives up while he is answered, and asks again: the second answer is his.
#[test]
fn call_and_cancel() {
    check("call_and_cancel", Depth::ThreePreemptions, || {
        let mut world = World::new(1);
        let callee = process::spawn(async |mut ctx: Context<(u8, Reply<u8>)>| {
            for _ in 0..2 {
                let Received::Message((number, from)) = ctx.recv().await else { panic!() };
                from.send(number);
            }
        })
        .expect("in a runtime");
        explore();
        let caller = callee.clone();
        let caller = world.thread(move || {
            drop(caller.send_request(|from| (1, from)));
            assert_eq!(block_on(async { caller.call(|from| (2, from)).await }), Ok(2));
        });
        let mut hand = world.hand();
        assert!(hand.work_until(callee.join()).is_normal());
        caller.join().expect("it does not panic");
        settle();
        world.put(hand);
        world.end();
    });
}
