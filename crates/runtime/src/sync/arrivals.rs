//! Who waits for something to be entered in a table.

use std::task::{Context, Waker};

use super::Mutex;

/// Who waits for something to be entered in a table. Few do, and seldom.
#[derive(Debug, Default)]
pub(crate) struct Arrivals(Mutex<Waiters>);

#[derive(Debug, Default)]
struct Waiters {
    wakers: Vec<(u64, Waker)>,
    /// How many there have ever been.
    count: u64,
}

/// One who waits, and is forgotten when this is dropped.
pub(crate) struct Waiter<'a> {
    arrivals: &'a Arrivals,
    number: u64,
}

impl Arrivals {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Waiters { wakers: Vec::new(), count: 0 }))
    }

    pub(crate) fn waiter(&self) -> Waiter<'_> {
        let mut waiters = self.0.lock();
        waiters.count += 1;
        Waiter { arrivals: self, number: waiters.count }
    }

    /// To be woken at the next arrival, and forgotten only then; to be asked for before looking into the table.
    pub(crate) fn wake_me_once(&self, cx: &Context<'_>) {
        let wakers = &mut self.0.lock().wakers;
        if !wakers.iter().any(|(number, waker)| *number == 0 && waker.will_wake(cx.waker())) {
            wakers.push((0, cx.waker().clone()));
        }
    }

    /// Something was entered; nobody may hold the table's lock any more.
    pub(crate) fn announce(&self) {
        let waiting = std::mem::take(&mut self.0.lock().wakers);
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Replaces somebody's waker; the former one comes out, to be dropped outside of the lock.
    fn replace(&self, number: u64, waker: Option<Waker>) -> Option<Waker> {
        let wakers = &mut self.0.lock().wakers;
        let former = wakers.iter().position(|(waiter, _)| *waiter == number);
        let former = former.map(|index| wakers.swap_remove(index).1);
        wakers.extend(waker.map(|waker| (number, waker)));
        former
    }
}

impl Waiter<'_> {
    /// To be woken at the next arrival; to be asked for before looking into the table.
    pub(crate) fn wake_me(&self, cx: &Context<'_>) {
        drop(self.arrivals.replace(self.number, Some(cx.waker().clone())));
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        drop(self.arrivals.replace(self.number, None));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_does_not_wait_any_more_is_forgotten() {
        let arrivals = Arrivals::new();
        let cx = Context::from_waker(Waker::noop());
        let (first, second) = (arrivals.waiter(), arrivals.waiter());
        for waiter in [&first, &second, &first] {
            waiter.wake_me(&cx);
        }
        assert_eq!(arrivals.0.lock().wakers.len(), 2);
        drop(first);
        assert_eq!(arrivals.0.lock().wakers.len(), 1);
        arrivals.announce();
        assert!(arrivals.0.lock().wakers.is_empty());
    }
}
