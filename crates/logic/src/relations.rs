//! Links and monitors of one process.
//!
//! A link is an object with an identity of its own, given by whoever created it. Both ends keep the
//! identities they know of; that makes links that are created and removed from both sides at once come
//! out the same at both ends:
//!
//! ```text
//!   A: link(B) ──Link{r}──►  B: {r}        one entry per creation,
//!   A: {r, s}  ◄──Link{s}──  B: link(A)    one link per pair as far as anybody can see,
//!   A: unlink  ──Unlink{r,s}► B: {}        one unlink removes all that its caller knew of
//! ```

use smallvec::SmallVec;

use crate::few::{Few, List};
use crate::{Pid, Ref};

/// Links and monitors of one process; `W` is how a watcher is reached.
#[derive(Debug)]
pub struct Relations<W> {
    links: Few<(Pid, Ref), ()>,
    watchers: Few<Ref, W>,
    watching: Few<Ref, Pid>,
}

/// Everybody who has to hear of an end, in the order of the contract: links, then watchers; and the
/// processes that can forget a watcher.
#[derive(Debug)]
pub struct Notices<W> {
    /// Linked processes, each once.
    pub links: SmallVec<[Pid; 1]>,
    /// Watchers, oldest first.
    pub watchers: List<Ref, W>,
    /// Processes this one was watching.
    pub watching: List<Ref, Pid>,
}

const LOWEST: Ref = Ref { node: 0, number: 0 };

impl<W> Default for Relations<W> {
    fn default() -> Self {
        Self { links: Few::default(), watchers: Few::default(), watching: Few::default() }
    }
}

impl<W> Relations<W> {
    /// Whether there is a link with `peer`.
    #[must_use]
    pub fn is_linked(&self, peer: Pid) -> bool {
        self.link_ids(peer).next().is_some()
    }

    fn link_ids(&self, peer: Pid) -> impl Iterator<Item = Ref> + '_ {
        let own = move |(pid, _): &&(Pid, Ref)| *pid == peer;
        self.links.keys_from(&(peer, LOWEST)).take_while(own).map(|(_, id)| *id)
    }

    /// Adds a link made by either end.
    pub fn link(&mut self, peer: Pid, id: Ref) {
        self.links.insert((peer, id), ());
    }

    /// Removes every link with `peer`, and says which they were, so that the other end can be told.
    pub fn unlink(&mut self, peer: Pid) -> SmallVec<[Ref; 2]> {
        let ids: SmallVec<[Ref; 2]> = self.link_ids(peer).collect();
        for id in &ids {
            self.links.remove(&(peer, *id));
        }
        ids
    }

    /// The other end has removed this link.
    pub fn unlinked(&mut self, peer: Pid, id: Ref) {
        self.links.remove(&(peer, id));
    }

    /// Linked processes, each once.
    pub fn links(&self) -> impl Iterator<Item = Pid> + '_ {
        let mut last = None;
        self.links.keys().filter_map(move |(pid, _)| {
            let fresh = last != Some(*pid);
            last = Some(*pid);
            fresh.then_some(*pid)
        })
    }

    /// Somebody watches this process.
    pub fn watched_by(&mut self, id: Ref, watcher: W) {
        self.watchers.insert(id, watcher);
    }

    /// Somebody no longer watches this process.
    pub fn forget_watcher(&mut self, id: Ref) -> Option<W> {
        self.watchers.remove(&id)
    }

    /// How many monitors others hold on this process.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.watchers.len()
    }

    /// This process watches `target`.
    pub fn watch(&mut self, id: Ref, target: Pid) {
        self.watching.insert(id, target);
    }

    /// This process no longer watches; says whom it had watched if the monitor was still armed (MON-006).
    pub fn unwatch(&mut self, id: Ref) -> Option<Pid> {
        self.watching.remove(&id)
    }

    /// How many monitors this process holds.
    #[must_use]
    pub fn watching(&self) -> usize {
        self.watching.len()
    }

    /// Those who watch this process, oldest first.
    pub fn watched_by_whom(&self) -> impl Iterator<Item = &W> + '_ {
        self.watchers.values()
    }

    /// Processes this one watches, once for each monitor.
    pub fn watched(&self) -> impl Iterator<Item = Pid> + '_ {
        self.watching.values().copied()
    }

    /// The process has ended: everybody who has to know.
    #[must_use]
    pub fn farewell(self) -> Notices<W> {
        let links = self.links().collect();
        Notices {
            links,
            watchers: self.watchers.into_entries(),
            watching: self.watching.into_entries(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    fn pid(id: u32) -> Pid {
        Pid { node: 0, id, serial: 0, creation: 0 }
    }

    fn id(number: u64) -> Ref {
        Ref { node: 0, number }
    }

    #[test]
    fn many_links_with_one_peer_count_as_one_and_go_together() {
        let mut relations = Relations::<()>::default();
        relations.link(pid(2), id(1));
        relations.link(pid(2), id(7));
        relations.link(pid(1), id(9));
        assert_eq!(relations.links().collect::<Vec<_>>(), vec![pid(1), pid(2)]);
        assert_eq!(relations.unlink(pid(2)).into_vec(), vec![id(1), id(7)]);
        assert!(!relations.is_linked(pid(2)));
        assert!(relations.is_linked(pid(1)));
    }

    /// Goal: both ends agree after any interleaving. Method: every order of delivery of two concurrent
    /// histories of link and unlink, by exhaustion.
    #[test]
    fn both_ends_agree_whatever_crosses_on_the_way() {
        #[derive(Clone, Copy)]
        enum Wire {
            Link(Ref),
            Unlink(Ref),
        }
        let (a, b) = (pid(1), pid(2));
        for history in 0..4_u32.pow(6) {
            let mut ends = [Relations::<()>::default(), Relations::<()>::default()];
            let mut wires: [alloc::collections::VecDeque<Wire>; 2] = Default::default();
            let mut next = 0;
            let mut code = history;
            let deliver = |ends: &mut [Relations<()>; 2], to: usize, wire: Wire| {
                let peer = if to == 0 { b } else { a };
                match wire {
                    Wire::Link(id) => ends[to].link(peer, id),
                    Wire::Unlink(id) => ends[to].unlinked(peer, id),
                }
            };
            for _ in 0..6 {
                let (who, what) = ((code & 1) as usize, (code >> 1) & 1);
                code >>= 2;
                let peer = if who == 0 { b } else { a };
                if what == 0 {
                    if !ends[who].is_linked(peer) {
                        next += 1;
                        ends[who].link(peer, id(next));
                        wires[1 - who].push_back(Wire::Link(id(next)));
                    }
                } else {
                    for removed in ends[who].unlink(peer) {
                        wires[1 - who].push_back(Wire::Unlink(removed));
                    }
                }
                if next % 2 == 0 {
                    if let Some(wire) = wires[who].pop_front() {
                        deliver(&mut ends, who, wire);
                    }
                }
            }
            for to in [0, 1] {
                while let Some(wire) = wires[to].pop_front() {
                    deliver(&mut ends, to, wire);
                }
            }
            assert_eq!(ends[0].is_linked(b), ends[1].is_linked(a), "history {history}");
        }
    }

    #[test]
    fn a_farewell_names_everybody_once() {
        let mut relations = Relations::default();
        relations.link(pid(3), id(1));
        relations.link(pid(3), id(2));
        relations.watched_by(id(6), "v");
        relations.watched_by(id(4), "w");
        relations.watch(id(5), pid(9));
        relations.watch(id(8), pid(9));
        assert_eq!(relations.watched_by_whom().collect::<Vec<_>>(), [&"w", &"v"]);
        assert_eq!(relations.watched().collect::<Vec<_>>(), [pid(9), pid(9)]);
        let notices = relations.farewell();
        assert_eq!(notices.links.into_vec(), vec![pid(3)]);
        assert_eq!(notices.watchers.into_vec(), vec![(id(4), "w"), (id(6), "v")]);
        assert_eq!(notices.watching.into_vec(), vec![(id(5), pid(9)), (id(8), pid(9))]);
    }
}
