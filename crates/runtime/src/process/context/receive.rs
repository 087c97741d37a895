//! What user code receives: what has come first, or what it picks.

use std::future::Future;
use std::task::Poll;
use std::time::Duration;

use fauxtp_logic::signal::Origin;
use fauxtp_logic::tray::{Item, Seen};

use super::{Context, Limit, finish};
use crate::clock;
use crate::mailbox::Notice;
use crate::signal::{Down, Exit};

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

impl<M: Send + 'static> Context<M> {
    /// Receives what has arrived first.
    ///
    /// # Cancel safety
    /// Strict: what a dropped receive has not returned stays in the mailbox.
    pub async fn recv(&mut self) -> Received<M> {
        loop {
            match self.next_item(Limit::Never).await {
                Some(Item::Message(message)) => return Received::Message(message),
                Some(Item::Notice(notice)) => return self.received(notice),
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
                        return Poll::Ready(Some(self.received(notice)));
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

    /// A notice as user code gets it.
    fn received(&mut self, notice: Notice<M>) -> Received<M> {
        match notice {
            Notice::Exit(exit) => Received::Exit(exit),
            Notice::Down(down) => Received::Down(down),
            Notice::Timer(timer, message) => {
                self.timer_expired(timer);
                Received::Message(message)
            }
            Notice::Stop { from, reason } => {
                Received::Exit(Exit { from, reason, origin: Origin::Sent })
            }
            Notice::Barrier(_) => unreachable!("reached when it is taken"),
        }
    }
}
