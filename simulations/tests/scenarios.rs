//! Every scenario, explored: with a crash at every await, with crashes and late messages at random, and twice.

use std::path::Path;

use fauxtp_simulations::explore::{GATE, explore};
use fauxtp_simulations::{
    applications, bank, brokers, calls, guards, links, mailboxes, names, nested, pipelines, pools,
    receives, sessions, stores, tasks, timers,
};

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
    pools::connections_on_loan,
    pipelines::three_stages,
    pipelines::tasks_in_a_stream,
    brokers::publish_and_subscribe,
    brokers::topics,
    sessions::rooms_on_demand,
    sessions::baskets,
    nested::strategies,
    nested::generations,
    nested::giving_up_inside,
    nested::done_when_all_are_done,
    nested::children_by_request,
    names::hand_over,
    names::one_name_for_many,
    names::keys_under_churn,
    calls::deferred_replies,
    calls::chain_of_calls,
    calls::circle_of_calls,
    calls::survey,
    timers::heartbeats,
    timers::leases,
    guards::circuit_breaker,
    guards::rate_limit,
    guards::backoff,
    stores::store_and_cache,
    stores::three_copies,
    bank::transfers,
    links::peers,
    links::manager_and_workers,
    mailboxes::three_ways_to_overflow,
    receives::handshakes,
    tasks::work_beside,
    tasks::supervised_tasks,
    applications::shop_and_store,
}
