//! What time it is, and waiting for it: tokio's clock, so that a paused runtime pauses everything (RUST-010).

use std::sync::OnceLock;
use std::time::Duration;

use fauxtp_logic::Time;

use crate::host::{self, Instant, Sleep};
use crate::sync::statics;

/// Longer than anybody waits, and short enough to be added to any instant.
const FOREVER: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

/// So far back that no runtime begins before it: each paused runtime has a time of its own, and one that
/// comes later may be hours behind the one that asked first.
const HEAD_START: Duration = Duration::from_secs(60 * 60 * 24 * 365);

fn origin() -> Instant {
    statics! {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
    }
    *ORIGIN.get_or_init(|| {
        let now = Instant::now();
        now.checked_sub(HEAD_START).unwrap_or(now)
    })
}

/// The present.
pub(crate) fn now() -> Time {
    let origin = origin();
    Time(Instant::now().saturating_duration_since(origin))
}

/// A timer that is done at `due`, never earlier (TMR-001).
pub(crate) fn sleep_until(due: Time) -> Sleep {
    host::sleep_until(instant(due))
}

/// Whether nobody waits so long.
pub(crate) fn is_never(due: Time) -> bool {
    due.0 >= FOREVER
}

/// The same point on tokio's clock.
pub(crate) fn instant(due: Time) -> Instant {
    origin() + due.0.min(FOREVER)
}

/// A number to spread things by that would otherwise happen at the same moment.
pub(crate) fn jitter() -> u32 {
    use std::hash::{BuildHasher, RandomState};
    let number = RandomState::new().hash_one(now().0);
    (number & u64::from(u32::MAX)) as u32
}
