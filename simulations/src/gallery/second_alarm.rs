//! Somebody sleeps. After ten seconds an alarm goes off, unless he turns in his sleep: then the alarm that was set is
//! cancelled, and another one set, for ten seconds more.
//!
//! He turns at the tenth second, and sleeps until the twentieth, or he has been woken at the tenth; but never twice.

use fauxtp::prelude::*;
use fauxtp::process::Timer;
use fauxtp::testing::Sim;

use crate::outside::Outside;

static SLEEPER: Name<Sleeper> = Name::new("sleeper");

const SLEEP: Duration = Duration::from_secs(10);

struct Sleeper {
    alarm: Option<Timer>,
    woken: Outside<u32>,
}

#[gen_server]
impl Sleeper {
    fn init(woken: Outside<u32>, ctx: &mut Context<Self>) -> Self {
        Self { alarm: Some(ctx.send_after(SLEEP, SleeperMessage::Ring)), woken }
    }

    #[cast]
    fn turn(&mut self, ctx: &mut Context<Self>) {
        if let Some(alarm) = self.alarm.take() {
            ctx.cancel_timer(alarm);
            self.alarm = Some(ctx.send_after(SLEEP, SleeperMessage::Ring));
        }
    }

    #[info]
    fn ring(&mut self) {
        self.alarm = None;
        self.woken.with(|woken| *woken += 1);
    }
}

/// How often he is woken.
pub async fn second_alarm(sim: Sim) {
    let woken = Outside::new(0);
    sim.start(Supervisor::new([Sleeper::spec(woken.clone()).name(&SLEEPER)])).await;
    let bed = SLEEPER.whereis().expect("he lies in his bed");
    // Whatever comes in the tenth second comes at once.
    sim.hold(bed.pid());
    SLEEPER.turn();
    sim.advance(SLEEP).await;
    sim.release(bed.pid());
    sim.advance(SLEEP * 2).await;
    assert_eq!(woken.get(), 1, "alarms");
    sim.no_leaks().await;
}
