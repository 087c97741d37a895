//! The table of everything that is measured, with what must be reached.

use crate::flavor::Flavor;

/// One line of the results in each flavor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// As figures name it.
    pub id: &'static str,
    /// What one operation is.
    pub title: &'static str,
    /// What is counted.
    pub unit: Unit,
    /// What must be reached; one thread first, then two.
    pub floor: [Mark; 2],
    /// What we are after.
    pub goal: [Mark; 2],
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Operations per second; more is better.
    PerSecond,
    /// Nanoseconds of one operation; less is better.
    Nanoseconds,
    /// Bytes for each; less is better.
    Bytes,
}

/// A figure to be reached by ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    /// At least this many times what the hand-written actor reaches.
    Tokio(f64),
    /// At least this many times what ractor reaches.
    Ractor(f64),
    /// At most this much, in the row's unit.
    AtMost(f64),
    /// Nothing has been promised.
    Nothing,
}

use Mark::{AtMost, Nothing, Ractor, Tokio};
use Unit::{Bytes, Nanoseconds, PerSecond};

/// All of them, in the order of the tables.
pub const ROWS: &[Row] = &[
    row("w1", "cast, 1 producer", PerSecond, Tokio(1.0), Tokio(2.5)),
    row("w2", "cast, 8 producers", PerSecond, Tokio(1.0), Tokio(2.0)).goals(Tokio(1.7), Tokio(2.0)),
    row("w3", "call, 1 caller", PerSecond, Tokio(0.9), Tokio(2.0)),
    row("w3p", "call, median of single ones", Nanoseconds, Nothing, AtMost(80.0)),
    row("w4", "call, 64 callers", PerSecond, Tokio(0.9), Tokio(1.1)).goals(Tokio(1.3), Tokio(1.1)),
    row("w5", "ping-pong, round trips", PerSecond, Tokio(0.9), Tokio(1.8)),
    row("w6", "ring of 10,000, hops", PerSecond, Tokio(1.0), Tokio(2.3)),
    row("w7", "start + call + stop", PerSecond, Tokio(0.7), Tokio(1.5)),
    row("w7d", "start + call + stop, supervised", PerSecond, Tokio(0.7), Tokio(1.5)),
    row("w7s", "start only", PerSecond, Tokio(1.0), Tokio(3.0)),
    row("w8", "memory of an idle process", Bytes, AtMost(700.0), AtMost(400.0)),
    row("w9", "fan-out to 1,000, acknowledged", PerSecond, Tokio(1.0), Tokio(1.3)),
    row("w10", "tree of processes", PerSecond, Tokio(1.0), Tokio(2.0)),
    row("w11", "restart after a panic", PerSecond, Tokio(0.9), Tokio(1.4)),
    row("w11e", "restart after an error exit", PerSecond, Tokio(0.5), Tokio(1.0)),
    row("w11k", "restart among 1,000 children", PerSecond, Tokio(0.9), Tokio(1.5)),
    row("w12", "name lookup, 1 reader", PerSecond, Ractor(1.0), Ractor(2.0)),
    row("w12x8", "name lookup, 8 readers", PerSecond, Ractor(1.0), Ractor(2.0)),
    row("w13", "drain of a backlog", PerSecond, Tokio(0.8), Tokio(2.5)),
    row("w13b", "memory of a queued message", Bytes, AtMost(24.0), AtMost(17.0)),
    row("w13k", "of that, kept after the drain", Bytes, Nothing, AtMost(1.0)),
];

const fn row(id: &'static str, title: &'static str, unit: Unit, floor: Mark, goal: Mark) -> Row {
    Row { id, title, unit, floor: [floor; 2], goal: [goal; 2] }
}

impl Row {
    /// The row that figures call `id`.
    #[must_use]
    pub fn find(id: &str) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.id == id)
    }

    const fn goals(mut self, one_thread: Mark, two_threads: Mark) -> Self {
        self.goal = [one_thread, two_threads];
        self
    }

    /// What must be reached in a flavor.
    #[must_use]
    pub const fn floor(&self, flavor: Flavor) -> Mark {
        self.floor[flavor as usize]
    }

    /// What we are after in a flavor.
    #[must_use]
    pub const fn goal(&self, flavor: Flavor) -> Mark {
        self.goal[flavor as usize]
    }
}
