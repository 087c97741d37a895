//! A callback of an application: user code that runs once per stop.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use fauxtp_logic::ExitReason;

use crate::guard::{guarded, panicked};
use crate::process::into_body;
use crate::stop::Outcome;

/// Makes the future of one run.
type Run = dyn Fn() -> Pin<Box<dyn Future<Output = ExitReason> + Send>> + Send + Sync;

/// A callback that may be run again each time its application is stopped.
#[derive(Clone)]
pub(super) struct Hook(Arc<Run>);

impl Hook {
    pub(super) fn new<F, T>(callback: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output: Outcome> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(into_body(callback()))))
    }

    /// Runs it; what it returned, or its panic, is the reason.
    pub(super) async fn run(&self) -> ExitReason {
        let run = self.0.clone();
        guarded(async move { run().await }).await.unwrap_or_else(panicked)
    }
}
