//! A vector whose clones cost what is new in it, not what is long: sealed chunks behind
//! one shared spine, and a short tail of its own.
//!
//! A world in simulation is cloned to be branched and searched, and the log of a node is
//! the longest thing in it. Read next: [`crate::core::log_view`].

use std::sync::Arc;

/// Elements per sealed chunk; the tail is shorter than this.
const CHUNK: usize = 128;

/// An append-mostly vector with cheap clones.
///
/// ```
/// use squall_raft::shared::SharedVec;
///
/// let mut log = SharedVec::default();
/// for i in 0..1_000 {
///     log.push(i);
/// }
/// let branch = log.clone(); // shares all but the tail
/// log.truncate(10);
/// assert_eq!((log.len(), branch.len()), (10, 1_000));
/// assert_eq!(branch.get(999), Some(&999));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedVec<T> {
    sealed: Arc<Vec<Arc<Vec<T>>>>,
    tail: Vec<T>,
}

impl<T> Default for SharedVec<T> {
    fn default() -> Self {
        Self { sealed: Arc::default(), tail: Vec::new() }
    }
}

impl<T: Clone> SharedVec<T> {
    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sealed.len() * CHUNK + self.tail.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.tail.is_empty()
    }

    /// The element at a position.
    #[must_use]
    #[inline]
    pub fn get(&self, position: usize) -> Option<&T> {
        match self.sealed.get(position / CHUNK) {
            Some(chunk) => chunk.get(position % CHUNK),
            None => self.tail.get(position - self.sealed.len() * CHUNK),
        }
    }

    /// The element at a position, to be changed. A chunk that is shared is copied first.
    pub fn get_mut(&mut self, position: usize) -> Option<&mut T> {
        let sealed_len = self.sealed.len() * CHUNK;
        if position >= sealed_len {
            return self.tail.get_mut(position - sealed_len);
        }
        Arc::make_mut(Arc::make_mut(&mut self.sealed).get_mut(position / CHUNK)?).get_mut(position % CHUNK)
    }

    /// The last element.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.tail.last().or_else(|| self.sealed.last().and_then(|chunk| chunk.last()))
    }

    /// Adds an element at the end.
    #[inline]
    pub fn push(&mut self, element: T) {
        self.tail.push(element);
        if self.tail.len() == CHUNK {
            self.seal();
        }
    }

    #[cold]
    fn seal(&mut self) {
        let full = std::mem::replace(&mut self.tail, Vec::with_capacity(CHUNK));
        Arc::make_mut(&mut self.sealed).push(Arc::new(full));
    }

    /// Removes everything from position `len` on; nothing if it is shorter.
    pub fn truncate(&mut self, len: usize) {
        let sealed_len = self.sealed.len() * CHUNK;
        if len >= sealed_len {
            self.tail.truncate(len - sealed_len);
            return;
        }
        let spine = Arc::make_mut(&mut self.sealed);
        self.tail = spine[len / CHUNK][..len % CHUNK].to_vec();
        spine.truncate(len / CHUNK);
    }

    /// All elements in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.sealed.iter().flat_map(|chunk| chunk.iter()).chain(&self.tail)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equals_a_plain_vector(steps in proptest::collection::vec((0u8..4, 0usize..400), 1..60)) {
            let (mut shared, mut plain) = (SharedVec::default(), Vec::new());
            let mut branches = Vec::new();
            for (kind, n) in steps {
                match kind {
                    0 => (0..n).for_each(|i| { shared.push(i); plain.push(i); }),
                    1 => { shared.truncate(n); plain.truncate(n); }
                    2 => match (shared.get_mut(n), plain.get_mut(n)) {
                        (Some(one), Some(other)) => (*one, *other) = (n + 1_000, n + 1_000),
                        (one, other) => prop_assert_eq!(one, other),
                    },
                    _ => branches.push((shared.clone(), plain.clone())),
                }
                prop_assert_eq!(shared.len(), plain.len());
                prop_assert_eq!(shared.last(), plain.last());
            }
            branches.push((shared, plain));
            for (shared, plain) in &branches {
                prop_assert!(shared.iter().eq(plain.iter()));
                prop_assert_eq!(shared.get(plain.len()), None);
                prop_assert!((0..plain.len()).all(|i| shared.get(i) == plain.get(i)));
            }
        }
    }
}
