//! What a shard can be asked to do with its own keys.

use std::time::Duration;

use bytes::Bytes;

/// One operation; a request is one or more of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The value of a key, or null.
    Get(Bytes),
    /// Gives a key a value; null if the condition does not hold.
    Set(Assignment),
    /// Removes a key; says how many were removed: 0 or 1.
    Delete(Bytes),
    /// How many such keys there are: 0 or 1.
    Exists(Bytes),
    /// Adds one; a missing key counts as 0.
    Increment(Bytes),
    /// Lets a key live so long from now; not at all if there is no time. 1 if there was such a key, else 0.
    Expire(Bytes, Option<Duration>),
    /// The seconds a key has to live: -1 for ever, -2 if there is none.
    TimeToLive(Bytes),
    /// The number of keys, with those that are due and have not been removed yet.
    Size,
    /// Removes all keys.
    Flush,
}

/// A key, its value to be, and when it may have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
    /// How long it lives; for ever if not given.
    pub lifetime: Option<Duration>,
    /// When to assign; always if not given.
    pub condition: Option<Condition>,
}

/// Whether a key must be there before it is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It must not (NX).
    Absent,
    /// It must (XX).
    Present,
}
