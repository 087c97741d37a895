//! Timers of a process.

use std::time::Duration;

use fauxtp_logic::Ref;

use super::Context;
use crate::clock;
use crate::mailbox::Notice;
use crate::signal::fresh_ref;

/// A timer of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer(Ref);

impl<M: Send + 'static> Context<M> {
    /// Sends `message` to this process after `delay`, never earlier (TMR-001). The timer dies with the
    /// process (TMR-004).
    pub fn send_after(&mut self, delay: Duration, message: M) -> Timer {
        self.start_timer(delay, |_| message)
    }

    /// As [`send_after`](Self::send_after), for a message that carries its timer, so that a stale one can be
    /// told from a fresh one (TMR-005).
    pub fn start_timer(&mut self, delay: Duration, message: impl FnOnce(Timer) -> M) -> Timer {
        let timer = fresh_ref();
        let message = message(Timer(timer));
        let shared = self.shared.clone();
        let due = clock::now().plus(delay);
        if self.shared.core.private(|private| private.fate.is_some()) {
            return Timer(timer);
        }
        let executor = &self.shared.core.executor;
        // Entered before it can fire: expiry is handled by this process, later.
        let key = executor.set_timer(due, move || drop(shared.expire(timer, message)));
        self.shared.core.private(|private| private.possessions().timers.insert(timer, key));
        Timer(timer)
    }

    /// Stops a timer. Returns how long it still had, or nothing if it had expired, in which case its message
    /// may be in the mailbox already (TMR-002).
    pub fn cancel_timer(&mut self, timer: Timer) -> Option<Duration> {
        let key =
            self.shared.core.private(|private| private.possessions().timers.remove(&timer.0))?;
        self.shared.core.executor.timers().cancel(key)
    }

    /// Stops a timer, and takes its message out of the mailbox if it has arrived.
    pub fn cancel_timer_flush(&mut self, timer: Timer) -> Option<Duration> {
        let remaining = self.cancel_timer(timer);
        if remaining.is_none() {
            let flushed =
                self.take_notice(|notice| matches!(notice, Notice::Timer(id, _) if *id == timer.0));
            drop(flushed);
        }
        remaining
    }
}
