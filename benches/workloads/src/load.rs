//! How the workloads are carried out: prepare, warm up, do it long enough, verify.

mod messages;
mod talk;
mod lives;
mod restarts;
mod lookup;
mod memory;

use std::future::Future;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::figure::Figure;
use crate::subject::Subject;
use crate::workload::Workload;

pub(crate) use lookup::Readers;
pub(crate) use restarts::Flock;

/// Something that can be done as often as one likes.
pub(crate) trait Load: Send {
    /// Does it about so many times, verifies what has arrived, and tells how often it was and how long that took.
    fn go(&mut self, count: u64) -> impl Future<Output = Result<Timed>> + Send;
}

/// So many operations took so long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    pub(crate) operations: u64,
    pub(crate) took: Duration,
}

impl Timed {
    pub(crate) fn figure(self, row: &str) -> Figure {
        Figure::time(row, self.operations, self.took)
    }
}

impl Workload {
    /// Does it with a subject, taking about `time` where it does not matter how often something is done.
    pub(crate) async fn run<S: Subject>(self, time: Duration) -> Result<Vec<Figure>> {
        let row = self.name();
        // Where it matters how many there are, it must be as many for all.
        let some = |number| if time < SHORT { number / 10 } else { number };
        let timed = match self {
            Self::Cast => often(messages::Cast::<S>::to_one(1).await, some(CASTS)).await,
            Self::CastMany => often(messages::Cast::<S>::to_one(8).await, some(CASTS)).await,
            Self::Call => return messages::single_calls::<S>(time).await,
            Self::CallMany => long_enough(messages::Call::<S>::by(64).await, time).await,
            Self::PingPong => long_enough(talk::PingPong::<S>::new(), time).await,
            Self::Ring => long_enough(talk::Ring::<S>::of(10_000).await, time).await,
            Self::Life => long_enough(lives::Life::<S>::new(), time).await,
            Self::Supervised => long_enough(lives::Supervised::<S>::new().await, time).await,
            Self::Spawn => lives::spawn::<S>(some(100_000)).await,
            Self::Idle => return Ok(vec![memory::idle::<S>(some(100_000)).await?]),
            Self::FanOut => long_enough(talk::FanOut::<S>::to(1_000).await, time).await,
            Self::Tree => talk::tree::<S>(some(100_000)).await,
            Self::Panic | Self::Error | Self::ErrorAmongMany => {
                restarts::run::<S>(self, time).await
            }
            Self::Lookup => return lookup::run::<S>(some(100_000), time).await,
            Self::Backlog => return memory::backlog::<S>(some(10_000_000)).await,
        };
        Ok(vec![timed?.figure(row)])
    }
}

/// How many casts: the same for all, for what waits in a queue is part of what they cost.
const CASTS: u64 = 1_000_000;

/// Whoever has less time than that for a sample wants a tenth of everything.
const SHORT: Duration = Duration::from_millis(100);

/// Does it so many times, after a tenth of that to warm up.
async fn often(mut load: impl Load, count: u64) -> Result<Timed> {
    load.go(count / 10).await?;
    load.go(count).await
}

/// Does it more and more often, until that takes about `time`.
pub(crate) async fn long_enough(mut load: impl Load, time: Duration) -> Result<Timed> {
    // The first times are slow, and whoever was started before has things to do then; they only tell how to go on.
    let mut timed = load.go(64).await?;
    loop {
        // Not too far at once: a pause of the machine looks like slowness as well.
        let more = time.as_secs_f64() / timed.took.as_secs_f64();
        timed = load.go(times(timed.operations, more.clamp(1.0, 16.0))).await?;
        if timed.took * 2 >= time {
            return Ok(timed);
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "it is a number of operations that are over in a second"
)]
fn times(count: u64, factor: f64) -> u64 {
    (count as f64 * factor).ceil() as u64
}

/// Nothing was lost, and nothing came twice.
fn ensure_arrived(arrived: u64, sent: u64) -> Result<()> {
    ensure!(arrived == sent, "{sent} were sent, {arrived} have arrived");
    Ok(())
}
