//! Whatever an honest sender says is heard as it was said, and whatever anybody says does no harm.

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use squall_raft::server::codec::{Heard, Incoming, Limits};

use crate::hostile::{TIGHT, check, check_stream, encode, encoded};
use crate::samples::anything;

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
    fn bytes_do_no_harm(data in vec(any::<u8>(), 0..400)) {
        check(&data);
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
