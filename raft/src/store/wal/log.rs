//! A log that was recovered: what is queued, what is being written, and in which files it lies.
//!
//! Decides on the next operation and takes the end of one. Not here: numbers of operations, the boot ([`super`]).

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use super::BATCH_BYTES;
use super::zeroing::Zeroing;
use crate::entry::{HardState, Persist};
use crate::process::{DiskError, DiskOp, DiskReply, FileName};
use crate::store::fetch::Fetch;
use crate::store::format::{Cursor, FileHeader, SECTOR_BYTES, SegmentId, frame_bytes};
use crate::store::places::{Place, Places};
use crate::store::recovery::Open;
use crate::store::segments::{self, Segments, zeros};
use crate::store::writer::{FrameWriter, body_bytes_at_most};
use crate::store::{Options, Recovered, SECTOR, StoreError, StoreEvent};
use crate::types::{BootNumber, IoId, LogId, LogIndex};

#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) closed: Segments,
    pub(super) places: Places,
    pub(super) fetch: Fetch,
    segment: SegmentId,
    file: FileName,
    cursor: Cursor,
    zeroing: Zeroing,
    /// Of the next segment that this boot makes.
    unique: u64,
    /// What all written frames add up to.
    written: Written,
    /// The last id and the last index that were queued.
    queued: (IoId, LogIndex),
    pub(super) queue: Vec<(IoId, Item)>,
    pub(super) task: Option<Task>,
    writer: FrameWriter,
}

#[derive(Clone, Copy, Debug)]
struct Written {
    io: IoId,
    hard_state: HardState,
    purged: LogId,
    last: LogIndex,
}

/// A value in the stream.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Persist(Persist),
    Purge(LogId),
}

/// What the operation that is under way belongs to.
#[derive(Clone, Debug)]
pub(super) enum Task {
    /// A frame, and where it begins.
    Batch { io: IoId, offset: u64 },
    /// Several operations, one after the other.
    Chore { rest: VecDeque<DiskOp>, then: Then },
}

#[derive(Clone, Debug)]
pub(super) enum Then {
    /// A segment was made, and the one before it sealed.
    Rotated { header: FileHeader, file: FileName },
    /// All is zeros up to there.
    Zeroed { end: u64 },
    /// Old segments are gone.
    Reclaimed,
    /// What was not acknowledged is gone as far as that is possible.
    Fail(StoreError),
}

/// What follows the end of an operation.
pub(super) type Done = (Option<StoreEvent>, Option<DiskOp>);

impl Log {
    pub(super) fn new(boot: BootNumber, open: Open) -> (Self, Recovered) {
        let Open { recovered, closed, places, segment, reserved_bytes, file, cursor, last } = open;
        let io = IoId { boot, seq: 0 };
        let first_of_boot = u64::from(boot.0) << 32 | 1;
        let log = Self {
            closed,
            places,
            fetch: Fetch::default(),
            segment,
            file,
            cursor,
            zeroing: Zeroing::new(reserved_bytes),
            unique: first_of_boot.max(segment.unique.saturating_add(1)),
            written: Written { io, hard_state: recovered.hard_state, purged: recovered.purged, last },
            queued: (io, last),
            queue: Vec::new(),
            task: None,
            writer: FrameWriter::default(),
        };
        (log, recovered)
    }

    #[cfg(feature = "mutants")]
    pub(super) fn with_bug(mut self, bug: Option<crate::mutants::Bug>) -> Self {
        self.writer.forgets_truncations = bug == Some(crate::mutants::Bug::D11);
        self
    }

    #[inline(always)]
    pub(super) fn note_queued(&mut self, id: IoId, item: &Item) {
        let (before, mut last) = self.queued;
        assert!(id > before, "ids ascend: {id} came behind {before}");
        match item {
            Item::Persist(Persist::HardState(_)) => {}
            Item::Persist(Persist::Truncate { last: end }) => last = last.min(*end),
            Item::Persist(Persist::Append(entries)) => {
                for entry in entries.iter() {
                    assert_eq!(entry.id.index, last.next(), "entries follow each other");
                    last = entry.id.index;
                }
            }
            Item::Purge(through) => assert!(through.index <= last, "only what the log holds is purged: {through} of {last}"),
        }
        self.queued = (id, last);
    }

    /// The next operation, if there is something to do. None may be under way.
    pub(super) fn next(&mut self, options: &Options) -> Option<DiskOp> {
        debug_assert!(self.task.is_none(), "one operation at a time");
        // Whatever was written is durable now, so what it made superfluous may go, unless it is being read.
        if !self.fetch.is_under_way() && self.closed.has_purged(self.written.purged.index) {
            return self.reclaim();
        }
        if self.queue.is_empty() {
            return None;
        }
        let (count, bytes_max) = self.measure_batch();
        let end = self.cursor.offset + bytes_max + SECTOR; // and a seal
        if end > options.segment_bytes && self.cursor.offset > SECTOR {
            return self.rotate(bytes_max, options);
        }
        let frame = self.cursor.offset..self.cursor.offset + bytes_max;
        if let Some(range) = self.zeroing.ahead_of(frame, options.zero_ahead_bytes) {
            return self.zero(range);
        }
        #[cfg(feature = "mutants")]
        let has_hard_state = self.queue[..count].iter().any(|(_, item)| matches!(item, Item::Persist(Persist::HardState(_))));
        let write = self.write_batch(count);
        #[cfg(feature = "mutants")]
        let write = crate::store::planted::write(write, options, has_hard_state, self.cursor.offset);
        Some(write)
    }

    /// How many of the queued values the next frame takes, at least one, and how many bytes it has at most.
    fn measure_batch(&self) -> (usize, u64) {
        let (mut count, mut body_bytes) = (0, 0);
        for (_, item) in &self.queue {
            // A purge has a frame of its own; it is rare.
            let Item::Persist(what) = item else { break };
            let with_it = body_bytes + body_bytes_at_most(what);
            if count > 0 && with_it > BATCH_BYTES {
                break;
            }
            (count, body_bytes) = (count + 1, with_it);
        }
        if count == 0 { (1, SECTOR) } else { (count, frame_bytes(usize::try_from(body_bytes).unwrap_or(usize::MAX)) as u64) }
    }

    fn write_batch(&mut self, count: usize) -> DiskOp {
        let io = self.queue[count - 1].0;
        let at = self.cursor;
        let offset = at.offset;
        let bytes = if let Item::Purge(through) = self.queue[0].1 {
            self.written.purged = through;
            self.places.purge(through.index);
            self.writer.encode_purge(&mut self.cursor, io, through)
        } else {
            let persisted = self.queue[..count].iter().filter_map(|(_, item)| match item {
                Item::Persist(what) => Some(what),
                Item::Purge(_) => None,
            });
            persisted.clone().for_each(|what| note(what, &mut self.written, &mut self.closed));
            let bytes = self.writer.encode(&mut self.cursor, io, persisted.clone());
            self.places.note(Place { segment: self.segment, cursor: at, len: bytes.len() as u64 }, persisted);
            bytes
        };
        self.written.io = io;
        self.queue.drain(..count);
        self.task = Some(Task::Batch { io, offset });
        DiskOp::WriteSync { file: self.file.clone(), offset, bytes }
    }

    /// Removes the segments in which nothing counts any more.
    #[cold]
    fn reclaim(&mut self) -> Option<DiskOp> {
        let gone = self.closed.take_purged(self.written.purged.index).map(|file| DiskOp::Remove { file });
        let ops = gone.chain([DiskOp::SyncDir]).collect();
        self.begin_chore(ops, Then::Reclaimed)
    }

    /// Zeroes ahead. Nothing else is under way, so whatever a crash leaves of it lies behind frames that are durable.
    #[cold]
    fn zero(&mut self, range: Range<u64>) -> Option<DiskOp> {
        let Range { start, end } = range;
        // Not as a durable write, which might keep the blocks from the cache and have each frame read its own.
        let sync = DiskOp::Sync { file: self.file.clone() };
        let ops = zeros(&self.file, start, end - start).chain([sync]).collect();
        self.begin_chore(ops, Then::Zeroed { end })
    }

    /// Makes the next segment, which has room for a frame of so many bytes, and seals this one.
    #[cold]
    fn rotate(&mut self, frame_bytes: u64, options: &Options) -> Option<DiskOp> {
        let Written { io, hard_state, purged, last } = self.written;
        let room = 2 * SECTOR + frame_bytes;
        let header = FileHeader {
            identity: options.identity,
            segment: SegmentId { base: last.next(), unique: self.unique },
            previous: self.segment.unique,
            chain: self.cursor.chain,
            sequence: self.cursor.sequence,
            hard_state,
            purged,
            file_bytes: if options.preallocate { options.segment_bytes.max(room) } else { 0 },
        };
        let seal = self.writer.encode_seal(self.cursor, io, self.unique);
        let file = header.segment.file_name();
        let mut ops = segments::make(&header, &file);
        ops.push_back(DiskOp::WriteSync { file: self.file.clone(), offset: self.cursor.offset, bytes: seal });
        #[cfg(feature = "mutants")]
        let ops = crate::store::planted::make(ops, options);
        self.begin_chore(ops, Then::Rotated { header, file })
    }

    fn begin_chore(&mut self, mut ops: VecDeque<DiskOp>, then: Then) -> Option<DiskOp> {
        let first = ops.pop_front();
        self.task = Some(Task::Chore { rest: ops, then });
        first
    }

    /// Takes the end of a batch that is durable now, as nearly every operation is; what it covers.
    #[inline(always)]
    pub(super) fn take_written(&mut self, result: &Result<DiskReply, DiskError>) -> Option<IoId> {
        let Some(Task::Batch { io, .. }) = self.task else { return None };
        matches!(result, Ok(DiskReply::Done)).then(|| {
            self.task = None;
            io
        })
    }

    /// Takes the end of any other operation that is under way.
    #[cold]
    pub(super) fn done(&mut self, result: &Result<DiskReply, DiskError>, options: &Options) -> Result<Done, StoreError> {
        let doing = self.doing();
        let result = match result {
            Ok(DiskReply::Done) => Ok(()),
            Ok(_) => Err(StoreError::UnexpectedReply { doing }),
            Err(error) => Err(StoreError::Disk { doing, error: *error }),
        };
        match (self.task.take().expect("an operation was under way"), result) {
            (Task::Batch { .. }, Ok(())) => unreachable!("a batch that was written was taken"),
            #[cfg(feature = "mutants")]
            (Task::Batch { io, .. }, Err(_)) if options.bug == Some(crate::mutants::Bug::D16) => {
                Ok((Some(StoreEvent::Durable(io)), None))
            }
            #[cfg(feature = "mutants")]
            (batch @ Task::Batch { .. }, Err(_)) if options.bug == Some(crate::mutants::Bug::D12) => {
                self.task = Some(batch);
                Ok((None, Some(DiskOp::Sync { file: self.file.clone() })))
            }
            (Task::Batch { offset, .. }, Err(error)) => Ok((None, self.take_back(offset, error))),
            // Whether it could be taken back or not.
            (Task::Chore { then: Then::Fail(error), .. }, _) | (Task::Chore { .. }, Err(error)) => Err(error),
            (Task::Chore { mut rest, then }, Ok(())) => match rest.pop_front() {
                Some(next) => {
                    self.task = Some(Task::Chore { rest, then });
                    Ok((None, Some(next)))
                }
                None => {
                    self.finish(then);
                    // The node flushes when it hears of a batch; of this it hears nothing.
                    Ok((None, self.next(options)))
                }
            },
        }
    }

    /// What is written may or may not be durable, and was acknowledged to nobody. It must not be found by a process that
    /// starts on the same page cache: a kernel that has failed to write something back calls it clean, and the sync at boot
    /// would make nothing durable. So the frame loses its header; after a power loss the medium decides as ever.
    fn take_back(&mut self, offset: u64, error: StoreError) -> Option<DiskOp> {
        let header = Bytes::from_static(&[0; SECTOR_BYTES]);
        let erase = DiskOp::Write { file: self.file.clone(), offset, bytes: header };
        self.begin_chore([erase].into(), Then::Fail(error))
    }

    fn finish(&mut self, then: Then) {
        match then {
            Then::Rotated { header, file } => {
                self.closed.close(std::mem::replace(&mut self.file, file), self.written.last);
                self.segment = header.segment;
                self.cursor = Cursor::first(&header);
                self.zeroing = Zeroing::new(header.file_bytes);
                self.unique = self.unique.saturating_add(1);
            }
            Then::Zeroed { end } => self.zeroing.note_zeroed_to(end),
            Then::Reclaimed | Then::Fail(_) => {}
        }
    }

    fn doing(&self) -> &'static str {
        match self.task {
            Some(Task::Batch { .. }) => "writing and syncing the log",
            Some(Task::Chore { then: Then::Rotated { .. }, .. }) => "making a segment",
            Some(Task::Chore { then: Then::Zeroed { .. }, .. }) => "zeroing ahead of the log",
            Some(Task::Chore { then: Then::Reclaimed, .. }) => "removing old segments",
            Some(Task::Chore { then: Then::Fail(_), .. }) | None => "taking back what failed",
        }
    }
}

fn note(what: &Persist, written: &mut Written, closed: &mut Segments) {
    match what {
        Persist::HardState(state) => written.hard_state = *state,
        Persist::Truncate { last } => {
            written.last = written.last.min(*last);
            closed.truncate(*last);
        }
        Persist::Append(entries) => {
            if let Some(entry) = entries.last() {
                written.last = entry.id.index;
            }
        }
    }
}
