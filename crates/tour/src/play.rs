//! The play: storm, calm, curtain, sums.

use std::sync::Arc;
use std::time::Duration;

use fauxtp::process::{join, list, timers_pending};
use fauxtp::supervisor::ChildState;
use fauxtp::{ChildSpec, Result, Supervisor, SupervisorHandle};

use crate::attendant::attendant;
use crate::drive::{CLIENTS, client, roll_call};
use crate::hook;
use crate::sabotage::saboteur;
use crate::show::{self, Account, Manner, curtain};
use crate::stage::{Act, Stage};
use crate::sums::{Outcome, Remains, disagreements};
use crate::system::{NAMES, System};
use crate::tally::Tally;

/// What is played.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Play {
    pub(crate) length: Duration,
    pub(crate) seed: u64,
    pub(crate) manner: Manner,
}

impl Play {
    /// Plays it; says whether the sums agree.
    ///
    /// # Errors
    /// If the system does not start or stop, or the output cannot be written.
    pub(crate) async fn perform(self) -> Result<bool> {
        hook::install();
        let before = list().len();
        let tally = Arc::new(Tally::new(NAMES.len()));
        let system = System::start(&tally).await?;
        let stage = Stage::new(system, tally.clone(), self.seed);
        let acts = self.acts(&stage);
        let (interrupted, silent) = show::during(self.manner, &stage, self.length, acts).await??;
        let length = tally.now();

        tally.ledger().stop();
        let stopped_in = stage.system.stop().await?;
        let remains = Remains {
            processes: list().len() - before,
            names: stage.system.registry.count(),
            timers: timers_pending(),
        };
        let outcome = Outcome { remains, stopped_in, silent };
        let disagreements = disagreements(&tally, &outcome);
        let account = Account {
            seed: self.seed,
            length,
            interrupted,
            tally: &tally,
            outcome: &outcome,
            disagreements: &disagreements,
        };
        show::summary(&account)?;
        Ok(disagreements.is_empty())
    }

    /// Everything between start and stop; says whether it was interrupted, and who does not answer at the end.
    async fn acts(self, stage: &Stage) -> Result<(bool, Vec<&'static str>)> {
        let villains = villains(stage).await?;
        let crowd = crowd(stage).await?;
        let interrupted = tokio::select! {
            () = tokio::time::sleep(self.length) => false,
            outcome = interruption() => outcome.map(|()| true)?,
        };
        leave_at_once_if_interrupted_again();
        stage.begin(Act::Calm);
        wait_for_children(&villains).await;
        stage.begin(Act::Over);
        wait_for_children(&crowd).await;
        let silent = roll_call(stage).await;
        crowd.stop().await?;
        villains.stop().await?;
        Ok((interrupted, silent))
    }
}

/// The clients: plain async tasks under a supervisor.
async fn crowd(stage: &Stage) -> Result<SupervisorHandle> {
    let clients = (1..=CLIENTS).map(|number| {
        let stage = stage.clone();
        ChildSpec::task(format!("client-{number}"), move || client(stage.clone(), number))
    });
    Ok(Supervisor::new(clients).start().await?)
}

/// Those who harm, and those who mend.
async fn villains(stage: &Stage) -> Result<SupervisorHandle> {
    let (one, other) = (stage.clone(), stage.clone());
    let children = [
        ChildSpec::task("attendant", move || attendant(one.clone())),
        ChildSpec::task("saboteur", move || saboteur(other.clone())),
    ];
    Ok(Supervisor::new(children).start().await?)
}

/// Waits until all children have ended by themselves.
async fn wait_for_children(supervisor: &SupervisorHandle) {
    for child in supervisor.which_children().await.unwrap_or_default() {
        if let ChildState::Running(pid) = child.state {
            join(pid).await;
        }
    }
}

/// Ctrl-C, or somebody who asks the program to end.
async fn interruption() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            outcome = tokio::signal::ctrl_c() => outcome,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// The way out for the impatient, and for a tour that hangs.
fn leave_at_once_if_interrupted_again() {
    let _runs_until_the_end = tokio::runtime::Handle::current().spawn(async {
        if interruption().await.is_ok() {
            curtain::fall();
            std::process::exit(INTERRUPTED);
        }
    });
}

const INTERRUPTED: i32 = 130;
