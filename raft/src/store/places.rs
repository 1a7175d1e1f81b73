//! Where entries lie: which frame holds the payload of an index, for those who want it back.
//!
//! One place for each frame with entries, whatever their number. A frame that was cut short by a truncation keeps its place for
//! the entries that are left; those behind them have the place of a later frame.
//!
//! Not here: reading them ([`super::fetch`]).

use std::collections::VecDeque;

use super::format::{Cursor, SegmentId};
use crate::entry::Persist;
use crate::types::LogIndex;

/// A frame on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// In which segment.
    pub segment: SegmentId,
    /// Where it begins, and what it follows.
    pub cursor: Cursor,
    /// How many bytes of the file it takes.
    pub len: u64,
}

/// The frames in which the log's entries lie, by the first entry that each holds.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Indexes ascend.
    frames: VecDeque<(LogIndex, Place)>,
}

impl Places {
    /// Notes what a frame that lies at `place` does to the log.
    pub fn note<'a>(&mut self, place: Place, items: impl Iterator<Item = &'a Persist>) {
        for item in items {
            match item {
                Persist::HardState(_) => {}
                Persist::Truncate { last } => self.truncate(*last),
                Persist::Append(entries) => {
                    if let Some(first) = entries.first() {
                        self.append(place, first.id.index);
                    }
                }
            }
        }
    }

    /// Notes that an entry lies at a place. Its index is behind all that count.
    pub fn append(&mut self, place: Place, index: LogIndex) {
        if self.frames.back().is_none_or(|(_, last)| *last != place) {
            self.frames.push_back((index, place));
        }
    }

    /// The log was cut back to `last`.
    pub fn truncate(&mut self, last: LogIndex) {
        while self.frames.pop_back_if(|(first, _)| *first > last).is_some() {}
    }

    /// The log's head went, up to `through` and with it.
    pub fn purge(&mut self, through: LogIndex) {
        let next = LogIndex(through.0.saturating_add(1)); // Numbers may be absurd where checksums are right.
        let count = self.frames.partition_point(|(first, _)| *first <= next);
        self.frames.drain(..count.saturating_sub(1));
    }

    /// Where an entry of the log lies, if it was written.
    #[must_use]
    pub fn of(&self, index: LogIndex) -> Option<Place> {
        let count = self.frames.partition_point(|(first, _)| *first <= index);
        self.frames.get(count.checked_sub(1)?).map(|(_, place)| *place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Entry, Payload};
    use crate::types::LogId;

    fn place(sequence: u64) -> Place {
        let segment = SegmentId { base: LogIndex(1), unique: 1 };
        Place { segment, cursor: Cursor { seed: 0, offset: sequence * 512, chain: 0, sequence }, len: 512 }
    }

    fn append(indexes: std::ops::RangeInclusive<u64>) -> Persist {
        Persist::Append(indexes.map(|index| Entry { id: LogId::new(1, index), payload: Payload::Noop }).collect())
    }

    fn sequences(places: &Places, last: u64) -> Vec<u64> {
        (1..=last).map(|index| places.of(LogIndex(index)).expect("written").cursor.sequence).collect()
    }

    #[test]
    fn every_entry_has_the_frame_that_was_written_last() {
        let mut places = Places::default();
        assert_eq!(places.of(LogIndex(1)), None);
        places.note(place(1), [append(1..=3), append(4..=5)].iter());
        places.note(place(2), [append(6..=9)].iter());
        assert_eq!(sequences(&places, 9), [1, 1, 1, 1, 1, 2, 2, 2, 2]);
        let truncate = |last| Persist::Truncate { last: LogIndex(last) };
        places.note(place(3), [truncate(7), append(8..=8)].iter());
        assert_eq!(sequences(&places, 8), [1, 1, 1, 1, 1, 2, 2, 3]);
        places.note(place(4), [append(9..=11), truncate(3), append(4..=6)].iter());
        assert_eq!(sequences(&places, 6), [1, 1, 1, 4, 4, 4]);
        places.note(place(5), [truncate(0), append(1..=1)].iter());
        assert_eq!(sequences(&places, 1), [5]);
    }

    #[test]
    fn purged_entries_have_none() {
        let mut places = Places::default();
        for frame in 1..=3 {
            places.note(place(frame), [append(3 * frame - 2..=3 * frame)].iter());
        }
        places.purge(LogIndex(4));
        assert_eq!(places.of(LogIndex(3)), None);
        assert_eq!(places.of(LogIndex(5)), Some(place(2)));
        places.purge(LogIndex(6));
        assert_eq!((places.of(LogIndex(6)), places.of(LogIndex(7))), (None, Some(place(3))));
        places.purge(LogIndex(20));
        places.note(place(9), [append(21..=21)].iter());
        assert_eq!(places.of(LogIndex(21)), Some(place(9)));
    }
}
