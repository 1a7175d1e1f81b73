//! An append-only vector whose clones share what was written before they parted.
//!
//! Histories and hash lists grow for the whole of a run, and a world is cloned often: a
//! plain `Vec` would make a clone cost as much as the past is long. Here, full chunks sit
//! behind `Arc`; a clone copies one pointer and the short tail that is still growing.
//!
//! Not here: a log that is truncated. Read next: [`crate::world`], which keeps its block hashes in one.

use std::ops::Index;
use std::sync::Arc;

const CHUNK: usize = 256;

/// A vector that grows at its end and is cloned in time that does not depend on its length.
///
/// ```
/// use squall_sim::shared::SharedVec;
///
/// let mut original: SharedVec<u64> = (0..1000).collect();
/// let mut branch = original.clone();
/// original.push(1);
/// branch.push(2);
/// assert_eq!((original[999], original[1000]), (999, 1));
/// assert_eq!((branch[999], branch[1000]), (999, 2));
/// ```
#[derive(Clone, Debug)]
pub struct SharedVec<T> {
    sealed: Arc<Vec<Arc<Vec<T>>>>,
    tail: Vec<T>,
}

impl<T> Default for SharedVec<T> {
    fn default() -> Self {
        Self { sealed: Arc::default(), tail: Vec::new() }
    }
}

impl<T> SharedVec<T> {
    /// A vector with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many items it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sealed.len() * CHUNK + self.tail.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        self.tail.push(item);
        if self.tail.len() == CHUNK {
            let chunk = std::mem::replace(&mut self.tail, Vec::with_capacity(CHUNK));
            // Copies the pointers (not the items) if a clone still looks at them.
            Arc::make_mut(&mut self.sealed).push(Arc::new(chunk));
        }
    }

    /// The item at a position, if there is one.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&T> {
        match self.sealed.get(at / CHUNK) {
            Some(chunk) => chunk.get(at % CHUNK),
            None => self.tail.get(at - self.sealed.len() * CHUNK),
        }
    }

    /// The item that was added last.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.tail.last().or_else(|| self.sealed.last().and_then(|chunk| chunk.last()))
    }

    /// All items from a position on, in order.
    pub fn iter_from(&self, at: usize) -> impl Iterator<Item = &T> {
        let chunks = self.sealed.get(at / CHUNK..).unwrap_or_default();
        let skipped = if chunks.is_empty() { at.saturating_sub(self.sealed.len() * CHUNK) } else { at % CHUNK };
        chunks.iter().flat_map(|chunk| chunk.iter()).chain(&self.tail).skip(skipped)
    }

    /// All items in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.iter_from(0)
    }
}

impl<T> Index<usize> for SharedVec<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        match self.get(at) {
            Some(item) => item,
            None => panic!("index {at} of a vector of {}", self.len()),
        }
    }
}

impl<T> Extend<T> for SharedVec<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

impl<T> FromIterator<T> for SharedVec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut all = Self::new();
        all.extend(items);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_a_plain_vector_at_every_length() {
        let mut shared = SharedVec::new();
        let mut plain = Vec::new();
        for item in 0..3 * CHUNK + 5 {
            assert_eq!(shared.last(), plain.last());
            shared.push(item);
            plain.push(item);
            assert_eq!(shared.len(), plain.len());
            assert_eq!(shared.get(item / 2), plain.get(item / 2));
            assert_eq!(shared.get(item + 1), None);
        }
        for from in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK - 1, 3 * CHUNK, 3 * CHUNK + 4, 3 * CHUNK + 5, 9 * CHUNK] {
            let expected = plain.get(from..).unwrap_or_default();
            assert!(shared.iter_from(from).eq(expected), "from {from}");
        }
    }

    #[test]
    fn a_clone_shares_the_sealed_chunks() {
        let shared: SharedVec<usize> = (0..10 * CHUNK).collect();
        let clone = shared.clone();
        assert!(Arc::ptr_eq(&shared.sealed, &clone.sealed));
    }
}
