//! Sessions: one process for each key, started when somebody asks for it, gone when nobody does.

use std::collections::BTreeMap;

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::testing::Sim;

use crate::outside::{Entered, Gauge, Outside, latency};

/// A room that counts who has entered; empty for a minute, it ends.
struct Room {
    entered: u32,
    _open: Entered,
}

const IDLE: Duration = Duration::from_secs(60);

#[gen_server]
impl Room {
    async fn init(open: Gauge, ctx: &mut Context<Self>) -> Self {
        let open = open.enter();
        latency().await;
        ctx.set_timeout(IDLE);
        Self { entered: 0, _open: open }
    }

    #[call]
    fn enter(&mut self, ctx: &mut Context<Self>) -> u32 {
        ctx.set_timeout(IDLE);
        self.entered += 1;
        self.entered
    }

    #[timeout]
    fn empty(&mut self, ctx: &mut Context<Self>) {
        ctx.stop(ExitReason::Normal);
    }
}

type Rooms = Registry;

/// Enters a room, which is opened if it is not open; tells how many have entered it.
async fn enter(rooms: &Rooms, open: &[Gauge; 2], room: usize) -> Result<u32, ()> {
    let spec = Room::spec(open[room].clone()).restart(Restart::OnError);
    let room = rooms.ensure::<Room>(["lobby", "attic"][room], spec).await.map_err(|_| ())?;
    room.enter().await.map_err(|_| ())
}

/// Four visitors and two rooms; nobody is responsible for opening them.
pub async fn rooms_on_demand(sim: Sim) -> Result {
    let rooms = Rooms::start().await?;
    sim.spare(rooms.pid().expect("it has just started"));
    let open: [Gauge; 2] = Default::default();
    let seen = open.clone();
    sim.invariant("no room is open twice", move |_| seen.iter().all(|open| open.count() <= 1));
    let mut visitors = Vec::new();
    for visitor in 0..4 {
        let (rooms, open) = (rooms.clone(), open.clone());
        visitors.push(process::spawn(async move |_: process::Context<()>| {
            let _first = enter(&rooms, &open, visitor % 2).await;
            let _second = enter(&rooms, &open, (visitor + 1) % 2).await;
        })?);
    }
    let enter = async |room| enter(&rooms, &open, room).await;
    for visitor in visitors {
        process::join(&visitor).await;
    }
    sim.heal();
    while enter(0).await.is_err() || enter(1).await.is_err() {
        sim.advance(Duration::from_secs(1)).await;
    }
    sim.advance(IDLE).await;
    sim.eventually("empty rooms are closed", |_| open.iter().all(|open| open.count() == 0)).await;
    assert_eq!(enter(0).await, Ok(1), "a room that is opened anew is fresh");
    rooms.stop().await;
    sim.eventually("all is closed", |world| world.processes().is_empty()).await;
    sim.no_leaks().await;
    Ok(())
}

/// What a shop remembers of a customer, beyond any session.
type Orders = Outside<BTreeMap<u32, u32>>;

/// One customer's session: remembers what is in the basket until it is paid for.
struct Session {
    orders: Orders,
    customer: u32,
    basket: u32,
}

#[gen_server]
impl Session {
    fn init(orders: Orders, customer: u32) -> Self {
        Self { orders, customer, basket: 0 }
    }

    #[call]
    fn add(&mut self, items: u32) -> u32 {
        self.basket += items;
        self.basket
    }

    /// Pays for what is in the basket, and ends the session.
    #[call]
    async fn pay(&mut self, from: Reply<u32>, ctx: &mut Context<Self>) {
        latency().await;
        let (customer, items) = (self.customer, std::mem::take(&mut self.basket));
        self.orders.with(|orders| *orders.entry(customer).or_default() += items);
        ctx.stop_with_reply(ExitReason::Normal, from, items);
    }
}

/// Sessions under a dynamic supervisor: what was answered was done, and was done once.
pub async fn baskets(sim: Sim) -> Result {
    let orders = Orders::default();
    let sessions = DynamicSupervisor::new().max_children(4).start().await?;
    let mut paid = BTreeMap::new();
    for customer in 0..4_u32 {
        let spec = Session::spec((orders.clone(), customer)).restart(Restart::Temporary);
        let Ok(Some(session)) = sessions.start_child(spec).await else { continue };
        let Some(session) = Address::<SessionMessage>::of(session) else { continue };
        let (one, two) = (session.add(1).await, session.add(customer).await);
        assert!(one.is_err() || two.is_err() || two == Ok(customer + 1));
        if let Ok(items) = session.pay().await {
            paid.insert(customer, items);
            assert!(!session.is_alive() || session.add(1).await.is_err());
        }
    }
    sim.heal();
    let orders = orders.get();
    assert!(
        paid.iter().all(|(customer, items)| orders.get(customer) == Some(items)),
        "{paid:?} {orders:?}"
    );
    sim.settle().await;
    assert_eq!(sessions.count_children().await?.active, 0);
    sessions.stop().await?;
    sim.no_leaks().await;
    Ok(())
}
