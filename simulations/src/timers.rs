//! What depends on time: heartbeats, and leases that run out.

use std::collections::BTreeMap;

use fauxtp::prelude::*;
use fauxtp::process::{self, Timer};
use fauxtp::testing::Sim;

use crate::outside::{Outside, insist, latency};

static WARD: Name<Ward> = Name::new("ward");

const BEAT: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(3);

/// Knows whose heart beats: a timer for each, set anew by each beat.
struct Ward(BTreeMap<u32, Timer>);

#[gen_server]
impl Ward {
    fn init() -> Self {
        Self(BTreeMap::new())
    }

    #[cast]
    fn beat(&mut self, patient: u32, ctx: &mut Context<Self>) {
        let timer = ctx.send_after(PATIENCE, WardMessage::Silent(patient));
        if let Some(former) = self.0.insert(patient, timer) {
            ctx.cancel_timer_flush(former);
        }
    }

    #[info]
    fn silent(&mut self, patient: u32) {
        self.0.remove(&patient);
    }

    #[call]
    fn patients(&self) -> Vec<u32> {
        self.0.keys().copied().collect()
    }
}

struct Patient(u32);

#[gen_server]
impl Patient {
    fn init(number: u32) -> Self {
        WARD.cast(WardMessage::Beat(number));
        Self(number)
    }

    #[tick(every = BEAT)]
    fn beat(&self) {
        WARD.beat(self.0);
    }

    /// Its heart stops.
    #[cast]
    fn leave(&self, ctx: &mut Context<Self>) {
        ctx.stop(ExitReason::Normal);
    }
}

static PATIENTS: [Name<Patient>; 3] =
    [Name::new("patient-0"), Name::new("patient-1"), Name::new("patient-2")];

/// Three hearts, one of which stops: that one is missed in time, the others never are for long.
pub async fn heartbeats(sim: Sim) {
    sim.always_one(&WARD);
    let patient = |number: usize| {
        Patient::spec(number as u32).name(&PATIENTS[number]).restart(Restart::Transient)
    };
    let ward = Ward::spec(()).name(&WARD).restart(Restart::Permanent);
    sim.start(Supervisor::new([ward, patient(0), patient(1), patient(2)])).await;
    for _ in 0..3 {
        sim.advance(BEAT).await;
    }
    sim.heal();
    sim.advance(PATIENCE).await;
    assert_eq!(insist(&sim, async || WARD.patients().await).await, [0, 1, 2]);
    PATIENTS[1].leave();
    sim.advance(BEAT + PATIENCE).await;
    assert_eq!(insist(&sim, async || WARD.patients().await).await, [0, 2]);
    sim.no_leaks().await;
}

static LEASES: Name<Leases> = Name::new("leases");

const TERM: Duration = Duration::from_secs(10);

/// Lets one thing at a time to one at a time, for a term; who has it is on paper, as is until when.
struct Leases {
    paper: Outside<Paper>,
    epoch: Duration,
    runs_out: Option<Timer>,
}

/// Who has a lease that runs until when, and how often it was let.
#[derive(Clone, Debug, Default)]
struct Paper {
    until: Option<Duration>,
    token: u32,
}

#[gen_server]
impl Leases {
    fn init(paper: Outside<Paper>, now: Outside<Duration>, ctx: &mut Context<Self>) -> Self {
        let epoch = now.get();
        let until = paper.get().until;
        let runs_out =
            until.map(|until| ctx.send_after(until.saturating_sub(epoch), LeasesMessage::RunOut));
        Self { paper, epoch, runs_out }
    }

    /// A token and when it runs out, unless somebody else has one.
    #[call]
    async fn lease(&mut self, now: Duration, ctx: &mut Context<Self>) -> Option<(u32, Duration)> {
        if self.paper.with(|paper| paper.until.is_some_and(|until| now < until)) {
            return None;
        }
        latency().await;
        self.epoch = now;
        let until = now + TERM;
        let token = self.paper.with(|paper| {
            paper.until = Some(until);
            paper.token += 1;
            paper.token
        });
        if let Some(former) = self.runs_out.replace(ctx.send_after(TERM, LeasesMessage::RunOut)) {
            ctx.cancel_timer_flush(former);
        }
        Some((token, until))
    }

    #[call]
    fn give_back(&mut self, token: u32, ctx: &mut Context<Self>) -> bool {
        let was_his = self.paper.with(|paper| paper.token == token && paper.until.take().is_some());
        if let (true, Some(timer)) = (was_his, self.runs_out.take()) {
            ctx.cancel_timer_flush(timer);
        }
        was_his
    }

    #[info]
    fn run_out(&mut self) {
        self.runs_out = None;
        self.paper.with(|paper| paper.until = None);
    }
}

/// Uses what it has leased, in time.
async fn tenant(sim: Sim, inside: Outside<Vec<(u32, Duration)>>) {
    for _ in 0..3 {
        let Ok(Some((token, until))) = LEASES.lease(sim.world().now()).await else {
            latency().await;
            continue;
        };
        inside.with(|inside| inside.push((token, until)));
        latency().await;
        // Whoever is done says so before he gives back.
        inside.with(|inside| inside.retain(|(other, _)| *other != token));
        let _struck_perhaps = LEASES.give_back(token).await;
    }
}

/// A lease is held by one at a time, though tenants die, and whoever lets it does.
pub async fn leases(sim: Sim) -> Result {
    let (paper, inside) = (Outside::new(Paper::default()), Outside::new(Vec::new()));
    let (now, held) = (Outside::new(Duration::ZERO), inside.clone());
    let clock = now.clone();
    sim.invariant("one lease at a time", move |world| {
        clock.with(|now| *now = world.now());
        let in_force = |held: &mut Vec<(u32, Duration)>| {
            held.iter().filter(|(_, until)| world.now() < *until).count()
        };
        held.with(in_force) <= 1
    });
    let leases = Leases::spec((paper, now)).name(&LEASES).restart(Restart::Permanent);
    sim.start(Supervisor::new([leases])).await;
    let mut tenants = Vec::new();
    for _ in 0..3 {
        let (sim, inside) = (sim.clone(), inside.clone());
        tenants.push(process::spawn(async move |_: process::Context<()>| {
            tenant(sim, inside).await;
        })?);
    }
    for tenant in tenants {
        process::join(&tenant).await;
    }
    sim.heal();
    let begun = sim.world().now();
    while insist(&sim, async || LEASES.lease(sim.world().now()).await).await.is_none() {
        sim.advance(Duration::from_secs(1)).await;
    }
    assert!(sim.world().now() - begun <= TERM + Duration::from_secs(1), "leases run out");
    sim.no_leaks().await;
    Ok(())
}
