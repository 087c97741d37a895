//! A king sends a messenger to the treasurer, who is to open the treasury. When the messenger has left, the king himself
//! asks the steward to fetch the crown from it.
//!
//! The steward finds the door open.

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::testing::Sim;

static TREASURER: Name<Treasurer> = Name::new("treasurer");
static STEWARD: Name<Steward> = Name::new("steward");

struct Treasurer {
    open: bool,
}

#[gen_server]
impl Treasurer {
    fn init() -> Self {
        Self { open: false }
    }

    #[cast]
    fn unlock(&mut self) {
        self.open = true;
    }

    #[call]
    fn crown(&self) -> bool {
        self.open
    }
}

/// Fetches things, and knows where from.
struct Steward;

#[gen_server]
impl Steward {
    fn init() -> Self {
        Self
    }

    #[call]
    async fn fetch(&self) -> bool {
        TREASURER.crown().await.is_ok_and(|crown| crown)
    }
}

/// Whether the king gets his crown.
pub async fn two_messengers(sim: Sim) -> Result {
    let tree = [Treasurer::spec(()).name(&TREASURER), Steward::spec(()).name(&STEWARD)];
    sim.start(Supervisor::new(tree)).await;
    let _messenger = process::spawn(async |_: process::Context<()>| TREASURER.unlock())?;
    assert!(STEWARD.fetch().await?, "the steward stands before a closed door");
    sim.no_leaks().await;
    Ok(())
}
