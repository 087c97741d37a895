//! What the service answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post, put};
use fauxtp::prelude::*;
use tokio::time::sleep;

use super::cache::{CACHE, CacheClient};
use super::poller::Upstream;

/// What requests share. All clones are the same.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Where the poller asks.
    pub upstream: Upstream,
    accepted: Arc<AtomicU64>,
}

impl Shared {
    /// Nobody has asked for anything yet.
    #[must_use]
    pub fn new(upstream: Upstream) -> Self {
        Self { upstream, accepted: Arc::default() }
    }

    /// How many requests have been accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }
}

/// All routes. Those below `debug` are for whoever wants to see the service fail.
pub fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/cache/{key}", put(keep))
        .route("/cache/{key}", get(find))
        .route("/slow/{key}", get(find_slowly))
        .route("/debug/hang", get(hang))
        .route("/debug/break", post(break_down))
        .layer(from_fn_with_state(shared.clone(), count))
        .with_state(shared)
}

/// Counts a request before anything is done about it.
async fn count(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    shared.accepted.fetch_add(1, Ordering::Relaxed);
    next.run(request).await
}

async fn keep(Path(key): Path<String>, text: String) -> Result<StatusCode, StatusCode> {
    CACHE.put(key, text.into()).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(Path(key): Path<String>) -> Result<String, StatusCode> {
    let found = CACHE.get(key).await;
    let found = found.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    found.map(|text| text.to_string()).ok_or(StatusCode::NOT_FOUND)
}

/// Takes its time before it needs the cache.
async fn find_slowly(path: Path<String>) -> Result<String, StatusCode> {
    sleep(SLOW).await;
    find(path).await
}

async fn hang() {
    std::future::pending().await
}

async fn break_down(State(shared): State<Shared>) {
    shared.upstream.break_down();
}

const SLOW: Duration = Duration::from_millis(100);
