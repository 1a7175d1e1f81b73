//! Which segments a log lies in, how one is made, and which may go.
//!
//! Not here: their bytes ([`super::format`]), when one is full ([`super::wal`]).

use std::collections::VecDeque;
use std::sync::LazyLock;

use bytes::Bytes;

use super::format::{FileHeader, SECTOR_BYTES};
use crate::process::{DiskOp, FileName};
use crate::types::LogIndex;

/// So many zeros are written at once. All share them.
static ZEROS: LazyLock<Bytes> = LazyLock::new(|| vec![0; 1 << 20].into());

/// The segments that are full, oldest first. The one that is written to is not among them.
#[derive(Clone, Debug, Default)]
pub struct Segments {
    closed: VecDeque<Closed>,
}

#[derive(Clone, Debug)]
struct Closed {
    file: FileName,
    /// The log's last index when it was closed, or to which it was cut back since. What lies in this segment and those
    /// before it, and still counts, is at or below it.
    end: LogIndex,
}

impl Segments {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.closed.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.closed.is_empty()
    }

    /// A segment is full; `end` is the log's last index.
    pub fn close(&mut self, file: FileName, end: LogIndex) {
        self.closed.push_back(Closed { file, end });
    }

    /// The log was cut back to `last`.
    pub fn truncate(&mut self, last: LogIndex) {
        self.closed.iter_mut().for_each(|closed| closed.end = closed.end.min(last));
    }

    /// Whether there is one in which everything is purged.
    #[must_use]
    pub fn has_purged(&self, through: LogIndex) -> bool {
        self.closed.front().is_some_and(|closed| closed.end <= through)
    }

    /// Takes those out in which everything is purged. They must go in this order.
    pub fn take_purged(&mut self, through: LogIndex) -> impl Iterator<Item = FileName> + '_ {
        let count = self.closed.iter().take_while(|closed| closed.end <= through).count();
        self.closed.drain(..count).map(|closed| closed.file)
    }
}

/// What makes the segment of this name, in this order. It has the name when all of it is done, and not before.
#[must_use]
pub fn make(header: &FileHeader, file: &FileName) -> VecDeque<DiskOp> {
    let new = header.segment.unfinished_name();
    let mut ops = VecDeque::from([DiskOp::Create { file: new.clone() }]);
    if header.file_bytes > SECTOR_BYTES as u64 {
        ops.push_back(DiskOp::Allocate { file: new.clone(), len: header.file_bytes });
    }
    let bytes = Bytes::copy_from_slice(&header.encode());
    ops.push_back(DiskOp::WriteSync { file: new.clone(), offset: 0, bytes });
    ops.push_back(DiskOp::Rename { from: new, to: file.clone() });
    ops.push_back(DiskOp::SyncDir);
    ops
}

/// Overwrites so many bytes with zeros.
pub(super) fn zeros(file: &FileName, from: u64, len: u64) -> impl Iterator<Item = DiskOp> + '_ {
    (0..len).step_by(ZEROS.len()).map(move |at| {
        let bytes = usize::try_from(len - at).map_or_else(|_| ZEROS.clone(), |rest| ZEROS.slice(..rest.min(ZEROS.len())));
        DiskOp::Write { file: file.clone(), offset: from + at, bytes }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purged(segments: &Segments, through: u64) -> usize {
        segments.clone().take_purged(LogIndex(through)).count()
    }

    #[test]
    fn a_segment_goes_when_all_that_counts_in_it_is_purged() {
        let mut segments = Segments::default();
        for (name, end) in [("a", 3), ("b", 6), ("c", 9)] {
            segments.close(name.into(), LogIndex(end));
        }
        assert_eq!([2, 3, 5, 6, 9].map(|through| purged(&segments, through)), [0, 1, 1, 2, 3]);
        // What was behind 4 lies elsewhere now.
        segments.truncate(LogIndex(4));
        assert_eq!([2, 3, 4].map(|through| purged(&segments, through)), [0, 1, 3]);
    }
}
