//! What members of a cluster say to each other: an envelope that never changes shape, and a body.
//!
//! Not here: what a member does on hearing it ([`crate::core`]); bytes on a socket.

use bytes::Bytes;

use crate::entry::Entries;
use crate::process::{Label, Lane, MessageLabel};
use crate::types::{BootNumber, ClusterId, LogId, LogIndex, Peer, Term};
use crate::wire::{Sink, Wire, tagged, tagged_pair, tagged_pairs};

/// One message between two members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who, to whom, and in which context.
    pub envelope: Envelope,
    /// What.
    pub body: Body,
}

/// What every message carries, so that a stale one can be told by looking at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Messages of other clusters are refused.
    pub cluster: ClusterId,
    /// The sender, in its present life.
    pub from: Peer,
    /// The receiver, in the life that the sender knows.
    pub to: Peer,
    /// The sender's term.
    pub term: Term,
    /// The sender's boot.
    pub boot: BootNumber,
    /// The leader's replication session with this follower; echoed in answers. A leader
    /// opens a new one when it starts over, and answers of older ones steer nothing.
    pub session: u32,
    /// The leader's latest heartbeat round; echoed in answers, which confirm the
    /// leadership for every read that waited for this round or an earlier one.
    pub round: u64,
}

/// The message proper.
#[derive(Clone, Debug, PartialEq, Eq)]
// A narrower tag would share its word with the small fields of some kinds; each move then copies the
// word in pieces and waits for them (3 to 4 % of a run, together with `Observation`).
#[repr(u64)]
pub enum Body {
    /// Whoever wants to campaign asks whether it would get the vote (thesis, §9.6). Nothing is
    /// promised and nothing written, on neither side.
    RequestPreVote {
        /// The term of the election that it would hold; the envelope has its present one.
        proposed: Term,
        /// Its last entry.
        last: LogId,
    },
    /// The answer.
    PreVote {
        /// The term that was asked about, so that no answer counts for another election.
        proposed: Term,
        /// Whether the vote would be the asker's.
        granted: bool,
    },
    /// A candidate asks for a vote (paper, §5.2).
    RequestVote {
        /// The candidate's last entry (§5.4.1).
        last: LogId,
    },
    /// The answer.
    Vote {
        /// Whether the vote is the candidate's.
        granted: bool,
    },
    /// The leader hands over entries (§5.3).
    Append {
        /// The entry just before them.
        prev: LogId,
        /// The entries; may be empty while probing.
        entries: Entries,
        /// The leader's commit index.
        commit: LogIndex,
    },
    /// The follower's log equals the leader's up to `matched`, durably.
    Appended {
        /// Last index that is equal and durable.
        matched: LogIndex,
    },
    /// The follower does not hold `prev`.
    Rejected {
        /// The refused append's `prev.index`.
        prev: LogIndex,
        /// The follower's last entry that can possibly equal the leader's there: the
        /// largest id at or before `prev` whose term is not above `prev`'s.
        hint: LogId,
    },
    /// A follower passes a client's command on to its leader. Whoever gets it leads, or drops it:
    /// it travels once. What becomes of it the sender sees when it applies the command itself.
    Forward {
        /// The command, as the applier will get it.
        command: Bytes,
    },
    /// The leader lives.
    Heartbeat {
        /// What the follower may commit: `min(commit, matched)`, so that it never covers
        /// an entry that the follower might hold in another version.
        commit: LogIndex,
    },
    /// The follower heard it.
    HeartbeatAck {
        /// Last index at which its log, durable or not, equals this leader's. Shows lost
        /// appends; never counted towards a commit.
        tail: LogIndex,
        /// Last index that is equal and durable, as in [`Body::Appended`]: makes good for
        /// an acknowledgement that was lost.
        matched: LogIndex,
    },
}

impl Body {
    /// The name of the kind, as tapes and traces write it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::RequestPreVote { .. } => "request-pre-vote",
            Self::PreVote { .. } => "pre-vote",
            Self::RequestVote { .. } => "request-vote",
            Self::Vote { .. } => "vote",
            Self::Append { .. } => "append",
            Self::Appended { .. } => "appended",
            Self::Rejected { .. } => "rejected",
            Self::Forward { .. } => "forward",
            Self::Heartbeat { .. } => "heartbeat",
            Self::HeartbeatAck { .. } => "heartbeat-ack",
        }
    }

    /// The lowest term in which it can be said: before the first election there are only
    /// those who ask whether they might hold it.
    #[must_use]
    pub const fn first_term(&self) -> Term {
        match self {
            Self::RequestPreVote { .. } | Self::PreVote { .. } => Term(0),
            _ => Term(1),
        }
    }

    fn last_index(&self) -> LogIndex {
        match self {
            Self::RequestPreVote { last, .. } | Self::RequestVote { last } => last.index,
            Self::PreVote { .. } | Self::Vote { .. } | Self::Forward { .. } => LogIndex(0),
            Self::Append { prev, entries, .. } => entries.last().map_or(prev.index, |entry| entry.id.index),
            Self::Appended { matched } => *matched,
            Self::Rejected { prev, .. } => *prev,
            Self::Heartbeat { commit } => *commit,
            Self::HeartbeatAck { tail, .. } => *tail,
        }
    }
}

impl Label for Message {
    fn label(&self) -> MessageLabel {
        MessageLabel { kind: self.body.kind(), term: self.envelope.term.0, last_index: self.body.last_index().0 }
    }

    fn lane(&self) -> Lane {
        match &self.body {
            Body::Append { entries, .. } if !entries.is_empty() => Lane::Bulk,
            Body::Forward { .. } => Lane::Bulk,
            _ => Lane::Control,
        }
    }
}

impl Wire for Envelope {
    #[inline(always)] // One trace calls it, at one place.
    fn encode<S: Sink>(&self, sink: &mut S) {
        let incarnations = u64::from(self.from.incarnation.0) << 32 | u64::from(self.to.incarnation.0);
        sink.pair(self.cluster.0, u64::from(self.boot.0) << 32 | u64::from(self.session));
        let parties = (u64::from(incarnations != 0), self.from.node.0, self.to.node.0);
        tagged_pairs(sink, parties, (0, self.term.0, self.round));
        if incarnations != 0 {
            sink.u64(incarnations);
        }
    }
}

impl Wire for Message {
    #[inline(always)] // One trace calls it, at one place.
    fn encode<S: Sink>(&self, sink: &mut S) {
        self.envelope.encode(sink);
        match &self.body {
            Body::RequestVote { last } => tagged_pair(sink, 0, last.term.0, last.index.0),
            Body::Vote { granted } => tagged(sink, 1, u64::from(*granted)),
            Body::Append { prev, entries, commit } => {
                tagged_pairs(sink, (2, prev.term.0, prev.index.0), (0, commit.0, entries.len() as u64));
                for entry in entries.iter() {
                    entry.encode(sink);
                }
            }
            Body::Appended { matched } => tagged(sink, 3, matched.0),
            Body::Rejected { prev, hint } => {
                tagged(sink, 4, prev.0);
                hint.encode(sink);
            }
            Body::Heartbeat { commit } => tagged(sink, 5, commit.0),
            Body::HeartbeatAck { tail, matched } => tagged_pair(sink, 6, tail.0, matched.0),
            Body::RequestPreVote { proposed, last } => {
                tagged(sink, 7, proposed.0);
                last.encode(sink);
            }
            Body::PreVote { proposed, granted } => tagged_pair(sink, 8, proposed.0, u64::from(*granted)),
            Body::Forward { command } => {
                tagged(sink, 9, command.len() as u64);
                sink.bytes(command);
            }
        }
    }
}
