//! Timers as data: what is due when, and what was still to come when it was called off.

use crate::time::Time;
use alloc::collections::BTreeMap;
use core::time::Duration;

/// A set of timers, each carrying a `T`.
///
/// Nothing happens by itself: the owner of the clock asks [`next`](Self::next) how long it may sleep and then
/// takes what is due with [`pop_due`](Self::pop_due). Timers come out by due time, and those due at the same
/// time in the order they were set (TMR-001: never early, because nothing is popped before `now` reaches it).
///
/// ```
/// use fauxtp_logic::{Time, deadline::Deadlines};
/// use core::time::Duration;
/// let at = |ms| Time(Duration::from_millis(ms));
/// let mut deadlines = Deadlines::new();
/// let tea = deadlines.set(at(30), "tea");
/// deadlines.set(at(10), "egg");
/// assert_eq!(deadlines.next(), Some(at(10)));
/// assert_eq!(deadlines.pop_due(at(20)), Some("egg"));
/// assert_eq!(deadlines.pop_due(at(20)), None);
/// assert_eq!(deadlines.cancel(tea, at(20)), Some((Duration::from_millis(10), "tea")));
/// assert_eq!(deadlines.cancel(tea, at(20)), None);
/// ```
#[derive(Clone, Debug)]
pub struct Deadlines<T> {
    /// Ordered as a key is: by due time, then by number. A key leaves with its timer and is never made again.
    timers: BTreeMap<TimerKey, T>,
    /// The number of the next timer; only [`set`](Self::set) moves it, and only up.
    number_next: u64,
}

/// The name of one timer in one [`Deadlines`], for ever: it is never given out again (TMR-005).
///
/// Keys of different sets must not be mixed; nothing would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerKey {
    due: Time,
    number: u64,
}

impl TimerKey {
    /// When the timer is due.
    #[must_use]
    pub fn due(self) -> Time {
        self.due
    }
}

impl<T> Deadlines<T> {
    /// No timers.
    #[must_use]
    pub const fn new() -> Self {
        Self { timers: BTreeMap::new(), number_next: 0 }
    }

    /// Adds a timer that is due at `due`, which may lie in the past: then it is due at once, but still only
    /// fires through [`pop_due`](Self::pop_due) (TMR-003).
    pub fn set(&mut self, due: Time, value: T) -> TimerKey {
        let key = TimerKey { due, number: self.number_next };
        self.number_next += 1; // 2^64 timers at one per nanosecond take five centuries.
        self.timers.insert(key, value);
        key
    }

    /// Calls a timer off: how long it had still to go, and its value. `None` if it has fired or was
    /// cancelled before (TMR-002). A timer that is overdue but not yet popped had zero to go.
    pub fn cancel(&mut self, key: TimerKey, now: Time) -> Option<(Duration, T)> {
        self.timers.remove(&key).map(|value| (key.due.since(now), value))
    }

    /// How long a timer has still to go; `None` if it has fired or was cancelled.
    #[must_use]
    pub fn remaining(&self, key: TimerKey, now: Time) -> Option<Duration> {
        self.timers.contains_key(&key).then(|| key.due.since(now))
    }

    /// Takes the first timer that is due at `now`, if one is.
    pub fn pop_due(&mut self, now: Time) -> Option<T> {
        self.pop_due_entry(now).map(|(_, value)| value)
    }

    /// As [`pop_due`](Self::pop_due), with the key of the timer.
    pub fn pop_due_entry(&mut self, now: Time) -> Option<(TimerKey, T)> {
        let first = self.timers.first_entry()?;
        if first.key().due <= now { Some(first.remove_entry()) } else { None }
    }

    /// When the first timer is due.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        self.timers.first_key_value().map(|(key, _)| key.due)
    }

    /// How many timers are set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timers.len()
    }

    /// Whether no timer is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timers.is_empty()
    }
}

impl<T> Default for Deadlines<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn at(ms: u64) -> Time {
        Time(Duration::from_millis(ms))
    }

    fn drain<T>(deadlines: &mut Deadlines<T>, now: Time) -> Vec<T> {
        core::iter::from_fn(|| deadlines.pop_due(now)).collect()
    }

    #[test]
    fn timers_come_by_due_time_and_then_as_they_were_set() {
        let mut deadlines = Deadlines::new();
        for (due, value) in [(3, 'd'), (1, 'a'), (2, 'b'), (1, 'A'), (2, 'c')] {
            deadlines.set(at(due), value);
        }
        assert_eq!(deadlines.next(), Some(at(1)));
        assert_eq!(drain(&mut deadlines, at(2)), ['a', 'A', 'b', 'c']);
        assert_eq!((deadlines.len(), deadlines.next()), (1, Some(at(3))));
    }

    #[test]
    fn tmr_001_nothing_is_early() {
        let mut deadlines = Deadlines::new();
        let due = Time(Duration::from_nanos(10));
        deadlines.set(due, ());
        assert_eq!(deadlines.pop_due(Time(Duration::from_nanos(9))), None);
        assert_eq!(deadlines.pop_due(due), Some(()));
        assert!(deadlines.is_empty());
    }

    #[test]
    fn tmr_002_cancel_tells_what_remained_and_only_once() {
        let mut deadlines = Deadlines::default();
        let key = deadlines.set(at(50), 'x');
        assert_eq!(deadlines.remaining(key, at(20)), Some(Duration::from_millis(30)));
        assert_eq!(deadlines.cancel(key, at(20)), Some((Duration::from_millis(30), 'x')));
        assert_eq!(deadlines.cancel(key, at(20)), None);
        assert_eq!(deadlines.remaining(key, at(20)), None);
        let overdue = deadlines.set(at(50), 'y');
        assert_eq!(deadlines.cancel(overdue, at(70)), Some((Duration::ZERO, 'y')));
    }

    #[test]
    fn tmr_002_a_fired_timer_cannot_be_cancelled_even_if_an_equal_one_was_set() {
        let mut deadlines = Deadlines::new();
        let fired = deadlines.set(at(5), 1);
        assert_eq!(deadlines.pop_due_entry(at(5)), Some((fired, 1)));
        let again = deadlines.set(at(5), 2);
        assert_ne!(fired, again);
        assert_eq!(deadlines.cancel(fired, at(5)), None);
        assert_eq!(deadlines.pop_due(at(5)), Some(2));
    }

    #[test]
    fn tmr_003_a_timer_in_the_past_is_due_at_once() {
        let mut deadlines = Deadlines::new();
        deadlines.set(at(9), "now");
        deadlines.set(Time::ORIGIN, "past");
        assert_eq!(drain(&mut deadlines, at(9)), ["past", "now"]);
    }

    #[test]
    fn the_end_of_time_is_a_time_like_any_other() {
        let mut deadlines = Deadlines::new();
        let end = Time(Duration::MAX);
        let key = deadlines.set(at(1).plus(Duration::MAX), ());
        assert_eq!((key.due(), deadlines.next()), (end, Some(end)));
        assert_eq!(deadlines.pop_due(Time(Duration::MAX - Duration::from_nanos(1))), None);
        assert_eq!(deadlines.remaining(key, Time::ORIGIN), Some(Duration::MAX));
        assert_eq!(deadlines.pop_due(end), Some(()));
    }

    #[test]
    fn a_hundred_thousand_timers_come_out_in_order() {
        let mut deadlines = Deadlines::new();
        // 7919 is a prime that does not divide the modulus, so the due times are a shuffle with repetitions.
        let keys: Vec<_> =
            (0..100_000_u64).map(|n| deadlines.set(at(n * 7919 % 50_000), n)).collect();
        for key in keys.iter().step_by(2) {
            assert!(deadlines.cancel(*key, Time::ORIGIN).is_some());
        }
        let mut before = None;
        let mut count = 0;
        while let Some((key, number)) = deadlines.pop_due_entry(at(50_000)) {
            assert_eq!(number % 2, 1);
            assert!(before < Some((key.due(), number)));
            before = Some((key.due(), number));
            count += 1;
        }
        assert_eq!(count, 50_000);
    }
}
