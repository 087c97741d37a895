//! Names by hand: a map behind a lock.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use fauxtp_bench_workloads::Names as AreNames;

use crate::counter::Counter;

/// A map, and what one has to know to look names up in it and tell whether it was right.
#[derive(Debug)]
pub(crate) struct Names {
    map: RwLock<HashMap<String, Counter>>,
    names: Vec<(String, Counter)>,
}

impl AreNames for Names {
    async fn start(count: usize) -> Self {
        let named = |number| (format!("counter-{number}"), Counter::start());
        let names: Vec<_> = (0..count).map(named).collect();
        Self { map: RwLock::new(names.iter().cloned().collect()), names }
    }

    async fn find(&self, index: usize) -> bool {
        let (name, counter) = &self.names[index];
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        let found = map.get(name).cloned();
        drop(map);
        found.is_some_and(|found| found.is(counter))
    }
}
