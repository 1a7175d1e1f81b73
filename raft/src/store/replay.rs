//! The log as far as its frames were replayed: what the records of one after the other add up to.
//!
//! Replay may begin at any segment, since its header says what the log's state was; entries of earlier segments are then
//! unknown, and the log is *complete* once none of those is needed any more.
//!
//! Not here: where frames come from ([`super::recovery`]).

use super::Fault;
use super::format::FileHeader;
use super::places::{Place, Places};
use super::reader::{Frame, Record, Run, Summed};
use crate::entry::HardState;
use crate::log_view::LogView;
use crate::types::{LogId, LogIndex, Term};

/// What was replayed.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// Term and vote.
    pub hard_state: HardState,
    /// The last entry that was purged.
    pub purged: LogId,
    /// The entries that are known, without a gap; none where they are only counted. Those at its head and before it are purged or
    /// unknown.
    pub log: LogView,
    /// Where they lie.
    pub places: Places,
    /// How many frames were replayed.
    pub frames: u64,
    /// The segment that goes on, by the seal that was found last.
    pub sealed: Option<u64>,
    /// D11.
    #[cfg(feature = "mutants")]
    pub(super) overwrites: bool,
    /// How many payload bytes may be in memory; the oldest are let go of.
    bytes_max: u64,
    /// What is known of the entries behind the log's head instead, where they are only counted.
    counted: Option<Counted>,
}

/// Entries without their content: a log may be larger than the memory of whoever only looks at it.
#[derive(Clone, Debug, Default)]
struct Counted {
    count: u64,
    /// In the order of their indexes.
    damaged: Vec<LogId>,
    /// The first entry of each term.
    terms: Vec<LogId>,
}

impl Replay {
    /// The state before a segment's first frame. Entries with payloads of more than `bytes_max` are let go of, the oldest first.
    #[must_use]
    pub fn before(header: &FileHeader, bytes_max: u64) -> Self {
        let head = header.segment.base.prev();
        let head = if head == header.purged.index { header.purged } else { LogId { index: head, term: Term(0) } };
        let log = LogView::behind(head);
        Self { hard_state: header.hard_state, purged: header.purged, log, bytes_max, ..Self::default() }
    }

    /// As [`Self::before`], for a log whose entries are only counted.
    #[must_use]
    pub fn counting_before(header: &FileHeader) -> Self {
        Self { counted: Some(Counted::default()), ..Self::before(header, 0) }
    }

    /// How many entries are known.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counted.as_ref().map_or(self.log.len() as u64, |counted| counted.count)
    }

    /// Those that are damaged, where entries are only counted; elsewhere the log knows.
    #[must_use]
    pub fn damaged(&self) -> &[LogId] {
        self.counted.as_ref().map_or(&[], |counted| &counted.damaged)
    }

    /// Index of the log's last entry.
    #[must_use]
    pub fn last(&self) -> LogIndex {
        LogIndex(self.log.head().index.0 + self.count())
    }

    /// Whether everything behind what was purged is known.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.log.head().index <= self.purged.index
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
                #[cfg(feature = "mutants")]
                Record::Entry(entry) if self.overwrites && self.log.id_at(entry.id.index).is_some() => self.log.overwrite(entry),
                Record::Entry(entry) => {
                    if self.follows(entry.id, 1, place)? {
                        self.log.take(entry);
                        self.log.evict(self.log.last().index, self.bytes_max);
                    }
                }
                Record::Intact(run) => self.append_run(&run, place)?,
                Record::Damaged(id) => {
                    if self.follows(id, 1, place)? {
                        self.log.append_damaged(id);
                    } else if let Some(counted) = &mut self.counted {
                        counted.damaged.push(id);
                    }
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

    /// Lets go of all payloads, since those that follow will take their room.
    pub fn let_go(&mut self) {
        self.log.evict(self.log.last().index, 0);
    }

    fn append_run(&mut self, run: &Run, place: Place) -> Result<(), Fault> {
        if self.follows(run.first, run.commands.len() as u64, place)? {
            for (id, Summed { payload_bytes, digest }) in run.iter() {
                self.log.append_stored(id, u64::from(*payload_bytes), *digest);
            }
        }
        Ok(())
    }

    /// Takes the identifiers of so many entries of one term, which lie at `place`. Whether they are to be kept, and not only
    /// counted.
    fn follows(&mut self, first: LogId, count: u64, place: Place) -> Result<bool, Fault> {
        let (found, expected) = (first.index, self.last().next());
        if found != expected {
            return Err(Fault::Gap { found, expected });
        }
        let before = self.last_term();
        if first.term < before {
            return Err(Fault::Term { index: found, found: first.term, before });
        }
        let Some(counted) = &mut self.counted else {
            self.places.append(place, found);
            return Ok(true);
        };
        counted.count += count;
        if first.term > before || counted.terms.is_empty() {
            counted.terms.push(first);
        }
        Ok(false)
    }

    fn last_term(&self) -> Term {
        let counted = self.counted.as_ref().and_then(|counted| counted.terms.last());
        counted.map_or(self.log.last().term, |first| first.term)
    }

    fn truncate(&mut self, last: LogIndex) {
        let head = self.log.head().index;
        if last < head {
            self.log = LogView::behind(LogId { index: last, term: Term(0) });
        } else {
            self.log.truncate(last);
        }
        self.places.truncate(last);
        if let Some(counted) = &mut self.counted {
            counted.count = counted.count.min(last.0.saturating_sub(head.0));
            counted.damaged.retain(|id| id.index <= last);
            counted.terms.retain(|id| id.index <= last && counted.count > 0);
        }
    }

    fn purge(&mut self, through: LogId) {
        if let Some(counted) = &mut self.counted {
            counted.count = counted.count.saturating_sub(through.index.0.saturating_sub(self.log.head().index.0));
            counted.damaged.retain(|id| id.index > through.index);
            // The term of what follows is that of an entry which may be gone.
            let gone = counted.terms.iter().take_while(|id| id.index <= through.index).count();
            counted.terms.drain(..gone.saturating_sub(usize::from(counted.count > 0)));
        }
        self.log.purge(through);
        self.places.purge(through.index);
        self.purged = through;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Entry, Payload};
    use crate::log_view::View;
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
        assert_eq!((truncated.last(), truncated.log.head().index), (LogIndex(4), LogIndex(3)));
        take(&mut replay, [Record::Purge { through: LogId::new(1, 5) }]).unwrap();
        assert!(replay.is_complete());
        assert_eq!((replay.last(), replay.log.head(), replay.log.len()), (LogIndex(6), LogId::new(1, 5), 1));
    }

    /// Whoever counts comes to the same as whoever keeps.
    #[test]
    fn entries_that_are_only_counted_are_counted_right() {
        let ready = |term, index| Record::Entry(Entry { id: LogId::new(term, index), payload: Payload::Noop });
        let truncate = |last| Record::Truncate { last: LogIndex(last) };
        let purge = |through| Record::Purge { through: LogId::new(1, through) };
        let records = [
            vec![entry(5), ready(1, 6), entry(7)],
            vec![Record::Purge { through: LogId::new(9, 5) }], // whose term nobody looks at
            vec![ready(3, 8)],
            vec![truncate(7), ready(2, 8), Record::Damaged(LogId::new(4, 9))],
            vec![purge(7), truncate(8)],
            vec![truncate(2)],
            vec![entry(3), ready(1, 4), purge(9)],
        ];
        let (mut keeping, mut counting) = (at(5, 4), Replay { counted: Some(Counted::default()), ..at(5, 4) });
        for frame in records {
            take(&mut keeping, frame.clone()).unwrap();
            take(&mut counting, frame.clone()).unwrap();
            let sums =
                |replay: &Replay| (replay.count(), replay.log.head(), replay.last(), replay.last_term(), replay.is_complete());
            assert_eq!(sums(&counting), sums(&keeping), "after {frame:?}");
            let damaged = keeping.log.iter().filter(|(_, payload)| matches!(payload, View::Damaged(_)));
            assert_eq!(counting.damaged(), damaged.map(|(id, _)| id).collect::<Vec<_>>());
            assert!(counting.log.is_empty());
        }
        assert_eq!(keeping.count(), 0);
    }

    /// As a reader tells it who wants no commands.
    fn without_command(record: Record) -> Record {
        match record {
            Record::Entry(Entry { id, payload: payload @ Payload::Command(_) }) => {
                let payload_bytes = u32::try_from(payload.len_bytes()).expect("small");
                Record::Intact(Run { first: id, commands: vec![Summed { payload_bytes, digest: payload.digest() }] })
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
            assert!(some.log.cached_bytes() <= 15);
            for (id, payload) in all.log.iter() {
                let known = |log: &LogView| (log.id_at(id.index), log.hash_at(id.index), log.payload_bytes(id.index));
                assert_eq!(known(&none.log), known(&all.log), "of digests alone");
                assert_eq!(known(&some.log), known(&all.log));
                assert!([View::Pending, payload].contains(&some.log.payload(id.index)));
            }
            assert_eq!((some.last(), none.last()), (all.last(), all.last()));
        }
        let is_ready = |(_, payload)| matches!(payload, View::Ready(_));
        assert_eq!(some.log.iter().map(is_ready).collect::<Vec<_>>(), [false, false, true, true]);
        let frame_of = |index| some.places.run(LogIndex(index), 0).first().map(|place| place.cursor.sequence);
        assert_eq!([1, 2, 3, 4].map(frame_of), [Some(1), Some(4), Some(4), Some(4)]);
    }

    #[test]
    fn entries_follow_each_other() {
        let mut replay = at(5, 4);
        assert_eq!(take(&mut replay, [entry(6)]), Err(Fault::Gap { found: LogIndex(6), expected: LogIndex(5) }));
        take(&mut replay, [entry(5), Record::Purge { through: LogId::new(1, 5) }]).unwrap();
        assert_eq!((replay.last(), replay.log.is_empty()), (LogIndex(5), true), "an empty log knows where it goes on");
        take(&mut replay, [entry(6), Record::Damaged(LogId::new(3, 7))]).unwrap();
        let refused = Err(Fault::Term { index: LogIndex(8), found: Term(2), before: Term(3) });
        assert_eq!(take(&mut replay, [Record::Damaged(LogId::new(2, 8))]), refused);
    }
}
