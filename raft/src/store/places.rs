//! Where entries lie: which frame holds the payload of an index, for those who want it back.
//!
//! One place for each frame with entries, whatever their number. A frame that was cut short by a truncation keeps its place for
//! the entries that are left; those behind them have the place of a later frame.
//!
//! Not here: reading them (`fetch`).

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

// One for each frame of the log, however long that is.
const _: () = assert!(size_of::<(LogIndex, Place)>() <= 64);

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

    /// The frames in which an entry and those behind it lie, as far as they are one piece of a file that is no longer than `bytes_max`; the
    /// first one in any case. None if the entry was not written.
    #[must_use]
    pub fn run(&self, index: LogIndex, bytes_max: u64) -> Vec<Place> {
        let count = self.frames.partition_point(|(first, _)| *first <= index);
        let Some(at) = count.checked_sub(1) else { return Vec::new() };
        let first = self.frames[at].1;
        let is_near = |place: &Place| {
            let end = place.cursor.offset + place.len;
            place.segment == first.segment && end - first.cursor.offset <= bytes_max
        };
        let others = self.frames.range(at + 1..).map(|(_, place)| *place).take_while(is_near);
        std::iter::once(first).chain(others).collect()
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

    fn of(places: &Places, index: u64) -> Option<Place> {
        places.run(LogIndex(index), 0).first().copied()
    }

    fn sequences(places: &Places, last: u64) -> Vec<u64> {
        (1..=last).map(|index| of(places, index).expect("written").cursor.sequence).collect()
    }

    #[test]
    fn every_entry_has_the_frame_that_was_written_last() {
        let mut places = Places::default();
        assert_eq!(of(&places, 1), None);
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
    fn a_run_is_one_piece_of_one_segment() {
        let mut places = Places::default();
        for frame in 1..=4 {
            places.note(place(frame), [append(2 * frame - 1..=2 * frame)].iter());
        }
        let other = SegmentId { base: LogIndex(9), unique: 2 };
        places.note(Place { segment: other, ..place(5) }, [append(9..=9)].iter());
        let run =
            |index, bytes_max| places.run(LogIndex(index), bytes_max).iter().map(|one| one.cursor.sequence).collect::<Vec<_>>();
        assert_eq!(run(4, 0), [2], "the first one in any case");
        assert_eq!(run(4, 1_535), [2, 3]);
        assert_eq!(run(4, 1_536), [2, 3, 4]);
        assert_eq!(run(4, u64::MAX), [2, 3, 4], "not into the next segment");
        assert_eq!(Places::default().run(LogIndex(1), 9), []);
    }

    #[test]
    fn purged_entries_have_none() {
        let mut places = Places::default();
        for frame in 1..=3 {
            places.note(place(frame), [append(3 * frame - 2..=3 * frame)].iter());
        }
        places.purge(LogIndex(4));
        assert_eq!(of(&places, 3), None);
        assert_eq!(of(&places, 5), Some(place(2)));
        places.purge(LogIndex(6));
        assert_eq!((of(&places, 6), of(&places, 7)), (None, Some(place(3))));
        places.purge(LogIndex(20));
        places.note(place(9), [append(21..=21)].iter());
        assert_eq!(of(&places, 21), Some(place(9)));
    }
}
