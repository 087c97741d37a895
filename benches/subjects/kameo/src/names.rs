//! Very many actors, each under a name.

use fauxtp_bench_workloads::Names as AreNames;
use kameo::mailbox;
use kameo::prelude::*;

use crate::counter::Counter;

/// The names, and who was started under them.
pub(crate) struct Names(Vec<(String, ActorRef<Counter>)>);

impl AreNames for Names {
    async fn start(count: usize) -> Self {
        let named = |number| {
            let name = format!("counter-{number}");
            let counter = Counter::spawn_with_mailbox((), mailbox::unbounded());
            counter.register(name.clone()).expect("the name is free");
            (name, counter)
        };
        Self((0..count).map(named).collect())
    }

    async fn find(&self, index: usize) -> bool {
        let (name, counter) = &self.0[index];
        let found = ActorRef::<Counter>::lookup(name.as_str()).expect("it is a counter's name");
        found.is_some_and(|found| found.id() == counter.id())
    }
}
