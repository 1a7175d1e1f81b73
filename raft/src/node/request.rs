//! What clients ask of a node, and what they are told.
//!
//! Three kinds of answers: it happened, it surely did not happen, or nobody can tell
//! ([`Reply::Unknown`]). They are never mixed up, because clients act on the difference.

use bytes::Bytes;

use crate::applier::Outcome;
use crate::core::RequestError;
use crate::types::{LogIndex, NodeId, SessionId};
use crate::wire::{Sink, Wire};

/// A client's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Open a session.
    Register,
    /// Apply a command exactly once, however often it is sent.
    Command {
        /// The session that was registered.
        session: SessionId,
        /// Which of its commands; repetitions carry the same number.
        sequence: u64,
        /// The lowest number whose answer is still awaited.
        first_outstanding: u64,
        /// For the state machine.
        command: Bytes,
    },
    /// Read what is linearizable now.
    Query {
        /// For the state machine.
        query: Bytes,
    },
    /// An operator's: campaign now instead of when the time has come, with a pre-vote if that
    /// is on. A leader that is well is never disturbed by it; moving a leadership is another
    /// matter.
    Campaign,
}

/// A node's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The session is open.
    Registered {
        /// Its id.
        session: SessionId,
    },
    /// The command took effect, now or when it was sent before.
    Applied {
        /// Where in the log this answer comes from.
        index: LogIndex,
        /// The state machine's answer.
        output: Bytes,
    },
    /// The answer to a query.
    Answered {
        /// The state that was asked.
        applied: LogIndex,
        /// The state machine's answer.
        output: Bytes,
    },
    /// It had no effect and never will have.
    Refused(Refused),
    /// It may have taken effect, or may still do so: leadership was lost. Ask again with
    /// the same number to find out.
    Unknown,
    /// The session is gone; whether the command took effect before cannot be told.
    SessionExpired,
    /// The client had said that it needs this answer no more.
    Forgotten,
    /// The node campaigns. Whether it wins is another question.
    Campaigning,
}

/// Why a request surely had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Somebody else leads, perhaps.
    NotLeader {
        /// Who, as far as is known.
        leader: Option<NodeId>,
    },
    /// A limit is reached.
    Busy,
    /// The command exceeds the limit.
    TooLarge,
    /// The node is still reading its disk, or has stopped.
    NotReady,
    /// The node leads, hears a leader, was started a moment ago, has no vote, or its disk is stalled.
    MayNotCampaign,
}

impl From<RequestError> for Refused {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::NotLeader { leader } => Self::NotLeader { leader },
            RequestError::Busy => Self::Busy,
            RequestError::TooLarge => Self::TooLarge,
            RequestError::MayNotCampaign => Self::MayNotCampaign,
        }
    }
}

impl Reply {
    /// What the proposer of an entry is told.
    #[must_use]
    pub fn from_outcome(index: LogIndex, outcome: Outcome) -> Self {
        match outcome {
            Outcome::Registered { session } => Self::Registered { session },
            Outcome::Applied { output, .. } | Outcome::Repeated { output: Some(output), .. } => Self::Applied { index, output },
            Outcome::Repeated { output: None, .. } | Outcome::Internal => Self::Forgotten,
            Outcome::SessionExpired { .. } => Self::SessionExpired,
        }
    }
}

impl Wire for Request {
    fn encode<S: Sink>(&self, sink: &mut S) {
        match self {
            Self::Register => sink.u64(0),
            Self::Command { session, sequence, first_outstanding, command } => {
                sink.u64(1);
                sink.u64(session.0);
                sink.u64(*sequence);
                sink.u64(*first_outstanding);
                sink.bytes(command);
            }
            Self::Query { query } => {
                sink.u64(2);
                sink.bytes(query);
            }
            Self::Campaign => sink.u64(3),
        }
    }
}

impl Wire for Reply {
    fn encode<S: Sink>(&self, sink: &mut S) {
        match self {
            Self::Registered { session } => {
                sink.u64(0);
                sink.u64(session.0);
            }
            Self::Applied { index, output } => {
                sink.u64(1);
                sink.u64(index.0);
                sink.bytes(output);
            }
            Self::Answered { applied, output } => {
                sink.u64(2);
                sink.u64(applied.0);
                sink.bytes(output);
            }
            Self::Refused(Refused::NotLeader { leader }) => {
                sink.u64(3);
                sink.u64(leader.map_or(0, |node| node.0.wrapping_add(1)));
            }
            Self::Refused(Refused::Busy) => sink.u64(4),
            Self::Refused(Refused::TooLarge) => sink.u64(5),
            Self::Refused(Refused::NotReady) => sink.u64(6),
            Self::Unknown => sink.u64(7),
            Self::SessionExpired => sink.u64(8),
            Self::Forgotten => sink.u64(9),
            Self::Campaigning => sink.u64(10),
            Self::Refused(Refused::MayNotCampaign) => sink.u64(11),
        }
    }
}
