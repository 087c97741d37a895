//! The system under test: the documented supervisor with its two workers, and a pool beside it.

use std::sync::Arc;
use std::time::Duration;

use fauxtp::prelude::*;
use fauxtp::supervisor::{ChildState, DynamicSupervisorHandle, Restart};
use fauxtp::{Pid, Stop, SupervisorHandle};
use tokio::time::Instant;

use crate::tally::Tally;
use crate::worker::{Post, Worker};

/// The running system.
#[derive(Debug)]
pub(crate) struct System {
    pub(crate) registry: Registry,
    pub(crate) supervisor: SupervisorHandle,
    pub(crate) pool: DynamicSupervisorHandle,
}

/// The workers' names; a worker's place is its index. The first two are the documented ones.
pub(crate) const NAMES: [&str; 10] = [
    "worker-1", "worker-2", "pool-1", "pool-2", "pool-3", "pool-4", "pool-5", "pool-6", "pool-7",
    "pool-8",
];

/// How many workers come before the pool's.
pub(crate) const DOCUMENTED: usize = 2;

/// Whether a worker is to be started again after this end, as this tour understands the contract: the
/// documented ones after an error (CON-03), those of the pool always. Told by the reason's text, and not by
/// the library's own function, because that would be asking the suspect.
pub(crate) fn wants_restart(place: usize, reason: &ExitReason) -> bool {
    place >= DOCUMENTED || reason.to_string().starts_with("error: ")
}

impl System {
    pub(crate) async fn start(tally: &Arc<Tally>) -> Result<Self> {
        let observer = || {
            let tally = tally.clone();
            move |pid: Pid, reason: &ExitReason| tally.exited(pid, reason)
        };
        let worker = |place: usize| {
            ChildSpec::new::<Worker>(NAMES[place], Post { place, tally: tally.clone() })
        };

        let registry = Registry::start().await?;
        let supervisor = Supervisor::new((0..DOCUMENTED).map(worker))
            .strategy(RestartStrategy::OneForOne)
            .unlimited()
            .registry(&registry)
            .on_exit(observer())
            .start()
            .await?;
        let pool = DynamicSupervisor::new()
            .unlimited()
            .registry(&registry)
            .on_exit(observer())
            .start()
            .await?;
        for place in DOCUMENTED..NAMES.len() {
            pool.start_child(worker(place).restart(Restart::Permanent))
                .await
                .map_err(Stop::from)?;
        }
        Ok(Self { registry, supervisor, pool })
    }

    /// What the supervisors say of their children, by place; nothing of those they do not know.
    pub(crate) async fn census(&self) -> [Option<ChildState>; NAMES.len()] {
        let mut census = [None; NAMES.len()];
        let documented = self.supervisor.which_children().await.unwrap_or_default();
        let pool = self.pool.which_children().await.unwrap_or_default();
        for child in documented.iter().chain(&pool) {
            if let Some(place) = NAMES.iter().position(|name| *name == &*child.id) {
                census[place] = Some(child.state);
            }
        }
        census
    }

    pub(crate) fn worker(&self, place: usize) -> Option<Address<crate::worker::Message>> {
        self.registry.address::<Worker>(NAMES[place])
    }

    /// Stops everything, in reverse order; says how long that took.
    pub(crate) async fn stop(&self) -> Result<Duration> {
        let begun = Instant::now();
        self.pool.stop().await?;
        self.supervisor.stop().await?;
        self.registry.stop().await;
        Ok(begun.elapsed())
    }
}
