//! What a node reports about itself: typed events for observers, checkers, metrics and traces.
//!
//! They are never log text, and they change nothing in the node.
//! Read next: [`crate::core`], which makes most of them.

use std::fmt;

use crate::types::{LogId, LogIndex, NodeId, SessionId, Term};
use crate::wire::{Sink, Wire};

/// One thing that happened inside a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Observation {
    /// The disk was read; this is what the node starts from.
    Recovered {
        /// Durable term.
        term: Term,
        /// Durable vote in that term.
        vote: Option<NodeId>,
        /// Last entry.
        last: LogId,
        /// Prefix hash of the log up to it; 0 for an empty log.
        hash: u64,
        /// Bytes of an incomplete write that were cut off.
        torn_bytes: u64,
    },
    /// A higher term was adopted.
    TermAdopted {
        /// The new term.
        term: Term,
    },
    /// The role changed.
    RoleChanged {
        /// In which term.
        term: Term,
        /// What it is now.
        role: RoleKind,
    },
    /// A vote was decided; it leaves the node when it is durable.
    Voted {
        /// In which term.
        term: Term,
        /// For whom; oneself as a candidate.
        candidate: NodeId,
    },
    /// The log grew by one entry.
    Appended {
        /// The entry.
        id: LogId,
        /// Prefix hash of the log up to it.
        hash: u64,
    },
    /// The log's tail was removed.
    Truncated {
        /// The new last index.
        last: LogIndex,
        /// The old one.
        from: LogIndex,
    },
    /// The commit index rose.
    Committed {
        /// The node's term.
        term: Term,
        /// The new commit index.
        index: LogIndex,
    },
    /// An entry was applied.
    Applied {
        /// Its index.
        index: LogIndex,
        /// Digest of the applier's whole state behind it.
        digest: u64,
    },
    /// A session's command took effect.
    SessionApplied {
        /// At this index.
        index: LogIndex,
        /// Whose.
        session: SessionId,
        /// Which of its commands.
        sequence: u64,
    },
    /// A session's command was a repetition, and was answered from the cache or refused.
    SessionDeduplicated {
        /// At this index.
        index: LogIndex,
        /// Whose.
        session: SessionId,
        /// Which of its commands.
        sequence: u64,
    },
    /// A leadership was confirmed and reads were answered.
    ReadsServed {
        /// The round that confirmed it.
        round: u64,
        /// The index that they saw at least.
        index: LogIndex,
    },
    /// A peer's message was refused without effect.
    Refused {
        /// Why.
        reason: Refusal,
    },
    /// A proposal or read was turned away because a limit was reached.
    Busy,
}

/// A role without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleKind {
    /// Follows, or waits to.
    Follower,
    /// Campaigns.
    Candidate,
    /// Leads.
    Leader,
}

/// Why a message was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// Another cluster's.
    WrongCluster,
    /// Meant for someone else, or for another life of this node.
    WrongReceiver,
    /// The sender is no member, or not whom the transport says.
    UnknownSender,
    /// Of an earlier term.
    StaleTerm,
    /// An answer to a replication session that is over.
    StaleSession,
    /// An answer to something that was never asked.
    Unasked,
    /// Entries that do not follow each other, or indexes that nobody can have.
    Malformed,
    /// It contradicts what is committed.
    ContradictsCommitted,
    /// A number so high that no run could reach it.
    Absurd,
}

impl fmt::Display for RoleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Follower => "follower",
            Self::Candidate => "candidate",
            Self::Leader => "leader",
        })
    }
}

impl Wire for Observation {
    fn encode<S: Sink>(&self, sink: &mut S) {
        let fields: [u64; 6] = match *self {
            Self::Recovered { term, vote, last, hash, torn_bytes } => {
                sink.u64(vote.map_or(0, |node| 1 + node.0));
                [0, term.0, last.term.0, last.index.0, hash, torn_bytes]
            }
            Self::TermAdopted { term } => [1, term.0, 0, 0, 0, 0],
            Self::RoleChanged { term, role } => [2, term.0, role as u64, 0, 0, 0],
            Self::Voted { term, candidate } => [3, term.0, candidate.0, 0, 0, 0],
            Self::Appended { id, hash } => [4, id.term.0, id.index.0, hash, 0, 0],
            Self::Truncated { last, from } => [5, last.0, from.0, 0, 0, 0],
            Self::Committed { term, index } => [6, term.0, index.0, 0, 0, 0],
            Self::Applied { index, digest } => [7, index.0, digest, 0, 0, 0],
            Self::SessionApplied { index, session, sequence } => [8, index.0, session.0, sequence, 0, 0],
            Self::SessionDeduplicated { index, session, sequence } => [9, index.0, session.0, sequence, 0, 0],
            Self::ReadsServed { round, index } => [10, round, index.0, 0, 0, 0],
            Self::Refused { reason } => [11, reason as u64, 0, 0, 0, 0],
            Self::Busy => [12, 0, 0, 0, 0, 0],
        };
        for field in fields.into_iter().take(self.width()) {
            sink.u64(field);
        }
    }
}

impl Observation {
    /// How many integers the encoding has, so that the common ones stay short.
    const fn width(&self) -> usize {
        match self {
            Self::Recovered { .. } => 6,
            Self::Appended { .. } | Self::SessionApplied { .. } | Self::SessionDeduplicated { .. } => 4,
            Self::RoleChanged { .. }
            | Self::Voted { .. }
            | Self::Truncated { .. }
            | Self::Committed { .. }
            | Self::Applied { .. }
            | Self::ReadsServed { .. } => 3,
            Self::TermAdopted { .. } | Self::Refused { .. } => 2,
            Self::Busy => 1,
        }
    }
}
