//! Coarse deadlines for calls: a call sets a flag, a slow sweep looks at the flags.
//!
//! Nearly every call is answered long before its deadline. So a call neither reads the clock nor touches a
//! queue: it arms an [`Alarm`] that its thread keeps for reuse. While any alarm is registered, one task per
//! runtime looks at all of them every [`TICK`]. An alarm that it sees armed for the first time gets its
//! deadline *then*, so a deadline is never early, and late by at most two ticks; and says so, for a call that takes
//! long has more to do. Deadlines shorter than [`EXACT_BELOW`] are exact timers as well.
//!
//! ```text
//!   call: armed = n  ──────────────► armed = 0           (two stores)
//!   sweep:     · sees n: due = now + timeout, met = n, wake  · sees n: due reached? → fired = n, wake
//! ```

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fauxtp_logic::Time;

use super::{Executor, TimerKey, current};
use crate::clock;
use crate::host::{Handle, Id, Sleep};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, statics, thread_local};

/// How often the sweep looks.
const TICK: Duration = Duration::from_millis(50);
/// Deadlines below this are exact.
const EXACT_BELOW: Duration = Duration::from_secs(1);
/// After how many idle looks an alarm is no longer looked at.
const IDLE_LOOKS: u32 = 4;
/// How many idle alarms a thread keeps.
const SPARE_MAX: usize = 64;

thread_local! {
    /// Alarms of this thread that no call uses at the moment.
    static SPARE: RefCell<Vec<Spare>> = const { RefCell::new(Vec::new()) };
    /// The runtime this thread was in last, and the address of its sweep.
    static HOME: Cell<(Option<Id>, u64)> = const { Cell::new((None, 0)) };
}

/// Tells the sweep of one runtime from those of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SweepId(u64);

/// What a call and the sweep share.
#[derive(Default)]
struct Bell {
    /// The number of the use that is armed, or 0. Written by the call, read by the sweep.
    armed: AtomicU64,
    /// The number of the last use whose deadline passed. Written by the sweep or a timer.
    fired: AtomicU64,
    /// The number of the last use that the sweep has met. Written by the sweep.
    met: AtomicU64,
    /// How long the armed use may last, in nanoseconds. Written before `armed`.
    timeout: AtomicU64,
    /// The address of the sweep that has this bell on its list, or 0.
    registered: AtomicU64,
    waker: Mutex<Option<Waker>>,
}

/// A bell for reuse, and a copy of the waker it wakes, so that the lock is seldom needed.
#[derive(Default)]
struct Spare {
    bell: Arc<Bell>,
    waker: Option<Waker>,
}

/// The deadline of one call; disarmed when dropped.
pub(crate) struct Alarm {
    /// Until it goes back to its thread.
    spare: Option<Spare>,
    number: u64,
    exact: Option<(Arc<Executor>, TimerKey)>,
}

impl Alarm {
    /// Wakes `waker` when `timeout` has passed, unless dropped before. The deadline is watched by the
    /// caller's runtime, which is known to run; by `elsewhere` if there is none. `home` is the sweep of the
    /// process that calls, if one does: asking tokio where we are costs more than all the rest.
    pub(crate) fn arm(
        timeout: Duration,
        waker: &Waker,
        home: Option<SweepId>,
        elsewhere: &Arc<Executor>,
    ) -> Self {
        let spare = SPARE.try_with(|spare| spare.borrow_mut().pop()).ok().flatten();
        let mut spare = spare.unwrap_or_default();
        spare.listen(waker);
        let number = next_number();
        let is_exact = timeout < EXACT_BELOW;
        spare.bell.arm(number, if is_exact { Duration::MAX } else { timeout }, home, elsewhere);
        let exact = is_exact.then(|| {
            let executor = current().unwrap_or_else(|_| elsewhere.clone());
            let bell = spare.bell.clone();
            let due = clock::now().plus(timeout);
            let key = executor.set_timer(due, move || bell.fire(number));
            (executor, key)
        });
        Self { spare: Some(spare), number, exact }
    }

    /// Whether the deadline has passed.
    pub(crate) fn has_fired(&self) -> bool {
        // Pairs with the Release in `fire`.
        self.spare
            .as_ref()
            .is_some_and(|spare| spare.bell.fired.load(Ordering::Acquire) == self.number)
    }

    /// Whether this has been going on for a while: it wakes once when that begins, after at most two ticks.
    pub(crate) fn is_long(&self) -> bool {
        // Pairs with the Release in `meet`.
        self.spare
            .as_ref()
            .is_some_and(|spare| spare.bell.met.load(Ordering::Acquire) == self.number)
    }

    /// Wakes another waker than the one it was armed with.
    pub(crate) fn rearm(&mut self, waker: &Waker) {
        if let Some(spare) = &mut self.spare {
            spare.listen(waker);
        }
    }
}

impl Spare {
    fn listen(&mut self, waker: &Waker) {
        if !self.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.waker = Some(waker.clone());
            *self.bell.waker.lock() = Some(waker.clone());
        }
    }
}

/// Numbers are unique per program, so that a bell that changes hands is never taken for its former use.
fn next_number() -> u64 {
    statics! {
        static BLOCKS: AtomicU64 = AtomicU64::new(1);
    }
    thread_local! {
        static NEXT: Cell<u64> = const { Cell::new(0) };
    }
    NEXT.try_with(|next| {
        let number = match next.get() {
            n if n & 0xFFFF == 0 => BLOCKS.fetch_add(1, Ordering::Relaxed) << 16 | 1,
            n => n,
        };
        next.set(number + 1);
        number
    })
    .unwrap_or_else(|_| BLOCKS.fetch_add(1, Ordering::Relaxed) << 16 | 1)
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let Some(spare) = self.spare.take() else { return };
        spare.bell.armed.store(0, Ordering::Release);
        if let Some((executor, key)) = self.exact.take() {
            let _fired_already = executor.timers().cancel(key);
        }
        let _thread_is_ending = SPARE.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.len() < SPARE_MAX {
                kept.push(spare);
            }
        });
    }
}

impl Bell {
    /// Sets a coarse deadline, and sees to it that somebody looks.
    fn arm(
        self: &Arc<Self>,
        number: u64,
        timeout: Duration,
        home: Option<SweepId>,
        elsewhere: &Arc<Executor>,
    ) {
        let nanos = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        self.timeout.store(nanos, Ordering::Relaxed);
        // Pairs with `let_go`: both exchange the word, so one of them comes first. Either we see that the sweep has
        // just let go of this bell, or it sees that we have armed it.
        self.armed.swap(number, Ordering::SeqCst);
        let registered = self.registered.load(Ordering::SeqCst);
        let is_home = || home == Some(SweepId(registered)) || is_home_of_this_thread(registered);
        if registered != 0 && is_home() {
            return;
        }
        let executor = current().unwrap_or_else(|_| elsewhere.clone());
        let home = executor.sweep().address();
        if registered != home {
            self.registered.store(home, Ordering::SeqCst);
            executor.watch(self.clone());
        }
        HOME.set((Handle::try_current().ok().map(|handle| handle.id()), home));
    }

    /// The sweep has met this use for the first time.
    fn meet(&self, number: u64) {
        self.tell(&self.met, number);
    }

    fn fire(&self, number: u64) {
        self.tell(&self.fired, number);
    }

    fn tell(&self, what: &AtomicU64, number: u64) {
        // Looked at and said under one lock: what comes late must not overwrite what a later use is told.
        let listening = self.waker.lock();
        if self.armed.load(Ordering::SeqCst) != number {
            return;
        }
        what.store(number, Ordering::Release);
        let waker = listening.clone();
        drop(listening);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Whether the sweep at this address is the one of the runtime this thread is in.
fn is_home_of_this_thread(address: u64) -> bool {
    let (id, home) = HOME.get();
    home == address && id.is_some() && id == Handle::try_current().ok().map(|handle| handle.id())
}

/// The alarms of one runtime that are looked at.
#[derive(Default)]
pub(super) struct Sweep {
    watched: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    /// Registered since the last look.
    fresh: Vec<Arc<Bell>>,
    /// Whether the sweeping task exists. It ends when there is nothing to look at.
    swept: bool,
}

impl Sweep {
    /// Tells sweeps apart; an executor never moves.
    fn address(&self) -> u64 {
        std::ptr::from_ref(self).addr() as u64
    }
}

impl Executor {
    /// Who watches over the deadlines of calls made by this runtime's processes.
    pub(crate) fn sweep_id(&self) -> SweepId {
        SweepId(self.sweep().address())
    }

    fn watch(self: &Arc<Self>, bell: Arc<Bell>) {
        let mut watched = self.sweep().watched.lock();
        watched.fresh.push(bell);
        if !std::mem::replace(&mut watched.swept, true) {
            drop(watched);
            self.spawn(Sweeper {
                executor: self.clone(),
                sleep: None,
                looked_at: Vec::new(),
                done: false,
            });
            self.let_go();
        }
    }
}

/// One alarm on the list of the sweep.
struct Entry {
    bell: Arc<Bell>,
    /// The use that was seen armed last.
    seen: u64,
    due: Time,
    idle: u32,
}

/// The task that looks at all alarms of one runtime.
struct Sweeper {
    executor: Arc<Executor>,
    sleep: Option<Pin<Box<Sleep>>>,
    looked_at: Vec<Entry>,
    /// Whether the task ended because there was nothing to look at.
    done: bool,
}

impl Future for Sweeper {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Made here, where the runtime is ours, whoever armed the first alarm.
        while self
            .sleep
            .get_or_insert_with(|| Box::pin(clock::sleep_until(clock::now().plus(TICK))))
            .as_mut()
            .poll(cx)
            .is_ready()
        {
            let now = clock::now();
            let this = &mut *self;
            let home = this.executor.sweep().address();
            let fresh = std::mem::take(&mut this.executor.sweep().watched.lock().fresh);
            this.looked_at.extend(fresh.into_iter().map(|bell| Entry {
                bell,
                seen: 0,
                due: now,
                idle: 0,
            }));
            this.looked_at.retain_mut(|entry| entry.look(now, home));
            if this.looked_at.is_empty() {
                let mut watched = this.executor.sweep().watched.lock();
                if watched.fresh.is_empty() {
                    watched.swept = false;
                    this.done = true;
                    return Poll::Ready(());
                }
            }
            if let Some(sleep) = &mut this.sleep {
                sleep.as_mut().reset(clock::instant(now.plus(TICK)));
            }
        }
        Poll::Pending
    }
}

impl Entry {
    /// Looks at one alarm; says whether to keep it on the list.
    fn look(&mut self, now: Time, home: u64) -> bool {
        let armed = self.bell.armed.load(Ordering::SeqCst);
        if armed == 0 {
            self.idle += 1;
            return self.idle < IDLE_LOOKS || !self.let_go(home);
        }
        self.idle = 0;
        if armed != self.seen {
            self.seen = armed;
            self.bell.meet(armed);
            self.due = now.plus(Duration::from_nanos(self.bell.timeout.load(Ordering::Relaxed)));
        } else if now >= self.due {
            self.bell.fire(armed);
        }
        true
    }

    /// Takes an idle alarm off the list, unless it is armed at this very moment.
    fn let_go(&mut self, home: u64) -> bool {
        let bell = &self.bell;
        // Another runtime's sweep may have taken the alarm over meanwhile; then it is not ours to take back.
        let ours =
            bell.registered.compare_exchange(home, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        // Pairs with `arm`.
        if bell.armed.fetch_or(0, Ordering::SeqCst) == 0 {
            return true;
        }
        if ours {
            bell.registered.store(home, Ordering::SeqCst);
        }
        self.idle = 0;
        false
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // Nobody looks any more: whoever arms one of these next has to register it anew.
        let fresh = {
            let mut watched = self.executor.sweep().watched.lock();
            watched.swept = false;
            std::mem::take(&mut watched.fresh)
        };
        let left = self.looked_at.drain(..).map(|entry| entry.bell);
        for bell in left.chain(fresh) {
            bell.registered.store(0, Ordering::SeqCst);
        }
    }
}
