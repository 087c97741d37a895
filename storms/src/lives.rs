//! A million idle processes at once, all of them monitored, all of them killed.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use fauxtp::Monitor;
use fauxtp::prelude::*;
use fauxtp::process::{self, Received};
use tokio::sync::oneshot;

use crate::baseline::{Allocator, Baseline};
use crate::scene::Scene;

const LIVES: u64 = 1_000_000;
const LIMIT: Duration = Duration::from_secs(10);
/// The pid table keeps a place for every process there has been at the same time.
const TABLE_PER_LIFE: u64 = 40;

/// What the guardian of them all is told to do.
#[derive(Debug)]
enum Order {
    Start(u64, oneshot::Sender<Vec<Pid>>),
    /// Hear of so many ends.
    Bury(u64, oneshot::Sender<Burial>),
}

/// What the guardian has heard.
#[derive(Debug, Default)]
struct Burial {
    /// Ends of those that were monitored.
    ends: u64,
    /// Ends of others, or for the second time.
    strange: u64,
    not_killed: u64,
}

pub(crate) fn run(scene: &mut Scene) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let guardian = process::spawn(guard)?;
        let empty = Baseline::now().await;
        round(scene, &guardian).await?;
        let table = scene.size(LIVES) * TABLE_PER_LIFE;
        let filled = empty.check(scene, "after the first round", table, Allocator::Keeps).await;
        round(scene, &guardian).await?;
        filled.check(scene, "after the second round", 0, Allocator::Keeps).await;
        family(scene).await?;
        filled.check(scene, "after the children", 0, Allocator::Keeps).await;
        Ok(())
    })
}

async fn guard(mut ctx: process::Context<Order>) {
    let mut monitors = BTreeSet::<Monitor>::new();
    loop {
        match ctx.recv().await {
            Received::Message(Order::Start(count, tell)) => {
                let mut pids = Vec::with_capacity(count as usize);
                for _ in 0..count {
                    let spawned = ctx.spawn_monitor(async |mut ctx: process::Context<()>| {
                        ctx.recv().await;
                    });
                    let (life, monitor) = spawned.expect("the runtime is there");
                    pids.push(life.pid());
                    monitors.insert(monitor);
                }
                tell.send(pids).expect("the storm waits");
            }
            Received::Message(Order::Bury(count, tell)) => {
                let mut burial = Burial::default();
                while burial.ends + burial.strange < count {
                    let Received::Down(down) = ctx.recv().await else { continue };
                    match monitors.remove(&down.monitor) {
                        true => burial.ends += 1,
                        false => burial.strange += 1,
                    }
                    burial.not_killed += u64::from(!down.reason.is_killed());
                }
                tell.send(burial).expect("the storm waits");
                monitors = BTreeSet::new();
            }
            odd => unreachable!("nothing else comes: {odd:?}"),
        }
    }
}

async fn round(scene: &mut Scene, guardian: &Address<Order>) -> Result<()> {
    let lives = scene.size(LIVES);
    let before = process::list().len() as u64;
    let act = scene.begin("idle processes, spawned", lives, LIMIT);
    let (tell, told) = oneshot::channel();
    guardian.send(Order::Start(lives, tell));
    let pids = told.await.context("the guardian starts them")?;
    // Everybody has run once when the last one has, or nearly so.
    pids[pids.len() - 1].info().await.context("the last one lives")?;
    scene.done(act, "each is monitored");
    let listed = process::list().len() as u64 - before;
    scene.check(listed == lives, || format!("{listed} of {lives} processes are listed"));

    let act = scene.begin("idle processes, killed", lives, LIMIT);
    let (tell, told) = oneshot::channel();
    guardian.send(Order::Bury(lives, tell));
    for pid in &pids {
        pid.kill();
    }
    let burial = told.await.context("the guardian buries them")?;
    scene.done(act, format!("{} downs", burial.ends));
    let alive = pids.iter().filter(|pid| pid.is_alive()).count() as u64;
    let found = (burial.ends, burial.strange, burial.not_killed, alive);
    scene.check(found == (lives, 0, 0, 0), || {
        format!("(ends, strange ends, other reasons, alive) of {lives} are {found:?}")
    });
    Ok(())
}

/// As many as children of one dynamic supervisor, which is stopped.
async fn family(scene: &mut Scene) -> Result<()> {
    let lives = scene.size(LIVES);
    let act = scene.begin("children, started", lives, LIMIT);
    let bar = scene.bar();
    let pool = DynamicSupervisor::new().start().await?;
    let (tell, told) = oneshot::channel();
    let starting = pool.clone();
    // By a process: for whoever waits outside, a thread has to be woken each time.
    let starter = process::spawn(async move |_: process::Context<()>| {
        for number in 0..lives {
            let child = ChildSpec::task("child", std::future::pending::<()>);
            starting.start_child(child).await.map_err(|error| Stop::error(error.to_string()))?;
            if number % 10_000 == 0 {
                bar.set_position(number);
            }
        }
        tell.send(()).map_err(|()| Stop::error("nobody waits"))
    })?;
    if told.await.is_err() {
        bail!("the starter has ended with {:#}", starter.join().await);
    }
    let active = pool.count_children().await?.active as u64;
    scene.done(act, "one dynamic supervisor");
    scene.check(active == lives, || format!("{active} of {lives} children run"));
    let act = scene.begin("children, stopped", lives, LIMIT);
    pool.stop().await?;
    scene.done(act, "one dynamic supervisor");
    Ok(())
}
