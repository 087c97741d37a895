//! Every scenario, explored: with a crash at every await, with crashes and late messages at random, and twice.

use std::path::Path;

use fauxtp_simulations::explore::{GATE, explore};
use fauxtp_simulations::{bank, brokers, names, pipelines, pools};

/// Where what was explored is written down.
const FOLDER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/simulations");

macro_rules! scenarios {
    ($($theme:ident::$scenario:ident,)*) => {$(
        #[test]
        fn $scenario() {
            explore(stringify!($scenario), GATE, Path::new(FOLDER), $theme::$scenario);
        }
    )*};
}

scenarios! {
    pools::workers_and_jobs,
    pipelines::three_stages,
    brokers::publish_and_subscribe,
    bank::transfers,
    names::hand_over,
}
