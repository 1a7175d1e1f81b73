//! Whatever an honest sender says is heard as it was said, and whatever anybody says does no harm.

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use squall_raft::message::{Body, Envelope, Message};
use squall_raft::server::codec::{Heard, Incoming, Limits};
use squall_raft::server::frame::HEADER_LEN;
use squall_raft::types::{LogIndex, Term};

use crate::wire::fed;
use crate::wire::hostile::{TIGHT, check, check_stream, encode, encoded};
use crate::wire::samples::{anything, message_of_members};

/// A step in which a message is said; nothing if the step's number is another's or the message too long.
fn said_in(step: u8, message: Message) -> Vec<u8> {
    let frame = encoded(&Incoming::Message(message), &Limits::default());
    let payload = &frame[HEADER_LEN..];
    match u8::try_from(payload.len()) {
        Ok(len) if step >= fed::AS_IT_IS => [&[step, len], payload].concat(),
        _ => vec![step.min(fed::AS_IT_IS - 1)],
    }
}

/// Otherwise bytes would prove little: they do elect a leader, and commit.
#[test]
fn a_core_is_led_by_bytes_alone() {
    let say = |body| said_in(fed::OWN_TERM, Message { envelope: Envelope { term: Term(1), ..Envelope::default() }, body });
    let steps = [
        vec![fed::TIMER],
        say(Body::PreVote { proposed: Term(1), granted: true }),
        vec![fed::DURABLE],
        say(Body::Vote { granted: true }),
        vec![fed::DURABLE],
        say(Body::Appended { matched: LogIndex(1) }),
    ];
    assert_eq!(fed::check(&steps.concat()).commit_index(), LogIndex(1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_said_is_heard(said in vec(anything(), 0..6), part_bytes in 256..600u32) {
        let limits = Limits { part_bytes, ..Limits::default() };
        let mut stream = BytesMut::new();
        for said in &said {
            encode(said, &limits, &mut stream).unwrap();
        }
        let heard = Heard::from_pieces(limits, stream.chunks(97));
        prop_assert_eq!(heard, Heard { incoming: said, end: Ok(()) });
    }

    #[test]
    fn encoded_messages_do_no_harm_to_a_core(steps in vec((any::<u8>(), message_of_members()), 0..40)) {
        let steps = steps.into_iter().flat_map(|(step, message)| said_in(step, message));
        fed::check(&steps.collect::<Vec<u8>>());
    }

    #[test]
    fn bytes_do_no_harm(data in vec(any::<u8>(), 0..400)) {
        check(&data);
        fed::check(&data);
    }

    #[test]
    fn damaged_conversations_do_no_harm(
        said in vec(anything(), 1..4),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut stream: Vec<u8> = said.iter().flat_map(|said| encoded(said, &TIGHT_BUT_LONG)).collect();
        for (at, byte) in changes {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        let heard = check_stream(&stream);
        prop_assert!(heard.incoming.len() <= said.len());
        prop_assert!(said.starts_with(&heard.incoming), "{:?} of {:?}", heard, said);
    }
}

/// Parts as in the tight limits, of anything that is drawn.
const TIGHT_BUT_LONG: Limits = Limits { message_bytes_max: 1 << 20, ..TIGHT };

#[test]
fn the_longest_that_is_said_is_the_longest_that_is_heard() {
    use bytes::Bytes;
    use squall_raft::node::request::Request;

    let query = |len| Incoming::Request { id: 1, request: Request::Query { query: Bytes::from(vec![1; len]) } };
    let longest = (1_900..2_048).filter(|len| encode(&query(*len), &TIGHT, &mut BytesMut::new()).is_ok()).max().unwrap();
    let heard = Heard::from_pieces(TIGHT, [&encoded(&query(longest), &TIGHT)[..]]);
    assert_eq!(heard, Heard { incoming: vec![query(longest)], end: Ok(()) });
    let mut untouched = BytesMut::new();
    let refused = encode(&query(longest + 1), &TIGHT, &mut untouched).unwrap_err();
    assert_eq!((refused.found, refused.max, untouched.len()), (2_049, 2_048, 0));
    let longer = encoded(&query(longest + 1), &TIGHT_BUT_LONG);
    assert_eq!(Heard::from_pieces(TIGHT, [&longer[..]]).end.unwrap_err().kind(), "too-long");
}
