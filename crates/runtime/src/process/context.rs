//! What a process sees of itself: how it takes from its inbox here; what user code receives, the items behaviours live
//! from, ties and timers in rooms of their own.

mod receive;
mod items;
mod errands;
mod ties;
mod timers;

use std::fmt;
use std::sync::Arc;
use std::task::Poll;

use fauxtp_logic::tray::{Item, Tray};
use fauxtp_logic::{Pid, Ref};

use super::intake::{is_at_home, take_in};
use crate::address::Address;
use crate::current;
use crate::executor;
use crate::guard::{drop_caught, drop_each};
use crate::mailbox::{Notice, Shared, Taken};
use crate::shared::{Core, Handle};
use crate::sync::atomic::Ordering;

pub use errands::OwnedTask;
pub(crate) use items::{Either, Limit, Wait};
pub use receive::{Peek, Received};
pub use ties::{NoProc, Trap};
pub use timers::Timer;

/// How many items a process takes before it lets others run.
const TURN: u32 = 256;

/// What others can know of how far the process is with its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// The usual case, of which much depends on being fast.
    Progress,
    /// The same, of a bounded mailbox.
    BoundedProgress,
    /// Messages were taken out of their order.
    Lost,
    /// Whoever has not been answered has to wait until the process has time, however long ago it took his message.
    Nothing,
}

/// The inside of a process that takes messages of type `M`.
///
/// It belongs in its process. Carried into a task of its own it still receives there, but signals take effect in
/// the process only; once that has ended, its receives are never ready, and it links, watches and registers nothing.
pub struct Context<M> {
    shared: Arc<Shared<M>>,
    tray: Tray<M, Notice<M>>,
    /// Items taken since the process last let others run.
    turn: u32,
    bounded: bool,
    /// Whether what arrives next wakes the process; see [`Shared::take`].
    alert: bool,
    told: Told,
}

impl<M: Send + 'static> Context<M> {
    pub(crate) fn new(shared: Arc<Shared<M>>, bounded: bool) -> Self {
        let told = if bounded { Told::BoundedProgress } else { Told::Progress };
        Self { shared, tray: Tray::default(), turn: 0, bounded, alert: false, told }
    }

    /// The pid of this process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.shared.core.pid
    }

    /// The address of this process.
    #[must_use]
    pub fn address(&self) -> Address<M> {
        Address::new(self.shared.clone())
    }

    /// Who started this process, if the two hang together.
    #[must_use]
    pub fn parent(&self) -> Option<Pid> {
        self.shared.core.parent()
    }

    /// Who started this process, who started that one, …; nearest first (PL-006).
    #[must_use]
    pub fn ancestors(&self) -> Vec<Pid> {
        self.shared.core.ancestors.to_vec()
    }

    pub(crate) fn handle(&self) -> Handle {
        self.shared.clone()
    }

    /// From now on messages that are taken still count as queued: this process files them, and deals with them later.
    pub(crate) fn files_messages(&mut self) {
        self.told = Told::Nothing;
        self.core().private(|private| private.files_messages = true);
    }

    pub(crate) fn core(&self) -> &Core {
        &self.shared.core
    }

    /// A message has left the tray; from the middle, and then nobody can say any more which is where.
    #[inline]
    fn has_taken(&mut self, passed_over: bool) {
        self.core().executor.scheduler().taken(self.pid());
        match self.told {
            Told::Progress | Told::BoundedProgress if passed_over => {
                self.told = Told::Lost;
                self.core().progress.lose();
            }
            Told::Progress | Told::BoundedProgress => {
                self.core().progress.set(self.tray.taken());
            }
            Told::Lost | Told::Nothing => {}
        }
    }

    /// Takes the oldest item of the tray.
    #[inline]
    fn take(&mut self) -> Option<Item<M, Notice<M>>> {
        self.settle();
        if self.bounded { self.shared.take_bounded(&mut self.tray) } else { self.tray.take() }
    }

    /// Sees to it that others know how far the process is. Tells whether that was all there was to do about this item:
    /// it is for nobody else, or whoever asked has given up (CALL-005).
    #[inline]
    fn note(&mut self, item: &Item<M, Notice<M>>) -> bool {
        match item {
            Item::Message(_) => {
                self.has_taken(false);
                self.core().drops_late()
            }
            Item::Notice(notice) => {
                self.core().progress.aside();
                matches!(notice, Notice::Barrier(_))
            }
        }
    }

    /// Goes on if the process lives and its turn is not over; what it does next counts as one more.
    pub(crate) fn poll_go_on(&mut self, cx: &mut std::task::Context<'_>) -> Poll<()> {
        self.core().progress.aside();
        if !self.may_take(cx) {
            return Poll::Pending;
        }
        self.turn += 1;
        Poll::Ready(())
    }

    /// Lets everybody else run.
    pub(crate) async fn yield_now(&mut self) {
        let mut yielded = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Gives back memory that is not needed now.
    pub(crate) fn shrink(&mut self) {
        self.tray.shrink();
        self.shared.shrink();
    }

    /// Brings a bounded mailbox up to date before and after a selective receive.
    fn account(&mut self) -> bool {
        self.bounded && self.shared.pay_debt(&mut self.tray)
    }

    /// Whether the process lives, and need not let others run first. An exit does not wait for what is in the
    /// tray (PROC-006).
    #[inline]
    fn may_take(&mut self, cx: &std::task::Context<'_>) -> bool {
        take_in(&self.shared);
        if self.is_doomed() {
            return false;
        }
        let may = self.turn < TURN;
        if !may {
            self.turn = 0;
            cx.waker().wake_by_ref();
        }
        may
    }

    fn is_doomed(&self) -> bool {
        self.shared.core.doomed.load(Ordering::Relaxed)
    }

    /// Before an item is taken: promises dropped before are broken now.
    #[inline]
    fn settle(&self) {
        if self.shared.core.owes.load(Ordering::Relaxed) {
            current::settle_unkept(&self.handle());
        }
    }

    /// Looks into the inbox: ready if the tray has got something, pending if the process is doomed, nothing
    /// if there was nothing.
    fn look(&mut self, cx: &mut std::task::Context<'_>) -> Option<Poll<()>> {
        loop {
            match self.shared.take(&mut self.tray, &mut self.alert, cx) {
                Taken::Something => return Some(Poll::Ready(())),
                Taken::Nothing => return None,
                Taken::Signals if !is_at_home(&self.shared) => {
                    executor::wake(&self.shared);
                    if self.shared.park_elsewhere(cx) {
                        return None;
                    }
                }
                Taken::Signals => {
                    take_in(&self.shared);
                    if self.shared.core.doomed.load(Ordering::Relaxed) {
                        return Some(Poll::Pending);
                    }
                }
            }
        }
    }

    fn take_notice(&mut self, mut wanted: impl FnMut(&Notice<M>) -> bool) -> Option<Notice<M>> {
        self.tray.take_notice(&mut wanted).or_else(|| self.shared.take_notice(wanted))
    }

    pub(crate) fn timer_expired(&mut self, timer: Ref) {
        self.shared.core.private(|private| private.possessions().timers.remove(&timer));
    }
}

/// Nobody else hears of this item.
#[cold]
fn finish<M>(item: Item<M, Notice<M>>) {
    match item {
        Item::Notice(Notice::Barrier(barrier)) => barrier.reached(),
        other => drop(drop_caught(other)),
    }
}

/// What is left in the tray is dropped piece by piece: destructors of messages may panic.
impl<M> Drop for Context<M> {
    fn drop(&mut self) {
        if !self.tray.is_empty() {
            // For the report, if this is a crash.
            let unread = self.tray.messages();
            self.shared.core.executor.scheduler().discarded(self.shared.core.pid, unread);
            self.shared.core.private(|private| private.possessions().unread = unread);
            drop_each(std::iter::from_fn(|| self.tray.take()));
        }
    }
}

impl<M> fmt::Debug for Context<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({})", self.shared.core.pid)
    }
}
