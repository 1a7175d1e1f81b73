//! What a boot does about the folder that it finds: a state machine, one operation at a time.
//!
//! ```text
//! List -+- no segment -> no log, or (if one may begin here) make the first segment -> recovered
//!       |
//!       +- segments -> read headers, newest first, as far as they follow each other
//!                         |
//!                         v
//!                      read frames, oldest first -+-> clean ------+-> repair, sync -> recovered
//!                         ^                       |               |
//!                         |                       +-> torn tail --+
//!                   rot in a payload              |
//!                         +-----------------------+
//!                                                 +-> damaged: stop, change nothing
//! ```
//!
//! Everything that is to be changed is decided before the first change, so a folder that is refused is as it was.
//!
//! # Which segments are needed
//!
//! The header of each names the one before it. From the newest back they form a chain, which ends at the log's
//! beginning or where segments were removed since everything in them was purged. What is replayed along the chain says
//! whether it is long enough: if an entry is missing that was not purged, so is a segment. Segments older than the chain are
//! what a crash has left of a removal, and are removed; one that lies between two of the chain belongs to
//! somebody else. A seal names the segment that follows, so the newest cannot disappear unnoticed either.
//!
//! # Torn, or rotten?
//!
//! What the disk may do when the power fails: every sector of a write that was not synced
//! is afterwards either as it was before (behind the old end of the file: absent, or zeros), or
//! new, or new up to some byte and old behind it, or garbage. Writes that were synced are untouched.
//!
//! What the writer does: it writes a frame only when the one before is synced, frames do not share
//! sectors, a segment is made when all frames before it are synced, and behind the last frame there
//! is nothing but zeros. So *only the last frame of the newest segment can be torn*,
//! and a torn frame was never acknowledged. Zeros that go ahead of the next frame may be torn into garbage, too; nothing else is
//! being written then, and it looks like a torn frame. From this follows, for bytes that are no intact frame there:
//!
//! | | judged |
//! |---|---|
//! | nothing but zeros, from here to the end | the end of the log |
//! | nothing follows, and a sector lacks its stamp or the file ends early | torn: overwritten with zeros |
//! | nothing follows, and the first byte is zero | torn, and that overwriting was torn |
//! | every sector has its stamp, so each was written to its end | rot |
//! | a later frame follows, so this one was synced | rot |
//! | an intact frame of another place or history | rot: unwritten sectors hold zeros |
//!
//! In any other segment they are rot. Rot in payloads alone leaves terms and indexes; the entries are reported as
//! damaged and reading goes on. Any other rot stops the store, and nothing is changed on disk.
//!
//! A rotten payload may cost its frame a stamp as well. What follows vouches for such a frame; if that is a torn write, it is
//! about to be overwritten, and the next boot would take the frame for torn in its turn. So a *witness* is written in its place
//! first: a frame that says term and vote once more.
//!
//! *The limits of one copy*: rot that destroys a whole sector with its stamp, in the last frame only,
//! or the first byte of its header, looks like a torn write, and is repaired as one. So does that of several frames, if it
//! destroys the headers of all that come behind the first of them, and an older copy of the newest segment is the log as it
//! was. Where space is not reserved, a newest segment that was cut short looks
//! like one that never was longer. One flipped bit, in whatever byte, is never mistaken: in a stamp it does no harm,
//! elsewhere the stamp is there, and no flip makes the first byte of the magic zero.
//!
//! # Why every recovery ends with a sync
//!
//! A process that was killed leaves its writes in the page cache. They read back as if they were
//! durable, and the next power loss takes them. Who votes by them must sync them first. The same holds for the folder.

mod folder;

mod pieces;

mod rehearsal;

pub(super) mod tail;

use std::collections::VecDeque;
use std::mem;

use bytes::Bytes;

use self::folder::{Folder, Listed};
use self::pieces::{Piece, Pieces};
pub use self::rehearsal::{Forecast, Rehearsal};
use self::tail::{Says, Suspect, Tail};
use super::format::{Cursor, FileHeader, FrameHeader, HeaderFault, SECTOR_BYTES, SegmentId, VERSION};
use super::places::{Place, Places};
use super::reader::{Reader, Step};
use super::replay::Replay;
use super::segments::{self, Segments, zeros};
use super::writer::FrameWriter;
use super::{Fault, Options, Recovered, SECTOR, StoreError};
use crate::entry::Persist;
use crate::process::{DiskOp, DiskReply, FileName};
use crate::types::{BootNumber, IoId, LogIndex};

/// How much is read at once where nothing is foretold. A multiple of the sector.
pub const READ_BYTES: u64 = 1 << 20;

/// A recovery under way.
#[derive(Clone, Debug)]
pub struct Recovery {
    options: Options,
    /// Unique id of the first segment that this boot may make.
    unique: u64,
    folder: Folder,
    /// The chain: newest first while headers are read, then oldest first. Positions in the folder, and headers.
    chain: Vec<(usize, FileHeader)>,
    /// Which segment of the chain is read.
    at: usize,
    reader: Reader,
    replay: Replay,
    closed: Segments,
    /// Where the segment before the one that is read ends, with the last id that was written there.
    before: Option<(FileName, Cursor)>,
    last_io: IoId,
    pieces: Pieces,
    /// Whether only what follows vouches for the last frame that was replayed.
    needs_witness: bool,
    torn_bytes: u64,
    /// Whether entries are counted and not kept.
    counts: bool,
    /// Whether commands are only checked where they are read, since so many follow that the cache would let go of them.
    is_far: bool,
    phase: Phase,
}

/// What the operation that is under way is for.
#[derive(Clone, Debug)]
enum Phase {
    Listing,
    ReadingHeader { at: usize },
    Reading { asked: u64 },
    Looking { tail: Tail, asked: u64 },
    Repairing { rest: VecDeque<DiskOp> },
}

/// What comes after an operation.
#[derive(Debug)]
pub enum Next {
    /// Another one.
    Do {
        /// Which.
        op: DiskOp,
        /// The one that will follow it if all is well. Whoever has it done meanwhile saves time; its end is only taken when it was
        /// asked for.
        ahead: Option<DiskOp>,
    },
    /// The end.
    Done(Box<Open>),
}

/// A log that was read and can be continued.
#[derive(Debug)]
pub struct Open {
    /// What it holds.
    pub recovered: Recovered,
    /// The full segments.
    pub closed: Segments,
    /// Where the entries lie.
    pub places: Places,
    /// The one to write to.
    pub segment: SegmentId,
    /// How much of it is reserved.
    pub reserved_bytes: u64,
    /// Its name.
    pub file: FileName,
    /// Where the next frame goes.
    pub cursor: Cursor,
    /// Index of the log's last entry.
    pub last: LogIndex,
}

impl Next {
    const fn only(op: DiskOp) -> Self {
        Self::Do { op, ahead: None }
    }
}

impl Recovery {
    /// Starts with the operation that is returned.
    #[must_use]
    pub fn start(options: Options, boot: BootNumber) -> (Self, DiskOp) {
        // The boot number makes names unique: no two boots create under one name.
        let unique = u64::from(boot.0) << 32 | 1;
        let nothing = FileHeader::first(options.identity, SegmentId { base: LogIndex(1), unique });
        let recovery = Self {
            options,
            unique,
            folder: Folder::default(),
            chain: Vec::new(),
            at: 0,
            reader: Reader::new(&nothing),
            replay: Replay::before(&nothing, options.cache_bytes),
            closed: Segments::default(),
            before: None,
            last_io: IoId::default(),
            pieces: Pieces::default(),
            needs_witness: false,
            torn_bytes: 0,
            counts: false,
            is_far: false,
            phase: Phase::Listing,
        };
        (recovery, DiskOp::List)
    }

    /// The operation that is under way, for messages.
    #[must_use]
    pub fn doing(&self) -> &'static str {
        match &self.phase {
            Phase::Listing => "listing the folder",
            Phase::ReadingHeader { .. } => "reading the header of a segment",
            Phase::Reading { .. } | Phase::Looking { .. } => "reading the log",
            Phase::Repairing { .. } => "putting the folder in order",
        }
    }

    /// Takes the end of the operation that is under way.
    ///
    /// # Errors
    /// If the folder holds anything but this node's log, or the log is damaged.
    pub fn step(&mut self, reply: DiskReply) -> Result<Next, StoreError> {
        let doing = self.doing();
        match (mem::replace(&mut self.phase, Phase::Listing), reply) {
            (Phase::Listing, DiskReply::Files(files)) => self.listed(&files),
            (Phase::ReadingHeader { at }, DiskReply::Bytes(bytes)) => self.read_header(at, &bytes),
            (Phase::Reading { asked }, DiskReply::Bytes(bytes)) => {
                self.check_length(self.pieces.end_of_held(&self.reader), asked, &bytes)?;
                self.read_frames(&bytes)
            }
            (Phase::Looking { tail, asked }, DiskReply::Bytes(bytes)) => {
                self.check_length(tail.at, asked, &bytes)?;
                self.looked(tail, &bytes)
            }
            (Phase::Repairing { rest }, DiskReply::Done) => Ok(self.repair(rest)),
            _ => Err(StoreError::UnexpectedReply { doing }),
        }
    }

    /// What is still to be changed or synced; nothing before all was read.
    pub fn repairs(&self) -> impl Iterator<Item = &DiskOp> {
        let rest = if let Phase::Repairing { rest } = &self.phase { Some(rest) } else { None };
        rest.into_iter().flatten()
    }

    fn listed(&mut self, files: &[(FileName, u64)]) -> Result<Next, StoreError> {
        self.folder = Folder::sort(files)?;
        match self.folder.segments.len().checked_sub(1) {
            Some(newest) => self.ask_for_header(newest),
            None if self.options.initialize => Ok(self.begin()),
            None => {
                let identity = self.options.identity;
                Err(StoreError::NoLog { cluster: identity.cluster, me: identity.me })
            }
        }
    }

    /// Begins a log in a folder that holds none.
    fn begin(&mut self) -> Next {
        let segment = SegmentId { base: LogIndex(1), unique: self.unique };
        let file_bytes = if self.options.preallocate { self.options.segment_bytes } else { 0 };
        let header = FileHeader { file_bytes, ..FileHeader::first(self.options.identity, segment) };
        self.reader = Reader::new(&header);
        let mut ops = self.removals();
        let file = segment.file_name();
        ops.extend(segments::make(&header, &file));
        let listed = Listed { file, segment, bytes: file_bytes };
        self.folder.segments.push(listed);
        self.chain.push((0, header));
        self.repair(ops)
    }

    fn ask_for_header(&mut self, at: usize) -> Result<Next, StoreError> {
        let listed = &self.folder.segments[at];
        if listed.bytes < SECTOR {
            return Err(StoreError::Damaged { file: listed.file.clone(), offset: 0, fault: Fault::FileHeader });
        }
        self.phase = Phase::ReadingHeader { at };
        Ok(Next::only(DiskOp::Read { file: listed.file.clone(), offset: 0, len: SECTOR }))
    }

    fn read_header(&mut self, at: usize, bytes: &Bytes) -> Result<Next, StoreError> {
        let listed = &self.folder.segments[at];
        let file = || listed.file.clone();
        let Some(sector) = bytes.first_chunk::<SECTOR_BYTES>().filter(|_| bytes.len() == SECTOR_BYTES) else {
            return Err(StoreError::ShortRead { file: file(), offset: 0, found: bytes.len() as u64, expected: SECTOR });
        };
        let header = match FileHeader::decode(sector) {
            Ok(header) => header,
            Err(HeaderFault::Newer(found)) => return Err(StoreError::NewerVersion { file: file(), found, supported: VERSION }),
            Err(HeaderFault::Damaged) => {
                return Err(StoreError::Damaged { file: file(), offset: 0, fault: Fault::FileHeader });
            }
        };
        self.check_header(listed, &header)?;
        let before = self.folder.before(at, header.previous)?;
        self.chain.push((at, header));
        match before {
            Some(before) => self.ask_for_header(before),
            None => {
                self.chain.reverse();
                let first = &self.chain[0].1;
                self.replay =
                    if self.counts { Replay::counting_before(first) } else { Replay::before(first, self.options.cache_bytes) };
                #[cfg(feature = "mutants")]
                {
                    self.replay.overwrites = self.options.bug == Some(crate::mutants::Bug::D11);
                }
                self.begin_segment()
            }
        }
    }

    fn check_header(&self, listed: &Listed, header: &FileHeader) -> Result<(), StoreError> {
        let (found, expected) = (header.identity, self.options.identity);
        let file = listed.file.clone();
        if found.cluster != expected.cluster {
            return Err(StoreError::WrongCluster { file, found: found.cluster, expected: expected.cluster });
        }
        if found.me != expected.me {
            return Err(StoreError::WrongNode { file, found: found.me, expected: expected.me });
        }
        if header.segment != listed.segment {
            return Err(StoreError::WrongName { file, found: header.segment.file_name() });
        }
        if listed.bytes < header.file_bytes {
            return Err(StoreError::Cut { file, found: listed.bytes, expected: header.file_bytes });
        }
        Ok(())
    }

    fn begin_segment(&mut self) -> Result<Next, StoreError> {
        self.reader = Reader::new(&self.chain[self.at].1);
        if !self.replay.is_continued_by(&self.chain[self.at].1) {
            return Err(self.damaged(0, Fault::Boundary));
        }
        self.read_frames(&[])
    }

    /// The segment that is read.
    fn listed_now(&self) -> &Listed {
        &self.folder.segments[self.chain[self.at].0]
    }

    /// The header of the segment behind the one that is read.
    fn next_header(&self) -> Option<&FileHeader> {
        self.chain.get(self.at + 1).map(|(_, header)| header)
    }

    fn check_length(&self, offset: u64, asked: u64, bytes: &Bytes) -> Result<(), StoreError> {
        let found = bytes.len() as u64;
        if found == asked {
            return Ok(());
        }
        Err(StoreError::ShortRead { file: self.listed_now().file.clone(), offset, found, expected: asked })
    }

    /// Replays what was read behind what is held.
    fn read_frames(&mut self, mut bytes: &[u8]) -> Result<Next, StoreError> {
        self.is_far = self.pieces.are_far(&self.reader, self.bytes_behind(), self.options.cache_bytes);
        if self.is_far {
            self.replay.let_go();
        }
        let mut held = self.pieces.take_held();
        loop {
            let cursor = self.reader.cursor();
            if self.next_header().is_some_and(|next| (next.chain, next.sequence) == (cursor.chain, cursor.sequence)) {
                return self.end_segment();
            }
            match self.read_frame(if held.is_empty() { bytes } else { &held }) {
                Step::Complete(frame) => self.replay(frame)?,
                #[cfg(feature = "mutants")]
                Step::Damaged(_) | Step::Invalid(_)
                    if self.options.bug == Some(crate::mutants::Bug::D13) && self.next_header().is_none() =>
                {
                    return self.suspect(Suspect::Unfinished);
                }
                Step::Damaged(frame) if frame.written || self.next_header().is_some() => {
                    self.reader.skip(&frame);
                    self.replay(frame)?;
                }
                Step::Damaged(frame) => return self.suspect(Suspect::Payload(frame)),
                Step::Invalid(invalid) if invalid.written || self.next_header().is_some() => {
                    return Err(self.damaged(invalid.offset, invalid.fault));
                }
                Step::Invalid(invalid) => return self.suspect(Suspect::Identifiers(invalid)),
                Step::Incomplete { needed } => {
                    if !pieces::hold(&mut held, &mut bytes, needed) {
                        return self.read_on(needed, held);
                    }
                    continue;
                }
            }
            if held.is_empty() {
                let frame_bytes = usize::try_from(self.reader.offset() - cursor.offset).expect("it lay in memory");
                bytes = &bytes[frame_bytes..];
            } else {
                held.clear();
            }
        }
    }

    /// Bytes of files behind the beginning of the segment that is read, as if the newest one were empty, as it may nearly be.
    fn bytes_behind(&self) -> u64 {
        let bytes = |(listed, _): &(usize, FileHeader)| self.folder.segments[*listed].bytes;
        self.chain[self.at..self.chain.len() - 1].iter().map(bytes).fold(0, u64::saturating_add)
    }

    fn read_frame(&mut self, bytes: &[u8]) -> Step {
        #[cfg(feature = "mutants")]
        if self.options.bug == Some(crate::mutants::Bug::D18) {
            return self.reader.believe(bytes);
        }
        if self.counts || self.is_far { self.reader.check(bytes) } else { self.reader.next(bytes) }
    }

    fn replay(&mut self, frame: super::reader::Frame) -> Result<(), StoreError> {
        let offset = frame.offset;
        self.needs_witness = frame.damaged > 0 && !frame.written;
        self.last_io = frame.header.io;
        self.pieces.note(&frame);
        let closed = &mut self.closed;
        let FrameHeader { sequence, chain, .. } = frame.header;
        let cursor = Cursor { seed: self.reader.cursor().seed, offset, chain, sequence };
        let place = Place { segment: self.chain[self.at].1.segment, cursor, len: frame.len };
        let replayed = self.replay.take(frame, place, |last| closed.truncate(last));
        replayed.map_err(|fault| self.damaged(offset, fault))
    }

    /// Everything up to the next segment was read.
    fn end_segment(&mut self) -> Result<Next, StoreError> {
        let file = self.listed_now().file.clone();
        self.closed.close(file.clone(), self.replay.last());
        self.before = Some((file, self.reader.cursor()));
        self.at += 1;
        self.needs_witness = false; // the next segment is one
        self.begin_segment()
    }

    /// Reads behind what is held, if the file holds as much as the next frame needs.
    fn read_on(&mut self, needed: u64, held: Vec<u8>) -> Result<Next, StoreError> {
        let listed = self.listed_now();
        if listed.bytes.saturating_sub(self.reader.offset()) < needed {
            if self.next_header().is_some() {
                return Err(self.damaged(self.reader.offset(), Fault::EndsEarly));
            }
            return self.suspect(Suspect::Unfinished);
        }
        let then = self.chain.get(self.at + 1).map(|(at, _)| &self.folder.segments[*at]);
        let now = &self.folder.segments[self.chain[self.at].0];
        let (piece, ahead) = self.pieces.next(&self.reader, held, needed, now, then);
        self.phase = Phase::Reading { asked: piece.len };
        Ok(Next::Do { op: piece.op(), ahead: ahead.map(Piece::op) })
    }

    fn suspect(&mut self, suspect: Suspect) -> Result<Next, StoreError> {
        self.look_on(Tail::new(self.reader.offset(), suspect))
    }

    /// Looks at what follows the last whole frame.
    fn look_on(&mut self, tail: Tail) -> Result<Next, StoreError> {
        let listed = self.listed_now();
        let asked = listed.bytes.saturating_sub(tail.at).min(READ_BYTES);
        if asked == 0 {
            return self.end(tail);
        }
        let read = DiskOp::Read { file: listed.file.clone(), offset: tail.at, len: asked };
        self.phase = Phase::Looking { tail, asked };
        Ok(Next::only(read))
    }

    fn looked(&mut self, mut tail: Tail, bytes: &[u8]) -> Result<Next, StoreError> {
        if tail.look(&self.reader, bytes) == Says::Nothing {
            return self.look_on(tail);
        }
        match tail.suspect {
            Suspect::Identifiers(invalid) => Err(self.damaged(invalid.offset, invalid.fault)),
            Suspect::Payload(frame) => {
                self.reader.skip(&frame);
                self.replay(frame)?;
                self.read_on(SECTOR, Vec::new())
            }
            Suspect::Unfinished => unreachable!("nothing follows the end of a file"),
        }
    }

    fn damaged(&self, offset: u64, fault: Fault) -> StoreError {
        StoreError::Damaged { file: self.listed_now().file.clone(), offset, fault }
    }

    /// All was read.
    fn end(&mut self, tail: Tail) -> Result<Next, StoreError> {
        let newest = self.listed_now().file.clone();
        if let Some(missing) = self.replay.sealed {
            return Err(StoreError::MissingSegment { file: newest, what: "is followed by", missing });
        }
        if !self.replay.is_complete() {
            let (oldest, header) = &self.chain[0];
            let file = self.folder.segments[*oldest].file.clone();
            return Err(StoreError::MissingSegment { file, what: "follows", missing: header.previous });
        }
        self.torn_bytes = tail.torn_bytes();
        let mut ops = self.removals();
        // First of all: a seal must not be durable while the name of the segment that it speaks of is not.
        ops.push_back(DiskOp::SyncDir);
        ops.extend(self.seal());
        let torn = self.reader.offset()..self.reader.offset() + tail.torn_bytes();
        ops.extend(self.witness(&newest));
        let from = self.reader.offset().min(torn.end);
        #[cfg(feature = "mutants")]
        let from = if self.options.bug == Some(crate::mutants::Bug::D06) { torn.end } else { from };
        // It is not cut off, because that would give reserved space back.
        ops.extend(zeros(&newest, from, torn.end - from));
        ops.push_back(DiskOp::Sync { file: newest });
        Ok(self.repair(ops))
    }

    /// Closes the segment before the newest one once more, unless frames in that show that it is closed.
    fn seal(&self) -> Option<DiskOp> {
        let (_, newest) = self.chain.last()?;
        let (file, end) = self.before.as_ref()?;
        let is_used = self.reader.cursor().sequence > newest.sequence;
        let bytes = || FrameWriter::default().encode_seal(*end, self.last_io, newest.segment.unique);
        (!is_used).then(|| DiskOp::WriteSync { file: file.clone(), offset: end.offset, bytes: bytes() })
    }

    /// Vouches for the last frame when that cannot do so itself. Durable before the rest of what did so is overwritten.
    fn witness(&mut self, newest: &FileName) -> Option<DiskOp> {
        if !self.needs_witness {
            return None;
        }
        let offset = self.reader.offset();
        let state = [Persist::HardState(self.replay.hard_state)];
        let bytes = FrameWriter::default().encode(&mut self.reader.cursor(), self.last_io, state.iter());
        let is_read = matches!(self.reader.next(&bytes), Step::Complete(_));
        assert!(is_read, "what was just encoded is intact");
        Some(DiskOp::WriteSync { file: newest.clone(), offset, bytes })
    }

    /// What a crash has left beside the chain.
    fn removals(&self) -> VecDeque<DiskOp> {
        let oldest = self.chain.first().map_or(0, |(at, _)| *at);
        let left = self.folder.segments[..oldest].iter().map(|listed| &listed.file);
        left.chain(&self.folder.unfinished).map(|file| DiskOp::Remove { file: file.clone() }).collect()
    }

    fn repair(&mut self, mut ops: VecDeque<DiskOp>) -> Next {
        match ops.pop_front() {
            Some(op) => {
                self.phase = Phase::Repairing { rest: ops };
                Next::only(op)
            }
            None => Next::Done(Box::new(self.open())),
        }
    }

    fn open(&mut self) -> Open {
        let replay = mem::take(&mut self.replay);
        let (at, header) = self.chain.pop().expect("a log has a segment");
        let file = self.folder.segments[at].file.clone();
        let last = replay.last();
        let recovered = Recovered {
            hard_state: replay.hard_state,
            purged: replay.purged,
            log: replay.log,
            torn_bytes: self.torn_bytes,
            frames: replay.frames,
            segments: self.chain.len() as u64 + 1,
        };
        let closed = mem::take(&mut self.closed);
        Open {
            recovered,
            closed,
            places: replay.places,
            segment: header.segment,
            reserved_bytes: header.file_bytes,
            file,
            cursor: self.reader.cursor(),
            last,
        }
    }
}
