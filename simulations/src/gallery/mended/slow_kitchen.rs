//! The waiter made a note of the failure and kept the guest's reply all the same: nobody would ever use it, and for as long
//! as it is kept the guest waits. The end of whatever a reply waits for has to end that, too. To drop it is enough: the
//! guest is told at once.

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
            drop(down.pid.and_then(|cook| self.guests.remove(&cook)));
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
