//! What lies in a segment, frame by frame, for people: also behind damage, where a recovery would have stopped.
//!
//! A [`Walk`] holds no more than one frame. It decides nothing: what a boot would make of the folder says a
//! [`Rehearsal`](super::recovery::Rehearsal).
//!
//! Not here: files and words (the `squall` binary).

use super::Fault;
use super::format::{FileHeader, HeaderFault, SECTOR_BYTES};
use super::reader::{Frame, Reader, Step};
use super::recovery::READ_BYTES;
use super::recovery::tail::last_nonzero;

const SECTOR: u64 = SECTOR_BYTES as u64;

/// Something that lies in a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Its header. Comes first, if it is intact.
    Header(FileHeader),
    /// There is no header, or none of this version: nothing else can be read.
    NoHeader(HeaderFault),
    /// A frame whose identifiers are intact. Its payloads may be damaged.
    Frame(Frame),
    /// Bytes that are no frame, and are not all zeros.
    Bytes(Place),
}

/// A piece of a segment that is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it begins.
    pub offset: u64,
    /// Behind its last byte that is not zero, or where the next frame begins.
    pub end: u64,
    /// What is wrong with the frame that begins there.
    pub fault: Fault,
    /// Whether that frame was written to its end. If not, and nothing follows, a power loss may be to blame.
    pub written: bool,
    /// Whether an intact frame follows.
    pub followed: bool,
}

/// A walk through one segment.
///
/// ```
/// use squall_raft::store::Identity;
/// use squall_raft::store::format::{FileHeader, SegmentId};
/// use squall_raft::store::inspect::{Found, Walk};
/// use squall_raft::types::LogIndex;
///
/// let header = FileHeader::first(Identity::default(), SegmentId { base: LogIndex(1), unique: 1 });
/// let file = header.encode();
/// let (mut walk, mut found) = (Walk::of(file.len() as u64), Vec::new());
/// while let Some((offset, len)) = walk.wants() {
///     let from = offset as usize;
///     walk.take(&file[from..from + len as usize], |what| found.push(what));
/// }
/// assert_eq!(found, [Found::Header(header)]);
/// ```
#[derive(Clone, Debug)]
pub struct Walk {
    bytes: u64,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    Header,
    Frames {
        reader: Reader,
        needed: u64,
    },
    /// Looks for a frame behind a place, sector by sector.
    Searching {
        reader: Reader,
        place: Place,
        at: u64,
    },
    Done,
}

impl Walk {
    /// Through a file of so many bytes.
    #[must_use]
    pub const fn of(bytes: u64) -> Self {
        Self { bytes, phase: Phase::Header }
    }

    /// What to read next, as an offset and a number of bytes; `None` at the end.
    #[must_use]
    pub fn wants(&self) -> Option<(u64, u64)> {
        let (offset, len) = match &self.phase {
            Phase::Header => (0, SECTOR),
            Phase::Frames { reader, needed } => (reader.offset(), READ_BYTES.max(*needed)),
            Phase::Searching { at, .. } => (*at, READ_BYTES),
            Phase::Done => return None,
        };
        Some((offset, len.min(self.bytes.saturating_sub(offset))))
    }

    /// Takes what was read. Fewer bytes than were wanted mean that the file ends there now.
    pub fn take(&mut self, bytes: &[u8], mut found: impl FnMut(Found)) {
        if let Some((offset, wanted)) = self.wants()
            && (bytes.len() as u64) < wanted
        {
            self.bytes = offset + bytes.len() as u64;
        }
        self.phase = match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Header => Self::header(bytes, &mut found),
            Phase::Frames { reader, .. } => self.frames(reader, bytes, &mut found),
            Phase::Searching { reader, place, at } => match self.search(reader, place, at, bytes, &mut found) {
                Ok((later, rest)) => self.frames(later, rest, &mut found),
                Err(phase) => phase,
            },
            Phase::Done => Phase::Done,
        };
    }

    fn header(bytes: &[u8], found: &mut impl FnMut(Found)) -> Phase {
        match bytes.first_chunk().map_or(Err(HeaderFault::Damaged), FileHeader::decode) {
            Ok(header) => {
                found(Found::Header(header));
                Phase::Frames { reader: Reader::new(&header), needed: SECTOR }
            }
            Err(fault) => {
                found(Found::NoHeader(fault));
                Phase::Done
            }
        }
    }

    fn frames(&self, mut reader: Reader, mut bytes: &[u8], found: &mut impl FnMut(Found)) -> Phase {
        loop {
            let offset = reader.offset();
            let (fault, written) = match reader.next(bytes) {
                Step::Complete(frame) => {
                    found(Found::Frame(frame));
                    bytes = behind(bytes, reader.offset() - offset);
                    continue;
                }
                Step::Damaged(frame) => {
                    reader.skip(&frame);
                    found(Found::Frame(frame));
                    bytes = behind(bytes, reader.offset() - offset);
                    continue;
                }
                Step::Incomplete { needed } if needed <= self.bytes.saturating_sub(offset) => {
                    return Phase::Frames { reader, needed };
                }
                Step::Incomplete { .. } => (Fault::EndsEarly, false),
                Step::Invalid(invalid) => (invalid.fault, invalid.written),
            };
            let place = Place { offset, end: offset, fault, written, followed: false };
            match self.search(reader, place, offset, bytes, found) {
                Ok((later, rest)) => (reader, bytes) = (later, rest),
                Err(phase) => return phase,
            }
        }
    }

    /// Looks for a later frame: a reader that stands there and the bytes from there on, or what comes next.
    fn search<'a>(
        &self,
        reader: Reader,
        mut place: Place,
        mut at: u64,
        bytes: &'a [u8],
        found: &mut impl FnMut(Found),
    ) -> Result<(Reader, &'a [u8]), Phase> {
        for (number, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
            if at > place.offset
                && let Some(later) = reader.at_later_frame(at, sector)
            {
                found(Found::Bytes(Place { end: at, followed: true, ..place }));
                return Ok((later, &bytes[number * SECTOR_BYTES..]));
            }
            if let Some(last) = last_nonzero(sector) {
                place.end = at + last as u64 + 1;
            }
            at += sector.len() as u64;
        }
        if at < self.bytes {
            return Err(Phase::Searching { reader, place, at });
        }
        if place.end > place.offset {
            found(Found::Bytes(place));
        }
        Err(Phase::Done)
    }
}

fn behind(bytes: &[u8], count: u64) -> &[u8] {
    usize::try_from(count).ok().and_then(|count| bytes.get(count..)).unwrap_or_default()
}
