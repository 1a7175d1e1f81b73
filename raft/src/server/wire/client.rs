//! What clients ask and are told, each with the number by which the client pairs them.
//!
//! Not here: what the answers mean ([`crate::node::request`]).

use bytes::Bytes;

use crate::node::request::{Refused, Reply, Request};
use crate::types::{LogIndex, NodeId, SessionId};

use super::{Nothing, WireError, present};

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::server) struct RequestMirror {
    #[prost(uint64, optional, tag = "1")]
    id: Option<u64>,
    #[prost(oneof = "Asked", tags = "2, 3, 4, 5")]
    asked: Option<Asked>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Asked {
    #[prost(message, tag = "2")]
    Register(Nothing),
    #[prost(message, tag = "3")]
    Command(CommandMirror),
    #[prost(bytes = "bytes", tag = "4")]
    Query(Bytes),
    #[prost(message, tag = "5")]
    Campaign(Nothing),
}

#[derive(Clone, PartialEq, prost::Message)]
struct CommandMirror {
    #[prost(uint64, optional, tag = "1")]
    session: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    sequence: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    first_outstanding: Option<u64>,
    #[prost(bytes = "bytes", optional, tag = "4")]
    command: Option<Bytes>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::server) struct ReplyMirror {
    #[prost(uint64, optional, tag = "1")]
    id: Option<u64>,
    #[prost(oneof = "Told", tags = "2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13")]
    told: Option<Told>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Told {
    /// The session's id.
    #[prost(uint64, tag = "2")]
    Registered(u64),
    #[prost(message, tag = "3")]
    Applied(OutputMirror),
    #[prost(message, tag = "4")]
    Answered(OutputMirror),
    #[prost(message, tag = "5")]
    NotLeader(NotLeaderMirror),
    #[prost(message, tag = "6")]
    Busy(Nothing),
    #[prost(message, tag = "7")]
    TooLarge(Nothing),
    #[prost(message, tag = "8")]
    NotReady(Nothing),
    #[prost(message, tag = "9")]
    Unknown(Nothing),
    #[prost(message, tag = "10")]
    SessionExpired(Nothing),
    #[prost(message, tag = "11")]
    Forgotten(Nothing),
    #[prost(message, tag = "12")]
    Campaigning(Nothing),
    #[prost(message, tag = "13")]
    MayNotCampaign(Nothing),
}

#[derive(Clone, PartialEq, prost::Message)]
struct OutputMirror {
    #[prost(uint64, optional, tag = "1")]
    index: Option<u64>,
    #[prost(bytes = "bytes", optional, tag = "2")]
    output: Option<Bytes>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct NotLeaderMirror {
    /// Absent if nobody is known to lead.
    #[prost(uint64, optional, tag = "1")]
    leader: Option<u64>,
}

impl RequestMirror {
    pub(in crate::server) fn new(id: u64, request: &Request) -> Self {
        let asked = match request {
            Request::Register => Asked::Register(Nothing {}),
            Request::Command { session, sequence, first_outstanding, command } => Asked::Command(CommandMirror {
                session: Some(session.0),
                sequence: Some(*sequence),
                first_outstanding: Some(*first_outstanding),
                command: Some(command.clone()),
            }),
            Request::Query { query } => Asked::Query(query.clone()),
            Request::Campaign => Asked::Campaign(Nothing {}),
        };
        Self { id: Some(id), asked: Some(asked) }
    }
}

impl TryFrom<RequestMirror> for (u64, Request) {
    type Error = WireError;

    fn try_from(mirror: RequestMirror) -> Result<Self, WireError> {
        let id = present("request.id", mirror.id)?;
        let request = match present("request.asked", mirror.asked)? {
            Asked::Register(Nothing {}) => Request::Register,
            Asked::Command(command) => Request::Command {
                session: SessionId(present("request.command.session", command.session)?),
                sequence: present("request.command.sequence", command.sequence)?,
                first_outstanding: present("request.command.first_outstanding", command.first_outstanding)?,
                command: super::own(present("request.command.command", command.command)?),
            },
            Asked::Query(query) => Request::Query { query },
            Asked::Campaign(Nothing {}) => Request::Campaign,
        };
        Ok((id, request))
    }
}

impl ReplyMirror {
    pub(in crate::server) fn new(id: u64, reply: &Reply) -> Self {
        let output = |index: &LogIndex, output: &Bytes| OutputMirror { index: Some(index.0), output: Some(output.clone()) };
        let told = match reply {
            Reply::Registered { session } => Told::Registered(session.0),
            Reply::Applied { index, output: bytes } => Told::Applied(output(index, bytes)),
            Reply::Answered { applied, output: bytes } => Told::Answered(output(applied, bytes)),
            Reply::Refused(Refused::NotLeader { leader }) => {
                Told::NotLeader(NotLeaderMirror { leader: leader.map(|node| node.0) })
            }
            Reply::Refused(Refused::Busy) => Told::Busy(Nothing {}),
            Reply::Refused(Refused::TooLarge) => Told::TooLarge(Nothing {}),
            Reply::Refused(Refused::NotReady) => Told::NotReady(Nothing {}),
            Reply::Unknown => Told::Unknown(Nothing {}),
            Reply::SessionExpired => Told::SessionExpired(Nothing {}),
            Reply::Forgotten => Told::Forgotten(Nothing {}),
            Reply::Campaigning => Told::Campaigning(Nothing {}),
            Reply::Refused(Refused::MayNotCampaign) => Told::MayNotCampaign(Nothing {}),
        };
        Self { id: Some(id), told: Some(told) }
    }
}

impl TryFrom<ReplyMirror> for (u64, Reply) {
    type Error = WireError;

    fn try_from(mirror: ReplyMirror) -> Result<Self, WireError> {
        let id = present("reply.id", mirror.id)?;
        let reply = match present("reply.told", mirror.told)? {
            Told::Registered(session) => Reply::Registered { session: SessionId(session) },
            Told::Applied(applied) => Reply::Applied {
                index: LogIndex(present("reply.applied.index", applied.index)?),
                output: present("reply.applied.output", applied.output)?,
            },
            Told::Answered(answered) => Reply::Answered {
                applied: LogIndex(present("reply.answered.applied", answered.index)?),
                output: present("reply.answered.output", answered.output)?,
            },
            Told::NotLeader(refused) => Reply::Refused(Refused::NotLeader { leader: refused.leader.map(NodeId) }),
            Told::Busy(Nothing {}) => Reply::Refused(Refused::Busy),
            Told::TooLarge(Nothing {}) => Reply::Refused(Refused::TooLarge),
            Told::NotReady(Nothing {}) => Reply::Refused(Refused::NotReady),
            Told::Unknown(Nothing {}) => Reply::Unknown,
            Told::SessionExpired(Nothing {}) => Reply::SessionExpired,
            Told::Forgotten(Nothing {}) => Reply::Forgotten,
            Told::Campaigning(Nothing {}) => Reply::Campaigning,
            Told::MayNotCampaign(Nothing {}) => Reply::Refused(Refused::MayNotCampaign),
        };
        Ok((id, reply))
    }
}
