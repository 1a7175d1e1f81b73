//! The log as far as its frames were replayed: what the records of one after the other add up to.
//!
//! Replay may begin at any segment, since its header says what the log's state was; entries of earlier segments are then
//! unknown, and the log is *complete* once none of those is needed any more.
//!
//! Not here: where frames come from ([`super::recovery`]).

use super::format::FileHeader;
use super::reader::{Frame, Record};
use super::{Fault, RecoveredEntry};
use crate::entry::HardState;
use crate::types::{LogId, LogIndex};

/// What was replayed.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// Term and vote.
    pub hard_state: HardState,
    /// The last entry that was purged.
    pub purged: LogId,
    /// The entries that are known, without a gap.
    pub entries: Vec<RecoveredEntry>,
    /// Index of the first of them, or of the next one if there is none. Those before are purged or unknown.
    pub first: LogIndex,
    /// How many frames were replayed.
    pub frames: u64,
    /// The segment that goes on, by the seal that was found last.
    pub sealed: Option<u64>,
    /// D11.
    #[cfg(feature = "mutants")]
    pub(super) overwrites: bool,
    /// What is known instead of the entries, where they are only counted.
    counted: Option<Counted>,
}

/// Entries without their content: a log may be larger than the memory of whoever only looks at it.
#[derive(Clone, Debug, Default)]
struct Counted {
    count: u64,
    /// In the order of their indexes.
    damaged: Vec<LogId>,
}

impl Replay {
    /// The state before a segment's first frame.
    #[must_use]
    pub fn before(header: &FileHeader) -> Self {
        Self { hard_state: header.hard_state, purged: header.purged, first: header.segment.base, ..Self::default() }
    }

    /// As [`Self::before`], for a log whose entries are only counted.
    #[must_use]
    pub fn counting_before(header: &FileHeader) -> Self {
        Self { counted: Some(Counted::default()), ..Self::before(header) }
    }

    /// How many entries are known.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counted.as_ref().map_or(self.entries.len() as u64, |counted| counted.count)
    }

    /// Those that are damaged.
    #[must_use]
    pub fn damaged(&self) -> Vec<LogId> {
        let is_damaged = |entry: &&RecoveredEntry| matches!(entry, RecoveredEntry::Damaged(_));
        match &self.counted {
            Some(counted) => counted.damaged.clone(),
            None => self.entries.iter().filter(is_damaged).map(RecoveredEntry::id).collect(),
        }
    }

    /// Index of the log's last entry.
    #[must_use]
    pub fn last(&self) -> LogIndex {
        LogIndex((self.first.0 + self.count()).saturating_sub(1))
    }

    /// Whether everything behind what was purged is known.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.first <= self.purged.index.next()
    }

    /// Whether a segment with this header goes on where the replay stands.
    #[must_use]
    pub fn is_continued_by(&self, header: &FileHeader) -> bool {
        let here = (self.hard_state, self.purged, self.last().next());
        here == (header.hard_state, header.purged, header.segment.base)
    }

    /// Replays one frame. `truncated` is told how far the log was cut back.
    ///
    /// # Errors
    /// If an entry does not follow the one before it.
    pub fn take(&mut self, frame: Frame, mut truncated: impl FnMut(LogIndex)) -> Result<(), Fault> {
        self.frames += 1;
        for record in frame.records {
            match record {
                Record::HardState(state) => self.hard_state = state,
                Record::Entry(entry) => self.append(entry)?,
                Record::Intact(id) => self.count_intact(id.index)?,
                Record::Truncate { last } => {
                    self.truncate(last);
                    truncated(last);
                }
                Record::Purge { through } => self.purge(through),
                Record::Sealed { next } => self.sealed = Some(next),
            }
        }
        Ok(())
    }

    fn append(&mut self, entry: RecoveredEntry) -> Result<(), Fault> {
        let (found, expected) = (entry.id().index, self.last().next());
        #[cfg(feature = "mutants")]
        if self.overwrites && (self.first..expected).contains(&found) {
            self.entries[usize::try_from(found.0 - self.first.0).unwrap_or(usize::MAX)] = entry;
            return Ok(());
        }
        if found != expected {
            return Err(Fault::Gap { found, expected });
        }
        match (&mut self.counted, entry) {
            (None, entry) => self.entries.push(entry),
            (Some(counted), RecoveredEntry::Ready(_)) => counted.count += 1,
            (Some(counted), RecoveredEntry::Damaged(id)) => {
                counted.count += 1;
                counted.damaged.push(id);
            }
        }
        Ok(())
    }

    /// As [`Self::append`], where entries are only counted.
    fn count_intact(&mut self, found: LogIndex) -> Result<(), Fault> {
        let expected = self.last().next();
        if found != expected {
            return Err(Fault::Gap { found, expected });
        }
        self.counted.as_mut().expect("who keeps entries reads their payloads").count += 1;
        Ok(())
    }

    fn truncate(&mut self, last: LogIndex) {
        // Numbers may be absurd where checksums are right.
        let end = LogIndex(last.0.saturating_add(1));
        let kept = end.0.saturating_sub(self.first.0);
        self.entries.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
        if let Some(counted) = &mut self.counted {
            counted.count = counted.count.min(kept);
            counted.damaged.retain(|id| id.index < end);
        }
        self.first = self.first.min(end);
    }

    fn purge(&mut self, through: LogId) {
        let end = LogIndex(through.index.0.saturating_add(1));
        let gone = end.0.saturating_sub(self.first.0);
        if let Some(counted) = &mut self.counted {
            counted.count -= counted.count.min(gone);
            counted.damaged.retain(|id| id.index >= end);
        }
        let gone = usize::try_from(gone).unwrap_or(usize::MAX).min(self.entries.len());
        self.entries.drain(..gone);
        self.first = self.first.max(end);
        self.purged = through;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Entry, Payload};
    use crate::store::Identity;
    use crate::store::format::{FrameHeader, SegmentId};

    fn at(base: u64, purged: u64) -> Replay {
        let segment = SegmentId { base: LogIndex(base), unique: 1 };
        Replay::before(&FileHeader { purged: LogId::new(1, purged), ..FileHeader::first(Identity::default(), segment) })
    }

    fn take(replay: &mut Replay, records: impl IntoIterator<Item = Record>) -> Result<Vec<u64>, Fault> {
        let header =
            FrameHeader { sequence: 1, chain: 0, records: 0, payload_bytes: 0, io: Default::default(), records_checksum: 0 };
        let records = records.into_iter().collect();
        let mut told = Vec::new();
        let headers = Vec::new();
        let frame = Frame { header, checksum: 0, records, headers, offset: 0, len: 0, damaged: 0, written: true };
        replay.take(frame, |last| told.push(last.0)).map(|()| told)
    }

    fn entry(index: u64) -> Record {
        Record::Entry(RecoveredEntry::Damaged(LogId::new(1, index)))
    }

    #[test]
    fn a_log_that_is_read_from_the_middle_is_complete_when_the_rest_is_purged_or_truncated() {
        let mut replay = at(5, 2);
        assert!(!replay.is_complete(), "3 and 4 are unknown");
        take(&mut replay, [entry(5), entry(6)]).unwrap();
        take(&mut replay, [Record::Purge { through: LogId::new(1, 3) }]).unwrap();
        assert!(!replay.is_complete(), "4 is unknown");
        let mut truncated = replay.clone();
        assert_eq!(take(&mut truncated, [Record::Truncate { last: LogIndex(3) }, entry(4)]), Ok(vec![3]));
        assert!(truncated.is_complete(), "4 is another one now");
        assert_eq!((truncated.last(), truncated.first), (LogIndex(4), LogIndex(4)));
        take(&mut replay, [Record::Purge { through: LogId::new(1, 5) }]).unwrap();
        assert!(replay.is_complete());
        assert_eq!((replay.last(), replay.first, replay.entries.len()), (LogIndex(6), LogIndex(6), 1));
    }

    /// Whoever counts comes to the same as whoever keeps.
    #[test]
    fn entries_that_are_only_counted_are_counted_right() {
        let ready = |index| Record::Entry(RecoveredEntry::Ready(Entry { id: LogId::new(1, index), payload: Payload::Noop }));
        let truncate = |last| Record::Truncate { last: LogIndex(last) };
        let purge = |through| Record::Purge { through: LogId::new(1, through) };
        let records = [
            vec![entry(5), ready(6), entry(7), ready(8)],
            vec![purge(5)],
            vec![truncate(7), ready(8), entry(9)],
            vec![purge(7), truncate(8)],
            vec![truncate(2)],
            vec![entry(3), ready(4), purge(9)],
        ];
        let (mut keeping, mut counting) = (at(5, 4), Replay { counted: Some(Counted::default()), ..at(5, 4) });
        for frame in records {
            take(&mut keeping, frame.clone()).unwrap();
            take(&mut counting, frame.clone()).unwrap();
            let sums = |replay: &Replay| (replay.count(), replay.damaged(), replay.first, replay.last(), replay.is_complete());
            assert_eq!(sums(&counting), sums(&keeping), "after {frame:?}");
            assert!(counting.entries.is_empty());
        }
        assert_eq!(keeping.count(), 0);
    }

    #[test]
    fn entries_follow_each_other() {
        let mut replay = at(5, 4);
        assert_eq!(take(&mut replay, [entry(6)]), Err(Fault::Gap { found: LogIndex(6), expected: LogIndex(5) }));
        take(&mut replay, [entry(5), Record::Purge { through: LogId::new(1, 5) }]).unwrap();
        assert_eq!((replay.last(), replay.first), (LogIndex(5), LogIndex(6)), "an empty log knows where it goes on");
        take(&mut replay, [entry(6)]).unwrap();
    }
}
