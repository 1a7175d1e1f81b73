//! Why a store stopped: what was found, where, and what was expected there.

use thiserror::Error;

use crate::process::{DiskError, FileName};
use crate::types::{ClusterId, LogIndex, Peer, Term};

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
    #[error("{file}: found an unknown file, expected only wal-<base index>-<unique id>.log and .new")]
    UnknownFile {
        /// Which.
        file: FileName,
    },
    /// There is no log, and nobody said that one begins here.
    #[error(
        "found no log, expected that of node {} (incarnation {}) of cluster {cluster}: \
         a member that lost its log must not vote again; where a new member begins, say `initialize`",
        me.node, me.incarnation
    )]
    NoLog {
        /// The cluster.
        cluster: ClusterId,
        /// Whose log is missing.
        me: Peer,
    },
    /// A segment that does not belong to the chain of those around it.
    #[error("{file}: found a segment between {before:016x} and {behind}, which follow each other")]
    StraySegment {
        /// Which.
        file: FileName,
        /// Unique id of the one that the later one follows, 0 for none.
        before: u64,
        /// The later one.
        behind: FileName,
    },
    /// A segment is not there although it is needed.
    #[error("{file}: {what} segment {missing:016x}, expected it in the folder")]
    MissingSegment {
        /// The segment that speaks of it.
        file: FileName,
        /// What that says: "follows" or "is followed by".
        what: &'static str,
        /// Unique id of the one that is missing.
        missing: u64,
    },
    /// A segment is shorter than it was made.
    #[error("{file}: found {found} bytes, expected at least {expected}, which it had from the beginning")]
    Cut {
        /// Which.
        file: FileName,
        /// How long it is.
        found: u64,
        /// How long it was made.
        expected: u64,
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
    /// The file that is wrong, or that speaks of one that is missing; `None` if the error is about the folder, or about the
    /// disk, which knows more about its failures.
    #[must_use]
    pub const fn file(&self) -> Option<&FileName> {
        match self {
            Self::Damaged { file, .. }
            | Self::NewerVersion { file, .. }
            | Self::WrongCluster { file, .. }
            | Self::WrongNode { file, .. }
            | Self::WrongName { file, .. }
            | Self::UnknownFile { file }
            | Self::StraySegment { file, .. }
            | Self::MissingSegment { file, .. }
            | Self::Cut { file, .. }
            | Self::ShortRead { file, .. } => Some(file),
            Self::Disk { .. } | Self::NoLog { .. } | Self::UnexpectedReply { .. } => None,
        }
    }

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
            Self::NoLog { .. } => "the log is missing",
            Self::StraySegment { .. } => "a segment does not belong to the log",
            Self::MissingSegment { .. } => "a segment of the log is missing",
            Self::Cut { .. } => "a segment was cut short",
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
    /// A segment whose header does not go on where the segment before it ends.
    #[error("found a segment that begins in another state than the one before it ends in")]
    Boundary,
    /// A segment that others follow, and that ends before they begin.
    #[error("found the end of the frames before the next segment begins")]
    EndsEarly,
    /// Entries that do not follow each other.
    #[error("found an entry with index {found}, expected {expected}")]
    Gap {
        /// Its index.
        found: LogIndex,
        /// The one that follows the entry before it.
        expected: LogIndex,
    },
    /// An entry that no log holds behind the one before it.
    #[error("found term {found} at index {index}, expected at least {before}, which the log had reached")]
    Term {
        /// Its index.
        index: LogIndex,
        /// Its term.
        found: Term,
        /// That of the entry before it.
        before: Term,
    },
    /// An index or a term that no log reaches.
    #[error("record {record}: found a number beyond all indexes and terms")]
    Absurd {
        /// Counted from 0 in the frame.
        record: u32,
    },
}
