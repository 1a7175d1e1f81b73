//! Version 1 of the write-ahead log: where every byte lies. Pure functions over bytes.
//!
//! A log is a folder of *segments*, `wal-<base index>-<unique id>.log` with 16 lower-case hex
//! digits each. The base index is that of the first entry that a segment could hold when it
//! was made. Integers are little-endian, checksums are CRC-32C, reserved bytes are zero.
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
//!    72     zeros
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
//!
//! Payload of a configuration: u32 voters, u32 outgoing, u32 learners, u32 zero; u64 each.
//! ```
//!
//! *A batch is one frame, and a frame is all or nothing.* The header's checksum covers the
//! checksum of the record headers, and these hold the checksums of the payloads: so one
//! number vouches for the frame, and is what the next frame chains to. A trailer with
//! a second checksum over everything would add nothing.
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

use bytes::Bytes;

use super::{Fault, Identity};
use crate::membership::Configuration;
use crate::process::FileName;
use crate::types::{BootNumber, ClusterId, Incarnation, IoId, LogIndex, NodeId, Peer};

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
        FileName(format!("wal-{:016x}-{:016x}.log", self.base.0, self.unique).into())
    }

    /// Reads a name; `None` if it is not exactly one that [`Self::file_name`] gives.
    #[must_use]
    pub fn parse(name: &FileName) -> Option<Self> {
        let (base, unique) = name.0.strip_prefix("wal-")?.strip_suffix(".log")?.split_once('-')?;
        let number = |hex: &str| u64::from_str_radix(hex, 16).ok();
        let segment = Self { base: LogIndex(number(base)?), unique: number(unique)? };
        (segment.file_name() == *name).then_some(segment)
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
        Self { identity, segment, previous: 0, chain: 0, sequence: 1 }
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
        let checksum = crc32c::crc32c(&out[..SECTOR_ROOM_BYTES]);
        put(&mut out, SECTOR_ROOM_BYTES, checksum.to_le_bytes());
        out
    }

    /// Reads a first sector.
    ///
    /// # Errors
    /// If it is damaged, or of a later version.
    pub fn decode(sector: &[u8; SECTOR_BYTES]) -> Result<Self, HeaderFault> {
        let intact = crc32c::crc32c(&sector[..SECTOR_ROOM_BYTES]) == u32_at(sector, SECTOR_ROOM_BYTES);
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
        };
        // Version 0, another sector size or reserved bytes in use: no release wrote that.
        if header.encode() == *sector { Ok(header) } else { Err(HeaderFault::Damaged) }
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
        put(&mut bytes, 0, self.sequence.to_le_bytes());
        put(&mut bytes, 8, self.chain.to_le_bytes());
        crc32c::crc32c_append(self.seed, &bytes).max(1)
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
        put(&mut out, 0, *FRAME_MAGIC);
        put(&mut out, 8, self.sequence.to_le_bytes());
        put(&mut out, 16, self.chain.to_le_bytes());
        put(&mut out, 20, self.records.to_le_bytes());
        put(&mut out, 24, self.payload_bytes.to_le_bytes());
        put(&mut out, 32, self.io.boot.0.to_le_bytes());
        put(&mut out, 40, self.io.seq.to_le_bytes());
        put(&mut out, 48, self.records_checksum.to_le_bytes());
        let checksum = crc32c::crc32c_append(seed, &out[8..]);
        put(&mut out, 4, checksum.to_le_bytes());
        (out, checksum)
    }

    /// Reads a header and its checksum; `None` if it is not intact.
    #[must_use]
    pub fn decode(bytes: &[u8; FRAME_HEADER_BYTES], seed: u32) -> Option<(Self, u32)> {
        let header = Self {
            sequence: u64_at(bytes, 8),
            chain: u32_at(bytes, 16),
            records: u32_at(bytes, 20),
            payload_bytes: u64_at(bytes, 24),
            io: IoId { boot: BootNumber(u32_at(bytes, 32)), seq: u64_at(bytes, 40) },
            records_checksum: u32_at(bytes, 48),
        };
        let (expected, checksum) = header.encode(seed);
        (expected == *bytes).then_some((header, checksum))
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
    /// The header as bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; RECORD_HEADER_BYTES] {
        let mut out = [0; RECORD_HEADER_BYTES];
        out[4] = self.kind;
        out[5] = self.flags;
        put(&mut out, 8, self.payload_bytes.to_le_bytes());
        put(&mut out, 12, self.payload_checksum.to_le_bytes());
        put(&mut out, 16, self.index.to_le_bytes());
        put(&mut out, 24, self.term.to_le_bytes());
        let checksum = crc32c::crc32c(&out[4..]);
        put(&mut out, 0, checksum.to_le_bytes());
        out
    }

    /// Reads a header; `None` if it is not intact.
    #[must_use]
    pub fn decode(bytes: &[u8; RECORD_HEADER_BYTES]) -> Option<Self> {
        let header = Self {
            kind: bytes[4],
            flags: bytes[5],
            payload_bytes: u32_at(bytes, 8),
            payload_checksum: u32_at(bytes, 12),
            index: u64_at(bytes, 16),
            term: u64_at(bytes, 24),
        };
        (header.encode() == *bytes).then_some(header)
    }
}

/// Puts a configuration's payload behind what `out` holds.
pub fn encode_configuration(configuration: &Configuration, out: &mut Vec<u8>) {
    let sets = [configuration.voters(), configuration.outgoing(), configuration.learners()];
    for set in sets {
        let count = u32::try_from(set.len()).expect("a cluster has fewer than 2^32 members");
        out.extend_from_slice(&count.to_le_bytes());
    }
    out.extend_from_slice(&[0; 4]);
    for node in sets.into_iter().flatten() {
        out.extend_from_slice(&node.0.to_le_bytes());
    }
}

/// Reads a configuration's payload.
///
/// Joint ones and those with learners are read although nothing makes them yet: a peer may send
/// them, they are written as they come, and what was written must be readable.
///
/// # Errors
/// If the payload is not exactly one configuration.
pub fn decode_configuration(payload: &Bytes, record: u32) -> Result<Configuration, Fault> {
    let refused = Fault::Configuration { record };
    let (counts, nodes) = payload.split_at_checked(16).ok_or(refused)?;
    let [voters, outgoing, learners] = [0, 4, 8].map(|at| u32_at(counts, at) as usize);
    let listed = [voters, outgoing, learners].iter().map(|count| *count as u64).sum::<u64>();
    if u32_at(counts, 12) != 0 || nodes.len() as u64 != listed * 8 {
        return Err(refused);
    }
    let nodes = || nodes.chunks_exact(8).map(|node| NodeId(u64_at(node, 0)));
    let (first, second) = (nodes().take(voters), nodes().skip(voters).take(outgoing));
    Configuration::from_parts(first, second, nodes().skip(voters + outgoing)).map_err(|_| refused)
}
