//! What a person sees: a live picture on a terminal, lines anywhere else, and the summary.

pub(crate) mod curtain;
mod live;
mod plain;
mod words;
mod summary;

use std::future::Future;
use std::io::{IsTerminal, Result, stdout};
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::stage::Stage;

pub(crate) use summary::{Account, print as summary};

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Live,
    Plain,
    /// The summary only.
    Quiet,
}

impl Manner {
    /// What suits where the output goes.
    pub(crate) fn fitting() -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
        if stdout().is_terminal() && !dumb { Self::Live } else { Self::Plain }
    }
}

/// Shows what happens on the stage while the play is on.
///
/// # Errors
/// If the output cannot be written. The play is then cut short.
pub(crate) async fn during<T>(
    manner: Manner,
    stage: &Stage,
    length: Duration,
    play: impl Future<Output = T>,
) -> Result<T> {
    let mut play = std::pin::pin!(play);
    match manner {
        Manner::Quiet => Ok(play.await),
        Manner::Plain => {
            let mut plain = plain::Plain::new(stage, length)?;
            let mut ticks = ticks(plain::TICK);
            loop {
                tokio::select! {
                    outcome = &mut play => return plain.end().map(|()| outcome),
                    _ = ticks.tick() => plain.tick()?,
                }
            }
        }
        Manner::Live => {
            let mut live = live::Live::new(stage, length)?;
            let mut ticks = ticks(live::TICK);
            loop {
                tokio::select! {
                    outcome = &mut play => return Ok(outcome),
                    _ = ticks.tick() => live.tick().await?,
                }
            }
        }
    }
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}
