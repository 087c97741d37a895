//! Messages of one sender to one receiver keep their order; nothing is said about those that go different ways. Who depends
//! on another one has to wait for that one, here by asking, or to be sent by him.

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

    #[call]
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
    let messenger = process::spawn(async |_: process::Context<()>| {
        TREASURER.unlock().await.is_err().then(Stop::shutdown).map_or(Ok(()), Err)
    })?;
    assert!(messenger.join().await.is_normal());
    assert!(STEWARD.fetch().await?, "the steward stands before a closed door");
    sim.no_leaks().await;
    Ok(())
}
