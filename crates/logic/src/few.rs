//! A map that is a short sorted list until it grows: most processes have a handful of relations, a few have
//! a hundred thousand.

use alloc::collections::BTreeMap;
use core::borrow::Borrow;
use smallvec::SmallVec;

/// Above this many entries the list becomes a tree, and stays one.
const LIST_MAX: usize = 16;

/// Entries, in order. A single one needs no memory of its own.
pub type List<K, V> = SmallVec<[(K, V); 1]>;

/// A sorted map, small while it has little.
#[derive(Clone, Debug)]
pub struct Few<K, V> {
    entries: Entries<K, V>,
}

#[derive(Clone, Debug)]
enum Entries<K, V> {
    List(List<K, V>),
    Tree(BTreeMap<K, V>),
}

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self { entries: Entries::List(List::new()) }
    }
}

impl<K: Ord, V> Few<K, V> {
    /// Enters a value; returns the one it replaces.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match &mut self.entries {
            Entries::Tree(tree) => tree.insert(key, value),
            Entries::List(list) => match list.binary_search_by(|(known, _)| known.cmp(&key)) {
                Ok(index) => Some(core::mem::replace(&mut list[index].1, value)),
                Err(index) if list.len() < LIST_MAX => {
                    list.insert(index, (key, value));
                    None
                }
                Err(_) => {
                    let mut tree: BTreeMap<K, V> = core::mem::take(list).into_iter().collect();
                    tree.insert(key, value);
                    self.entries = Entries::Tree(tree);
                    None
                }
            },
        }
    }

    /// Removes a value.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        match &mut self.entries {
            Entries::Tree(tree) => tree.remove(key),
            Entries::List(list) => {
                let index = list.binary_search_by(|(known, _)| known.borrow().cmp(key)).ok()?;
                Some(list.remove(index).1)
            }
        }
    }

    /// The keys from `start` on, in order.
    pub fn keys_from<'a>(&'a self, start: &K) -> impl Iterator<Item = &'a K> + use<'a, K, V> {
        let (list, tree) = match &self.entries {
            Entries::List(list) => {
                let from = list.partition_point(|(key, _)| key < start);
                (Some(list[from..].iter().map(|(key, _)| key)), None)
            }
            Entries::Tree(tree) => (None, Some(tree.range(start..).map(|(key, _)| key))),
        };
        list.into_iter().flatten().chain(tree.into_iter().flatten())
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        let (list, tree) = match &self.entries {
            Entries::List(list) => (Some(list.iter().map(|(key, _)| key)), None),
            Entries::Tree(tree) => (None, Some(tree.keys())),
        };
        list.into_iter().flatten().chain(tree.into_iter().flatten())
    }

    /// All values, in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        let (list, tree) = match &self.entries {
            Entries::List(list) => (Some(list.iter().map(|(_, value)| value)), None),
            Entries::Tree(tree) => (None, Some(tree.values())),
        };
        list.into_iter().flatten().chain(tree.into_iter().flatten())
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.entries {
            Entries::List(list) => list.len(),
            Entries::Tree(tree) => tree.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All entries, in order.
    #[must_use]
    pub fn into_entries(self) -> List<K, V> {
        match self.entries {
            Entries::List(list) => list,
            Entries::Tree(tree) => tree.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// Goal: list and tree cannot be told apart. Method: the same random operations on this and on a tree.
    #[test]
    fn it_is_a_sorted_map_whatever_its_size() {
        let mut random = 7_u64;
        for keys in [4_u64, 16, 17, 60] {
            let (mut few, mut tree) = (Few::default(), BTreeMap::new());
            for step in 0..2_000 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let key = random % keys;
                if random & 0x100 == 0 {
                    assert_eq!(few.insert(key, step), tree.insert(key, step));
                } else {
                    assert_eq!(few.remove(&key), tree.remove(&key));
                }
                assert_eq!((few.len(), few.is_empty()), (tree.len(), tree.is_empty()));
                assert!(few.keys().eq(tree.keys()));
                assert!(few.values().eq(tree.values()));
                assert!(few.keys_from(&key).eq(tree.range(key..).map(|(key, _)| key)));
            }
            assert_eq!(few.into_entries().into_vec(), tree.into_iter().collect::<Vec<_>>());
        }
    }
}
