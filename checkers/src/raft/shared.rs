//! Containers whose clones cost what is new in them, not what is long.
//!
//! A world in simulation is cloned to be branched, with its checker. Elements are sealed
//! in chunks behind one shared spine; only the short tail belongs to one clone alone.
//! Nothing here knows Raft.

use std::collections::BTreeMap;
use std::ops::RangeBounds;
use std::sync::Arc;

/// Elements per sealed chunk; the tail is shorter than this.
const CHUNK: usize = 64;

/// How many keys of a [`SharedMap`] belong to one clone alone.
const RECENT: usize = 64;

/// How many missing keys in a row a [`ByIndex`] bridges with empty places.
const GAP: usize = 32;

/// A vector that is appended to and cut, and is cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct SharedVec<T> {
    sealed: Arc<Vec<Arc<[T]>>>,
    tail: Vec<T>,
}

impl<T> Default for SharedVec<T> {
    fn default() -> Self {
        Self { sealed: Arc::default(), tail: Vec::new() }
    }
}

impl<T: Copy> SharedVec<T> {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.sealed.len() * CHUNK + self.tail.len()
    }

    #[inline]
    pub(super) fn get(&self, position: usize) -> Option<&T> {
        let sealed = self.sealed.len() * CHUNK;
        match position.checked_sub(sealed) {
            Some(in_tail) => self.tail.get(in_tail),
            None => self.sealed.get(position / CHUNK)?.get(position % CHUNK),
        }
    }

    #[inline]
    pub(super) fn last(&self) -> Option<&T> {
        self.tail.last().or_else(|| self.sealed.last()?.last())
    }

    #[inline]
    pub(super) fn push(&mut self, element: T) {
        self.tail.push(element);
        if self.tail.len() == CHUNK {
            self.seal();
        }
    }

    #[cold]
    fn seal(&mut self) {
        Arc::make_mut(&mut self.sealed).push(self.tail.as_slice().into());
        self.tail.clear();
    }

    /// Removes everything from position `len` on; nothing if it is shorter.
    pub(super) fn truncate(&mut self, len: usize) {
        let sealed = self.sealed.len() * CHUNK;
        if len >= sealed {
            self.tail.truncate(len - sealed);
            return;
        }
        let spine = Arc::make_mut(&mut self.sealed);
        self.tail.clear();
        self.tail.extend_from_slice(&spine[len / CHUNK][..len % CHUNK]);
        spine.truncate(len / CHUNK);
    }
}

/// A map that is seldom written: for what happens per term, not per entry.
#[derive(Clone, Debug)]
pub(super) struct SharedMap<K, V> {
    sealed: Arc<BTreeMap<K, V>>,
    recent: BTreeMap<K, V>,
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        Self { sealed: Arc::default(), recent: BTreeMap::new() }
    }
}

impl<K: Ord + Copy, V: Copy> SharedMap<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.recent.get(key).or_else(|| self.sealed.get(key))
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.recent.insert(key, value);
        if self.recent.len() > RECENT {
            let recent = std::mem::take(&mut self.recent);
            Arc::make_mut(&mut self.sealed).extend(recent);
        }
    }

    /// What lies in a range, in no order; a value that was replaced may come up as well.
    pub(super) fn range(&self, range: impl RangeBounds<K> + Clone) -> impl Iterator<Item = (&K, &V)> {
        self.recent.range(range.clone()).chain(self.sealed.range(range))
    }

    /// The value of the greatest key below `key`.
    pub(super) fn last_below(&self, key: K) -> Option<&V> {
        let (recent, sealed) = (self.recent.range(..key).next_back(), self.sealed.range(..key).next_back());
        match (recent, sealed) {
            (Some(recent), Some(sealed)) => Some(if sealed.0 > recent.0 { sealed.1 } else { recent.1 }),
            (one, other) => one.or(other).map(|(_, value)| value),
        }
    }
}

/// A map by numbers that mostly follow each other: log indexes, sequence numbers.
///
/// A value is set once and then stays. Numbers that are far from the others cost more,
/// so that a stream of absurd ones is slow, but not fatal.
#[derive(Clone, Debug)]
pub(super) struct ByIndex<T> {
    first: u64,
    dense: SharedVec<Option<T>>,
    sparse: SharedMap<u64, T>,
}

impl<T> Default for ByIndex<T> {
    fn default() -> Self {
        Self { first: 0, dense: SharedVec::default(), sparse: SharedMap::default() }
    }
}

impl<T: Copy> ByIndex<T> {
    #[inline]
    pub(super) fn get(&self, index: u64) -> Option<&T> {
        let position = index.checked_sub(self.first).and_then(|position| usize::try_from(position).ok());
        match position.and_then(|position| self.dense.get(position)) {
            Some(Some(value)) => Some(value),
            _ => self.sparse.get(&index),
        }
    }

    /// Sets a value that is not there yet.
    #[inline]
    pub(super) fn set(&mut self, index: u64, value: T) {
        let len = self.dense.len();
        if len == 0 {
            self.first = index;
        }
        match index.checked_sub(self.first).and_then(|position| usize::try_from(position).ok()) {
            Some(position) if position == len => self.dense.push(Some(value)),
            Some(position) if position > len && position - len <= GAP => {
                (len..position).for_each(|_| self.dense.push(None));
                self.dense.push(Some(value));
            }
            _ => self.sparse.insert(index, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_shared_vector_equals_a_plain_one(steps in proptest::collection::vec((0u8..3, 0usize..200), 1..60)) {
            let (mut shared, mut plain) = (SharedVec::default(), Vec::new());
            let mut branches = Vec::new();
            for (kind, n) in steps {
                match kind {
                    0 => (0..n).for_each(|i| { shared.push(i); plain.push(i); }),
                    1 => { shared.truncate(n); plain.truncate(n); }
                    _ => branches.push((shared.clone(), plain.clone())),
                }
                prop_assert_eq!(shared.last(), plain.last());
            }
            branches.push((shared, plain));
            for (shared, plain) in &branches {
                prop_assert_eq!(shared.len(), plain.len());
                prop_assert_eq!(shared.get(plain.len()), None);
                prop_assert!((0..plain.len()).all(|i| shared.get(i) == plain.get(i)));
            }
        }

        #[test]
        fn a_shared_map_equals_a_plain_one(keys in proptest::collection::vec(0u64..200, 1..300)) {
            let (mut shared, mut plain) = (SharedMap::default(), BTreeMap::new());
            for (value, key) in keys.into_iter().enumerate() {
                shared.insert(key, value);
                plain.insert(key, value);
            }
            for key in 0..=200 {
                prop_assert_eq!(shared.get(&key), plain.get(&key));
                prop_assert_eq!(shared.last_below(key), plain.range(..key).next_back().map(|(_, value)| value));
                prop_assert!(plain.range(key..).all(|pair| shared.range(key..).any(|found| found == pair)));
            }
        }

        #[test]
        fn a_map_by_index_equals_a_plain_one(
            indexes in proptest::collection::vec(prop_oneof![0u64..500, Just(u64::MAX), 100u64..140], 1..300),
        ) {
            let (mut shared, mut plain) = (ByIndex::default(), BTreeMap::new());
            for (value, index) in indexes.into_iter().enumerate() {
                prop_assert_eq!(shared.get(index), plain.get(&index));
                if shared.get(index).is_none() {
                    shared.set(index, value);
                    plain.insert(index, value);
                }
            }
            prop_assert!((0..600).all(|index| shared.get(index) == plain.get(&index)));
            prop_assert_eq!(shared.get(u64::MAX), plain.get(&u64::MAX));
        }
    }
}
