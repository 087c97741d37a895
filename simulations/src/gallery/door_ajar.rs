//! A guard opens a gate when he comes, and closes it with his last breath: that is what `terminate` is for. Nobody is struck
//! down here; the fortress is closed in good order.
//!
//! When all have left the gate is closed.

use fauxtp::prelude::*;
use fauxtp::testing::Sim;

use crate::outside::Outside;

struct Guard(Outside<bool>);

#[gen_server]
impl Guard {
    fn init(open: Outside<bool>) -> Self {
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
