//! Histories of a server: what its parent and its callers do, and what its callbacks are told to do.

use crate::reasons::Reason;

/// How many callers there are, and what happens, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) callers: usize,
    pub(crate) steps: Vec<Step>,
}

/// Whoever is not the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Parent,
    Caller(usize),
}

/// How a server is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Pid,
    Name,
}

/// One step of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The parent starts a server; nothing if one lives, unless it shall have the name of the one that lives.
    Start {
        linked: bool,
        named: bool,
        patient: bool,
        init: Init,
    },
    /// With little time it waits until a step in which it elapses.
    Call {
        caller: usize,
        by: By,
        patient: bool,
        request: Request,
    },
    Cast {
        caller: usize,
        by: By,
        request: Request,
    },
    /// A message that is neither call nor cast.
    Info {
        caller: usize,
        request: Request,
    },
    Exit(Who, Reason),
    Leave(Who, Reason),
    Stop {
        caller: usize,
        by: By,
        patient: bool,
        reason: Reason,
    },
    /// Answers the call with this number from outside, if its reply was handed on by a server that lives.
    Answer(usize),
    /// A blocked callback goes on.
    Unblock,
    /// The time of all who have little of it is over.
    Elapse,
}

/// What `init` is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Init {
    pub(crate) trapping: bool,
    /// Whether `terminate` fails, and whether it blocks first.
    pub(crate) terminate_fails: bool,
    pub(crate) terminate_blocks: bool,
    /// How a callback ends that is told of somebody's end.
    pub(crate) told: Then,
    pub(crate) plan: Plan,
}

/// What is asked of a server, and the number it is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) tag: usize,
    pub(crate) plan: Plan,
}

/// What a callback does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) before: Vec<Before>,
    pub(crate) block: bool,
    pub(crate) then: Then,
    pub(crate) next: Next,
}

/// What a callback does first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// Answers the call with this number, if its reply is kept.
    Answer(usize),
    /// Answers the call it handles.
    Early,
    SelfCast(Request),
    SelfCall,
    /// Watches a caller.
    Watch(usize),
}

/// How a callback ends. What is no answer to a call means the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Reply,
    /// Keeps the reply, to answer later.
    Keep,
    /// Hands the reply on, to whoever answers from outside.
    HandOn,
    StopReply(Reason),
    Stop(Reason),
    Error,
    Exit(Reason),
    /// Of `init`: there is nothing to do.
    Ignore,
}

/// What follows a callback that lets the server go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    None,
    Hibernate,
    /// If nothing arrives, at once or for a while, this is done.
    Timeout {
        zero: bool,
        plan: Box<Plan>,
    },
    Continue(Box<Request>),
}

impl Plan {
    /// The simplest plan there is.
    pub(crate) const fn plain(then: Then) -> Self {
        Self { before: Vec::new(), block: false, then, next: Next::None }
    }
}
