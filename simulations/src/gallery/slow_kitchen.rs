//! A waiter takes orders. For each one a cook is sent for, a process of its own, and the waiter goes on; when the cook is
//! done, the guest gets his dish. If a cook has a bad day, the waiter hears of it and makes a note.
//!
//! Every guest learns what becomes of his order, and does not sit there for ever.

use std::collections::BTreeMap;

use fauxtp::Down;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::testing::Sim;

use crate::outside::{Outside, latency};

static WAITER: Name<Waiter> = Name::new("waiter");

struct Waiter {
    guests: BTreeMap<Pid, Reply<&'static str>>,
    notes: Outside<u32>,
}

#[gen_server]
impl Waiter {
    fn init(notes: Outside<u32>) -> Self {
        Self { guests: BTreeMap::new(), notes }
    }

    #[call]
    fn order(&mut self, from: Reply<&'static str>, ctx: &mut Context<Self>) {
        let cook = ctx.spawn(async |ctx: process::Context<()>| {
            latency().await;
            WAITER.served(ctx.pid());
        });
        if let Ok(cook) = cook {
            ctx.monitor(cook.pid());
            self.guests.insert(cook.pid(), from);
        }
    }

    #[cast]
    fn served(&mut self, cook: Pid) {
        if let Some(from) = self.guests.remove(&cook) {
            from.send("soup");
        }
    }

    #[down]
    fn cook_is_gone(&mut self, down: Down) {
        if !down.reason.is_normal() {
            self.notes.with(|notes| *notes += 1);
        }
    }
}

/// Whether all guests leave in the end.
pub async fn slow_kitchen(sim: Sim) {
    let notes = Outside::new(0);
    let waiter = Waiter::spec(notes.clone()).name(&WAITER).restart(Restart::Permanent);
    sim.start(Supervisor::new([waiter])).await;
    for _ in 0..3 {
        // He has brought a book.
        let _dish = WAITER.order().no_timeout().await;
    }
    sim.heal();
    sim.no_leaks().await;
}
