//! The log in memory, as consensus sees it and as a recovery finds it: identifiers are always at hand, payloads may not be.
//!
//! Every payload has a state: ready, only on the disk (`Pending`), or lost to rot
//! (`Damaged`). Votes and conflicts are decided by identifiers alone, so a node with a
//! hole can still take part; it serves nothing past the hole.
//!
//! Not here: which payloads are ready (`cache`), the disk ([`crate::store`]). Read next: [`crate::core::replication`].

mod cache;
#[cfg(feature = "mutants")]
mod planted;

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

/// What is at hand of every entry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    term: Term,
    hash: u64,
    /// Length of the payload, in memory or not; [`LOST`] if there is none any more.
    payload_bytes: u64,
}

/// No payload is as long.
const LOST: u64 = u64::MAX;

// The limit on payloads does not bound how many of these there are.
const _: () = assert!(size_of::<Slot>() <= 24);

/// The replicated log of one node, or what is left of it behind its head. Index 1 is the first entry of a whole one.
///
/// ```
/// use squall_raft::log_view::{LogView, View};
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
    /// What it begins behind.
    head: LogId,
    slots: SharedVec<Slot>,
    /// One for each slot, if it is in memory.
    payloads: SharedVec<Option<Payload>>,
    last: LogId,
    damaged: u64,
    cache: Cache,
}

impl LogView {
    /// An empty log that begins behind an entry which it does not hold. Term 0 if that of the entry is not known.
    #[must_use]
    pub fn behind(head: LogId) -> Self {
        Self { head, last: head, cache: Cache::new(head.index), ..Self::default() }
    }

    /// What it begins behind; term 0 and index 0 if that is the beginning of all logs.
    #[must_use]
    pub const fn head(&self) -> LogId {
        self.head
    }

    /// The last entry; [`Self::head`] if there is none.
    #[must_use]
    pub const fn last(&self) -> LogId {
        self.last
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The term of the entry at an index, also at that of the head; `None` before it and behind the end.
    #[must_use]
    #[inline]
    pub fn term_at(&self, index: LogIndex) -> Option<Term> {
        if index == self.last.index {
            return Some(self.last.term);
        }
        if index == self.head.index {
            return Some(self.head.term);
        }
        self.slot(index).map(|slot| slot.term)
    }

    /// The id of the entry at an index; `None` where there is no term.
    #[must_use]
    pub fn id_at(&self, index: LogIndex) -> Option<LogId> {
        self.term_at(index).map(|term| LogId { term, index })
    }

    /// Hash of the log from where it once began up to an index; 0 for the head, `None` before it and behind the end.
    #[must_use]
    pub fn hash_at(&self, index: LogIndex) -> Option<u64> {
        if index == self.head.index { Some(0) } else { self.slot(index).map(|slot| slot.hash) }
    }

    /// Whether the log holds exactly this entry.
    #[must_use]
    pub fn holds(&self, id: LogId) -> bool {
        self.term_at(id.index) == Some(id.term)
    }

    /// What the entry at an index carries; `Pending` if there is no entry.
    #[must_use]
    pub fn payload(&self, index: LogIndex) -> View<&Payload> {
        let Some(position) = self.position(index) else { return View::Pending };
        match self.payloads.get(position) {
            Some(Some(payload)) => View::Ready(payload),
            Some(None) => self.hole(index, position),
            None => View::Pending,
        }
    }

    /// All entries, in order, and what they carry.
    pub fn iter(&self) -> impl Iterator<Item = (LogId, View<&Payload>)> {
        (self.head.index.0 + 1..).zip(self.slots.iter()).map(|(index, slot)| {
            let index = LogIndex(index);
            (LogId { term: slot.term, index }, self.payload(index))
        })
    }

    /// Why a payload is not in memory.
    #[cold]
    fn hole<T>(&self, index: LogIndex, position: usize) -> View<T> {
        match self.slots.get(position) {
            Some(Slot { term, payload_bytes: LOST, .. }) => View::Damaged(LogId { term: *term, index }),
            _ => View::Pending,
        }
    }

    /// Length of what the entry at an index carries, in memory or not; 0 if it is lost.
    #[must_use]
    pub fn payload_bytes(&self, index: LogIndex) -> u64 {
        self.slot(index).map_or(0, |slot| if slot.payload_bytes == LOST { 0 } else { slot.payload_bytes })
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
        self.take(entry.clone())
    }

    /// As [`Self::append`], for those who have no other use for the entry.
    #[inline(always)]
    pub(crate) fn take(&mut self, Entry { id, payload }: Entry) -> u64 {
        let hash = prefix_hash(self.last_hash(), id, payload.digest());
        let payload_bytes = payload.len_bytes();
        self.cache.bytes += payload_bytes;
        self.payloads.push(Some(payload));
        self.push(id, payload_bytes, hash);
        hash
    }

    /// Adds an entry whose payload rotted on disk; its identifier survived.
    ///
    /// # Panics
    /// If its index or term does not follow.
    pub fn append_damaged(&mut self, id: LogId) {
        self.payloads.push_default();
        self.push(id, LOST, Digest::of(self.last_hash(), &id));
        self.damaged += 1;
    }

    /// Adds an entry whose payload is on the disk: its length, and [its digest](Payload::digest).
    ///
    /// # Panics
    /// If its index or term does not follow.
    pub fn append_stored(&mut self, id: LogId, payload_bytes: u64, digest: u64) {
        self.cache.begin_behind(id.index);
        let hash = prefix_hash(self.last_hash(), id, digest);
        self.payloads.push_default();
        self.push(id, payload_bytes, hash);
    }

    #[inline(always)]
    fn push(&mut self, id: LogId, payload_bytes: u64, hash: u64) {
        assert_eq!(id.index, self.last.index.next(), "entries are consecutive");
        assert!(id.term >= self.last.term, "terms never fall along a log: {id} behind {}", self.last);
        self.slots.push(Slot { term: id.term, hash, payload_bytes });
        self.last = id;
    }

    /// Removes every entry behind `last`, and its payload with it; all of them if the head is behind it, too.
    pub fn truncate(&mut self, last: LogIndex) {
        let last = last.max(self.head.index);
        for index in last.0 + 1..=self.last.index.0 {
            let bytes = self.cached_bytes_of(LogIndex(index));
            self.cache.forget(index, bytes);
            self.damaged -= u64::from(self.slot(LogIndex(index)).is_some_and(|slot| slot.payload_bytes == LOST));
        }
        self.cache.truncate(last);
        let len = self.position(last).map_or(0, |position| position + 1);
        self.slots.truncate(len);
        self.payloads.truncate(len);
        let index = LogIndex(self.head.index.0 + self.slots.len() as u64);
        self.last = LogId { term: self.slots.last().map_or(self.head.term, |slot| slot.term), index };
    }

    /// Removes every entry up to `through` and with it; all that is left is copied once. A log that is not that long begins
    /// anew there, and one that begins later stays as it is.
    pub fn purge(&mut self, through: LogId) {
        let Some(gone) = through.index.0.checked_sub(self.head.index.0) else { return };
        let gone = usize::try_from(gone).unwrap_or(usize::MAX);
        let mut rest = Self::behind(through);
        for (slot, payload) in self.slots.iter().zip(self.payloads.iter()).skip(gone) {
            rest.damaged += u64::from(slot.payload_bytes == LOST);
            rest.last = LogId { term: slot.term, index: rest.last.index.next() };
            rest.slots.push(slot.clone());
            match payload {
                Some(payload) => rest.payloads.push(Some(payload.clone())),
                None => rest.payloads.push_default(),
            }
        }
        rest.cache =
            self.cache.behind(through.index, rest.payloads.iter().map(|payload| payload.as_ref().map_or(0, Payload::len_bytes)));
        *self = rest;
    }

    /// Length of the payload of an entry, if that is in memory.
    fn cached_bytes_of(&self, index: LogIndex) -> u64 {
        if let View::Ready(payload) = self.payload(index) { payload.len_bytes() } else { 0 }
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
        let (mut low, mut high) = (self.head.index.0, bound.index.0.min(self.last.index.0));
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
        self.slots.get(self.position(index)?)
    }

    /// Where the slot of an index is, if there is one.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "a log in memory is shorter than the address space")]
    const fn position(&self, index: LogIndex) -> Option<usize> {
        match index.0.checked_sub(self.head.index.0) {
            None | Some(0) => None,
            Some(distance) => Some(distance as usize - 1),
        }
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::shared::CHUNK;

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

    /// Whatever index is asked for, also those before the head and behind the end.
    #[test]
    fn a_log_that_begins_later_answers_as_the_whole_one() {
        let mut whole = log(&[1, 1, 2, 2, 3, 3]);
        whole.append_damaged(LogId::new(3, 7));
        whole.append_stored(LogId::new(4, 8), 4, 9);
        whole.append(&Entry { id: LogId::new(4, 9), payload: Payload::Noop });
        for through in 0..=9 {
            let head = whole.id_at(LogIndex(through)).unwrap();
            let mut rest = whole.clone();
            rest.purge(head);
            rest.purge(whole.id_at(LogIndex(through / 2)).unwrap());
            assert_eq!((rest.head(), rest.last(), rest.len() as u64), (head, whole.last(), 9 - through), "behind {through}");
            for index in (through + 1..=9).map(LogIndex) {
                let all = |log: &LogView| (log.id_at(index), log.hash_at(index), log.payload_bytes(index));
                assert_eq!((all(&rest), rest.payload(index)), (all(&whole), whole.payload(index)));
            }
            assert_eq!((rest.term_at(head.index), rest.hash_at(head.index)), (Some(head.term), Some(0)));
            assert_eq!(through.checked_sub(1).and_then(|before| rest.term_at(LogIndex(before))), None);
            assert_eq!((rest.term_at(LogIndex(10)), rest.payload(LogIndex(10))), (None, View::Pending));
            assert_eq!(rest.is_damaged(), through < 7);
            assert_eq!(rest.cached_bytes(), 4 * 6_u64.saturating_sub(through));
            assert_eq!(rest.last_not_above(LogId::new(0, 9)), head, "nobody goes back behind the head");
            assert!(rest.iter().map(|(id, _)| id).eq((through + 1..=9).filter_map(|index| whole.id_at(LogIndex(index)))));
            rest.truncate(LogIndex(through + 1));
            assert_eq!(rest.len(), usize::from(through < 9));
            rest.truncate(LogIndex(0));
            assert_eq!((rest.last(), rest.cached_bytes(), rest.is_damaged()), (head, 0, false));
        }
        whole.purge(LogId::new(7, 20));
        assert_eq!((whole.last(), whole.len(), whole.cached_bytes()), (LogId::new(7, 20), 0, 0));
    }

    /// Beside what [`Slot`] takes.
    #[test]
    fn entries_whose_payloads_are_let_go_of_keep_no_places_for_them() {
        let mut log = log(&[1; 8 * CHUNK]);
        log.evict(log.last().index, 0);
        let chunks = (0..7 * CHUNK).step_by(CHUNK).map(|position| log.payloads.get(position).unwrap() as *const _);
        let chunks: Vec<_> = chunks.collect();
        assert!(chunks.iter().all(|chunk| *chunk == chunks[0]), "they share one");
    }
}
