//! What a command caused, as values: the only thing that a story's snapshot is made of.
//!
//! Not here: their text ([`super::render`]).

use squall_raft::core::RequestError;
use squall_raft::entry::{HardState, Persist};
use squall_raft::message::Message;
use squall_raft::observation::Observation;
use squall_raft::process::RequestId;
use squall_raft::types::{IoId, LogId, LogIndex, NodeId};

/// One consequence.
#[derive(Clone, Debug)]
pub enum Event {
    /// A message reached its receiver.
    Arrived(Message),
    /// A message went lost: on the way, or because nobody was there.
    Lost(Message),
    /// A message was copied.
    Doubled(Message),
    /// A message left its sender.
    Sent(Message),
    /// A message waits until something is durable.
    Held(Message, IoId),
    /// A node wrote to its stream.
    Written(NodeId, IoId, Persist),
    /// A node's stream is durable up to here.
    Durable(NodeId, IoId),
    /// A node reported something.
    Observed(NodeId, Observation),
    /// A node wants a payload that it has only on its disk.
    Wanted(NodeId, LogId),
    /// A proposal got its place.
    Proposed(NodeId, RequestId, LogId),
    /// A read may be answered once this index is applied.
    ReadReady(NodeId, RequestId, LogIndex),
    /// A node obeys an order to campaign.
    Campaigning(NodeId, RequestId),
    /// A proposal was passed on to the leader.
    Forwarded(NodeId, RequestId),
    /// A request had no effect.
    Refused(NodeId, RequestId, RequestError),
    /// A node stopped; this many writes were lost with it, and this many messages.
    Crashed(NodeId, usize, usize),
    /// A node started from this.
    Started(NodeId, HardState, LogId),
}

impl Event {
    /// Whether it is about what nodes decided, not how they told each other.
    pub const fn is_decision(&self) -> bool {
        matches!(
            self,
            Self::Observed(..)
                | Self::Proposed(..)
                | Self::ReadReady(..)
                | Self::Campaigning(..)
                | Self::Forwarded(..)
                | Self::Refused(..)
        )
    }
}
