//! Intact frames whose payload is wrong: each is refused with the name of the field.

use bytes::BytesMut;
use squall_raft::message::Body;
use squall_raft::server::codec::{CodecError, Heard, Incoming, Limits};
use squall_raft::server::frame::{Kind, encode};
use squall_raft::server::wire::{ENTRIES_MAX, MEMBERS_MAX, WireError};
use squall_raft::types::LogIndex;

use crate::wire::protobuf::{fixed, nested, number, varint};

/// In one piece, even if it is long.
const WIDE: Limits = Limits { frame_bytes_max: 1 << 20, message_bytes_max: 1 << 20, part_bytes: 1 << 20 };

fn hear(kind: Kind, payload: &[u8]) -> Result<Incoming, WireError> {
    let mut stream = BytesMut::new();
    encode(kind, &mut stream, payload.len(), |into| into.copy_from_slice(payload));
    let mut heard = Heard::from_pieces(WIDE, [&stream[..]]);
    match heard.end {
        Ok(()) => Ok(heard.incoming.pop().expect("a frame says something")),
        Err(CodecError::Wire(error)) => Err(error),
        Err(other) => panic!("found {other}, expected an error of the payload"),
    }
}

/// The field that is missing.
fn missing(kind: Kind, payload: &[u8]) -> &'static str {
    match hear(kind, payload) {
        Err(WireError::Missing { field }) => field,
        other => panic!("found {other:?}, expected a missing field"),
    }
}

/// The field that is invalid, and its value.
fn invalid(kind: Kind, payload: &[u8]) -> (&'static str, u64) {
    match hear(kind, payload) {
        Err(WireError::Invalid { field, found, .. }) => (field, found),
        other => panic!("found {other:?}, expected an invalid field"),
    }
}

fn malformed(kind: Kind, payload: &[u8]) -> bool {
    matches!(hear(kind, payload), Err(WireError::Malformed(_)))
}

fn pair(first: u64, second: u64) -> Vec<u8> {
    [number(1, first), number(2, second)].concat()
}

/// A heartbeat's fields, each with its number.
fn heartbeat() -> Vec<(u64, Vec<u8>)> {
    let mut fields = vec![(1, fixed(1, 9))];
    let numbers = [(2, 1), (3, 0), (4, 2), (5, 0), (6, 7), (7, 4), (8, 5), (9, 300), (12, 40)];
    fields.extend(numbers.map(|(tag, value)| (tag, number(tag, value))));
    fields
}

/// A heartbeat in which one field is another.
fn with(tag: u64, field: Vec<u8>) -> Vec<u8> {
    let fields = heartbeat().into_iter().map(|(number, old)| if number == tag { field.clone() } else { old });
    fields.flatten().collect()
}

/// A message with a body of one's own.
fn saying(body: Vec<u8>) -> Vec<u8> {
    with(12, body)
}

fn appending(entries: &[Vec<u8>]) -> Vec<u8> {
    saying(nested(10, &[pair(6, 42), number(3, 40), entries.concat()].concat()))
}

fn entry(term: u64, index: u64, payload: Vec<u8>) -> Vec<u8> {
    nested(4, &[pair(term, index), payload].concat())
}

fn noop() -> Vec<u8> {
    nested(3, &[])
}

#[test]
fn a_message_by_hand_is_heard() {
    let Ok(Incoming::Message(message)) = hear(Kind::Message, &with(0, vec![])) else { panic!("found no message") };
    assert_eq!(message.body, Body::Heartbeat { commit: LogIndex(40) });
    let two = appending(&[entry(6, 43, noop()), entry(7, 44, nested(4, b"x"))]);
    let Ok(Incoming::Message(message)) = hear(Kind::Message, &two) else { panic!("found no message") };
    assert!(matches!(message.body, Body::Append { entries, .. } if entries.len() == 2));
}

#[test]
fn fields_of_later_releases_are_skipped() {
    let later = [number(99, 1), fixed(98, 2), nested(97, b"later"), varint(96 << 3 | 3), varint(96 << 3 | 4)];
    let payload = [later.concat(), with(0, vec![])].concat();
    assert_eq!(hear(Kind::Message, &payload), hear(Kind::Message, &with(0, vec![])));
    assert_eq!(hear(Kind::Ping, &later.concat()), Ok(Incoming::Ping));
}

#[test]
fn every_field_of_a_message_must_be_there() {
    let names =
        ["cluster", "from.node", "from.incarnation", "to.node", "to.incarnation", "term", "boot", "session", "round", "said"];
    for ((tag, _), name) in heartbeat().into_iter().zip(names) {
        assert_eq!(missing(Kind::Message, &with(tag, vec![])), format!("message.{name}"));
    }
    for (payload, field) in [
        (saying(nested(16, &number(2, 1))), "message.request_vote.last.term"),
        (saying(nested(16, &number(1, 1))), "message.request_vote.last.index"),
        (saying(nested(10, &number(2, 1))), "message.append.prev.term"),
        (saying(nested(10, &number(1, 1))), "message.append.prev.index"),
        (saying(nested(10, &pair(1, 1))), "message.append.commit"),
        (appending(&[nested(4, &[])]), "message.append.entries.term"),
        (appending(&[nested(4, &number(1, 6))]), "message.append.entries.index"),
        (appending(&[entry(6, 43, vec![])]), "message.append.entries.payload"),
        (saying(nested(14, &nested(2, &pair(1, 1)))), "message.rejected.prev"),
        (saying(nested(14, &number(1, 1))), "message.rejected.hint"),
        (saying(nested(14, &[number(1, 1), nested(2, &[])].concat())), "message.rejected.hint.term"),
        (saying(nested(13, &number(2, 1))), "message.heartbeat_ack.tail"),
        (saying(nested(13, &number(1, 1))), "message.heartbeat_ack.matched"),
        (saying(nested(17, &nested(2, &pair(1, 1)))), "message.request_pre_vote.proposed"),
        (saying(nested(17, &number(1, 1))), "message.request_pre_vote.last"),
        (saying(nested(17, &[number(1, 1), nested(2, &[])].concat())), "message.request_pre_vote.last.term"),
        (saying(nested(18, &number(2, 1))), "message.pre_vote.proposed"),
        (saying(nested(18, &number(1, 1))), "message.pre_vote.granted"),
        (saying(nested(20, b"of a later release")), "message.said"),
    ] {
        assert_eq!(missing(Kind::Message, &payload), field);
    }
}

#[test]
fn every_field_of_the_others_must_be_there() {
    let id = number(1, 1);
    let of = |body: Vec<u8>| [id.clone(), body].concat();
    for (kind, payload, field) in [
        (Kind::Hello, vec![], "hello.cluster"),
        (Kind::Hello, fixed(1, 9), "hello.to"),
        (Kind::Hello, [fixed(1, 9), number(3, 2)].concat(), "hello.boot"),
        (Kind::Hello, [fixed(1, 9), nested(2, &[])].concat(), "hello.from.node"),
        (Kind::Request, nested(2, &[]), "request.id"),
        (Kind::Request, id.clone(), "request.asked"),
        (Kind::Request, of(nested(3, &number(2, 1))), "request.command.session"),
        (Kind::Request, of(nested(3, &number(1, 1))), "request.command.sequence"),
        (Kind::Request, of(nested(3, &pair(1, 1))), "request.command.first_outstanding"),
        (Kind::Request, of(nested(3, &[pair(1, 1), number(3, 1)].concat())), "request.command.command"),
        (Kind::Reply, nested(6, &[]), "reply.id"),
        (Kind::Reply, id.clone(), "reply.told"),
        (Kind::Reply, of(nested(3, &nested(2, b""))), "reply.applied.index"),
        (Kind::Reply, of(nested(3, &number(1, 1))), "reply.applied.output"),
        (Kind::Reply, of(nested(4, &nested(2, b""))), "reply.answered.applied"),
        (Kind::Reply, of(nested(4, &number(1, 1))), "reply.answered.output"),
        (Kind::Reply, of(nested(14, &[])), "reply.told"),
    ] {
        assert_eq!(missing(kind, &payload), field);
    }
}

/// The decoder of numbers of 32 bits would cut them off.
#[test]
fn numbers_of_more_than_32_bits_are_refused_not_cut_off() {
    const LARGE: u64 = 1 << 32;
    for found in [LARGE, LARGE + 1, u64::MAX] {
        assert_eq!(invalid(Kind::Message, &with(7, number(7, found))), ("message.boot", found));
        assert_eq!(invalid(Kind::Message, &with(8, number(8, found))), ("message.session", found));
        assert_eq!(invalid(Kind::Message, &with(3, number(3, found))), ("message.from.incarnation", found));
        assert_eq!(invalid(Kind::Message, &with(5, number(5, found))), ("message.to.incarnation", found));
        let hello = [fixed(1, 9), number(3, 2)].concat();
        assert_eq!(invalid(Kind::Hello, &[hello.clone(), number(4, found)].concat()), ("hello.boot", found));
        let from = [hello, nested(2, &pair(1, found)), number(4, 0)].concat();
        assert_eq!(invalid(Kind::Hello, &from), ("hello.from.incarnation", found));
    }
    assert!(hear(Kind::Message, &with(7, number(7, LARGE - 1))).is_ok());
}

#[test]
fn term_0_says_nothing() {
    assert_eq!(invalid(Kind::Message, &with(6, number(6, 0))), ("message.term", 0));
    assert_eq!(invalid(Kind::Message, &appending(&[entry(0, 43, noop())])), ("message.append.entries.term", 0));
}

#[test]
fn entries_that_do_not_follow_each_other_are_refused() {
    const INDEX: &str = "message.append.entries.index";
    const TERM: &str = "message.append.entries.term";
    for (entries, field, found) in [
        (vec![entry(6, 42, noop())], INDEX, 42),
        (vec![entry(6, 44, noop())], INDEX, 44),
        (vec![entry(5, 43, noop())], TERM, 5),
        (vec![entry(6, 43, noop()), entry(6, 43, noop())], INDEX, 43),
        (vec![entry(6, 43, noop()), entry(6, 45, noop())], INDEX, 45),
        (vec![entry(7, 43, noop()), entry(6, 44, noop())], TERM, 6),
    ] {
        assert_eq!(invalid(Kind::Message, &appending(&entries)), (field, found));
    }
    let behind_the_last = [pair(6, u64::MAX), number(3, 0), entry(6, 0, noop())].concat();
    assert_eq!(invalid(Kind::Message, &saying(nested(10, &behind_the_last))), ("message.append.entries.index", 0));
}

#[test]
fn what_is_no_configuration_is_refused() {
    const FIELD: &str = "message.append.entries.configuration";
    let of = |sets: &[Vec<u8>]| appending(&[entry(6, 43, nested(5, &sets.concat()))]);
    assert!(hear(Kind::Message, &of(&[number(1, 5), number(1, 2)])).is_ok(), "unpacked and unsorted, but one");
    for (sets, found) in [
        (vec![], 0),
        (vec![number(2, 1)], 0),
        (vec![number(1, 5), number(1, 5)], 5),
        (vec![number(1, 5), nested(2, &[6, 6])], 6),
        (vec![number(1, 5), number(3, 5)], 5),
        (vec![number(1, 5), number(2, 6), number(3, 6)], 6),
        (vec![nested(1, &vec![1; MEMBERS_MAX + 1])], MEMBERS_MAX as u64 + 1),
    ] {
        assert_eq!(invalid(Kind::Message, &of(&sets)), (FIELD, found));
    }
}

/// 70 bytes of memory for every two on the wire is what an attacker would like.
#[test]
fn more_entries_than_any_sender_has_are_refused_before_they_are_decoded() {
    let empty = |count| vec![nested(4, &[]); count];
    assert_eq!(missing(Kind::Message, &appending(&empty(ENTRIES_MAX))), "message.append.entries.term");
    let more = ENTRIES_MAX as u64 + 1;
    assert_eq!(invalid(Kind::Message, &appending(&empty(ENTRIES_MAX + 1))), ("message.append.entries", more));
    let in_two = [nested(10, &empty(ENTRIES_MAX).concat()), appending(&empty(1))].concat();
    assert_eq!(invalid(Kind::Message, &in_two), ("message.append.entries", more), "parts of a body merge");
}

#[test]
fn absurd_protobuf_is_malformed() {
    let claims = |len: u64| [varint(10 << 3 | 2), varint(len), vec![0; 9]].concat();
    for payload in [
        vec![0x0b; 500_000],
        vec![0x7b; 500_000],
        vec![0xff; 100],
        claims(1 << 20),
        claims(1 << 40),
        claims(u64::MAX),
        vec![0x00, 0x01],
        vec![0x07],
        vec![0x0c],
        number(1, 9),
        nested(4, b"a number"),
        appending(&[entry(6, 43, [varint(4 << 3 | 2), varint(u64::MAX >> 1)].concat())]),
        appending(&[entry(6, 43, nested(5, &nested(1, &[0xff; 11])))]),
    ] {
        assert!(malformed(Kind::Message, &payload), "{:02x?}", &payload[..payload.len().min(20)]);
    }
    let mut deep = Vec::new();
    for _ in 0..200 {
        deep = nested(10, &deep);
    }
    assert!(hear(Kind::Message, &deep).is_err());
    assert!(malformed(Kind::Ping, &[0xff]));
}
