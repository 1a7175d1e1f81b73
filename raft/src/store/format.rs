//! Version 1 of the write-ahead log: where every byte lies. Pure functions over bytes.
//!
//! A log is a folder of *segments*, `wal-<base index>-<unique id>.log` with 16 lower-case hex
//! digits each. The base index is that of the entry that would have come next when the segment
//! was made; unique ids ascend. Integers are little-endian, checksums are CRC-32C, reserved bytes are zero.
//!
//! ```text
//! A segment is a sequence of sectors of 512 bytes:
//!
//!   sector 0        sectors 1 ..            ..                         .. end of file
//!   +-------------+------------------------+-------------+-----------+
//!   | file header | frame (n sectors)      | frame       | frame     |
//!   +-------------+------------------------+-------------+-----------+
//!
//! File header                              Sector of a frame
//!     0  8  magic "SQUALWAL"                   0  508  bytes of the frame
//!     8  4  version (1)                      508    4  stamp
//!    12  4  bytes in a sector (512)
//!    16  8  cluster                        Frame: the sectors' bytes without the stamps
//!    24  8  node                             +--------+-----+-----+----------+-------+
//!    32  4  incarnation                      | frame  | rec | rec | payload  | zeros |
//!    36  4  chain before the first frame     | header | hdr | hdr | payload  |       |
//!    40  8  base index                       +--------+-----+-----+----------+-------+
//!    48  8  unique id                           64      32 each
//!    56  8  unique id of the segment before, or 0
//!    64  8  sequence number of the first frame
//!    72  8  term  \ when the segment
//!    80  8  vote   | was made
//!    88  4  flags (1: the vote is present)
//!    92  4  zeros
//!    96  8  index \ of the last entry that was
//!   104  8  term  / purged from the log's head
//!   112  8  bytes that the file had when it got its name
//!   120     zeros
//!   508  4  checksum of bytes 0 .. 508
//!
//! Frame header                             Record header
//!     0  4  magic "SQFR"                       0  4  checksum of bytes 4 .. 32
//!     4  4  checksum of bytes 8 .. 64,         4  1  kind
//!           seeded with the file header's      5  1  flags (1: the vote is present)
//!     8  8  sequence number                    6  2  zeros
//!    16  4  chain: checksum of the             8  4  bytes of payload
//!           frame header before               12  4  checksum of the payload
//!    20  4  number of records                 16  8  index
//!    24  8  bytes of payload                  24  8  term
//!    32  4  boot  \ of the last IoId
//!    36  4  zeros  | that the frame        kind             index   term   payload
//!    40  8  seq   /  covers                1 hard state     vote    term   -
//!    48  4  checksum of all record headers 2 noop           index   term   -
//!    52 12  zeros                          3 command        index   term   its bytes
//!                                          4 configuration  index   term   counts, nodes
//!                                          5 truncate       last    -      -
//!                                          6 (a snapshot's publication, not written yet)
//!                                          7 purge          last    term   -
//!                                          8 sealed         unique id of the next segment
//!
//! Payload of a configuration: see [`super::configuration`].
//! ```
//!
//! *A segment is whole when it has its name.* It is made as `wal-<base index>-<unique id>.new`: its space is reserved,
//! its header is written and synced, and only then it is renamed. What bears a segment's name and lacks a header, or is
//! shorter than its header says, was damaged later. The frames of a segment are all synced before the next one is made.
//!
//! *The header of a segment says what the log's state was when it was made*: term, vote and what had been purged. So no
//! earlier segment is needed for them, and those whose entries are purged or truncated are removed as they are.
//!
//! *A seal closes a segment*: its last frame names the next segment. It is written when that has its name and before
//! anything is written there, so that a log whose newest segment has disappeared does not look like a shorter one.
//! Nothing chains to it: the next segment's first frame has its sequence number and follows the same frame.
//!
//! *A batch is one frame, and a frame is all or nothing.* The header's checksum covers the
//! checksum of the record headers, and these hold the checksums of the payloads: so one
//! number vouches for the frame, and is what the next frame chains to. A trailer with
//! a second checksum over everything would add nothing. The checksum of a single record header only names the one that is
//! wrong.
//!
//! *Identifiers lie apart from payloads*, each under checksums of their own: a rotten payload
//! costs one entry's content, not its term and index, and the chain goes on behind it.
//!
//! *A frame begins at a sector*, because a write must not touch a sector that holds
//! acknowledged bytes: the power may fail while that sector is rewritten.
//!
//! *Each sector of a frame ends in the frame's stamp*, a number that is never 0 and that the
//! reader knows before it reads (from chain and sequence number). A sector without it was not
//! written to its end. That is what tells a torn write from rot; see [`super::recovery`].
//! It is judged only in a frame whose checksums do not match.
//!
//! *A later version* keeps magic, version and checksum of the file header in their places.

use super::Identity;
use crate::checksum::{crc32c, seeded};
use crate::entry::HardState;
use crate::process::FileName;
use crate::types::{BootNumber, ClusterId, Incarnation, IoId, LogId, LogIndex, NodeId, Peer, Term};

/// The version that is written, and the latest that is read.
pub const VERSION: u32 = 1;
/// The unit in which a disk writes; frames are aligned to it.
pub const SECTOR_BYTES: usize = 512;
/// Bytes of a sector that are not its stamp.
pub const SECTOR_ROOM_BYTES: usize = SECTOR_BYTES - STAMP_BYTES;
/// Bytes of the stamp at the end of each sector of a frame.
pub const STAMP_BYTES: usize = 4;
/// Bytes of a frame header.
pub const FRAME_HEADER_BYTES: usize = 64;
/// Bytes of a record header.
pub const RECORD_HEADER_BYTES: usize = 32;
/// Record headers and payloads of one frame: more is not written, and not believed.
pub const FRAME_BODY_BYTES_MAX: u64 = 1 << 30;

const _: () = assert!(FRAME_HEADER_BYTES <= SECTOR_ROOM_BYTES, "a frame header must not cross a sector");

const FILE_MAGIC: &[u8; 8] = b"SQUALWAL";
const FRAME_MAGIC: &[u8; 4] = b"SQFR";

/// Kind of a record that holds term and vote.
pub const KIND_HARD_STATE: u8 = 1;
/// Kind of an entry without payload.
pub const KIND_NOOP: u8 = 2;
/// Kind of an entry with a client's bytes.
pub const KIND_COMMAND: u8 = 3;
/// Kind of an entry with a configuration.
pub const KIND_CONFIGURATION: u8 = 4;
/// Kind of a record that removes the log's tail.
pub const KIND_TRUNCATE: u8 = 5;
/// Kind of a record that removes the log's head.
pub const KIND_PURGE: u8 = 7;
/// Kind of a record that closes a segment.
pub const KIND_SEALED: u8 = 8;
/// Indexes and terms are below this: no log reaches it, and nothing overflows that counts on from one.
pub const NUMBERS_END: u64 = 1 << 63;
/// Flag of a hard state: a vote was cast.
pub const FLAG_VOTE: u8 = 1;

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&value);
}

/// Which segment of a log a file is. Names are never used twice, even for the same base index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentId {
    /// Index of the first entry that it could hold when it was made.
    pub base: LogIndex,
    /// Differs from that of every other segment of this node's life.
    pub unique: u64,
}

impl SegmentId {
    /// The file's name.
    ///
    /// ```
    /// use squall_raft::store::format::SegmentId;
    /// use squall_raft::types::LogIndex;
    ///
    /// let segment = SegmentId { base: LogIndex(1), unique: 0xab };
    /// assert_eq!(segment.file_name().to_string(), "wal-0000000000000001-00000000000000ab.log");
    /// assert_eq!(SegmentId::parse(&segment.file_name()), Some(segment));
    /// ```
    #[must_use]
    pub fn file_name(&self) -> FileName {
        self.named("log")
    }

    /// The file's name until it is whole.
    #[must_use]
    pub fn unfinished_name(&self) -> FileName {
        self.named("new")
    }

    fn named(&self, ending: &str) -> FileName {
        FileName(format!("wal-{:016x}-{:016x}.{ending}", self.base.0, self.unique).into())
    }

    /// Reads a name; `None` if it is not exactly one that [`Self::file_name`] gives.
    #[must_use]
    pub fn parse(name: &FileName) -> Option<Self> {
        Self::parse_numbers(name, ".log").filter(|segment| segment.file_name() == *name)
    }

    /// As [`Self::parse`], for [`Self::unfinished_name`].
    #[must_use]
    pub fn parse_unfinished(name: &FileName) -> Option<Self> {
        Self::parse_numbers(name, ".new").filter(|segment| segment.unfinished_name() == *name)
    }

    fn parse_numbers(name: &FileName, ending: &str) -> Option<Self> {
        let (base, unique) = name.0.strip_prefix("wal-")?.strip_suffix(ending)?.split_once('-')?;
        let number = |hex: &str| u64::from_str_radix(hex, 16).ok();
        Some(Self { base: LogIndex(number(base)?), unique: number(unique)? })
    }
}

/// The first sector of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// Whose log.
    pub identity: Identity,
    /// Which segment.
    pub segment: SegmentId,
    /// Unique id of the segment before it, 0 for none.
    pub previous: u64,
    /// What the first frame chains to.
    pub chain: u32,
    /// Number of the first frame.
    pub sequence: u64,
    /// Term and vote when the segment was made.
    pub hard_state: HardState,
    /// The last entry that had been purged by then.
    pub purged: LogId,
    /// How long the file was when it got its name. It is never shorter, and may be longer.
    pub file_bytes: u64,
}

/// Why a file header was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderFault {
    /// Not a file header, or not intact.
    Damaged,
    /// Intact, of a later version.
    Newer(u32),
}

impl FileHeader {
    /// The header of a log's first segment.
    #[must_use]
    pub fn first(identity: Identity, segment: SegmentId) -> Self {
        Self {
            identity,
            segment,
            previous: 0,
            chain: 0,
            sequence: 1,
            hard_state: HardState::default(),
            purged: LogId::default(),
            file_bytes: 0,
        }
    }

    /// The first sector, as bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; SECTOR_BYTES] {
        let mut out = [0; SECTOR_BYTES];
        put(&mut out, 0, *FILE_MAGIC);
        put(&mut out, 8, VERSION.to_le_bytes());
        put(&mut out, 12, [0, 2, 0, 0]); // 512
        put(&mut out, 16, self.identity.cluster.0.to_le_bytes());
        put(&mut out, 24, self.identity.me.node.0.to_le_bytes());
        put(&mut out, 32, self.identity.me.incarnation.0.to_le_bytes());
        put(&mut out, 36, self.chain.to_le_bytes());
        put(&mut out, 40, self.segment.base.0.to_le_bytes());
        put(&mut out, 48, self.segment.unique.to_le_bytes());
        put(&mut out, 56, self.previous.to_le_bytes());
        put(&mut out, 64, self.sequence.to_le_bytes());
        put(&mut out, 72, self.hard_state.term.0.to_le_bytes());
        if let Some(vote) = self.hard_state.vote {
            put(&mut out, 80, vote.0.to_le_bytes());
            out[88] = FLAG_VOTE;
        }
        put(&mut out, 96, self.purged.index.0.to_le_bytes());
        put(&mut out, 104, self.purged.term.0.to_le_bytes());
        put(&mut out, 112, self.file_bytes.to_le_bytes());
        let checksum = crc32c(&out[..SECTOR_ROOM_BYTES]);
        put(&mut out, SECTOR_ROOM_BYTES, checksum.to_le_bytes());
        out
    }

    /// Reads a first sector.
    ///
    /// # Errors
    /// If it is damaged, or of a later version.
    pub fn decode(sector: &[u8; SECTOR_BYTES]) -> Result<Self, HeaderFault> {
        let intact = crc32c(&sector[..SECTOR_ROOM_BYTES]) == u32_at(sector, SECTOR_ROOM_BYTES);
        if !intact || sector[..8] != *FILE_MAGIC {
            return Err(HeaderFault::Damaged);
        }
        let version = u32_at(sector, 8);
        if version > VERSION {
            return Err(HeaderFault::Newer(version));
        }
        let me = Peer { node: NodeId(u64_at(sector, 24)), incarnation: Incarnation(u32_at(sector, 32)) };
        let header = Self {
            identity: Identity { cluster: ClusterId(u64_at(sector, 16)), me },
            segment: SegmentId { base: LogIndex(u64_at(sector, 40)), unique: u64_at(sector, 48) },
            previous: u64_at(sector, 56),
            chain: u32_at(sector, 36),
            sequence: u64_at(sector, 64),
            hard_state: HardState {
                term: Term(u64_at(sector, 72)),
                vote: (sector[88] & FLAG_VOTE != 0).then_some(NodeId(u64_at(sector, 80))),
            },
            purged: LogId::new(u64_at(sector, 104), u64_at(sector, 96)),
            file_bytes: u64_at(sector, 112),
        };
        // Version 0, another sector size, reserved bytes in use, or absurd numbers: no release wrote that.
        let (base, purged) = (header.segment.base.0, header.purged);
        let numbers = base | purged.index.0 | purged.term.0 | header.hard_state.term.0;
        if header.encode() == *sector && base > 0 && numbers < NUMBERS_END { Ok(header) } else { Err(HeaderFault::Damaged) }
    }
}

/// A place between two frames, and all that is needed to read or write the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The file header's checksum: ties frames to their file.
    pub seed: u32,
    /// Where the next frame begins.
    pub offset: u64,
    /// Checksum of the frame header before it.
    pub chain: u32,
    /// The next frame's number.
    pub sequence: u64,
}

impl Cursor {
    /// The place behind a file header.
    #[must_use]
    pub fn first(header: &FileHeader) -> Self {
        let seed = u32_at(&header.encode(), SECTOR_ROOM_BYTES);
        Self { seed, offset: SECTOR_BYTES as u64, chain: header.chain, sequence: header.sequence }
    }

    /// What every sector of the next frame ends in. Never 0, which is what unwritten sectors hold.
    #[must_use]
    pub fn stamp(&self) -> u32 {
        let mut bytes = [0; 12];
        put(&mut bytes, 0, seeded(self.seed, self.sequence).to_le_bytes());
        put(&mut bytes, 8, self.chain.to_le_bytes());
        crc32c(&bytes).max(1)
    }

    /// The place behind a frame that begins here.
    #[must_use]
    pub fn behind(&self, frame_checksum: u32, frame_bytes: u64) -> Self {
        Self {
            seed: self.seed,
            offset: self.offset.saturating_add(frame_bytes),
            chain: frame_checksum,
            sequence: self.sequence.saturating_add(1),
        }
    }
}

/// The first 64 bytes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Counts the frames of a log from 1.
    pub sequence: u64,
    /// Checksum of the frame header before, or the file header's `chain`.
    pub chain: u32,
    /// Number of records.
    pub records: u32,
    /// Bytes of all payloads together.
    pub payload_bytes: u64,
    /// Everything up to this id lies in this frame or before it.
    pub io: IoId,
    /// Checksum of all record headers.
    pub records_checksum: u32,
}

impl FrameHeader {
    /// The header as bytes, and its checksum, which the next frame chains to.
    #[must_use]
    pub fn encode(&self, seed: u32) -> ([u8; FRAME_HEADER_BYTES], u32) {
        let mut out = [0; FRAME_HEADER_BYTES];
        let checksum = self.encode_into(seed, &mut out);
        (out, checksum)
    }

    /// Writes the header where it belongs, by words as [`RecordHeader::encode_into`] does; returns its checksum.
    pub(super) fn encode_into(&self, seed: u32, out: &mut [u8; FRAME_HEADER_BYTES]) -> u32 {
        put(out, 8, seeded(seed, self.sequence).to_le_bytes());
        put(out, 16, (u64::from(self.chain) | u64::from(self.records) << 32).to_le_bytes());
        put(out, 24, self.payload_bytes.to_le_bytes());
        put(out, 32, u64::from(self.io.boot.0).to_le_bytes());
        put(out, 40, self.io.seq.to_le_bytes());
        put(out, 48, u64::from(self.records_checksum).to_le_bytes());
        put(out, 56, [0; 8]);
        let checksum = crc32c(&out[8..]);
        put(out, 0, *FRAME_MAGIC);
        put(out, 4, checksum.to_le_bytes());
        put(out, 8, self.sequence.to_le_bytes());
        checksum
    }

    /// Reads a header and its checksum; `None` if it is not intact.
    #[must_use]
    pub fn decode(bytes: &[u8; FRAME_HEADER_BYTES], seed: u32) -> Option<(Self, u32)> {
        let checksum = u32_at(bytes, 4);
        let unused_is_zero = u32_at(bytes, 36) == 0 && bytes[52..] == [0; 12];
        let mut rest: [u8; FRAME_HEADER_BYTES - 8] = *bytes.last_chunk().expect("it is shorter");
        put(&mut rest, 0, seeded(seed, u64_at(bytes, 8)).to_le_bytes());
        let intact = bytes[..4] == *FRAME_MAGIC && unused_is_zero && crc32c(&rest) == checksum;
        let header = || Self {
            sequence: u64_at(bytes, 8),
            chain: u32_at(bytes, 16),
            records: u32_at(bytes, 20),
            payload_bytes: u64_at(bytes, 24),
            io: IoId { boot: BootNumber(u32_at(bytes, 32)), seq: u64_at(bytes, 40) },
            records_checksum: u32_at(bytes, 48),
        };
        intact.then(|| (header(), checksum))
    }

    /// Bytes of record headers and payloads; `None` if they are more than a frame holds.
    #[must_use]
    pub fn body_bytes(&self) -> Option<usize> {
        let headers = u64::from(self.records) * RECORD_HEADER_BYTES as u64;
        let body = headers.checked_add(self.payload_bytes)?;
        if body > FRAME_BODY_BYTES_MAX { None } else { usize::try_from(body).ok() }
    }
}

/// Bytes that a frame takes in its file, stamps and padding included.
#[must_use]
pub const fn frame_bytes(body_bytes: usize) -> usize {
    (FRAME_HEADER_BYTES + body_bytes).div_ceil(SECTOR_ROOM_BYTES) * SECTOR_BYTES
}

/// A record's identifiers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordHeader {
    /// What it is.
    pub kind: u8,
    /// Depends on the kind.
    pub flags: u8,
    /// Bytes of its payload.
    pub payload_bytes: u32,
    /// Checksum of its payload.
    pub payload_checksum: u32,
    /// Index, last index or vote, by kind.
    pub index: u64,
    /// Term.
    pub term: u64,
}

impl RecordHeader {
    /// What the kind is called, for people.
    #[must_use]
    pub const fn kind_name(&self) -> &'static str {
        match self.kind {
            KIND_HARD_STATE => "hard_state",
            KIND_NOOP => "noop",
            KIND_COMMAND => "command",
            KIND_CONFIGURATION => "configuration",
            KIND_TRUNCATE => "truncate",
            KIND_PURGE => "purge",
            KIND_SEALED => "sealed",
            _ => "unknown",
        }
    }

    /// The header as bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; RECORD_HEADER_BYTES] {
        let mut out = [0; RECORD_HEADER_BYTES];
        self.encode_into(&mut out);
        out
    }

    /// Writes the header where it belongs. By words, and nobody copies it at once: whoever reads larger pieces than were
    /// just written makes the processor wait, here for longer than all else takes.
    pub(super) fn encode_into(&self, out: &mut [u8; RECORD_HEADER_BYTES]) {
        let kind = u32::from(self.kind) | u32::from(self.flags) << 8;
        put(out, 0, (u64::from(kind) << 32).to_le_bytes());
        put(out, 8, (u64::from(self.payload_bytes) | u64::from(self.payload_checksum) << 32).to_le_bytes());
        put(out, 16, self.index.to_le_bytes());
        put(out, 24, self.term.to_le_bytes());
        let checksum = crc32c(&out[4..]);
        put(out, 0, checksum.to_le_bytes());
    }

    /// Reads a header; `None` if it is not intact.
    #[must_use]
    pub fn decode(bytes: &[u8; RECORD_HEADER_BYTES]) -> Option<Self> {
        if crc32c(&bytes[4..]) == u32_at(bytes, 0) { Self::fields(bytes) } else { None }
    }

    /// The length of the payload alone, of bytes that are known to be intact.
    pub(super) fn payload_bytes_of(bytes: &[u8; RECORD_HEADER_BYTES]) -> u64 {
        u64::from(u32_at(bytes, 8))
    }

    /// As [`Self::decode`], of bytes that are known to be intact.
    #[inline]
    pub(super) fn fields(bytes: &[u8; RECORD_HEADER_BYTES]) -> Option<Self> {
        let unused_is_zero = bytes[6..8] == [0; 2];
        unused_is_zero.then(|| Self {
            kind: bytes[4],
            flags: bytes[5],
            payload_bytes: u32_at(bytes, 8),
            payload_checksum: u32_at(bytes, 12),
            index: u64_at(bytes, 16),
            term: u64_at(bytes, 24),
        })
    }
}
