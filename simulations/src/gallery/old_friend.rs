//! A reporter asks a weatherman. He has got to know him on his first day; the weatherman's desk is never empty for long,
//! for somebody looks after that.
//!
//! Next week's report is written, whatever happens this week.

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

struct Reporter(Address<WeathermanMessage>);

#[gen_server]
impl Reporter {
    fn init() -> Result<Self> {
        let friend = WEATHERMAN.whereis().ok_or_else(|| Stop::error("nobody is at the desk"))?;
        Ok(Self(friend))
    }

    #[call]
    async fn report(&self) -> Option<&'static str> {
        self.0.forecast().await.ok()
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
