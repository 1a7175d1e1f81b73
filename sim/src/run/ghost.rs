//! What a node's disk promises: a reader that follows the durable image of its log, sync by sync.
//!
//! It sees what survives a power loss at this instant, whatever the node believes about it.
//! A bug that acknowledges too early is seen the moment it happens, not only if the power
//! happens to fail. Not here: the judgement (`squall_checkers::raft`).

use squall_checkers::raft::Observation as Seen;
use squall_raft::digest::Digest;
use squall_raft::entry::{Entry, HardState};
use squall_raft::process::FileName;
use squall_raft::shared::SharedVec;
use squall_raft::store::RecoveredEntry;
use squall_raft::store::format::{FileHeader, SECTOR_BYTES, SegmentId};
use squall_raft::store::reader::{Reader, Record, Step};
use squall_raft::types::LogId;

use crate::disk::Disk;

/// Bytes that are read at a time, and at least.
const WINDOW: usize = 1 << 14;

/// The promised log of one node.
#[derive(Clone, Debug)]
pub(super) struct Ghost {
    node: u64,
    /// The file that was last found to be a segment.
    segment: Option<FileName>,
    reader: Option<Reader>,
    /// Term and prefix hash of each promised entry; what it carries is let go.
    log: SharedVec<(u64, u64)>,
    hard: HardState,
    buffer: Vec<u8>,
}

impl Ghost {
    pub fn new(node: u64) -> Self {
        Self { node, segment: None, reader: None, log: SharedVec::default(), hard: HardState::default(), buffer: Vec::new() }
    }

    /// Index of the last promised entry.
    pub fn last_index(&self) -> u64 {
        self.log.len() as u64
    }

    /// Follows the durable image after a sync, and reports what it promises now.
    pub fn follow(&mut self, file: &FileName, changed_from: u64, disk: &Disk, report: &mut impl FnMut(Seen)) {
        if self.segment.as_ref() != Some(file) {
            if SegmentId::parse(file).is_none() {
                return;
            }
            self.segment = Some(file.clone());
        }
        if self.reader.is_none_or(|reader| changed_from >= reader.offset()) {
            self.read_on(file, disk, report);
            return;
        }
        // The image changed before the reader's position: it is read again, and only the
        // net change is reported.
        let mut fresh = Self { segment: self.segment.clone(), ..Self::new(self.node) };
        fresh.read_on(file, disk, &mut |_| {});
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

    fn read_on(&mut self, file: &FileName, disk: &Disk, report: &mut impl FnMut(Seen)) {
        let Some(content) = disk.promised(file) else {
            return;
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut wanted = WINDOW;
        loop {
            let offset = self.reader.map_or(0, |reader| reader.offset());
            buffer.resize(wanted, 0);
            let len = content.read(offset, &mut buffer);
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
        let Some(mut reader) = self.reader else {
            let sector = bytes.first_chunk::<SECTOR_BYTES>()?;
            self.reader = Some(Reader::new(&FileHeader::decode(sector).ok()?));
            return Some(0);
        };
        let start = reader.offset();
        loop {
            let at = usize::try_from(reader.offset() - start).unwrap_or(usize::MAX);
            let rest = bytes.get(at..).unwrap_or_default();
            match reader.next(rest) {
                Step::Complete(frame) => {
                    for record in frame.records {
                        self.take_record(record, report);
                    }
                    self.reader = Some(reader);
                }
                Step::Incomplete { .. } if at > 0 && !rest.is_empty() => return Some(0),
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
            Record::Entry(RecoveredEntry::Ready(entry)) => {
                if let Some(hash) = self.append(&entry) {
                    let LogId { term, index } = entry.id;
                    report(Seen::DurableAppend { node, index: index.0, term: term.0, hash });
                }
            }
            Record::Entry(RecoveredEntry::Damaged(_)) => {}
        }
    }

    /// Takes an entry behind the last one and hashes the log up to it as `LogView` does. `None` if that is no log any
    /// more: the node's own recovery will say so.
    fn append(&mut self, entry: &Entry) -> Option<u64> {
        let (last_term, last_hash) = self.log.last().copied().unwrap_or_default();
        if entry.id.index.0 != self.last_index() + 1 || entry.id.term.0 < last_term {
            return None;
        }
        let hash = Digest::of(last_hash, entry);
        self.log.push((entry.id.term.0, hash));
        Some(hash)
    }
}
