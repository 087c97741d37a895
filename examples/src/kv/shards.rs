//! All shards: which one owns a key, and how to get an answer from one that may be crashing.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use fauxtp::prelude::*;
use redis_protocol::redis_keyslot;
use redis_protocol::resp2::types::BytesFrame as Frame;
use tokio::time::{Instant, sleep};

use super::counters::Counters;
use super::operation::Operation;
use super::shard::{Message, Shard};

/// The names of all shards. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shards {
    names: Arc<[Name<Shard>]>,
    counters: Counters,
}

/// A shard has not answered.
#[derive(Clone, Debug, PartialEq)]
pub struct ShardError {
    /// Which one.
    pub shard: usize,
    /// Why.
    pub source: CallError,
}

impl Shards {
    /// So many shards; they do not run yet.
    #[must_use]
    pub fn new(count: usize, counters: &Counters) -> Self {
        let name = |number| Name::from_string(format!("shard-{number}"));
        Self { names: (0..count.max(1)).map(name).collect(), counters: counters.clone() }
    }

    /// The supervisor of all shards. Each is restarted for itself, and as often as somebody likes to crash
    /// it: what it fails of is only in its own memory, and gone with that.
    pub fn supervisor(&self) -> Supervisor {
        let counters = self.counters.clone();
        Supervisor::new(self.names.iter().map(|name| Shard::spec(()).name(name)))
            .strategy(RestartStrategy::OneForOne)
            .intensity(CRASHES_MAX, CRASHES_PERIOD)
            .on_exit(move |_, reason| {
                if reason.is_error() {
                    counters.shard_crashed();
                }
            })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// The shard that owns a key: a range of the 16384 slots of a Redis cluster.
    #[must_use]
    pub fn owner(&self, key: &[u8]) -> usize {
        usize::from(redis_keyslot(key)) * self.count() / SLOTS
    }

    /// Has each shard do its part of `work`, all of them at the same time; one answer per operation.
    ///
    /// # Cancel safety
    /// The work may be done all the same.
    pub async fn run(&self, work: Vec<Vec<Operation>>) -> Vec<Result<Vec<Frame>, ShardError>> {
        let work: Vec<Arc<[Operation]>> = work.into_iter().map(Arc::from).collect();
        let calls = work.iter().enumerate().map(|(shard, operations)| {
            (!operations.is_empty()).then(|| self.call(shard, operations.clone()))
        });
        let mut outcomes = Vec::with_capacity(work.len());
        for (shard, outcome) in join(calls.collect()).await.into_iter().enumerate() {
            outcomes.push(match outcome {
                None => Ok(Vec::new()),
                Some(Ok(answers)) => Ok(answers),
                Some(Err(error)) => self.run_again(shard, &work[shard], error).await,
            });
        }
        outcomes
    }

    /// Makes a failed call again to the shard's next incarnation.
    ///
    /// If the shard has ended, so have all effects of the work: doing it from the start is doing it once.
    /// After a timeout nobody knows, so that is an error at once. Ends after a few crashes, as the work itself
    /// may be what crashes the shard.
    async fn run_again(
        &self,
        shard: usize,
        work: &Arc<[Operation]>,
        mut error: CallError,
    ) -> Result<Vec<Frame>, ShardError> {
        let deadline = Instant::now() + RESTART_MAX;
        let mut crashes = 0;
        loop {
            match &error {
                CallError::Exited(_) if crashes + 1 < TRIES => crashes += 1,
                CallError::NoProc if Instant::now() < deadline => sleep(RESTART_POLL).await,
                _ => return Err(ShardError { shard, source: error }),
            }
            self.counters.shard_retried();
            match self.call(shard, work.clone()).await {
                Ok(answers) => return Ok(answers),
                Err(again) => error = again,
            }
        }
    }

    /// Crashes a shard; it has ended when this returns.
    ///
    /// # Errors
    /// [`ShardError`] if there is no such shard, or it does not get to it.
    ///
    /// # Cancel safety
    /// The shard crashes all the same.
    pub async fn crash(&self, shard: usize) -> Result<(), ShardError> {
        let deadline = Instant::now() + RESTART_MAX;
        let name = self.names.get(shard);
        let name = name.ok_or(ShardError { shard, source: CallError::NoProc })?;
        loop {
            match name.call(Message::Panic).await {
                Ok(()) | Err(CallError::Exited(_)) => return Ok(()),
                Err(CallError::NoProc) if Instant::now() < deadline => sleep(RESTART_POLL).await,
                Err(source) => return Err(ShardError { shard, source }),
            }
        }
    }

    fn call(
        &self,
        shard: usize,
        work: Arc<[Operation]>,
    ) -> impl Future<Output = Result<Vec<Frame>, CallError>> + Unpin {
        self.names[shard].call(move |from| Message::Run(work, from))
    }
}

impl fmt::Display for ShardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shard, source } = self;
        match source {
            CallError::Exited(_) => write!(f, "ERR shard {shard} crashed, its keys are lost"),
            CallError::NoProc => write!(f, "ERR shard {shard} is not there"),
            CallError::Timeout => write!(f, "ERR shard {shard} did not answer in time"),
            other => write!(f, "ERR shard {shard}: {other}"),
        }
    }
}

impl std::error::Error for ShardError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Waits for all calls at once; nothing where there is none.
async fn join<F: Future + Unpin>(calls: Vec<Option<F>>) -> Vec<Option<F::Output>>
where
    F::Output: Unpin,
{
    let mut outcomes: Vec<Option<F::Output>> = calls.iter().map(|_| None).collect();
    let mut calls = calls;
    std::future::poll_fn(move |cx| {
        let mut waits = false;
        for (call, outcome) in calls.iter_mut().zip(&mut outcomes) {
            match call.as_mut().map(|call| Pin::new(call).poll(cx)) {
                Some(Poll::Ready(value)) => (*call, *outcome) = (None, Some(value)),
                Some(Poll::Pending) => waits = true,
                None => {}
            }
        }
        if waits { Poll::Pending } else { Poll::Ready(std::mem::take(&mut outcomes)) }
    })
    .await
}

/// The slots of a Redis cluster.
const SLOTS: usize = 16384;

/// How many incarnations of a shard are asked to do the same work.
const TRIES: u32 = 5;

/// How long a shard that is not there may take to come back.
const RESTART_MAX: Duration = Duration::from_secs(1);

/// How often it is looked for meanwhile.
const RESTART_POLL: Duration = Duration::from_millis(1);

/// More crashes of shards than this in such a time are not normal even for a server that is tortured.
const CRASHES_MAX: u32 = 100_000;
const CRASHES_PERIOD: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shard_owns_keys_and_hash_tags_keep_keys_together() {
        for count in [1, 3, 4, 7] {
            let shards = Shards::new(count, &Counters::default());
            let mut owned = vec![0; count];
            for number in 0..1000 {
                owned[shards.owner(format!("key:{number}").as_bytes())] += 1;
                let tagged = format!("{number}{{tag}}");
                assert_eq!(shards.owner(tagged.as_bytes()), shards.owner(b"tag"));
            }
            assert!(owned.iter().all(|keys| *keys > 500 / count), "{owned:?}");
        }
    }

    #[test]
    fn any_key_has_an_owner() {
        let shards = Shards::new(4, &Counters::default());
        for key in [&b""[..], b"{", b"}", b"{}", b"a{}", b"{}a", b"}{", b"{a", b"a{", b"\xff\0"] {
            assert!(shards.owner(key) < 4, "{key:?}");
        }
    }
}
