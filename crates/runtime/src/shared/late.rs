//! Requests whose callers have given up, because their deadlines have passed.
//!
//! They are known by the places where their messages lie: what is not taken yet is dropped when its turn comes
//! (CALL-005); what is being handled takes the calls made for it with it (CALL-004).

use super::{Core, Private};
use crate::sync::atomic::Ordering;
use crate::wait::Stage;

/// Those of one process.
#[derive(Default)]
pub(crate) struct Late {
    /// Where those lie that have not been taken yet.
    queued: Vec<u64>,
    /// Where the last one lay that was being handled at that time.
    current: Option<u64>,
    /// How many were dropped unhandled.
    dropped: usize,
}

impl Late {
    /// The message at this place has been taken; nothing if places are lost. Whether it is late, and so dropped. Those
    /// before it that have left in another way are of no interest any more.
    fn take(&mut self, place: Option<u64>) -> bool {
        let is_late = place.is_some_and(|place| self.queued.contains(&place));
        self.dropped += usize::from(is_late);
        self.queued.retain(|late| place.is_some_and(|place| *late > place));
        is_late
    }
}

impl Core {
    /// The caller who sent the message at `place` has given up. To be called by the process itself.
    pub(crate) fn expire(&self, private: &mut Private, place: u64) {
        if private.files_messages {
            return;
        }
        let stage = self.progress.stage(place);
        let late = match stage {
            Stage::Past => return,
            Stage::Queued | Stage::Current => private.possessions().late.get_or_insert_default(),
        };
        match stage {
            Stage::Queued => late.queued.push(place),
            _ => late.current = Some(place),
        }
        self.has_late.store(true, Ordering::Relaxed);
    }

    /// Whether the caller of the request that the process is handling has given up because of its deadline.
    #[inline]
    pub(crate) fn is_overdue(&self) -> bool {
        self.has_late.load(Ordering::Relaxed) && self.private(|private| private.is_late(self))
    }

    /// Whether the caller of the request that has just been taken had given up before. It counts as dropped then.
    #[inline]
    pub(crate) fn drops_late(&self) -> bool {
        self.has_late.load(Ordering::Relaxed) && self.private(|private| private.drop_late(self))
    }
}

impl Private {
    #[cold]
    fn is_late(&self, core: &Core) -> bool {
        if self.ending {
            // What is done at the end is done for nobody.
            return false;
        }
        let late = self.owned().and_then(|owned| owned.late.as_ref());
        late.is_some_and(|late| late.current.is_some() && late.current == core.progress.current())
    }

    #[cold]
    fn drop_late(&mut self, core: &Core) -> bool {
        let Some(late) = &mut self.possessions().late else { return false };
        let is_late = late.take(core.progress.current());
        if late.queued.is_empty() {
            late.current = None;
            core.has_late.store(false, Ordering::Relaxed);
        }
        is_late
    }

    /// How many requests were dropped because their callers had given up.
    pub(super) fn late_dropped(&self) -> usize {
        self.owned().and_then(|owned| owned.late.as_ref()).map_or(0, |late| late.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_requests_are_dropped_once_and_none_is_kept_that_has_left() {
        let mut late = Late { queued: vec![7, 3, 5], ..Late::default() };
        assert!(!late.take(Some(2)) && late.take(Some(3)) && !late.take(Some(3)));
        assert!(!late.take(Some(6)), "5 was taken by somebody who did not ask");
        assert_eq!((&*late.queued, late.dropped), (&[7][..], 1));
        assert!(!late.take(None));
        assert_eq!((late.queued.len(), late.dropped), (0, 1));
    }
}
