//! The cache: a server that keeps texts by their keys.

use std::collections::HashMap;
use std::sync::Arc;

use fauxtp::prelude::*;
use tokio::time::sleep;

/// Where everybody finds the cache, also after it has been restarted.
pub static CACHE: Name<Cache> = Name::new("cache");

/// The state: what is kept, and whether it has been read since the last sweep.
#[derive(Debug, Default)]
pub struct Cache {
    entries: HashMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    text: Arc<str>,
    is_used: bool,
}

#[gen_server]
impl Cache {
    async fn init(warm_up: Duration) -> Self {
        // A real one would read a file, or connect to somebody.
        sleep(warm_up).await;
        Self::default()
    }

    /// What is kept under a key?
    #[call]
    pub fn get(&mut self, key: String) -> Option<Arc<str>> {
        let entry = self.entries.get_mut(&key)?;
        entry.is_used = true;
        Some(entry.text.clone())
    }

    /// Keeps this.
    #[call]
    pub fn put(&mut self, key: String, text: Arc<str>) {
        self.entries.insert(key, Entry { text, is_used: true });
    }

    /// Forgets what has not been read, nor put, since the last time.
    #[cast]
    pub fn sweep(&mut self) {
        self.entries.retain(|_, entry| std::mem::replace(&mut entry.is_used, false));
    }
}
