//! An HTTP service that loses no request it has accepted: `kill` it, and see.

use std::net::SocketAddr;

use clap::Parser;
use fauxtp::application::Ended;
use fauxtp::prelude::*;
use fauxtp_examples::service;

/// An HTTP service with a cache. `PUT` and `GET /cache/<key>`; `GET /slow/<key>` takes its time.
/// `POST /debug/break` makes a child fail for good, `GET /debug/hang` never answers.
#[derive(Debug, Parser)]
struct Options {
    /// Where to listen; port 0 is any free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// How long the cache takes to start, in milliseconds.
    #[arg(long, default_value_t = 0)]
    warm_up_ms: u64,
    /// How long all may take to stop, in milliseconds. A second signal ends it at once.
    #[arg(long, default_value_t = 30_000)]
    drain_ms: u64,
}

#[tokio::main]
async fn main() -> Ended {
    let Options { listen, warm_up_ms, drain_ms } = Options::parse();
    let warm_up = Duration::from_millis(warm_up_ms);
    let drain = Duration::from_millis(drain_ms);
    service::system(service::Options { listen, warm_up, drain }).run_until_shutdown().await
}
