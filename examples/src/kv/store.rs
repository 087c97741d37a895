//! The keys of one shard: a map whose entries may have an end.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use redis_protocol::resp2::types::BytesFrame as Frame;
use tokio::time::Instant;

use super::command::NOT_AN_INTEGER;
use super::integer;
use super::operation::{Assignment, Condition, Operation};

/// Keys and their values. What is due counts as gone, whether it has been removed already or not.
#[derive(Debug, Default)]
pub struct Store {
    entries: HashMap<Bytes, Entry>,
    /// Every entry with a deadline, the next one first; exactly those that say so in `entries`.
    deadlines: BTreeSet<(Instant, Bytes)>,
}

#[derive(Debug)]
struct Entry {
    value: Bytes,
    deadline: Option<Instant>,
}

impl Store {
    /// Does one operation; the answer is as Redis answers.
    pub fn apply(&mut self, operation: &Operation, now: Instant) -> Frame {
        match operation {
            Operation::Get(key) => match self.live(key, now) {
                Some(entry) => Frame::BulkString(entry.value.clone()),
                None => Frame::Null,
            },
            Operation::Set(assignment) => self.set(assignment, now),
            Operation::Delete(key) => {
                let existed = self.live(key, now).is_some();
                self.remove(key);
                Frame::Integer(existed.into())
            }
            Operation::Exists(key) => Frame::Integer(self.live(key, now).is_some().into()),
            Operation::Increment(key) => self.increment(key, now),
            Operation::Expire(key, lifetime) => {
                let Some(entry) = self.live(key, now) else { return Frame::Integer(0) };
                let value = entry.value.clone();
                match lifetime {
                    Some(lifetime) => self.insert(key, value, now.checked_add(*lifetime)),
                    None => self.remove(key),
                }
                Frame::Integer(1)
            }
            Operation::TimeToLive(key) => Frame::Integer(match self.live(key, now) {
                None => -2,
                Some(Entry { deadline: None, .. }) => -1,
                Some(Entry { deadline: Some(deadline), .. }) => {
                    let left_ms = deadline.duration_since(now).as_millis();
                    i64::try_from((left_ms + 500) / 1000).unwrap_or(i64::MAX)
                }
            }),
            Operation::Size => {
                // As in Redis, those count that are due and have not been removed yet.
                Frame::Integer(i64::try_from(self.entries.len()).unwrap_or(i64::MAX))
            }
            Operation::Flush => {
                *self = Self::default();
                ok()
            }
        }
    }

    /// Removes entries that are due, but no more than so many at once.
    pub fn remove_due(&mut self, now: Instant, most: usize) {
        for _ in 0..most {
            match self.deadlines.first() {
                Some((deadline, _)) if *deadline <= now => {}
                _ => return,
            }
            if let Some((_, key)) = self.deadlines.pop_first() {
                self.entries.remove(&key);
            }
        }
    }

    /// The entry of a key, unless it is due.
    fn live(&mut self, key: &Bytes, now: Instant) -> Option<&Entry> {
        let deadline = self.entries.get(key)?.deadline;
        if deadline.is_some_and(|deadline| deadline <= now) {
            self.remove(key);
            return None;
        }
        self.entries.get(key)
    }

    fn set(&mut self, assignment: &Assignment, now: Instant) -> Frame {
        let Assignment { key, value, lifetime, condition } = assignment;
        if let Some(condition) = condition {
            let present = self.live(key, now).is_some();
            if present != (*condition == Condition::Present) {
                return Frame::Null;
            }
        }
        let deadline = lifetime.and_then(|lifetime| now.checked_add(lifetime));
        // A copy: a slice would keep alive everything that has arrived together with it.
        self.insert(key, Bytes::copy_from_slice(value), deadline);
        ok()
    }

    fn increment(&mut self, key: &Bytes, now: Instant) -> Frame {
        let (number, deadline) = match self.live(key, now) {
            Some(entry) => (integer::parse(&entry.value), entry.deadline),
            None => (Some(0), None),
        };
        let Some(number) = number else { return Frame::Error(NOT_AN_INTEGER.into()) };
        let Some(number) = number.checked_add(1) else {
            return Frame::Error("ERR increment or decrement would overflow".into());
        };
        self.insert(key, Bytes::from(number.to_string()), deadline);
        Frame::Integer(number)
    }

    fn insert(&mut self, key: &Bytes, value: Bytes, deadline: Option<Instant>) {
        let before = match self.entries.get_mut(key) {
            Some(entry) => std::mem::replace(entry, Entry { value, deadline }).deadline,
            None => {
                let key = Bytes::copy_from_slice(key);
                self.entries.insert(key, Entry { value, deadline });
                None
            }
        };
        if before == deadline {
            return;
        }
        if let Some(before) = before {
            self.deadlines.remove(&(before, key.clone()));
        }
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, Bytes::copy_from_slice(key)));
        }
    }

    fn remove(&mut self, key: &Bytes) {
        if let Some(Entry { deadline: Some(deadline), .. }) = self.entries.remove(key) {
            self.deadlines.remove(&(deadline, key.clone()));
        }
    }
}

/// What Redis answers when there is nothing to say.
#[must_use]
pub const fn ok() -> Frame {
    Frame::SimpleString(Bytes::from_static(b"OK"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn key() -> Bytes {
        Bytes::from_static(b"k")
    }

    fn set(lifetime: Option<Duration>, condition: Option<Condition>) -> Operation {
        let value = Bytes::from_static(b"41");
        Operation::Set(Assignment { key: key(), value, lifetime, condition })
    }

    fn value(text: &'static str) -> Frame {
        Frame::BulkString(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn a_key_ends_at_its_deadline_and_not_before() {
        let start = Instant::now();
        let mut store = Store::default();
        assert_eq!(store.apply(&set(Some(SECOND), None), start), ok());
        let before = start + SECOND - Duration::from_millis(1);
        assert_eq!(store.apply(&Operation::Get(key()), before), value("41"));
        // Redis rounds what is left.
        assert_eq!(store.apply(&Operation::TimeToLive(key()), before), Frame::Integer(0));
        for operation in [Operation::Get(key()), set(None, Some(Condition::Present))] {
            assert_eq!(store.apply(&set(Some(SECOND), None), start), ok());
            assert_eq!(store.apply(&operation, start + SECOND), Frame::Null, "{operation:?}");
            assert!(store.entries.is_empty() && store.deadlines.is_empty());
        }
        for (operation, answer) in [
            (Operation::Exists(key()), 0),
            (Operation::Delete(key()), 0),
            (Operation::TimeToLive(key()), -2),
            (Operation::Expire(key(), Some(SECOND)), 0),
            (Operation::Increment(key()), 1),
        ] {
            assert_eq!(store.apply(&set(Some(SECOND), None), start), ok());
            let answered = store.apply(&operation, start + SECOND);
            assert_eq!(answered, Frame::Integer(answer), "{operation:?}");
            store.apply(&Operation::Flush, start);
        }
    }

    #[test]
    fn a_deadline_is_kept_replaced_or_taken_away() {
        let start = Instant::now();
        let ttl = |store: &mut Store| store.apply(&Operation::TimeToLive(key()), start);
        let mut store = Store::default();
        store.apply(&set(Some(SECOND), None), start);
        assert_eq!(store.apply(&Operation::Increment(key()), start), Frame::Integer(42));
        assert_eq!(ttl(&mut store), Frame::Integer(1), "INCR keeps it");
        store.apply(&Operation::Expire(key(), Some(SECOND * 9)), start);
        assert_eq!(ttl(&mut store), Frame::Integer(9), "EXPIRE replaces it");
        store.apply(&set(None, None), start);
        assert_eq!(ttl(&mut store), Frame::Integer(-1), "SET takes it away");
        assert!(store.deadlines.is_empty());
        assert_eq!(store.apply(&Operation::Expire(key(), None), start), Frame::Integer(1));
        assert_eq!(ttl(&mut store), Frame::Integer(-2), "no time at all removes the key");
    }

    #[test]
    fn due_keys_are_removed_in_portions() {
        let start = Instant::now();
        let mut store = Store::default();
        for number in 0..10_u8 {
            let key = Bytes::from(vec![number]);
            let lifetime = Some(SECOND * u32::from(number));
            let assignment = Assignment { key, value: Bytes::new(), lifetime, condition: None };
            store.apply(&Operation::Set(assignment), start);
        }
        store.remove_due(start + SECOND * 7, 3);
        assert_eq!(store.entries.len(), 7);
        store.remove_due(start + SECOND * 7, 100);
        assert_eq!(store.entries.len(), 2);
    }

    #[test]
    fn increments_stop_at_what_is_no_number_or_too_large() {
        let start = Instant::now();
        for (text, error) in [
            ("ten", NOT_AN_INTEGER),
            ("9223372036854775807", "ERR increment or decrement would overflow"),
        ] {
            let mut store = Store::default();
            store.insert(&key(), Bytes::from_static(text.as_bytes()), None);
            assert_eq!(
                store.apply(&Operation::Increment(key()), start),
                Frame::Error(error.into())
            );
            assert_eq!(store.apply(&Operation::Get(key()), start), value(text));
        }
    }
}
