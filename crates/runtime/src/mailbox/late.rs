//! Messages that a simulation delivers later than they were sent.

use std::sync::Arc;

use super::{SendError, Shared};
use crate::current;
use crate::executor;
use crate::guard::drop_each;

impl<M: Send + 'static> Shared<M> {
    /// Leaves a message to a simulation that wants to deliver it late. A bounded inbox has to say at once whether it
    /// takes it.
    #[inline]
    pub(super) fn put_off(self: &Arc<Self>, message: M) -> Option<M> {
        let (scheduler, pid) = (self.core.executor.scheduler(), self.core.pid);
        scheduler.sent(current::pid, pid, std::any::type_name::<M>());
        let at_once = scheduler.delivers_at_once(current::pid, pid)
            || !self.core.may_be_open()
            || self.lanes.lock().is_bounded();
        if at_once {
            return Some(message);
        }
        let shared = self.clone();
        scheduler.deliver_later(current::pid, pid, move || shared.arrive_late(message));
        // Somebody has to deliver it, also if nobody has anything to do.
        self.core.executor.rouse();
        None
    }

    /// A late message arrives. If the process has ended meanwhile, it is as if the message had been in its inbox.
    fn arrive_late(self: &Arc<Self>, message: M) {
        match self.deliver(message, &mut 0) {
            Ok(true) => executor::wake(self),
            Ok(false) => {}
            Err(SendError::NoProc(message) | SendError::Full(message)) => {
                let _entered = current::enter(self.clone());
                drop_each(Some(message));
                let (unkept, fate) = self.core.private(|private| {
                    (std::mem::take(&mut private.possessions().unkept), private.fate.clone())
                });
                current::settle_all(unkept, fate.as_ref());
            }
        }
    }
}
