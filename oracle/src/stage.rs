//! Where histories are replayed on ours: one thread, a clock that stands still, and a scheduler that can be told to wait.

use std::future::Future;
use std::panic;
use std::sync::Once;

use fauxtp::Pid;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

/// What a replay asks of the runtime around it.
#[derive(Debug)]
pub(crate) struct Stage;

thread_local! {
    /// One for each thread; a history leaves nothing behind in it.
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime on this thread needs nothing but memory");
}

/// Runs a replay to its end.
pub(crate) fn on_stage<F: Future>(replay: impl FnOnce(Stage) -> F) -> F::Output {
    static QUIET: Once = Once::new();
    QUIET.call_once(be_quiet_about_booms);
    RUNTIME.with(|runtime| runtime.block_on(replay(Stage)))
}

/// Robots that are told to fail do so with this text.
pub(crate) const BOOM: &str = "boom";

/// Failures that were asked for are not printed.
fn be_quiet_about_booms() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<&str>() != Some(&BOOM) {
            before(info);
        }
    }));
}

impl Stage {
    /// Returns when nobody has anything to do.
    pub(crate) async fn settle(&self) {
        for _ in 0..8 {
            yield_now().await;
        }
    }

    pub(crate) fn hold(&self, _pid: Pid) {}

    pub(crate) fn release(&self, _pid: Pid) {}
}
