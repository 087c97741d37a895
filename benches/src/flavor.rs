//! The kinds of tokio runtime everything is measured in.

use anyhow::{Context, Result};
use clap::ValueEnum;
use tokio::runtime::{Builder, Runtime};

/// How many threads a multi-threaded runtime has, as in all our published figures.
const WORKERS: usize = 2;

/// A kind of tokio runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flavor {
    /// One thread.
    #[value(name = "ct")]
    CurrentThread,
    /// Two worker threads.
    #[value(name = "mt")]
    MultiThread,
}

impl Flavor {
    pub(crate) const ALL: [Self; 2] = [Self::CurrentThread, Self::MultiThread];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CurrentThread => "ct",
            Self::MultiThread => "mt",
        }
    }

    /// A new runtime of this kind.
    pub(crate) fn runtime(self) -> Result<Runtime> {
        let mut builder = match self {
            Self::CurrentThread => Builder::new_current_thread(),
            Self::MultiThread => Builder::new_multi_thread(),
        };
        builder.worker_threads(WORKERS).enable_all().build().context("build a tokio runtime")
    }
}
