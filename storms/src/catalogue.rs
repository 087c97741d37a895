//! The storms there are.

use anyhow::{Result, bail};

use crate::scene::Scene;
use crate::{backlog, chain, crashes, day, lives};

/// A storm.
#[derive(Clone, Copy)]
pub(crate) struct Storm {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&mut Scene) -> Result<()>,
    /// Whether it is one of those that run if nobody names one.
    pub(crate) usual: bool,
}

/// In the order in which they run.
pub(crate) const STORMS: [Storm; 6] = [
    Storm {
        name: "crashes",
        about: "a million crashes under one supervisor",
        run: crashes::run,
        usual: true,
    },
    Storm {
        name: "chain",
        about: "chains 100,000 deep, killed on a small stack",
        run: chain::run,
        usual: true,
    },
    Storm {
        name: "lives",
        about: "a million idle processes, spawned and killed",
        run: lives::run,
        usual: true,
    },
    Storm {
        name: "backlog",
        about: "ten million messages queued on one process",
        run: backlog::run,
        usual: true,
    },
    Storm {
        name: "hours",
        about: "three virtual hours at a thousand events per second",
        run: day::run,
        usual: true,
    },
    Storm { name: "day", about: "the same for twenty-four hours", run: day::whole, usual: false },
];

pub(crate) fn find(name: &str) -> Result<Storm> {
    let Some(storm) = STORMS.into_iter().find(|storm| storm.name == name) else {
        bail!("there is no storm `{name}`; the storms are {}", STORMS.map(|s| s.name).join(", "));
    };
    Ok(storm)
}
