//! Messages on a stream: a length, then the message in its own protobuf.
//!
//! Not here: the streams ([`super`]).

use bytes::{Buf as _, Bytes, BytesMut};
use protobuf::Message as _;
use raft::eraftpb::Message;

const LENGTH_BYTES: usize = 4;

/// Appends a message.
///
/// # Panics
/// If it has no encoding, which no message of raft-rs lacks.
pub fn encode(message: &Message, bytes: &mut Vec<u8>) {
    let at = bytes.len();
    bytes.extend([0; LENGTH_BYTES]);
    write(message, bytes);
    let length = u32::try_from(bytes.len() - at - LENGTH_BYTES).unwrap_or_else(|error| panic!("{error}"));
    bytes[at..at + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
}

/// Takes the first message off, if all of it is there.
///
/// # Panics
/// If it is none: streams do not damage anything.
pub fn take(received: &mut BytesMut) -> Option<Message> {
    let length = u32::from_le_bytes(*received.first_chunk::<LENGTH_BYTES>()?) as usize;
    if received.len() < LENGTH_BYTES + length {
        return None;
    }
    received.advance(LENGTH_BYTES);
    Some(read(&received.split_to(length).freeze()))
}

#[cfg(not(feature = "prost-codec"))]
fn write(message: &Message, bytes: &mut Vec<u8>) {
    message.write_to_vec(bytes).unwrap_or_else(|error| panic!("{error}"));
}

#[cfg(feature = "prost-codec")]
fn write(message: &Message, bytes: &mut Vec<u8>) {
    bytes.extend(message.write_to_bytes().unwrap_or_else(|error| panic!("{error}")));
}

/// Payloads stay parts of what was received.
#[cfg(not(feature = "prost-codec"))]
fn read(bytes: &Bytes) -> Message {
    Message::parse_from_carllerche_bytes(bytes).unwrap_or_else(|error| panic!("{error}"))
}

#[cfg(feature = "prost-codec")]
fn read(bytes: &Bytes) -> Message {
    let mut message = Message::default();
    message.merge_from_bytes(bytes).unwrap_or_else(|error| panic!("{error}"));
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_however_the_stream_is_cut() {
        let message = |term| Message { term, to: 2, index: 1 << 40, ..Message::default() };
        let mut bytes = Vec::new();
        (1..=3).for_each(|term| encode(&message(term), &mut bytes));
        let (mut received, mut taken) = (BytesMut::new(), Vec::new());
        for byte in bytes {
            received.extend([byte]);
            taken.extend(take(&mut received));
        }
        assert_eq!(taken, [message(1), message(2), message(3)]);
        assert!(received.is_empty());
    }
}
