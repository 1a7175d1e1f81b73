//! What goes into the core and what comes out of it, as values.
//!
//! Not here: what is done with them ([`super::Core`], and whoever drives it).

use bytes::Bytes;

use crate::entry::{HardState, Persist, StoredEntry};
use crate::log_view::LogView;
use crate::message::Message;
use crate::observation::Observation;
use crate::process::RequestId;
use crate::types::{IoId, LogId, LogIndex, NodeId};

/// What can happen to the core.
#[derive(Clone, Debug)]
pub enum Input {
    /// The deadline has come.
    Timer,
    /// A peer's message; `from` is what the transport believes.
    Message {
        /// The sending peer.
        from: NodeId,
        /// What it said.
        message: Message,
    },
    /// Clients want commands in the log.
    Propose(Proposals),
    /// A client wants to read what is linearizable now.
    Read {
        /// Names the outcome.
        ticket: RequestId,
    },
    /// An operator wants this node to campaign now instead of when its time has come.
    Campaign {
        /// Names the outcome.
        ticket: RequestId,
    },
    /// Everything up to this id is durable.
    Durable(IoId),
    /// Entries that were read back from the store, consecutive ones; at least the one that was asked for, unless it is no longer in
    /// the log.
    Fetched(Vec<StoredEntry>),
    /// Nothing more will become durable in this boot. The last input: a leader gives way at once, so that those who wait
    /// for it are told before the node stops.
    DiskFailed,
}

/// A command that a client wants in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Names the outcome.
    pub ticket: RequestId,
    /// The command, as the applier will get it.
    pub command: Bytes,
    /// Whether it may be passed on if somebody else leads and forwarding is on.
    pub may_forward: bool,
}

/// Proposals that came together. Each has an outcome of its own, the one that it would have had
/// if they had come one by one; what differs is that those that find a place are written and
/// sent together.
#[derive(Clone, Debug)]
pub enum Proposals {
    /// A batch of one, for which nothing is allocated.
    One(Proposal),
    /// Any number, in this order.
    Many(Vec<Proposal>),
}

impl Proposals {
    /// All of them.
    pub fn as_mut_slice(&mut self) -> &mut [Proposal] {
        match self {
            Self::One(one) => std::slice::from_mut(one),
            Self::Many(many) => many,
        }
    }
}

impl From<Proposal> for Proposals {
    fn from(one: Proposal) -> Self {
        Self::One(one)
    }
}

/// What the core wants done, in this order.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Write to the persistent stream.
    Persist {
        /// Its number.
        id: IoId,
        /// What.
        what: Persist,
    },
    /// Send a message, once everything up to `after` is durable.
    Send {
        /// What, and to whom.
        message: Message,
        /// What it promises; [`IoId::NOTHING`]: nothing persistent.
        after: IoId,
    },
    /// Read an entry back from the store, with as many behind it as come along. To be answered by [`Input::Fetched`], some
    /// time; asked for again until then, so to be done once.
    Fetch {
        /// Which; its payload is not in memory.
        id: LogId,
    },
    /// A proposal got its place in the log. Its outcome is open until it is applied.
    Proposed {
        /// Which.
        ticket: RequestId,
        /// Where.
        id: LogId,
    },
    /// A read may be answered from a state that has applied `index`.
    ReadReady {
        /// Which.
        ticket: RequestId,
        /// From this index on.
        index: LogIndex,
    },
    /// The node campaigns because it was told to. Whether it wins is open.
    Campaigning {
        /// Which request.
        ticket: RequestId,
    },
    /// A proposal was passed on to the leader, once. Its outcome is open; it shows when this node applies it.
    Forwarded {
        /// Which.
        ticket: RequestId,
    },
    /// A request had no effect and never will have.
    Refused {
        /// Which.
        ticket: RequestId,
        /// Why.
        why: RequestError,
    },
    /// Tell observers.
    Observe(Observation),
}

// What is larger is not moved in registers but by a call.
const _: () = assert!(size_of::<Effect>() <= 128);

/// Where the core puts its effects, in order.
///
/// A vector keeps them as values, which is what tests want; a driver that carries each out
/// as it comes saves two moves of every message.
pub trait Output {
    /// Takes the next effect.
    fn push(&mut self, effect: Effect);
}

impl Output for Vec<Effect> {
    fn push(&mut self, effect: Effect) {
        Self::push(self, effect);
    }
}

/// Why a request was turned away. In each case it surely had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Somebody else leads, perhaps.
    #[error("not the leader")]
    NotLeader {
        /// Who, as far as is known.
        leader: Option<NodeId>,
    },
    /// A limit is reached; try again later.
    #[error("busy")]
    Busy,
    /// The command is larger than the limit.
    #[error("command too large")]
    TooLarge,
    /// The node leads, hears a leader, was started a moment ago, has no vote, or its disk is stalled.
    #[error("may not campaign now")]
    MayNotCampaign,
}

/// What a core starts from.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// Durable term and vote.
    pub hard_state: HardState,
    /// The durable log.
    pub log: LogView,
}
