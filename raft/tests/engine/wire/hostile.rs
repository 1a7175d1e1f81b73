//! What holds for any bytes that a connection may carry. Tests and the fuzzer (`raft/fuzz`) both end here.
//!
//! Random bytes hardly ever pass a checksum, so they are also read as a list of payloads to which the
//! right headers are put: that reaches what lies behind the frames.

use bytes::BytesMut;
use squall_raft::server::codec::{
    Heard, Incoming, Limits, TooLong, encode_hello, encode_message, encode_ping, encode_reply, encode_request,
};
use squall_raft::server::frame::{self, Kind};

/// So small that few bytes reach every limit.
pub const TIGHT: Limits = Limits { frame_bytes_max: 512, message_bytes_max: 2_048, part_bytes: 256 };

/// Checks the bytes as they are and as payloads of intact frames.
pub fn check(data: &[u8]) {
    check_stream(data);
    check_stream(&framed(data));
}

/// Any stream means the same however it is cut, and whatever it says can be said again.
pub fn check_stream(stream: &[u8]) -> Heard {
    let heard = Heard::from_pieces(TIGHT, [stream]);
    assert_eq!(Heard::from_pieces(TIGHT, stream.chunks(1)), heard, "byte by byte");
    assert_eq!(Heard::from_pieces(TIGHT, pieces(stream)), heard, "in pieces");
    for said in &heard.incoming {
        let again = Heard::from_pieces(Limits::default(), [&encoded(said, &Limits::default())[..]]);
        assert_eq!(again, Heard { incoming: vec![said.clone()], end: Ok(()) }, "said again");
    }
    heard
}

/// Cuts a stream in places that depend on its bytes.
fn pieces(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = stream;
    std::iter::from_fn(move || {
        let first = *rest.first()?;
        let piece;
        (piece, rest) = rest.split_at(rest.len().min(1 + usize::from(first % 61)));
        Some(piece)
    })
}

/// Reads `kind, length, payload` repeatedly; a kind that is none stays one that is none.
fn framed(data: &[u8]) -> BytesMut {
    let mut stream = BytesMut::new();
    let mut rest = data;
    while let [number, len, after @ ..] = rest {
        let payload;
        (payload, rest) = after.split_at(after.len().min(usize::from(*len)));
        let Some(kind) = Kind::of_number(number % 8) else {
            stream.extend_from_slice(payload);
            continue;
        };
        frame::encode(kind, &mut stream, payload.len(), |into| into.copy_from_slice(payload));
    }
    stream
}

/// What a sender makes of something said.
pub fn encode(said: &Incoming, limits: &Limits, into: &mut BytesMut) -> Result<(), TooLong> {
    match said {
        Incoming::Hello(hello) => encode_hello(hello, into),
        Incoming::Message(message) => encode_message(message, limits, into)?,
        Incoming::Request { id, request } => encode_request(*id, request, limits, into)?,
        Incoming::Reply { id, reply } => encode_reply(*id, reply, limits, into)?,
        Incoming::Ping => encode_ping(into),
    }
    Ok(())
}

/// As [`encode`], for what is known to be short enough.
pub fn encoded(said: &Incoming, limits: &Limits) -> BytesMut {
    let mut stream = BytesMut::new();
    encode(said, limits, &mut stream).expect("what was heard is short enough to be said");
    stream
}
