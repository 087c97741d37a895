//! What subjects print: one line of JSON for each figure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a subject has found out about one row. It is printed only if everything that should arrive has arrived.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Figure {
    /// Which row it is for.
    pub row: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How much there was of what the row is plotted against, if it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub among: Option<u64>,
}

/// What came of a workload.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// So many operations took so long.
    Time {
        /// How many.
        operations: u64,
        /// How long.
        nanoseconds: u64,
    },
    /// So many things take so much room.
    Room {
        /// How many.
        operations: u64,
        /// How much.
        bytes: u64,
    },
    /// The subject has nothing of the kind.
    Cannot {
        /// Why not.
        cannot: String,
    },
}

impl Figure {
    /// So many operations took so long.
    #[must_use]
    pub fn time(row: impl Into<String>, operations: u64, took: Duration) -> Self {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        Self { row: row.into(), outcome: Outcome::Time { operations, nanoseconds }, among: None }
    }

    /// So many things take so much room.
    #[must_use]
    pub fn room(row: impl Into<String>, operations: u64, bytes: u64) -> Self {
        Self { row: row.into(), outcome: Outcome::Room { operations, bytes }, among: None }
    }

    /// Among so many.
    #[must_use]
    pub const fn among(mut self, number: u64) -> Self {
        self.among = Some(number);
        self
    }
}
