//! What the end of an application means for all the others.

use crate::ExitReason;

/// What it means that an application's top supervisor ends by itself (APP-005). One that is stopped ends nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartType {
    /// The whole system stops.
    Permanent,
    /// The whole system stops unless the reason is normal. A supervisor that gives up ends with a shutdown, which
    /// is not normal.
    Transient,
    /// It is reported, and everybody else runs on.
    #[default]
    Temporary,
}

impl StartType {
    /// Whether the whole system stops after an application of this type has ended by itself with this reason.
    #[must_use]
    pub fn ends_system(self, reason: &ExitReason) -> bool {
        match self {
            Self::Permanent => true,
            Self::Transient => !reason.is_normal(),
            Self::Temporary => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_means_what_the_type_says() {
        use StartType::{Permanent, Temporary, Transient};
        let rows = [
            (ExitReason::Normal, [true, false, false]),
            (ExitReason::shutdown(), [true, true, false]),
            (ExitReason::shutdown_with("done"), [true, true, false]),
            (ExitReason::killed(), [true, true, false]),
            (ExitReason::error("boom"), [true, true, false]),
        ];
        for (reason, expected) in rows {
            let ends = [Permanent, Transient, Temporary].map(|kind| kind.ends_system(&reason));
            assert_eq!(ends, expected, "{reason:?}");
        }
    }
}
