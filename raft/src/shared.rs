//! A vector whose clones cost what is new in it, not what is long: sealed chunks behind
//! one shared spine, and a short tail of its own.
//!
//! A world in simulation is cloned to be branched and searched, and the log of a node is
//! the longest thing in it. Read next: [`crate::log_view`].

use std::sync::Arc;

/// Elements per sealed chunk; the tail is shorter than this.
pub(crate) const CHUNK: usize = 128;

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
#[derive(Clone, Debug)]
pub struct SharedVec<T> {
    sealed: Arc<Vec<Arc<Vec<T>>>>,
    tail: Vec<T>,
    /// A chunk of nothing but default values, if there is one: all others like it share it.
    blank: Option<Arc<Vec<T>>>,
}

impl<T> Default for SharedVec<T> {
    fn default() -> Self {
        Self { sealed: Arc::default(), tail: Vec::new(), blank: None }
    }
}

impl<T: PartialEq> PartialEq for SharedVec<T> {
    fn eq(&self, other: &Self) -> bool {
        (&self.sealed, &self.tail) == (&other.sealed, &other.tail)
    }
}

impl<T: Eq> Eq for SharedVec<T> {}

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

impl<T: Clone + Default + PartialEq> SharedVec<T> {
    /// Adds a default value at the end. A chunk of nothing else takes no memory.
    #[inline]
    pub fn push_default(&mut self) {
        self.push(T::default());
        if self.tail.is_empty() {
            self.share_blank(self.len() - 1);
        }
    }

    /// Frees the memory of the chunk that holds a position if there is nothing but default values in it.
    pub fn share_blank(&mut self, position: usize) {
        let Some(chunk) = self.sealed.get(position / CHUNK).filter(|chunk| chunk.iter().all(|element| *element == T::default()))
        else {
            return;
        };
        let blank = Arc::clone(self.blank.get_or_insert_with(|| Arc::clone(chunk)));
        if !Arc::ptr_eq(&blank, chunk) {
            Arc::make_mut(&mut self.sealed)[position / CHUNK] = blank;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equals_a_plain_vector(steps in proptest::collection::vec((0u8..6, 0usize..400), 1..60)) {
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
                    3 => (0..n).for_each(|_| { shared.push_default(); plain.push(0); }),
                    4 => shared.share_blank(n),
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

    #[test]
    fn chunks_of_default_values_are_one() {
        let mut shared: SharedVec<u64> = SharedVec::default();
        (0..3 * CHUNK).for_each(|_| shared.push_default());
        let [first, second, third] = &shared.sealed[..] else { panic!("three are full") };
        assert!(Arc::ptr_eq(first, second) && Arc::ptr_eq(second, third));
        *shared.get_mut(CHUNK).unwrap() = 7;
        assert_eq!((shared.get(0), shared.get(CHUNK), shared.get(2 * CHUNK)), (Some(&0), Some(&7), Some(&0)));
        shared.share_blank(CHUNK);
        assert_eq!(shared.get(CHUNK), Some(&7), "it holds something");
        *shared.get_mut(CHUNK).unwrap() = 0;
        shared.share_blank(CHUNK + 1);
        assert!(Arc::ptr_eq(&shared.sealed[0], &shared.sealed[1]));
    }
}
