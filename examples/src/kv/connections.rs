//! All connections: a dynamic supervisor with one temporary process per client.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use fauxtp::prelude::*;
use fauxtp::process::{self, Received, Trap};
use fauxtp::supervisor::{DynamicSupervisorHandle, Restart, Shutdown};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::connection::Connection;
use super::counters::Counters;
use super::shards::Shards;

/// Where clients are handed over to. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct Connections {
    shards: Shards,
    counters: Counters,
    /// The supervisor that runs now; written by its keeper, read by `open`.
    pool: Arc<watch::Sender<Option<DynamicSupervisorHandle>>>,
}

/// A client on its way into its process; nothing once it has arrived there. A child's body may be run more
/// than once for all the specification knows, so what can be had only once has to be taken out of something.
type Parcel = Arc<Mutex<Option<TcpStream>>>;

impl Connections {
    /// No connections, and no supervisor for them yet.
    #[must_use]
    pub fn new(shards: &Shards, counters: &Counters) -> Self {
        let pool = Arc::new(watch::Sender::new(None));
        Self { shards: shards.clone(), counters: counters.clone(), pool }
    }

    /// The child that keeps the dynamic supervisor. It stands between the two supervisors because the handle
    /// of a dynamic one is to be had only by whoever starts it; it lives and dies with it.
    #[must_use]
    pub fn spec(&self) -> ChildSpec {
        let connections = self.clone();
        ChildSpec::process("connections", move |ctx| connections.clone().keep(ctx))
            .restart(Restart::Permanent)
            .shutdown(Shutdown::Infinity)
    }

    async fn keep(self, mut ctx: process::Context<Infallible>) -> Result {
        ctx.trap_exits(Trap::On);
        let counters = self.counters;
        let pool = DynamicSupervisor::new()
            .max_children(CLIENTS_MAX)
            .on_exit(move |_, reason| match reason.is_clean() {
                true => counters.connection_ended(),
                false => counters.connection_lost(),
            })
            .link(&ctx)
            .start()
            .await?;
        self.pool.send_replace(Some(pool.clone()));
        loop {
            match ctx.recv().await {
                Received::Exit(exit) if exit.from == pool.pid() => {
                    return Err(Stop::because(exit.reason));
                }
                Received::Exit(exit) => {
                    let _ended_already = pool.stop().await;
                    return Err(Stop::because(exit.reason));
                }
                _ => {}
            }
        }
    }

    /// Gives a client a process of its own, or says why there is none.
    ///
    /// # Cancel safety
    /// The client may be served all the same.
    pub async fn open(&self, stream: TcpStream) {
        let mut pool = self.pool.subscribe();
        let Ok(pool) = pool.wait_for(Option::is_some).await.map(|pool| pool.clone()) else {
            return;
        };
        let Some(pool) = pool else { return };
        let parcel: Parcel = Arc::new(Mutex::new(Some(stream)));
        self.counters.connection_opened();
        let started = pool.start_child(self.child(parcel.clone())).await;
        // Not after a start that went well: the child may not have got to its parcel yet.
        if started.is_err() {
            self.counters.connection_ended();
            if let Some(stream) = unpack(&parcel) {
                refuse(stream).await;
            }
        }
    }

    fn child(&self, parcel: Parcel) -> ChildSpec {
        let Self { shards, counters, .. } = self.clone();
        ChildSpec::task("connection", move || {
            let stream = unpack(&parcel).expect("a temporary child is started once");
            Connection::new(stream, &shards, &counters).serve()
        })
        .restart(Restart::Temporary)
    }
}

fn unpack(parcel: &Parcel) -> Option<TcpStream> {
    parcel.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Tells a client that there is no room for it; if it does not listen, that is that.
async fn refuse(mut stream: TcpStream) {
    let _client_has_left = stream.write_all(b"-ERR max number of clients reached\r\n").await;
}

/// The most clients at a time, as in Redis.
const CLIENTS_MAX: usize = 10_000;
