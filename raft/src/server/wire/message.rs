//! Messages between members.
//!
//! Not here: whether a message fits the receiver's state, term or log ([`crate::core`]).
//! Read next: `client`.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;

use crate::entry::{Entries, Entry, Payload};
use crate::membership::{Configuration, ConfigurationError};
use crate::message::{Body, Envelope, Message};
use crate::types::{BootNumber, ClusterId, Incarnation, LogId, LogIndex, NodeId, Peer, Term};

use super::{Nothing, WireError, invalid, narrow, present, scan};

/// Entries in one message. More are refused before anything is allocated for them.
pub const ENTRIES_MAX: usize = 1 << 16;

/// Members in one set of a configuration.
pub const MEMBERS_MAX: usize = 1 << 12;

/// Bytes that an entry takes at most besides its client's command.
pub const ENTRY_BYTES: u64 = 64;

/// Bytes that a message takes at most besides its entries.
pub const ENVELOPE_BYTES: u64 = 256;

/// Where a message has its entries: the number of [`Said::Append`], that of [`AppendMirror::entries`].
const ENTRIES: [u64; 2] = [10, 4];

/// Flat, because nested messages cost a length each, to write and to read.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::server) struct MessageMirror {
    /// Fixed, because clusters have random numbers: as varints most would take ten bytes.
    #[prost(fixed64, optional, tag = "1")]
    cluster: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    from_node: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    from_incarnation: Option<u64>,
    #[prost(uint64, optional, tag = "4")]
    to_node: Option<u64>,
    #[prost(uint64, optional, tag = "5")]
    to_incarnation: Option<u64>,
    #[prost(uint64, optional, tag = "6")]
    term: Option<u64>,
    #[prost(uint64, optional, tag = "7")]
    boot: Option<u64>,
    #[prost(uint64, optional, tag = "8")]
    session: Option<u64>,
    #[prost(uint64, optional, tag = "9")]
    round: Option<u64>,
    #[prost(oneof = "Said", tags = "10, 11, 12, 13, 14, 15, 16, 17, 18, 19")]
    said: Option<Said>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Said {
    #[prost(message, tag = "10")]
    Append(AppendMirror),
    /// Last index that is equal and durable.
    #[prost(uint64, tag = "11")]
    Appended(u64),
    /// What may be committed.
    #[prost(uint64, tag = "12")]
    Heartbeat(u64),
    #[prost(message, tag = "13")]
    HeartbeatAck(HeartbeatAckMirror),
    #[prost(message, tag = "14")]
    Rejected(RejectedMirror),
    /// Whether the vote is granted.
    #[prost(bool, tag = "15")]
    Vote(bool),
    /// The candidate's last entry.
    #[prost(message, tag = "16")]
    RequestVote(LogIdMirror),
    #[prost(message, tag = "17")]
    RequestPreVote(RequestPreVoteMirror),
    #[prost(message, tag = "18")]
    PreVote(PreVoteMirror),
    /// A client's command.
    #[prost(bytes = "bytes", tag = "19")]
    Forward(Bytes),
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct RequestPreVoteMirror {
    #[prost(uint64, optional, tag = "1")]
    proposed: Option<u64>,
    #[prost(message, optional, tag = "2")]
    last: Option<LogIdMirror>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct PreVoteMirror {
    #[prost(uint64, optional, tag = "1")]
    proposed: Option<u64>,
    #[prost(bool, optional, tag = "2")]
    granted: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AppendMirror {
    #[prost(uint64, optional, tag = "1")]
    prev_term: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    prev_index: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    commit: Option<u64>,
    #[prost(message, repeated, tag = "4")]
    entries: Vec<EntryMirror>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct RejectedMirror {
    #[prost(uint64, optional, tag = "1")]
    prev: Option<u64>,
    #[prost(message, optional, tag = "2")]
    hint: Option<LogIdMirror>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct HeartbeatAckMirror {
    #[prost(uint64, optional, tag = "1")]
    tail: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    matched: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct EntryMirror {
    #[prost(uint64, optional, tag = "1")]
    term: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    index: Option<u64>,
    #[prost(oneof = "Carried", tags = "3, 4, 5")]
    payload: Option<Carried>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Carried {
    #[prost(message, tag = "3")]
    Noop(Nothing),
    #[prost(bytes = "bytes", tag = "4")]
    Command(Bytes),
    /// Boxed, because it is rare and every entry would be as large as it.
    #[prost(message, boxed, tag = "5")]
    Configuration(Box<ConfigurationMirror>),
}

#[derive(Clone, PartialEq, prost::Message)]
struct ConfigurationMirror {
    #[prost(uint64, repeated, tag = "1")]
    voters: Vec<u64>,
    #[prost(uint64, repeated, tag = "2")]
    outgoing: Vec<u64>,
    #[prost(uint64, repeated, tag = "3")]
    learners: Vec<u64>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct LogIdMirror {
    #[prost(uint64, optional, tag = "1")]
    term: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    index: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct PeerMirror {
    #[prost(uint64, optional, tag = "1")]
    node: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    incarnation: Option<u64>,
}

/// Decodes a message, unless it has so many entries that their mirrors alone would be a burden.
pub(in crate::server) fn decode_message(payload: impl super::Payload) -> Result<Message, WireError> {
    // An entry takes two bytes at least.
    let entries = if payload.remaining() <= 2 * ENTRIES_MAX { 0 } else { scan::count(payload.as_ref(), &ENTRIES) };
    if entries > ENTRIES_MAX {
        return Err(invalid("message.append.entries", entries as u64, format!("at most {ENTRIES_MAX}")));
    }
    MessageMirror::decode(payload)?.try_into()
}

impl From<&Message> for MessageMirror {
    fn from(message: &Message) -> Self {
        let Envelope { cluster, from, to, term, boot, session, round } = message.envelope;
        Self {
            cluster: Some(cluster.0),
            from_node: Some(from.node.0),
            from_incarnation: Some(from.incarnation.0.into()),
            to_node: Some(to.node.0),
            to_incarnation: Some(to.incarnation.0.into()),
            term: Some(term.0),
            boot: Some(boot.0.into()),
            session: Some(session.into()),
            round: Some(round),
            said: Some((&message.body).into()),
        }
    }
}

impl From<&Body> for Said {
    fn from(body: &Body) -> Self {
        match body {
            Body::RequestPreVote { proposed, last } => {
                Self::RequestPreVote(RequestPreVoteMirror { proposed: Some(proposed.0), last: Some((*last).into()) })
            }
            Body::PreVote { proposed, granted } => {
                Self::PreVote(PreVoteMirror { proposed: Some(proposed.0), granted: Some(*granted) })
            }
            Body::RequestVote { last } => Self::RequestVote((*last).into()),
            Body::Vote { granted } => Self::Vote(*granted),
            Body::Append { prev, entries, commit } => Self::Append(AppendMirror {
                prev_term: Some(prev.term.0),
                prev_index: Some(prev.index.0),
                commit: Some(commit.0),
                entries: entries.iter().map(EntryMirror::from).collect(),
            }),
            Body::Appended { matched } => Self::Appended(matched.0),
            Body::Rejected { prev, hint } => Self::Rejected(RejectedMirror { prev: Some(prev.0), hint: Some((*hint).into()) }),
            Body::Forward { command } => Self::Forward(command.clone()),
            Body::Heartbeat { commit } => Self::Heartbeat(commit.0),
            Body::HeartbeatAck { tail, matched } => {
                Self::HeartbeatAck(HeartbeatAckMirror { tail: Some(tail.0), matched: Some(matched.0) })
            }
        }
    }
}

impl From<&Entry> for EntryMirror {
    fn from(entry: &Entry) -> Self {
        let payload = match &entry.payload {
            Payload::Noop => Carried::Noop(Nothing {}),
            Payload::Command(bytes) => Carried::Command(bytes.clone()),
            Payload::Configuration(configuration) => Carried::Configuration(Box::new(configuration.as_ref().into())),
        };
        Self { term: Some(entry.id.term.0), index: Some(entry.id.index.0), payload: Some(payload) }
    }
}

impl From<&Configuration> for ConfigurationMirror {
    fn from(configuration: &Configuration) -> Self {
        let numbers = |nodes: &[NodeId]| nodes.iter().map(|node| node.0).collect();
        Self {
            voters: numbers(configuration.voters()),
            outgoing: numbers(configuration.outgoing()),
            learners: numbers(configuration.learners()),
        }
    }
}

impl From<LogId> for LogIdMirror {
    fn from(id: LogId) -> Self {
        Self { term: Some(id.term.0), index: Some(id.index.0) }
    }
}

impl From<Peer> for PeerMirror {
    fn from(peer: Peer) -> Self {
        Self { node: Some(peer.node.0), incarnation: Some(peer.incarnation.0.into()) }
    }
}

impl TryFrom<MessageMirror> for Message {
    type Error = WireError;

    fn try_from(mirror: MessageMirror) -> Result<Self, WireError> {
        let envelope = Envelope {
            cluster: ClusterId(present("message.cluster", mirror.cluster)?),
            from: Peer {
                node: NodeId(present("message.from.node", mirror.from_node)?),
                incarnation: Incarnation(narrow("message.from.incarnation", mirror.from_incarnation)?),
            },
            to: Peer {
                node: NodeId(present("message.to.node", mirror.to_node)?),
                incarnation: Incarnation(narrow("message.to.incarnation", mirror.to_incarnation)?),
            },
            term: Term(present("message.term", mirror.term)?),
            boot: BootNumber(narrow("message.boot", mirror.boot)?),
            session: narrow("message.session", mirror.session)?,
            round: present("message.round", mirror.round)?,
        };
        let body: Body = present("message.said", mirror.said)?.try_into()?;
        if envelope.term < body.first_term() {
            return Err(invalid("message.term", envelope.term.0, format!("at least {}", body.first_term())));
        }
        Ok(Self { envelope, body })
    }
}

impl TryFrom<Said> for Body {
    type Error = WireError;

    fn try_from(said: Said) -> Result<Self, WireError> {
        Ok(match said {
            Said::RequestVote(last) => {
                Self::RequestVote { last: last.read(["message.request_vote.last.term", "message.request_vote.last.index"])? }
            }
            Said::Vote(granted) => Self::Vote { granted },
            Said::RequestPreVote(RequestPreVoteMirror { proposed, last }) => Self::RequestPreVote {
                proposed: elected("message.request_pre_vote.proposed", proposed)?,
                last: present("message.request_pre_vote.last", last)?
                    .read(["message.request_pre_vote.last.term", "message.request_pre_vote.last.index"])?,
            },
            Said::PreVote(PreVoteMirror { proposed, granted }) => Self::PreVote {
                proposed: elected("message.pre_vote.proposed", proposed)?,
                granted: present("message.pre_vote.granted", granted)?,
            },
            Said::Append(append) => append.try_into()?,
            Said::Appended(matched) => Self::Appended { matched: LogIndex(matched) },
            Said::Rejected(RejectedMirror { prev, hint }) => Self::Rejected {
                prev: LogIndex(present("message.rejected.prev", prev)?),
                hint: present("message.rejected.hint", hint)?
                    .read(["message.rejected.hint.term", "message.rejected.hint.index"])?,
            },
            Said::Forward(command) => Self::Forward { command: super::own(command) },
            Said::Heartbeat(commit) => Self::Heartbeat { commit: LogIndex(commit) },
            Said::HeartbeatAck(HeartbeatAckMirror { tail, matched }) => Self::HeartbeatAck {
                tail: LogIndex(present("message.heartbeat_ack.tail", tail)?),
                matched: LogIndex(present("message.heartbeat_ack.matched", matched)?),
            },
        })
    }
}

impl TryFrom<AppendMirror> for Body {
    type Error = WireError;

    fn try_from(append: AppendMirror) -> Result<Self, WireError> {
        let prev = LogId {
            term: Term(present("message.append.prev.term", append.prev_term)?),
            index: LogIndex(present("message.append.prev.index", append.prev_index)?),
        };
        let commit = LogIndex(present("message.append.commit", append.commit)?);
        Ok(Self::Append { prev, entries: entries_behind(prev, append.entries)?, commit })
    }
}

/// The entries, if each follows the one before it.
fn entries_behind(prev: LogId, mirrors: Vec<EntryMirror>) -> Result<Entries, WireError> {
    if mirrors.is_empty() {
        return Ok(Entries::default());
    }
    let mut before = prev;
    let follows = mirrors.into_iter().map(|mirror| {
        let entry = mirror.read_behind(before)?;
        before = entry.id;
        Ok(entry)
    });
    follows.collect()
}

impl EntryMirror {
    fn read_behind(self, before: LogId) -> Result<Entry, WireError> {
        let term = elected("message.append.entries.term", self.term)?;
        if term < before.term {
            return Err(invalid(
                "message.append.entries.term",
                term.0,
                format!("at least {}, that of the entry before", before.term),
            ));
        }
        let index = LogIndex(present("message.append.entries.index", self.index)?);
        if before.index.0.checked_add(1) != Some(index.0) {
            return Err(invalid("message.append.entries.index", index.0, format!("the one after {}", before.index)));
        }
        let payload = match present("message.append.entries.payload", self.payload)? {
            Carried::Noop(Nothing {}) => Payload::Noop,
            Carried::Command(bytes) => Payload::Command(super::own(bytes)),
            Carried::Configuration(mirror) => Payload::Configuration(Arc::new((*mirror).try_into()?)),
        };
        Ok(Entry { id: LogId { term, index }, payload })
    }
}

impl TryFrom<ConfigurationMirror> for Configuration {
    type Error = WireError;

    fn try_from(mirror: ConfigurationMirror) -> Result<Self, WireError> {
        const FIELD: &str = "message.append.entries.configuration";
        for set in [&mirror.voters, &mirror.outgoing, &mirror.learners] {
            if set.len() > MEMBERS_MAX {
                return Err(invalid(FIELD, set.len() as u64, format!("at most {MEMBERS_MAX} members in each set")));
            }
        }
        let nodes = |numbers: Vec<u64>| numbers.into_iter().map(NodeId);
        Self::from_parts(nodes(mirror.voters), nodes(mirror.outgoing), nodes(mirror.learners)).map_err(|error| match error {
            ConfigurationError::NoVoters => invalid(FIELD, 0, "at least one voter"),
            ConfigurationError::Duplicate(node) => invalid(FIELD, node.0, "each member once"),
        })
    }
}

impl LogIdMirror {
    fn read(self, [term, index]: [&'static str; 2]) -> Result<LogId, WireError> {
        Ok(LogId { term: Term(present(term, self.term)?), index: LogIndex(present(index, self.index)?) })
    }
}

impl PeerMirror {
    pub(super) fn read(self, [node, incarnation]: [&'static str; 2]) -> Result<Peer, WireError> {
        Ok(Peer { node: NodeId(present(node, self.node)?), incarnation: Incarnation(narrow(incarnation, self.incarnation)?) })
    }
}

/// A term in which there was an election: whoever speaks has seen one, and so has every entry.
fn elected(field: &'static str, term: Option<u64>) -> Result<Term, WireError> {
    match present(field, term)? {
        0 => Err(invalid(field, 0, "at least 1")),
        term => Ok(Term(term)),
    }
}
