//! A baker opens his shop with ten loaves in the window, and sells them one by one. What is in the window is there for
//! everybody to see.
//!
//! At no time are there more than ten.

use fauxtp::prelude::*;
use fauxtp::testing::Sim;

use crate::outside::Outside;

static BAKER: Name<Baker> = Name::new("baker");

struct Baker(Outside<u32>);

#[gen_server]
impl Baker {
    fn init(window: Outside<u32>) -> Self {
        window.with(|loaves| *loaves += 10);
        Self(window)
    }

    #[call]
    fn buy(&mut self) -> bool {
        self.0.with(|loaves| {
            let is_left = *loaves > 0;
            *loaves -= u32::from(is_left);
            is_left
        })
    }
}

/// Whether there is ever too much in the window.
pub async fn fresh_bread(sim: Sim) {
    let window = Outside::new(0);
    let seen = window.clone();
    sim.invariant("no more than ten loaves", move |_| seen.get() <= 10);
    let baker = Baker::spec(window.clone()).name(&BAKER).restart(Restart::Permanent);
    sim.start(Supervisor::new([baker])).await;
    for _ in 0..4 {
        let _struck_perhaps = BAKER.buy().await;
    }
    sim.heal();
    sim.no_leaks().await;
}
