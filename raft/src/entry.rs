//! What the log holds, and what a node persists.
//!
//! Not here: how records lie on disk ([`crate::store`]). Read next: [`crate::process`].

use std::sync::Arc;

use bytes::Bytes;

use crate::digest::Digest;
use crate::membership::Configuration;
use crate::types::{LogId, LogIndex, NodeId, Term};
use crate::wire::Sink as _;

/// One position of the replicated log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Term and index.
    pub id: LogId,
    /// What it carries.
    pub payload: Payload,
}

/// What an entry carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Appended by a new leader, so that entries of earlier terms can be committed (paper, §8).
    Noop,
    /// Opaque to consensus; the applier knows its format.
    Command(Bytes),
    /// A membership change; effective as soon as it is appended (§4.1 of the thesis).
    Configuration(Arc<Configuration>),
}

impl Payload {
    /// Length in bytes of what the client gave; 0 for what the engine made itself.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        match self {
            Self::Command(bytes) => bytes.len() as u64,
            Self::Noop | Self::Configuration(_) => 0,
        }
    }

    /// What it adds to the hashes of the logs that hold it: see [`prefix_hash`](crate::digest::prefix_hash).
    #[must_use]
    pub fn digest(&self) -> u64 {
        match self {
            Self::Noop => 0,
            Self::Command(bytes) => {
                let mut digest = CommandDigest::new();
                bytes.chunks(CommandDigest::PART_BYTES).for_each(|part| digest.part(part));
                digest.value()
            }
            Self::Configuration(configuration) => Digest::of(2, &**configuration),
        }
    }
}

/// [`Payload::digest`] of a command that comes in parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommandDigest(Digest);

impl CommandDigest {
    /// How long all parts but the last are.
    pub(crate) const PART_BYTES: usize = 32 << 10;

    #[inline]
    pub(crate) const fn new() -> Self {
        Self(Digest::new(1))
    }

    #[inline]
    pub(crate) fn part(&mut self, bytes: &[u8]) {
        self.0.bytes(bytes);
    }

    #[inline]
    pub(crate) const fn value(self) -> u64 {
        self.0.value()
    }
}

/// An entry as it was read back from the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Term and index.
    pub id: LogId,
    /// What it carries; `None` if that is lost.
    pub payload: Option<Payload>,
}

/// A run of consecutive entries, shared between the messages to several peers and the store.
pub type Entries = Arc<[Entry]>;

/// What a node must not forget, besides its log (paper, figure 2: persistent state).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardState {
    /// Latest term that it has seen.
    pub term: Term,
    /// Whom it voted for in that term.
    pub vote: Option<NodeId>,
}

/// One element of the persistent stream. The stream's order is the order of these values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Persist {
    /// Term and vote changed.
    HardState(HardState),
    /// Entries behind the log's end. Their indexes are consecutive.
    Append(Entries),
    /// All entries behind `last` are removed.
    Truncate {
        /// The log's new last index.
        last: LogIndex,
    },
}
