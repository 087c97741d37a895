//! The inbox of a process: one lock, one order, two lanes.
//!
//! Messages and signals arrive in one order, but messages outnumber signals a million to one. So messages
//! lie bare in a queue of their own, and a signal carries its *place*: how many messages were accepted
//! before it. The reader takes whole batches of messages, one lock each, and knows from the places where
//! between them an exit or a down belongs.

mod lanes;
mod late;
mod policy;

use std::any::Any;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use fauxtp_logic::tray::{Item, Tray};
use fauxtp_logic::{ExitReason, Pid, Ref};

use crate::current;
use crate::executor::{self, Berth, Executor, Fiber, Stage};
use crate::guard::drop_each;
use crate::shared::{Barrier, Core, Process};
use crate::signal::{Down, Exit, Signal};
use crate::sync::atomic::Ordering;
use crate::sync::{Mutex, MutexGuard};
use crate::wait::SOMEWHERE;

use lanes::{Lanes, Post, Room, Rouse};

pub(crate) use lanes::{Fresh, Unread};
pub use policy::{Mailbox, Overflow, SendError, ZeroCapacity};

/// What reaches user code besides messages.
pub(crate) enum Notice<M> {
    Exit(Exit),
    Down(Down),
    Stop {
        from: Pid,
        reason: ExitReason,
    },
    Timer(Ref, M),
    /// Somebody waits until everything before this has been handled; user code never sees it.
    Barrier(Barrier),
}

/// A process as those see it who may send it messages.
pub(crate) struct Shared<M> {
    pub(crate) core: Core,
    lanes: Mutex<Lanes<M>>,
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
        Self { core, lanes: Mutex::new(Lanes::new(mailbox)) }
    }

    /// Delivers a message.
    #[inline]
    pub(crate) fn push(self: &Arc<Self>, message: M) -> Result<(), SendError<M>> {
        let Some(message) = self.put_off(message) else { return Ok(()) };
        if self.deliver(message, &mut 0)? {
            executor::wake(self);
        }
        Ok(())
    }

    /// The same by somebody who waits for what comes of it: the process may run on his stack. Tells the place of the
    /// message.
    #[inline]
    pub(crate) fn push_and_wait(
        self: &Arc<Self>,
        message: M,
        cx: &mut Context<'_>,
    ) -> Result<u64, SendError<M>> {
        let Some(message) = self.put_off(message) else { return Ok(SOMEWHERE) };
        let mut place = SOMEWHERE;
        if self.deliver(message, &mut place)? {
            self.run_or_wake(cx);
        }
        Ok(place)
    }

    /// The same by somebody who will wait for what comes of it, but not yet.
    pub(crate) fn push_for_later(self: &Arc<Self>, message: M) -> Result<u64, SendError<M>> {
        let Some(message) = self.put_off(message) else { return Ok(SOMEWHERE) };
        let mut place = SOMEWHERE;
        if self.deliver(message, &mut place)? {
            executor::wake(self);
        }
        Ok(place)
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
    /// waits and has to be woken, and the place of the message where that can be said.
    #[inline]
    fn deliver(&self, message: M, place: &mut u64) -> Result<bool, SendError<M>> {
        if !self.core.may_be_open() {
            return self.refuse(SendError::NoProc(message));
        }
        let mut lanes = self.lanes.lock();
        if lanes.closed {
            drop(lanes);
            self.wait_for_its_end();
            return self.refuse(SendError::NoProc(message));
        }
        if lanes.is_bounded() {
            return self.deliver_bounded(lanes, message, place);
        }
        *place = lanes.accept(message);
        let rouse = self.rouse(&mut lanes);
        drop(lanes);
        self.core.executor.scheduler().accepted(self.core.pid);
        Ok(rouse.wake_others())
    }

    /// The same with a bounded mailbox.
    #[cold]
    fn deliver_bounded(
        &self,
        mut lanes: MutexGuard<'_, Lanes<M>>,
        message: M,
        place: &mut u64,
    ) -> Result<bool, SendError<M>> {
        let (scheduler, pid) = (self.core.executor.scheduler(), self.core.pid);
        let dropped = match lanes.accept_bounded(message, place) {
            Room::Made(oldest) => {
                scheduler.accepted(pid);
                scheduler.displaced(pid, usize::from(oldest.is_some()));
                oldest
            }
            Room::Refused(message) => {
                drop(lanes);
                return self.refuse(SendError::Full(message));
            }
            Room::Dropped(message) => {
                scheduler.returned(pid);
                Some(message)
            }
        };
        let rouse = self.rouse(&mut lanes);
        drop(lanes);
        let wakes = rouse.wake_others();
        if dropped.is_some() {
            crate::instrument::dropped(&self.core);
            // By no process: it is not the sender who owes what it carried.
            current::as_nobody(|| drop_each(dropped));
        }
        Ok(wakes)
    }

    /// Whom a message that has just come gets up.
    #[inline]
    fn rouse(&self, lanes: &mut Lanes<M>) -> Rouse {
        let rouse = lanes.rouse();
        if !matches!(rouse, Rouse::Nobody) {
            // Pairs with the load in `take`.
            self.core.arrived.store(true, Ordering::Release);
        }
        rouse
    }

    #[cold]
    fn refuse(&self, error: SendError<M>) -> Result<bool, SendError<M>> {
        self.core.executor.scheduler().returned(self.core.pid);
        Err(error)
    }

    fn post(&self, post: Post<M>) -> Result<(), Post<M>> {
        let mut lanes = self.lanes.lock();
        if lanes.closed {
            drop(lanes);
            self.wait_for_its_end();
            return Err(post);
        }
        lanes.post(post);
        self.core.executor.scheduler().posted(self.core.pid);
        lanes.parked = false;
        let waker = lanes.waker.take();
        self.core.arrived.store(true, Ordering::Release);
        // Pairs with the swap in `take_in`; the lock orders the rest.
        self.core.signalled.store(true, Ordering::Release);
        drop(lanes);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Delivers the message of an expired timer, behind everything that is there (TMR-003); gives it back if the process
    /// has ended.
    pub(crate) fn expire(self: &Arc<Self>, timer: Ref, message: M) -> Result<(), M> {
        // An errand's outcome comes after what that has sent.
        self.core.executor.scheduler().deliver_all(current::pid, self.core.pid);
        match self.post(Post::Notice(Notice::Timer(timer, message))) {
            Ok(()) => {
                executor::wake(self);
                Ok(())
            }
            Err(Post::Notice(Notice::Timer(_, message))) => Err(message),
            Err(_) => unreachable!("a refused message comes back as it was"),
        }
    }

    fn post_signal(&self, signal: Signal) -> Result<(), Signal> {
        self.core.executor.scheduler().deliver_all(current::pid, self.core.pid);
        self.post(Post::Signal(signal)).map_err(|post| match post {
            Post::Signal(signal) => signal,
            Post::Notice(_) | Post::Spent => unreachable!("a refused signal comes back as it was"),
        })
    }

    /// Moves everything that has arrived to the tray, if no signal has to be taken in before. What arrives next wakes the
    /// reader, who need not look again in the same poll: `alert` says whether the inbox is known to have been empty since,
    /// unless `arrived` is set.
    pub(crate) fn take(
        &self,
        tray: &mut Tray<M, Notice<M>>,
        alert: &mut bool,
        cx: &Context<'_>,
    ) -> Taken {
        // A waker made of this very object.
        let own = cx.waker().data() == std::ptr::from_ref(self).cast();
        *alert &= own;
        // Pairs with the Release in `rouse`, `post` and `put_notice`. Whoever comes later wakes a process that is running.
        if *alert && !self.core.arrived.load(Ordering::Acquire) {
            return self.nothing(tray, own);
        }
        let mut lanes = self.lanes.lock();
        if !lanes.all_looked_at() {
            *alert = false;
            return Taken::Signals;
        }
        let is_empty = lanes.is_empty();
        let mut former = None;
        if own {
            lanes.parked = true;
            former = lanes.waker.take();
            self.core.arrived.store(false, Ordering::Relaxed);
        } else if is_empty {
            lanes.parked = true;
            former = lanes.waker.replace(cx.waker().clone());
        }
        if is_empty {
            let spare = lanes.spare_room();
            drop(lanes);
            drop((former, spare));
            *alert = own;
            return self.nothing(tray, own);
        }
        lanes.move_to(tray);
        // Otherwise it has to be given back.
        *alert = own && !lanes.has_spare_room();
        drop(lanes);
        drop(former);
        Taken::Something
    }

    fn nothing(&self, tray: &mut Tray<M, Notice<M>>, own: bool) -> Taken {
        tray.give_back_room();
        if own {
            self.core.receiving.store(true, Ordering::Relaxed);
            self.core.executor.scheduler().waits(self.core.pid);
        }
        Taken::Nothing
    }

    /// For bounded mailboxes: drops what senders have displaced, and tells them how much still waits.
    pub(crate) fn pay_debt(&self, tray: &mut Tray<M, Notice<M>>) -> bool {
        let (dropped, ()) = self.lanes.lock().settle(tray, |_| ());
        let any = !dropped.is_empty();
        self.core.executor.scheduler().displaced(self.core.pid, dropped.len());
        drop_each(dropped);
        any
    }

    /// For bounded mailboxes: takes the oldest item, in one step as far as senders can see.
    pub(crate) fn take_bounded(&self, tray: &mut Tray<M, Notice<M>>) -> Option<Item<M, Notice<M>>> {
        let (dropped, item) = self.lanes.lock().settle(tray, Tray::take);
        self.core.executor.scheduler().displaced(self.core.pid, dropped.len());
        drop_each(dropped);
        item
    }

    /// The next signal nobody has looked at. If it becomes a notice, that goes back to where it lay by
    /// [`put_notice`](Self::put_notice).
    pub(crate) fn next_signal(&self) -> Option<Fresh> {
        self.lanes.lock().next_signal()
    }

    /// Puts a notice where its signal lay.
    pub(crate) fn put_notice(&self, number: u32, notice: Notice<M>) {
        let mut lanes = self.lanes.lock();
        lanes.put_notice(number, notice);
        let rouse = lanes.rouse();
        self.core.arrived.store(true, Ordering::Release);
        drop(lanes);
        // The process itself is at this very place.
        let _runs = rouse.wake_others();
    }

    /// A reader outside of the process waits until that has taken in its signals; false if it has.
    pub(crate) fn park_elsewhere(&self, cx: &Context<'_>) -> bool {
        let mut lanes = self.lanes.lock();
        if lanes.all_looked_at() {
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
    pub(crate) fn take_notice(&self, wanted: impl FnMut(&Notice<M>) -> bool) -> Option<Notice<M>> {
        self.lanes.lock().take_notice(wanted)
    }

    /// Gives back memory that is not needed now.
    pub(crate) fn shrink(&self) {
        self.lanes.lock().shrink();
    }

    /// The process leaves: nothing comes in any more, if nothing is in it now. Otherwise that comes out, and
    /// the inbox stays open.
    pub(crate) fn close_if_empty(&self) -> Option<Unread<M>> {
        let mut lanes = self.lanes.lock();
        if !lanes.is_empty() {
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

impl<M: Send + 'static> Fiber for Shared<M> {
    fn stage(&self) -> &Stage {
        &self.core.stage
    }

    fn berth(&self) -> &Berth {
        &self.core.berth
    }

    fn executor(&self) -> &Arc<Executor> {
        &self.core.executor
    }

    fn pid(&self) -> Pid {
        self.core.pid
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
        executor::let_go(&self);
        executor::wake(&self);
    }

    fn rouse_and_wait(self: Arc<Self>, cx: &mut Context<'_>) {
        executor::let_go(&self);
        self.run_or_wake(cx);
    }

    fn end(&self) {
        executor::end(self);
    }

    fn queue_len(&self) -> usize {
        self.lanes.lock().waiting()
    }

    fn barrier(self: Arc<Self>, barrier: Barrier) {
        self.core.executor.scheduler().deliver_all(current::pid, self.core.pid);
        if self.post(Post::Notice(Notice::Barrier(barrier))).is_ok() {
            executor::wake(&self);
        }
    }

    fn is_receiving(&self) -> bool {
        let core = &self.core;
        // A reader outside of the process need not have run when this is asked, nor one with a waker of its own.
        core.receiving.load(Ordering::Relaxed)
            || core.read_elsewhere.load(Ordering::Relaxed)
            || self.lanes.lock().waits_with_a_waker()
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
