//! What a process sees of itself: its inbox here, its ties and its timers in rooms of their own.

mod errands;
mod ties;
mod timers;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use fauxtp_logic::signal::Origin;
use fauxtp_logic::tray::{Item, Seen, Tray};
use fauxtp_logic::{Pid, Ref, Time};
use tokio::time::Sleep;

use super::intake::{is_at_home, take_in};
use crate::address::Address;
use crate::clock;
use crate::current;
use crate::executor;
use crate::guard::{drop_caught, drop_each};
use crate::mailbox::{Notice, Shared, Taken};
use crate::shared::{Core, Handle};
use crate::signal::{Down, Exit};

pub use errands::OwnedTask;
pub use ties::{NoProc, Trap};
pub use timers::Timer;

/// How many items a process takes before it lets others run.
const TURN: u32 = 256;

/// One thing a process has received.
#[derive(Debug)]
#[non_exhaustive]
pub enum Received<M> {
    /// A message, or the message of an expired timer.
    Message(M),
    /// An exit signal, trapped.
    Exit(Exit),
    /// A monitored process has ended.
    Down(Down),
}

/// One thing that waits, as a selective receive sees it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Peek<'a, M> {
    /// A message, or the message of an expired timer.
    Message(&'a M),
    /// An exit signal, trapped.
    Exit(&'a Exit),
    /// A monitored process has ended.
    Down(&'a Down),
}

/// How long a process waits for its next item.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    Never,
    /// As long as nothing arrives for this long. Zero does not wait: whatever arrives from now on is too late to
    /// cancel it (GS-032).
    Quiet(Duration),
    /// Until then, whatever arrives.
    At(Time),
}

/// A wait for the next item.
pub(crate) struct Wait {
    limit: Limit,
    sleep: Option<Pin<Box<Sleep>>>,
    /// How many inquiries had been answered when it was last looked at.
    answered: u16,
}

impl Wait {
    /// Something has arrived, and was nothing.
    pub(crate) fn begin_again(&mut self) {
        self.sleep = None;
    }
}

/// What has come first.
pub(crate) enum Either<I, T> {
    Item(I),
    Other(T),
    /// The limit has been reached.
    Nothing,
}

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
    told: Told,
}

impl<M: Send + 'static> Context<M> {
    pub(crate) fn new(shared: Arc<Shared<M>>, bounded: bool) -> Self {
        let told = if bounded { Told::BoundedProgress } else { Told::Progress };
        Self { shared, tray: Tray::default(), turn: 0, bounded, told }
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
    pub fn ancestors(&self) -> &[Pid] {
        &self.shared.core.ancestors
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

    /// Receives what has arrived first.
    ///
    /// # Cancel safety
    /// Strict: what a dropped receive has not returned stays in the mailbox.
    pub async fn recv(&mut self) -> Received<M> {
        loop {
            match self.next_item(Limit::Never).await {
                Some(Item::Message(message)) => return Received::Message(message),
                Some(Item::Notice(notice)) => {
                    if let Some(received) = self.received(notice) {
                        return received;
                    }
                }
                None => {}
            }
        }
    }

    /// Receives what has arrived first, or nothing after `timeout`. Looks into the mailbox before it times
    /// out, whatever the timeout (TMR-006).
    ///
    /// # Cancel safety
    /// Strict, as [`recv`](Self::recv).
    pub async fn recv_timeout(&mut self, timeout: Duration) -> Option<Received<M>> {
        self.recv_where_timeout(|_| true, timeout).await
    }

    /// Receives the oldest item that `wanted` accepts; the others stay, in their order.
    ///
    /// # Cancel safety
    /// Strict, as [`recv`](Self::recv).
    pub async fn recv_where(&mut self, wanted: impl FnMut(Peek<'_, M>) -> bool) -> Received<M> {
        match self.select(wanted, None).await {
            Some(received) => received,
            None => unreachable!("a receive without a timeout ends with something"),
        }
    }

    /// Receives the oldest item that `wanted` accepts, or nothing after `timeout`. The timeout ends with
    /// the receive: it never cuts short what is done with the message.
    ///
    /// # Cancel safety
    /// Strict, as [`recv`](Self::recv).
    pub async fn recv_where_timeout(
        &mut self,
        wanted: impl FnMut(Peek<'_, M>) -> bool,
        timeout: Duration,
    ) -> Option<Received<M>> {
        self.select(wanted, Some(timeout)).await
    }

    async fn select(
        &mut self,
        mut wanted: impl FnMut(Peek<'_, M>) -> bool,
        timeout: Option<Duration>,
    ) -> Option<Received<M>> {
        let mut seen = Seen::default();
        let mut passed_over = false;
        let mut sleep =
            timeout.map(|timeout| Box::pin(clock::sleep_until(clock::now().plus(timeout))));
        std::future::poll_fn(move |cx| {
            if !self.may_take(cx) {
                return Poll::Pending;
            }
            loop {
                self.settle();
                if self.account() {
                    seen = Seen::default();
                }
                let item = self.tray.select(&mut seen, |item| match item {
                    Item::Message(message) => {
                        let wanted = wanted(Peek::Message(message));
                        passed_over |= !wanted;
                        wanted
                    }
                    Item::Notice(Notice::Timer(_, message)) => wanted(Peek::Message(message)),
                    Item::Notice(Notice::Exit(exit)) => wanted(Peek::Exit(exit)),
                    Item::Notice(Notice::Down(down)) => wanted(Peek::Down(down)),
                    Item::Notice(Notice::Stop { .. }) => false,
                    Item::Notice(Notice::Barrier(_)) => !passed_over,
                });
                if self.account() {
                    seen = Seen::default();
                }
                self.turn += u32::from(item.is_some());
                match item {
                    Some(Item::Message(message)) => {
                        self.has_taken(passed_over);
                        if self.core().drops_late() {
                            finish(Item::<M, Notice<M>>::Message(message));
                            continue;
                        }
                        return Poll::Ready(Some(Received::Message(message)));
                    }
                    Some(Item::Notice(Notice::Barrier(barrier))) => {
                        barrier.reached();
                        continue;
                    }
                    Some(Item::Notice(notice)) => {
                        self.core().progress.aside();
                        return Poll::Ready(self.received(notice));
                    }
                    None => {}
                }
                match self.look(cx) {
                    Some(Poll::Ready(())) => {}
                    Some(Poll::Pending) => return Poll::Pending,
                    None => break,
                }
            }
            if timeout.is_some_and(|timeout| timeout.is_zero()) {
                self.turn += 1;
                self.core().progress.aside();
                return Poll::Ready(None);
            }
            self.turn = 0;
            let Some(sleep) = &mut sleep else { return Poll::Pending };
            sleep.as_mut().poll(cx).map(|()| {
                self.core().progress.aside();
                None
            })
        })
        .await
    }

    /// Takes the next item, or nothing when the limit is reached.
    pub(crate) async fn next_item(&mut self, limit: Limit) -> Option<Item<M, Notice<M>>> {
        let mut wait = self.wait(limit);
        std::future::poll_fn(move |cx| self.poll_item(&mut wait, cx)).await
    }

    /// A wait for the next item.
    pub(crate) fn wait(&self, limit: Limit) -> Wait {
        let answered = self.shared.core.inquiries.load(Ordering::Relaxed);
        Wait { limit, sleep: None, answered }
    }

    /// Takes the next item, or nothing when the limit is reached.
    pub(crate) fn poll_item(
        &mut self,
        wait: &mut Wait,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<Option<Item<M, Notice<M>>>> {
        if !self.may_take(cx) {
            return Poll::Pending;
        }
        loop {
            if let Some(item) = self.take() {
                self.turn += 1;
                if self.note(&item) {
                    finish(item);
                    wait.begin_again();
                    continue;
                }
                return Poll::Ready(Some(item));
            }
            match self.look(cx) {
                Some(Poll::Ready(())) => {}
                Some(Poll::Pending) => return Poll::Pending,
                None => break,
            }
        }
        let due = match wait.limit {
            Limit::Never => {
                self.turn = 0;
                return Poll::Pending;
            }
            Limit::At(due) => due,
            Limit::Quiet(timeout) => {
                // An inquiry restarts the timeout with its full length (GS-033).
                let inquiries = self.shared.core.inquiries.load(Ordering::Relaxed);
                if std::mem::replace(&mut wait.answered, inquiries) != inquiries {
                    wait.sleep = None;
                }
                clock::now().plus(timeout)
            }
        };
        if wait.sleep.is_none() && due <= clock::now() {
            self.turn += 1;
            self.core().progress.aside();
            return Poll::Ready(None);
        }
        self.turn = 0;
        let sleep = wait.sleep.get_or_insert_with(|| Box::pin(clock::sleep_until(due)));
        sleep.as_mut().poll(cx).map(|()| {
            self.core().progress.aside();
            None
        })
    }

    /// Takes the next item, or what `other` has: whichever is there; if both are, `other` if it is `preferred`. Signals
    /// come before either.
    pub(crate) fn poll_either<T>(
        &mut self,
        wait: &mut Wait,
        preferred: bool,
        cx: &mut std::task::Context<'_>,
        mut other: impl FnMut(&mut std::task::Context<'_>) -> Poll<T>,
    ) -> Poll<Either<Item<M, Notice<M>>, T>> {
        if !self.may_take(cx) {
            return Poll::Pending;
        }
        let turn = self.turn;
        if preferred {
            if let Poll::Ready(value) = other(cx) {
                self.turn = turn + 1;
                self.core().progress.aside();
                return Poll::Ready(Either::Other(value));
            }
        }
        let item = self.poll_item(wait, cx);
        if let Poll::Ready(Some(item)) = item {
            return Poll::Ready(Either::Item(item));
        }
        if !preferred && !self.is_doomed() {
            if let Poll::Ready(value) = other(cx) {
                self.turn = turn + 1;
                self.core().progress.aside();
                return Poll::Ready(Either::Other(value));
            }
        }
        item.map(|_| Either::Nothing)
    }

    /// Takes what is next, if that is a message which lies in the tray already: so it is for nearly every
    /// message of a busy server, which then need not wait at all.
    #[inline]
    pub(crate) fn take_message(&mut self) -> Option<M> {
        let core = &self.shared.core;
        let is_told_something = core.signalled.load(Ordering::Relaxed);
        let is_plain = self.told == Told::Progress && !core.has_late.load(Ordering::Relaxed);
        if !is_plain || self.turn >= TURN || is_told_something || self.is_doomed() {
            return None;
        }
        self.settle();
        let message = self.tray.take_plain()?;
        self.turn += 1;
        self.core().progress.set(self.tray.taken());
        Some(message)
    }

    /// A message has left the tray; from the middle, and then nobody can say any more which is where.
    #[inline]
    fn has_taken(&mut self, passed_over: bool) {
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
    pub(crate) async fn go_on(&mut self) {
        self.core().progress.aside();
        std::future::poll_fn(|cx| {
            if !self.may_take(cx) {
                return Poll::Pending;
            }
            self.turn += 1;
            Poll::Ready(())
        })
        .await;
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
            match self.shared.take(&mut self.tray, cx) {
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

    /// A notice as user code gets it.
    fn received(&mut self, notice: Notice<M>) -> Option<Received<M>> {
        match notice {
            Notice::Exit(exit) => Some(Received::Exit(exit)),
            Notice::Down(down) => Some(Received::Down(down)),
            Notice::Timer(timer, message) => {
                self.timer_expired(timer);
                Some(Received::Message(message))
            }
            Notice::Barrier(barrier) => {
                barrier.reached();
                None
            }
            Notice::Stop { from, reason } => {
                Some(Received::Exit(Exit { from, reason, origin: Origin::Sent }))
            }
        }
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
