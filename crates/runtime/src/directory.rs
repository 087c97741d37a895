//! Who holds which name. Found by hash, in one of several parts, so that readers on several cores seldom meet.

use std::any::Any;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use fauxtp_logic::Pid;

use crate::sync::{RwLock, SHARDS};

/// A way to a process for those who know its messages.
pub(crate) type Holder = Arc<dyn Any + Send + Sync>;

/// Names, and who holds them.
pub(crate) struct Directory {
    parts: [RwLock<Part>; SHARDS],
}

// order: looked up by name only; a list of them is sorted.
type Part = HashMap<Arc<str>, (Pid, Holder)>;

/// For so many names a part keeps its room.
const ROOM: usize = 64;

impl Directory {
    pub(crate) fn new() -> Self {
        Self { parts: std::array::from_fn(|_| RwLock::new(Part::new())) }
    }

    /// Where a name belongs. By its end only: most names differ there, and whoever chooses them to meet in one part gains
    /// no more than that readers meet as well.
    fn part(&self, name: &str) -> &RwLock<Part> {
        let end = name.bytes().rev().take(8).fold(0, |end: u64, byte| end << 8 | u64::from(byte));
        let spread = end.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        &self.parts[spread as usize % SHARDS]
    }

    /// Enters a holder. One that is in the way and dead is replaced; one that is not is the error.
    pub(crate) fn enter(
        &self,
        name: Arc<str>,
        pid: Pid,
        holder: Holder,
        is_alive: impl FnOnce(Pid) -> bool,
    ) -> Result<(), Pid> {
        let mut part = self.part(&name).write();
        let former = match part.entry(name) {
            Entry::Vacant(place) => {
                place.insert((pid, holder));
                None
            }
            Entry::Occupied(mut place) => {
                let known = place.get().0;
                if known == pid || is_alive(known) {
                    return Err(known);
                }
                Some(place.insert((pid, holder)))
            }
        };
        // It may be the last way to that process, whose parts are the user's.
        drop(part);
        drop(former);
        Ok(())
    }

    /// Who holds a name, alive or not.
    pub(crate) fn find(&self, name: &str) -> Option<Holder> {
        self.part(name).read().get(name).map(|(_, holder)| holder.clone())
    }

    /// The same, as a pid.
    pub(crate) fn pid(&self, name: &str) -> Option<Pid> {
        self.part(name).read().get(name).map(|(pid, _)| *pid)
    }

    /// Frees a name, if that process holds it.
    pub(crate) fn remove(&self, name: &str, owner: Pid) {
        let mut part = self.part(name).write();
        let held = part.get(name).is_some_and(|(pid, _)| *pid == owner);
        let former = if held { part.remove(name) } else { None };
        // A rush of names leaves no room behind; what is usual stays.
        if part.capacity() > ROOM && part.len() < part.capacity() / 4 {
            let room = part.len() * 2;
            part.shrink_to(room);
        }
        drop(part);
        drop(former);
    }

    /// Every name and its holder, by name.
    pub(crate) fn list(&self) -> Vec<(Arc<str>, Pid)> {
        let mut all = Vec::new();
        for part in &self.parts {
            all.extend(part.read().iter().map(|(name, (pid, _))| (name.clone(), *pid)));
        }
        all.sort_unstable();
        all
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    const ANN: Pid = Pid { node: 0, id: 1, serial: 0, creation: 0 };
    const BOB: Pid = Pid { node: 0, id: 2, serial: 0, creation: 0 };

    fn names(directory: &Directory) -> Vec<(String, Pid)> {
        directory.list().into_iter().map(|(name, pid)| (name.as_ref().to_owned(), pid)).collect()
    }

    #[test]
    fn a_name_has_one_holder_and_the_dead_make_room() {
        let directory = Directory::new();
        let enter =
            |name: &str, pid, alive| directory.enter(name.into(), pid, Arc::new(pid), |_| alive);
        assert_eq!(enter("b", ANN, true), Ok(()));
        assert_eq!(enter("a", BOB, true), Ok(()));
        assert_eq!(enter("b", BOB, true), Err(ANN));
        assert_eq!(enter("b", ANN, false), Err(ANN), "nobody is in his own way");
        assert_eq!(enter("b", BOB, false), Ok(()));
        assert_eq!(names(&directory), [("a".to_owned(), BOB), ("b".to_owned(), BOB)]);
        let holder = directory.find("b").expect("it is held");
        assert_eq!(holder.downcast_ref(), Some(&BOB));
        directory.remove("b", ANN);
        assert_eq!(directory.pid("b"), Some(BOB), "a successor stays");
        directory.remove("b", BOB);
        assert_eq!(names(&directory), [("a".to_owned(), BOB)]);
    }

    #[test]
    fn a_hundred_thousand_names_come_and_go() {
        let directory = Directory::new();
        for number in 0..100_000 {
            let name = number.to_string().into();
            assert_eq!(directory.enter(name, ANN, Arc::new(number), |_| true), Ok(()));
        }
        assert_eq!(directory.list().len(), 100_000);
        for number in 0..100_000 {
            let holder = directory.find(&number.to_string()).expect("it is held");
            assert_eq!(holder.downcast_ref(), Some(&number));
            directory.remove(&number.to_string(), ANN);
        }
        assert!(directory.list().is_empty());
        let room = |part: &RwLock<Part>| part.read().capacity();
        assert!(directory.parts.iter().all(|part| room(part) <= 2 * ROOM), "it is given back");
    }
}
