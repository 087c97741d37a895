//! Brokers: those who publish do not know those who listen.

use std::collections::BTreeMap;

use fauxtp::Down;
use fauxtp::prelude::*;
use fauxtp::testing::Sim;

use crate::outside::{Outside, insist};

static BROKER: Name<Broker> = Name::new("broker");

/// Knows who listens, for as long as they live.
struct Broker(BTreeMap<Pid, Address<ListenerMessage>>);

#[gen_server]
impl Broker {
    fn init() -> Self {
        Self(BTreeMap::new())
    }

    #[call]
    fn subscribe(&mut self, listener: Address<ListenerMessage>, ctx: &mut Context<Self>) -> usize {
        ctx.monitor(listener.pid());
        self.0.insert(listener.pid(), listener);
        self.0.len()
    }

    #[call]
    fn publish(&mut self, number: u32) -> usize {
        self.0.values().for_each(|listener| listener.heard(number));
        self.0.len()
    }

    #[down]
    fn gone(&mut self, down: Down) {
        down.pid.map(|pid| self.0.remove(&pid));
    }
}

struct Listener {
    heard: Outside<BTreeMap<&'static str, Vec<u32>>>,
    name: &'static str,
}

#[gen_server]
impl Listener {
    async fn init(
        heard: Outside<BTreeMap<&'static str, Vec<u32>>>,
        name: &'static str,
        ctx: &mut Context<Self>,
    ) -> Result<Self> {
        BROKER.subscribe(ctx.address()).await?;
        Ok(Self { heard, name })
    }

    #[cast]
    fn heard(&mut self, number: u32) {
        self.heard.with(|heard| heard.entry(self.name).or_default().push(number));
    }
}

/// A broker, and three who listen; with a new broker they subscribe anew.
pub async fn publish_and_subscribe(sim: Sim) {
    let heard = Outside::new(BTreeMap::<&str, Vec<u32>>::new());
    sim.always_one(&BROKER);
    let seen = heard.clone();
    sim.invariant("everybody hears everything in order, and once", move |_| {
        seen.with(|heard| heard.values().all(|heard| heard.is_sorted_by(|one, next| one < next)))
    });
    let listener =
        |name| Listener::spec((heard.clone(), name)).id(name).restart(Restart::Permanent);
    let broker = Broker::spec(()).name(&BROKER).restart(Restart::Permanent);
    let tree = Supervisor::new([broker, listener("ann"), listener("bob"), listener("eve")]);
    let handle = sim
        .start(tree.strategy(RestartStrategy::RestForOne).intensity(10, Duration::from_secs(5)))
        .await;
    for number in 0..5 {
        let _struck_perhaps = BROKER.publish(number).await;
    }
    sim.heal();
    sim.settle().await;
    assert!(handle.pid().is_alive());
    assert_eq!(insist(&sim, async || BROKER.publish(100).await).await, 3, "all three listen again");
    sim.settle().await;
    assert!(heard.with(|heard| heard.values().all(|heard| heard.last() == Some(&100))));
    sim.no_leaks().await;
}
