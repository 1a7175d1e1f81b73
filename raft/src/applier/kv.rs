//! A key-value state machine: get, put, append, compare-and-set, delete.
//!
//! It is what the storm's clients work on, and an example of a [`StateMachine`].

use std::collections::BTreeMap;

use bytes::Bytes;

use super::StateMachine;
use crate::digest::Digest;
use crate::wire::Sink;

/// Keys and values, both byte strings. A key without a value is absent, which differs from empty.
///
/// ```
/// use bytes::Bytes;
/// use squall_raft::applier::StateMachine;
/// use squall_raft::applier::kv::{Answer, Kv, Operation};
///
/// let mut kv = Kv::default();
/// let put = Operation::Put { key: Bytes::from_static(b"k"), value: Bytes::from_static(b"v") };
/// assert_eq!(Answer::decode(&kv.apply(&put.encode())), Some(Answer::Done));
/// let get = Operation::Get { key: Bytes::from_static(b"k") };
/// assert_eq!(Answer::decode(&kv.query(&get.encode())), Some(Answer::Value(Some(Bytes::from_static(b"v")))));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Kv {
    values: BTreeMap<Bytes, Value>,
    digest: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Value {
    /// Written in place: a slice of a log entry would keep the whole entry alive.
    bytes: Vec<u8>,
    /// Of key and value, so that it need not be computed again when the value goes.
    digest: u64,
}

/// What can be asked. All but `Get` are commands; `Get` may be a command or a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The value of a key.
    Get {
        /// Which.
        key: Bytes,
    },
    /// Set a value.
    Put {
        /// Whose.
        key: Bytes,
        /// To what.
        value: Bytes,
    },
    /// Add bytes at the end of a value; an absent one counts as empty.
    Append {
        /// Whose.
        key: Bytes,
        /// What is added.
        value: Bytes,
    },
    /// Set a value if it is as expected.
    Cas {
        /// Whose.
        key: Bytes,
        /// What it must be; `None`: absent.
        expected: Option<Bytes>,
        /// What it becomes.
        value: Bytes,
    },
    /// Make a key absent.
    Delete {
        /// Which.
        key: Bytes,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done, unconditionally.
    Done,
    /// The value; `None`: absent.
    Value(Option<Bytes>),
    /// Whether a compare-and-set matched, or a delete found something.
    Changed(bool),
    /// The bytes were no operation.
    Malformed,
}

const GET: u8 = 1;
const PUT: u8 = 2;
const APPEND: u8 = 3;
const CAS: u8 = 4;
const DELETE: u8 = 5;

/// An operation read in place: executing one must not cost a reference count per part.
#[derive(Clone, Copy)]
enum Borrowed<'a> {
    Get { key: &'a [u8] },
    Put { key: &'a [u8], value: &'a [u8] },
    Append { key: &'a [u8], value: &'a [u8] },
    Cas { key: &'a [u8], expected: Option<&'a [u8]>, value: &'a [u8] },
    Delete { key: &'a [u8] },
}

impl Operation {
    /// Encodes it: a tag, then each part behind its length.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Get { key } => encode_parts(GET, &[key]),
            Self::Put { key, value } => encode_parts(PUT, &[key, value]),
            Self::Append { key, value } => encode_parts(APPEND, &[key, value]),
            Self::Cas { key, expected: None, value } => encode_parts(CAS, &[key, value]),
            Self::Cas { key, expected: Some(expected), value } => encode_parts(CAS, &[key, value, expected]),
            Self::Delete { key } => encode_parts(DELETE, &[key]),
        }
    }

    /// Reads it back; `None` if the bytes are no operation.
    #[must_use]
    pub fn decode(bytes: &Bytes) -> Option<Self> {
        let own = |part: &[u8]| bytes.slice_ref(part);
        Some(match Borrowed::decode(bytes)? {
            Borrowed::Get { key } => Self::Get { key: own(key) },
            Borrowed::Put { key, value } => Self::Put { key: own(key), value: own(value) },
            Borrowed::Append { key, value } => Self::Append { key: own(key), value: own(value) },
            Borrowed::Cas { key, expected, value } => Self::Cas { key: own(key), expected: expected.map(own), value: own(value) },
            Borrowed::Delete { key } => Self::Delete { key: own(key) },
        })
    }
}

impl<'a> Borrowed<'a> {
    fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (&tag, mut rest) = bytes.split_first()?;
        let key = take_part(&mut rest)?;
        let operation = match tag {
            GET => Self::Get { key },
            PUT => Self::Put { key, value: take_part(&mut rest)? },
            APPEND => Self::Append { key, value: take_part(&mut rest)? },
            CAS => {
                let value = take_part(&mut rest)?;
                let expected = if rest.is_empty() { None } else { Some(take_part(&mut rest)?) };
                Self::Cas { key, expected, value }
            }
            DELETE => Self::Delete { key },
            _ => return None,
        };
        rest.is_empty().then_some(operation)
    }
}

impl Answer {
    /// Encodes it.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Done => Bytes::from_static(b"D"),
            Self::Value(value) => encode_value(value.as_deref()),
            Self::Changed(true) => Bytes::from_static(b"Y"),
            Self::Changed(false) => Bytes::from_static(b"N"),
            Self::Malformed => Bytes::from_static(b"M"),
        }
    }

    /// Reads it back; `None` if the bytes are no answer.
    #[must_use]
    pub fn decode(bytes: &Bytes) -> Option<Self> {
        match bytes.split_first()? {
            (b'D', []) => Some(Self::Done),
            (b'A', []) => Some(Self::Value(None)),
            (b'Y', []) => Some(Self::Changed(true)),
            (b'N', []) => Some(Self::Changed(false)),
            (b'M', []) => Some(Self::Malformed),
            (b'V', _) => Some(Self::Value(Some(bytes.slice(1..)))),
            _ => None,
        }
    }
}

fn encode_value(value: Option<&[u8]>) -> Bytes {
    let Some(value) = value else {
        return Bytes::from_static(b"A");
    };
    let mut out = Vec::with_capacity(1 + value.len());
    out.push(b'V');
    out.extend_from_slice(value);
    out.into()
}

fn encode_parts(tag: u8, parts: &[&Bytes]) -> Bytes {
    let mut out = Vec::with_capacity(1 + parts.iter().map(|part| 4 + part.len()).sum::<usize>());
    out.push(tag);
    for part in parts {
        // Commands are limited to far less than 4 GiB.
        out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(part);
    }
    out.into()
}

fn take_part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, behind) = rest.split_first_chunk::<4>()?;
    let (part, behind) = behind.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    *rest = behind;
    Some(part)
}

impl StateMachine for Kv {
    fn apply(&mut self, command: &[u8]) -> Bytes {
        match Borrowed::decode(command) {
            Some(operation) => self.execute(operation),
            None => Answer::Malformed.encode(),
        }
    }

    fn query(&self, query: &[u8]) -> Bytes {
        match Borrowed::decode(query) {
            Some(Borrowed::Get { key }) => encode_value(self.get(key)),
            _ => Answer::Malformed.encode(),
        }
    }

    fn digest(&self) -> u64 {
        self.digest
    }
}

/// What becomes of a present value when bytes are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    Nothing,
    Present,
}

impl Kv {
    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.values.get(key).map(|value| value.bytes.as_slice())
    }

    fn execute(&mut self, operation: Borrowed<'_>) -> Bytes {
        let answer = match operation {
            Borrowed::Get { key } => return encode_value(self.get(key)),
            Borrowed::Put { key, value } => {
                self.set(key, Keep::Nothing, value);
                Answer::Done
            }
            Borrowed::Append { key, value } => {
                self.set(key, Keep::Present, value);
                Answer::Done
            }
            Borrowed::Cas { key, expected, value } => {
                let matches = self.get(key) == expected;
                if matches {
                    self.set(key, Keep::Nothing, value);
                }
                Answer::Changed(matches)
            }
            Borrowed::Delete { key } => Answer::Changed(self.remove(key)),
        };
        answer.encode()
    }

    /// Writes a value, in front of which what is present may be kept, and keeps the digest up.
    fn set(&mut self, key: &[u8], keep: Keep, bytes: &[u8]) {
        let Some(value) = self.values.get_mut(key) else {
            let value = Value { bytes: bytes.to_vec(), digest: digest_of(key, bytes) };
            self.digest ^= value.digest;
            self.values.insert(Bytes::copy_from_slice(key), value);
            return;
        };
        if keep == Keep::Nothing {
            value.bytes.clear();
        }
        value.bytes.extend_from_slice(bytes);
        let digest = digest_of(key, &value.bytes);
        self.digest ^= digest ^ value.digest;
        value.digest = digest;
    }

    /// Makes a key absent; true if it was not.
    fn remove(&mut self, key: &[u8]) -> bool {
        let removed = self.values.remove(key);
        self.digest ^= removed.as_ref().map_or(0, |value| value.digest);
        removed.is_some()
    }
}

fn digest_of(key: &[u8], value: &[u8]) -> u64 {
    let mut digest = Digest::new(1);
    digest.bytes(key);
    digest.bytes(value);
    digest.value()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn small() -> impl Strategy<Value = Bytes> {
        prop::collection::vec(0u8..3, 0..3).prop_map(Bytes::from)
    }

    fn operation() -> impl Strategy<Value = Operation> {
        prop_oneof![
            small().prop_map(|key| Operation::Get { key }),
            (small(), small()).prop_map(|(key, value)| Operation::Put { key, value }),
            (small(), small()).prop_map(|(key, value)| Operation::Append { key, value }),
            (small(), prop::option::of(small()), small()).prop_map(|(key, expected, value)| Operation::Cas {
                key,
                expected,
                value
            }),
            small().prop_map(|key| Operation::Delete { key }),
        ]
    }

    proptest! {
        #[test]
        fn operations_round_trip(operation in operation()) {
            prop_assert_eq!(Operation::decode(&operation.encode()), Some(operation));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let bytes = Bytes::from(bytes);
            let answer = Kv::default().apply(&bytes);
            prop_assert_eq!(Answer::decode(&answer) == Some(Answer::Malformed), Operation::decode(&bytes).is_none());
        }

        /// Whatever led to a state, equal states have equal digests and unequal ones do not.
        #[test]
        fn the_digest_depends_on_the_state_alone(one in prop::collection::vec(operation(), 0..20), other in prop::collection::vec(operation(), 0..20)) {
            let run = |operations: &[Operation]| {
                let mut kv = Kv::default();
                for operation in operations {
                    kv.apply(&operation.encode());
                }
                kv
            };
            let (one, other) = (run(&one), run(&other));
            prop_assert_eq!(one.values == other.values, one.digest() == other.digest());
        }
    }
}
