//! The neutral vocabulary: what a Raft node did, in plain integers.
//!
//! Whoever judges a system maps its events to these. They need one order in which a cause
//! comes before its effect; nothing here knows where they came from. Read next:
//! [`super::RaftChecker`].

use std::fmt;

/// A node's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Follows, or waits to.
    Follower,
    /// Campaigns.
    Candidate,
    /// Leads.
    Leader,
}

/// One thing that a node did, or that was done to its disk.
///
/// A *hash* of the log at an index covers every entry up to it, so that two logs with one
/// hash at an index are equal up to it; 0 stands for the empty log.
///
/// The *promised image* of a node is what a completed sync has said to be durable. It is
/// told by the three `Durable..` observations, one for each `Append`, `Truncate` and change
/// of term or vote, in the order of the writes. As syncs complete in that order, any of
/// them also says that what was recovered at this boot is durable now. A recovery that
/// syncs either tells before `Started` what that made durable, or repeats the recovered
/// term and vote as a `DurableVote` after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Observation {
    /// A node has read its disk after a boot, and starts from this.
    Started {
        /// Which node.
        node: u64,
        /// Which of its boots.
        boot: u64,
        /// The recovered term.
        term: u64,
        /// The recovered vote in that term.
        vote: Option<u64>,
        /// Last index of the recovered log.
        last_index: u64,
        /// Hash of the recovered log.
        last_hash: u64,
    },
    /// A node has read its disk after a boot, and some of what it holds is damaged: where the log ends is known, and what
    /// is in it is not. Until the next start nothing that it says of its log in memory is judged.
    StartedDamaged {
        /// Which node.
        node: u64,
        /// Which of its boots.
        boot: u64,
        /// The recovered term.
        term: u64,
        /// The recovered vote in that term.
        vote: Option<u64>,
        /// Last index of the recovered log.
        last_index: u64,
    },
    /// A node crashed or was stopped; its memory is gone.
    Stopped {
        /// Which node.
        node: u64,
    },
    /// A term was adopted.
    Term {
        /// By which node.
        node: u64,
        /// The term.
        term: u64,
    },
    /// The role changed.
    Role {
        /// Of which node.
        node: u64,
        /// In which term.
        term: u64,
        /// To what.
        role: Role,
    },
    /// A vote was decided, in memory so far.
    Vote {
        /// By which node.
        node: u64,
        /// In which term.
        term: u64,
        /// For whom; oneself as a candidate.
        candidate: u64,
    },
    /// The log in memory grew by one entry.
    Append {
        /// Of which node.
        node: u64,
        /// The entry's index.
        index: u64,
        /// The entry's term.
        term: u64,
        /// Hash of the log up to it.
        hash: u64,
    },
    /// The log in memory was cut.
    Truncate {
        /// Of which node.
        node: u64,
        /// Where it ends now.
        last_index: u64,
    },
    /// The commit index rose.
    Commit {
        /// Of which node.
        node: u64,
        /// The node's present term.
        term: u64,
        /// The commit index.
        index: u64,
    },
    /// An entry was applied.
    Apply {
        /// By which node.
        node: u64,
        /// The entry's index.
        index: u64,
        /// Digest of the whole state behind it.
        digest: u64,
    },
    /// A session's command took effect, and was not answered from the cache.
    SessionApply {
        /// On which node.
        node: u64,
        /// At which index.
        index: u64,
        /// Whose command.
        session: u64,
        /// Which of its commands.
        sequence: u64,
    },
    /// The promised image grew by one entry.
    DurableAppend {
        /// Of which node.
        node: u64,
        /// The entry's index.
        index: u64,
        /// The entry's term.
        term: u64,
        /// Hash of the log up to it.
        hash: u64,
    },
    /// The promised image was cut.
    DurableTruncate {
        /// Of which node.
        node: u64,
        /// Where it ends now.
        last_index: u64,
    },
    /// The promised image holds this term and vote.
    DurableVote {
        /// Of which node.
        node: u64,
        /// The term.
        term: u64,
        /// The vote in it.
        vote: Option<u64>,
    },
    /// A granted vote, or one's own candidacy, left the node.
    VoteSent {
        /// Which node.
        node: u64,
        /// In which term.
        term: u64,
        /// For whom.
        candidate: u64,
    },
    /// An acknowledgement left the node: its log durably equals the leader's up to an index.
    AckSent {
        /// Which node.
        node: u64,
        /// In which term.
        term: u64,
        /// Up to which index.
        index: u64,
    },
}

impl Observation {
    /// The node that it is about.
    #[must_use]
    #[inline]
    pub const fn node(&self) -> u64 {
        match *self {
            Self::Started { node, .. }
            | Self::StartedDamaged { node, .. }
            | Self::Stopped { node }
            | Self::Term { node, .. }
            | Self::Role { node, .. }
            | Self::Vote { node, .. }
            | Self::Append { node, .. }
            | Self::Truncate { node, .. }
            | Self::Commit { node, .. }
            | Self::Apply { node, .. }
            | Self::SessionApply { node, .. }
            | Self::DurableAppend { node, .. }
            | Self::DurableTruncate { node, .. }
            | Self::DurableVote { node, .. }
            | Self::VoteSent { node, .. }
            | Self::AckSent { node, .. } => node,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Follower => "follower",
            Self::Candidate => "candidate",
            Self::Leader => "leader",
        })
    }
}

/// A vote in words.
struct Voted(Option<u64>);

impl fmt::Display for Voted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(candidate) => write!(f, "a vote for node {candidate}"),
            None => f.write_str("no vote"),
        }
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Started { node, boot, term, vote, last_index, last_hash } => write!(
                f,
                "node {node} started boot {boot} in term {term} with {} and a log up to index {last_index} (hash {last_hash:016x})",
                Voted(vote)
            ),
            Self::StartedDamaged { node, boot, term, vote, last_index } => write!(
                f,
                "node {node} started boot {boot} in term {term} with {} and a damaged log up to index {last_index}",
                Voted(vote)
            ),
            Self::Stopped { node } => write!(f, "node {node} stopped"),
            Self::Term { node, term } => write!(f, "node {node} adopted term {term}"),
            Self::Role { node, term, role } => write!(f, "node {node} became {role} in term {term}"),
            Self::Vote { node, term, candidate } => write!(f, "node {node} voted for node {candidate} in term {term}"),
            Self::Append { node, index, term, hash } => {
                write!(f, "node {node} appended index {index} of term {term} (hash {hash:016x})")
            }
            Self::Truncate { node, last_index } => write!(f, "node {node} cut its log behind index {last_index}"),
            Self::Commit { node, term, index } => write!(f, "node {node} committed up to index {index} in term {term}"),
            Self::Apply { node, index, digest } => write!(f, "node {node} applied index {index} (digest {digest:016x})"),
            Self::SessionApply { node, index, session, sequence } => {
                write!(f, "command {sequence} of session {session} took effect at index {index} on node {node}")
            }
            Self::DurableAppend { node, index, term, hash } => {
                write!(f, "the disk of node {node} promised index {index} of term {term} (hash {hash:016x})")
            }
            Self::DurableTruncate { node, last_index } => {
                write!(f, "the disk of node {node} promised the cut behind index {last_index}")
            }
            Self::DurableVote { node, term, vote } => {
                write!(f, "the disk of node {node} promised term {term} with {}", Voted(vote))
            }
            Self::VoteSent { node, term, candidate } => {
                write!(f, "a vote of node {node} for node {candidate} in term {term} left it")
            }
            Self::AckSent { node, term, index } => {
                write!(f, "an acknowledgement of node {node} up to index {index} in term {term} left it")
            }
        }
    }
}
