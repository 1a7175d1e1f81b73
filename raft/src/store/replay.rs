//! The log as far as its frames were replayed: what the records of one after the other add up to.
//!
//! Replay may begin at any segment, since its header says what the log's state was; entries of earlier segments are then
//! unknown, and the log is *complete* once none of those is needed any more.
//!
//! Not here: where frames come from ([`super::recovery`]).

use super::format::FileHeader;
use super::places::{Place, Places};
use super::reader::{Frame, Record};
use super::{Fault, RecoveredEntry};
use crate::digest::{Digest, prefix_hash};
use crate::entry::HardState;
use crate::types::{LogId, LogIndex};

/// What was replayed.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// Term and vote.
    pub hard_state: HardState,
    /// The last entry that was purged.
    pub purged: LogId,
    /// The entries that are known, without a gap. Of the oldest only identifiers, if there are too many.
    pub entries: Vec<RecoveredEntry>,
    /// Where they lie.
    pub places: Places,
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
    kept: Kept,
}

/// What bounds the memory that entries take.
#[derive(Clone, Debug, Default)]
struct Kept {
    bytes_max: u64,
    /// Of the payloads in memory.
    bytes: u64,
    /// How many entries have been let go of, from the first on.
    let_go: usize,
    /// Prefix hashes, one for each entry.
    hashes: Vec<u64>,
}

/// Entries without their content: a log may be larger than the memory of whoever only looks at it.
#[derive(Clone, Debug, Default)]
struct Counted {
    count: u64,
    /// In the order of their indexes.
    damaged: Vec<LogId>,
}

impl Replay {
    /// The state before a segment's first frame. Entries with payloads of more than `bytes_max` are let go of, the oldest first.
    #[must_use]
    pub fn before(header: &FileHeader, bytes_max: u64) -> Self {
        let kept = Kept { bytes_max, ..Kept::default() };
        Self { hard_state: header.hard_state, purged: header.purged, first: header.segment.base, kept, ..Self::default() }
    }

    /// As [`Self::before`], for a log whose entries are only counted.
    #[must_use]
    pub fn counting_before(header: &FileHeader) -> Self {
        Self { counted: Some(Counted::default()), ..Self::before(header, 0) }
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

    /// Replays one frame, which lies at `place`. `truncated` is told how far the log was cut back.
    ///
    /// # Errors
    /// If an entry does not follow the one before it.
    pub fn take(&mut self, frame: Frame, place: Place, mut truncated: impl FnMut(LogIndex)) -> Result<(), Fault> {
        self.frames += 1;
        for record in frame.records {
            match record {
                Record::HardState(state) => self.hard_state = state,
                Record::Entry(entry) => self.append(RecoveredEntry::Ready(entry), place)?,
                Record::Damaged(id) => self.append(RecoveredEntry::Damaged(id), place)?,
                Record::Intact { id, payload_bytes, digest } => {
                    let hash = prefix_hash(self.last_hash(), id, digest);
                    self.append(RecoveredEntry::Stored { id, payload_bytes, hash }, place)?;
                }
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

    fn append(&mut self, entry: RecoveredEntry, place: Place) -> Result<(), Fault> {
        let (found, expected) = (entry.id().index, self.last().next());
        #[cfg(feature = "mutants")]
        if self.overwrites && (self.first..expected).contains(&found) {
            let position = usize::try_from(found.0 - self.first.0).unwrap_or(usize::MAX);
            let replaced = std::mem::replace(&mut self.entries[position], entry);
            self.kept.bytes = self.kept.bytes + payload_bytes(&self.entries[position]) - payload_bytes(&replaced);
            return Ok(());
        }
        if found != expected {
            return Err(Fault::Gap { found, expected });
        }
        match (&mut self.counted, entry) {
            (None, entry) => {
                self.places.append(place, found);
                self.keep(entry);
            }
            (Some(counted), RecoveredEntry::Ready(_) | RecoveredEntry::Stored { .. }) => counted.count += 1,
            (Some(counted), RecoveredEntry::Damaged(id)) => {
                counted.count += 1;
                counted.damaged.push(id);
            }
        }
        Ok(())
    }

    fn keep(&mut self, entry: RecoveredEntry) {
        let before = self.last_hash();
        self.kept.hashes.push(match &entry {
            RecoveredEntry::Ready(entry) => prefix_hash(before, entry.id, entry.payload.digest()),
            RecoveredEntry::Stored { hash, .. } => *hash,
            RecoveredEntry::Damaged(id) => Digest::of(before, id),
        });
        self.kept.bytes += payload_bytes(&entry);
        self.entries.push(entry);
        while self.kept.bytes > self.kept.bytes_max
            && let Some(oldest) = self.entries.get_mut(self.kept.let_go)
        {
            let payload_bytes = payload_bytes(oldest);
            if payload_bytes > 0 {
                *oldest = RecoveredEntry::Stored { id: oldest.id(), payload_bytes, hash: self.kept.hashes[self.kept.let_go] };
                self.kept.bytes -= payload_bytes;
            }
            self.kept.let_go += 1;
        }
    }

    /// Of what is known of the log, unless it is only counted.
    fn last_hash(&self) -> u64 {
        self.kept.hashes.last().copied().unwrap_or_default()
    }

    fn truncate(&mut self, last: LogIndex) {
        // Numbers may be absurd where checksums are right.
        let end = LogIndex(last.0.saturating_add(1));
        let kept = end.0.saturating_sub(self.first.0);
        let position = usize::try_from(kept).unwrap_or(usize::MAX).min(self.entries.len());
        self.kept.bytes -= self.entries.drain(position..).map(|entry| payload_bytes(&entry)).sum::<u64>();
        self.kept.let_go = self.kept.let_go.min(position);
        self.kept.hashes.truncate(position);
        self.places.truncate(last);
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
        self.kept.bytes -= self.entries.drain(..gone).map(|entry| payload_bytes(&entry)).sum::<u64>();
        self.kept.let_go = self.kept.let_go.saturating_sub(gone);
        self.kept.hashes.drain(..gone);
        self.places.purge(through.index);
        self.first = self.first.max(end);
        self.purged = through;
    }
}

/// Bytes of a payload that is in memory. Of commands only: they are what takes memory.
fn payload_bytes(entry: &RecoveredEntry) -> u64 {
    if let RecoveredEntry::Ready(entry) = entry { entry.payload.len_bytes() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Entry, Payload};
    use crate::store::Identity;
    use crate::store::format::{Cursor, FrameHeader, SegmentId};

    const SEGMENT: SegmentId = SegmentId { base: LogIndex(1), unique: 1 };

    fn at(base: u64, purged: u64) -> Replay {
        at_most(u64::MAX, base, purged)
    }

    fn at_most(bytes_max: u64, base: u64, purged: u64) -> Replay {
        let segment = SegmentId { base: LogIndex(base), ..SEGMENT };
        let header = FileHeader { purged: LogId::new(1, purged), ..FileHeader::first(Identity::default(), segment) };
        Replay::before(&header, bytes_max)
    }

    fn place(sequence: u64) -> Place {
        let cursor = Cursor { seed: 0, offset: sequence * 512, chain: 0, sequence };
        Place { segment: SEGMENT, cursor, len: 512 }
    }

    fn take(replay: &mut Replay, records: impl IntoIterator<Item = Record>) -> Result<Vec<u64>, Fault> {
        let header =
            FrameHeader { sequence: 1, chain: 0, records: 0, payload_bytes: 0, io: Default::default(), records_checksum: 0 };
        let records = records.into_iter().collect();
        let mut told = Vec::new();
        let headers = Vec::new();
        let frame = Frame { header, checksum: 0, records, headers, offset: 0, len: 0, damaged: 0, written: true };
        let place = place(replay.frames + 1);
        replay.take(frame, place, |last| told.push(last.0)).map(|()| told)
    }

    fn entry(index: u64) -> Record {
        Record::Damaged(LogId::new(1, index))
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
        let ready = |index| Record::Entry(Entry { id: LogId::new(1, index), payload: Payload::Noop });
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

    /// As a reader tells it who wants no commands.
    fn without_command(record: Record) -> Record {
        match record {
            Record::Entry(Entry { id, payload: payload @ Payload::Command(_) }) => {
                Record::Intact { id, payload_bytes: payload.len_bytes(), digest: payload.digest() }
            }
            other => other,
        }
    }

    /// Whoever lets go comes to the same log, with the same hashes, as whoever keeps it all.
    #[test]
    fn payloads_beyond_the_limit_are_let_go_of_and_found_again() {
        let command = |term, index, len: usize| {
            let payload = Payload::Command(vec![u8::try_from(index).expect("small"); len].into());
            Record::Entry(Entry { id: LogId::new(term, index), payload })
        };
        let noop = Record::Entry(Entry { id: LogId::new(1, 4), payload: Payload::Noop });
        let frames = [
            vec![command(1, 1, 10), command(1, 2, 10), command(1, 3, 10)],
            vec![noop, command(1, 5, 10), command(1, 6, 10)],
            vec![Record::Truncate { last: LogIndex(5) }, command(2, 6, 3), command(2, 7, 3)],
            vec![Record::Truncate { last: LogIndex(1) }, command(3, 2, 7), command(3, 3, 7), command(3, 4, 7)],
        ];
        let (mut all, mut some, mut none) = (at(1, 0), at_most(15, 1, 0), at_most(0, 1, 0));
        for frame in frames {
            take(&mut all, frame.clone()).unwrap();
            take(&mut none, frame.clone().into_iter().map(without_command)).unwrap();
            take(&mut some, frame).unwrap();
            assert_eq!((&none.kept.hashes, none.last()), (&all.kept.hashes, all.last()), "of digests alone");
            assert!(some.entries.iter().map(payload_bytes).sum::<u64>() <= 15);
            assert_eq!((&some.kept.hashes, some.last()), (&all.kept.hashes, all.last()));
            for (position, (one, whole)) in some.entries.iter().zip(&all.entries).enumerate() {
                match one {
                    RecoveredEntry::Stored { id, payload_bytes: bytes, hash } => {
                        assert_eq!((*id, *bytes, *hash), (whole.id(), payload_bytes(whole), all.kept.hashes[position]));
                    }
                    ready => assert_eq!(ready, whole),
                }
            }
        }
        let is_ready = |entry: &RecoveredEntry| matches!(entry, RecoveredEntry::Ready(_));
        assert_eq!(some.entries.iter().map(is_ready).collect::<Vec<_>>(), [false, false, true, true]);
        let frame_of = |index| some.places.run(LogIndex(index), 0).first().map(|place| place.cursor.sequence);
        assert_eq!([1, 2, 3, 4].map(frame_of), [Some(1), Some(4), Some(4), Some(4)]);
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
