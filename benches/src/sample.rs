//! One sample: one workload, one subject, one runtime that nobody has used before.

use std::env;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::flavor::Flavor;
use crate::subject::{Ours, Subject, Tokio};
use crate::workload::Workload;

/// Whose counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Who {
    /// fauxtp's.
    Ours,
    /// The hand-written one.
    Tokio,
}

/// What to take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) workload: Workload,
    pub(crate) who: Who,
    pub(crate) flavor: Flavor,
    pub(crate) count: u64,
}

impl Sample {
    /// Takes it here.
    pub(crate) fn take(self) -> Result<f64> {
        match self.who {
            Who::Ours => self.take_of::<Ours>(),
            Who::Tokio => self.take_of::<Tokio>(),
        }
    }

    fn take_of<S: Subject>(self) -> Result<f64> {
        let runtime = self.flavor.runtime()?;
        // In a task, as everybody's code is: what `block_on` runs itself is not run by a worker.
        let run = runtime.spawn(async move { self.workload.run::<S>(self.count).await });
        runtime.block_on(run).context("run the workload")?
    }

    /// Takes it in a program of its own.
    pub(crate) fn take_apart(self) -> Result<f64> {
        let name = |value: Option<clap::builder::PossibleValue>| {
            value.map(|value| value.get_name().to_owned()).context("every value has a name")
        };
        let output = Command::new(env::current_exe().context("find this program")?)
            .arg("sample")
            .arg(name(self.workload.to_possible_value())?)
            .arg(name(self.who.to_possible_value())?)
            .arg(name(self.flavor.to_possible_value())?)
            .arg(self.count.to_string())
            .output()
            .context("start this program again")?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "take a sample of {self:?}: {complaint}");
        let number = String::from_utf8_lossy(&output.stdout);
        number.trim().parse().with_context(|| format!("read the sample {number:?}"))
    }
}
