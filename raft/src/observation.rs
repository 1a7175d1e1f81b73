//! What a node reports about itself: typed events for observers, checkers, metrics and traces.
//!
//! They are never log text, and they change nothing in the node.
//! Read next: [`crate::core`], which makes most of them.

use std::fmt;

use crate::limit::Limit;
use crate::types::{LogId, LogIndex, NodeId, SessionId, Term};
use crate::wire::{Sink, Wire, tagged, tagged_pair, tagged_pair_with};

/// One thing that happened inside a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// As wide as the words behind it, for the reason given at `message::Body`.
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
        /// The session's command that took effect with it: whose, and which of its commands.
        command: Option<(SessionId, u64)>,
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
    /// A limit begins to bind: it turns requests away, or holds entries back.
    LimitBound {
        /// Which.
        limit: Limit,
    },
    /// A leader has heard from no quorum for an election timeout, and steps down.
    QuorumLost {
        /// The term that it led, and stays in.
        term: Term,
    },
    /// A leader's own disk has owed something for too long; it steps down.
    LeaderDiskStalled {
        /// The term that it led, and stays in.
        term: Term,
    },
    /// It was time to campaign, and the node's own disk is stalled.
    CampaignWithheld {
        /// Its term.
        term: Term,
    },
    /// A command that this node had passed on to its leader was applied; whoever asked for it is answered.
    ForwardSettled {
        /// Where.
        index: LogIndex,
    },
    /// Proposals that had come together were written and sent together.
    Batched {
        /// The first one's place.
        first: LogIndex,
        /// The last one's.
        last: LogIndex,
    },
    /// Entries were read back from the log's store, whole or not.
    Fetched {
        /// The first one's place.
        first: LogIndex,
        /// The last one's.
        last: LogIndex,
    },
    /// An entry that was durable is lost: it was read back, twice, and is not what was written.
    RotFound {
        /// Which.
        id: LogId,
    },
    /// An operator made the node campaign.
    CampaignOrdered {
        /// Its term before.
        term: Term,
    },
}

/// A role without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleKind {
    /// Follows, or waits to.
    Follower,
    /// Asks whether it could win, in the term in which it is.
    PreCandidate,
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
    /// A request for a vote while the present leader is well; not even its term counts.
    LeaderIsAlive,
    /// A request for a vote that came so soon after the start that the node may have heard a
    /// leader just before; not even its term counts.
    JustStarted,
    /// A command that somebody passed on to a node which does not lead. It is dropped.
    NotLeader,
}

impl fmt::Display for RoleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Follower => "follower",
            Self::PreCandidate => "pre-candidate",
            Self::Candidate => "candidate",
            Self::Leader => "leader",
        })
    }
}

impl Wire for Observation {
    #[inline(always)] // One trace calls it, at one place.
    fn encode<S: Sink>(&self, sink: &mut S) {
        match *self {
            Self::Recovered { term, vote, last, hash, torn_bytes } => {
                tagged(sink, 0, vote.map_or(0, |node| 1 + node.0));
                [term.0, last.term.0, last.index.0, hash, torn_bytes].into_iter().for_each(|word| sink.u64(word));
            }
            Self::TermAdopted { term } => tagged(sink, 1, term.0),
            Self::RoleChanged { term, role } => tagged_pair(sink, 2, term.0, role as u64),
            Self::Voted { term, candidate } => tagged_pair(sink, 3, term.0, candidate.0),
            Self::Appended { id, hash } => tagged_pair_with(sink, 4, id.term.0, id.index.0, hash),
            Self::Truncated { last, from } => tagged_pair(sink, 5, last.0, from.0),
            Self::Committed { term, index } => tagged_pair(sink, 6, term.0, index.0),
            Self::Applied { index, digest, command: None } => {
                tagged(sink, 7, index.0);
                sink.u64(digest);
            }
            Self::Applied { index, digest, command: Some((session, sequence)) } => {
                tagged_pair_with(sink, 8, index.0, session.0, digest);
                sink.u64(sequence);
            }
            Self::SessionDeduplicated { index, session, sequence } => {
                tagged_pair(sink, 9, index.0, session.0);
                sink.u64(sequence);
            }
            Self::ReadsServed { round, index } => tagged_pair(sink, 10, round, index.0),
            Self::Refused { reason } => tagged(sink, 11, reason as u64),
            Self::Busy => tagged(sink, 12, 0),
            Self::QuorumLost { term } => tagged(sink, 13, term.0),
            Self::CampaignOrdered { term } => tagged(sink, 14, term.0),
            Self::LeaderDiskStalled { term } => tagged(sink, 15, term.0),
            Self::CampaignWithheld { term } => tagged(sink, 16, term.0),
            Self::LimitBound { limit } => tagged(sink, 17, limit as u64),
            Self::ForwardSettled { index } => tagged(sink, 18, index.0),
            Self::Batched { first, last } => tagged_pair(sink, 19, first.0, last.0),
            Self::Fetched { first, last } => tagged_pair(sink, 20, first.0, last.0),
            Self::RotFound { id } => tagged_pair(sink, 21, id.term.0, id.index.0),
        }
    }
}
