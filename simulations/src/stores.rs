//! Stores: what was acknowledged is kept, whoever is struck down, and caches are not older than what they cache.

use std::collections::BTreeMap;

use fauxtp::Down;
use fauxtp::call::multi_call;
use fauxtp::prelude::*;
use fauxtp::testing::Sim;

use crate::outside::{Outside, insist, latency};

/// A disk: what is written is there when the write is through.
type Disk = Outside<BTreeMap<&'static str, u32>>;

static STORE: Name<Store> = Name::new("store");
static CACHE: Name<Cache> = Name::new("cache");

/// Keeps numbers on disk and in memory; what it answers for is on disk.
struct Store {
    disk: Disk,
    memory: BTreeMap<&'static str, u32>,
}

#[gen_server]
impl Store {
    async fn init(disk: Disk) -> Self {
        latency().await;
        Self { memory: disk.get(), disk }
    }

    /// Adds one, and tells what it is then.
    #[call]
    async fn add(&mut self, key: &'static str) -> u32 {
        let value = self.memory.get(key).copied().unwrap_or(0) + 1;
        latency().await;
        self.disk.with(|disk| disk.insert(key, value));
        latency().await;
        self.memory.insert(key, value);
        CACHE.forget(key);
        value
    }

    #[call]
    fn get(&self, key: &'static str) -> u32 {
        self.memory.get(key).copied().unwrap_or(0)
    }
}

/// Remembers what the store has said, until the store says otherwise or is another one.
#[derive(Default)]
struct Cache {
    known: BTreeMap<&'static str, u32>,
    watches: bool,
}

#[gen_server]
impl Cache {
    fn init() -> Self {
        Self::default()
    }

    #[call]
    async fn get(&mut self, key: &'static str, ctx: &mut Context<Self>) -> Option<u32> {
        if !self.watches {
            ctx.monitor_name(&STORE);
            self.watches = true;
        }
        if let Some(known) = self.known.get(key) {
            return Some(*known);
        }
        let value = STORE.get(key).await.ok()?;
        self.known.insert(key, value);
        Some(value)
    }

    #[cast]
    fn forget(&mut self, key: &'static str) {
        self.known.remove(key);
    }

    #[down]
    fn store_is_gone(&mut self, _: Down) {
        *self = Self::default();
    }
}

/// A store and a cache in front of it: no acknowledged write is lost, and the cache is right when all is quiet.
pub async fn store_and_cache(sim: Sim) {
    let disk = Disk::default();
    let store = Store::spec(disk.clone()).name(&STORE).restart(Restart::Permanent);
    let cache = Cache::spec(()).name(&CACHE).restart(Restart::Permanent);
    sim.start(Supervisor::new([store, cache])).await;
    let mut acknowledged = BTreeMap::new();
    for key in ["a", "b", "a", "a"] {
        if let Ok(value) = STORE.add(key).await {
            assert!(acknowledged.insert(key, value).is_none_or(|before| before < value));
        }
        let _struck_perhaps = CACHE.get(key).await;
        let kept = |(key, value): (&&str, &u32)| disk.with(|disk| disk.get(*key) >= Some(value));
        assert!(acknowledged.iter().all(kept), "what was acknowledged is on disk");
    }
    sim.heal();
    sim.settle().await;
    for key in ["a", "b"] {
        let stored = insist(&sim, async || STORE.get(key).await).await;
        sim.settle().await;
        let cached = insist(&sim, async || CACHE.get(key).await).await;
        assert_eq!(cached, Some(stored), "the cache is right when all is quiet");
    }
    sim.no_leaks().await;
}

/// One of three copies of a log.
struct Replica {
    log: Outside<Vec<u32>>,
}

static REPLICAS: [Name<Replica>; 3] =
    [Name::new("replica-1"), Name::new("replica-2"), Name::new("replica-3")];

#[gen_server]
impl Replica {
    fn init(log: Outside<Vec<u32>>) -> Self {
        Self { log }
    }

    /// Appends an entry, once; tells how many there are.
    #[call]
    async fn append(&mut self, entry: u32) -> usize {
        latency().await;
        self.log.with(|log| {
            if !log.contains(&entry) {
                log.push(entry);
            }
            log.len()
        })
    }

    #[call]
    fn entries(&self) -> Vec<u32> {
        self.log.get()
    }
}

/// Three copies: what two have is never missing in all who answer, if two do.
pub async fn three_copies(sim: Sim) {
    let logs: [Outside<Vec<u32>>; 3] = Default::default();
    let replica = |place: usize| {
        let spec = Replica::spec(logs[place].clone()).name(&REPLICAS[place]);
        spec.restart(Restart::Permanent)
    };
    sim.start(Supervisor::new([replica(0), replica(1), replica(2)])).await;
    let append = async |entry| {
        let message = |from| ReplicaMessage::Append(entry, from);
        multi_call(&REPLICAS, message, Duration::from_secs(1)).await.replies.len()
    };
    let mut committed = Vec::new();
    for entry in 0..5 {
        if append(entry).await >= 2 {
            committed.push(entry);
        }
        let read = multi_call(&REPLICAS, ReplicaMessage::Entries, Duration::from_secs(1)).await;
        if read.replies.len() >= 2 {
            let known = |entry: &u32| read.replies.iter().any(|(_, log)| log.contains(entry));
            assert!(committed.iter().all(known), "{committed:?} {read:?}");
        }
    }
    sim.heal();
    sim.settle().await;
    assert_eq!(append(9).await, 3);
    let logs = logs.map(|log| log.get());
    let everywhere = |entry: &u32| logs.iter().filter(|log| log.contains(entry)).count() >= 2;
    assert!(committed.iter().all(everywhere), "{committed:?} {logs:?}");
    sim.no_leaks().await;
}
