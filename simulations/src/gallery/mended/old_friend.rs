//! The reporter kept the address of the first weatherman, and that is dead for ever when that one is. A name means whoever
//! has the desk at the time.

use fauxtp::prelude::*;
use fauxtp::testing::Sim;

static WEATHERMAN: Name<Weatherman> = Name::new("weatherman");
static REPORTER: Name<Reporter> = Name::new("reporter");

struct Weatherman;

#[gen_server]
impl Weatherman {
    fn init() -> Self {
        Self
    }

    #[call]
    fn forecast(&self) -> &'static str {
        "rain"
    }
}

struct Reporter;

#[gen_server]
impl Reporter {
    fn init() -> Self {
        Self
    }

    #[call]
    async fn report(&self) -> Option<&'static str> {
        WEATHERMAN.forecast().await.ok()
    }
}

/// Whether there is a report in the end.
pub async fn old_friend(sim: Sim) -> Result {
    let weatherman = Weatherman::spec(()).name(&WEATHERMAN).restart(Restart::Permanent);
    let reporter = Reporter::spec(()).name(&REPORTER).restart(Restart::Permanent);
    sim.start(Supervisor::new([weatherman, reporter])).await;
    for _ in 0..3 {
        let _this_week = REPORTER.report().await;
    }
    sim.heal();
    sim.settle().await;
    assert_eq!(REPORTER.report().await?, Some("rain"), "next week's report");
    sim.no_leaks().await;
    Ok(())
}
