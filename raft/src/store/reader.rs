//! Reads frames, one after the other, from bytes that may be anything.
//!
//! A [`Reader`] is a position: it holds no bytes, so it is copied for free and asks for
//! nothing twice. Recovery walks a file with it; an observer follows a durable image with it.
//!
//! Not here: what to do about a frame that is not intact ([`super::recovery`]).

use std::sync::Arc;

use bytes::Bytes;

use super::configuration::decode_configuration;
use super::format::{
    Cursor, FLAG_VOTE, FRAME_HEADER_BYTES, FileHeader, FrameHeader, KIND_COMMAND, KIND_CONFIGURATION, KIND_HARD_STATE, KIND_NOOP,
    KIND_PURGE, KIND_SEALED, KIND_TRUNCATE, RECORD_HEADER_BYTES, RecordHeader, SECTOR_BYTES, SECTOR_ROOM_BYTES, frame_bytes,
    u32_at,
};
use super::{Fault, RecoveredEntry};
use crate::entry::{Entry, HardState, Payload};
use crate::types::{LogId, LogIndex, NodeId, Term};

/// A position between two frames of a segment.
///
/// ```
/// use squall_raft::entry::{HardState, Persist};
/// use squall_raft::store::Identity;
/// use squall_raft::store::format::{Cursor, FileHeader, SegmentId};
/// use squall_raft::store::reader::{Reader, Record, Step};
/// use squall_raft::store::writer::FrameWriter;
/// use squall_raft::types::{IoId, LogIndex, Term};
///
/// let header = FileHeader::first(Identity::default(), SegmentId { base: LogIndex(1), unique: 1 });
/// let state = HardState { term: Term(3), vote: None };
/// let mut at = Cursor::first(&header);
/// let bytes = FrameWriter::default().encode(&mut at, IoId::default(), [Persist::HardState(state)].iter());
///
/// let mut reader = Reader::new(&header);
/// assert_eq!(reader.next(&bytes[..100]), Step::Incomplete { needed: 512 });
/// let Step::Complete(frame) = reader.next(&bytes) else { panic!("intact") };
/// assert_eq!(frame.records, [Record::HardState(state)]);
/// assert_eq!(reader.cursor(), at);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    at: Cursor,
}

/// What lies at a reader's position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An intact frame; the reader stands behind it.
    Complete(Frame),
    /// More bytes are needed, counted from the position; the reader has not moved.
    Incomplete {
        /// How many in total.
        needed: u64,
    },
    /// A frame with intact identifiers and a payload that is not. The reader has not moved;
    /// [`Reader::skip`] goes behind it.
    Damaged(Frame),
    /// Not a frame, or one whose identifiers are lost. The reader has not moved.
    Invalid(Invalid),
}

/// A frame whose identifiers are intact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its header.
    pub header: FrameHeader,
    /// The header's checksum, which the next frame chains to.
    pub checksum: u32,
    /// What it holds, in order.
    pub records: Vec<Record>,
    /// The records' identifiers as they are written, one for each.
    pub headers: Vec<RecordHeader>,
    /// Where it begins.
    pub offset: u64,
    /// How many bytes of the file it takes.
    pub len: u64,
    /// Payloads that do not match their checksums.
    pub damaged: u32,
    /// Whether all of its sectors were written to their ends.
    pub written: bool,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Term and vote changed.
    HardState(HardState),
    /// The log grew.
    Entry(RecoveredEntry),
    /// The log grew by an entry whose payload is intact, for those who asked for no more: see [`Reader::check`].
    Intact(LogId),
    /// The log's tail was removed.
    Truncate {
        /// The new last index.
        last: LogIndex,
    },
    /// The log's head was removed.
    Purge {
        /// The last entry of it.
        through: LogId,
    },
    /// The segment ends here.
    Sealed {
        /// Unique id of the segment that goes on.
        next: u64,
    },
}

/// What becomes of payloads that are intact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Payloads {
    Kept,
    Checked,
    /// D18.
    #[cfg(feature = "mutants")]
    Believed,
}

/// Bytes that are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Where they begin.
    pub offset: u64,
    /// What is wrong.
    pub fault: Fault,
    /// Where the frame would end, if its header is intact.
    pub end: Option<u64>,
    /// Whether all sectors that are known to be the frame's were written to their ends.
    pub written: bool,
}

impl Reader {
    /// The position behind a file header.
    #[must_use]
    pub fn new(header: &FileHeader) -> Self {
        Self { at: Cursor::first(header) }
    }

    /// The position at which a writer or another reader stood.
    #[must_use]
    pub const fn at(cursor: Cursor) -> Self {
        Self { at: cursor }
    }

    /// Where the next frame begins.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.at.offset
    }

    /// The position, for a writer that goes on here.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        self.at
    }

    /// Reads the frame at the position. `bytes` begins there and may end anywhere.
    pub fn next(&mut self, bytes: &[u8]) -> Step {
        self.step(bytes, Payloads::Kept)
    }

    /// As [`Self::next`], and checks as much; but of an intact entry it tells only that, as [`Record::Intact`], unless it holds
    /// a configuration. For those who would drop payloads: making them is half the work where they are small.
    pub fn check(&mut self, bytes: &[u8]) -> Step {
        self.step(bytes, Payloads::Checked)
    }

    /// D18: as [`Self::next`], but payloads are not held against their checksums.
    #[cfg(feature = "mutants")]
    pub(super) fn believe(&mut self, bytes: &[u8]) -> Step {
        self.step(bytes, Payloads::Believed)
    }

    fn step(&mut self, bytes: &[u8], payloads: Payloads) -> Step {
        let step = self.peek(bytes, payloads).unwrap_or_else(Step::Invalid);
        if let Step::Complete(frame) = &step {
            self.skip(frame);
        }
        step
    }

    /// Goes behind the frame at the position.
    ///
    /// # Panics
    /// If the frame lies elsewhere.
    pub fn skip(&mut self, frame: &Frame) {
        assert_eq!((frame.offset, frame.header.sequence), (self.at.offset, self.at.sequence), "the frame at the position");
        self.at = self.at.behind(frame.checksum, frame.len);
    }

    /// Whether a sector, at any place behind the position, begins a frame that was written later than the one that
    /// belongs at the position.
    #[must_use]
    pub fn is_later_frame(&self, sector: &[u8]) -> bool {
        self.at_later_frame(0, sector).is_some()
    }

    /// The position of the later frame that a sector begins, for those who only look: what lies between may have been anything.
    #[must_use]
    pub fn at_later_frame(&self, offset: u64, sector: &[u8]) -> Option<Self> {
        let (header, _) = sector.first_chunk().and_then(|bytes| FrameHeader::decode(bytes, self.at.seed))?;
        let FrameHeader { sequence, chain, .. } = header;
        (sequence > self.at.sequence).then_some(Self { at: Cursor { offset, chain, sequence, ..self.at } })
    }

    fn peek(&self, bytes: &[u8], payloads: Payloads) -> Result<Step, Invalid> {
        let Some(first) = bytes.first_chunk::<SECTOR_BYTES>() else {
            return Ok(Step::Incomplete { needed: SECTOR_BYTES as u64 });
        };
        let (header, checksum) = self.header(first)?;
        let body_bytes = header.body_bytes().ok_or(self.lost(Fault::Lengths))?;
        let len = frame_bytes(body_bytes);
        let Some(sectors) = bytes.get(..len) else {
            return Ok(Step::Incomplete { needed: len as u64 });
        };
        let (body, written) = self.unstamp(sectors, body_bytes);
        let invalid = |fault, written| Invalid { fault, end: Some(self.at.offset + len as u64), written, offset: self.at.offset };
        let headers = record_headers(&header, &body).map_err(|fault| invalid(fault, written))?;
        // From here on the checksums of all identifiers match, so no power loss is to blame.
        let (records, damaged) = records(&header, &headers, &body, payloads).map_err(|fault| invalid(fault, true))?;
        let frame = Frame { header, checksum, records, headers, offset: self.at.offset, len: len as u64, damaged, written };
        Ok(if damaged == 0 { Step::Complete(frame) } else { Step::Damaged(frame) })
    }

    fn header(&self, sector: &[u8; SECTOR_BYTES]) -> Result<(FrameHeader, u32), Invalid> {
        let start = sector.first_chunk::<FRAME_HEADER_BYTES>().expect("a header is shorter than a sector");
        let Some((header, checksum)) = FrameHeader::decode(start, self.at.seed) else {
            // A frame that is being overwritten with zeros loses its first byte first, and its stamp last.
            let written = sector[0] != 0 && u32_at(sector, SECTOR_ROOM_BYTES) == self.at.stamp();
            return Err(Invalid { offset: self.at.offset, fault: Fault::FrameHeader, end: None, written });
        };
        let (found, expected) = (header.sequence, self.at.sequence);
        if found != expected {
            return Err(self.lost(Fault::Sequence { found, expected }));
        }
        if header.chain != self.at.chain {
            return Err(self.lost(Fault::Chain { found: header.chain, expected: self.at.chain }));
        }
        Ok((header, checksum))
    }

    /// An intact header that does not belong here: unwritten sectors hold zeros, so no power loss is to blame.
    fn lost(&self, fault: Fault) -> Invalid {
        Invalid { offset: self.at.offset, fault, end: None, written: true }
    }

    /// The frame's body without stamps and padding, and whether every stamp is there.
    fn unstamp(&self, sectors: &[u8], body_bytes: usize) -> (Bytes, bool) {
        let stamp = self.at.stamp();
        let mut written = true;
        let mut body = Vec::with_capacity(body_bytes);
        let mut from = FRAME_HEADER_BYTES;
        for sector in sectors.chunks_exact(SECTOR_BYTES) {
            let end = SECTOR_ROOM_BYTES.min(from + body_bytes - body.len());
            body.extend_from_slice(&sector[from..end]);
            written &= u32_at(sector, SECTOR_ROOM_BYTES) == stamp;
            from = 0;
        }
        (body.into(), written)
    }
}

/// The record headers of a body, all of them intact, with lengths that add up.
fn record_headers(header: &FrameHeader, body: &[u8]) -> Result<Vec<RecordHeader>, Fault> {
    let bytes = &body[..body.len() - usize::try_from(header.payload_bytes).map_err(|_| Fault::Lengths)?];
    let (chunks, _) = bytes.as_chunks::<RECORD_HEADER_BYTES>();
    let mut headers = Vec::with_capacity(chunks.len());
    for (record, chunk) in (0..).zip(chunks) {
        headers.push(RecordHeader::decode(chunk).ok_or(Fault::RecordHeader { record })?);
    }
    if crc32c::crc32c(bytes) != header.records_checksum {
        return Err(Fault::RecordHeader { record: 0 }); // intact ones, of another frame
    }
    Ok(headers)
}

fn records(header: &FrameHeader, headers: &[RecordHeader], body: &Bytes, wanted: Payloads) -> Result<(Vec<Record>, u32), Fault> {
    let total: u64 = headers.iter().map(|one| u64::from(one.payload_bytes)).sum();
    if total != header.payload_bytes {
        return Err(Fault::Lengths);
    }
    let mut payloads = &body[headers.len() * RECORD_HEADER_BYTES..];
    let mut records = Vec::with_capacity(headers.len());
    let mut damaged = 0;
    for (number, one) in (0..).zip(headers) {
        let (payload, behind) = payloads.split_at(usize::try_from(one.payload_bytes).map_err(|_| Fault::Lengths)?);
        payloads = behind;
        let record = record(one, payload, body, number, wanted)?;
        damaged += u32::from(matches!(record, Record::Entry(RecoveredEntry::Damaged(_))));
        records.push(record);
    }
    Ok((records, damaged))
}

fn record(header: &RecordHeader, payload: &[u8], body: &Bytes, number: u32, wanted: Payloads) -> Result<Record, Fault> {
    match header.kind {
        KIND_HARD_STATE => {
            let vote = (header.flags & FLAG_VOTE != 0).then_some(NodeId(header.index));
            Ok(Record::HardState(HardState { term: Term(header.term), vote }))
        }
        KIND_TRUNCATE => Ok(Record::Truncate { last: LogIndex(header.index) }),
        KIND_PURGE => Ok(Record::Purge { through: LogId::new(header.term, header.index) }),
        KIND_SEALED => Ok(Record::Sealed { next: header.index }),
        KIND_NOOP | KIND_COMMAND if wanted == Payloads::Checked && is_intact(header, payload) => {
            Ok(Record::Intact(LogId::new(header.term, header.index)))
        }
        KIND_NOOP | KIND_COMMAND | KIND_CONFIGURATION => entry(header, payload, body, number, wanted).map(Record::Entry),
        kind => Err(Fault::RecordKind { record: number, kind }),
    }
}

fn is_intact(header: &RecordHeader, payload: &[u8]) -> bool {
    crc32c::crc32c(payload) == header.payload_checksum
}

/// `payload` is a part of `body`.
fn entry(header: &RecordHeader, payload: &[u8], body: &Bytes, number: u32, wanted: Payloads) -> Result<RecoveredEntry, Fault> {
    let id = LogId::new(header.term, header.index);
    let is_intact = is_intact(header, payload);
    #[cfg(feature = "mutants")]
    let is_intact = is_intact || wanted == Payloads::Believed;
    #[cfg(not(feature = "mutants"))]
    let _ = wanted;
    if !is_intact {
        return Ok(RecoveredEntry::Damaged(id));
    }
    let payload = match header.kind {
        KIND_NOOP => Payload::Noop,
        KIND_COMMAND => Payload::Command(body.slice_ref(payload)),
        _ => Payload::Configuration(Arc::new(decode_configuration(&body.slice_ref(payload), number)?)),
    };
    Ok(RecoveredEntry::Ready(Entry { id, payload }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Persist;
    use crate::membership::Configuration;
    use crate::store::Identity;
    use crate::store::configuration::encode_configuration;
    use crate::store::format::SegmentId;
    use crate::store::writer::FrameWriter;
    use crate::types::{IoId, NodeId};

    /// Two frames of one term each, in the same segment.
    fn history(terms: [u64; 2]) -> [Bytes; 2] {
        let mut at = Cursor::first(&header());
        terms.map(|term| {
            let state = HardState { term: Term(term), vote: None };
            FrameWriter::default().encode(&mut at, IoId::default(), [Persist::HardState(state)].iter())
        })
    }

    fn reader() -> Reader {
        Reader::new(&header())
    }

    fn header() -> FileHeader {
        FileHeader::first(Identity::default(), SegmentId { base: LogIndex(1), unique: 1 })
    }

    /// The second frame of another history is intact and has the right number: only the chain gives it away.
    #[test]
    fn a_frame_that_resurfaces_from_another_history_is_refused() {
        let [ours, _] = history([1, 2]);
        let [_, theirs] = history([8, 9]);
        let mut reader = reader();
        assert!(matches!(reader.next(&ours), Step::Complete(_)));
        let refused = reader.next(&theirs);
        assert!(matches!(refused, Step::Invalid(Invalid { fault: Fault::Chain { .. }, written: true, .. })), "{refused:?}");

        let mut without_chain = reader;
        without_chain.at.chain = FrameHeader::decode(theirs.first_chunk().unwrap(), reader.at.seed).unwrap().0.chain;
        assert!(matches!(without_chain.next(&theirs), Step::Complete(_)), "nothing else stands in its way");
    }

    /// The checksums are right and the content is not what any release writes: refused, never believed, never a panic.
    #[test]
    fn intact_nonsense_is_refused() {
        let record = RecordHeader { kind: KIND_NOOP, index: 1, term: 1, ..RecordHeader::default() };
        let zero_voters = [0; 16];
        let checksum = crc32c::crc32c(&zero_voters);
        let no_voters = RecordHeader { kind: KIND_CONFIGURATION, payload_bytes: 16, payload_checksum: checksum, ..record };
        for (header, payload, fault) in [
            (RecordHeader { kind: 99, ..record }, &[][..], Fault::RecordKind { record: 0, kind: 99 }),
            (RecordHeader { payload_bytes: 7, ..record }, &[], Fault::Lengths),
            (RecordHeader { payload_bytes: u32::MAX, ..record }, &[], Fault::Lengths),
            (no_voters, &zero_voters, Fault::Configuration { record: 0 }),
        ] {
            let refused = reader().next(&crafted(&header, payload, payload.len() as u64));
            assert!(matches!(refused, Step::Invalid(Invalid { fault: found, .. }) if found == fault), "{refused:?}");
        }
        let absurd = reader().next(&crafted(&record, &[], u64::MAX));
        assert!(matches!(absurd, Step::Invalid(Invalid { fault: Fault::Lengths, .. })), "{absurd:?}");
    }

    /// A peer may send them, and what was written must be readable.
    #[test]
    fn joint_configurations_are_read_as_they_were_written() {
        let nodes = |numbers: &[u64]| numbers.iter().copied().map(NodeId).collect::<Vec<_>>();
        let configuration = Configuration::from_parts(nodes(&[1, 2]), nodes(&[2, 3, 5]), nodes(&[4])).unwrap();
        let mut payload = Vec::new();
        encode_configuration(&configuration, &mut payload);
        assert_eq!(decode_configuration(&payload.clone().into(), 0), Ok(configuration));
        for (at, byte) in [(0, 3), (4, 2), (8, 9), (12, 1), (16, 2), (56, 1)] {
            let mut wrong = payload.clone();
            wrong[at] = byte;
            let refused = decode_configuration(&wrong.into(), 6);
            assert_eq!(refused, Err(Fault::Configuration { record: 6 }), "byte {at}");
        }
    }

    /// A frame of one sector with right checksums, whatever it holds.
    fn crafted(record: &RecordHeader, payload: &[u8], payload_bytes: u64) -> Vec<u8> {
        let at = Cursor::first(&header());
        let records_checksum = crc32c::crc32c(&record.encode());
        let io = IoId::default();
        let header = FrameHeader { sequence: 1, chain: 0, records: 1, payload_bytes, io, records_checksum };
        let mut bytes = [&header.encode(at.seed).0[..], &record.encode(), payload].concat();
        bytes.resize(SECTOR_ROOM_BYTES, 0);
        bytes.extend_from_slice(&at.stamp().to_le_bytes());
        bytes
    }
}
