//! An HTTP service that starts and stops as services should: two applications, one above the other.
//!
//! ```text
//!   web ──────┬─ poller    fetches a number from upstream, again and again
//!     │       ├─ sweeper   a plain task: has the cache forget what nobody reads
//!     │       └─ http      last, so it is stopped first: what it needs is there until it has ended
//!     ▼ depends on
//!   store ────── cache
//! ```
//!
//! Told to end, `http` accepts nobody any more, finishes every request it has accepted, and ends; then the others do.

pub mod cache;
pub mod http;
pub mod poller;
pub mod routes;
pub mod sweeper;

use std::net::SocketAddr;

use fauxtp::application::{Application, StartType, System};
use fauxtp::prelude::*;

use cache::{CACHE, Cache};
use http::Http;
use poller::{Poller, Upstream};
use routes::Shared;

/// What may be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How long the cache takes to start.
    pub warm_up: Duration,
    /// How long all may take to stop.
    pub drain: Duration,
}

/// The service, not started yet.
pub fn system(options: Options) -> System {
    let shared = Shared::new(Upstream::default());
    let accepted = shared.clone();

    let store = Application::new("store", move || {
        Supervisor::new([Cache::spec(options.warm_up).name(&CACHE)])
    });
    let web = Application::new("web", move || {
        Supervisor::new([
            Poller::spec(shared.upstream.clone()),
            sweeper::spec(),
            http::spec(Http::at(options.listen, &shared), options.drain + options.drain),
        ])
    })
    .depends_on(["store"])
    // What the program is there for: if it gives up, the program ends, and says so.
    .start_type(StartType::Permanent)
    .stop(move || tell(accepted.clone()));

    System::new([store, web]).drain_within(options.drain)
}

#[allow(clippy::print_stdout, reason = "the program's last words, for whoever checks them")]
async fn tell(shared: Shared) {
    println!("accepted {} requests", shared.accepted());
}
