//! The saboteur: ends workers at random, in all four ways alike, and beats some that are dead.

use std::time::Duration;

use fastrand::Rng;
use fauxtp::{ExitReason, PidExt};

use crate::harm::{Blow, Harm};
use crate::stage::{Act, Stage};
use crate::system::{DOCUMENTED, NAMES};
use crate::worker::Message;

/// Strikes until the storm is over.
pub(crate) async fn saboteur(stage: Stage) {
    let mut saboteur = Saboteur { dice: stage.dice(0), stage, bag: Vec::new(), blows: 0 };
    loop {
        let pause = Duration::from_millis(saboteur.dice.u64(PAUSE_MS));
        if !saboteur.stage.pause(Act::Storm, pause).await {
            return;
        }
        let volley =
            if saboteur.dice.u8(..VOLLEY_EVERY) == 0 { saboteur.dice.u8(3..=5) } else { 1 };
        for _ in 0..volley {
            saboteur.strike();
        }
        if saboteur.dice.u8(..FLOG_EVERY) == 0 {
            saboteur.flog();
        }
    }
}

struct Saboteur {
    stage: Stage,
    dice: Rng,
    /// The harms of this round that are left, so that all get their turn.
    bag: Vec<Harm>,
    blows: u64,
}

impl Saboteur {
    /// Harms one worker that runs and was not harmed before. Nobody may be there: then it is no blow.
    fn strike(&mut self) {
        let first = match self.dice.u8(..4) {
            0 => self.dice.usize(..DOCUMENTED),
            _ => self.dice.usize(DOCUMENTED..NAMES.len()),
        };
        let harm = self.next_harm();
        for place in (first..NAMES.len()).chain(0..first) {
            let Some(worker) = self.stage.system.worker(place) else { continue };
            let number = self.blows + 1;
            let blow = Blow { number, harm, place, victim: worker.pid() };
            let now = self.stage.tally.now();
            if !self.stage.tally.ledger().strike(blow, now) {
                continue;
            }
            self.blows = number;
            match harm {
                Harm::Panic => worker.cast(Message::Panic(number)),
                Harm::Error => worker.cast(Message::Fail(number)),
                Harm::Kill => blow.victim.kill(),
                Harm::Cancel => blow.victim.exit(ExitReason::shutdown()),
            }
            return;
        }
        self.bag.push(harm);
    }

    /// Harms one that is dead: nothing must come of it.
    fn flog(&mut self) {
        let choice = self.dice.usize(..);
        let Some(dead) = self.stage.tally.ledger().flog(choice) else { return };
        match self.dice.bool() {
            true => dead.kill(),
            false => dead.exit(ExitReason::shutdown()),
        }
    }

    fn next_harm(&mut self) -> Harm {
        if self.bag.is_empty() {
            self.bag.extend(Harm::ALL);
            self.dice.shuffle(&mut self.bag);
        }
        self.bag.pop().unwrap_or(Harm::Panic)
    }
}

/// The time between two blows.
const PAUSE_MS: std::ops::Range<u64> = 30..130;
/// One blow in so many is a volley.
const VOLLEY_EVERY: u8 = 12;
/// After one blow in so many, a dead worker gets another.
const FLOG_EVERY: u8 = 8;
