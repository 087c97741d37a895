//! Names: who holds them, who follows, and who finds whom.

use fauxtp::Down;
use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::testing::Sim;

use crate::outside::{Entered, Gauge, insist, latency};

static LEADER: Name<Candidate> = Name::new("leader");

/// Leads if it can get the name; otherwise it watches whoever has it, and tries again when that has ended.
struct Candidate {
    leads: Gauge,
    office: Option<Entered>,
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

/// Takes a name if it is free, does something in its name, and gives it back or dies with it.
async fn stand_in(mut ctx: process::Context<u32>, in_office: Gauge, ends: bool) -> Result {
    if ctx.register(&OFFICE).is_err() {
        return Ok(());
    }
    let entered = in_office.enter();
    latency().await;
    drop(entered);
    if ends {
        return Err(Stop::error("dies in office"));
    }
    ctx.unregister(&OFFICE)?;
    // Whoever has given a name back does not get what is sent to it.
    latency().await;
    assert!(OFFICE.whereis().is_none_or(|holder| holder.pid() != ctx.pid()));
    Ok(())
}

static OFFICE: Name<Raw<u32>> = Name::new("office");

/// Many who take one name in turn, and give it back, or end while they have it.
pub async fn one_name_for_many(sim: Sim) -> Result {
    let in_office = Gauge::default();
    let gauge = in_office.clone();
    sim.invariant("one at a time", move |_| gauge.count() <= 1);
    sim.invariant("a name means a living one", |world| {
        world.whereis(&OFFICE).is_none_or(|holder| world.is_alive(holder.pid()))
    });
    let mut all = Vec::new();
    for number in 0..12 {
        let in_office = in_office.clone();
        let stand_in = move |ctx| stand_in(ctx, in_office, number % 2 == 0);
        all.push(process::spawn(stand_in)?);
        let _nobody_perhaps = OFFICE.send(number);
    }
    for one in all {
        let ended = process::join(&one).await;
        assert!(OFFICE.whereis().is_none_or(|holder| holder.pid() != one.pid()), "{ended}");
    }
    sim.heal();
    assert!(OFFICE.whereis().is_none());
    let gauge = in_office.clone();
    let last = process::spawn(move |ctx| stand_in(ctx, gauge, false))?;
    assert!(last.join().await.is_normal(), "the name is free");
    sim.no_leaks().await;
    Ok(())
}

type Keys = Registry<String, u32>;

/// Holds a key, and counts in its value how often it was asked.
struct Holder {
    keys: Keys,
    key: String,
}

#[gen_server]
impl Holder {
    fn init(keys: Keys, key: String, ctx: &mut Context<Self>) -> Result<Self> {
        keys.register(ctx, key.clone(), 0)?;
        Ok(Self { keys, key })
    }

    #[call]
    fn ask(&mut self, ctx: &mut Context<Self>) -> u32 {
        let counted = self.keys.update_value(ctx, self.key.as_str(), |value| {
            *value += 1;
            *value
        });
        counted.expect("it holds its key for as long as it lives")
    }

    /// Lets go of the key and takes it again.
    #[cast]
    fn renew(&mut self, ctx: &mut Context<Self>) -> Result {
        self.keys.unregister(ctx, self.key.as_str());
        self.keys.register(ctx, self.key.clone(), 0)?;
        Ok(())
    }
}

/// Keys of a registry whose holders come and go; whoever asks by key finds the one of now.
pub async fn keys_under_churn(sim: Sim) -> Result {
    let keys = Keys::start().await?;
    sim.spare(keys.pid().expect("it has just started"));
    let seen = keys.clone();
    sim.invariant("a key has one holder, and that one lives", move |world| {
        ["red", "green"].iter().all(|key| {
            let holders = seen.lookup(*key);
            holders.len() <= 1 && holders.iter().all(|(pid, _)| world.is_alive(*pid))
        })
    });
    let holder = |key: &str| {
        Holder::spec((keys.clone(), key.to_owned())).id(key).restart(Restart::Permanent)
    };
    sim.start(Supervisor::new([holder("red"), holder("green")])).await;
    let (red, green) = (keys.via::<Holder>("red"), keys.via::<Holder>("green"));
    for _ in 0..3 {
        let before = keys.lookup("red").first().map(|(_, asked)| *asked);
        let answer = red.ask().await;
        assert!(answer.is_err() || answer == Ok(1) || answer == Ok(before.unwrap_or(0) + 1));
        green.renew();
        let _struck_perhaps = green.ask().await;
    }
    sim.heal();
    sim.eventually("both keys are held", |_| keys.count() == 2).await;
    insist(&sim, async || red.ask().await).await;
    insist(&sim, async || green.ask().await).await;
    keys.stop().await;
    assert_eq!((keys.count(), red.ask().await), (0, Err(CallError::NoProc)));
    sim.no_leaks().await;
    Ok(())
}
