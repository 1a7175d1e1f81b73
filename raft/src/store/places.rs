//! Where entries lie: which frame holds the payload of an index, for those who want it back.
//!
//! One place for each frame with entries, whatever their number. A frame that was cut short by a truncation keeps its place for
//! the entries that are left; those behind them have the place of a later frame.
//!
//! Not here: reading them (`fetch`).

use std::collections::VecDeque;

use super::format::{Cursor, SECTOR_BYTES, SegmentId};
use crate::entry::Persist;
use crate::shared::SharedVec;
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

/// The frames in which the log's entries lie.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// In the order of the log; none is empty.
    segments: VecDeque<Segment>,
    /// Entries before this one are purged.
    first: LogIndex,
}

/// The frames of one segment, by the first entry that each holds.
#[derive(Clone, Debug)]
struct Segment {
    id: SegmentId,
    seed: u32,
    /// First entries ascend.
    frames: SharedVec<Frame>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    first: LogIndex,
    sequence: u64,
    offset: u64,
    chain: u32,
    sectors: u32,
}

// One for each frame of the log, however long that is.
const _: () = assert!(size_of::<Frame>() <= 32);

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
    ///
    /// # Panics
    /// If the frame is longer than any is.
    pub fn append(&mut self, place: Place, index: LogIndex) {
        let Place { segment: id, cursor: Cursor { seed, offset, chain, sequence }, len } = place;
        if self.segments.back().is_none_or(|last| last.id != id) {
            self.segments.push_back(Segment { id, seed, frames: SharedVec::default() });
        }
        let segment = self.segments.back_mut().expect("there is one now");
        if segment.frames.last().is_none_or(|last| last.sequence != sequence) {
            let sectors = u32::try_from(len / SECTOR_BYTES as u64).expect("a frame is much shorter");
            segment.frames.push(Frame { first: index, sequence, offset, chain, sectors });
        }
    }

    /// The log was cut back to `last`.
    pub fn truncate(&mut self, last: LogIndex) {
        while let Some(segment) = self.segments.back_mut() {
            segment.frames.truncate(segment.count_up_to(last));
            if !segment.frames.is_empty() {
                return;
            }
            self.segments.pop_back();
        }
    }

    /// The log's head went, up to `through` and with it.
    pub fn purge(&mut self, through: LogIndex) {
        self.first = LogIndex(through.0.saturating_add(1)); // Numbers may be absurd where checksums are right.
        let count = self.segments.partition_point(|segment| segment.holds_from(self.first));
        self.segments.drain(..count.saturating_sub(1));
    }

    /// The frames in which an entry and those behind it lie, as far as they are one piece of a file that is no longer than
    /// `bytes_max`; the first one in any case. None if the entry was not written, or was purged.
    #[must_use]
    pub fn run(&self, index: LogIndex, bytes_max: u64) -> Vec<Place> {
        let count = self.segments.partition_point(|segment| segment.holds_from(index));
        let Some(segment) = count.checked_sub(1).and_then(|at| self.segments.get(at)).filter(|_| index >= self.first) else {
            return Vec::new();
        };
        let from = segment.count_up_to(index) - 1;
        let mut places: Vec<Place> = Vec::new();
        for place in (from..segment.frames.len()).filter_map(|at| segment.place(at)) {
            let begins = places.first().unwrap_or(&place).cursor.offset;
            if !places.is_empty() && place.cursor.offset + place.len - begins > bytes_max {
                break;
            }
            places.push(place);
        }
        places
    }
}

impl Segment {
    /// Whether an entry lies in it or in one behind it, if it was written at all.
    fn holds_from(&self, index: LogIndex) -> bool {
        self.frames.get(0).is_some_and(|frame| frame.first <= index)
    }

    /// How many frames begin with entries up to `index`.
    fn count_up_to(&self, index: LogIndex) -> usize {
        let is_behind = |at: usize| self.frames.get(at).is_none_or(|frame| frame.first > index);
        let (mut low, mut high) = (0, self.frames.len());
        while low < high {
            let middle = low.midpoint(high);
            if is_behind(middle) { high = middle } else { low = middle + 1 }
        }
        low
    }

    fn place(&self, at: usize) -> Option<Place> {
        let Frame { sequence, offset, chain, sectors, .. } = *self.frames.get(at)?;
        let cursor = Cursor { seed: self.seed, offset, chain, sequence };
        Some(Place { segment: self.id, cursor, len: u64::from(sectors) * SECTOR_BYTES as u64 })
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
        assert_eq!([3, 4].map(|index| of(&places, index)), [None; 2]);
        assert_eq!(of(&places, 5), Some(place(2)));
        places.purge(LogIndex(6));
        assert_eq!((of(&places, 6), of(&places, 7)), (None, Some(place(3))));
        places.purge(LogIndex(20));
        places.note(place(9), [append(21..=21)].iter());
        assert_eq!(of(&places, 21), Some(place(9)));
    }
}
