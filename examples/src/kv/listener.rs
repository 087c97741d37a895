//! The listener: accepts clients for ever.

use std::sync::Arc;

use fauxtp::prelude::*;
use fauxtp::supervisor::Restart;
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::connections::Connections;

/// The child that accepts clients. The socket outlives it, so nobody is turned away while it restarts.
#[must_use]
pub fn spec(socket: TcpListener, connections: &Connections) -> ChildSpec {
    let socket = Arc::new(socket);
    let connections = connections.clone();
    ChildSpec::task("listener", move || accept(socket.clone(), connections.clone()))
        .restart(Restart::Permanent)
}

async fn accept(socket: Arc<TcpListener>, connections: Connections) {
    loop {
        match socket.accept().await {
            Ok((stream, _)) => {
                let _slower_but_works = stream.set_nodelay(true);
                connections.open(stream).await;
            }
            // Out of file descriptors, mostly: others must leave first, and a restart would not help.
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// How long to wait for things to get better.
const PAUSE: Duration = Duration::from_millis(50);
