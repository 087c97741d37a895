//! Names: who holds them, who follows, and who finds whom.

use fauxtp::Down;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::testing::Sim;

use crate::outside::{Gauge, insist};

static LEADER: Name<Candidate> = Name::new("leader");

/// Leads if it can get the name; otherwise it watches whoever has it, and tries again when that has ended.
struct Candidate {
    leads: Gauge,
    office: Option<crate::outside::Entered>,
}

#[gen_server]
impl Candidate {
    fn init(leads: Gauge) -> Self {
        Self { leads, office: None }
    }

    #[continue_with]
    fn stand(&mut self, ctx: &mut Context<Self>) {
        match ctx.register(&LEADER) {
            Ok(()) => self.office = Some(self.leads.enter()),
            Err(_) => drop(ctx.monitor_name(&LEADER)),
        }
    }

    #[down]
    fn vacant(&mut self, _: Down, ctx: &mut Context<Self>) {
        self.stand(ctx);
    }

    #[call]
    fn leads(&self) -> bool {
        self.office.is_some()
    }

    /// Gives the name to whoever wants it next.
    #[cast]
    fn resign(&mut self, ctx: &mut Context<Self>) {
        ctx.stop(ExitReason::error("resigned"));
    }
}

/// Three candidates for one name.
pub async fn hand_over(sim: Sim) {
    let leads = Gauge::default();
    sim.always_one(&LEADER);
    let gauge = leads.clone();
    sim.invariant("never two leaders", move |_| gauge.count() <= 1);
    let candidate = |id: &str| Candidate::spec(leads.clone()).id(id).restart(Restart::Permanent);
    let tree = Supervisor::new([candidate("a"), candidate("b"), candidate("c")]);
    sim.start(tree.intensity(10, Duration::from_secs(5))).await;
    sim.eventually("somebody leads", |world| world.whereis(&LEADER).is_some()).await;
    for _ in 0..3 {
        let former = LEADER.whereis();
        LEADER.cast(CandidateMessage::Resign);
        if let Some(former) = former {
            process::join(&former).await;
        }
        sim.eventually("somebody else leads", |world| world.whereis(&LEADER).is_some()).await;
    }
    sim.heal();
    assert!(insist(&sim, async || LEADER.leads().await).await);
    sim.eventually("all candidates stand", |world| world.count::<Candidate>() == 3).await;
    sim.no_leaks().await;
    assert_eq!(leads.count(), 0);
}
