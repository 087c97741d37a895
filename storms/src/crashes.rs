//! A million crashes under one supervisor: every one is told exactly once, and every child comes back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use fauxtp::prelude::*;
use fauxtp::supervisor::{ChildInfo, ChildState};
use indicatif::ProgressBar;
use tokio::sync::Semaphore;

use crate::baseline::{Allocator, Baseline};
use crate::hush::CRASH;
use crate::scene::Scene;

const CRASHES: u64 = 1_000_000;
const CHILDREN: u64 = 100;
const LIMIT: Duration = Duration::from_secs(10);

pub(crate) fn run(scene: &mut Scene) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        // The same memory for all rounds, and written to before it counts: it is too much for the allocator to give it
        // back each time.
        let nobody = Pid { node: 0, id: 0, serial: 0, creation: 0 };
        let mut ends = vec![nobody; (scene.size(CRASHES) + CHILDREN) as usize];
        ends.clear();
        // What is made for the first process only, and for the first of a million, is not left behind by the second.
        let empty = Baseline::now().await;
        fixed(scene, "panics, one supervisor", &mut ends).await?;
        let filled =
            empty.check(scene, "after the first round", ALLOWED, Allocator::GivesBack).await;
        fixed(scene, "panics, the same once more", &mut ends).await?;
        filled.check(scene, "after the second round", 0, Allocator::GivesBack).await;
        dynamic(scene, "panics, one dynamic supervisor", &mut ends).await?;
        filled.check(scene, "after the dynamic supervisor", 0, Allocator::GivesBack).await;
        Ok(())
    })
}

/// For tables and threads that are there for good.
const ALLOWED: u64 = 5_000_000;

/// Who crashes, and who has heard of it.
#[derive(Debug)]
struct Ledger {
    /// How many crashes are still to come; shared by all children.
    left: AtomicU64,
    ends: Mutex<Vec<Pid>>,
    /// Ends that were not what they should be.
    odd: AtomicU64,
    /// One permit for each child that has no crash left.
    resting: Semaphore,
    bar: ProgressBar,
}

impl Ledger {
    fn new(scene: &Scene, crashes: u64, ends: &mut Vec<Pid>) -> Arc<Self> {
        let ends = Mutex::new(std::mem::take(ends));
        let (left, odd) = (AtomicU64::new(crashes), AtomicU64::new(0));
        Arc::new(Self { left, ends, odd, resting: Semaphore::new(0), bar: scene.bar() })
    }

    fn child(self: &Arc<Self>, number: u64) -> ChildSpec {
        let ledger = self.clone();
        ChildSpec::task(format!("child-{number}"), move || {
            let ledger = ledger.clone();
            async move {
                let one_less = |left: u64| left.checked_sub(1);
                let crashes =
                    ledger.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
                assert!(crashes.is_err(), "{CRASH}");
                ledger.resting.add_permits(1);
                std::future::pending::<()>().await;
            }
        })
    }

    fn observer(self: &Arc<Self>) -> impl Fn(Pid, &ExitReason) + Send + Sync + 'static {
        let ledger = self.clone();
        move |pid, reason| {
            let mut ends = ledger.ends.lock().unwrap_or_else(PoisonError::into_inner);
            ends.push(pid);
            if ends.len() % 10_000 == 0 {
                ledger.bar.set_position(ends.len() as u64);
            }
            drop(ends);
            if reason.panic().is_none_or(|panic| panic.message != CRASH) {
                ledger.odd.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    async fn all_rest(&self) -> Result<()> {
        let permits = self.resting.acquire_many(CHILDREN as u32);
        permits.await.context("waiting for the children")?.forget();
        Ok(())
    }

    /// Compares what was told with what happened, when all children rest. Gives the memory of the ends back.
    async fn check(&self, scene: &mut Scene, crashes: u64, children: &[ChildInfo]) -> Vec<Pid> {
        let mut ends =
            std::mem::take(&mut *self.ends.lock().unwrap_or_else(PoisonError::into_inner));
        let told = ends.len() as u64;
        ends.sort_unstable();
        ends.dedup();
        let told = (told, ends.len() as u64, self.odd.load(Ordering::Relaxed));
        scene.check(told == (crashes, crashes, 0), || {
            format!("{crashes} crashes, but (ends, different ones, other reasons) are {told:?}")
        });
        let mut restarts = 0;
        let mut running = 0;
        for child in children {
            if let ChildState::Running(pid) = child.state {
                running += u64::from(ends.binary_search(&pid).is_err());
                restarts += pid.info().await.map_or(0, |facts| u64::from(facts.restarts));
            }
        }
        scene.check((running, restarts) == (CHILDREN, crashes), || {
            format!("{running} children run, after {restarts} restarts for {crashes} crashes")
        });
        ends.clear();
        ends
    }
}

async fn fixed(scene: &mut Scene, what: &str, ends: &mut Vec<Pid>) -> Result<()> {
    let crashes = scene.size(CRASHES);
    let ledger = Ledger::new(scene, crashes, ends);
    let act = scene.begin(what, crashes, LIMIT);
    let children = (0..CHILDREN).map(|number| ledger.child(number));
    let sup = Supervisor::new(children).unlimited().on_exit(ledger.observer()).start().await?;
    ledger.all_rest().await?;
    let children = sup.which_children().await?;
    scene.done(act, format!("{CHILDREN} children"));
    *ends = ledger.check(scene, crashes, &children).await;
    sup.stop().await?;
    Ok(())
}

async fn dynamic(scene: &mut Scene, what: &str, ends: &mut Vec<Pid>) -> Result<()> {
    let crashes = scene.size(CRASHES);
    let ledger = Ledger::new(scene, crashes, ends);
    let act = scene.begin(what, crashes, LIMIT);
    let pool = DynamicSupervisor::new().unlimited().on_exit(ledger.observer()).start().await?;
    for number in 0..CHILDREN {
        pool.start_child(ledger.child(number)).await?;
    }
    ledger.all_rest().await?;
    let children = pool.which_children().await?;
    scene.done(act, format!("{CHILDREN} children"));
    *ends = ledger.check(scene, crashes, &children).await;
    pool.stop().await?;
    Ok(())
}
