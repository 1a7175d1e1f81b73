//! A key-value pair as a number: bytes behind a leading 1, so that absent and empty differ.

use super::{Object, place};
use bytes::Bytes;
use squall_checkers::model::kv::{Input, Output};

pub struct KvObject;

/// A value: 0 if absent, else its bytes behind a leading 1.
type Packed = u128;

impl Object for KvObject {
    type Input = Input;
    type Output = Output;
    type State = Packed;

    fn key(input: &Input) -> usize {
        match input {
            Input::Get { key }
            | Input::Put { key, .. }
            | Input::Append { key, .. }
            | Input::Cas { key, .. }
            | Input::Delete { key } => place(key),
        }
    }

    fn execute(state: &Packed, input: &Input, answer: Option<&Output>, next: &mut Vec<Packed>) {
        let old = *state;
        let (new, right) = match input {
            Input::Get { .. } => (old, Output::Value(unpack(old))),
            Input::Put { value, .. } => (pack(1, value), Output::Done),
            Input::Append { value, .. } => (pack(old.max(1), value), Output::Done),
            Input::Cas { expected, value, .. } => {
                let matches = old == expected.as_ref().map_or(0, |expected| pack(1, expected));
                (if matches { pack(1, value) } else { old }, Output::Changed(matches))
            }
            Input::Delete { .. } => (0, Output::Changed(old != 0)),
        };
        if answer.is_none_or(|answer| *answer == right) {
            next.push(new);
        }
    }
}

fn pack(start: Packed, bytes: &[u8]) -> Packed {
    bytes.iter().fold(start, |packed, byte| {
        assert!(packed >> 120 == 0, "the twin is for values of up to 15 bytes");
        packed << 8 | Packed::from(*byte)
    })
}

fn unpack(packed: Packed) -> Option<Bytes> {
    let bits = packed.checked_ilog2()?;
    let bytes = packed.to_be_bytes();
    Some(Bytes::copy_from_slice(&bytes[bytes.len() - bits as usize / 8..]))
}

#[test]
fn values_survive_packing() {
    for value in [&b""[..], b"a", b"\0", b"\0\xff", b"123456789012345"] {
        assert_eq!(unpack(pack(1, value)).as_deref(), Some(value));
    }
    assert_eq!(unpack(0), None);
}
