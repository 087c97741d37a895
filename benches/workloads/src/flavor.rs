//! The kinds of runtime everything is measured in.

use std::str::FromStr;

use anyhow::{Context as _, Error, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

/// How many threads a multi-threaded runtime has, as in all our published figures.
pub const WORKERS: usize = 2;

/// A kind of runtime. What is not tokio has its own way to use one thread, or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub enum Flavor {
    /// One thread.
    #[serde(rename = "ct")]
    CurrentThread,
    /// Two worker threads.
    #[serde(rename = "mt")]
    MultiThread,
}

impl Flavor {
    /// Both.
    pub const ALL: [Self; 2] = [Self::CurrentThread, Self::MultiThread];

    /// As it is called on the command line and in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CurrentThread => "ct",
            Self::MultiThread => "mt",
        }
    }

    /// A new tokio runtime of this kind.
    ///
    /// # Errors
    /// The system has no threads to give.
    pub fn runtime(self) -> Result<Runtime> {
        let mut builder = match self {
            Self::CurrentThread => Builder::new_current_thread(),
            Self::MultiThread => Builder::new_multi_thread(),
        };
        builder.worker_threads(WORKERS).enable_all().build().context("build a tokio runtime")
    }
}

impl FromStr for Flavor {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|flavor| flavor.name() == name) {
            Some(flavor) => Ok(flavor),
            None => bail!("there is no runtime flavor `{name}`"),
        }
    }
}
