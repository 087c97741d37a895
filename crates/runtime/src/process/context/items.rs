//! What behaviours live from: one item after the other, messages and notices, with a limit, and beside something else.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use fauxtp_logic::Time;
use fauxtp_logic::tray::Item;

use super::{Context, TURN, Told, finish};
use crate::clock;
use crate::host::Sleep;
use crate::mailbox::Notice;
use crate::sync::atomic::Ordering;

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

impl<M: Send + 'static> Context<M> {
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
        while std::task::ready!(self.poll_arrival(wait, cx)) {
            match self.take_item() {
                Some(item) => return Poll::Ready(Some(item)),
                None => wait.begin_again(),
            }
        }
        Poll::Ready(None)
    }

    /// Waits until something has arrived that may be taken; false when the limit is reached.
    #[inline]
    pub(crate) fn poll_arrival(
        &mut self,
        wait: &mut Wait,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<bool> {
        match self.look_for_item(cx) {
            Some(arrived) => arrived.map(|()| true),
            None => self.poll_limit(wait, cx).map(|()| false),
        }
    }

    /// The same without any limit.
    #[inline]
    pub(crate) fn poll_any_arrival(&mut self, cx: &mut std::task::Context<'_>) -> Poll<()> {
        self.look_for_item(cx).unwrap_or_else(|| {
            self.turn = 0;
            Poll::Pending
        })
    }

    /// Whether something lies in the tray: pending if the process must not go on, nothing if nothing has arrived.
    #[inline]
    fn look_for_item(&mut self, cx: &mut std::task::Context<'_>) -> Option<Poll<()>> {
        if !self.may_take(cx) {
            return Some(Poll::Pending);
        }
        // What has arrived may be nothing any more: signals that have taken effect leave their places.
        while self.tray.is_empty() {
            match self.look(cx) {
                Some(Poll::Ready(())) => {}
                other => return other,
            }
        }
        Some(Poll::Ready(()))
    }

    /// Nothing is there. Waits for the limit.
    #[inline]
    fn poll_limit(&mut self, wait: &mut Wait, cx: &mut std::task::Context<'_>) -> Poll<()> {
        if matches!(wait.limit, Limit::Never) {
            self.turn = 0;
            return Poll::Pending;
        }
        self.poll_sleep(wait, cx)
    }

    fn poll_sleep(&mut self, wait: &mut Wait, cx: &mut std::task::Context<'_>) -> Poll<()> {
        let due = match wait.limit {
            Limit::Never => return Poll::Pending,
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
            return Poll::Ready(());
        }
        self.turn = 0;
        let sleep = wait.sleep.get_or_insert_with(|| Box::pin(clock::sleep_until(due)));
        sleep.as_mut().poll(cx).map(|()| self.core().progress.aside())
    }

    /// Takes what is next, unless that is for nobody else, or for somebody who has given up.
    pub(crate) fn take_item(&mut self) -> Option<Item<M, Notice<M>>> {
        let item = self.take()?;
        self.turn += 1;
        if self.note(&item) {
            finish(item);
            return None;
        }
        Some(item)
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

    /// Whether what is next is a message which lies in the tray already, and nothing has to be done before it is taken:
    /// so it is for nearly every message of a busy server.
    #[inline]
    pub(crate) fn has_message(&self) -> bool {
        let core = &self.shared.core;
        let is_told_something = core.signalled.load(Ordering::Relaxed);
        let is_plain = self.told == Told::Progress && !core.has_late.load(Ordering::Relaxed);
        let is_due = is_plain && self.turn < TURN && !is_told_something && !self.is_doomed();
        is_due && self.tray.has_plain()
    }

    /// Takes that message.
    #[inline]
    pub(crate) fn take_message(&mut self) -> Option<M> {
        if !self.has_message() {
            return None;
        }
        self.settle();
        let message = self.tray.take_oldest_message()?;
        self.turn += 1;
        self.core().executor.scheduler().taken(self.pid());
        self.core().progress.set(self.tray.taken());
        Some(message)
    }
}
