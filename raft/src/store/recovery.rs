//! What a boot does about the folder that it finds: a state machine, one operation at a time.
//!
//! ```text
//! List -+- empty ----> Create -> Write header --+
//!       |                  ^                    |
//!       +- file without    | (rewrite header)   |
//!       |  a whole header -+                    |
//!       |                                       v
//!       +- file -> Read .. Read -+-> clean ---> Sync -> SyncDir -> recovered
//!                     ^          |                ^
//!                     |          +-> torn tail -> Truncate
//!          rot in a   |          |                ^
//!          payload    +--- Read to the end to see what follows
//!                                |
//!                                +-> damaged: stop, change nothing
//! ```
//!
//! # Torn, or rotten?
//!
//! What the disk may do when the power fails: every sector of a write that was not synced
//! is afterwards either as it was before (behind the old end of the file: absent, or zeros), or
//! new, or new up to some byte and old behind it, or garbage. Writes that were synced are untouched.
//!
//! What the writer does: it writes a frame only when the one before is synced, frames do not share
//! sectors, and behind the last frame a file has no bytes but zeros. So *only the last frame can be torn*,
//! and a torn frame was never acknowledged. From this follows, for bytes that are no intact frame:
//!
//! | | judged |
//! |---|---|
//! | nothing follows, and a sector lacks its stamp or the file ends early | torn: cut off |
//! | every sector has its stamp, so each was written to its end | rot |
//! | a later frame follows, so this one was synced | rot |
//! | an intact frame of another place or history | rot: unwritten sectors hold zeros |
//!
//! Rot in payloads alone leaves terms and indexes; the entries are reported as damaged and reading
//! goes on. Any other rot stops the store, and nothing is changed on disk.
//!
//! *The limits of one file*: rot that destroys a whole sector with its stamp, in the last frame only,
//! looks like a torn write, and a file that was cut short looks like one that never was longer. Both are repaired as torn.
//! One flipped bit, in whatever byte, is never mistaken: in a stamp it does no harm, elsewhere the stamp is there.
//!
//! # Why every recovery ends with a sync
//!
//! A process that was killed leaves its writes in the page cache. They read back as if they were
//! durable, and the next power loss takes them. Who votes by them must sync them first. The same holds for the folder.

use std::mem;

use super::format::{Cursor, FileHeader, HeaderFault, SECTOR_BYTES, SegmentId, VERSION};
use super::reader::{Frame, Invalid, Reader, Record, Step};
use super::{Fault, Identity, Recovered, RecoveredEntry, StoreError};
use crate::process::{DiskOp, DiskReply, FileName};
use crate::types::{BootNumber, LogIndex};

use bytes::Bytes;

/// How much is asked of the disk at once. A multiple of the sector.
pub const READ_BYTES: u64 = 256 << 10;

const SECTOR: u64 = SECTOR_BYTES as u64;

/// A recovery under way.
#[derive(Clone, Debug)]
pub struct Recovery {
    identity: Identity,
    segment: SegmentId,
    file: FileName,
    file_bytes: u64,
    reader: Reader,
    found: Recovered,
    phase: Phase,
}

/// What the operation that is under way is for.
#[derive(Clone, Debug)]
enum Phase {
    Listing,
    Creating,
    WritingHeader,
    ReadingHeader { asked: u64 },
    Reading { asked: u64 },
    Scanning { suspect: Suspect, offset: u64, asked: u64 },
    Cutting,
    Syncing,
    SyncingDir,
}

/// A frame that is not intact and may be torn: what follows decides.
#[derive(Clone, Debug)]
enum Suspect {
    Payload(Frame),
    Identifiers(Invalid),
}

impl Suspect {
    /// Where the frame ends, or at least its first sector.
    fn end(&self) -> u64 {
        match self {
            Self::Payload(frame) => frame.offset + frame.len,
            Self::Identifiers(invalid) => invalid.end.unwrap_or(invalid.offset + SECTOR),
        }
    }

    /// Whether these bytes from behind [`Self::end`] show that a later frame was begun.
    fn is_followed_by(&self, reader: &Reader, bytes: &[u8]) -> bool {
        match self {
            // The frame's own write ended before them.
            Self::Payload(_) | Self::Identifiers(Invalid { end: Some(_), .. }) => bytes.iter().any(|byte| *byte != 0),
            Self::Identifiers(_) => bytes.chunks_exact(SECTOR_BYTES).any(|sector| reader.is_later_frame(sector)),
        }
    }
}

/// What comes after an operation.
#[derive(Debug)]
pub enum Next {
    /// Another one.
    Do(DiskOp),
    /// The end.
    Done(Open),
}

/// A log that was read and can be continued.
#[derive(Debug)]
pub struct Open {
    /// What it holds.
    pub recovered: Recovered,
    /// The file.
    pub file: FileName,
    /// Where the next frame goes.
    pub cursor: Cursor,
}

impl Recovery {
    /// Starts with the operation that is returned.
    #[must_use]
    pub fn start(identity: Identity, boot: BootNumber) -> (Self, DiskOp) {
        // The boot number makes the name unique: no two boots create under one name.
        let segment = SegmentId { base: LogIndex(1), unique: u64::from(boot.0) << 32 | 1 };
        let recovery = Self {
            identity,
            segment,
            file: segment.file_name(),
            file_bytes: 0,
            reader: Reader::new(&FileHeader::first(identity, segment)),
            found: Recovered::default(),
            phase: Phase::Listing,
        };
        (recovery, DiskOp::List)
    }

    /// The operation that is under way, for messages.
    #[must_use]
    pub const fn doing(&self) -> &'static str {
        match self.phase {
            Phase::Listing => "listing the folder",
            Phase::Creating => "creating the log",
            Phase::WritingHeader => "writing the log's header",
            Phase::ReadingHeader { .. } | Phase::Reading { .. } | Phase::Scanning { .. } => "reading the log",
            Phase::Cutting => "cutting off a torn tail",
            Phase::Syncing => "syncing the log at boot",
            Phase::SyncingDir => "syncing the folder",
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
            (Phase::Creating, DiskReply::Done) => Ok(self.write_header()),
            (Phase::WritingHeader | Phase::Cutting, DiskReply::Done) => Ok(self.sync()),
            (Phase::ReadingHeader { asked }, DiskReply::Bytes(bytes)) => {
                self.check_length(0, asked, &bytes)?;
                self.read_header(&bytes)
            }
            (Phase::Reading { asked }, DiskReply::Bytes(bytes)) => {
                self.check_length(self.reader.offset(), asked, &bytes)?;
                self.read_frames(&bytes)
            }
            (Phase::Scanning { suspect, offset, asked }, DiskReply::Bytes(bytes)) => {
                self.check_length(offset, asked, &bytes)?;
                self.scanned(suspect, offset, &bytes)
            }
            (Phase::Syncing, DiskReply::Done) => {
                self.phase = Phase::SyncingDir;
                Ok(Next::Do(DiskOp::SyncDir))
            }
            (Phase::SyncingDir, DiskReply::Done) => Ok(self.done()),
            _ => Err(StoreError::UnexpectedReply { doing }),
        }
    }

    fn listed(&mut self, files: &[(FileName, u64)]) -> Result<Next, StoreError> {
        let mut only = None;
        for (file, bytes) in files {
            let segment = SegmentId::parse(file).ok_or_else(|| StoreError::UnknownFile { file: file.clone() })?;
            if let Some((first, ..)) = only.replace((file.clone(), segment, *bytes)) {
                return Err(StoreError::SeveralSegments { first, second: file.clone() });
            }
        }
        let Some((file, segment, bytes)) = only else {
            self.phase = Phase::Creating;
            return Ok(Next::Do(DiskOp::Create { file: self.file.clone() }));
        };
        if segment.base != LogIndex(1) {
            return Err(StoreError::MissingSegment { file, found: segment.base, expected: LogIndex(1) });
        }
        (self.file, self.segment, self.file_bytes) = (file, segment, bytes);
        if bytes < SECTOR { Ok(self.write_header()) } else { Ok(self.ask_for_header()) }
    }

    /// Makes a file a log without entries. Frames are written only behind a header that is synced, so
    /// a file without one has never held any.
    fn write_header(&mut self) -> Next {
        let header = FileHeader::first(self.identity, self.segment);
        self.reader = Reader::new(&header);
        self.phase = Phase::WritingHeader;
        let bytes = Bytes::copy_from_slice(&header.encode());
        Next::Do(DiskOp::Write { file: self.file.clone(), offset: 0, bytes })
    }

    fn ask_for_header(&mut self) -> Next {
        let asked = self.file_bytes.min(READ_BYTES);
        self.phase = Phase::ReadingHeader { asked };
        Next::Do(DiskOp::Read { file: self.file.clone(), offset: 0, len: asked })
    }

    fn check_length(&self, offset: u64, asked: u64, bytes: &Bytes) -> Result<(), StoreError> {
        let found = bytes.len() as u64;
        if found == asked {
            return Ok(());
        }
        Err(StoreError::ShortRead { file: self.file.clone(), offset, found, expected: asked })
    }

    fn read_header(&mut self, bytes: &Bytes) -> Result<Next, StoreError> {
        let (sector, frames) = bytes.split_first_chunk().expect("at least a sector was asked for");
        match FileHeader::decode(sector) {
            Ok(header) => self.check_header(&header)?,
            Err(HeaderFault::Newer(found)) => {
                return Err(StoreError::NewerVersion { file: self.file.clone(), found, supported: VERSION });
            }
            Err(HeaderFault::Damaged) if self.file_bytes == SECTOR => return Ok(self.write_header()),
            Err(HeaderFault::Damaged) => return Err(self.damaged(0, Fault::FileHeader)),
        }
        self.read_frames(frames)
    }

    fn check_header(&mut self, header: &FileHeader) -> Result<(), StoreError> {
        let (found, expected) = (header.identity, self.identity);
        let file = self.file.clone();
        if found.cluster != expected.cluster {
            return Err(StoreError::WrongCluster { file, found: found.cluster, expected: expected.cluster });
        }
        if found.me != expected.me {
            return Err(StoreError::WrongNode { file, found: found.me, expected: expected.me });
        }
        if header.segment != self.segment {
            return Err(StoreError::WrongName { file, found: header.segment.file_name() });
        }
        self.reader = Reader::new(header);
        Ok(())
    }

    /// Replays what was read from the reader's position on.
    fn read_frames(&mut self, mut bytes: &[u8]) -> Result<Next, StoreError> {
        loop {
            let before = self.reader.offset();
            match self.reader.next(bytes) {
                Step::Complete(frame) => self.replay(frame)?,
                Step::Damaged(frame) if frame.written => self.replay_damaged(frame)?,
                Step::Damaged(frame) => return self.suspect(Suspect::Payload(frame)),
                Step::Invalid(invalid) if invalid.written => return Err(self.damaged(invalid.offset, invalid.fault)),
                Step::Invalid(invalid) => return self.suspect(Suspect::Identifiers(invalid)),
                Step::Incomplete { needed } => return Ok(self.read_on(needed)),
            }
            let frame_bytes = usize::try_from(self.reader.offset() - before).expect("it lay in memory");
            bytes = &bytes[frame_bytes..];
        }
    }

    fn replay(&mut self, frame: Frame) -> Result<(), StoreError> {
        self.found.frames += 1;
        for record in frame.records {
            match record {
                Record::HardState(state) => self.found.hard_state = state,
                Record::Entry(entry) => self.append(entry).map_err(|fault| self.damaged(frame.offset, fault))?,
                Record::Truncate { last } => {
                    self.found.entries.truncate(usize::try_from(last.0).unwrap_or(usize::MAX));
                }
            }
        }
        Ok(())
    }

    fn replay_damaged(&mut self, frame: Frame) -> Result<(), StoreError> {
        self.reader.skip(&frame);
        self.replay(frame)
    }

    fn append(&mut self, entry: RecoveredEntry) -> Result<(), Fault> {
        let expected = LogIndex(self.found.entries.len() as u64 + 1);
        let found = entry.id().index;
        if found != expected {
            return Err(Fault::Gap { found, expected });
        }
        self.found.entries.push(entry);
        Ok(())
    }

    /// Reads from the position on, if the file holds as much as the next frame needs.
    fn read_on(&mut self, needed: u64) -> Next {
        let rest = self.file_bytes - self.reader.offset();
        if rest < needed {
            return self.cut(rest);
        }
        let asked = rest.min(READ_BYTES.max(needed));
        self.phase = Phase::Reading { asked };
        Next::Do(DiskOp::Read { file: self.file.clone(), offset: self.reader.offset(), len: asked })
    }

    fn suspect(&mut self, suspect: Suspect) -> Result<Next, StoreError> {
        let offset = suspect.end();
        self.scan(suspect, offset)
    }

    /// Looks at what follows a frame that may be torn.
    fn scan(&mut self, suspect: Suspect, offset: u64) -> Result<Next, StoreError> {
        let asked = self.file_bytes.saturating_sub(offset).min(READ_BYTES);
        if asked == 0 {
            return Ok(self.cut(self.file_bytes - self.reader.offset()));
        }
        self.phase = Phase::Scanning { suspect, offset, asked };
        Ok(Next::Do(DiskOp::Read { file: self.file.clone(), offset, len: asked }))
    }

    fn scanned(&mut self, suspect: Suspect, offset: u64, bytes: &[u8]) -> Result<Next, StoreError> {
        if !suspect.is_followed_by(&self.reader, bytes) {
            return self.scan(suspect, offset + bytes.len() as u64);
        }
        match suspect {
            Suspect::Identifiers(invalid) => Err(self.damaged(invalid.offset, invalid.fault)),
            Suspect::Payload(frame) => {
                self.replay_damaged(frame)?;
                Ok(self.read_on(SECTOR))
            }
        }
    }

    fn damaged(&self, offset: u64, fault: Fault) -> StoreError {
        StoreError::Damaged { file: self.file.clone(), offset, fault }
    }

    fn cut(&mut self, torn_bytes: u64) -> Next {
        self.found.torn_bytes = torn_bytes;
        if torn_bytes == 0 {
            return self.sync();
        }
        self.phase = Phase::Cutting;
        Next::Do(DiskOp::Truncate { file: self.file.clone(), len: self.reader.offset() })
    }

    fn sync(&mut self) -> Next {
        self.phase = Phase::Syncing;
        Next::Do(DiskOp::Sync { file: self.file.clone() })
    }

    fn done(&mut self) -> Next {
        let recovered = mem::take(&mut self.found);
        Next::Done(Open { recovered, file: self.file.clone(), cursor: self.reader.cursor() })
    }
}
