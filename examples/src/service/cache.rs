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

/// What the cache receives.
#[derive(Debug)]
pub enum Message {
    /// What is kept under a key?
    Get(String, Reply<Option<Arc<str>>>),
    /// Keep this.
    Put(String, Arc<str>),
    /// Forget what has not been read, nor put, since the last time.
    Sweep,
}

impl GenServer for Cache {
    type Args = Duration;
    type Message = Message;

    async fn init(warm_up: Duration, _: &mut Context<Self>) -> Result<Self> {
        // A real one would read a file, or connect to somebody.
        sleep(warm_up).await;
        Ok(Self::default())
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
        match message {
            Message::Get(key, from) => from.send(self.entries.get_mut(&key).map(|entry| {
                entry.is_used = true;
                entry.text.clone()
            })),
            Message::Put(key, text) => {
                self.entries.insert(key, Entry { text, is_used: true });
            }
            Message::Sweep => {
                self.entries.retain(|_, entry| std::mem::replace(&mut entry.is_used, false));
            }
        }
        Ok(())
    }
}
