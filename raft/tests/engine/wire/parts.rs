//! Long messages: in parts, with others in between, and everything that a wrong sender may do with them.

use bytes::{Bytes, BytesMut};
use squall_raft::config;
use squall_raft::entry::{Entry, Payload};
use squall_raft::message::{Body, Envelope, Message};
use squall_raft::node::request::Request;
use squall_raft::server::codec::{CodecError, Heard, Incoming, Limits, Parts, encode_ping};
use squall_raft::server::frame::{HEADER_LEN, Kind, encode};
use squall_raft::server::wire::{ENTRY_BYTES, ENVELOPE_BYTES};
use squall_raft::types::{BootNumber, ClusterId, Incarnation, LogId, NodeId, Peer, Term};

use crate::wire::hostile::{TIGHT, encoded};
use crate::wire::samples::samples;

fn long(len: usize) -> (Incoming, Parts) {
    let request = Request::Query { query: Bytes::from(vec![7; len]) };
    let parts = Parts::of_request(5, &request, &TIGHT).expect("it is short enough");
    (Incoming::Request { id: 5, request }, parts)
}

fn part(frame: Kind, ordinal: u32, whole: Kind, piece: &[u8], into: &mut BytesMut) {
    let payload = [&ordinal.to_le_bytes()[..], &[whole as u8], piece].concat();
    encode(frame, into, payload.len(), |into| into.copy_from_slice(&payload));
}

fn refusal(stream: &BytesMut) -> CodecError {
    let heard = Heard::from_pieces(TIGHT, [&stream[..]]);
    assert_eq!(heard.incoming, []);
    heard.end.expect_err("the parts are wrong")
}

#[test]
fn control_messages_overtake_a_long_one() {
    let (said, mut parts) = long(1_000);
    let others: Vec<Incoming> = samples()
        .into_iter()
        .map(|sample| sample.said)
        .filter(|said| encoded(said, &TIGHT).len() <= TIGHT.part_bytes as usize)
        .collect();
    let mut stream = BytesMut::new();
    let mut expected = Vec::new();
    while parts.next_into(&mut stream) {
        for other in &others {
            stream.unsplit(encoded(other, &TIGHT));
            expected.push(other.clone());
        }
    }
    assert_eq!(expected.len(), 4 * others.len(), "four parts and a last one");
    expected.push(said);
    assert_eq!(Heard::from_pieces(TIGHT, stream.chunks(33)), Heard { incoming: expected, end: Ok(()) });
}

#[test]
fn one_frame_after_the_other_is_the_same_as_all_at_once() {
    for sample in samples() {
        let parts = match &sample.said {
            Incoming::Message(message) => Parts::new(message, &TIGHT),
            Incoming::Request { id, request } => Parts::of_request(*id, request, &TIGHT),
            Incoming::Reply { id, reply } => Parts::of_reply(*id, reply, &TIGHT),
            Incoming::Hello(_) | Incoming::Ping => continue,
        };
        let (mut parts, mut stream) = (parts.unwrap(), BytesMut::new());
        while parts.next_into(&mut stream) {}
        assert_eq!(stream, encoded(&sample.said, &TIGHT), "{}", sample.name);
        assert!(!parts.next_into(&mut stream), "nothing follows");
        assert_eq!(stream, encoded(&sample.said, &TIGHT), "{}", sample.name);
    }
}

#[test]
fn no_frame_is_longer_than_a_part() {
    for len in [200, 245, 246, 247, 248, 249, 250, 251, 252, 253, 500, 501, 502, 503, 1_000] {
        let (said, mut parts) = long(len);
        let (mut stream, mut more) = (BytesMut::new(), true);
        while more {
            let before = stream.len();
            more = parts.next_into(&mut stream);
            assert!(stream.len() - before <= 12 + TIGHT.part_bytes as usize, "{len}");
            assert!(stream.len() > before, "{len}: every frame says something");
        }
        assert_eq!(Heard::from_pieces(TIGHT, [&stream[..]]), Heard { incoming: vec![said], end: Ok(()) });
    }
}

#[test]
fn parts_out_of_order_are_told() {
    for (found, frame) in [(1, Kind::Part), (1, Kind::Last), (u32::MAX, Kind::Part)] {
        let mut stream = BytesMut::new();
        part(frame, found, Kind::Request, b"a", &mut stream);
        let kind = Kind::Request;
        let expected = CodecError::UnexpectedPart { found, found_kind: kind, expected: 0, expected_kind: kind };
        assert_eq!(refusal(&stream), expected);
    }
    for (found, found_kind) in [(0, Kind::Request), (2, Kind::Request), (1, Kind::Message)] {
        let mut stream = BytesMut::new();
        part(Kind::Part, 0, Kind::Request, b"a", &mut stream);
        part(Kind::Part, found, found_kind, b"b", &mut stream);
        let expected = CodecError::UnexpectedPart { found, found_kind, expected: 1, expected_kind: Kind::Request };
        assert_eq!(refusal(&stream), expected);
    }
}

#[test]
fn what_has_no_parts_comes_in_none() {
    for kind in [Kind::Hello, Kind::Ping, Kind::Part, Kind::Last] {
        let mut stream = BytesMut::new();
        part(Kind::Last, 0, kind, b"a", &mut stream);
        assert_eq!(refusal(&stream), CodecError::InvalidPart { found_kind: kind as u8, found: 6 });
    }
    let mut empty = BytesMut::new();
    part(Kind::Part, 0, Kind::Request, b"", &mut empty);
    assert_eq!(refusal(&empty), CodecError::InvalidPart { found_kind: Kind::Request as u8, found: 5 });
    for len in 0..5u8 {
        let mut short = BytesMut::new();
        encode(Kind::Part, &mut short, len.into(), |payload| payload.fill(2));
        assert_eq!(refusal(&short), CodecError::InvalidPart { found_kind: 0, found: len.into() });
    }
}

/// A sender that never ends is stopped where the limit is, not where memory ends.
#[test]
fn parts_without_end_are_refused_at_the_limit() {
    let mut stream = BytesMut::new();
    for ordinal in 0..100 {
        part(Kind::Part, ordinal, Kind::Message, &[0; 100], &mut stream);
    }
    let CodecError::TooLong(refused) = refusal(&stream) else { panic!("found another error") };
    assert_eq!((refused.found, refused.max), (2_100, TIGHT.message_bytes_max));
}

#[test]
fn a_stream_that_ends_between_parts_is_cut_off() {
    let (_, mut parts) = long(1_000);
    let mut stream = BytesMut::new();
    assert!(parts.next_into(&mut stream) && parts.next_into(&mut stream));
    assert_eq!(refusal(&stream), CodecError::CutOff { found: 2 });
    encode_ping(&mut stream);
    let heard = Heard::from_pieces(TIGHT, [&stream[..]]);
    assert_eq!(heard, Heard { incoming: vec![Incoming::Ping], end: Err(CodecError::CutOff { found: 2 }) });
}

/// What the limits reckon with: no number makes an envelope or an entry longer than its constant says.
#[test]
fn the_largest_numbers_fit_in_what_is_reckoned_for_them() {
    const SESSION_BYTES: usize = 25; // what the applier puts before a command
    let peer = Peer { node: NodeId(u64::MAX), incarnation: Incarnation(u32::MAX) };
    let (term, boot) = (Term(u64::MAX), BootNumber(u32::MAX));
    let envelope =
        Envelope { cluster: ClusterId(u64::MAX), from: peer, to: peer, term, boot, session: u32::MAX, round: u64::MAX };
    let id = LogId::new(u64::MAX, u64::MAX);
    let len = |body| encoded(&Incoming::Message(Message { envelope, body }), &WIDE).len() - HEADER_LEN;
    let append = |command_bytes: &[usize]| {
        let first = u64::MAX - command_bytes.len() as u64;
        let entries = (1..).zip(command_bytes).map(|(nth, bytes)| Entry {
            id: LogId::new(u64::MAX, first + nth),
            payload: Payload::Command(vec![0; bytes + SESSION_BYTES].into()),
        });
        len(Body::Append { prev: LogId::new(u64::MAX, first), entries: entries.collect(), commit: id.index })
    };
    for body in [
        Body::RequestVote { last: id },
        Body::Rejected { prev: id.index, hint: id },
        Body::HeartbeatAck { tail: id.index, matched: id.index },
    ] {
        let kind = body.kind();
        let found = len(body) as u64;
        assert!(found <= ENVELOPE_BYTES, "{kind}: {found} of {ENVELOPE_BYTES}");
    }
    for command_bytes in [&[][..], &[0], &[64 << 20], &[1_000, 0, 100_000]] {
        let reckoned = command_bytes.iter().map(|bytes| *bytes as u64 + ENTRY_BYTES).sum::<u64>() + ENVELOPE_BYTES;
        let found = append(command_bytes) as u64;
        assert!(found <= reckoned, "{command_bytes:?}: {found} of {reckoned}");
    }
}

/// In one piece, even if it is long.
const WIDE: Limits = Limits { frame_bytes_max: 1 << 30, message_bytes_max: 1 << 30, part_bytes: 1 << 30 };

#[test]
fn limits_that_contradict_each_other_are_refused_by_name() {
    assert_eq!(Limits::default().validate(), Ok(()));
    assert_eq!(TIGHT.validate(), Ok(()));
    assert_eq!(Limits::default().carry(&config::Limits::default()), Ok(()));
    for (limits, field) in [
        (Limits { part_bytes: 255, ..TIGHT }, "codec.part_bytes"),
        (Limits { frame_bytes_max: 255, ..TIGHT }, "codec.frame_bytes_max"),
        (Limits { message_bytes_max: 255, ..TIGHT }, "codec.message_bytes_max"),
        (Limits { message_bytes_max: u32::MAX, ..TIGHT }, "codec.message_bytes_max"),
    ] {
        assert_eq!(limits.validate().unwrap_err().field, field);
    }
    assert_eq!(TIGHT.carry(&config::Limits::default()).unwrap_err().field, "codec.message_bytes_max");
    let many = config::Limits { append_entries_max: 1 << 17, ..config::Limits::default() };
    assert_eq!(Limits::default().carry(&many).unwrap_err().field, "limits.append_entries_max");
}
