//! The log as consensus sees it: identifiers are always at hand, payloads may not be.
//!
//! Every payload has a state: ready, only on the disk (`Pending`), or lost to rot
//! (`Damaged`). Votes and conflicts are decided by identifiers alone, so a node with a
//! hole can still take part; it serves nothing past the hole.
//!
//! What is ready is a *cache* of bounded size, and lies in the log's own slots: what is truncated takes its payload
//! with it, and what is read back finds its slot by term and index or not at all. So no payload can outlive its entry.
//! The newest entries are there in a window that ends with the log; what was read back stands apart from it, so that a
//! follower far behind does not push out what all others need.
//! Not here: the disk ([`crate::store`]), when something is let go or read back ([`super::fetching`]).
//! Read next: [`super::replication`].

use std::collections::VecDeque;

use crate::digest::Digest;
use crate::entry::{Entries, Entry, Payload, StoredEntry};
use crate::shared::SharedVec;
use crate::types::{LogId, LogIndex, Term};

/// Which part of the cache holds what was read back: one of so many.
const FETCHED_SHARE: u64 = 4;

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

/// What is known of the payloads in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cache {
    /// Their length.
    bytes: u64,
    /// How many entries there are before the window. Those in it were never let go.
    before_window: u64,
    /// What was read back, oldest first: the first and the last index of each run. All of it lies before the window.
    fetched: VecDeque<(LogIndex, LogIndex)>,
    /// Its length.
    fetched_bytes: u64,
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

    /// Length of all payloads that are in memory.
    #[must_use]
    pub const fn cached_bytes(&self) -> u64 {
        self.cache.bytes
    }

    /// Adds the entry behind the last one; returns the hash of the log up to it.
    ///
    /// # Panics
    /// If its index or term does not follow: the caller has checked both.
    pub fn append(&mut self, entry: &Entry) -> u64 {
        let hash = Digest::of(self.last_hash(), entry);
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
        // The window has no gaps: it begins anew behind this one.
        if self.cache.bytes > self.cache.fetched_bytes {
            self.cache.fetched.push_back((LogIndex(self.cache.before_window + 1), self.last.index));
            self.cache.fetched_bytes = self.cache.bytes;
        }
        self.push(id, Content::Pending { payload_bytes }, hash);
        self.cache.before_window = id.index.0;
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
            self.forget_bytes(index, bytes);
        }
        self.cache.before_window = self.cache.before_window.min(last.0);
        self.cache.fetched.retain_mut(|(first, end)| {
            *end = (*end).min(last);
            first <= end
        });
        self.slots.truncate(position(last.next()));
        let term = self.slots.last().map_or(Term(0), |slot| slot.term);
        self.last = LogId { term, index: LogIndex(self.slots.len() as u64) };
    }

    /// Lets go of payloads until those in memory have at most so many bytes, or none is left that is durable: `durable` is the last
    /// entry that can be read back. Whether anything was let go.
    #[inline]
    pub fn evict(&mut self, durable: LogIndex, bytes_max: u64) -> bool {
        self.cache.bytes > bytes_max && self.evict_down_to(durable, bytes_max)
    }

    #[inline(never)]
    fn evict_down_to(&mut self, durable: LogIndex, bytes_max: u64) -> bool {
        let before = self.cache.bytes;
        while self.cache.fetched_bytes > bytes_max / FETCHED_SHARE
            && let Some((first, end)) = self.cache.fetched.pop_front()
        {
            (first.0..=end.0).for_each(|index| self.let_go(index));
        }
        while self.cache.bytes > bytes_max && self.cache.before_window < durable.0.min(self.last.index.0) {
            self.let_go(self.cache.before_window + 1);
            self.cache.before_window += 1;
        }
        self.cache.bytes < before
    }

    /// Only commands: they are what takes memory.
    fn let_go(&mut self, index: u64) {
        let Some(slot) = self.slots.get_mut(position(LogIndex(index))) else { return };
        let payload_bytes = slot.content.cached_bytes();
        if payload_bytes > 0 {
            slot.content = Content::Pending { payload_bytes };
            self.forget_bytes(index, payload_bytes);
        }
    }

    const fn forget_bytes(&mut self, index: u64, bytes: u64) {
        self.cache.bytes -= bytes;
        if index <= self.cache.before_window {
            self.cache.fetched_bytes -= bytes;
        }
    }

    /// Takes what was read back of consecutive entries. What is in memory already, or was replaced by another entry in
    /// the meantime, stays as it is. Tells which entries turn out to have lost their payloads.
    pub fn fill(&mut self, entries: Vec<StoredEntry>, mut lost: impl FnMut(LogId)) {
        let (Some(first), Some(end)) = (entries.first().map(|entry| entry.id.index), entries.last().map(|entry| entry.id.index))
        else {
            return;
        };
        let before = self.cache.bytes;
        for StoredEntry { id, payload } in entries {
            let Some(slot) = self.slots.get_mut(position(id.index)).filter(|_| id.index.0 > 0) else { continue };
            if slot.term != id.term || !matches!(slot.content, Content::Pending { .. }) {
                continue;
            }
            slot.content = payload.map_or(Content::Damaged, Content::Ready);
            self.cache.bytes += slot.content.cached_bytes();
            if slot.content == Content::Damaged {
                self.damaged += 1;
                lost(id);
            }
        }
        let bytes = self.cache.bytes - before;
        if bytes > 0 {
            self.cache.fetched_bytes += bytes;
            self.cache.fetched.push_back((first, end.min(self.last.index)));
        }
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

    fn log(terms: &[u64]) -> LogView {
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

    fn stored(log: &LogView, indexes: std::ops::RangeInclusive<u64>, byte: &'static [u8]) -> Vec<StoredEntry> {
        let entry = |index| StoredEntry {
            id: log.id_at(LogIndex(index)).expect("in the log"),
            payload: Some(Payload::Command(Bytes::from_static(byte))),
        };
        indexes.map(entry).collect()
    }

    fn ready(log: &LogView) -> Vec<u64> {
        (1..=log.last().index.0).filter(|index| matches!(log.payload(LogIndex(*index)), View::Ready(_))).collect()
    }

    #[test]
    fn only_what_is_durable_is_let_go_and_the_oldest_first() {
        let mut log = log(&[1; 6]);
        assert_eq!(log.cached_bytes(), 24);
        assert!(!log.evict(LogIndex(6), 24));
        assert!(log.evict(LogIndex(6), 19));
        assert_eq!((ready(&log), log.cached_bytes()), (vec![3, 4, 5, 6], 16));
        assert!(log.evict(LogIndex(4), 0));
        assert_eq!((ready(&log), log.payload_bytes(LogIndex(4))), (vec![5, 6], 4));
        assert!(!log.evict(LogIndex(4), 0));
    }

    #[test]
    fn what_was_read_back_has_a_share_of_its_own() {
        let mut log = log(&[1; 9]);
        log.evict(LogIndex(9), 16);
        assert_eq!(ready(&log), [6, 7, 8, 9]);
        log.fill(stored(&log, 1..=1, b"1234"), |_| ());
        log.fill(stored(&log, 2..=2, b"1234"), |_| ());
        assert_eq!((ready(&log), log.cached_bytes()), (vec![1, 2, 6, 7, 8, 9], 24));
        // What was read first goes first, and what was read last stays beside the newest.
        log.evict(LogIndex(9), 16);
        assert_eq!((ready(&log), log.cached_bytes()), (vec![2, 7, 8, 9], 16));
        log.evict(LogIndex(9), 0);
        assert_eq!((ready(&log), log.cached_bytes()), (vec![], 0));
    }

    /// Issue L21 of other engines: an entry that was replaced while it was read came back in the place of its successor.
    #[test]
    fn what_was_truncated_is_not_served() {
        let mut log = log(&[1; 6]);
        log.evict(LogIndex(6), 0);
        let (late, other) = (stored(&log, 3..=6, b"late"), stored(&log, 1..=3, b"1234"));
        log.fill(other, |_| ());
        log.truncate(LogIndex(2));
        assert_eq!((ready(&log), log.cached_bytes()), (vec![1, 2], 8));
        log.append(&Entry { id: LogId::new(2, 3), payload: Payload::Command(Bytes::from_static(b"new")) });
        log.append_stored(LogId::new(2, 4), 4, 0);
        log.fill(late, |_| ());
        assert_eq!(log.payload(LogIndex(3)), View::Ready(&Payload::Command(Bytes::from_static(b"new"))));
        assert_eq!(log.payload(LogIndex(4)), View::Pending);
        assert_eq!(log.cached_bytes(), 11);
        log.truncate(LogIndex(0));
        assert_eq!((log.cached_bytes(), log.clone()), (0, LogView::default()));
    }

    #[test]
    fn what_cannot_be_read_back_is_told_once() {
        let mut log = log(&[1; 3]);
        log.evict(LogIndex(3), 0);
        let read = vec![StoredEntry { id: LogId::new(1, 2), payload: None }];
        let mut lost = Vec::new();
        log.fill(read.clone(), |id| lost.push(id));
        log.fill(read, |id| lost.push(id));
        assert_eq!(lost, [LogId::new(1, 2)]);
        assert_eq!(log.payload(LogIndex(2)), View::Damaged(LogId::new(1, 2)));
        assert!(log.is_damaged());
        log.truncate(LogIndex(1));
        assert!(!log.is_damaged());
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
