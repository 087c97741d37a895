//! Links: who dies with whom, and who survives because he traps exits.

use std::collections::BTreeMap;

use fauxtp::Exit;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::testing::Sim;

use crate::outside::{Entered, Gauge, insist, latency};

static LEFT: Name<Peer> = Name::new("left");
static RIGHT: Name<Peer> = Name::new("right");

/// One of two that cannot do without each other.
struct Peer {
    other: Option<Pid>,
}

#[gen_server]
impl Peer {
    fn init() -> Self {
        Self { other: None }
    }

    /// Links itself with the other one.
    #[call]
    fn marry(&mut self, other: Pid, ctx: &mut Context<Self>) -> Result<(), process::NoProc> {
        ctx.link(other)?;
        self.other = Some(other);
        Ok(())
    }

    #[call]
    fn other(&self) -> Option<Pid> {
        self.other
    }

    #[cast]
    fn fail(&self) -> Result {
        Err(Stop::error("broken heart"))
    }
}

/// Two peers with a link: neither outlives the other's failure, and links are made anew with the next ones.
pub async fn peers(sim: Sim) {
    let peer = |name: &Name<Peer>| Peer::spec(()).name(name).restart(Restart::Permanent);
    let tree = Supervisor::new([peer(&LEFT), peer(&RIGHT)]);
    sim.start(tree.intensity(20, Duration::from_secs(5))).await;
    let marry = async || {
        let (left, right) = (LEFT.whereis().ok_or(())?, RIGHT.whereis().ok_or(())?);
        left.marry(right.pid()).await.map_err(|_| ())?;
        Ok::<_, ()>((left, right))
    };
    for _ in 0..3 {
        let Ok((left, right)) = marry().await else { continue };
        right.fail();
        process::join(&right).await;
        sim.settle().await;
        assert!(!left.is_alive(), "the left one does not survive the right one");
    }
    sim.heal();
    let (left, right) = insist(&sim, async || marry().await).await;
    assert_eq!(left.other().await, Ok(Some(right.pid())));
    sim.no_leaks().await;
}

static MANAGER: Name<Manager> = Name::new("manager");

/// Has workers that it is linked with, and replaces those that fail: a supervisor by hand. Its lamp burns as long
/// as it is there.
struct Manager {
    workers: BTreeMap<Pid, u32>,
    at_work: Gauge,
    lamp: Option<Entered>,
}

#[gen_server]
impl Manager {
    fn init(at_work: Gauge, lamp: Gauge, ctx: &mut Context<Self>) -> Result<Self> {
        ctx.trap_exits(Trap::On);
        let mut manager = Self { workers: BTreeMap::new(), at_work, lamp: Some(lamp.enter()) };
        for number in 0..3 {
            manager.hire(number, ctx)?;
        }
        Ok(manager)
    }

    fn hire(&mut self, number: u32, ctx: &mut Context<Self>) -> Result {
        let at_work = self.at_work.clone();
        let worker = ctx.spawn_link(async move |mut ctx: process::Context<()>| {
            let _at_work = at_work.enter();
            ctx.recv().await;
            Err::<(), Stop>(Stop::error("overworked"))
        })?;
        self.workers.insert(worker.pid(), number);
        Ok(())
    }

    #[exit]
    fn lost(&mut self, exit: Exit, ctx: &mut Context<Self>) -> Result {
        match self.workers.remove(&exit.from) {
            Some(number) => self.hire(number, ctx),
            None => Ok(()),
        }
    }

    /// Gives everybody too much to do.
    #[call]
    fn whip(&self) -> usize {
        let addresses = self.workers.keys().copied().filter_map(Address::<()>::of);
        addresses.map(|worker| worker.send(())).count()
    }

    async fn terminate(&mut self, _: &ExitReason) {
        latency().await;
        self.lamp = None;
    }
}

/// A server that traps exits: it keeps three workers, and none outlives it.
pub async fn manager_and_workers(sim: Sim) {
    let (at_work, lamp) = (Gauge::default(), Gauge::default());
    let lamps = lamp.clone();
    sim.invariant("one lamp at a time", move |_| lamps.count() <= 1);
    let manager = Manager::spec((at_work.clone(), lamp.clone())).name(&MANAGER);
    sim.start(Supervisor::new([manager.restart(Restart::Permanent)])).await;
    for _ in 0..3 {
        let whipped = MANAGER.whip().await;
        assert!(whipped.is_err() || whipped.is_ok_and(|workers| workers <= 3));
        sim.settle().await;
    }
    sim.heal();
    sim.settle().await;
    insist(&sim, async || MANAGER.whip().await).await;
    sim.eventually("three at work", |_| at_work.count() == 3).await;
    sim.no_leaks().await;
    assert_eq!((at_work.count(), lamp.count()), (0, 0));
}
