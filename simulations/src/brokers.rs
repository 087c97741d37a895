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

type Topics = Registry<String, &'static str>;

/// Listens to topics that it has registered for in a registry with duplicate keys.
struct Reader(Outside<Vec<(&'static str, u32)>>);

#[gen_server]
impl Reader {
    fn init(
        topics: Topics,
        read: Outside<Vec<(&'static str, u32)>>,
        subjects: Vec<&'static str>,
        ctx: &mut Context<Self>,
    ) -> Result<Self> {
        for subject in subjects {
            topics.register(ctx, subject, subject)?;
        }
        Ok(Self(read))
    }

    #[cast]
    fn read(&mut self, subject: &'static str, number: u32) {
        self.0.with(|read| read.push((subject, number)));
    }
}

/// Everybody who is registered for a subject is sent the number; tells how many those were.
fn print(topics: &Topics, subject: &'static str, number: u32) -> usize {
    let mut readers = 0;
    topics.dispatch(subject, |entries| {
        for (reader, known_as) in entries {
            assert_eq!(known_as, subject);
            if let Some(reader) = Address::<ReaderMessage>::of(reader) {
                reader.read(subject, number);
                readers += 1;
            }
        }
    });
    readers
}

/// A registry of topics: whoever dies is out of it before anybody can know, whoever is restarted is in it again.
pub async fn topics(sim: Sim) -> Result {
    let topics = Topics::start_duplicate().await?;
    sim.spare(topics.pid().expect("it has just started"));
    let read = Outside::new(Vec::new());
    let seen = topics.clone();
    sim.invariant("only the living are registered", move |world| {
        ["news", "sport"]
            .iter()
            .all(|subject| seen.lookup(*subject).iter().all(|(pid, _)| world.is_alive(*pid)))
    });
    let reader = |id: &str, subjects: &[&'static str]| {
        let args = (topics.clone(), read.clone(), subjects.to_vec());
        Reader::spec(args).id(id).restart(Restart::Permanent)
    };
    let tree =
        [reader("ann", &["news"]), reader("bob", &["news", "sport"]), reader("eve", &["sport"])];
    sim.start(Supervisor::new(tree)).await;
    for number in 0..4 {
        assert!(print(&topics, "news", number) <= 2);
        sim.settle().await;
    }
    sim.heal();
    sim.eventually("all are registered again", |_| topics.count() == 4).await;
    read.with(Vec::clear);
    assert_eq!((print(&topics, "news", 7), print(&topics, "sport", 8)), (2, 2));
    sim.settle().await;
    assert_eq!(read.with(|read| read.len()), 4);
    topics.stop().await;
    assert_eq!(print(&topics, "news", 9), 0);
    sim.no_leaks().await;
    Ok(())
}
