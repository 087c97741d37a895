//! What a supervisor decides: who is started, stopped and restarted, in which order, and when to give up.
//!
//! A supervisor is *an ordered list of children, a restart budget, and a plan*: a queue of starts and
//! stops. A [`Machine`] is told what happened and says what to do; a shell, which owns the clock and the
//! processes, does it.
//!
//! ```text
//!            Event                                      Action
//!   shell ───────────►  Machine::on_event(now, event)  ───────────►  shell, one after the other
//!                                  │                                   │
//!     New ── Begin ──► start all in order ── Begun ──► Idle            │ Start ─► Started │ StartFailed │ StartIgnored
//!                                  │ a start fails      │ ▲            │ Stop  ─► Stopped
//!                                  ▼                    │ │ plan done  │ Retry ─► Retry, after what is queued, or later
//!          Ended ◄── Exit ── stop all, last first       ▼ │
//!                                  ▲          Busy: the plan of one errand
//!                                  └──────────── budget spent · Shutdown · significant children gone
//! ```
//!
//! **The rule of the shell.** *After `Start` or `Stop`, tell how it ended before telling anything else.* At
//! most one of them is under way, and it is the last action of its list. That one rule is OTP's busy
//! supervisor (SUP-010), gives ordered starts and reverse stops for nothing, makes the queued exit of a
//! dead sibling harmless because a pid that is no longer current means nothing (SUP-079, SUP-080), and turns a
//! failed restart into one more message (SUP-074). A machine that is told something else all the same keeps it
//! until it is free.
//!
//! Strategy is data: it says who shares the fate of a child, nothing more.
//!
//! | strategy | who shares the fate of `c` | plan |
//! | --- | --- | --- |
//! | one_for_one | `c` | start `c` |
//! | rest_for_one | `c` and all after it | stop them last to first, start them first to last |
//! | one_for_all | everybody | stop all last to first, start all first to last |

pub mod spec;
pub mod protocol;
mod children;
pub mod machine;

pub use machine::Machine;
pub use protocol::{
    Action, Answer, ChildInfo, ChildKey, ChildState, Counts, DeleteChildError, Event,
    FailedToStartChild, Offender, Report, ReportContext, Request, RestartChildError,
    StartChildError, TerminateChildError,
};
pub use spec::{
    AutoShutdown, ChildId, ChildKind, ChildSpec, Flags, Restart, RestartStrategy, Shutdown,
    SpecError, check,
};
