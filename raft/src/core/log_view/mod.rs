//! The log as consensus sees it: identifiers are always at hand, payloads may not be.
//!
//! Every payload has a state: ready, only on the disk (`Pending`), or lost to rot
//! (`Damaged`). Votes and conflicts are decided by identifiers alone, so a node with a
//! hole can still take part; it serves nothing past the hole.
//!
//! Not here: which payloads are ready (`cache`), the disk ([`crate::store`]). Read next: [`super::replication`].

mod cache;

use self::cache::Cache;
use crate::digest::{Digest, prefix_hash};
use crate::entry::{Entries, Entry, Payload};
use crate::shared::SharedVec;
use crate::types::{LogId, LogIndex, Term};

/// What the log knows about something that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View<T> {
    /// Here it is.
    Ready(T),
    /// It is on the disk and must be read; ask again.
    Pending,
    /// It was stored and is lost; this is the first entry without a payload.
    Damaged(LogId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Ready(Payload),
    Pending { payload_bytes: u64 },
    Damaged,
}

impl Content {
    /// Length of a payload that is in memory.
    fn cached_bytes(&self) -> u64 {
        if let Self::Ready(payload) = self { payload.len_bytes() } else { 0 }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    term: Term,
    hash: u64,
    content: Content,
}

// The limit on payloads does not bound how many of these there are.
const _: () = assert!(size_of::<Slot>() <= 56);

/// The replicated log of one node. Index 1 is the first entry.
///
/// ```
/// use squall_raft::core::log_view::{LogView, View};
/// use squall_raft::entry::{Entry, Payload};
/// use squall_raft::types::{LogId, LogIndex, Term};
///
/// let mut log = LogView::default();
/// log.append(&Entry { id: LogId::new(1, 1), payload: Payload::Noop });
/// assert_eq!(log.last(), LogId::new(1, 1));
/// assert_eq!(log.term_at(LogIndex(2)), None);
/// assert_eq!(log.payload(LogIndex(1)), View::Ready(&Payload::Noop));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogView {
    slots: SharedVec<Slot>,
    last: LogId,
    damaged: u64,
    cache: Cache,
}

impl LogView {
    /// The last entry; term 0 and index 0 if there is none.
    #[must_use]
    pub const fn last(&self) -> LogId {
        self.last
    }

    /// The term of the entry at an index; 0 for index 0, `None` behind the end.
    #[must_use]
    #[inline]
    pub fn term_at(&self, index: LogIndex) -> Option<Term> {
        if index == self.last.index {
            return Some(self.last.term);
        }
        if index.0 == 0 {
            return Some(Term(0));
        }
        self.slot(index).map(|slot| slot.term)
    }

    /// The id of the entry at an index; `None` behind the end.
    #[must_use]
    pub fn id_at(&self, index: LogIndex) -> Option<LogId> {
        self.term_at(index).map(|term| LogId { term, index })
    }

    /// Hash of the log from its start up to an index; 0 for index 0, `None` behind the end.
    #[must_use]
    pub fn hash_at(&self, index: LogIndex) -> Option<u64> {
        if index.0 == 0 { Some(0) } else { self.slot(index).map(|slot| slot.hash) }
    }

    /// Whether the log holds exactly this entry.
    #[must_use]
    pub fn holds(&self, id: LogId) -> bool {
        self.term_at(id.index) == Some(id.term)
    }

    /// What the entry at an index carries; `None` behind the end or at index 0.
    #[must_use]
    pub fn payload(&self, index: LogIndex) -> View<&Payload> {
        match self.slot(index) {
            Some(Slot { content: Content::Ready(payload), .. }) => View::Ready(payload),
            Some(Slot { content: Content::Damaged, term, .. }) => View::Damaged(LogId { term: *term, index }),
            Some(Slot { content: Content::Pending { .. }, .. }) | None => View::Pending,
        }
    }

    /// Length of what the entry at an index carries, in memory or not; 0 if it is lost.
    #[must_use]
    pub fn payload_bytes(&self, index: LogIndex) -> u64 {
        match self.slot(index).map(|slot| &slot.content) {
            Some(Content::Ready(payload)) => payload.len_bytes(),
            Some(Content::Pending { payload_bytes }) => *payload_bytes,
            Some(Content::Damaged) | None => 0,
        }
    }

    /// Whether any entry has lost its payload.
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        self.damaged > 0
    }

    /// Adds the entry behind the last one; returns the hash of the log up to it.
    ///
    /// # Panics
    /// If its index or term does not follow: the caller has checked both.
    pub fn append(&mut self, entry: &Entry) -> u64 {
        let hash = prefix_hash(self.last_hash(), entry.id, entry.payload.digest());
        self.push(entry.id, Content::Ready(entry.payload.clone()), hash);
        hash
    }

    /// Adds an entry whose payload rotted on disk; its identifier survived.
    ///
    /// # Panics
    /// If its index or term does not follow.
    pub fn append_damaged(&mut self, id: LogId) {
        self.push(id, Content::Damaged, Digest::of(self.last_hash(), &id));
        self.damaged += 1;
    }

    /// Adds an entry whose payload is on the disk; `hash` is that of the log up to it.
    ///
    /// # Panics
    /// If its index or term does not follow.
    pub fn append_stored(&mut self, id: LogId, payload_bytes: u64, hash: u64) {
        self.cache.begin_behind(id.index);
        self.push(id, Content::Pending { payload_bytes }, hash);
    }

    #[inline(always)]
    fn push(&mut self, id: LogId, content: Content, hash: u64) {
        assert_eq!(id.index, self.last.index.next(), "entries are consecutive");
        assert!(id.term >= self.last.term, "terms never fall along a log: {id} behind {}", self.last);
        self.cache.bytes += content.cached_bytes();
        self.slots.push(Slot { term: id.term, hash, content });
        self.last = id;
    }

    /// Removes every entry behind `last`, and its payload with it.
    pub fn truncate(&mut self, last: LogIndex) {
        for index in last.0.saturating_add(1)..=self.last.index.0 {
            let Some(Slot { content, .. }) = self.slot(LogIndex(index)) else { break };
            let (bytes, is_damaged) = (content.cached_bytes(), *content == Content::Damaged);
            self.damaged -= u64::from(is_damaged);
            self.cache.forget(index, bytes);
        }
        self.cache.truncate(last);
        self.slots.truncate(position(last.next()));
        let term = self.slots.last().map_or(Term(0), |slot| slot.term);
        self.last = LogId { term, index: LogIndex(self.slots.len() as u64) };
    }

    /// Entries from an index on, as many as both limits allow but at least one.
    ///
    /// A payload that is not ready ends the run; as the first one it is the answer.
    #[must_use]
    pub fn entries(&self, from: LogIndex, bytes_max: u64, entries_max: u32) -> View<Entries> {
        if from == self.last.index {
            // The steady path: one new entry, no intermediate vector.
            return self.entry(from).map(|entry| Entries::from([entry]));
        }
        match self.payload(from) {
            View::Damaged(id) => View::Damaged(id),
            View::Pending if from <= self.last.index => View::Pending,
            _ => View::Ready(self.run(from, self.last.index, bytes_max).take(entries_max as usize).collect()),
        }
    }

    /// The entries between two indexes, both included, as far as their payloads are ready and within the limit, but at least one.
    pub fn run(&self, from: LogIndex, to: LogIndex, bytes_max: u64) -> impl Iterator<Item = Entry> + '_ {
        let mut bytes = 0u64;
        (from.0..=to.0).map_while(move |index| {
            let View::Ready(entry) = self.entry(LogIndex(index)) else { return None };
            bytes = bytes.saturating_add(entry.payload.len_bytes());
            (index == from.0 || bytes <= bytes_max).then_some(entry)
        })
    }

    fn entry(&self, index: LogIndex) -> View<Entry> {
        match self.payload(index) {
            View::Ready(payload) => {
                let term = self.term_at(index).unwrap_or_default();
                View::Ready(Entry { id: LogId { term, index }, payload: payload.clone() })
            }
            View::Pending => View::Pending,
            View::Damaged(id) => View::Damaged(id),
        }
    }

    /// The last entry at or before `bound.index` whose term is not above `bound.term`.
    ///
    /// Two logs that disagree at `bound` cannot agree behind the answer, because terms
    /// never fall along a log: whole terms are skipped at once.
    #[must_use]
    pub fn last_not_above(&self, bound: LogId) -> LogId {
        let (mut low, mut high) = (0, bound.index.0.min(self.last.index.0));
        if let Some(term) = self.term_at(LogIndex(high)).filter(|term| *term <= bound.term) {
            return LogId { term, index: LogIndex(high) }; // Nearly always.
        }
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.term_at(LogIndex(middle)).is_some_and(|term| term <= bound.term) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        let index = LogIndex(low);
        LogId { term: self.term_at(index).unwrap_or_default(), index }
    }

    fn last_hash(&self) -> u64 {
        self.slots.last().map_or(0, |slot| slot.hash)
    }

    #[inline]
    fn slot(&self, index: LogIndex) -> Option<&Slot> {
        if index.0 == 0 { None } else { self.slots.get(position(index)) }
    }
}

impl<T> View<T> {
    fn map<U>(self, f: impl FnOnce(T) -> U) -> View<U> {
        match self {
            Self::Ready(value) => View::Ready(f(value)),
            Self::Pending => View::Pending,
            Self::Damaged(id) => View::Damaged(id),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a log in memory is shorter than the address space")]
const fn position(index: LogIndex) -> usize {
    index.0.saturating_sub(1) as usize
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    pub(super) fn log(terms: &[u64]) -> LogView {
        let mut log = LogView::default();
        for (term, index) in terms.iter().zip(1..) {
            log.append(&Entry { id: LogId::new(*term, index), payload: Payload::Command(Bytes::from_static(b"1234")) });
        }
        log
    }

    #[test]
    fn whole_terms_are_skipped() {
        let log = log(&[1, 1, 4, 4, 6]);
        for (bound, found) in [((5, 9), (4, 4)), ((3, 4), (1, 2)), ((0, 3), (0, 0)), ((9, 3), (4, 3)), ((6, 5), (6, 5))] {
            assert_eq!(log.last_not_above(LogId::new(bound.0, bound.1)), LogId::new(found.0, found.1), "{bound:?}");
        }
    }

    #[test]
    fn a_batch_holds_at_least_one_entry_and_obeys_both_limits() {
        let log = log(&[1; 6]);
        let count = |from, bytes, entries| match log.entries(LogIndex(from), bytes, entries) {
            View::Ready(run) => run.len(),
            hole => panic!("{hole:?}"),
        };
        assert_eq!(count(1, 0, 9), 1);
        assert_eq!(count(1, 8, 9), 2);
        assert_eq!(count(1, 99, 4), 4);
        assert_eq!(count(6, 0, 1), 1);
        assert_eq!(count(7, 99, 9), 0);
    }

    #[test]
    fn a_hole_ends_a_run_and_is_named_when_it_is_first() {
        let mut log = log(&[1, 1]);
        assert!(!log.is_damaged());
        log.append_damaged(LogId::new(2, 3));
        assert!(log.is_damaged());
        log.append_stored(LogId::new(2, 4), 4, 7);
        assert!(matches!(log.entries(LogIndex(1), 99, 9), View::Ready(run) if run.len() == 2));
        assert_eq!(log.entries(LogIndex(3), 99, 9), View::Damaged(LogId::new(2, 3)));
        assert_eq!(log.payload(LogIndex(4)), View::Pending);
        assert_eq!(log.term_at(LogIndex(3)), Some(Term(2)));
    }

    #[test]
    fn the_prefix_hash_covers_everything_before_it() {
        let (one, mut other) = (log(&[1, 1, 2]), log(&[1, 1]));
        assert_eq!(one.hash_at(LogIndex(2)), other.hash_at(LogIndex(2)));
        other.truncate(LogIndex(0));
        other.append(&Entry { id: LogId::new(1, 1), payload: Payload::Noop });
        other.append(&Entry { id: LogId::new(1, 2), payload: Payload::Command(Bytes::from_static(b"1234")) });
        assert_ne!(one.hash_at(LogIndex(2)), other.hash_at(LogIndex(2)));
    }
}
