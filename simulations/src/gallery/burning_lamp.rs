//! A watchman lights a lamp when he is asked to: a process that burns until it is told to go out. When he is asked to put it
//! out, he does, and when the house is closed every process in it ends.
//!
//! The last one to leave finds it dark.

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::testing::Sim;

static WATCHMAN: Name<Watchman> = Name::new("watchman");

struct Watchman {
    lamp: Option<Address<()>>,
}

#[gen_server]
impl Watchman {
    fn init() -> Self {
        Self { lamp: None }
    }

    #[call]
    fn light(&mut self, ctx: &mut Context<Self>) -> bool {
        let lamp = ctx.spawn(async |mut ctx: process::Context<()>| {
            ctx.recv().await;
        });
        self.lamp = lamp.ok();
        self.lamp.is_some()
    }

    #[call]
    fn put_out(&mut self) {
        if let Some(lamp) = self.lamp.take() {
            lamp.send(());
        }
    }
}

/// Whether it is dark in the end.
pub async fn burning_lamp(sim: Sim) {
    let watchman = Watchman::spec(()).name(&WATCHMAN).restart(Restart::Permanent);
    sim.start(Supervisor::new([watchman])).await;
    for _ in 0..3 {
        let _struck_perhaps = WATCHMAN.light().await;
        let _struck_perhaps = WATCHMAN.put_out().await;
    }
    sim.heal();
    sim.no_leaks().await;
}
