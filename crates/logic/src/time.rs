//! Points in time, as told by whoever owns the clock.

use core::time::Duration;

/// A point on a monotonic clock, as the time since an origin that only the clock's owner knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub Duration);

impl Time {
    /// The origin of the clock.
    pub const ORIGIN: Self = Self(Duration::ZERO);

    /// The point `after` later; saturates instead of overflowing, so that an endless timeout is simply
    /// the end of time.
    #[must_use]
    pub fn plus(self, after: Duration) -> Self {
        Self(self.0.checked_add(after).unwrap_or(Duration::MAX))
    }

    /// How long it is from `earlier` to here; zero if `earlier` is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
