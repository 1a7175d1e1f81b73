//! What a node's disk promises: a reader that follows the durable image of its log, sync by sync, segment by segment.
//!
//! It sees what survives a power loss at this instant, whatever the node believes about it.
//! A bug that acknowledges too early is seen the moment it happens, not only if the power
//! happens to fail. Not here: the judgement (`squall_checkers::raft`).

use squall_checkers::raft::Observation as Seen;
use squall_raft::digest::prefix_hash;
use squall_raft::entry::HardState;
use squall_raft::process::FileName;
use squall_raft::shared::SharedVec;
use squall_raft::store::format::{FileHeader, SECTOR_BYTES, SegmentId};
use squall_raft::store::reader::{Reader, Record, Step};
use squall_raft::types::{LogId, LogIndex, Term};

use crate::disk::Disk;

/// Bytes that are read at a time, and at least: a frame of a common size, and a sector to see that nothing follows.
const WINDOW: usize = 1 << 10;

/// The promised log of one node.
#[derive(Clone, Debug)]
pub(super) struct Ghost {
    node: u64,
    /// The segment that is followed, once there is one.
    at: Option<At>,
    /// Term and prefix hash of each promised entry; what it carries is let go.
    log: SharedVec<(u64, u64)>,
    hard: HardState,
    buffer: Vec<u8>,
}

/// A position in a segment.
#[derive(Clone, Debug)]
struct At {
    file: FileName,
    unique: u64,
    reader: Reader,
}

impl Ghost {
    pub fn new(node: u64) -> Self {
        Self { node, at: None, log: SharedVec::default(), hard: HardState::default(), buffer: Vec::new() }
    }

    /// Index of the last promised entry.
    pub fn last_index(&self) -> u64 {
        self.log.len() as u64
    }

    /// Follows the durable image after a sync, and reports what it promises now.
    pub fn follow(&mut self, file: &FileName, changed_from: u64, disk: &Disk, report: &mut impl FnMut(Seen)) {
        match &self.at {
            Some(at) if at.file != *file => self.go_on(disk, report),
            Some(at) if changed_from >= at.reader.offset() => self.read_on(disk, report),
            Some(_) => self.read_again(disk, report),
            None => self.go_on(disk, report),
        }
    }

    /// Reads what there is, from one segment into the next.
    fn go_on(&mut self, disk: &Disk, report: &mut impl FnMut(Seen)) {
        self.read_on(disk, report);
        while let Some(next) = self.next_segment(disk) {
            self.at = Some(next);
            self.read_on(disk, report);
        }
    }

    /// The promised segment that goes on where this one was read to; the oldest if none was read yet.
    fn next_segment(&self, disk: &Disk) -> Option<At> {
        let unique = self.at.as_ref().map_or(0, |at| at.unique);
        let segments = disk.promised_files().filter_map(|(file, content)| Some((SegmentId::parse(file)?, file, content)));
        let (segment, file, content) = segments.filter(|(one, ..)| one.unique > unique).min_by_key(|(one, ..)| one.unique)?;
        let mut sector = [0; SECTOR_BYTES];
        content.read(0, &mut sector);
        let header = FileHeader::decode(&sector).ok()?;
        let goes_on = |at: &At| {
            let end = at.reader.cursor();
            (end.chain, end.sequence) == (header.chain, header.sequence)
        };
        let next = At { file: file.clone(), unique: segment.unique, reader: Reader::new(&header) };
        self.at.as_ref().is_none_or(goes_on).then_some(next)
    }

    /// The image changed before the position: it is read again, and only the net change is reported.
    fn read_again(&mut self, disk: &Disk, report: &mut impl FnMut(Seen)) {
        let mut fresh = Self::new(self.node);
        fresh.go_on(disk, &mut |_| {});
        let before = std::mem::replace(self, fresh);
        self.report_change(&before, report);
    }

    fn report_change(&self, before: &Self, report: &mut impl FnMut(Seen)) {
        let node = self.node;
        let same = |len: &usize| *len == 0 || self.log.get(len - 1) == before.log.get(len - 1);
        let common = (0..=self.log.len().min(before.log.len())).rev().find(same).unwrap_or(0);
        if common < before.log.len() {
            report(Seen::DurableTruncate { node, last_index: common as u64 });
        }
        for (index, (term, hash)) in (1..).zip(self.log.iter()).skip(common) {
            report(Seen::DurableAppend { node, index, term: *term, hash: *hash });
        }
        if self.hard != before.hard {
            report(Seen::DurableVote { node, term: self.hard.term.0, vote: self.hard.vote.map(|vote| vote.0) });
        }
    }

    fn read_on(&mut self, disk: &Disk, report: &mut impl FnMut(Seen)) {
        let Some(content) = self.at.as_ref().and_then(|at| disk.promised(&at.file)) else {
            return;
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut wanted = WINDOW;
        while let Some(at) = &self.at {
            buffer.resize(wanted, 0);
            let len = content.read(at.reader.offset(), &mut buffer);
            match self.take(&buffer[..len], report) {
                Some(needed) if needed > len && len == wanted => wanted = needed.max(wanted * 2),
                Some(needed) if needed > 0 => break,
                Some(_) => {}
                None => break,
            }
        }
        self.buffer = buffer;
    }

    /// Takes frames from bytes; how many more it needs, or `None` at the end of what is intact.
    fn take(&mut self, bytes: &[u8], report: &mut impl FnMut(Seen)) -> Option<usize> {
        let mut reader = self.at.as_ref()?.reader;
        let start = reader.offset();
        loop {
            let at = usize::try_from(reader.offset() - start).unwrap_or(usize::MAX);
            let rest = bytes.get(at..).unwrap_or_default();
            match reader.check(rest) {
                // The next segment goes on before it.
                Step::Complete(frame) if matches!(frame.records[..], [Record::Sealed { .. }]) => return None,
                Step::Complete(frame) => {
                    for record in frame.records {
                        self.take_record(record, report);
                    }
                    self.at.as_mut()?.reader = reader;
                }
                // What lies behind the window may be a frame as well.
                Step::Incomplete { .. } if at > 0 => return Some(0),
                Step::Incomplete { needed } if !rest.is_empty() => return usize::try_from(needed).ok(),
                Step::Incomplete { .. } | Step::Damaged(_) | Step::Invalid(_) => return None,
            }
        }
    }

    fn take_record(&mut self, record: Record, report: &mut impl FnMut(Seen)) {
        let node = self.node;
        match record {
            Record::HardState(hard) => {
                self.hard = hard;
                report(Seen::DurableVote { node, term: hard.term.0, vote: hard.vote.map(|vote| vote.0) });
            }
            Record::Truncate { last } => {
                self.log.truncate(usize::try_from(last.0).unwrap_or(usize::MAX));
                report(Seen::DurableTruncate { node, last_index: last.0 });
            }
            Record::Entry(entry) => self.append(entry.id, entry.payload.digest(), report),
            Record::Intact(run) => run.iter().for_each(|(id, command)| self.append(id, command.digest, report)),
            // Nothing of a log that has no snapshots is purged; a seal says nothing about it.
            Record::Damaged(_) | Record::Purge { .. } | Record::Sealed { .. } => {}
        }
    }

    /// Takes an entry behind the last one and hashes the log up to it as `LogView` does. Where that would be no log any
    /// more, the node's own recovery will say so.
    fn append(&mut self, id: LogId, payload_digest: u64, report: &mut impl FnMut(Seen)) {
        let (last_term, last_hash) = self.log.last().copied().unwrap_or_default();
        let LogId { term: Term(term), index: LogIndex(index) } = id;
        if index != self.last_index() + 1 || term < last_term {
            return;
        }
        let hash = prefix_hash(last_hash, id, payload_digest);
        self.log.push((term, hash));
        report(Seen::DurableAppend { node: self.node, index, term, hash });
    }
}
