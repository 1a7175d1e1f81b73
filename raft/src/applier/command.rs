//! How a command lies in a log entry: registration, or session, numbers and the user's bytes.
//!
//! The format is stored in logs, so it has a version and only grows.

use bytes::Bytes;

use crate::types::SessionId;

/// What an entry asks of the applier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<B = Bytes> {
    /// Open a session; the entry's index becomes its id.
    Register,
    /// A command of a session.
    Session {
        /// Whose.
        session: SessionId,
        /// Which of its commands; counts from 1.
        sequence: u64,
        /// The lowest sequence number whose answer the client still waits for.
        first_outstanding: u64,
        /// The user's command.
        command: B,
    },
}

const REGISTER: u8 = 1;
const SESSION: u8 = 2;
const HEADER: usize = 1 + 3 * 8;

impl<B: AsRef<[u8]>> Command<B> {
    /// Encodes into an entry's payload.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Register => Bytes::from_static(&[REGISTER]),
            Self::Session { session, sequence, first_outstanding, command } => {
                let command = command.as_ref();
                let mut bytes = Vec::with_capacity(HEADER + command.len());
                bytes.push(SESSION);
                for number in [session.0, *sequence, *first_outstanding] {
                    bytes.extend_from_slice(&number.to_le_bytes());
                }
                bytes.extend_from_slice(command);
                bytes.into()
            }
        }
    }
}

impl<'a> Command<&'a [u8]> {
    /// Reads an entry's payload; `None` if it is no command. The user's bytes are read in place: to share them would
    /// cost two locked counts per entry.
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        match bytes.split_first()? {
            (&REGISTER, []) => Some(Self::Register),
            (&SESSION, rest) if rest.len() >= HEADER - 1 => Some(Self::Session {
                session: SessionId(word(bytes, 1)?),
                sequence: word(bytes, 9)?,
                first_outstanding: word(bytes, 17)?,
                command: &bytes[HEADER..],
            }),
            _ => None,
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trip(session: u64, sequence: u64, first_outstanding: u64, command: Vec<u8>) {
            let command = Command::Session { session: SessionId(session), sequence, first_outstanding, command: &command[..] };
            let encoded = command.encode();
            prop_assert_eq!(Command::decode(&encoded), Some(command));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            if let Some(command) = Command::decode(&bytes) {
                prop_assert_eq!(command.encode(), bytes);
            }
        }
    }
}
