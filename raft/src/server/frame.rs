//! Frames: how a stream of bytes is cut into pieces whose damage is told at once.
//!
//! ```text
//!  0     2         3      4                8            12
//!  | Sq  | version | kind | payload length | checksum   | payload ..
//!  |  2  |    1    |   1  |     u32 LE     |   u32 LE   |
//! ```
//!
//! The checksum is CRC32C of the eight bytes before it and of the payload: a flipped bit anywhere in
//! a frame is told. TCP's own sum is too weak to rely on, and what passes it wrongly would be replicated.
//!
//! A payload is handed out as a part of the buffer that it was received in, never copied.
//! Not here: what payloads mean (`wire`), and which frames make up a message (`codec`, read next).

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use crate::checksum::{crc32c, crc32c_append};

/// The layout of frames that this release speaks.
pub const VERSION: u8 = 1;

/// Bytes before the payload.
pub const HEADER_LEN: usize = 12;

const MAGIC: [u8; 2] = *b"Sq";

/// Bytes of the header that the checksum covers; it stands right behind them.
const COVERED_LEN: usize = 8;

/// Room that the buffer gets when it is short of it.
const ROOM_BYTES: usize = 16 << 10;

/// Less room than this is short. Far below [`ROOM_BYTES`], because what was handed out may keep the
/// old memory alive: new one for each small frame would keep 16 KiB alive per frame.
const ROOM_BYTES_MIN: usize = 2 << 10;

/// What a frame's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Who calls and whom; the first frame of a connection.
    Hello = 1,
    /// A message between members.
    Message = 2,
    /// A piece of something longer than a frame; more follow.
    Part = 3,
    /// The last piece.
    Last = 4,
    /// What a client asks.
    Request = 5,
    /// What it is told.
    Reply = 6,
    /// Shows that a silent connection is alive.
    Ping = 7,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [Self::Hello, Self::Message, Self::Part, Self::Last, Self::Request, Self::Reply, Self::Ping];

    /// The kind of a number, if it has one.
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }
}

/// One frame, taken out of the stream intact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What the payload is.
    pub kind: Kind,
    /// The payload; shares the memory that it was received in.
    pub payload: Bytes,
}

/// Why a stream is no longer one of frames. Nothing after it can be trusted, so the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The other side speaks something else.
    #[error("frame magic: found {found:02x?}, expected {MAGIC:02x?}")]
    Magic {
        /// The first two bytes.
        found: [u8; 2],
    },
    /// A later release, perhaps.
    #[error("frame version: found {found}, expected {supported}")]
    Version {
        /// The other side's.
        found: u8,
        /// Ours.
        supported: u8,
    },
    /// No kind has this number.
    #[error("frame kind: found {found}, expected 1 to 7")]
    Kind {
        /// The number.
        found: u8,
    },
    /// The payload would exceed the limit. Nothing was allocated for it.
    #[error("frame payload: found {found} bytes, expected at most {max}")]
    TooLong {
        /// What the header claims, in bytes.
        found: u32,
        /// The limit in bytes.
        max: u32,
    },
    /// Bits were flipped on the way.
    #[error("frame checksum: found {found:08x}, expected {expected:08x}")]
    Checksum {
        /// What the header says.
        found: u32,
        /// What its bytes and the payload give.
        expected: u32,
    },
    /// The stream ended inside of a frame.
    #[error("end of the stream inside of a frame: found {found} bytes, expected at least {expected}")]
    CutOff {
        /// Bytes of the frame that arrived.
        found: usize,
        /// Bytes that it has at least.
        expected: usize,
    },
}

impl FrameError {
    /// The name of the kind, for counters.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Magic { .. } => "frame-magic",
            Self::Version { .. } => "frame-version",
            Self::Kind { .. } => "frame-kind",
            Self::TooLong { .. } => "frame-too-long",
            Self::Checksum { .. } => "frame-checksum",
            Self::CutOff { .. } => "frame-cut-off",
        }
    }
}

/// Puts a frame behind what `into` holds. The payload is written in place, so it is not copied again:
/// `payload` is given its bytes, all zero.
///
/// # Panics
/// If the payload is longer than `u32::MAX` bytes; who sends has smaller limits.
///
/// ```
/// use bytes::BytesMut;
/// use squall_raft::server::frame::{Decoder, HEADER_LEN, Kind, encode};
///
/// let mut decoder = Decoder::new(1_024);
/// encode(Kind::Ping, decoder.buffer(), 3, |payload| payload.copy_from_slice(b"abc"));
/// let frame = decoder.next().unwrap().unwrap();
/// assert_eq!((frame.kind, &frame.payload[..]), (Kind::Ping, &b"abc"[..]));
/// assert_eq!(decoder.next(), Ok(None));
/// ```
pub fn encode(kind: Kind, into: &mut BytesMut, payload_len: usize, payload: impl FnOnce(&mut [u8])) {
    let len = u32::try_from(payload_len).expect("senders limit payloads to far less than 4 GiB");
    let start = into.len();
    into.resize(start + HEADER_LEN + payload_len, 0);
    let (header, bytes) = into[start..].split_at_mut(HEADER_LEN);
    payload(bytes);
    header[..4].copy_from_slice(&[MAGIC[0], MAGIC[1], VERSION, kind as u8]);
    header[4..COVERED_LEN].copy_from_slice(&len.to_le_bytes());
    let checksum = checksum(header, bytes);
    header[COVERED_LEN..].copy_from_slice(&checksum.to_le_bytes());
}

fn checksum(header: &[u8], payload: &[u8]) -> u32 {
    crc32c_append(crc32c(&header[..COVERED_LEN]), payload)
}

/// Takes frames out of a stream that arrives in arbitrary pieces.
///
/// After an error it stays in error, because it no longer knows where a frame begins.
#[derive(Clone, Debug)]
pub struct Decoder {
    received: BytesMut,
    payload_bytes_max: u32,
    failed: Option<FrameError>,
}

impl Decoder {
    /// A decoder at the beginning of a stream. Longer payloads are refused by their header.
    #[must_use]
    pub fn new(payload_bytes_max: u32) -> Self {
        Self { received: BytesMut::new(), payload_bytes_max, failed: None }
    }

    /// Where the reader puts what it received, behind what is there.
    ///
    /// There is room for the rest of the frame under way, and for a few small ones in any case, so
    /// that a reader which fills the spare capacity reads a frame with few calls.
    pub fn buffer(&mut self) -> &mut BytesMut {
        let rest = self.frame_len().saturating_sub(self.received.len());
        if self.received.capacity() - self.received.len() < rest.max(ROOM_BYTES_MIN) {
            self.received.reserve(rest.max(ROOM_BYTES));
        }
        &mut self.received
    }

    /// The next frame, or `None` if more bytes are needed.
    ///
    /// # Errors
    /// What is wrong with the stream; the same from then on.
    #[expect(clippy::should_implement_trait, reason = "an iterator's `None` is an end; here more may follow")]
    pub fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some((kind, payload_len)) = self.ready()? else { return Ok(None) };
        self.received.advance(HEADER_LEN);
        Ok(Some(Frame { kind, payload: self.received.split_to(payload_len).freeze() }))
    }

    /// Reads the next frame where it lies, if it is there whole, is no part, and its payload is not longer than that:
    /// nothing shares the buffer then, and it can be used again.
    ///
    /// # Errors
    /// As of [`Self::next`].
    pub(super) fn read_short<R>(&mut self, len_max: usize, read: impl FnOnce(Kind, &[u8]) -> R) -> Result<Option<R>, FrameError> {
        let announced = self.received.first_chunk::<HEADER_LEN>().and_then(|header| self.check(header).ok());
        if announced.is_none_or(|(kind, len)| len > len_max || matches!(kind, Kind::Part | Kind::Last)) {
            return Ok(None);
        }
        let Some((kind, payload_len)) = self.ready()? else { return Ok(None) };
        let whole = HEADER_LEN + payload_len;
        let read = read(kind, &self.received[HEADER_LEN..whole]);
        self.received.advance(whole);
        Ok(Some(read))
    }

    /// Kind and length of the frame that is there, if it is there whole.
    fn ready(&mut self) -> Result<Option<(Kind, usize)>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.look().inspect_err(|error| self.failed = Some(*error))
    }

    /// Whether the stream may end here: between two frames.
    ///
    /// # Errors
    /// The earlier error, or that a frame is cut off.
    pub fn end(&self) -> Result<(), FrameError> {
        match self.failed {
            Some(error) => Err(error),
            None if self.received.is_empty() => Ok(()),
            None => Err(FrameError::CutOff { found: self.received.len(), expected: self.frame_len() }),
        }
    }

    fn look(&self) -> Result<Option<(Kind, usize)>, FrameError> {
        let Some((header, rest)) = self.received.split_first_chunk::<HEADER_LEN>() else { return Ok(None) };
        let (kind, payload_len) = self.check(header)?;
        let Some(payload) = rest.get(..payload_len) else { return Ok(None) };
        let (found, expected) = (u32_at(header, COVERED_LEN), checksum(header, payload));
        if found != expected {
            return Err(FrameError::Checksum { found, expected });
        }
        Ok(Some((kind, payload_len)))
    }

    /// What can be told by the header alone. The version comes first: in another one, the rest means something else.
    fn check(&self, header: &[u8; HEADER_LEN]) -> Result<(Kind, usize), FrameError> {
        let found = [header[0], header[1]];
        if found != MAGIC {
            return Err(FrameError::Magic { found });
        }
        if header[2] != VERSION {
            return Err(FrameError::Version { found: header[2], supported: VERSION });
        }
        let kind = Kind::of_number(header[3]).ok_or(FrameError::Kind { found: header[3] })?;
        let (found, max) = (u32_at(header, 4), self.payload_bytes_max);
        if found > max {
            return Err(FrameError::TooLong { found, max });
        }
        Ok((kind, found as usize))
    }

    /// Length of the frame under way, as far as it is known and allowed.
    fn frame_len(&self) -> usize {
        match self.received.first_chunk::<HEADER_LEN>().map(|header| self.check(header)) {
            Some(Ok((_, payload_len))) => HEADER_LEN + payload_len,
            Some(Err(_)) | None => HEADER_LEN,
        }
    }
}

fn u32_at(header: &[u8; HEADER_LEN], at: usize) -> u32 {
    u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}
