//! What all who take part in the tour share: the system, the counters, and what time it is in the play.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::system::System;
use crate::tally::Tally;

/// How far the tour is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// Calls and blows.
    Storm,
    /// Calls only; everything comes back.
    Calm,
    /// Nothing more.
    Over,
}

/// The stage. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) system: Arc<System>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) seed: u64,
    act: Arc<watch::Sender<Act>>,
}

impl Stage {
    pub(crate) fn new(system: System, tally: Arc<Tally>, seed: u64) -> Self {
        let act = Arc::new(watch::Sender::new(Act::Storm));
        Self { system: Arc::new(system), tally, seed, act }
    }

    pub(crate) fn act(&self) -> Act {
        *self.act.borrow()
    }

    pub(crate) fn begin(&self, act: Act) {
        self.act.send_replace(act);
    }

    /// Waits, but not beyond the end of this act; says whether the act goes on.
    pub(crate) async fn pause(&self, during: Act, pause: Duration) -> bool {
        let mut act = self.act.subscribe();
        let changed = async move {
            let _the_sender_is_ours = act.wait_for(|act| *act > during).await;
        };
        tokio::time::timeout(pause, changed).await.is_err()
    }

    /// The dice of one who takes part: the same for the same seed.
    pub(crate) fn dice(&self, who: u64) -> fastrand::Rng {
        fastrand::Rng::with_seed(
            self.seed.rotate_left(17) ^ who.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        )
    }
}
