//! A supervisor stops its children by an exit signal, and whoever does not trap exits is gone when that arrives: no
//! `terminate`. Who has something to tidy up says in `init` that he traps exits. (That helps against a stop, not against a
//! kill: what must not be left behind in any case needs somebody else who watches.)

use fauxtp::prelude::*;
use fauxtp::testing::Sim;

use crate::outside::Outside;

struct Guard(Outside<bool>);

#[gen_server]
impl Guard {
    fn init(open: Outside<bool>, ctx: &mut Context<Self>) -> Self {
        ctx.trap_exits(Trap::On);
        open.with(|open| *open = true);
        Self(open)
    }

    fn terminate(&mut self, _: &ExitReason) {
        self.0.with(|open| *open = false);
    }
}

/// Whether the gate is closed in the end.
pub async fn door_ajar(sim: Sim) {
    let open = Outside::new(false);
    sim.start(Supervisor::new([Guard::spec(open.clone())])).await;
    assert!(open.get(), "the guard is here");
    sim.no_leaks().await;
    assert!(!open.get(), "the gate is closed when all have left");
}
