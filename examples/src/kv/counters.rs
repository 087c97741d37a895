//! What the server counts, for INFO; written by observers and connections, read by whoever asks.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// All counts of one server. Cheap to clone; all clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<Counts>);

/// The counts. They are independent of each other, so every access is relaxed.
#[derive(Debug, Default)]
struct Counts {
    commands: AtomicU64,
    connections_opened: AtomicU64,
    connections_ended: AtomicU64,
    connections_lost: AtomicU64,
    shard_crashes: AtomicU64,
    shard_retries: AtomicU64,
}

impl Counters {
    /// So many commands have been answered.
    pub fn answered(&self, commands: usize) {
        self.0.commands.fetch_add(commands as u64, Ordering::Relaxed);
    }

    /// A client has been accepted.
    pub fn connection_opened(&self) {
        self.0.connections_opened.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection's process has ended because its client left, or was told to.
    pub fn connection_ended(&self) {
        self.0.connections_ended.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection's process has ended for any other reason: a bug, and somebody was cut off.
    pub fn connection_lost(&self) {
        self.0.connections_ended.fetch_add(1, Ordering::Relaxed);
        self.0.connections_lost.fetch_add(1, Ordering::Relaxed);
    }

    /// A shard has crashed.
    pub fn shard_crashed(&self) {
        self.0.shard_crashes.fetch_add(1, Ordering::Relaxed);
    }

    /// Operations were sent to a shard once more.
    pub fn shard_retried(&self) {
        self.0.shard_retries.fetch_add(1, Ordering::Relaxed);
    }
}

/// The text of INFO, but for the keys.
impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &*self.0;
        let opened = read(&counts.connections_opened);
        let connected = opened.saturating_sub(read(&counts.connections_ended));
        write!(
            f,
            "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nserver_name:fauxtp-kv\r\n"
        )?;
        write!(f, "\r\n# Clients\r\nconnected_clients:{connected}\r\n")?;
        write!(f, "\r\n# Stats\r\ntotal_connections_received:{opened}\r\n")?;
        write!(f, "total_commands_processed:{}\r\n", read(&counts.commands))?;
        write!(f, "connections_lost_unexpectedly:{}\r\n", read(&counts.connections_lost))?;
        write!(f, "shard_crashes:{}\r\n", read(&counts.shard_crashes))?;
        write!(f, "shard_retries:{}\r\n", read(&counts.shard_retries))
    }
}
