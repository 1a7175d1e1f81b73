//! Messages to bytes and back: what the writer and the reader of a connection are made of.
//!
//! What fits in [`Limits::part_bytes`] travels in one frame of its own kind. What is longer travels as frames
//! `Part`.. `Last`, whatever its kind, and other frames may stand between them: a megabyte of entries never
//! delays a heartbeat by more than one part. Of such long ones there is at most one under way per direction.
//!
//! ```text
//!  payload of a part:   0         4      5
//!                       | ordinal | kind | piece ..
//!                       | u32 LE  |  1   |            kind: of the whole; ordinal: 0, 1, 2 ..
//! ```
//!
//! No length of the whole is announced, because nothing could be done with it but trust it.
//! Not here: sockets, and who may say what when. Read next: `parts`, then `receiver`.

mod parts;

mod receiver;

use bytes::BytesMut;
use thiserror::Error;

pub use parts::Parts;
pub use receiver::{Heard, Incoming, Receiver};

use crate::config::{self, ConfigError};
use crate::entry::Payload;
use crate::message::{Body, Message};
use crate::node::request::{Reply, Request};

use super::frame::{self, FrameError, Kind};
use super::wire::{
    ENTRIES_MAX, ENTRY_BYTES, ENVELOPE_BYTES, Hello, HelloMirror, MessageMirror, ReplyMirror, RequestMirror, WireError,
};

/// Bytes of a part before its piece: ordinal and kind.
const PART_HEADER_LEN: usize = 5;

const PART_BYTES_MIN: u32 = 256;

const _: () = assert!(PART_BYTES_MIN as u64 >= ENVELOPE_BYTES, "every message without entries fits in a frame");

/// Upper bounds on what is sent and accepted. Those of two members may differ, as long as what one sends the other accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest payload of a frame that is accepted. Default 64 KiB.
    pub frame_bytes_max: u32,
    /// Longest message, request or reply, sent or accepted. Default 16 MiB.
    pub message_bytes_max: u32,
    /// Longest payload of a frame that is sent: what a heartbeat may have to wait for. Default 16 KiB.
    pub part_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame_bytes_max: 64 << 10, message_bytes_max: 16 << 20, part_bytes: 16 << 10 }
    }
}

impl Limits {
    /// Checks the relations between the limits.
    ///
    /// # Errors
    /// Names the first field that breaks one.
    pub fn validate(&self) -> Result<(), ConfigError> {
        require(self.part_bytes >= PART_BYTES_MIN, "codec.part_bytes", self.part_bytes, || {
            format!("at least {PART_BYTES_MIN}, so that a control message has no parts")
        })?;
        require(self.frame_bytes_max >= self.part_bytes, "codec.frame_bytes_max", self.frame_bytes_max, || {
            format!("at least the length of a part, {} bytes", self.part_bytes)
        })?;
        require(self.message_bytes_max >= self.part_bytes, "codec.message_bytes_max", self.message_bytes_max, || {
            format!("at least the length of a part, {} bytes", self.part_bytes)
        })?;
        require(self.message_bytes_max <= 1 << 30, "codec.message_bytes_max", self.message_bytes_max, || "at most 1 GiB".into())
    }

    /// Checks that every append and command that an engine with these limits makes can be sent.
    ///
    /// # Errors
    /// Names the field that is too small, or the engine's that is too large.
    ///
    /// ```
    /// use squall_raft::config;
    /// use squall_raft::server::codec::Limits;
    ///
    /// let limits = Limits::default();
    /// assert!(limits.carry(&config::Limits::default()).is_ok());
    /// let large = config::Limits { append_bytes_max: 1 << 30, ..config::Limits::default() };
    /// assert_eq!(limits.carry(&large).unwrap_err().field, "codec.message_bytes_max");
    /// ```
    pub fn carry(&self, engine: &config::Limits) -> Result<(), ConfigError> {
        let entries = engine.append_entries_max;
        require(entries as usize <= ENTRIES_MAX, "limits.append_entries_max", entries, || format!("at most {ENTRIES_MAX}"))?;
        let payload_bytes = engine.append_bytes_max.max(engine.command_bytes_max);
        let needed = payload_bytes.saturating_add(ENTRY_BYTES * u64::from(entries) + ENVELOPE_BYTES);
        require(u64::from(self.message_bytes_max) >= needed, "codec.message_bytes_max", self.message_bytes_max, || {
            format!("at least the longest append, {needed} bytes")
        })
    }
}

fn require(holds: bool, field: &'static str, found: u32, expected: impl FnOnce() -> String) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError { field, found: found.into(), expected: expected() }) }
}

/// More than [`Limits::message_bytes_max`]: not sent, because it would not be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("message: found {found} bytes, expected at most {max}")]
pub struct TooLong {
    /// Its length so far, in bytes.
    pub found: u64,
    /// The limit in bytes.
    pub max: u32,
}

/// Why a connection ends: the other side sent what it must not send.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CodecError {
    /// The stream is not one of frames.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// An intact payload is not what its frame says.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A part of something else than the parts before it.
    #[error("part: found number {found} of a {found_kind:?}, expected number {expected} of a {expected_kind:?}")]
    UnexpectedPart {
        /// Its ordinal.
        found: u32,
        /// What it is a part of.
        found_kind: Kind,
        /// The ordinal that would have been next.
        expected: u32,
        /// What is under way, if anything is.
        expected_kind: Kind,
    },
    /// A part without content, or of something that has no parts.
    #[error("part of {found_kind}: found {found} bytes, expected a piece of a message, request or reply")]
    InvalidPart {
        /// The kind of the whole, as the part says.
        found_kind: u8,
        /// The part's length in bytes.
        found: usize,
    },
    /// Parts that add up to more than the limit.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The stream ended between two parts.
    #[error("end of the stream inside of a message: found {found} parts, expected more")]
    CutOff {
        /// Parts that arrived.
        found: u32,
    },
}

impl CodecError {
    /// The name of the kind, for counters.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Frame(error) => error.kind(),
            Self::Wire(error) => error.kind(),
            Self::UnexpectedPart { .. } => "unexpected-part",
            Self::InvalidPart { .. } => "invalid-part",
            Self::TooLong(_) => "too-long",
            Self::CutOff { .. } => "cut-off",
        }
    }
}

/// Whether a message surely fits in one frame, so that nothing can want to go between its parts.
#[must_use]
pub fn fits_a_frame(message: &Message, limits: &Limits) -> bool {
    let Body::Append { entries, .. } = &message.body else { return true };
    let payload_bytes: u64 = entries.iter().map(|entry| entry.payload.len_bytes()).sum();
    let plain = entries.iter().all(|entry| !matches!(entry.payload, Payload::Configuration(_)));
    plain && payload_bytes + ENTRY_BYTES * entries.len() as u64 + ENVELOPE_BYTES <= u64::from(limits.part_bytes)
}

/// Puts a whole message behind what `into` holds, in one frame if it fits.
///
/// For a long one, [`Parts`] leaves room for others between its frames.
///
/// # Errors
/// If it is too long; then `into` is as before.
///
/// ```
/// use squall_raft::message::{Body, Envelope, Message};
/// use squall_raft::server::codec::{Incoming, Limits, Receiver, encode_message};
/// use squall_raft::types::{LogIndex, Term};
///
/// let envelope = Envelope { term: Term(3), ..Envelope::default() };
/// let message = Message { envelope, body: Body::Heartbeat { commit: LogIndex(7) } };
/// let limits = Limits::default();
/// let mut receiver = Receiver::new(limits);
/// encode_message(&message, &limits, receiver.buffer()).unwrap();
/// assert_eq!(receiver.next(), Ok(Some(Incoming::Message(message))));
/// ```
pub fn encode_message(message: &Message, limits: &Limits, into: &mut BytesMut) -> Result<(), TooLong> {
    parts::encode_whole(Kind::Message, &MessageMirror::from(message), limits, into)
}

/// Puts a client's request behind what `into` holds.
///
/// # Errors
/// If it is too long; then `into` is as before.
pub fn encode_request(id: u64, request: &Request, limits: &Limits, into: &mut BytesMut) -> Result<(), TooLong> {
    parts::encode_whole(Kind::Request, &RequestMirror::new(id, request), limits, into)
}

/// Puts the answer to the request with this id behind what `into` holds.
///
/// # Errors
/// If it is too long; then `into` is as before.
pub fn encode_reply(id: u64, reply: &Reply, limits: &Limits, into: &mut BytesMut) -> Result<(), TooLong> {
    parts::encode_whole(Kind::Reply, &ReplyMirror::new(id, reply), limits, into)
}

/// Puts the first words of a connection behind what `into` holds. They fit in any frame.
pub fn encode_hello(hello: &Hello, into: &mut BytesMut) {
    parts::encode_frame(Kind::Hello, &HelloMirror::from(hello), into);
}

/// Puts a ping behind what `into` holds.
pub fn encode_ping(into: &mut BytesMut) {
    frame::encode(Kind::Ping, into, 0, |_| {});
}
