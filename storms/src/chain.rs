//! Chains 100,000 deep, ended from one end, on stacks of 64 KiB: nothing on the way may recurse.

use std::future::pending;
use std::pin::Pin;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use fauxtp::prelude::*;
use fauxtp::process;
use indicatif::ProgressBar;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::baseline::{Allocator, Baseline};
use crate::scene::Scene;

const DEPTH: u64 = 100_000;
const STACK_BYTES: usize = 64 * 1024;
const LIMIT: Duration = Duration::from_secs(10);
/// The pid table keeps a place for every process there has been at the same time, and there are tables of timers.
const ALLOWED: u64 = 15_000_000;

type Inside = process::Context<()>;

pub(crate) fn run(scene: &mut Scene) -> Result<()> {
    // This thread, too: whoever waits for a process may run it.
    thread::scope(|scope| {
        let work = || {
            let runtime = Builder::new_multi_thread()
                .thread_stack_size(STACK_BYTES)
                .enable_all()
                .build()
                .context("starting a runtime")?;
            runtime.block_on(chains(scene))
        };
        let small = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work)?;
        small.join().map_err(|_| anyhow!("the storm itself has panicked"))?
    })
}

async fn chains(scene: &mut Scene) -> Result<()> {
    let mut before = Baseline::now().await;
    // What is made for the first chain only is not left behind by the second.
    for (round, allowed) in [("first", ALLOWED), ("second", 0)] {
        linked(scene).await?;
        born(scene).await?;
        supervised(scene, End::Kill).await?;
        supervised(scene, End::Stop).await?;
        let when = format!("after the {round} round");
        before = before.check(scene, &when, allowed, Allocator::Keeps).await;
    }
    Ok(())
}

/// Processes that are linked with the next one each; the first is killed.
async fn linked(scene: &mut Scene) -> Result<()> {
    let depth = scene.size(DEPTH);
    let act = scene.begin("links, the first one is killed", depth, LIMIT);
    let bar = scene.bar();
    let mut members = Vec::new();
    for _ in 0..depth {
        let former = members.last().cloned();
        let (linked, is_linked) = oneshot::channel();
        let member = process::spawn(async move |mut ctx: Inside| {
            if let Some(former) = &former {
                ctx.link(former).expect("it lives");
            }
            linked.send(()).expect("the storm waits");
            ctx.recv().await;
        })?;
        is_linked.await?;
        members.push(member);
        bar.inc(1);
    }
    let (first, last) = (&members[0], &members[members.len() - 1]);
    first.pid().kill();
    let reason = last.join().await;
    scene.done(act, format!("the last one: {reason:#}"));
    scene.check(reason.is_killed(), || format!("the last one has ended with {reason:#}"));
    Ok(())
}

/// Processes each of which has started the next one, linked; the first is killed.
async fn born(scene: &mut Scene) -> Result<()> {
    fn generation(
        mut ctx: Inside,
        left: u64,
        tell: oneshot::Sender<Pid>,
        bar: ProgressBar,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            bar.inc(1);
            if left == 0 {
                tell.send(ctx.pid()).expect("the storm waits");
            } else {
                let next = ctx.spawn_link(|ctx| generation(ctx, left - 1, tell, bar));
                next.expect("the runtime is there");
            }
            pending::<()>().await;
        })
    }
    let depth = scene.size(DEPTH);
    let act = scene.begin("generations, the first one is killed", depth, LIMIT);
    let (tell, told) = oneshot::channel();
    let bar = scene.bar();
    let first = process::spawn(|ctx| generation(ctx, depth - 1, tell, bar))?;
    let last = told.await?;
    let facts = last.info().await.context("the last one lives")?;
    let ancestors = facts.ancestors.len() as u64;
    scene.check(ancestors == depth - 1, || format!("the last one has {ancestors} ancestors"));
    drop(facts);
    let (reason, ()) = tokio::join!(process::join(last), async { first.pid().kill() });
    scene.done(act, format!("the last one: {reason:#}"));
    scene.check(reason.is_killed(), || format!("the last one has ended with {reason:#}"));
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Kill,
    Stop,
}

/// Supervisors each of which has the next one as its child; the topmost one is ended.
async fn supervised(scene: &mut Scene, end: End) -> Result<()> {
    fn below(left: u64, bar: ProgressBar) -> ChildSpec {
        if left == 0 {
            return ChildSpec::task("leaf", pending::<()>);
        }
        ChildSpec::supervisor("below", move || {
            bar.inc(1);
            Supervisor::new([below(left - 1, bar.clone())])
        })
    }
    let depth = scene.size(DEPTH);
    let what = match end {
        End::Kill => "supervisors, the topmost is killed",
        End::Stop => "supervisors, the topmost is stopped",
    };
    let act = scene.begin(what, depth, LIMIT);
    let before = process::list().len();
    let top = Supervisor::new([below(depth - 1, scene.bar())]).start().await?;
    let running = process::list().len() - before;
    match end {
        End::Kill => {
            top.pid().kill();
            top.wait().await;
            while process::list().len() > before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        End::Stop => top.stop().await?,
    }
    scene.done(act, format!("{running} processes"));
    let left = process::list().len() - before;
    scene.check(left == 0, || format!("{left} processes are left of the supervisors"));
    Ok(())
}
