//! The switch that keeps callees off their callers' stacks. A file of its own: it is for the whole program.

#![allow(missing_docs, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tasks of the runtime are what it is about")]

use fauxtp::prelude::*;
use fauxtp::process;

/// Tells which task of the runtime polls it.
struct Where;

impl GenServer for Where {
    type Args = ();
    type Message = Reply<Option<tokio::task::Id>>;

    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self)
    }

    async fn handle(&mut self, from: Self::Message, _: &mut Context<Self>) -> Result {
        from.send(tokio::task::try_id());
        Ok(())
    }
}

#[tokio::test]
async fn rust_007_callees_run_at_once_only_where_that_is_wanted() {
    let server = Where::start(()).await.expect("starts");
    let caller = tokio::spawn(async move {
        let own = tokio::task::try_id();
        for (allowed, same) in [(true, true), (false, false), (true, true)] {
            process::run_callees_on_the_spot(allowed);
            assert_eq!(server.call(|from| from).await == Ok(own), same, "{allowed}");
        }
    });
    caller.await.expect("as asserted");
}
