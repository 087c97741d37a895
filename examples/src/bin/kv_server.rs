//! A Redis-compatible key-value server whose shards may crash: `redis-cli -p <port>` talks to it.

#![allow(clippy::print_stdout, reason = "the address is this program's output")]

use std::num::NonZeroUsize;

use clap::Parser;
use fauxtp::prelude::*;
use fauxtp_examples::kv::connections::Connections;
use fauxtp_examples::kv::counters::Counters;
use fauxtp_examples::kv::listener;
use fauxtp_examples::kv::shards::Shards;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A key-value server that speaks the Redis protocol. `DEBUG PANIC <shard>` crashes a shard.
#[derive(Debug, Parser)]
struct Options {
    /// Where to listen on this machine; 0 for any free port.
    #[arg(long, default_value_t = 6379)]
    port: u16,
    /// How many servers share the keys.
    #[arg(long, default_value = "4")]
    shards: NonZeroUsize,
}

#[tokio::main]
async fn main() -> Result {
    let options = Options::parse();
    let socket = TcpListener::bind(("127.0.0.1", options.port)).await?;
    let address = socket.local_addr()?;

    let counters = Counters::default();
    let shards = Shards::new(options.shards.get(), &counters);
    let connections = Connections::new(&shards, &counters);
    let server = Supervisor::new([
        ChildSpec::supervisor("shards", move || shards.supervisor()),
        connections.spec(),
        listener::spec(socket, &connections),
    ])
    .start()
    .await?;
    // Before anybody knows that we are here: until then an interrupt ends the program on the spot.
    let mut interrupts = signal(SignalKind::interrupt())?;
    println!("listening on {address}");

    tokio::select! {
        reason = server.wait() => Err(Stop::because(reason)),
        _ = interrupts.recv() => Ok(server.stop().await?),
    }
}
