//! Very many actors, each under a name.

use fauxtp_bench_workloads::Names as AreNames;
use ractor::{Actor, ActorRef};

use crate::counter::{Counter, Message};

/// The names, and who was started under them.
pub(crate) struct Names(Vec<(String, ActorRef<Message>)>);

impl AreNames for Names {
    async fn start(count: usize) -> Self {
        let mut names = Vec::with_capacity(count);
        for number in 0..count {
            let name = format!("counter-{number}");
            let counter = Actor::spawn(Some(name.clone()), Counter, ()).await;
            names.push((name, counter.expect("the name is free").0));
        }
        Self(names)
    }

    async fn find(&self, index: usize) -> bool {
        let (name, counter) = &self.0[index];
        let found = ActorRef::<Message>::where_is(name.clone());
        found.is_some_and(|found| found.get_id() == counter.get_id())
    }
}
