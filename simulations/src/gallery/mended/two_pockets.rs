//! Whoever is struck between the first step and the second leaves the first one done for ever. So the hand writes down what
//! it is about to do, and the next hand finishes that first; and to put a coin in twice is to put it in once.

use fauxtp::prelude::*;
use fauxtp::testing::Sim;

use crate::outside::{Outside, latency};

/// What there is, besides hands.
#[derive(Clone, Copy, Debug)]
struct Purse {
    left: u32,
    right: u32,
    /// Whether a coin has left one pocket, and is not in the other one.
    between: bool,
}

static HAND: Name<Hand> = Name::new("hand");

struct Hand(Outside<Purse>);

#[gen_server]
impl Hand {
    fn init(purse: Outside<Purse>) -> Self {
        let mut hand = Self(purse);
        hand.put_in();
        hand
    }

    fn put_in(&mut self) {
        self.0.with(|purse| {
            if std::mem::take(&mut purse.between) {
                purse.right += 1;
            }
        });
    }

    #[call]
    async fn move_one(&mut self) {
        self.0.with(|purse| {
            purse.left -= 1;
            purse.between = true;
        });
        latency().await;
        self.put_in();
    }
}

/// How many coins there are in the end.
pub async fn two_pockets(sim: Sim) {
    let purse = Outside::new(Purse { left: 10, right: 0, between: false });
    let seen = purse.clone();
    sim.invariant("ten coins, or nine and one between", move |_| {
        seen.with(|purse| purse.left + purse.right + u32::from(purse.between) == 10)
    });
    let hand = Hand::spec(purse.clone()).name(&HAND).restart(Restart::Permanent);
    sim.start(Supervisor::new([hand])).await;
    for _ in 0..3 {
        sim.eventually("there is a hand", |world| world.whereis(&HAND).is_some()).await;
        let _struck_perhaps = HAND.move_one().await;
    }
    sim.heal();
    sim.settle().await;
    let purse = purse.get();
    assert!(!purse.between, "a coin lies on the floor: {purse:?}");
    sim.no_leaks().await;
}
