//! What an exit signal does to the process that receives it.

use crate::{ExitReason, Pid};

/// How an exit signal came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Sent on purpose, by `exit(pid, reason)`.
    Sent,
    /// Sent by an ending process over a link.
    Link,
    /// Sent by the ending process that had started the receiver.
    Parent,
}

/// What the receiver has to do.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Verdict {
    /// Nothing happens.
    Ignore,
    /// The signal becomes a message.
    Deliver,
    /// The receiver ends with this reason.
    Die(ExitReason),
}

/// Decides at receipt, by the receiver's flag of that moment (PROC-003, PROC-014, LINK-002, LINK-003).
///
/// The kill signal does not come here: it always ends the receiver, as killed.
pub fn receive(to: Pid, trapping: bool, from: Pid, origin: Origin, reason: &ExitReason) -> Verdict {
    if trapping {
        return Verdict::Deliver;
    }
    let to_itself = origin == Origin::Sent && from == to;
    if reason.is_normal() && !to_itself { Verdict::Ignore } else { Verdict::Die(reason.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Failure;

    fn pid(id: u32) -> Pid {
        Pid { node: 0, id, serial: 0, creation: 0 }
    }

    #[test]
    fn the_exit_signal_table() {
        let reasons = [
            ExitReason::Normal,
            ExitReason::shutdown(),
            ExitReason::killed(),
            ExitReason::Error(Failure::Kill),
            ExitReason::custom(1),
        ];
        for origin in [Origin::Sent, Origin::Link, Origin::Parent] {
            for reason in &reasons {
                assert_eq!(receive(pid(1), true, pid(2), origin, reason), Verdict::Deliver);
                assert_eq!(receive(pid(1), true, pid(1), origin, reason), Verdict::Deliver);
                let expected =
                    if reason.is_normal() { Verdict::Ignore } else { Verdict::Die(reason.clone()) };
                assert_eq!(receive(pid(1), false, pid(2), origin, reason), expected);
            }
        }
        let own = receive(pid(1), false, pid(1), Origin::Sent, &ExitReason::Normal);
        assert_eq!(own, Verdict::Die(ExitReason::Normal));
    }
}
