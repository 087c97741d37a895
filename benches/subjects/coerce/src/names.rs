//! Very many actors, each under a name, in the system's registry.

use coerce::actor::scheduler::ActorType;
use coerce::actor::{ActorId, IntoActorId, LocalActorRef};
use fauxtp_bench_workloads::Names as AreNames;

use crate::counter::Counter;
use crate::system::system;

/// The names, and that somebody was started under them.
pub(crate) struct Names(Vec<(ActorId, LocalActorRef<Counter>)>);

impl AreNames for Names {
    async fn start(count: usize) -> Self {
        let mut names = Vec::with_capacity(count);
        for number in 0..count {
            let name = format!("counter-{number}").into_actor_id();
            let counter = Counter::default();
            let started = system().new_actor(name.clone(), counter, ActorType::Tracked).await;
            names.push((name, started.expect("the name is free")));
        }
        Self(names)
    }

    async fn find(&self, index: usize) -> bool {
        let (name, counter) = &self.0[index];
        let found = system().get_tracked_actor::<Counter>(name.clone()).await;
        found.is_some_and(|found| found.actor_id() == counter.actor_id())
    }
}
