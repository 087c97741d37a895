//! Applications: trees that start and stop as a whole.

use fauxtp::application::{Application, StartApplicationError, StartType, System};
use fauxtp::prelude::*;
use fauxtp::testing::Sim;

use crate::outside::{Outside, insist, latency};

/// Something that runs, and counts how often it has begun.
struct Part;

#[gen_server]
impl Part {
    async fn init(starts: Outside<u32>) -> Self {
        latency().await;
        starts.with(|starts| *starts += 1);
        Self
    }

    #[call]
    fn ping(&self) -> bool {
        true
    }
}

static STORE: Name<Part> = Name::new("store");
static SHOP: Name<Part> = Name::new("shop");

fn application(name: &'static Name<Part>, starts: &Outside<u32>) -> Application {
    let starts = starts.clone();
    Application::new(name.as_str(), move || {
        Supervisor::new([Part::spec(starts.clone()).name(name).restart(Restart::Permanent)])
    })
}

/// A shop that depends on a store: started in order, stopped in reverse, started again.
pub async fn shop_and_store(sim: Sim) {
    let starts = Outside::new(0);
    let flushed = Outside::new(0_u32);
    let flush = {
        let flushed = flushed.clone();
        move || {
            let flushed = flushed.clone();
            async move { flushed.with(|flushed| *flushed += 1) }
        }
    };
    let store = application(&STORE, &starts).stop(flush);
    let shop = application(&SHOP, &starts).depends_on(["store"]).start_type(StartType::Temporary);
    let Ok(system) = System::new([shop, store]).start().await else {
        sim.settle().await;
        return sim.no_leaks().await;
    };
    let _struck_perhaps = SHOP.ping().await;
    if system.stop_application("shop").await.is_ok() {
        assert!(SHOP.whereis().is_none());
        let store = STORE.whereis();
        let started = system.ensure_started("shop").await;
        if let Ok(started) = started {
            // The store as well, if that has gone meanwhile.
            let store_ran = store.is_some_and(|store| store.is_alive());
            let expected: &[&str] = if store_ran { &["shop"] } else { &["store", "shop"] };
            let started: Vec<&str> = started.iter().map(|name| &**name).collect();
            assert!(expected.ends_with(&started) && !started.is_empty(), "{started:?}");
        }
    }
    sim.heal();
    sim.settle().await;
    let again = system.start_application("shop").await;
    let runs = again.is_ok() || again == Err(StartApplicationError::AlreadyStarted);
    if runs {
        assert!(insist(&sim, async || SHOP.ping().await).await);
    }
    let before = flushed.get();
    let ended = system.shutdown().await;
    let order: Vec<_> = ended.stopped.iter().map(|stopped| &*stopped.application).collect();
    if runs && order.len() == 2 {
        assert_eq!(order, ["shop", "store"]);
        assert_eq!(flushed.get(), before + 1, "the store is flushed when nothing is left of it");
    }
    assert!(STORE.whereis().is_none() && SHOP.whereis().is_none());
    sim.no_leaks().await;
}
