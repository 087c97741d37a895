//! Bounded mailboxes: what does not fit is refused or dropped, and what is kept stays in order.

use std::collections::BTreeMap;

use fauxtp::prelude::*;
use fauxtp::testing::Sim;
use fauxtp::{Mailbox, Overflow};

use crate::outside::{Outside, insist, latency};

/// What each has heard.
type Heard = Outside<BTreeMap<&'static str, Vec<u32>>>;

/// Listens slowly.
struct Listener {
    heard: Heard,
    name: &'static str,
}

#[gen_server]
impl Listener {
    fn init(heard: Heard, name: &'static str) -> Self {
        Self { heard, name }
    }

    #[cast]
    async fn say(&mut self, number: u32) {
        latency().await;
        self.heard.with(|heard| heard.entry(self.name).or_default().push(number));
    }

    #[call]
    fn ping(&self) -> bool {
        true
    }
}

static STRICT: Name<Listener> = Name::new("strict");
static FORGETFUL: Name<Listener> = Name::new("forgetful");
static MODERN: Name<Listener> = Name::new("modern");

const SAID: u32 = 12;
const CAPACITY: usize = 3;

/// One sender and three mailboxes of three, each with its own idea of what is too much.
pub async fn three_ways_to_overflow(sim: Sim) {
    let heard = Heard::default();
    let seen = heard.clone();
    sim.invariant("everything is heard in order, and once", move |_| {
        seen.with(|heard| heard.values().all(|heard| heard.is_sorted_by(|one, next| one < next)))
    });
    let listener = |name: &'static Name<Listener>, overflow| {
        let mailbox = Mailbox::bounded(CAPACITY, overflow).expect("three are more than none");
        let spec = Listener::spec((heard.clone(), name.as_str()));
        spec.name(name).mailbox(mailbox).restart(Restart::Permanent)
    };
    sim.start(Supervisor::new([
        listener(&STRICT, Overflow::Reject),
        listener(&FORGETFUL, Overflow::DropNewest),
        listener(&MODERN, Overflow::DropOldest),
    ]))
    .await;
    let mut accepted = 0;
    for number in 0..SAID {
        accepted += usize::from(STRICT.send(ListenerMessage::Say(number)).is_ok());
        FORGETFUL.say(number);
        MODERN.say(number);
        if number % 4 == 3 {
            latency().await;
        }
    }
    sim.settle().await;
    let count = |name: &str| heard.with(|heard| heard.get(name).map_or(0, Vec::len));
    assert!(count("strict") <= accepted, "nothing is heard that was refused");
    sim.heal();
    for listener in [&STRICT, &FORGETFUL, &MODERN] {
        insist(&sim, async || listener.ping().await).await;
    }
    heard.with(BTreeMap::clear);
    for number in 100..106 {
        let _full_perhaps = STRICT.send(ListenerMessage::Say(number));
        FORGETFUL.say(number);
        MODERN.say(number);
    }
    sim.settle().await;
    let heard = heard.get();
    assert_eq!(heard["strict"], [100, 101, 102]);
    assert_eq!(heard["forgetful"], [100, 101, 102]);
    assert_eq!(heard["modern"], [103, 104, 105]);
    sim.no_leaks().await;
}
