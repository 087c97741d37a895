//! The inbox of a process: one lock, one order, two lanes.
//!
//! Messages and signals arrive in one order, but messages outnumber signals a million to one. So messages
//! lie bare in a queue of their own, and a signal carries its *place*: how many messages were accepted
//! before it. The reader takes whole batches of messages, one lock each, and knows from the places where
//! between them an exit or a down belongs.

mod policy;

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Wake, Waker};

use fauxtp_logic::tray::{Item, Tray};
use fauxtp_logic::{ExitReason, Pid, Ref};

use crate::executor::{self, Berth, Executor, Fiber};
use crate::guard::drop_each;
use crate::shared::{Core, Process};
use crate::signal::{Down, Exit, Signal};
use crate::sync::Mutex;

pub use policy::{Mailbox, Overflow, SendError, ZeroCapacity};

/// What reaches user code besides messages.
#[derive(Debug)]
pub(crate) enum Notice<M> {
    Exit(Exit),
    Down(Down),
    Stop { from: Pid, reason: ExitReason },
    Timer(Ref, M),
}

/// A process as those see it who may send it messages.
pub(crate) struct Shared<M> {
    pub(crate) core: Core,
    lanes: Mutex<Lanes<M>>,
}

struct Lanes<M> {
    messages: VecDeque<M>,
    /// Places never decrease from front to back.
    signals: VecDeque<(u64, Post<M>)>,
    /// How many of `signals` the process has looked at already; those left are notices. As small as will do:
    /// it is part of every process.
    looked_at: u32,
    /// How many posts have left `signals` at the front; wraps.
    gone: u32,
    /// How many messages were accepted so far.
    accepted: u64,
    /// Whether the reader waits for a message.
    parked: bool,
    closed: bool,
    /// The reader's waker, if it is not the process's own (inside a `select!` of somebody else's, say).
    waker: Option<Waker>,
    bound: Option<Box<Bound>>,
}

enum Post<M> {
    Signal(Signal),
    Notice(Notice<M>),
    /// A signal that has been taken in; its place is kept until those before it are gone.
    Taken,
}

struct Bound {
    capacity: usize,
    overflow: Overflow,
    /// Messages the reader has taken over but not handled. Written by the reader.
    in_tray: usize,
    /// How many of those it must drop, oldest first. Written by senders.
    debt: usize,
}

/// What became of a look into the inbox.
pub(crate) enum Taken {
    /// Something is in the tray.
    Something,
    /// Signals must be taken in first.
    Signals,
    Nothing,
}

impl<M: Send + 'static> Shared<M> {
    pub(crate) fn new(core: Core, mailbox: Mailbox) -> Self {
        let bound = mailbox.bound.map(|(capacity, overflow)| {
            Box::new(Bound { capacity, overflow, in_tray: 0, debt: 0 })
        });
        Self {
            core,
            lanes: Mutex::new(Lanes {
                messages: VecDeque::new(),
                signals: VecDeque::new(),
                looked_at: 0,
                gone: 0,
                accepted: 0,
                parked: false,
                closed: false,
                waker: None,
                bound,
            }),
        }
    }

    /// Delivers a message.
    #[inline]
    pub(crate) fn push(self: &Arc<Self>, message: M) -> Result<(), SendError<M>> {
        if self.deliver(message)? {
            executor::wake(self);
        }
        Ok(())
    }

    /// The same by somebody who waits for what comes of it: the process may run on his stack.
    #[inline]
    pub(crate) fn push_and_wait(
        self: &Arc<Self>,
        message: M,
        cx: &mut Context<'_>,
    ) -> Result<(), SendError<M>> {
        if self.deliver(message)? {
            self.run_or_wake(cx);
        }
        Ok(())
    }

    fn run_or_wake(self: &Arc<Self>, cx: &mut Context<'_>) {
        if !Executor::run_on_the_spot(self, cx) {
            executor::wake(self);
        }
    }

    /// Whoever is refused by the inbox knows of the end, and so everybody has to have been told.
    #[cold]
    fn wait_for_its_end(&self) {
        let _dead = self.core.is_alive();
    }

    /// Puts a message in the inbox, the one function through which messages go; tells whether the process
    /// waits and has to be woken.
    #[inline]
    fn deliver(&self, message: M) -> Result<bool, SendError<M>> {
        if !self.core.may_be_open() {
            return Err(SendError::NoProc(message));
        }
        let mut dropped = None;
        let mut lanes = self.lanes.lock();
        if lanes.closed {
            drop(lanes);
            self.wait_for_its_end();
            return Err(SendError::NoProc(message));
        }
        if lanes.bound.is_some() {
            match lanes.make_room(message) {
                Room::Made(message, oldest) => {
                    dropped = oldest;
                    lanes.accept(message);
                }
                Room::Refused(message) => return Err(SendError::Full(message)),
                Room::Dropped(message) => dropped = Some(message),
            }
        } else {
            lanes.accept(message);
        }
        let wake = std::mem::take(&mut lanes.parked).then(|| lanes.waker.take());
        drop(lanes);
        let wakes = match wake {
            Some(Some(waker)) => {
                waker.wake();
                false
            }
            Some(None) => true,
            None => false,
        };
        if dropped.is_some() {
            crate::instrument::dropped(&self.core);
        }
        drop(dropped);
        Ok(wakes)
    }

    fn post(&self, post: Post<M>) -> Result<(), Post<M>> {
        let mut lanes = self.lanes.lock();
        if lanes.closed {
            drop(lanes);
            self.wait_for_its_end();
            return Err(post);
        }
        let place = lanes.accepted;
        lanes.signals.push_back((place, post));
        lanes.parked = false;
        let waker = lanes.waker.take();
        // Pairs with the swap in `take_in`; the lock orders the rest.
        self.core.signalled.store(true, Ordering::Release);
        drop(lanes);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Delivers the message of an expired timer, behind everything that is there (TMR-003).
    pub(crate) fn expire(self: &Arc<Self>, timer: Ref, message: M) {
        if self.post(Post::Notice(Notice::Timer(timer, message))).is_ok() {
            executor::wake(self);
        }
    }

    fn post_signal(&self, signal: Signal) -> Result<(), Signal> {
        self.post(Post::Signal(signal)).map_err(|post| match post {
            Post::Signal(signal) => signal,
            Post::Notice(_) | Post::Taken => unreachable!("a refused signal comes back as it was"),
        })
    }

    /// Moves everything that has arrived to the tray, if no signal has to be taken in before.
    pub(crate) fn take(&self, tray: &mut Tray<M, Notice<M>>, cx: &mut Context<'_>) -> Taken {
        let mut lanes = self.lanes.lock();
        if (lanes.looked_at as usize) < lanes.signals.len() {
            return Taken::Signals;
        }
        if lanes.messages.is_empty() && lanes.signals.is_empty() {
            lanes.parked = true;
            // A waker made of this very object.
            let own = cx.waker().data() == std::ptr::from_ref(self).cast();
            let former =
                if own { lanes.waker.take() } else { lanes.waker.replace(cx.waker().clone()) };
            drop(lanes);
            drop(former);
            return Taken::Nothing;
        }
        tray.refill(&mut lanes.messages);
        if let Some(bound) = &mut lanes.bound {
            bound.in_tray = tray.messages();
        }
        if !lanes.signals.is_empty() {
            lanes.looked_at = 0;
            lanes.gone = lanes.gone.wrapping_add(lanes.signals.len() as u32);
            for (place, post) in lanes.signals.drain(..) {
                if let Post::Notice(notice) = post {
                    tray.notice(place, notice);
                }
            }
        }
        Taken::Something
    }

    /// For bounded mailboxes: drops what senders have displaced, and tells them how much still waits.
    pub(crate) fn pay_debt(&self, tray: &mut Tray<M, Notice<M>>) -> bool {
        let (dropped, ()) = self.settled(tray, |_| ());
        let any = !dropped.is_empty();
        drop_each(dropped);
        any
    }

    /// For bounded mailboxes: takes the oldest item, in one step as far as senders can see.
    pub(crate) fn take_bounded(&self, tray: &mut Tray<M, Notice<M>>) -> Option<Item<M, Notice<M>>> {
        let (dropped, item) = self.settled(tray, Tray::take);
        drop_each(dropped);
        item
    }

    /// What is dropped comes back, to be dropped outside of the lock.
    fn settled<T>(
        &self,
        tray: &mut Tray<M, Notice<M>>,
        take: impl FnOnce(&mut Tray<M, Notice<M>>) -> T,
    ) -> (Vec<M>, T) {
        let mut lanes = self.lanes.lock();
        let Some(bound) = &mut lanes.bound else { return (Vec::new(), take(tray)) };
        let debt = std::mem::take(&mut bound.debt);
        let dropped = (0..debt).map_while(|_| tray.take_oldest_message()).collect();
        let taken = take(tray);
        bound.in_tray = tray.messages();
        (dropped, taken)
    }

    /// The next signal nobody has looked at, where it lay, and whether it is the last one. If it becomes a
    /// notice, that goes back there by [`put_notice`](Self::put_notice).
    pub(crate) fn next_signal(&self) -> Option<(u32, Signal, bool)> {
        let mut lanes = self.lanes.lock();
        while matches!(lanes.signals.front(), Some((_, Post::Taken))) {
            lanes.signals.pop_front();
            lanes.looked_at -= 1;
            lanes.gone = lanes.gone.wrapping_add(1);
        }
        while (lanes.looked_at as usize) < lanes.signals.len() {
            let index = lanes.looked_at as usize;
            lanes.looked_at += 1;
            let post = &mut lanes.signals[index].1;
            if matches!(post, Post::Signal(_)) {
                if let Post::Signal(signal) = std::mem::replace(post, Post::Taken) {
                    let number = lanes.gone.wrapping_add(index as u32);
                    return Some((number, signal, index + 1 == lanes.signals.len()));
                }
            }
        }
        None
    }

    /// Puts a notice where its signal lay.
    pub(crate) fn put_notice(&self, number: u32, notice: Notice<M>) {
        let mut lanes = self.lanes.lock();
        let index = number.wrapping_sub(lanes.gone) as usize;
        let place = lanes.accepted;
        match lanes.signals.get_mut(index) {
            Some((_, post @ Post::Taken)) => *post = Post::Notice(notice),
            // A context that was carried into another task has taken everything meanwhile.
            _ => {
                if lanes.looked_at as usize == lanes.signals.len() {
                    lanes.looked_at += 1;
                }
                lanes.signals.push_back((place, Post::Notice(notice)));
            }
        }
        let waker = std::mem::take(&mut lanes.parked).then(|| lanes.waker.take()).flatten();
        drop(lanes);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// A reader outside of the process waits until that has taken in its signals; false if it has.
    pub(crate) fn park_elsewhere(&self, cx: &Context<'_>) -> bool {
        let mut lanes = self.lanes.lock();
        if lanes.looked_at as usize == lanes.signals.len() {
            return false;
        }
        self.core.read_elsewhere.store(true, Ordering::Relaxed);
        lanes.parked = true;
        let former = lanes.waker.replace(cx.waker().clone());
        drop(lanes);
        drop(former);
        true
    }

    /// Wakes a reader outside of the process.
    pub(crate) fn wake_reader(&self) {
        let waker = self.lanes.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes a notice that waits, whatever is ahead of it.
    pub(crate) fn take_notice(
        &self,
        mut wanted: impl FnMut(&Notice<M>) -> bool,
    ) -> Option<Notice<M>> {
        let mut lanes = self.lanes.lock();
        let index = lanes
            .signals
            .iter()
            .position(|(_, post)| matches!(post, Post::Notice(notice) if wanted(notice)))?;
        if index < lanes.looked_at as usize {
            lanes.looked_at -= 1;
        }
        match lanes.signals.remove(index) {
            Some((_, Post::Notice(notice))) => Some(notice),
            _ => None,
        }
    }

    /// The process leaves: nothing comes in any more, if nothing is in it now. Otherwise that comes out, and
    /// the inbox stays open.
    pub(crate) fn close_if_empty(&self) -> Option<Unread<M>> {
        let mut lanes = self.lanes.lock();
        if !lanes.messages.is_empty() || !lanes.signals.is_empty() {
            return Some(lanes.empty());
        }
        let waker = self.close_locked(&mut lanes);
        drop(lanes);
        drop(waker);
        None
    }

    /// The process leaves, and nothing comes in any more; what was there comes out.
    pub(crate) fn close(&self) -> Unread<M> {
        let mut lanes = self.lanes.lock();
        let waker = self.close_locked(&mut lanes);
        let unread = lanes.empty();
        drop(lanes);
        drop(waker);
        unread
    }

    fn close_locked(&self, lanes: &mut Lanes<M>) -> Option<Waker> {
        self.core.mark_leaving();
        lanes.closed = true;
        lanes.waker.take()
    }
}

/// What was in an inbox.
pub(crate) struct Unread<M> {
    pub(crate) messages: VecDeque<M>,
    pub(crate) notices: Vec<Notice<M>>,
    pub(crate) signals: Vec<Signal>,
}

enum Room<M> {
    /// There is room for the message, perhaps because the oldest one was taken out.
    Made(M, Option<M>),
    Refused(M),
    Dropped(M),
}

impl<M> Lanes<M> {
    fn empty(&mut self) -> Unread<M> {
        let messages = std::mem::take(&mut self.messages);
        let (mut signals, mut notices) = (Vec::new(), Vec::new());
        self.looked_at = 0;
        self.gone = self.gone.wrapping_add(self.signals.len() as u32);
        for (_, post) in self.signals.drain(..) {
            match post {
                Post::Signal(signal) => signals.push(signal),
                Post::Notice(notice) => notices.push(notice),
                Post::Taken => {}
            }
        }
        Unread { messages, notices, signals }
    }

    fn accept(&mut self, message: M) {
        self.accepted += 1;
        self.messages.push_back(message);
    }

    fn make_room(&mut self, message: M) -> Room<M> {
        let Some(bound) = &mut self.bound else { return Room::Made(message, None) };
        let waiting = self.messages.len() + bound.in_tray - bound.debt;
        if waiting < bound.capacity {
            return Room::Made(message, None);
        }
        match bound.overflow {
            Overflow::Reject => Room::Refused(message),
            Overflow::DropNewest => Room::Dropped(message),
            Overflow::DropOldest if bound.in_tray > bound.debt => {
                bound.debt += 1;
                Room::Made(message, None)
            }
            Overflow::DropOldest => {
                let front = self.accepted - self.messages.len() as u64;
                let oldest = self.messages.pop_front();
                self.accepted -= 1;
                for (place, _) in self.signals.iter_mut().filter(|(place, _)| *place > front) {
                    *place -= 1;
                }
                Room::Made(message, oldest)
            }
        }
    }
}

impl<M: Send + 'static> Fiber for Shared<M> {
    fn berth(&self) -> &Berth {
        &self.core.berth
    }

    fn executor(&self) -> &Arc<Executor> {
        &self.core.executor
    }
}

impl<M: Send + 'static> Wake for Shared<M> {
    fn wake(self: Arc<Self>) {
        executor::wake(&self);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        executor::wake(self);
    }
}

impl<M: Send + 'static> Process for Shared<M> {
    fn core(&self) -> &Core {
        &self.core
    }

    fn signal(self: Arc<Self>, signal: Signal) -> Result<(), Signal> {
        self.post_signal(signal)?;
        executor::wake(&self);
        Ok(())
    }

    fn signal_and_wait(
        self: Arc<Self>,
        signal: Signal,
        cx: &mut Context<'_>,
    ) -> Result<(), Signal> {
        self.post_signal(signal)?;
        self.run_or_wake(cx);
        Ok(())
    }

    fn rouse(self: Arc<Self>) {
        executor::wake(&self);
    }

    fn rouse_and_wait(self: Arc<Self>, cx: &mut Context<'_>) {
        self.run_or_wake(cx);
    }

    fn end(&self) {
        executor::end(self);
    }

    fn queue_len(&self) -> usize {
        self.lanes.lock().messages.len()
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
