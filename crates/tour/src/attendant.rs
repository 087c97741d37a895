//! The attendant: sees to it that cancelled workers stay down, as the contract says, and then starts them again.

use std::time::Duration;

use fauxtp::supervisor::ChildState;

use crate::stage::{Act, Stage};
use crate::system::{DOCUMENTED, NAMES};

/// Attends until the storm is over and everybody is back.
pub(crate) async fn attendant(stage: Stage) {
    let mut patience = 0;
    loop {
        let storm = stage.pause(Act::Storm, ROUND).await;
        let missing = round(&stage, storm).await;
        if storm {
            continue;
        }
        if missing == 0 {
            return;
        }
        patience += 1;
        if patience > ROUNDS_MAX {
            stage.tally.ledger().odd(format!("{missing} workers did not come back in time"));
            return;
        }
        tokio::time::sleep(ROUND).await;
    }
}

/// Starts those that have been down for long enough; says how many workers do not run.
async fn round(stage: &Stage, storm: bool) -> usize {
    for (place, state) in stage.system.census().await.into_iter().enumerate().take(DOCUMENTED) {
        if state == Some(ChildState::Stopped) && (!storm || is_due(stage, place)) {
            start_again(stage, place).await;
        }
    }
    let runs = |place: &usize| stage.system.worker(*place).is_none();
    (0..NAMES.len()).filter(runs).count()
}

fn is_due(stage: &Stage, place: usize) -> bool {
    let now = stage.tally.now();
    let ledger = stage.tally.ledger();
    let ended = ledger.last(place).and_then(|incident| incident.end.as_ref());
    ended.is_some_and(|(_, at)| now.saturating_sub(*at) >= DOWN)
}

async fn start_again(stage: &Stage, place: usize) {
    let name = NAMES[place];
    if let Some(pid) = stage.system.registry.get(name) {
        stage.tally.ledger().odd(format!("{name} is stopped, but {pid} holds its name"));
    }
    stage.tally.ledger().expect_hand(place);
    if let Err(error) = stage.system.supervisor.restart_child(name).await {
        stage.tally.ledger().odd(format!("{name} could not be started again: {error}"));
    }
}

/// How often it looks.
const ROUND: Duration = Duration::from_millis(20);
/// How many rounds after the storm everybody has to come back.
const ROUNDS_MAX: u32 = 500;
/// How long a cancelled worker is left alone, to show that nobody starts it.
const DOWN: Duration = Duration::from_millis(600);
