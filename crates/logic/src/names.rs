//! The index of a registry: who is known under which key.

use crate::few::Few;
use crate::pid::Pid;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;
use core::iter;
use smallvec::SmallVec;

/// How many entries a key may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// At most one, as for names of processes (REG-001).
    Unique,
    /// Any number, several of one process included, as for topics (REG-002).
    Duplicate,
}

/// The entries of a registry: under a key, an owner and the value it left there.
///
/// Everything is in a fixed order: by key, then by owner, then as registered. No operation but
/// [`iter`](Self::iter) and those whose result is longer takes more than logarithmic time.
///
/// The index does not know who is alive. Whoever ends calls [`release`](Self::release); and because that may
/// come late, [`register`](Self::register) asks about a holder that is in the way (REG-004).
///
/// ```
/// use fauxtp_logic::{Pid, names::{Index, Keys}};
/// let pid = Pid { node: 0, id: 1, serial: 0, creation: 0 };
/// let mut names = Index::new(Keys::Unique);
/// names.register(String::from("counter"), pid, "value", |_| true)?;
/// assert_eq!(names.lookup("counter").next(), Some((pid, &"value")));
/// assert_eq!(names.release(pid), ["counter"]);
/// assert_eq!(names.lookup("counter").next(), None);
/// # Ok::<(), fauxtp_logic::names::AlreadyRegistered>(())
/// ```
#[derive(Clone, Debug)]
pub struct Index<K, V> {
    keys: Keys,
    /// No key without an entry.
    entries: BTreeMap<K, Holders<V>>,
    /// Exactly the keys under which `entries` has something of that owner; no owner without a key.
    owners: BTreeMap<Pid, Few<K, ()>>,
    /// How many values there are in `entries`.
    count: usize,
}

/// What an owner has left: its keys, and under each its values. Nothing is allocated for a single one.
pub type Released<K, V> = SmallVec<[(K, SmallVec<[V; 1]>); 1]>;

/// The entries under one key. `One` in a unique index, where it saves a map per name; `Many` in the other.
#[derive(Clone, Debug)]
enum Holders<V> {
    One(Pid, V),
    /// No owner without a value. Empty only until the key is removed, within one operation.
    Many(BTreeMap<Pid, Vec<V>>),
}

/// A key is taken: by another live process, or by the caller itself (REG-001).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyRegistered {
    /// Who holds the key.
    pub pid: Pid,
}

impl fmt::Display for AlreadyRegistered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "register name: already registered by {}", self.pid)
    }
}

impl core::error::Error for AlreadyRegistered {}

/// Why a value was not updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateError {
    /// The process does not hold the key.
    NotHolder,
    /// The index has duplicate keys, so that there is no such thing as *the* value.
    DuplicateKeys,
}

impl fmt::Display for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHolder => "update value: the process does not hold the key",
            Self::DuplicateKeys => "update value: the registry has duplicate keys",
        })
    }
}

impl core::error::Error for UpdateError {}

impl<K: Ord + Clone, V> Index<K, V> {
    /// An index without entries.
    #[must_use]
    pub const fn new(keys: Keys) -> Self {
        Self { keys, entries: BTreeMap::new(), owners: BTreeMap::new(), count: 0 }
    }

    /// Whether keys are unique.
    #[must_use]
    pub fn kind(&self) -> Keys {
        self.keys
    }

    /// Enters `owner` under `key`.
    ///
    /// If keys are unique and somebody else holds this one, `holder_alive` is asked about that process; a
    /// dead holder is replaced at once and returned, with its value (REG-004).
    ///
    /// # Errors
    ///
    /// [`AlreadyRegistered`] if keys are unique and a live process, or `owner` itself, holds this one.
    pub fn register(
        &mut self,
        key: K,
        owner: Pid,
        value: V,
        holder_alive: impl FnOnce(Pid) -> bool,
    ) -> Result<Option<(Pid, V)>, AlreadyRegistered> {
        let mut replaced = None;
        let own = key.clone();
        // Comparing keys may panic; so the owner is noted first, and what is changed then compares nothing.
        match self.entries.entry(key) {
            Entry::Vacant(place) => {
                self.owners.entry(owner).or_default().insert(own, ());
                match self.keys {
                    Keys::Unique => {
                        place.insert(Holders::One(owner, value));
                    }
                    Keys::Duplicate => place.insert(Holders::none()).push(owner, value),
                }
            }
            Entry::Occupied(mut place) => match place.get_mut() {
                Holders::One(pid, held) => {
                    if *pid == owner || holder_alive(*pid) {
                        return Err(AlreadyRegistered { pid: *pid });
                    }
                    disown(&mut self.owners, &own, *pid);
                    self.owners.entry(owner).or_default().insert(own, ());
                    let former = core::mem::replace(pid, owner);
                    replaced = Some((former, core::mem::replace(held, value)));
                    self.count -= 1;
                }
                many => {
                    self.owners.entry(owner).or_default().insert(own, ());
                    many.push(owner, value);
                }
            },
        }
        self.count += 1;
        Ok(replaced)
    }

    /// Everybody known under `key`, with the values; for unique keys at most one.
    pub fn lookup<Q>(&self, key: &Q) -> impl Iterator<Item = (Pid, &V)> + use<'_, K, V, Q>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.entries.get(key).into_iter().flat_map(Holders::iter)
    }

    /// Removes all entries of `owner` under `key` and returns their values; having none is fine (REG-009).
    pub fn unregister<Q>(&mut self, key: &Q, owner: Pid) -> Vec<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.unregister_match(key, owner, |_| true)
    }

    /// Removes those entries of `owner` under `key` whose value `matches`, and returns the values (REG-009).
    pub fn unregister_match<Q>(
        &mut self,
        key: &Q,
        owner: Pid,
        matches: impl FnMut(&V) -> bool,
    ) -> Vec<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let taken = self.take(key, owner, matches);
        if !taken.is_empty() && self.values(key, owner).next().is_none() {
            disown(&mut self.owners, key, owner);
        }
        taken
    }

    /// Changes the value under a unique `key` and returns what `f` returned (REG-010).
    ///
    /// # Errors
    ///
    /// [`UpdateError`] if `owner` does not hold the key or keys are not unique; `f` is not run then.
    pub fn update_value<Q, R>(
        &mut self,
        key: &Q,
        owner: Pid,
        f: impl FnOnce(&mut V) -> R,
    ) -> Result<R, UpdateError>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        if self.keys == Keys::Duplicate {
            return Err(UpdateError::DuplicateKeys);
        }
        match self.entries.get_mut(key) {
            Some(Holders::One(pid, value)) if *pid == owner => Ok(f(value)),
            _ => Err(UpdateError::NotHolder),
        }
    }

    /// The keys of `owner`, each as often as it has entries under it (REG-010).
    pub fn keys(&self, owner: Pid) -> impl Iterator<Item = &K> + use<'_, K, V> {
        let keys = self.owners.get(&owner).into_iter().flat_map(Few::keys);
        keys.flat_map(move |key| iter::repeat_n(key, self.values(key, owner).count()))
    }

    /// The values of `owner` under `key`, as registered (REG-010).
    pub fn values<Q>(&self, key: &Q, owner: Pid) -> impl Iterator<Item = &V> + use<'_, K, V, Q>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.entries.get(key).into_iter().flat_map(move |holders| holders.of(owner))
    }

    /// Removes everything of `owner`, which has ended, and returns the keys it was known under, each once.
    ///
    /// Only what is still its own goes: a successor's entry under the same key stays (REG-008).
    pub fn release(&mut self, owner: Pid) -> Vec<K> {
        self.release_entries(owner).into_iter().map(|(key, _)| key).collect()
    }

    /// As [`release`](Self::release), with the values, for callers that hold a lock and should not run
    /// somebody's destructor under it.
    pub fn release_entries(&mut self, owner: Pid) -> Released<K, V> {
        let keys = self.owners.remove(&owner).unwrap_or_default();
        let keys = keys.into_entries().into_iter();
        keys.map(|(key, ())| (self.take_all(&key, owner), key))
            .map(|(values, key)| (key, values))
            .collect()
    }

    /// Takes everything out.
    pub fn release_all(&mut self) -> Vec<Released<K, V>> {
        let owners: Vec<Pid> = self.owners.keys().copied().collect();
        owners.into_iter().map(|owner| self.release_entries(owner)).collect()
    }

    /// How many entries there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All entries by key, then owner, then age. To select is to filter this.
    pub fn iter(&self) -> impl Iterator<Item = (&K, Pid, &V)> + use<'_, K, V> {
        self.entries
            .iter()
            .flat_map(|(key, holders)| holders.iter().map(move |(pid, value)| (key, pid, value)))
    }

    /// Removes from `entries` alone; the caller sees to `owners`.
    fn take<Q>(&mut self, key: &Q, owner: Pid, matches: impl FnMut(&V) -> bool) -> Vec<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let Some(holders) = self.entries.get_mut(key) else { return Vec::new() };
        let taken = holders.take(owner, matches);
        if holders.is_empty() {
            self.entries.remove(key);
        }
        self.count -= taken.len();
        taken
    }

    /// The same with everything of an owner that has something there.
    fn take_all(&mut self, key: &K, owner: Pid) -> SmallVec<[V; 1]> {
        match self.keys {
            Keys::Unique => match self.entries.remove(key) {
                Some(Holders::One(_, value)) => {
                    self.count -= 1;
                    SmallVec::from_buf([value])
                }
                _ => SmallVec::new(),
            },
            Keys::Duplicate => self.take(key, owner, |_| true).into(),
        }
    }
}

/// An owner has a key no longer.
fn disown<K, Q>(owners: &mut BTreeMap<Pid, Few<K, ()>>, key: &Q, owner: Pid)
where
    K: Borrow<Q> + Ord,
    Q: Ord + ?Sized,
{
    if let Some(keys) = owners.get_mut(&owner) {
        let _was_held = keys.remove(key);
        if keys.is_empty() {
            owners.remove(&owner);
        }
    }
}

impl<V> Holders<V> {
    const fn none() -> Self {
        Self::Many(BTreeMap::new())
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Many(map) if map.is_empty())
    }

    fn push(&mut self, owner: Pid, value: V) {
        if let Self::Many(map) = self {
            map.entry(owner).or_default().push(value);
        }
    }

    fn iter(&self) -> impl Iterator<Item = (Pid, &V)> {
        let (one, many) = match self {
            Self::One(pid, value) => (Some((*pid, value)), None),
            Self::Many(map) => (None, Some(map)),
        };
        let many = many.into_iter().flatten();
        one.into_iter()
            .chain(many.flat_map(|(pid, values)| values.iter().map(move |value| (*pid, value))))
    }

    fn of(&self, owner: Pid) -> core::slice::Iter<'_, V> {
        match self {
            Self::One(pid, value) if *pid == owner => core::slice::from_ref(value).iter(),
            Self::One(..) => [].iter(),
            Self::Many(map) => map.get(&owner).map(Vec::as_slice).unwrap_or_default().iter(),
        }
    }

    /// Takes the values of `owner` that match. `matches` is foreign code, hence all of it runs before
    /// anything changes.
    fn take(&mut self, owner: Pid, matches: impl FnMut(&V) -> bool) -> Vec<V> {
        let mut picks = self.of(owner).map(matches).collect::<Vec<bool>>().into_iter();
        if !picks.as_slice().contains(&true) {
            return Vec::new();
        }
        if let Self::Many(map) = self {
            let values = map.remove(&owner).unwrap_or_default();
            let (taken, kept) =
                values.into_iter().partition::<Vec<V>, _>(|_| picks.next() == Some(true));
            if !kept.is_empty() {
                map.insert(owner, kept);
            }
            return taken;
        }
        match core::mem::replace(self, Self::none()) {
            Self::One(_, value) => Vec::from([value]),
            Self::Many(_) => unreachable!("those of many were taken above"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Pid = Pid { node: 0, id: 1, serial: 0, creation: 0 };
    const BOB: Pid = Pid { node: 0, id: 2, serial: 0, creation: 0 };

    type Names = Index<&'static str, u8>;

    fn alive(_: Pid) -> bool {
        true
    }

    fn index(keys: Keys, entries: &[(&'static str, Pid, u8)]) -> Names {
        let mut index = Names::new(keys);
        for (key, owner, value) in entries {
            assert_eq!(index.register(key, *owner, *value, alive), Ok(None));
        }
        check(&index);
        index
    }

    /// The invariants written at the fields.
    fn check(index: &Names) {
        let mut owners: BTreeMap<Pid, Vec<&'static str>> = BTreeMap::new();
        for (key, pid, _) in index.iter() {
            let keys = owners.entry(pid).or_default();
            if keys.last() != Some(key) {
                keys.push(key);
            }
        }
        let known = index.owners.iter().map(|(pid, keys)| (*pid, keys.keys().copied().collect()));
        assert_eq!(owners, known.collect());
        assert_eq!(index.iter().count(), index.count());
        assert!(index.entries.values().all(|holders| holders.iter().next().is_some()));
    }

    #[test]
    fn reg_001_a_unique_key_has_one_holder_and_refuses_even_itself() {
        let mut names = index(Keys::Unique, &[("a", ANN, 1)]);
        assert_eq!(names.register("a", BOB, 2, alive), Err(AlreadyRegistered { pid: ANN }));
        let never = |_| panic!("a holder need not be asked about itself");
        assert_eq!(names.register("a", ANN, 3, never), Err(AlreadyRegistered { pid: ANN }));
        assert_eq!(names.lookup("a").collect::<Vec<_>>(), [(ANN, &1)]);
        check(&names);
    }

    #[test]
    fn reg_002_a_duplicate_key_has_any_number_of_entries() {
        let mut names =
            index(Keys::Duplicate, &[("a", BOB, 1), ("a", ANN, 2), ("a", BOB, 3), ("b", BOB, 4)]);
        assert_eq!(names.register("a", ANN, 2, |_| false), Ok(None));
        assert_eq!(
            names.lookup("a").collect::<Vec<_>>(),
            [(ANN, &2), (ANN, &2), (BOB, &1), (BOB, &3)]
        );
        assert_eq!(names.count(), 5);
        check(&names);
    }

    #[test]
    fn reg_003_entries_vanish_with_their_owner() {
        for keys in [Keys::Unique, Keys::Duplicate] {
            let mut names = index(keys, &[("b", ANN, 1), ("a", ANN, 2), ("c", BOB, 3)]);
            assert_eq!(names.release(ANN), ["a", "b"]);
            assert_eq!(names.release(ANN), [""; 0]);
            assert_eq!(names.iter().collect::<Vec<_>>(), [(&"c", BOB, &3)]);
            check(&names);
            let left = names.release_entries(BOB);
            assert_eq!(left.into_vec(), [("c", SmallVec::from_buf([3]))]);
            assert!(names.is_empty());
        }
    }

    #[test]
    fn reg_004_a_dead_holder_is_replaced_at_once() {
        let mut names = index(Keys::Unique, &[("a", ANN, 1), ("b", ANN, 2)]);
        assert_eq!(names.register("a", BOB, 3, |pid| pid != ANN), Ok(Some((ANN, 1))));
        assert_eq!(names.lookup("a").collect::<Vec<_>>(), [(BOB, &3)]);
        assert_eq!(names.keys(ANN).collect::<Vec<_>>(), [&"b"]);
        check(&names);
    }

    #[test]
    fn reg_008_a_late_release_leaves_the_successor_alone() {
        let mut names = index(Keys::Unique, &[("a", ANN, 1), ("b", ANN, 2)]);
        assert_eq!(names.register("a", BOB, 3, |_| false), Ok(Some((ANN, 1))));
        assert_eq!(names.release(ANN), ["b"]);
        assert_eq!(names.unregister("a", ANN), []);
        assert_eq!(names.iter().collect::<Vec<_>>(), [(&"a", BOB, &3)]);
        check(&names);
    }

    #[test]
    fn reg_009_unregister_removes_ones_own_entries_and_always_succeeds() {
        let mut names =
            index(Keys::Duplicate, &[("a", ANN, 1), ("a", BOB, 1), ("a", ANN, 2), ("a", ANN, 3)]);
        type Row = (&'static str, Pid, fn(&u8) -> bool, &'static [u8], usize);
        let rows: &[Row] = &[
            ("no such key", ANN, |_| true, &[], 4),
            ("a", ANN, |_| false, &[], 4),
            ("a", ANN, |value| value % 2 == 1, &[1, 3], 2),
            ("a", ANN, |_| true, &[2], 1),
            ("a", ANN, |_| true, &[], 1),
            ("a", BOB, |_| true, &[1], 0),
        ];
        for (key, owner, matches, taken, left) in rows {
            assert_eq!(names.unregister_match(key, *owner, matches), *taken);
            assert_eq!(names.count(), *left);
            check(&names);
        }
        let mut names = index(Keys::Unique, &[("a", ANN, 1)]);
        assert_eq!(names.unregister("a", BOB), []);
        assert_eq!(names.unregister_match("a", ANN, |value| *value == 2), []);
        assert_eq!(names.unregister("a", ANN), [1]);
        check(&names);
    }

    #[test]
    fn reg_010_only_the_holder_of_a_unique_key_updates() {
        let mut names = index(Keys::Unique, &[("a", ANN, 1)]);
        assert_eq!(names.update_value("a", ANN, |value| core::mem::replace(value, 7)), Ok(1));
        assert_eq!(names.values("a", ANN).collect::<Vec<_>>(), [&7]);
        let not_run = |_: &mut u8| panic!("not run");
        assert_eq!(names.update_value("a", BOB, not_run), Err(UpdateError::NotHolder));
        assert_eq!(names.update_value("b", ANN, not_run), Err(UpdateError::NotHolder));
        let mut names = index(Keys::Duplicate, &[("a", ANN, 1)]);
        assert_eq!(names.update_value("a", ANN, not_run), Err(UpdateError::DuplicateKeys));
    }

    #[test]
    fn reg_010_keys_and_values_are_told_per_entry() {
        let names =
            index(Keys::Duplicate, &[("b", ANN, 1), ("a", ANN, 2), ("b", ANN, 3), ("b", BOB, 4)]);
        assert_eq!(names.keys(ANN).collect::<Vec<_>>(), [&"a", &"b", &"b"]);
        assert_eq!(names.values("b", ANN).collect::<Vec<_>>(), [&1, &3]);
        assert_eq!(names.values("c", ANN).count(), 0);
        assert_eq!(names.keys(Pid { id: 9, ..ANN }).count(), 0);
    }

    #[test]
    fn a_hundred_thousand_names_come_and_go() {
        let mut names = Index::new(Keys::Duplicate);
        let owner = |n: u32| Pid { node: 0, id: n, serial: 0, creation: 0 };
        for n in 0..100_000 {
            assert_eq!(names.register(n % 10, owner(n), n, alive), Ok(None));
        }
        assert_eq!(names.lookup(&3).count(), 10_000);
        for n in 0..100_000 {
            assert_eq!(names.release(owner(n)), [n % 10]);
        }
        assert!(names.is_empty() && names.entries.is_empty() && names.owners.is_empty());
    }
}
