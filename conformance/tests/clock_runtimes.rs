//! Each paused runtime has a time of its own; the first one to ask for the time must not bind the others.

#![allow(missing_docs, reason = "tests")]

mod pools;
mod trees;

use fauxtp::prelude::*;
use fauxtp::supervisor::Shutdown;
use tokio::runtime::Builder;

use trees::{Last, Log, Plan, ms};

#[test]
fn rust_010_runtimes_that_are_paused_one_after_the_other_do_not_share_their_time() {
    for ahead in [3_600_000, 0] {
        let paused = Builder::new_current_thread().enable_all().start_paused(true).build();
        paused.expect("a runtime").block_on(async {
            tokio::time::advance(ms(ahead)).await;
            let log = Log::new();
            let a = Plan::new(&log, "a").last(Last::Never).spec();
            let sup = Supervisor::new([a.shutdown(Shutdown::Timeout(ms(100)))]);
            let sup = sup.start().await.expect("starts");
            sup.terminate_child("a").await.expect("stops");
            assert_eq!(log.now(), 100, "{ahead} ms ahead");
        });
    }
}
