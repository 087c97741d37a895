//! How much may wait in an inbox, and what becomes of what does not fit.

use std::fmt;

/// What happens to a message that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// The sender gets it back as an error.
    Reject,
    /// It is dropped silently.
    DropNewest,
    /// The oldest message that waits is dropped in its favour.
    DropOldest,
}

/// How many messages may wait at a process. Signals are never counted and never refused (RUST-006).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    pub(super) bound: Option<(usize, Overflow)>,
}

/// A mailbox that could never hold a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroCapacity;

impl fmt::Display for ZeroCapacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bound mailbox: a capacity of 0 could never hold a message; use at least 1")
    }
}

impl std::error::Error for ZeroCapacity {}

impl Mailbox {
    /// Any number of messages; the default.
    pub const UNBOUNDED: Self = Self { bound: None };

    /// At most `capacity` messages.
    ///
    /// # Errors
    /// [`ZeroCapacity`] if `capacity` is 0.
    pub fn bounded(capacity: usize, overflow: Overflow) -> Result<Self, ZeroCapacity> {
        if capacity == 0 {
            Err(ZeroCapacity)
        } else {
            Ok(Self { bound: Some((capacity, overflow)) })
        }
    }

    pub(crate) const fn is_bounded(self) -> bool {
        self.bound.is_some()
    }
}

/// Why a message was not accepted; the message comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError<M> {
    /// There is no such process, or it has ended.
    NoProc(M),
    /// Its mailbox is full.
    Full(M),
}

impl<M> SendError<M> {
    /// The message that was not accepted.
    pub fn into_message(self) -> M {
        match self {
            Self::NoProc(message) | Self::Full(message) => message,
        }
    }
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProc(_) => "NoProc",
            Self::Full(_) => "Full",
        })
    }
}

impl<M> fmt::Display for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProc(_) => "send message: no such process",
            Self::Full(_) => "send message: mailbox is full",
        })
    }
}

impl<M> std::error::Error for SendError<M> {}
