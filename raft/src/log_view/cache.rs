//! Which payloads of the log are in memory: a cache of bounded size.
//!
//! It lies beside the log's own slots, place by place: what is truncated takes its payload with it, and what is read back
//! finds its slot by term and index or not at all. So no payload can outlive its entry. The newest entries are there in a window that ends
//! with the log; what was read back stands apart from it, so that a follower far behind does not push out what all others
//! need.
//!
//! Not here: when something is let go or read back ([`crate::core::fetching`]).

use std::collections::VecDeque;

use super::{LOST, LogView, Slot};
use crate::entry::StoredEntry;
use crate::shared::CHUNK;
use crate::types::{LogId, LogIndex};

/// Which part of the cache holds what was read back: one of so many.
const FETCHED_SHARE: u64 = 4;

/// What is known of the payloads in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cache {
    /// Their length.
    pub(super) bytes: u64,
    /// How many entries there are before the window. Those in it were never let go.
    before_window: u64,
    /// What was read back, oldest first: the first and the last index of each run. All of it lies before the window.
    fetched: VecDeque<(LogIndex, LogIndex)>,
    /// Its length.
    fetched_bytes: u64,
}

impl Cache {
    /// Of a log that begins behind an index.
    pub(super) fn new(head: LogIndex) -> Self {
        Self { before_window: head.0, ..Self::default() }
    }

    /// Of what is left behind an index, the lengths of whose payloads in memory follow.
    pub(super) fn behind(&self, head: LogIndex, lengths: impl Iterator<Item = u64>) -> Self {
        let before_window = self.before_window.max(head.0);
        let mut fetched = self.fetched.clone();
        fetched.retain_mut(|(first, end)| {
            *first = (*first).max(head.next());
            first <= end
        });
        let (mut bytes, mut fetched_bytes) = (0, 0);
        for (index, length) in (head.0 + 1..).zip(lengths) {
            bytes += length;
            fetched_bytes += if index <= before_window { length } else { 0 };
        }
        Self { bytes, before_window, fetched, fetched_bytes }
    }

    /// The window has no gaps: it begins anew behind an entry at the log's end whose payload is not here.
    pub(super) fn begin_behind(&mut self, index: LogIndex) {
        if self.bytes > self.fetched_bytes {
            self.fetched.push_back((LogIndex(self.before_window + 1), index.prev()));
            self.fetched_bytes = self.bytes;
        }
        self.before_window = index.0;
    }

    /// A payload goes.
    pub(super) const fn forget(&mut self, index: u64, bytes: u64) {
        self.bytes -= bytes;
        if index <= self.before_window {
            self.fetched_bytes -= bytes;
        }
    }

    /// The log was cut back to `last`, and its payloads are forgotten.
    pub(super) fn truncate(&mut self, last: LogIndex) {
        self.before_window = self.before_window.min(last.0);
        self.fetched.retain_mut(|(first, end)| {
            *end = (*end).min(last);
            first <= end
        });
    }
}

impl LogView {
    /// Length of all payloads that are in memory.
    #[must_use]
    pub const fn cached_bytes(&self) -> u64 {
        self.cache.bytes
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
            self.position(end).into_iter().for_each(|position| self.payloads.share_blank(position));
        }
        while self.cache.bytes > bytes_max && self.cache.before_window < durable.0.min(self.last.index.0) {
            self.let_go(self.cache.before_window + 1);
            self.cache.before_window += 1;
        }
        self.cache.bytes < before
    }

    /// Only commands: they are what takes memory.
    fn let_go(&mut self, index: u64) {
        let bytes = self.cached_bytes_of(LogIndex(index));
        let Some(position) = self.position(LogIndex(index)) else { return };
        // A chunk that is shared is not copied for nothing.
        if bytes > 0
            && let Some(payload) = self.payloads.get_mut(position)
        {
            *payload = None;
            self.cache.forget(index, bytes);
        }
        if (position + 1).is_multiple_of(CHUNK) {
            self.payloads.share_blank(position);
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
            let Some(position) = self.position(id.index) else { continue };
            let is_missing = |slot: &Slot| slot.term == id.term && slot.payload_bytes != LOST;
            if !self.slots.get(position).is_some_and(is_missing) || self.payloads.get(position) != Some(&None) {
                continue;
            }
            if let Some(payload) = payload {
                self.cache.bytes += payload.len_bytes();
                if let Some(place) = self.payloads.get_mut(position) {
                    *place = Some(payload);
                }
            } else {
                if let Some(slot) = self.slots.get_mut(position) {
                    slot.payload_bytes = LOST;
                }
                self.damaged += 1;
                lost(id);
            }
        }
        let bytes = self.cache.bytes - before;
        if bytes > 0 {
            self.cache.fetched_bytes += bytes;
            // What is in the window was there all the time, and may not be durable.
            self.cache.fetched.push_back((first, end.min(LogIndex(self.cache.before_window))));
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::View;
    use super::super::tests::log;
    use super::*;
    use crate::entry::{Entry, Payload};

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

    /// A piece of a segment may end with frames that are only on their way.
    #[test]
    fn what_is_read_beside_the_window_lets_nothing_of_it_go() {
        let mut log = log(&[1; 6]);
        log.evict(LogIndex(3), 0);
        log.fill(stored(&log, 1..=6, b"1234"), |_| ());
        assert_eq!((ready(&log), log.cached_bytes()), (vec![1, 2, 3, 4, 5, 6], 24));
        log.evict(LogIndex(3), 0);
        assert_eq!((ready(&log), log.cached_bytes()), (vec![4, 5, 6], 12));
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
}
