//! The log store: one ordered stream of what must not be forgotten, as operations on files.
//!
//! A [`wal::Wal`] owns no disk. It is handed [`Persist`](crate::entry::Persist) values and
//! ends of operations, and gives operations out; the gap between any two is a crash point.
//! At boot it reads the folder through the same operations and tells what it found.
//!
//! What it promises: after [`StoreEvent::Durable`] and after [`StoreEvent::Recovered`] the
//! values meant survive a power loss; what was not yet durable survives whole batches at a
//! time, in order, or not at all; damage to what was durable is reported, never cut away.
//!
//! Not here: what the values mean ([`crate::core`]), the disk that carries operations out.
//! Read next: [`mod@format`] for the bytes, [`reader`] and [`recovery`] for how they are judged
//! after a crash, [`wal`] for how they get there.

use thiserror::Error;

use crate::config::Config;
use crate::entry::{Entry, HardState};
use crate::process::{DiskError, DiskOp, FileName, OpId};
use crate::types::{ClusterId, IoId, LogId, LogIndex, Peer};

pub mod format;

pub mod writer;

pub mod reader;

pub mod recovery;

pub mod wal;

/// Whose log it is. Files of anyone else are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Which cluster.
    pub cluster: ClusterId,
    /// Which member, in which life.
    pub me: Peer,
}

/// What a store is told at its boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whose log it is.
    pub identity: Identity,
    /// The planted bug that is active, if any.
    #[cfg(feature = "mutants")]
    pub bug: Option<crate::mutants::Bug>,
}

impl Options {
    /// The options for one member.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            #[cfg(feature = "mutants")]
            bug: None,
        }
    }
}

impl From<&Config> for Options {
    fn from(config: &Config) -> Self {
        Self {
            identity: Identity { cluster: config.cluster, me: config.me },
            #[cfg(feature = "mutants")]
            bug: config.bug,
        }
    }
}

/// Where the store puts the operations that it starts, in order.
///
/// A vector keeps them as values, which is what tests want; a node hands each on as it comes,
/// which saves two moves of every operation.
pub trait Output {
    /// Takes the next operation.
    fn start(&mut self, op: OpId, what: DiskOp);
}

impl Output for Vec<(OpId, DiskOp)> {
    fn start(&mut self, op: OpId, what: DiskOp) {
        self.push((op, what));
    }
}

/// What a store tells its node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreEvent {
    /// The disk was read, repaired where that is safe, and synced. Comes once, first.
    Recovered(Recovered),
    /// Everything up to this id is durable.
    Durable(IoId),
    /// The store has stopped for good: nothing more will become durable in this boot.
    Failed(StoreError),
}

/// What a disk held at boot. All of it is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Term and vote.
    pub hard_state: HardState,
    /// The log; the first has index 1, and there is no gap.
    pub entries: Vec<RecoveredEntry>,
    /// Bytes of an unfinished write that were cut off behind the last whole frame.
    pub torn_bytes: u64,
    /// Frames that were read.
    pub frames: u64,
}

impl Recovered {
    /// The entries, if none is damaged.
    ///
    /// # Errors
    /// Names the first damaged one.
    pub fn into_entries(self) -> Result<Vec<Entry>, LogId> {
        self.entries
            .into_iter()
            .map(|slot| match slot {
                RecoveredEntry::Ready(entry) => Ok(entry),
                RecoveredEntry::Damaged(id) => Err(id),
            })
            .collect()
    }
}

/// One position of a recovered log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecoveredEntry {
    /// As it was written.
    Ready(Entry),
    /// The payload has rotted. Term and index are intact, so the node still votes by them.
    Damaged(LogId),
}

impl RecoveredEntry {
    /// Term and index.
    #[must_use]
    pub const fn id(&self) -> LogId {
        match self {
            Self::Ready(entry) => entry.id,
            Self::Damaged(id) => *id,
        }
    }
}

/// Why a store stopped.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// An operation failed. It is not tried again: after a failed sync nobody knows what is durable.
    #[error("{doing}: {error}")]
    Disk {
        /// The operation.
        doing: &'static str,
        /// What the disk said.
        error: DiskError,
    },
    /// What had been acknowledged is not what is there now, and identifiers are lost.
    #[error("{file}: damaged at byte {offset}: {fault}")]
    Damaged {
        /// Where.
        file: FileName,
        /// First byte of the frame (or of the file header) that is damaged.
        offset: u64,
        /// What is wrong with it.
        fault: Fault,
    },
    /// Written by a later release.
    #[error("{file}: found format version {found}, expected at most {supported}")]
    NewerVersion {
        /// Where.
        file: FileName,
        /// Its version.
        found: u32,
        /// The latest that this build reads.
        supported: u32,
    },
    /// The log of another cluster.
    #[error("{file}: found a log of cluster {found}, expected cluster {expected}")]
    WrongCluster {
        /// Where.
        file: FileName,
        /// Whose.
        found: ClusterId,
        /// This node's.
        expected: ClusterId,
    },
    /// The log of another node, or of another life of this one.
    #[error(
        "{file}: found a log of node {} (incarnation {}), expected node {} (incarnation {})",
        found.node, found.incarnation, expected.node, expected.incarnation
    )]
    WrongNode {
        /// Where.
        file: FileName,
        /// Whose.
        found: Peer,
        /// This one.
        expected: Peer,
    },
    /// The file is not the one that its name says.
    #[error("{file}: found the content of {found}, expected that of its own name")]
    WrongName {
        /// Where.
        file: FileName,
        /// The name that the content was written under.
        found: FileName,
    },
    /// A file that no release of this store makes.
    #[error("{file}: found an unknown file, expected only wal-<base index>-<unique id>.log")]
    UnknownFile {
        /// Which.
        file: FileName,
    },
    /// More files than a log has.
    #[error("found two segments, {first} and {second}, expected one")]
    SeveralSegments {
        /// One.
        first: FileName,
        /// The other.
        second: FileName,
    },
    /// The log does not begin here.
    #[error("{file}: found a segment that begins at index {found}, expected one at {expected}")]
    MissingSegment {
        /// The earliest that is there.
        file: FileName,
        /// Where it begins.
        found: LogIndex,
        /// Where the log begins.
        expected: LogIndex,
    },
    /// A file became shorter while it was read.
    #[error("{file}: read {found} bytes at {offset}, expected {expected}")]
    ShortRead {
        /// Which.
        file: FileName,
        /// First byte that was asked for.
        offset: u64,
        /// How many came.
        found: u64,
        /// How many are there by the folder's listing.
        expected: u64,
    },
    /// The driver answered an operation with what belongs to another.
    #[error("{doing}: found the reply of another operation")]
    UnexpectedReply {
        /// The operation.
        doing: &'static str,
    },
}

impl StoreError {
    /// The kind of failure in a few fixed words, for [`Effect::Halt`](crate::process::Effect::Halt).
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Disk { .. } => "a disk operation failed",
            Self::Damaged { .. } => "the log is damaged",
            Self::NewerVersion { .. } => "the log is of a newer version",
            Self::WrongCluster { .. } => "the log is of another cluster",
            Self::WrongNode { .. } => "the log is of another node",
            Self::WrongName { .. } => "the log was renamed",
            Self::UnknownFile { .. } => "an unknown file is in the folder",
            Self::SeveralSegments { .. } => "the log has two segments",
            Self::MissingSegment { .. } => "the log's first segment is missing",
            Self::ShortRead { .. } => "the log became shorter while it was read",
            Self::UnexpectedReply { .. } => "a disk operation got the reply of another",
        }
    }
}

/// What is wrong with bytes that should be a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// The file header's checksum or magic.
    #[error("the file header does not match its checksum")]
    FileHeader,
    /// The frame header's checksum or magic.
    #[error("the frame header does not match its checksum")]
    FrameHeader,
    /// An intact frame of another place in the log.
    #[error("found frame {found}, expected frame {expected}")]
    Sequence {
        /// Its number.
        found: u64,
        /// The number that follows the frame before it.
        expected: u64,
    },
    /// An intact frame of another history.
    #[error("found a frame that follows {found:08x}, expected one that follows {expected:08x}")]
    Chain {
        /// The checksum of the frame that it was written behind.
        found: u32,
        /// That of the frame that is before it.
        expected: u32,
    },
    /// Lengths that no frame has.
    #[error("found lengths that do not add up")]
    Lengths,
    /// A record's identifiers.
    #[error("the header of record {record} does not match its checksum")]
    RecordHeader {
        /// Counted from 0 in the frame.
        record: u32,
    },
    /// A record that this release does not know.
    #[error("record {record}: found kind {kind}, which this release does not know")]
    RecordKind {
        /// Counted from 0 in the frame.
        record: u32,
        /// Its kind.
        kind: u8,
    },
    /// An intact payload that is no configuration.
    #[error("record {record}: found a payload that is not a configuration")]
    Configuration {
        /// Counted from 0 in the frame.
        record: u32,
    },
    /// Entries that do not follow each other.
    #[error("found an entry with index {found}, expected {expected}")]
    Gap {
        /// Its index.
        found: LogIndex,
        /// The one that follows the entry before it.
        expected: LogIndex,
    },
}
