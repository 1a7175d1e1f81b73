//! Sending: one frame, or as many parts as it takes.
//!
//! Not here: putting parts together again (`receiver`, read next).

use bytes::{BufMut, Bytes, BytesMut};

use crate::message::Message;
use crate::node::request::{Reply, Request};
use crate::server::frame::{self, Kind};
use crate::server::wire::{MessageMirror, ReplyMirror, RequestMirror};

use super::{Limits, PART_HEADER_LEN, TooLong};

/// Something encoded that is sent frame by frame, so that a writer can put control messages in between.
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use squall_raft::node::request::Request;
/// use squall_raft::server::codec::{Incoming, Limits, Parts, Receiver, encode_ping};
///
/// let limits = Limits::default();
/// let request = Request::Query { query: Bytes::from(vec![7; 20_000]) };
/// let mut parts = Parts::of_request(1, &request, &limits).unwrap();
/// let mut receiver = Receiver::new(limits);
/// assert!(parts.next_into(receiver.buffer()), "two frames");
/// encode_ping(receiver.buffer());
/// assert!(!parts.next_into(receiver.buffer()));
/// assert_eq!(receiver.next(), Ok(Some(Incoming::Ping)), "it does not wait for the second");
/// assert_eq!(receiver.next(), Ok(Some(Incoming::Request { id: 1, request })));
/// ```
#[derive(Clone, Debug)]
pub struct Parts {
    kind: Kind,
    rest: Bytes,
    /// The next part's number, or `None` if everything fits in one frame of its own kind.
    ordinal: Option<u32>,
    piece_bytes: usize,
}

impl Parts {
    /// Encodes a message.
    ///
    /// # Errors
    /// If it is too long.
    pub fn new(message: &Message, limits: &Limits) -> Result<Self, TooLong> {
        Self::of(Kind::Message, &MessageMirror::from(message), limits)
    }

    /// Encodes a client's request.
    ///
    /// # Errors
    /// If it is too long.
    pub fn of_request(id: u64, request: &Request, limits: &Limits) -> Result<Self, TooLong> {
        Self::of(Kind::Request, &RequestMirror::new(id, request), limits)
    }

    /// Encodes a reply.
    ///
    /// # Errors
    /// If it is too long.
    pub fn of_reply(id: u64, reply: &Reply, limits: &Limits) -> Result<Self, TooLong> {
        Self::of(Kind::Reply, &ReplyMirror::new(id, reply), limits)
    }

    fn of(kind: Kind, mirror: &impl prost::Message, limits: &Limits) -> Result<Self, TooLong> {
        let len = checked_len(mirror, limits)?;
        let mut encoded = BytesMut::with_capacity(len);
        mirror.encode_raw(&mut encoded);
        let fits = len <= limits.part_bytes as usize;
        // At least one byte, so that absurd limits make it slow and not endless.
        let piece_bytes = (limits.part_bytes as usize).saturating_sub(PART_HEADER_LEN).max(1);
        Ok(Self { kind, rest: encoded.freeze(), ordinal: (!fits).then_some(0), piece_bytes })
    }

    /// Puts the next frame behind what `into` holds, and says whether more follow. Behind the last one, nothing comes.
    pub fn next_into(&mut self, into: &mut BytesMut) -> bool {
        let (kind, ordinal) = match self.ordinal {
            None => {
                self.put_whole(into);
                return false;
            }
            Some(ordinal) if self.rest.len() > self.piece_bytes => (Kind::Part, ordinal),
            Some(_) if self.rest.is_empty() => return false,
            Some(ordinal) => (Kind::Last, ordinal),
        };
        let piece = self.rest.split_to(self.piece_bytes.min(self.rest.len()));
        frame::encode(kind, into, PART_HEADER_LEN + piece.len(), |mut payload| {
            payload.put_u32_le(ordinal);
            payload.put_u8(self.kind as u8);
            payload.put_slice(&piece);
        });
        self.ordinal = Some(ordinal + 1);
        kind == Kind::Part
    }

    fn put_whole(&mut self, into: &mut BytesMut) {
        let payload = std::mem::take(&mut self.rest);
        if !payload.is_empty() {
            frame::encode(self.kind, into, payload.len(), |into| into.copy_from_slice(&payload));
        }
    }
}

/// All frames at once. Without a second copy, if there is but one.
pub(super) fn encode_whole(
    kind: Kind,
    mirror: &impl prost::Message,
    limits: &Limits,
    into: &mut BytesMut,
) -> Result<(), TooLong> {
    let len = checked_len(mirror, limits)?;
    if len <= limits.part_bytes as usize {
        put_frame(kind, mirror, len, into);
        return Ok(());
    }
    let mut parts = Parts::of(kind, mirror, limits)?;
    while parts.next_into(into) {}
    Ok(())
}

pub(super) fn encode_frame(kind: Kind, mirror: &impl prost::Message, into: &mut BytesMut) {
    put_frame(kind, mirror, mirror.encoded_len(), into);
}

/// Into a slice, because a buffer that may grow looks at every byte whether it must.
fn put_frame(kind: Kind, mirror: &impl prost::Message, len: usize, into: &mut BytesMut) {
    frame::encode(kind, into, len, |mut payload| mirror.encode_raw(&mut payload));
}

fn checked_len(mirror: &impl prost::Message, limits: &Limits) -> Result<usize, TooLong> {
    let (len, max) = (mirror.encoded_len(), limits.message_bytes_max);
    if len > max as usize { Err(TooLong { found: len as u64, max }) } else { Ok(len) }
}
