//! Selective receive: what has arrived at one process and is not taken yet.
//!
//! Messages and notices (exits, downs, expired timers) arrive in one order but are kept in two lanes, so
//! that a message costs no more than its own size. A notice remembers its *place*: how many messages had
//! been accepted before it. It is due as soon as that many messages are gone.

use alloc::collections::VecDeque;

/// One thing that has arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Item<M, N> {
    /// A message.
    Message(M),
    /// A notice.
    Notice(N),
}

/// Everything that has arrived and is not taken yet, in order.
#[derive(Debug)]
pub struct Tray<M, N> {
    messages: VecDeque<M>,
    /// Places never decrease from front to back.
    notices: VecDeque<(u64, N)>,
    /// How many messages have left the tray; the front message has this place.
    taken: u64,
}

/// How far a selective receive has looked. Only valid as long as nothing is taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    messages: usize,
    notices: usize,
}

impl<M, N> Default for Tray<M, N> {
    fn default() -> Self {
        Self { messages: VecDeque::new(), notices: VecDeque::new(), taken: 0 }
    }
}

impl<M, N> Tray<M, N> {
    /// Takes over a batch of messages; leaves an empty queue whose memory may be used again.
    pub fn refill(&mut self, batch: &mut VecDeque<M>) {
        if self.messages.is_empty() {
            core::mem::swap(&mut self.messages, batch);
        } else {
            self.messages.append(batch);
        }
    }

    /// Takes over a notice with its place.
    pub fn notice(&mut self, place: u64, notice: N) {
        self.notices.push_back((place, notice));
    }

    /// How many messages have left the tray.
    #[must_use]
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// How many messages are in the tray.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.messages.len()
    }

    /// Whether nothing is in the tray.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.notices.is_empty()
    }

    /// How many messages there is room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.messages.capacity()
    }

    /// Gives back the room that a rush has left behind, when all of it is taken. What a process usually needs stays.
    #[inline]
    pub fn give_back_room(&mut self) {
        if self.messages.is_empty() && is_roomy(&self.messages) {
            self.messages = VecDeque::new();
        }
        if self.notices.is_empty() && is_roomy(&self.notices) {
            self.notices = VecDeque::new();
        }
    }

    /// Gives back memory that is not needed now.
    pub fn shrink(&mut self) {
        self.messages.shrink_to_fit();
        self.notices.shrink_to_fit();
    }

    /// Takes the oldest item.
    #[inline]
    pub fn take(&mut self) -> Option<Item<M, N>> {
        if !self.notices.is_empty() && self.notice_is_next() {
            return self.notices.pop_front().map(|(_, notice)| Item::Notice(notice));
        }
        let message = self.messages.pop_front()?;
        self.taken += 1;
        Some(Item::Message(message))
    }

    /// Whether there are messages and no notices at all, the common case.
    #[must_use]
    #[inline]
    pub fn has_plain(&self) -> bool {
        self.notices.is_empty() && !self.messages.is_empty()
    }

    fn notice_is_next(&self) -> bool {
        self.messages.is_empty()
            || self.notices.front().is_some_and(|(place, _)| *place <= self.taken)
    }

    /// Takes the oldest message, notices ahead of it notwithstanding.
    #[inline]
    pub fn take_oldest_message(&mut self) -> Option<M> {
        let message = self.messages.pop_front()?;
        self.taken += 1;
        Some(message)
    }

    /// Takes the oldest item that `wanted` accepts, looking only at what `seen` has not seen.
    pub fn select(
        &mut self,
        seen: &mut Seen,
        mut wanted: impl FnMut(Item<&M, &N>) -> bool,
    ) -> Option<Item<M, N>> {
        loop {
            let place = self.taken + seen.messages as u64;
            let notice = self.notices.get(seen.notices);
            let message = self.messages.get(seen.messages);
            let is_next = |(at, _): &&(u64, N)| message.is_none() || *at <= place;
            match (message, notice.filter(is_next)) {
                (_, Some((_, notice))) => {
                    if wanted(Item::Notice(notice)) {
                        return self.notices.remove(seen.notices).map(|(_, n)| Item::Notice(n));
                    }
                    seen.notices += 1;
                }
                (Some(message), None) => {
                    if wanted(Item::Message(message)) {
                        return self.take_from_middle(seen.messages).map(Item::Message);
                    }
                    seen.messages += 1;
                }
                (None, None) => return None,
            }
        }
    }

    /// Takes a message out of the middle: those before it move up by one place, and so do the notices among them.
    fn take_from_middle(&mut self, index: usize) -> Option<M> {
        let message = self.messages.remove(index)?;
        let place = self.taken + index as u64;
        self.taken += 1;
        for (at, _) in self.notices.iter_mut().take_while(|(at, _)| *at <= place) {
            *at += 1;
        }
        Some(message)
    }

    /// Takes the first notice that `wanted` accepts, whatever is ahead of it.
    pub fn take_notice(&mut self, mut wanted: impl FnMut(&N) -> bool) -> Option<N> {
        let index = self.notices.iter().position(|(_, notice)| wanted(notice))?;
        self.notices.remove(index).map(|(_, notice)| notice)
    }
}

/// Whether a queue takes more memory than an idle process should keep.
#[must_use]
#[inline]
pub fn is_roomy<T>(queue: &VecDeque<T>) -> bool {
    queue.capacity().saturating_mul(size_of::<T>()) > ROOM_MAX_BYTES
}

/// A rush that needs more than this pays for its room each time.
const ROOM_MAX_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use Item::{Message, Notice};

    fn tray(messages: impl IntoIterator<Item = u32>) -> Tray<u32, char> {
        let mut tray = Tray::default();
        tray.refill(&mut messages.into_iter().collect());
        tray
    }

    #[test]
    fn a_notice_comes_after_the_messages_that_were_there_before_it() {
        let mut tray = tray([1, 2]);
        tray.notice(1, 'a');
        tray.notice(2, 'b');
        tray.refill(&mut [3].into_iter().collect());
        let order: alloc::vec::Vec<_> = core::iter::from_fn(|| tray.take()).collect();
        assert_eq!(order, [Message(1), Notice('a'), Message(2), Notice('b'), Message(3)]);
        assert!(tray.is_empty());
    }

    #[test]
    fn selecting_looks_at_everything_once_and_keeps_the_order_of_the_rest() {
        let mut tray = tray([1, 2, 3]);
        tray.notice(2, 'a');
        let mut seen = Seen::default();
        let mut looked = 0;
        assert_eq!(
            tray.select(&mut seen, |_| {
                looked += 1;
                false
            }),
            None
        );
        assert_eq!(looked, 4);
        tray.refill(&mut [4].into_iter().collect());
        assert_eq!(tray.select(&mut seen, |item| item == Message(&4)), Some(Message(4)));
        assert_eq!(tray.select(&mut Seen::default(), |item| item == Message(&2)), Some(Message(2)));
        let rest: alloc::vec::Vec<_> = core::iter::from_fn(|| tray.take()).collect();
        assert_eq!(rest, [Message(1), Notice('a'), Message(3)]);
    }

    #[test]
    fn a_notice_can_be_taken_from_anywhere() {
        let mut tray = tray([1]);
        tray.notice(1, 'a');
        tray.notice(1, 'b');
        assert_eq!(tray.take_notice(|n| *n == 'b'), Some('b'));
        assert_eq!(tray.take_notice(|n| *n == 'b'), None);
        assert_eq!(tray.take(), Some(Message(1)));
        assert_eq!(tray.take(), Some(Notice('a')));
    }

    /// Goal: any mixture of taking and selecting yields arrival order among what is left.
    /// Method: every removal order of four items with two notices, compared with a plain list.
    #[test]
    fn any_order_of_removal_agrees_with_a_plain_list() {
        for code in 0..6_u32.pow(6) {
            let mut tray = tray([0, 1, 2, 3]);
            tray.notice(1, 'a');
            tray.notice(3, 'b');
            let mut list = alloc::vec![
                Message(0),
                Notice('a'),
                Message(1),
                Message(2),
                Notice('b'),
                Message(3)
            ];
            let mut code = code;
            while !list.is_empty() {
                let index = code as usize % list.len();
                code /= 6;
                let expected = list.remove(index);
                let got = if index == 0 {
                    tray.take()
                } else {
                    tray.select(&mut Seen::default(), |item| match (item, &expected) {
                        (Message(a), Message(b)) => a == b,
                        (Notice(a), Notice(b)) => a == b,
                        _ => false,
                    })
                };
                assert_eq!(got, Some(expected));
            }
            assert!(tray.is_empty());
        }
    }
}
