//! The clients: they call workers by name, one call at a time or several at once, and count what they get.

use std::time::Duration;

use fastrand::Rng;
use fauxtp::{Address, Dest};
use tokio::time::Instant;

use crate::stage::{Act, Stage};
use crate::system::NAMES;
use crate::tally::Resolved;
use crate::worker::Message;

/// How many clients there are.
pub(crate) const CLIENTS: usize = 16;

/// One client: visits one worker after the other until the tour is over.
pub(crate) async fn client(stage: Stage, number: usize) {
    let mut dice = stage.dice(number as u64 + 1);
    while stage.act() < Act::Over {
        let place = dice.usize(..NAMES.len());
        match stage.system.worker(place) {
            Some(worker) => Visit { stage: &stage, place, worker }.stay(&mut dice).await,
            None => nobody_there(&stage, place).await,
        }
    }
}

/// One call to every worker, after the storm: says who did not answer.
pub(crate) async fn roll_call(stage: &Stage) -> Vec<&'static str> {
    let mut missing = Vec::new();
    for (place, name) in NAMES.iter().enumerate() {
        let answered = match stage.system.worker(place) {
            Some(worker) => Visit { stage, place, worker }.call(place as u64 + 1).await,
            None => false,
        };
        if !answered {
            missing.push(*name);
        }
    }
    missing
}

/// A call to a name nobody holds fails at once, and is a call nevertheless.
async fn nobody_there(stage: &Stage, place: usize) {
    let name = stage.system.registry.via::<crate::worker::Worker>(NAMES[place]);
    stage.tally.making(1);
    let asked = Instant::now();
    let answer = name.call(|from| Message::Double(1, from)).await;
    stage.tally.resolved(place, None, Resolved { asked, expected: 2, answer });
    tokio::time::sleep(PATIENCE).await;
}

/// One client at one worker; it keeps the address it found, even if that dies.
struct Visit<'a> {
    stage: &'a Stage,
    place: usize,
    worker: Address<Message>,
}

impl Visit<'_> {
    /// Calls until it has had enough, or a call fails.
    async fn stay(&self, dice: &mut Rng) {
        let together = if dice.u8(..4) == 0 { 8 } else { 1 };
        for _ in 0..dice.usize(20..200) / together {
            let well = match together {
                1 => self.call(dice.u64(..NUMBERS)).await,
                _ => self.call_together((0..together).map(|_| dice.u64(..NUMBERS))).await,
            };
            if !well {
                // An address is dead for ever, even when the worker has long been replaced.
                if dice.u8(..4) == 0 {
                    self.call(dice.u64(..NUMBERS)).await;
                }
                return;
            }
        }
    }

    async fn call(&self, number: u64) -> bool {
        self.stage.tally.making(1);
        let asked = Instant::now();
        let answer = self.worker.call(|from| Message::Double(number, from)).await;
        self.resolved(Resolved { asked, expected: number * 2, answer })
    }

    /// Sends all requests, then collects the answers.
    async fn call_together(&self, numbers: impl Iterator<Item = u64>) -> bool {
        let asked = Instant::now();
        let requests: Vec<_> = numbers
            .map(|number| {
                self.stage.tally.making(1);
                (number * 2, self.worker.send_request(|from| Message::Double(number, from)))
            })
            .collect();
        let mut well = true;
        for (expected, request) in requests {
            let answer = request.receive_response(fauxtp::call::DEFAULT_TIMEOUT).await;
            well &= self.resolved(Resolved { asked, expected, answer });
        }
        well
    }

    fn resolved(&self, outcome: Resolved) -> bool {
        let well = outcome.answer.is_ok();
        self.stage.tally.resolved(self.place, Some(self.worker.pid()), outcome);
        well
    }
}

/// The numbers that are doubled are below this.
const NUMBERS: u64 = 1 << 32;
/// How long a client that found nobody waits before it goes elsewhere.
const PATIENCE: Duration = Duration::from_millis(2);
