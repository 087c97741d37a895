//! The poller: fetches a number from upstream again and again, and puts it into the cache.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use fauxtp::prelude::*;

use super::cache::{CACHE, CacheClient};

const PERIOD: Duration = Duration::from_millis(20);

/// Where the numbers come from; stands for somebody else's service. All clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Upstream(Arc<Source>);

#[derive(Debug, Default)]
struct Source {
    number: AtomicU64,
    is_broken: AtomicBool,
}

/// Upstream does not answer.
#[derive(Debug)]
pub struct Unreachable;

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("upstream does not answer")
    }
}

impl std::error::Error for Unreachable {}

impl Upstream {
    /// The next number.
    ///
    /// # Errors
    /// [`Unreachable`], from the first time it [breaks](Self::break_down) on.
    pub fn fetch(&self) -> Result<u64, Unreachable> {
        if self.0.is_broken.load(Ordering::Relaxed) {
            return Err(Unreachable);
        }
        Ok(self.0.number.fetch_add(1, Ordering::Relaxed))
    }

    /// Nobody mends it: whoever needs it fails, however often he is restarted.
    pub fn break_down(&self) {
        self.0.is_broken.store(true, Ordering::Relaxed);
    }
}

/// The state: where to ask.
#[derive(Debug)]
pub struct Poller {
    upstream: Upstream,
}

#[gen_server]
impl Poller {
    fn init(upstream: Upstream) -> Self {
        Self { upstream }
    }

    /// An error ends it, and the supervisor starts another one.
    #[tick(every = PERIOD)]
    async fn poll(&self) -> Result {
        let number = self.upstream.fetch()?;
        let _cache_is_restarting = CACHE.put(NUMBER.into(), number.to_string().into()).await;
        Ok(())
    }
}

/// The key under which the number is found.
pub const NUMBER: &str = "number";
