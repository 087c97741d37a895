//! Names outside of all runtimes. A file of its own: other tests' runtimes would be further ones of the program.

#![allow(missing_docs, reason = "tests")]

mod common;

use common::{Do, puppet};
use fauxtp::names::Raw;
use fauxtp::prelude::*;
use tokio::runtime::{Builder, Runtime};

fn worker() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// An address kept from a runtime that is gone hid all names from code outside of runtimes.
#[test]
fn reg_100_a_name_means_the_only_runtime_that_is_left() {
    static NAME: Name<Raw<Do>> = Name::new("the only one");
    let gone = worker();
    let dead = {
        let _inside = gone.enter();
        puppet()
    };
    drop(gone);
    assert!(!dead.pid().is_alive());
    assert!(dead.address.try_send(Do::job(|_| ())).is_err());
    let left = worker();
    left.block_on(async { puppet().run(|ctx| ctx.register(&NAME)).await }).expect("it is free");
    assert!(NAME.whereis().is_some());
}
