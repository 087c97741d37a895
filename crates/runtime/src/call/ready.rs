//! Which of many futures is to be looked at: each is polled with a waker that notes its number.
//!
//! ```text
//!   future 7 ──wakes──► Number(7) ──notes──► [3, 7] ──wakes──► whoever listens, who looks at 3 and 7 only
//! ```

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::task::{Context, Wake, Waker};

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};

/// Those that are to be looked at, in the order in which they were woken.
#[derive(Default)]
pub(super) struct Ready(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    /// Each number at most once.
    numbers: VecDeque<Arc<Number>>,
    listener: Option<Waker>,
}

struct Number {
    number: u64,
    /// Whether it is in the list. Set by whoever notes it, cleared by whoever takes it out, before looking.
    is_noted: AtomicBool,
    ready: Weak<Mutex<Noted>>,
}

impl Ready {
    /// The waker for one more future, which is to be looked at from the beginning.
    pub(super) fn waker(&self, number: u64) -> Waker {
        let ready = Arc::downgrade(&self.0);
        let waker =
            Waker::from(Arc::new(Number { number, is_noted: AtomicBool::new(false), ready }));
        waker.wake_by_ref();
        waker
    }

    /// From now on this task is woken; tells how many are to be looked at. Whatever is noted meanwhile may wait until
    /// then, so that one that always wakes itself holds up nobody.
    pub(super) fn listen(&self, cx: &Context<'_>) -> usize {
        let mut noted = self.0.lock();
        let former = match &noted.listener {
            Some(waker) if waker.will_wake(cx.waker()) => None,
            _ => noted.listener.replace(cx.waker().clone()),
        };
        let count = noted.numbers.len();
        drop(noted);
        drop(former);
        count
    }

    /// The next one to look at.
    pub(super) fn next(&self) -> Option<u64> {
        let number = self.0.lock().numbers.pop_front()?;
        // AcqRel, as in `wake`: what woke it is seen by whoever looks.
        number.is_noted.swap(false, Ordering::AcqRel);
        Some(number.number)
    }
}

impl Wake for Number {
    fn wake(self: Arc<Self>) {
        if self.is_noted.swap(true, Ordering::AcqRel) {
            return;
        }
        let Some(ready) = self.ready.upgrade() else { return };
        let mut noted = ready.lock();
        noted.numbers.push_back(self);
        let listener = noted.listener.clone();
        drop(noted);
        if let Some(listener) = listener {
            listener.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_was_woken_is_noted_once_and_in_order() {
        let ready = Ready::default();
        let wakers: Vec<Waker> = (0..4).map(|number| ready.waker(number)).collect();
        let cx = Context::from_waker(Waker::noop());
        assert_eq!(ready.listen(&cx), 4);
        assert_eq!(std::iter::from_fn(|| ready.next()).collect::<Vec<_>>(), [0, 1, 2, 3]);
        for number in [2, 1, 2, 2] {
            wakers[number].wake_by_ref();
        }
        assert_eq!(ready.listen(&cx), 2);
        assert_eq!(std::iter::from_fn(|| ready.next()).collect::<Vec<_>>(), [2, 1]);
        wakers[2].wake_by_ref();
        drop(ready);
        wakers[3].wake_by_ref();
    }
}
