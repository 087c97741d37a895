//! Giving up: a supervisor that restarts too often ends itself, and its own supervisor decides; backoff gives time instead.

#![allow(clippy::print_stdout, reason = "this program shows what happens")]

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use fauxtp::prelude::*;
use fauxtp::reason::MaxRestartsReached;
use fauxtp::supervisor::Backoff;
use tokio::sync::Notify;

/// Says how often it has been started.
struct Pump;

#[gen_server]
impl Pump {
    fn init() -> Self {
        println!("  pump starts: {}", PUMPS.fetch_add(1, Relaxed) + 1);
        Self
    }

    #[cast]
    fn crash(&self) {
        panic!("the pump is broken");
    }
}

/// Does nothing wrong, and shares the fate of its supervisor.
struct Valve;

#[gen_server]
impl Valve {
    fn init() -> Self {
        println!("  valve starts: {}", VALVES.fetch_add(1, Relaxed) + 1);
        Self
    }
}

static PUMP: Name<Pump> = Name::new("pump");
static PUMPS: AtomicU32 = AtomicU32::new(0);
static VALVES: AtomicU32 = AtomicU32::new(0);

/// Restarts one child once.
fn machine() -> Supervisor {
    let period = Duration::from_secs(60);
    Supervisor::new([Valve::spec(()), Pump::spec(()).name(&PUMP)]).intensity(1, period)
}

/// Restarts a machine once.
fn plant() -> Supervisor {
    Supervisor::new([ChildSpec::supervisor("machine", machine)])
        .intensity(1, Duration::from_secs(60))
}

#[tokio::main]
async fn main() -> Result {
    let plant = plant().start().await?;
    for crash in 1..=3 {
        println!("crash {crash}");
        PUMP.crash();
        PUMP.await_restart().await?;
    }
    // The first and the third were for the machine to mend, the second one was too much for it.
    assert_eq!((PUMPS.load(Relaxed), VALVES.load(Relaxed)), (4, 2));

    // This one is too much for both.
    println!("crash 4");
    PUMP.crash();
    let reason = plant.wait().await;
    assert_eq!(reason.downcast_ref(), Some(&MaxRestartsReached));
    assert_eq!((PUMPS.load(Relaxed), VALVES.load(Relaxed)), (4, 2));
    println!("the plant gives up: {reason:#}");

    // What fails because somebody else is not ready yet needs time. Meanwhile the supervisor does other things.
    let link = ChildSpec::task("link", connect)
        .backoff(Backoff::new(Duration::from_millis(1), Duration::from_millis(8)));
    let sup = Supervisor::new([link]).unlimited().start().await?;
    CONNECTED.notified().await;
    assert_eq!(sup.count_children().await?.active, 1);
    println!("connected at attempt {}", ATTEMPTS.load(Relaxed));
    sup.stop().await?;
    Ok(())
}

async fn connect() -> Result {
    if ATTEMPTS.fetch_add(1, Relaxed) < 5 {
        return Err(Stop::error("connection refused"));
    }
    CONNECTED.notify_one();
    std::future::pending().await
}

static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
static CONNECTED: Notify = Notify::const_new();
