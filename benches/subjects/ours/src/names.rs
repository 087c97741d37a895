//! Very many servers, each under a name.

use fauxtp::prelude::*;
use fauxtp_bench_workloads::Names as AreNames;

use crate::counter::Counter;

/// The names, and who was started under them.
#[derive(Debug)]
pub(crate) struct Names(Vec<(Name<Counter>, Pid)>);

impl AreNames for Names {
    async fn start(count: usize) -> Self {
        let mut names = Vec::with_capacity(count);
        for number in 0..count {
            let name = Name::from_string(format!("counter-{number}"));
            let counter = Counter::start(()).name(&name).await.expect("the name is free");
            names.push((name, counter.pid()));
        }
        Self(names)
    }

    async fn find(&self, index: usize) -> bool {
        let (name, pid) = &self.0[index];
        name.whereis().is_some_and(|found| found.pid() == *pid)
    }
}
