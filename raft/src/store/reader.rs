//! Reads frames, one after the other, from bytes that may be anything.
//!
//! A [`Reader`] is a position: it holds no bytes, so it is copied for free and asks for
//! nothing twice. Recovery walks a file with it; an observer follows a durable image with it.
//!
//! Not here: what to do about a frame that is not intact ([`super::recovery`]).

use std::borrow::Cow;
use std::sync::Arc;

use super::Fault;
use super::body::{Body, Piece};
use super::configuration::decode_configuration;
use super::format::{
    Cursor, FLAG_VOTE, FRAME_HEADER_BYTES, FileHeader, FrameHeader, KIND_COMMAND, KIND_CONFIGURATION, KIND_HARD_STATE, KIND_NOOP,
    KIND_PURGE, KIND_SEALED, KIND_TRUNCATE, NUMBERS_END, RECORD_HEADER_BYTES, RecordHeader, SECTOR_BYTES, SECTOR_ROOM_BYTES,
    frame_bytes, u32_at,
};
use crate::checksum::{crc32c, crc32c_append};
use crate::entry::{CommandDigest, Entry, HardState, Payload};
use crate::types::{LogId, LogIndex, NodeId};

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
    /// The records' identifiers as they are written, one for each; none from [`Reader::check`].
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
    Entry(Entry),
    /// The log grew by an entry whose payload has rotted.
    Damaged(LogId),
    /// The log grew by commands that are intact, for those who asked for no more: see [`Reader::check`].
    Intact(Run),
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

/// Commands of one term, one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Term and index of the first.
    pub first: LogId,
    /// What is known of each. Not empty.
    pub commands: Vec<Summed>,
}

/// What is known of a command that was checked and not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summed {
    /// Its length.
    pub payload_bytes: u32,
    /// [`Payload::digest`].
    pub digest: u64,
}

impl Run {
    #[inline]
    const fn is_followed_by(&self, id: LogId) -> bool {
        id.term.0 == self.first.term.0 && id.index.0 == self.first.index.0 + self.commands.len() as u64
    }

    /// Each with its term and index.
    pub fn iter(&self) -> impl Iterator<Item = (LogId, &Summed)> {
        let LogId { term, index } = self.first;
        (index.0..).zip(&self.commands).map(move |(index, command)| (LogId { term, index: LogIndex(index) }, command))
    }
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

    /// As [`Self::next`], and checks as much; but of commands that are intact it tells only that, as [`Record::Intact`]. For
    /// those who would drop what commands say: keeping it takes longer than checking it.
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
        let read = if payloads == Payloads::Checked {
            check(&header, &mut Body::in_place(sectors))
        } else {
            keep(&header, &mut Body::copied(sectors, body_bytes), payloads)
        };
        // Behind the sums, since by now all sectors are at hand.
        let written = self.is_written(sectors);
        let Content { records, headers, damaged } = read.map_err(|Unreadable { fault, is_identified }| Invalid {
            fault,
            end: Some(self.at.offset + len as u64),
            // Where the checksums of all identifiers match, no power loss is to blame.
            written: written || is_identified,
            offset: self.at.offset,
        })?;
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

    fn is_written(&self, sectors: &[u8]) -> bool {
        let stamp = self.at.stamp();
        sectors.chunks_exact(SECTOR_BYTES).fold(true, |written, sector| written & (u32_at(sector, SECTOR_ROOM_BYTES) == stamp))
    }
}

/// What a frame holds.
struct Content {
    records: Vec<Record>,
    headers: Vec<RecordHeader>,
    damaged: u32,
}

/// Why nothing is known of what a frame holds.
struct Unreadable {
    fault: Fault,
    /// Whether it was found behind the checksums of all identifiers.
    is_identified: bool,
}

/// For those who want commands.
fn keep(header: &FrameHeader, body: &mut Body<'_>, wanted: Payloads) -> Result<Content, Unreadable> {
    let identifiers = identifiers(header, body)?;
    let headers: Vec<_> = chunks(&identifiers).iter().filter_map(RecordHeader::fields).collect();
    let mut records = Vec::with_capacity(headers.len());
    let mut damaged = 0;
    for (number, one) in (0..).zip(&headers) {
        let record = record(one, body, number, wanted).map_err(behind_identifiers)?;
        damaged += u32::from(matches!(record, Record::Damaged(_)));
        records.push(record);
    }
    Ok(Content { records, headers, damaged })
}

/// For those who do not. Many small commands cost most of a recovery, so nothing is made for one alone.
fn check(header: &FrameHeader, body: &mut Body<'_>) -> Result<Content, Unreadable> {
    let identifiers = identifiers(header, body)?;
    let mut records = Vec::with_capacity(1);
    let mut damaged = 0;
    for (number, one) in (0..).zip(chunks(&identifiers).iter().filter_map(RecordHeader::fields)) {
        let record = if one.kind == KIND_COMMAND {
            let id = bounded(LogId::new(one.term, one.index), number).map_err(behind_identifiers)?;
            match (sum_up(&one, body), records.last_mut()) {
                (Some(summed), Some(Record::Intact(run))) if run.is_followed_by(id) => {
                    run.commands.push(summed);
                    continue;
                }
                (Some(summed), last) => {
                    let mut commands = Vec::with_capacity(if last.is_none() { header.records as usize } else { 1 });
                    commands.push(summed);
                    Record::Intact(Run { first: id, commands })
                }
                (None, _) => Record::Damaged(id),
            }
        } else {
            record(&one, body, number, Payloads::Checked).map_err(behind_identifiers)?
        };
        damaged += u32::from(matches!(record, Record::Damaged(_)));
        records.push(record);
    }
    Ok(Content { records, headers: Vec::new(), damaged })
}

const fn behind_identifiers(fault: Fault) -> Unreadable {
    Unreadable { fault, is_identified: true }
}

/// The record headers of a frame as they lie there, all of them intact, and the lengths of their payloads those of the frame.
fn identifiers<'a>(header: &FrameHeader, body: &mut Body<'a>) -> Result<Cow<'a, [u8]>, Unreadable> {
    let bytes = body.apart(header.records as usize * RECORD_HEADER_BYTES);
    let is_intact = crc32c(&bytes) == header.records_checksum;
    // Where they are intact together, each is.
    let has_fields = |chunk| if is_intact { RecordHeader::fields(chunk) } else { RecordHeader::decode(chunk) }.is_some();
    let culprit = (0..).zip(chunks(&bytes)).find(|(_, chunk)| !has_fields(chunk));
    // If there is none, they are of another frame.
    if let Some(record) = culprit.map(|(record, _)| record).or((!is_intact).then_some(0)) {
        return Err(Unreadable { fault: Fault::RecordHeader { record }, is_identified: false });
    }
    let total: u64 = chunks(&bytes).iter().map(RecordHeader::payload_bytes_of).sum();
    if total == header.payload_bytes { Ok(bytes) } else { Err(behind_identifiers(Fault::Lengths)) }
}

fn chunks(identifiers: &[u8]) -> &[[u8; RECORD_HEADER_BYTES]] {
    identifiers.as_chunks().0
}

fn record(header: &RecordHeader, body: &mut Body<'_>, number: u32, wanted: Payloads) -> Result<Record, Fault> {
    let id = LogId::new(header.term, header.index);
    let payload = body.next(header.payload_bytes as usize);
    match header.kind {
        KIND_NOOP | KIND_COMMAND | KIND_CONFIGURATION => entry(bounded(id, number)?, header, &payload, number, wanted),
        KIND_HARD_STATE => {
            let vote = (header.flags & FLAG_VOTE != 0).then_some(NodeId(header.index));
            let LogId { term, .. } = bounded(LogId { index: LogIndex(0), ..id }, number)?;
            Ok(Record::HardState(HardState { term, vote }))
        }
        KIND_TRUNCATE => Ok(Record::Truncate { last: bounded(id, number)?.index }),
        KIND_PURGE => Ok(Record::Purge { through: bounded(id, number)? }),
        KIND_SEALED => Ok(Record::Sealed { next: header.index }),
        kind => Err(Fault::RecordKind { record: number, kind }),
    }
}

/// An id that has a successor, and that has one, too.
const fn bounded(id: LogId, record: u32) -> Result<LogId, Fault> {
    if (id.index.0 | id.term.0) < NUMBERS_END { Ok(id) } else { Err(Fault::Absurd { record }) }
}

/// A command of which only this is wanted: whether it is intact, and what it adds to hashes. Summed up part by part, while
/// each is at hand.
#[inline]
fn sum_up(header: &RecordHeader, body: &mut Body<'_>) -> Option<Summed> {
    let (mut checksum, mut digest) = (0, CommandDigest::new());
    let len = header.payload_bytes as usize;
    for from in (0..len).step_by(CommandDigest::PART_BYTES) {
        let Piece { bytes, .. } = body.next(CommandDigest::PART_BYTES.min(len - from));
        checksum = crc32c_append(checksum, bytes);
        digest.part(bytes);
    }
    (checksum == header.payload_checksum).then(|| Summed { payload_bytes: header.payload_bytes, digest: digest.value() })
}

fn entry(id: LogId, header: &RecordHeader, payload: &Piece<'_>, number: u32, wanted: Payloads) -> Result<Record, Fault> {
    let is_intact = crc32c(payload.bytes) == header.payload_checksum;
    #[cfg(feature = "mutants")]
    let is_intact = is_intact || wanted == Payloads::Believed;
    #[cfg(not(feature = "mutants"))]
    let _ = wanted;
    if !is_intact {
        return Ok(Record::Damaged(id));
    }
    let payload = match header.kind {
        KIND_NOOP => Payload::Noop,
        KIND_COMMAND => Payload::Command(payload.keep()),
        _ => Payload::Configuration(Arc::new(decode_configuration(&payload.keep(), number)?)),
    };
    Ok(Record::Entry(Entry { id, payload }))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::entry::Persist;
    use crate::membership::Configuration;
    use crate::store::Identity;
    use crate::store::configuration::encode_configuration;
    use crate::store::format::SegmentId;
    use crate::store::writer::FrameWriter;
    use crate::types::{IoId, NodeId, Term};

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
        let checksum = crc32c(&zero_voters);
        let no_voters = RecordHeader { kind: KIND_CONFIGURATION, payload_bytes: 16, payload_checksum: checksum, ..record };
        for (header, payload, fault) in [
            (RecordHeader { kind: 99, ..record }, &[][..], Fault::RecordKind { record: 0, kind: 99 }),
            (RecordHeader { payload_bytes: 7, ..record }, &[], Fault::Lengths),
            (RecordHeader { payload_bytes: u32::MAX, ..record }, &[], Fault::Lengths),
            (no_voters, &zero_voters, Fault::Configuration { record: 0 }),
            (RecordHeader { index: NUMBERS_END, ..record }, &[], Fault::Absurd { record: 0 }),
            (RecordHeader { term: u64::MAX, ..record }, &[], Fault::Absurd { record: 0 }),
            (RecordHeader { kind: KIND_COMMAND, index: u64::MAX, ..record }, &[], Fault::Absurd { record: 0 }),
            (RecordHeader { kind: KIND_PURGE, index: u64::MAX, ..record }, &[], Fault::Absurd { record: 0 }),
            (RecordHeader { kind: KIND_TRUNCATE, index: u64::MAX, ..record }, &[], Fault::Absurd { record: 0 }),
            (RecordHeader { kind: KIND_HARD_STATE, term: NUMBERS_END, ..record }, &[], Fault::Absurd { record: 0 }),
        ] {
            let bytes = crafted(&header, payload, payload.len() as u64);
            let refused = reader().next(&bytes);
            assert!(matches!(refused, Step::Invalid(Invalid { fault: found, .. }) if found == fault), "{refused:?}");
            assert_eq!(reader().check(&bytes), refused);
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
        let records_checksum = crc32c(&record.encode());
        let io = IoId::default();
        let header = FrameHeader { sequence: 1, chain: 0, records: 1, payload_bytes, io, records_checksum };
        let mut bytes = [&header.encode(at.seed).0[..], &record.encode(), payload].concat();
        bytes.resize(SECTOR_ROOM_BYTES, 0);
        bytes.extend_from_slice(&at.stamp().to_le_bytes());
        bytes
    }

    /// Commands as long as the parts in which they are summed up, a little shorter and longer, and much longer.
    #[test]
    fn what_is_summed_up_part_by_part_is_what_was_read_at_once() {
        let part = CommandDigest::PART_BYTES;
        let lengths = [0, 1, 507, 508, 509, part - 1, part, part + 1, 3 * part + 7];
        let command = |(index, len): (u64, usize)| {
            let bytes: Vec<u8> = (0..len).map(|at| u8::try_from(at * at % 251).expect("small")).collect();
            Entry { id: LogId::new(1, index), payload: Payload::Command(bytes.into()) }
        };
        let append = Persist::Append((1..).zip(lengths).map(command).collect());
        let mut bytes = FrameWriter::default().encode(&mut reader().cursor(), IoId::default(), [&append].into_iter()).to_vec();
        let (Step::Complete(read), Step::Complete(checked)) = (reader().next(&bytes), reader().check(&bytes)) else {
            panic!("intact");
        };
        let [Record::Intact(run)] = &checked.records[..] else { panic!("found {checked:?}") };
        assert_eq!(run.commands.len(), read.records.len());
        for (read, (id, summed)) in read.records.iter().zip(run.iter()) {
            let Record::Entry(Entry { id: expected, payload }) = read else { panic!("found {read:?}") };
            assert_eq!((id, u64::from(summed.payload_bytes), summed.digest), (*expected, payload.len_bytes(), payload.digest()));
        }
        let last = bytes.len() - SECTOR_BYTES; // of the last part of the last command
        bytes[last] ^= 1;
        let Step::Damaged(checked) = reader().check(&bytes) else { panic!("a byte has changed") };
        assert_eq!(checked.records.last(), Some(&Record::Damaged(LogId::new(1, 9))));
        assert_eq!(checked.damaged, 1);
    }
}
