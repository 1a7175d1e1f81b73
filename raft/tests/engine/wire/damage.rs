//! Damage to an honest stream: cut off, flipped, cut into pieces.

use bytes::BytesMut;
use squall_raft::server::codec::{CodecError, Heard, Incoming, Limits, Receiver};
use squall_raft::server::frame::{Decoder, FrameError, HEADER_LEN, Kind, VERSION, encode};

use crate::wire::hostile::{TIGHT, check_stream, encoded};
use crate::wire::samples::samples;

fn header(kind: u8, version: u8, payload_len: u32) -> Vec<u8> {
    [&[b'S', b'q', version, kind][..], &payload_len.to_le_bytes(), &[0; 4]].concat()
}

fn error(stream: &[u8]) -> CodecError {
    let heard = Heard::from_pieces(TIGHT, [stream]);
    assert_eq!(heard.incoming, [], "nothing is heard");
    heard.end.expect_err("the stream is damaged")
}

/// The payload in frames of its own, with a right checksum.
fn reframed(kind: Kind, payload: &[u8]) -> BytesMut {
    let mut stream = BytesMut::new();
    encode(kind, &mut stream, payload.len(), |into| into.copy_from_slice(payload));
    stream
}

#[test]
fn what_is_cut_off_is_told_and_nothing_of_it_is_heard() {
    for sample in samples() {
        let stream = encoded(&sample.said, &TIGHT);
        for len in 1..stream.len() {
            let error = error(&stream[..len]);
            assert!(error.kind().ends_with("cut-off"), "{} cut to {len}: {error}", sample.name);
        }
    }
    assert_eq!(Heard::from_pieces(TIGHT, [&[][..]]), Heard { incoming: vec![], end: Ok(()) });
}

#[test]
fn every_flipped_bit_is_told() {
    for sample in samples() {
        let stream = encoded(&sample.said, &TIGHT);
        for bit in 0..stream.len() * 8 {
            let mut flipped = stream.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let heard = Heard::from_pieces(TIGHT, [&flipped[..]]);
            assert!(heard.end.is_err() && heard.incoming.is_empty(), "{}, bit {bit}: {heard:?}", sample.name);
        }
    }
}

/// A sender that is wrong makes intact frames of nonsense.
#[test]
fn damage_behind_a_right_checksum_is_an_error_or_another_message() {
    let (mut refused, mut heard_another) = (0, 0);
    for sample in samples() {
        let mut decoder = Decoder::new(TIGHT.frame_bytes_max);
        decoder.buffer().extend_from_slice(&encoded(&sample.said, &TIGHT));
        let frame = decoder.next().unwrap().unwrap();
        let mut judge = |payload: &[u8]| {
            let heard = check_stream(&reframed(frame.kind, payload));
            let of = if heard.end.is_err() { &mut refused } else { &mut heard_another };
            *of += 1;
        };
        for len in 0..frame.payload.len() {
            judge(&frame.payload[..len]);
        }
        for bit in 0..frame.payload.len() * 8 {
            let mut flipped = frame.payload.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            judge(&flipped);
        }
    }
    assert!(refused > 1_000 && heard_another > 1_000, "{refused} refused, {heard_another} heard");
}

#[test]
fn no_payload_of_a_message_may_be_cut() {
    for sample in samples().into_iter().filter(|sample| matches!(sample.said, Incoming::Message(_))) {
        let stream = encoded(&sample.said, &Limits::default());
        for len in 0..stream.len() - HEADER_LEN {
            let cut = reframed(Kind::Message, &stream[HEADER_LEN..HEADER_LEN + len]);
            let heard = Heard::from_pieces(Limits::default(), [&cut[..]]);
            assert!(matches!(heard.end, Err(CodecError::Wire(_))), "{} cut to {len}: {heard:?}", sample.name);
        }
    }
}

#[test]
fn a_foreign_header_is_told_by_its_first_wrong_field() {
    let frame = |error| CodecError::Frame(error);
    assert_eq!(error(b"GET / HTTP/1.1"), frame(FrameError::Magic { found: *b"GE" }));
    assert_eq!(error(&header(99, 2, u32::MAX)), frame(FrameError::Version { found: 2, supported: VERSION }));
    for kind in [0, 8, 255] {
        assert_eq!(error(&header(kind, 1, u32::MAX)), frame(FrameError::Kind { found: kind }));
    }
    let too_long = FrameError::TooLong { found: TIGHT.frame_bytes_max + 1, max: TIGHT.frame_bytes_max };
    assert_eq!(error(&header(7, 1, TIGHT.frame_bytes_max + 1)), frame(too_long));
    assert!(matches!(error(&header(7, 1, 0)), CodecError::Frame(FrameError::Checksum { found: 0, .. })));
    assert_eq!(frame(too_long).to_string(), "frame payload: found 513 bytes, expected at most 512");
}

#[test]
fn a_claimed_length_allocates_nothing() {
    let mut receiver = Receiver::new(Limits::default());
    receiver.buffer().extend_from_slice(&header(2, 1, u32::MAX));
    let before = receiver.buffer().capacity();
    assert_eq!(receiver.next().unwrap_err().kind(), "frame-too-long");
    assert_eq!(receiver.buffer().capacity(), before);
    assert!(before <= 32 << 10, "{before}");
}

#[test]
fn after_an_error_nothing_is_believed() {
    let mut receiver = Receiver::new(TIGHT);
    receiver.buffer().extend_from_slice(&header(0, 1, 0));
    let error = receiver.next().unwrap_err();
    receiver.buffer().extend_from_slice(&encoded(&Incoming::Ping, &TIGHT));
    assert_eq!(receiver.next(), Err(error.clone()));
    assert_eq!(receiver.end(), Err(error));

    let mut receiver = Receiver::new(TIGHT);
    receiver.buffer().extend_from_slice(&reframed(Kind::Message, &[]));
    receiver.buffer().extend_from_slice(&encoded(&Incoming::Ping, &TIGHT));
    let error = receiver.next().unwrap_err();
    assert_eq!(error.kind(), "wire-missing");
    assert_eq!(receiver.next(), Err(error), "although the next frame is right");
}

#[test]
fn a_conversation_means_the_same_wherever_it_is_cut() {
    let said: Vec<Incoming> = samples().into_iter().map(|sample| sample.said).collect();
    let mut stream = BytesMut::new();
    for said in &said {
        stream.unsplit(encoded(said, &TIGHT));
    }
    let whole = Heard { incoming: said, end: Ok(()) };
    assert_eq!(check_stream(&stream), whole, "byte by byte and in pieces");
    for at in 0..=stream.len() {
        let (first, second) = stream.split_at(at);
        assert_eq!(Heard::from_pieces(TIGHT, [first, second]), whole, "cut at {at}");
    }
}
