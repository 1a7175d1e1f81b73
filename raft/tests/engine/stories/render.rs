//! Events as one stable line each, for snapshots and reports.
//!
//! Made from typed values field by field, never from `Debug` or log text, so that a
//! renamed variant or a reworded log changes no snapshot.

use squall_raft::core::RequestError;
use squall_raft::entry::{Entry, HardState, Payload, Persist};
use squall_raft::message::{Body, Message};
use squall_raft::observation::{Observation, Refusal, RoleKind};
use squall_raft::types::{LogId, NodeId};

use super::cluster::{Cluster, Node};
use super::event::Event;

/// One line for one event.
pub fn event(cluster: &Cluster, event: &Event) -> String {
    let name = |ticket: &squall_raft::process::RequestId| {
        usize::try_from(ticket.0).ok().and_then(|ticket| cluster.requests.get(ticket)).map_or("?", |(name, _)| name.as_str())
    };
    match event {
        Event::Arrived(m) => format!("{} arrives: {}", link(m), message(m)),
        Event::Lost(m) => format!("{} lost: {}", link(m), message(m)),
        Event::Doubled(m) => format!("{} doubled: {}", link(m), message(m)),
        Event::Sent(m) => format!("{} {}", link(m), message(m)),
        Event::Held(m, after) => format!("{} {}; held until #{}", link(m), message(m), after.seq),
        Event::Written(node, id, what) => format!("{node} writes #{} {}", id.seq, persist(what)),
        Event::Durable(node, id) => format!("{node} is durable up to #{}", id.seq),
        Event::Observed(node, what) => format!("{node} {}", observation(what)),
        Event::Wanted(node, id) => format!("{node} wants to read {id} back"),
        Event::Proposed(node, ticket, id) => format!("{node} gives {} the place {id}", name(ticket)),
        Event::ReadReady(node, ticket, index) => format!("{node} may answer {} at {index}", name(ticket)),
        Event::Campaigning(node, ticket) => format!("{node} obeys {}", name(ticket)),
        Event::Forwarded(node, ticket) => format!("{node} forwards {}", name(ticket)),
        Event::Refused(node, ticket, why) => format!("{node} refuses {}: {}", name(ticket), request_error(*why)),
        Event::Crashed(node, writes, held) => format!("{node} crashes; {writes} writes and {held} held messages are lost"),
        Event::Started(node, state, last) => format!("{node} starts with {}, log up to {last}", hard(state)),
    }
}

/// A node's whole state in one line.
pub fn node(node: &Node) -> String {
    let disk = terms(super::invariants::log_ids(&node.disk.log));
    let Some(core) = &node.core else {
        return format!("{} down      {}, disk [{disk}]", node.id, hard(&node.disk.hard));
    };
    let log = terms(super::invariants::log_ids(core.log()));
    let role = role(core.role().kind());
    format!("{} {role:9} {}, commit {}, log [{log}], disk [{disk}]", node.id, hard(&core.hard_state()), core.commit_index())
}

fn terms(ids: impl Iterator<Item = LogId>) -> String {
    ids.map(|id| id.term.to_string()).collect::<Vec<_>>().join(" ")
}

fn link(message: &Message) -> String {
    format!("{}->{}", message.envelope.from.node, message.envelope.to.node)
}

fn message(message: &Message) -> String {
    let envelope = &message.envelope;
    let body = match &message.body {
        Body::RequestPreVote { proposed, last } => format!("request-pre-vote for term {proposed}, last {last}"),
        Body::PreVote { proposed, granted } => {
            format!("{} for term {proposed}", if *granted { "pre-vote" } else { "no pre-vote" })
        }
        Body::RequestVote { last } => format!("request-vote, last {last}"),
        Body::Vote { granted } => (if *granted { "vote" } else { "no vote" }).to_owned(),
        Body::Append { prev, entries: new, commit } => format!("append behind {prev} [{}], commit {commit}", entries(new)),
        Body::Appended { matched } => format!("appended up to {matched}"),
        Body::Rejected { prev, hint } => format!("rejected {prev}, hint {hint}"),
        Body::Forward { command } => format!("forward {}", String::from_utf8_lossy(command)),
        Body::Heartbeat { commit } => format!("heartbeat, commit {commit}"),
        Body::HeartbeatAck { tail, matched } => format!("heartbeat-ack, tail {tail}, matched {matched}"),
    };
    let round = if envelope.round > 0 { format!(" round {}", envelope.round) } else { String::new() };
    format!("t{}{round} {body}", envelope.term)
}

fn entries(entries: &[Entry]) -> String {
    entries.iter().map(entry).collect::<Vec<_>>().join(", ")
}

fn entry(entry: &Entry) -> String {
    match &entry.payload {
        Payload::Noop => format!("{} noop", entry.id),
        Payload::Command(bytes) if bytes.is_empty() => entry.id.to_string(),
        Payload::Command(bytes) => format!("{} {}", entry.id, String::from_utf8_lossy(bytes)),
        Payload::Configuration(_) => format!("{} configuration", entry.id),
    }
}

fn persist(what: &Persist) -> String {
    match what {
        Persist::HardState(state) => hard(state),
        Persist::Append(new) => format!("append [{}]", entries(new)),
        Persist::Truncate { last } => format!("truncate behind {last}"),
    }
}

fn hard(state: &HardState) -> String {
    format!("term {} vote {}", state.term, state.vote.map_or("none".to_owned(), |node| node.to_string()))
}

fn observation(what: &Observation) -> String {
    match *what {
        Observation::Recovered { last, .. } => format!("recovers up to {last}"),
        Observation::TermAdopted { term } => format!("adopts term {term}"),
        Observation::RoleChanged { term, role: kind } => format!("becomes {} in term {term}", role(kind)),
        Observation::Voted { term, candidate } => format!("votes for {candidate} in term {term}"),
        Observation::Appended { id, .. } => format!("appends {id}"),
        Observation::Truncated { last, from } => format!("truncates from {from} to {last}"),
        Observation::Committed { index, .. } => format!("commits up to {index}"),
        Observation::Applied { index, .. } => format!("applies {index}"),
        Observation::SessionDeduplicated { index, .. } => format!("drops a session's repetition at {index}"),
        Observation::ReadsServed { round, index } => format!("serves reads by round {round} at {index}"),
        Observation::Refused { reason } => format!("refuses a message: {}", refusal(reason)),
        Observation::ForwardSettled { index } => format!("settles at {index} what it forwarded"),
        Observation::Batched { first, last } => format!("writes and sends {first} to {last} together"),
        Observation::Fetched { first, last } => format!("has read {first} to {last} back"),
        Observation::RotFound { id } => format!("reads back that {id} has rotted"),
        Observation::LimitBound { limit } => format!("is bound by {limit}"),
        Observation::Busy => "is busy".to_owned(),
        Observation::QuorumLost { term } => format!("has heard from no quorum in term {term}"),
        Observation::LeaderDiskStalled { term } => format!("gives term {term} up: its disk is stalled"),
        Observation::CampaignWithheld { term } => format!("does not campaign in term {term}: its disk is stalled"),
        Observation::CampaignOrdered { term } => format!("is told to campaign in term {term}"),
    }
}

/// The word for a role, here and in expectations.
pub const fn role(role: RoleKind) -> &'static str {
    match role {
        RoleKind::Follower => "follower",
        RoleKind::PreCandidate => "pre-candidate",
        RoleKind::Candidate => "candidate",
        RoleKind::Leader => "leader",
    }
}

const fn refusal(reason: Refusal) -> &'static str {
    match reason {
        Refusal::WrongCluster => "wrong cluster",
        Refusal::WrongReceiver => "wrong receiver",
        Refusal::UnknownSender => "unknown sender",
        Refusal::StaleTerm => "stale term",
        Refusal::StaleSession => "stale session",
        Refusal::Unasked => "unasked",
        Refusal::Malformed => "malformed",
        Refusal::ContradictsCommitted => "contradicts committed",
        Refusal::Absurd => "absurd",
        Refusal::NotLeader => "not the leader",
        Refusal::LeaderIsAlive => "leader is alive",
        Refusal::JustStarted => "just started",
    }
}

fn request_error(why: RequestError) -> String {
    match why {
        RequestError::NotLeader { leader } => {
            format!("not the leader, which is {}", leader.map_or("unknown".to_owned(), |NodeId(node)| node.to_string()))
        }
        RequestError::Busy => "busy".to_owned(),
        RequestError::TooLarge => "too large".to_owned(),
        RequestError::MayNotCampaign => "may not campaign".to_owned(),
    }
}
