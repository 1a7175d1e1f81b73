//! Receiving: bytes in, in whatever pieces they come; whole messages out.
//!
//! Whatever the bytes are, the answer is a message, an error or the wish for more: never a panic, and
//! never more memory than the limits and what really arrived account for.
//! Not here: what a connection does about an error (it ends).

use bytes::{Bytes, BytesMut};

use crate::message::Message;
use crate::node::request::{Reply, Request};
use crate::server::frame::{Decoder, Frame, Kind};
use crate::server::wire::{self, Hello, HelloMirror, ReplyMirror, RequestMirror};

use super::{CodecError, Limits, PART_HEADER_LEN, TooLong};

/// What is not longer is decoded in the buffer that it was read into, and what is kept of it is copied.
const SHORT_BYTES_MAX: usize = 1_024;

/// What the other side said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// Who it is.
    Hello(Hello),
    /// A message between members.
    Message(Message),
    /// A client asks.
    Request {
        /// The client's number for it; the reply has the same.
        id: u64,
        /// What it asks.
        request: Request,
    },
    /// A client is told.
    Reply {
        /// The request's number.
        id: u64,
        /// What it is told.
        reply: Reply,
    },
    /// It is alive.
    Ping,
}

/// The receiving end of a connection, without the connection. After an error it stays in error.
#[derive(Clone, Debug)]
pub struct Receiver {
    frames: Decoder,
    message_bytes_max: u32,
    under_way: Option<Assembly>,
    failed: Option<CodecError>,
}

/// Something long, of which some parts are there.
#[derive(Clone, Debug)]
struct Assembly {
    kind: Kind,
    parts: u32,
    bytes: BytesMut,
}

impl Receiver {
    /// A receiver at the beginning of a stream.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let frames = Decoder::new(limits.frame_bytes_max);
        Self { frames, message_bytes_max: limits.message_bytes_max, under_way: None, failed: None }
    }

    /// Where the reader puts what it received, behind what is there; see [`Decoder::buffer`].
    pub fn buffer(&mut self) -> &mut BytesMut {
        self.frames.buffer()
    }

    /// The next thing that was said, or `None` if more bytes are needed.
    ///
    /// # Errors
    /// What is wrong with the stream; the same from then on.
    #[expect(clippy::should_implement_trait, reason = "an iterator's `None` is an end; here more may follow")]
    pub fn next(&mut self) -> Result<Option<Incoming>, CodecError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let taken = self.take();
        if let Err(error) = &taken {
            self.failed = Some(error.clone());
            self.under_way = None;
        }
        taken
    }

    /// Whether something long is under way, of which some parts are there.
    #[must_use]
    pub fn is_assembling(&self) -> bool {
        self.under_way.is_some()
    }

    /// Whether the stream may end here: between two messages.
    ///
    /// # Errors
    /// The earlier error, or that something is cut off.
    pub fn end(&self) -> Result<(), CodecError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.frames.end()?;
        self.under_way.as_ref().map_or(Ok(()), |assembly| Err(CodecError::CutOff { found: assembly.parts }))
    }

    fn take(&mut self) -> Result<Option<Incoming>, CodecError> {
        loop {
            if let Some(incoming) = self.frames.read_short(SHORT_BYTES_MAX, |kind, payload| decode(kind, payload))? {
                return incoming.map(Some);
            }
            let Some(Frame { kind, payload }) = self.frames.next()? else { return Ok(None) };
            let whole = match kind {
                Kind::Part | Kind::Last => self.assemble(kind, &payload)?,
                kind => Some((kind, payload)),
            };
            if let Some((kind, payload)) = whole {
                return decode(kind, payload).map(Some);
            }
        }
    }

    /// Adds a part; the whole comes out with its last one.
    fn assemble(&mut self, part: Kind, payload: &[u8]) -> Result<Option<(Kind, Bytes)>, CodecError> {
        let (kind, ordinal, piece) = open_part(payload)?;
        let assembly = self.under_way.get_or_insert_with(|| Assembly { kind, parts: 0, bytes: BytesMut::new() });
        if (ordinal, kind) != (assembly.parts, assembly.kind) {
            let (expected, expected_kind) = (assembly.parts, assembly.kind);
            return Err(CodecError::UnexpectedPart { found: ordinal, found_kind: kind, expected, expected_kind });
        }
        let (found, max) = (assembly.bytes.len() as u64 + piece.len() as u64, self.message_bytes_max);
        if found > u64::from(max) {
            return Err(TooLong { found, max }.into());
        }
        assembly.bytes.extend_from_slice(piece);
        assembly.parts += 1;
        if part == Kind::Part {
            return Ok(None);
        }
        Ok(self.under_way.take().map(|assembly| (assembly.kind, assembly.bytes.freeze())))
    }
}

fn open_part(payload: &[u8]) -> Result<(Kind, u32, &[u8]), CodecError> {
    let invalid = |found_kind| CodecError::InvalidPart { found_kind, found: payload.len() };
    let ([ordinal @ .., number], piece) = payload.split_first_chunk::<PART_HEADER_LEN>().ok_or(invalid(0))?;
    match Kind::of_number(*number) {
        // An empty piece would let a part cost its sender nothing.
        Some(kind @ (Kind::Message | Kind::Request | Kind::Reply)) if !piece.is_empty() => {
            Ok((kind, u32::from_le_bytes(*ordinal), piece))
        }
        _ => Err(invalid(*number)),
    }
}

fn decode(kind: Kind, payload: impl wire::Payload) -> Result<Incoming, CodecError> {
    Ok(match kind {
        Kind::Hello => Incoming::Hello(wire::decode::<HelloMirror, _>(payload)?),
        Kind::Message => Incoming::Message(wire::decode_message(payload)?),
        Kind::Request => {
            let (id, request) = wire::decode::<RequestMirror, _>(payload)?;
            Incoming::Request { id, request }
        }
        Kind::Reply => {
            let (id, reply) = wire::decode::<ReplyMirror, _>(payload)?;
            Incoming::Reply { id, reply }
        }
        Kind::Ping => {
            wire::decode_ping(payload)?;
            Incoming::Ping
        }
        // Parts are put together before they come here; one inside of another is refused where it is opened.
        Kind::Part | Kind::Last => return Err(CodecError::InvalidPart { found_kind: kind as u8, found: payload.remaining() }),
    })
}

/// All that a connection hears before its stream ends, and how that end looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What was said, in order.
    pub incoming: Vec<Incoming>,
    /// Whether the stream ended where it may.
    pub end: Result<(), CodecError>,
}

impl Heard {
    /// Feeds a receiver as a connection would: piece by piece, each as a read returned it.
    ///
    /// ```
    /// use squall_raft::server::codec::{Heard, Limits};
    ///
    /// let heard = Heard::from_pieces(Limits::default(), [&b"GET / HT"[..], b"TP/1.1"]);
    /// assert_eq!(heard.end.unwrap_err().kind(), "frame-magic");
    /// ```
    #[must_use]
    pub fn from_pieces<'a>(limits: Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut receiver = Receiver::new(limits);
        let mut incoming = Vec::new();
        for piece in pieces {
            receiver.buffer().extend_from_slice(piece);
            loop {
                match receiver.next() {
                    Ok(Some(said)) => incoming.push(said),
                    Ok(None) => break,
                    Err(error) => return Self { incoming, end: Err(error) },
                }
            }
        }
        Self { incoming, end: receiver.end() }
    }
}
