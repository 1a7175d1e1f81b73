//! Payloads: what a value looks like in bytes. Protobuf, declared in Rust and nowhere else.
//!
//! Private mirror types have the shape of the bytes; the types of the engine have the shape of the
//! truth. `TryFrom` is the only door from the one to the other, and whoever comes through it is whole:
//! no field is missing, none out of range, entries follow each other, a configuration is one.
//! What depends on a node's state is judged later, by the node.
//!
//! | rule of the format | because |
//! | --- | --- |
//! | numbers of 32 bits travel as 64 | the decoder cuts narrower ones off in silence |
//! | every field has presence, zeros are written | a missing field is told from a zero |
//! | unknown fields are skipped | a later release may add some |
//! | an unknown alternative is a missing one | a later release must not be misunderstood |
//! | tags are never used twice | releases of different age talk to each other |
//!
//! Byte strings are parts of the received buffer, never copied; they keep it alive.
//! Not here: frames (`frame`); the encoding that traces fold ([`crate::wire`]).
//! Read next: `message`.

mod message;

mod client;

mod hello;

mod scan;

use bytes::{Buf, Bytes};
use prost::Message as _;
use thiserror::Error;

pub use hello::Hello;
pub use message::{ENTRIES_MAX, ENTRY_BYTES, ENVELOPE_BYTES, MEMBERS_MAX};

pub(super) use client::{ReplyMirror, RequestMirror};
pub(super) use hello::HelloMirror;
pub(super) use message::{MessageMirror, decode_message};

/// Why a payload is not what its frame says. The bytes arrived as they were sent, so the sender is
/// wrong, or of a release that ours cannot follow.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// Not protobuf.
    #[error("malformed payload: {0}")]
    Malformed(String),
    /// A field that must be there.
    #[error("{field}: found nothing, expected a value")]
    Missing {
        /// The field, as a path.
        field: &'static str,
    },
    /// A field that is out of range, or does not fit the others.
    #[error("{field}: found {found}, expected {expected}")]
    Invalid {
        /// The field, as a path.
        field: &'static str,
        /// Its value, or how many values it has.
        found: u64,
        /// What would be valid.
        expected: String,
    },
}

impl WireError {
    /// The name of the kind, for counters.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "wire-malformed",
            Self::Missing { .. } => "wire-missing",
            Self::Invalid { .. } => "wire-invalid",
        }
    }
}

impl From<prost::DecodeError> for WireError {
    fn from(error: prost::DecodeError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// An alternative without content. Fields may be added to it.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Nothing {}

/// Decodes a payload into its mirror and takes it through the door.
pub(super) fn decode<Mirror, Value>(payload: impl Payload) -> Result<Value, WireError>
where
    Mirror: prost::Message + Default,
    Value: TryFrom<Mirror, Error = WireError>,
{
    Value::try_from(Mirror::decode(payload)?)
}

/// A payload to decode: borrowed, so that all that is kept of it is copied, or shared.
pub(super) trait Payload: Buf + AsRef<[u8]> {}

impl<P: Buf + AsRef<[u8]>> Payload for P {}

/// A ping says nothing; what it says must be protobuf all the same.
pub(super) fn decode_ping(payload: impl Buf) -> Result<(), WireError> {
    Nothing::decode(payload)?;
    Ok(())
}

fn present<T>(field: &'static str, value: Option<T>) -> Result<T, WireError> {
    value.ok_or(WireError::Missing { field })
}

fn narrow(field: &'static str, value: Option<u64>) -> Result<u32, WireError> {
    let found = present(field, value)?;
    u32::try_from(found).map_err(|_| invalid(field, found, format!("at most {}", u32::MAX)))
}

fn invalid(field: &'static str, found: u64, expected: impl Into<String>) -> WireError {
    WireError::Invalid { field, found, expected: expected.into() }
}

/// Below this a payload is copied out of the buffer that it arrived in.
const COPIED_BYTES_MAX: usize = 1_024;

/// A payload that may be kept. A short one is copied unless it has been, because an entry of the log would otherwise
/// keep the whole buffer alive, all that was read with it.
fn own(payload: Bytes) -> Bytes {
    if payload.len() < COPIED_BYTES_MAX && !payload.is_unique() { Bytes::copy_from_slice(&payload) } else { payload }
}
