//! The sweeper: a plain task that has the cache tidied up from time to time.

use fauxtp::prelude::*;
use tokio::time::sleep;

use super::cache::{CACHE, CacheClient};

const PERIOD: Duration = Duration::from_secs(60);

/// The child.
#[must_use]
pub fn spec() -> ChildSpec {
    ChildSpec::task("sweeper", sweep)
}

async fn sweep() {
    loop {
        sleep(PERIOD).await;
        // If the cache is being restarted, it is empty anyway.
        CACHE.sweep();
    }
}
