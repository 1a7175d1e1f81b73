//! Reads entries back whose payloads are no longer in memory, one piece of a segment at a time, beside whatever is written.
//!
//! Whoever wants one entry will want those behind it, so the frames that follow are read as well, up to some length. A frame is
//! judged by the same reader as at boot. One that is not what was written is read once more, since a
//! read may go astray where nothing is wrong with the medium; then what it held is lost.
//!
//! Not here: where entries lie ([`super::places`]), what becomes of them ([`crate::core::fetching`]).

use std::collections::VecDeque;

use super::places::{Place, Places};
use super::reader::{Frame, Reader, Record, Step};
use crate::entry::StoredEntry;
use crate::process::DiskOp;
use crate::types::{LogId, LogIndex};

/// More do not wait: whoever finds no place asks again.
const WANTED_MAX: usize = 64;

/// How much is read at once, if one frame is not longer: what an append carries.
const READ_BYTES: u64 = 1 << 20;

/// What is to be read back, and what is being read.
#[derive(Clone, Debug, Default)]
pub(super) struct Fetch {
    wanted: VecDeque<LogId>,
    under_way: Option<Read>,
}

#[derive(Clone, Debug)]
struct Read {
    id: LogId,
    /// The frame in which it lies, and those behind it. Not empty.
    places: Vec<Place>,
    is_repeated: bool,
}

/// What follows the end of a read.
pub(super) enum Fetched {
    /// It must be done once more.
    Again(DiskOp),
    /// Entries that were asked for, or lie beside them.
    Entries(Vec<StoredEntry>),
}

impl Fetch {
    /// Notes that somebody wants an entry.
    pub(super) fn want(&mut self, id: LogId) {
        let is_noted = self.wanted.contains(&id) || self.under_way.as_ref().is_some_and(|read| read.id == id);
        if !is_noted && self.wanted.len() < WANTED_MAX {
            self.wanted.push_back(id);
        }
    }

    /// Whether anything waits to be read, as hardly ever.
    pub(super) fn is_wanted(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// Whether a segment is being read.
    pub(super) const fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// The next read, if none is under way and somebody wants one.
    pub(super) fn next(&mut self, places: &Places) -> Option<DiskOp> {
        while self.under_way.is_none() {
            let id = self.wanted.pop_front()?;
            let read = Read { id, places: places.run(id.index, READ_BYTES), is_repeated: false };
            // It lies nowhere if it was purged since.
            if !read.places.is_empty() {
                let op = read.op();
                self.under_way = Some(read);
                return Some(op);
            }
        }
        None
    }

    /// Takes what was read.
    pub(super) fn done(&mut self, bytes: &[u8]) -> Fetched {
        let read = self.under_way.take().expect("a read was under way");
        let entries = read.decode(bytes);
        if !read.is_repeated && entries.iter().any(|entry| entry.payload.is_none()) {
            let op = read.op();
            self.under_way = Some(Read { is_repeated: true, ..read });
            return Fetched::Again(op);
        }
        Fetched::Entries(entries)
    }
}

impl Read {
    fn op(&self) -> DiskOp {
        let (first, last) = (self.places[0], self.places[self.places.len() - 1]);
        let (offset, end) = (first.cursor.offset, last.cursor.offset + last.len);
        DiskOp::Read { file: first.segment.file_name(), offset, len: end - offset }
    }

    /// The entries of these frames, the one that is wanted among them. A frame behind the first may still be on its way to the disk, so what
    /// is no frame there ends them and says nothing.
    fn decode(&self, bytes: &[u8]) -> Vec<StoredEntry> {
        let mut entries = Vec::new();
        for place in &self.places {
            let from = usize::try_from(place.cursor.offset - self.places[0].cursor.offset).unwrap_or(usize::MAX);
            match Reader::at(place.cursor).next(bytes.get(from..).unwrap_or_default()) {
                Step::Complete(frame) | Step::Damaged(frame) => add(&mut entries, frame),
                Step::Incomplete { .. } | Step::Invalid(_) => break,
            }
        }
        if entries.iter().any(|entry| entry.id == self.id) { entries } else { vec![StoredEntry { id: self.id, payload: None }] }
    }
}

/// Adds what a frame leaves in the log, so that entries stay consecutive.
fn add(entries: &mut Vec<StoredEntry>, frame: Frame) {
    for record in frame.records {
        let stored = match record {
            Record::Entry(entry) => StoredEntry { id: entry.id, payload: Some(entry.payload) },
            Record::Damaged(id) => StoredEntry { id, payload: None },
            Record::Truncate { last } => {
                cut_behind(entries, last);
                continue;
            }
            Record::Intact(_) | Record::HardState(_) | Record::Purge { .. } | Record::Sealed { .. } => continue,
        };
        // Truncations have frames of their own, too, and those hold no entry.
        cut_behind(entries, stored.id.index.prev());
        entries.push(stored);
    }
}

/// Their indexes ascend, so there is nothing to do but at the end, and nothing at all for most.
fn cut_behind(entries: &mut Vec<StoredEntry>, last: LogIndex) {
    while entries.pop_if(|entry| entry.id.index > last).is_some() {}
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::entry::{Entry, Payload, Persist};
    use crate::store::Identity;
    use crate::store::format::{Cursor, FileHeader, SegmentId};
    use crate::store::writer::FrameWriter;
    use crate::types::IoId;

    const SEGMENT: SegmentId = SegmentId { base: LogIndex(1), unique: 1 };

    fn append(term: u64, indexes: std::ops::RangeInclusive<u64>) -> Persist {
        let entry = |index| Entry {
            id: LogId::new(term, index),
            payload: Payload::Command(Bytes::from(vec![u8::try_from(index).expect("small"); 600])),
        };
        Persist::Append(indexes.map(entry).collect())
    }

    /// Two frames, and where they lie. The first cuts its own entries back.
    fn frames() -> (Places, [Bytes; 2]) {
        let mut at = Cursor::first(&FileHeader::first(Identity::default(), SEGMENT));
        let mut places = Places::default();
        let first = [append(1, 1..=4), Persist::Truncate { last: LogIndex(2) }, append(2, 3..=3)];
        let frames = [&first[..], &[append(2, 4..=5)][..]].map(|items| {
            let cursor = at;
            let bytes = FrameWriter::default().encode(&mut at, IoId::default(), items.iter());
            places.note(Place { segment: SEGMENT, cursor, len: bytes.len() as u64 }, items.iter());
            bytes
        });
        (places, frames)
    }

    fn ids(fetched: Fetched) -> Vec<(LogId, bool)> {
        match fetched {
            Fetched::Entries(entries) => entries.into_iter().map(|entry| (entry.id, entry.payload.is_some())).collect(),
            Fetched::Again(op) => panic!("{op:?}"),
        }
    }

    #[test]
    fn one_read_brings_what_frames_leave_in_the_log() {
        let (places, [first, second]) = frames();
        let both = [&first[..], &second].concat();
        let mut fetch = Fetch::default();
        for id in [LogId::new(2, 3), LogId::new(2, 4), LogId::new(2, 3)] {
            fetch.want(id);
        }
        let read = |offset, len: usize| DiskOp::Read { file: SEGMENT.file_name(), offset, len: len as u64 };
        assert_eq!(fetch.next(&places), Some(read(512, both.len())));
        assert!(fetch.is_under_way() && fetch.next(&places).is_none(), "one at a time");
        fetch.want(LogId::new(2, 3));
        let all = [(1, 1), (1, 2), (2, 3), (2, 4), (2, 5)].map(|(term, index)| (LogId::new(term, index), true));
        assert_eq!(ids(fetch.clone().done(&both)), all);
        assert_eq!(ids(fetch.done(&first)), all[..3], "the second may not be written yet");
        assert_eq!(fetch.next(&places), Some(read(512 + first.len() as u64, second.len())));
        assert_eq!(ids(fetch.done(&second)), all[3..]);
        assert_eq!(fetch.next(&places), None, "nobody was noted twice");
    }

    /// A frame of an earlier leader, one that only truncates, and one with what came then: the one in between is not looked at.
    #[test]
    fn what_was_truncated_between_two_frames_is_left_out() {
        let mut at = Cursor::first(&FileHeader::first(Identity::default(), SEGMENT));
        let (mut places, mut bytes) = (Places::default(), Vec::new());
        for items in [vec![append(1, 1..=4)], vec![Persist::Truncate { last: LogIndex(2) }], vec![append(2, 3..=3)]] {
            let cursor = at;
            let frame = FrameWriter::default().encode(&mut at, IoId::default(), items.iter());
            places.note(Place { segment: SEGMENT, cursor, len: frame.len() as u64 }, items.iter());
            bytes.extend_from_slice(&frame);
        }
        let mut fetch = Fetch::default();
        fetch.want(LogId::new(1, 2));
        fetch.next(&places);
        assert_eq!(ids(fetch.done(&bytes)), [(1, 1), (1, 2), (2, 3)].map(|(term, index)| (LogId::new(term, index), true)));
    }

    #[test]
    fn what_is_not_what_was_written_is_read_twice_and_then_lost() {
        let (places, [first, second]) = frames();
        let rotten = {
            let mut bytes = [&first[..], &second].concat();
            *bytes[..first.len()].iter_mut().rfind(|byte| **byte == 3).expect("of the third entry") ^= 1;
            Bytes::from(bytes)
        };
        let ids_of = |entries: &[(u64, u64, bool)]| -> Vec<_> {
            entries.iter().map(|(term, index, is_whole)| (LogId::new(*term, *index), *is_whole)).collect()
        };
        let lost = ids_of(&[(1, 1, false)]);
        for (bytes, found) in [
            (rotten, ids_of(&[(1, 1, true), (1, 2, true), (2, 3, false), (2, 4, true), (2, 5, true)])),
            (second, lost.clone()), // of another place
            (first.slice(..first.len() - 1), lost.clone()),
            (Bytes::new(), lost),
        ] {
            let mut fetch = Fetch::default();
            fetch.want(LogId::new(1, 1));
            let read = fetch.next(&places);
            assert!(matches!(fetch.done(&bytes), Fetched::Again(again) if Some(&again) == read.as_ref()));
            assert_eq!(ids(fetch.clone().done(&bytes)), found);
            assert_eq!(ids(fetch.done(&first)).len(), 3, "the medium is well");
        }
    }

    #[test]
    fn an_entry_that_the_frame_does_not_leave_is_lost_and_a_purged_one_forgotten() {
        let (mut places, [first, _]) = frames();
        let mut fetch = Fetch::default();
        fetch.want(LogId::new(1, 3));
        fetch.next(&places);
        assert!(matches!(fetch.done(&first), Fetched::Again(_)));
        assert_eq!(ids(fetch.done(&first)), [(LogId::new(1, 3), false)]);
        places.purge(LogIndex(3));
        fetch.want(LogId::new(1, 1));
        fetch.want(LogId::new(2, 4));
        assert!(matches!(fetch.next(&places), Some(DiskOp::Read { offset, .. }) if offset > 512));
    }
}
