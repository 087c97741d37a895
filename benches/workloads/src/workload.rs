//! The workloads; the numbers are those of the performance guide.

use std::str::FromStr;

use anyhow::{Error, Result, bail};

/// One thing to do with a subject. Its figures are for one row, or for several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// W1: one producer casts to one counter.
    Cast,
    /// W2: eight producers cast to one counter.
    CastMany,
    /// W3: one caller, one call after the other.
    Call,
    /// W4: 64 callers call one counter.
    CallMany,
    /// W5: two actors throw a ball to and fro.
    PingPong,
    /// W6: a ball goes round a ring.
    Ring,
    /// W7: start, one call, stop; nobody supervises.
    Life,
    /// W7d: the same under a supervisor of children that come and go.
    Supervised,
    /// W7s: start, and stay.
    Spawn,
    /// W8: memory of a process that waits.
    Idle,
    /// W9: one actor tells a thousand, each of which acknowledges.
    FanOut,
    /// W10: processes start processes, and add up what these say.
    Tree,
    /// W11: one supervised child panics again and again.
    Panic,
    /// W11e: it ends with an error.
    Error,
    /// W11k: one of a thousand ends with an error, each in turn.
    ErrorAmongMany,
    /// W12: a name is looked up among very many, by one reader and by eight.
    Lookup,
    /// W13: very many messages wait at once.
    Backlog,
}

impl Workload {
    /// All of them, in order.
    pub const ALL: [Self; 17] = [
        Self::Cast,
        Self::CastMany,
        Self::Call,
        Self::CallMany,
        Self::PingPong,
        Self::Ring,
        Self::Life,
        Self::Supervised,
        Self::Spawn,
        Self::Idle,
        Self::FanOut,
        Self::Tree,
        Self::Panic,
        Self::Error,
        Self::ErrorAmongMany,
        Self::Lookup,
        Self::Backlog,
    ];

    /// As it is called on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cast => "w1",
            Self::CastMany => "w2",
            Self::Call => "w3",
            Self::CallMany => "w4",
            Self::PingPong => "w5",
            Self::Ring => "w6",
            Self::Life => "w7",
            Self::Supervised => "w7d",
            Self::Spawn => "w7s",
            Self::Idle => "w8",
            Self::FanOut => "w9",
            Self::Tree => "w10",
            Self::Panic => "w11",
            Self::Error => "w11e",
            Self::ErrorAmongMany => "w11k",
            Self::Lookup => "w12",
            Self::Backlog => "w13",
        }
    }

    /// The rows it has figures for.
    #[must_use]
    pub const fn rows(self) -> &'static [&'static str] {
        match self {
            Self::Cast => &["w1"],
            Self::CastMany => &["w2"],
            Self::Call => &["w3", "w3p"],
            Self::CallMany => &["w4"],
            Self::PingPong => &["w5"],
            Self::Ring => &["w6"],
            Self::Life => &["w7"],
            Self::Supervised => &["w7d"],
            Self::Spawn => &["w7s"],
            Self::Idle => &["w8"],
            Self::FanOut => &["w9"],
            Self::Tree => &["w10"],
            Self::Panic => &["w11"],
            Self::Error => &["w11e"],
            Self::ErrorAmongMany => &["w11k"],
            Self::Lookup => &["w12", "w12x8"],
            Self::Backlog => &["w13", "w13b", "w13k"],
        }
    }
}

impl FromStr for Workload {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|workload| workload.name() == name) {
            Some(workload) => Ok(workload),
            None => bail!("there is no workload `{name}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::ROWS;

    #[test]
    fn every_row_is_of_one_workload_in_the_same_order() {
        let rows = Workload::ALL.into_iter().flat_map(Workload::rows).copied();
        assert!(rows.eq(ROWS.iter().map(|row| row.id)));
        for workload in Workload::ALL {
            assert_eq!(workload.rows()[0], workload.name());
        }
    }
}
