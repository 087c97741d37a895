//! Ten million messages queued on one process: inquiries are still answered, and a kill frees it all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use fauxtp::prelude::*;
use fauxtp::process::{self, Received};
use tokio::sync::oneshot;

use crate::baseline::{Allocator, Baseline};
use crate::figures::megabytes;
use crate::memory::Memory;
use crate::scene::{Act, Scene};
use crate::stopwatch::{Lap, Stopwatch};

const MESSAGES: u64 = 10_000_000;
const LIMIT: Duration = Duration::from_secs(10);
const KILL_LIMIT: Duration = Duration::from_secs(1);
/// Inquiries are answered within this time, whatever is queued.
const ANSWER_LIMIT: Duration = Duration::from_millis(50);
/// Someone inquires a millisecond after the last answer: at the least so often, once for each time that it takes.
const ANSWERS_MIN: u64 = 2;
const ANSWER_EVERY: Duration = Duration::from_millis(100);
/// Allocated when everything has been received, and its owner is idle.
const KEPT_MAX: u64 = 5_000_000;

pub(crate) fn run(scene: &mut Scene) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let empty = Baseline::now().await;
        for round in ["first", "second"] {
            drained(scene).await?;
            empty.check(scene, &format!("after the {round} drain"), 0, Allocator::GivesBack).await;
            killed(scene).await?;
            empty.check(scene, &format!("after the {round} kill"), 0, Allocator::GivesBack).await;
        }
        Ok(())
    })
}

/// What its owner has found when it has received everything.
#[derive(Debug)]
struct Found {
    in_order: bool,
    /// Tells that it may end.
    leave: oneshot::Sender<()>,
}

type Hoard = (Address<u64>, oneshot::Sender<()>, oneshot::Receiver<Found>);

/// A process that receives nothing before it is told to.
fn hoarder(count: u64) -> Result<Hoard> {
    let (begin, begun) = oneshot::channel::<()>();
    let (tell, told) = oneshot::channel();
    let hoarder = process::spawn(async move |mut ctx: process::Context<u64>| {
        begun.await.expect("the storm tells when");
        let mut in_order = true;
        for expected in 0..count {
            in_order &= matches!(ctx.recv().await, Received::Message(n) if n == expected);
        }
        let (leave, left) = oneshot::channel();
        tell.send(Found { in_order, leave }).expect("the storm waits");
        tokio::select! {
            _ = left => {}
            _ = ctx.recv() => {}
        }
    })?;
    Ok((hoarder, begin, told))
}

/// Asks the process again and again; gives the number of answers and the longest time one has taken.
struct Prober {
    over: Arc<AtomicBool>,
    longest: Arc<Mutex<(u64, Duration)>>,
    address: Address<()>,
}

impl Prober {
    fn start(pid: Pid) -> Result<Self> {
        let (over, longest) =
            (Arc::<AtomicBool>::default(), Arc::<Mutex<(u64, Duration)>>::default());
        let (ends, notes) = (over.clone(), longest.clone());
        let address = process::spawn(async move |_: process::Context<()>| {
            while !ends.load(Ordering::Relaxed) {
                let asked = Lap::start();
                if pid.info().await.is_some() {
                    // What others have had of the processors is not the answer's fault.
                    let took = asked.alone();
                    let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
                    *notes = (notes.0 + 1, notes.1.max(took));
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })?;
        Ok(Self { over, longest, address })
    }

    async fn end(self) -> (u64, Duration) {
        self.over.store(true, Ordering::Relaxed);
        self.address.join().await;
        *self.longest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn fill(scene: &Scene, hoarder: &Address<u64>, count: u64) {
    let bar = scene.bar();
    for number in 0..count {
        hoarder.send(number);
        if number % 100_000 == 0 {
            bar.set_position(number);
            tokio::task::yield_now().await;
        }
    }
}

/// Ends the act, with what the prober has found.
async fn note(scene: &mut Scene, act: Act, prober: Prober) {
    let (answers, longest) = prober.end().await;
    let took = scene.done(act, format!("{answers} inquiries, the longest {longest:.1?}"));
    let answers_min = ANSWERS_MIN.max(took.div_duration_f64(ANSWER_EVERY) as u64);
    scene.check(answers >= answers_min && longest <= ANSWER_LIMIT, || {
        format!(
            "{answers} inquiries answered, not {answers_min}; the longest has taken {longest:?}"
        )
    });
}

/// Everything is queued, and then received, in order.
async fn drained(scene: &mut Scene) -> Result<()> {
    let count = scene.size(MESSAGES);
    let (hoarder, begin, told) = hoarder(count)?;
    let prober = Prober::start(hoarder.pid())?;
    let act = scene.begin("messages, queued", count, LIMIT);
    fill(scene, &hoarder, count).await;
    note(scene, act, prober).await;
    let queued = hoarder.queue_len() as u64;
    scene.check(queued == count, || format!("{queued} of {count} messages are queued"));

    let prober = Prober::start(hoarder.pid())?;
    let act = scene.begin("messages, received", count, LIMIT);
    begin.send(()).ok().context("the hoarder waits")?;
    let found = told.await.context("the hoarder receives everything")?;
    note(scene, act, prober).await;
    scene.check(found.in_order, || "messages were lost, doubled or out of order".to_owned());
    // An idle process does not keep the room that a rush has taken.
    let waiting = Stopwatch::start();
    while Memory::now().heap >= KEPT_MAX && waiting.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let kept = Memory::now().heap;
    scene.check(kept < KEPT_MAX, || {
        format!("{:.1} MB are allocated when everything is received", megabytes(kept))
    });
    found.leave.send(()).ok().context("the hoarder waits")?;
    let reason = hoarder.join().await;
    scene.check(reason.is_normal(), || format!("the hoarder has ended with {reason:#}"));
    Ok(())
}

/// The same, smaller and without inquiries.
pub(crate) async fn rush(scene: &mut Scene, count: u64) -> Result<()> {
    let (hoarder, begin, told) = hoarder(count)?;
    fill(scene, &hoarder, count).await;
    begin.send(()).ok().context("the hoarder waits")?;
    let found = told.await.context("the hoarder receives everything")?;
    scene.check(found.in_order, || "messages were lost, doubled or out of order".to_owned());
    found.leave.send(()).ok().context("the hoarder waits")?;
    hoarder.join().await;
    Ok(())
}

/// Everything is queued, and the process killed.
async fn killed(scene: &mut Scene) -> Result<()> {
    let count = scene.size(MESSAGES);
    let (hoarder, _begin, _told) = hoarder(count)?;
    fill(scene, &hoarder, count).await;
    let act = scene.begin("messages, killed with their owner", count, KILL_LIMIT);
    hoarder.pid().kill();
    let reason = hoarder.join().await;
    scene.done(act, format!("{reason:#}"));
    scene.check(reason.is_killed(), || format!("the hoarder has ended with {reason:#}"));
    Ok(())
}
