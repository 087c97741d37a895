//! What lies in an inbox, and what may be done with it under its lock.
//!
//! Whatever is the user's comes out of here, and is dropped and woken by those who hold no lock any more.

use std::collections::VecDeque;
use std::task::Waker;

use fauxtp_logic::tray::{Tray, is_roomy};

use super::{Mailbox, Notice, Overflow};
use crate::signal::Signal;
use crate::wait::SOMEWHERE;

/// So many places of spent signals are kept whatever happens.
const SPENT_MAX: u32 = 32;

/// The two lanes, and who waits at them.
pub(super) struct Lanes<M> {
    messages: VecDeque<M>,
    /// Places never decrease from front to back.
    signals: VecDeque<(u64, Post<M>)>,
    /// How many of `signals` the process has looked at already; those left are notices, and places of spent
    /// ones. As small as will do: it is part of every process.
    looked_at: u32,
    /// How many of those are spent.
    spent: u32,
    /// How many posts have left `signals` before its front; wraps.
    gone: u32,
    /// How many messages were accepted so far.
    accepted: u64,
    /// Whether whoever puts something here has to wake the reader.
    pub(super) parked: bool,
    pub(super) closed: bool,
    /// The reader's waker, if it is not the process's own (inside a `select!` of somebody else's, say).
    pub(super) waker: Option<Waker>,
    bound: Option<Box<Bound>>,
}

pub(super) enum Post<M> {
    Signal(Signal),
    Notice(Notice<M>),
    /// A signal that has been taken in; its place is kept for what may become of it.
    Spent,
}

struct Bound {
    capacity: usize,
    overflow: Overflow,
    /// Messages the reader has taken over but not handled. Written by the reader.
    in_tray: usize,
    /// How many of those it must drop, oldest first. Written by senders.
    debt: usize,
}

/// What was in an inbox.
pub(crate) struct Unread<M> {
    pub(crate) messages: VecDeque<M>,
    pub(crate) notices: Vec<Notice<M>>,
    pub(crate) signals: Vec<Signal>,
}

/// A signal that is being taken in.
pub(crate) struct Fresh {
    pub(crate) signal: Signal,
    /// Where it lay.
    pub(crate) number: u32,
    /// Whether none came after it.
    pub(crate) last: bool,
}

/// What became of a message.
pub(super) enum Room<M> {
    /// It was accepted, perhaps in place of the oldest one.
    Made(Option<M>),
    Refused(M),
    Dropped(M),
}

/// Who waits for a message.
pub(super) enum Rouse {
    Nobody,
    /// The process itself.
    Process,
    /// Somebody else's waker.
    Other(Waker),
}

impl Rouse {
    /// Wakes whoever it is, unless that is the process itself: true then.
    #[inline]
    pub(super) fn wake_others(self) -> bool {
        match self {
            Self::Nobody => false,
            Self::Process => true,
            Self::Other(waker) => {
                waker.wake();
                false
            }
        }
    }
}

impl<M> Lanes<M> {
    pub(super) fn new(mailbox: Mailbox) -> Self {
        let bound = mailbox.bound.map(|(capacity, overflow)| {
            Box::new(Bound { capacity, overflow, in_tray: 0, debt: 0 })
        });
        Self {
            messages: VecDeque::new(),
            signals: VecDeque::new(),
            looked_at: 0,
            spent: 0,
            gone: 0,
            accepted: 0,
            parked: false,
            closed: false,
            waker: None,
            bound,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.signals.is_empty()
    }

    pub(super) fn is_bounded(&self) -> bool {
        self.bound.is_some()
    }

    pub(super) fn waiting(&self) -> usize {
        self.messages.len()
    }

    /// Whether the reader waits with a waker that is not the process's own.
    pub(super) fn waits_with_a_waker(&self) -> bool {
        self.parked && self.waker.is_some()
    }

    /// Whether the process has looked at every signal.
    pub(super) fn all_looked_at(&self) -> bool {
        self.looked_at as usize == self.signals.len()
    }

    /// Puts a message behind all others, and tells its place. The mailbox has no bound.
    #[inline]
    pub(super) fn accept(&mut self, message: M) -> u64 {
        let place = self.accepted;
        self.accepted += 1;
        self.messages.push_back(message);
        place
    }

    /// Puts a message behind all others, if there is room for it. Tells its place, unless that may change.
    pub(super) fn accept_bounded(&mut self, message: M, place: &mut u64) -> Room<M> {
        let mut oldest = None;
        *place = self.accepted;
        if let Some(bound) = &mut self.bound {
            if matches!(bound.overflow, Overflow::DropOldest) {
                // Places change when others are dropped.
                *place = SOMEWHERE;
            }
            let waiting = self.messages.len() + bound.in_tray - bound.debt;
            if waiting >= bound.capacity {
                match bound.overflow {
                    Overflow::Reject => return Room::Refused(message),
                    Overflow::DropNewest => return Room::Dropped(message),
                    Overflow::DropOldest if bound.in_tray > bound.debt => bound.debt += 1,
                    Overflow::DropOldest => oldest = self.displace(),
                }
            }
        }
        self.accept(message);
        Room::Made(oldest)
    }

    /// Whom something that has just come gets up. To be acted upon without the lock.
    #[inline]
    pub(super) fn rouse(&mut self) -> Rouse {
        if !std::mem::take(&mut self.parked) {
            return Rouse::Nobody;
        }
        self.waker.take().map_or(Rouse::Process, Rouse::Other)
    }

    /// Takes the oldest message out; those behind it move up by one place.
    #[cold]
    fn displace(&mut self) -> Option<M> {
        let front = self.accepted - self.messages.len() as u64;
        let oldest = self.messages.pop_front()?;
        self.accepted -= 1;
        for (place, _) in self.signals.iter_mut().filter(|(place, _)| *place > front) {
            *place -= 1;
        }
        Some(oldest)
    }

    pub(super) fn post(&mut self, post: Post<M>) {
        self.signals.push_back((self.accepted, post));
    }

    /// Moves everything to the tray. All signals have been looked at.
    pub(super) fn move_to(&mut self, tray: &mut Tray<M, Notice<M>>) {
        tray.refill(&mut self.messages);
        if let Some(bound) = &mut self.bound {
            bound.in_tray = tray.messages();
        }
        if !self.signals.is_empty() {
            for (place, post) in self.all_signals() {
                if let Post::Notice(notice) = post {
                    tray.notice(place, notice);
                }
            }
        }
    }

    fn all_signals(&mut self) -> impl Iterator<Item = (u64, Post<M>)> + '_ {
        self.gone = self.gone.wrapping_add(self.signals.len() as u32);
        (self.looked_at, self.spent) = (0, 0);
        self.signals.drain(..)
    }

    /// For bounded mailboxes: drops what senders have displaced, lets something be taken, and tells senders how
    /// much still waits. What is to be dropped comes back.
    pub(super) fn settle<T>(
        &mut self,
        tray: &mut Tray<M, Notice<M>>,
        take: impl FnOnce(&mut Tray<M, Notice<M>>) -> T,
    ) -> (Vec<M>, T) {
        let Some(bound) = &mut self.bound else { return (Vec::new(), take(tray)) };
        let debt = std::mem::take(&mut bound.debt);
        let dropped = (0..debt).map_while(|_| tray.take_oldest_message()).collect();
        let taken = take(tray);
        bound.in_tray = tray.messages();
        (dropped, taken)
    }

    /// The next signal nobody has looked at.
    pub(super) fn next_signal(&mut self) -> Option<Fresh> {
        self.forget_spent();
        while !self.all_looked_at() {
            let index = self.looked_at;
            self.looked_at += 1;
            let post = &mut self.signals[index as usize].1;
            if matches!(post, Post::Signal(_)) {
                if let Post::Signal(signal) = std::mem::replace(post, Post::Spent) {
                    self.spent += 1;
                    let number = self.gone.wrapping_add(index);
                    return Some(Fresh { signal, number, last: self.all_looked_at() });
                }
            }
        }
        None
    }

    /// Lets go of the places of spent signals: those in front always, all of them if they are the greater part.
    fn forget_spent(&mut self) {
        while matches!(self.signals.front(), Some((_, Post::Spent))) {
            self.signals.pop_front();
            self.looked_at -= 1;
            self.spent -= 1;
            self.gone = self.gone.wrapping_add(1);
        }
        if self.spent > SPENT_MAX && self.spent > self.looked_at / 2 {
            self.signals.retain(|(_, post)| !matches!(post, Post::Spent));
            self.looked_at -= self.spent;
            self.gone = self.gone.wrapping_add(self.spent);
            self.spent = 0;
        }
    }

    /// Puts a notice where its signal lay.
    pub(super) fn put_notice(&mut self, number: u32, notice: Notice<M>) {
        let index = number.wrapping_sub(self.gone) as usize;
        match self.signals.get_mut(index) {
            Some((_, post @ Post::Spent)) => {
                *post = Post::Notice(notice);
                self.spent -= 1;
            }
            // A context that was carried into another task has taken everything meanwhile.
            _ => {
                let looked_at = self.all_looked_at();
                self.post(Post::Notice(notice));
                self.looked_at += u32::from(looked_at);
            }
        }
    }

    /// Takes a notice that waits, whatever is ahead of it; its place stays.
    pub(super) fn take_notice(
        &mut self,
        mut wanted: impl FnMut(&Notice<M>) -> bool,
    ) -> Option<Notice<M>> {
        let is_wanted = |post: &Post<M>| matches!(post, Post::Notice(notice) if wanted(notice));
        let index = self.signals.iter().map(|(_, post)| post).position(is_wanted)?;
        if (index as u64) < u64::from(self.looked_at) {
            self.spent += 1;
            let post = std::mem::replace(&mut self.signals[index].1, Post::Spent);
            return if let Post::Notice(notice) = post { Some(notice) } else { None };
        }
        match self.signals.remove(index) {
            Some((_, Post::Notice(notice))) => Some(notice),
            _ => None,
        }
    }

    /// Empties both lanes.
    pub(super) fn empty(&mut self) -> Unread<M> {
        let messages = std::mem::take(&mut self.messages);
        let (mut signals, mut notices) = (Vec::new(), Vec::new());
        for (_, post) in self.all_signals() {
            match post {
                Post::Signal(signal) => signals.push(signal),
                Post::Notice(notice) => notices.push(notice),
                Post::Spent => {}
            }
        }
        Unread { messages, notices, signals }
    }

    /// Whether a rush has left room behind.
    pub(super) fn has_spare_room(&self) -> bool {
        is_roomy(&self.messages) || is_roomy(&self.signals)
    }

    /// Room that a rush has left behind, to be given back outside of the lock. Both lanes are empty.
    pub(super) fn spare_room(&mut self) -> impl Sized + use<M> {
        let messages = is_roomy(&self.messages).then(|| std::mem::take(&mut self.messages));
        let signals = is_roomy(&self.signals).then(|| std::mem::take(&mut self.signals));
        (messages, signals)
    }

    /// Gives back memory that is not needed now.
    pub(super) fn shrink(&mut self) {
        self.messages.shrink_to_fit();
        self.signals.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fauxtp_logic::signal::Origin;
    use fauxtp_logic::{ExitReason, Pid, Ref};

    use crate::signal::Exit;

    const SOMEBODY: Pid = Pid { node: 0, id: 1, serial: 0, creation: 0 };

    fn notice(number: u32) -> Notice<u8> {
        let from = Pid { id: number, ..SOMEBODY };
        Notice::Exit(Exit { from, reason: ExitReason::Normal, origin: Origin::Sent })
    }

    fn number(notice: &Notice<u8>) -> u32 {
        if let Notice::Exit(exit) = notice { exit.from.id } else { 0 }
    }

    fn signal() -> Post<u8> {
        Post::Signal(Signal::Unlink { from: SOMEBODY, id: Ref { node: 0, number: 0 } })
    }

    /// Goal: what lies behind an unread notice costs nothing once it is spent, and order is kept. Method: long
    /// random histories of posts, looks and selective takes, against a plain list.
    #[test]
    fn spent_signals_leave_nothing_and_move_nothing() {
        for step in 1..40_u32 {
            let mut lanes = Lanes::<u8>::new(Mailbox::UNBOUNDED);
            let mut unread = Vec::new();
            let mut widest = 0;
            for round in 0..20_000_u32 {
                lanes.post(signal());
                let Some(fresh) = lanes.next_signal() else { panic!("round {round}") };
                assert!(fresh.last && lanes.all_looked_at());
                // In the midst of that, something is taken out.
                if round % 7 == step % 7 && unread.len() > 1 {
                    let middle: u32 = unread.remove(unread.len() / 2);
                    let taken = lanes.take_notice(|notice| number(notice) == middle);
                    assert_eq!(taken.as_ref().map(number), Some(middle));
                }
                if round % (step * step) == 0 {
                    lanes.put_notice(fresh.number, notice(round));
                    unread.push(round);
                }
                widest = widest.max(lanes.signals.len());
                assert!(lanes.signals.len() <= 2 * unread.len() + SPENT_MAX as usize + 4);
            }
            assert!(widest > 0);
            let mut tray = Tray::default();
            lanes.move_to(&mut tray);
            for expected in unread {
                let taken = tray.take_notice(|_| true);
                assert_eq!(taken.as_ref().map(number), Some(expected));
            }
            assert!(tray.is_empty() && lanes.is_empty());
        }
    }

    /// A process that had had many messages once kept the room for them as long as it lived.
    #[test]
    fn a_rush_leaves_no_room_behind() {
        for (rush, is_kept) in [(100, true), (100_000, false)] {
            let mut lanes = Lanes::<u64>::new(Mailbox::UNBOUNDED);
            let mut tray = Tray::default();
            // Twice, for the lanes and the tray swap what they have.
            for _ in 0..2 {
                for number in 0..rush {
                    lanes.accept(number);
                }
                lanes.move_to(&mut tray);
                while tray.take().is_some() {}
            }
            drop(lanes.spare_room());
            tray.give_back_room();
            assert_eq!(lanes.messages.capacity() > 0, is_kept, "{rush}");
            assert_eq!(tray.capacity() > 0, is_kept, "{rush}");
        }
    }
}
