//! One example of everything that can be said, and strategies that draw any of it.

use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use squall_raft::entry::{Entry, Payload};
use squall_raft::membership::Configuration;
use squall_raft::message::{Body, Envelope, Message};
use squall_raft::node::request::{Refused, Reply, Request};
use squall_raft::server::codec::Incoming;
use squall_raft::server::wire::Hello;
use squall_raft::types::{BootNumber, ClusterId, Incarnation, LogId, LogIndex, NodeId, Peer, SessionId, Term};

/// An example, with the name of its golden file and its story.
pub struct Sample {
    pub name: &'static str,
    pub story: &'static str,
    pub said: Incoming,
}

const ENVELOPE: Envelope = Envelope {
    cluster: ClusterId(0x5a11_0000_0000_0001),
    from: Peer { node: NodeId(1), incarnation: Incarnation(0) },
    to: Peer { node: NodeId(2), incarnation: Incarnation(3) },
    term: Term(7),
    boot: BootNumber(4),
    session: 5,
    round: 300,
};

pub fn samples() -> Vec<Sample> {
    let mut samples = vec![
        Sample { name: "hello-member", story: "A member calls another.", said: Incoming::Hello(hello(Some(ENVELOPE.from), 4)) },
        Sample { name: "hello-client", story: "A client has no name and no boot.", said: Incoming::Hello(hello(None, 0)) },
        Sample { name: "ping", story: "A ping is a frame without payload.", said: Incoming::Ping },
    ];
    let say = |(name, story, body)| Sample { name, story, said: Incoming::Message(Message { envelope: ENVELOPE, body }) };
    samples.extend(bodies().map(say));
    let ask = |(name, story, request)| Sample { name, story, said: Incoming::Request { id: 1_000, request } };
    samples.extend(requests().map(ask));
    let tell = |(name, story, reply)| Sample { name, story, said: Incoming::Reply { id: 1_000, reply } };
    samples.extend(replies().map(tell));
    samples
}

fn hello(from: Option<Peer>, boot: u32) -> Hello {
    Hello { cluster: ENVELOPE.cluster, from, to: NodeId(2), boot: BootNumber(boot) }
}

fn bodies() -> [(&'static str, &'static str, Body); 12] {
    let three = Configuration::of_voters([1, 2, 3].map(NodeId)).expect("three voters");
    let joint = Configuration::from_parts([1, 2].map(NodeId), [2, 3].map(NodeId), [4].map(NodeId)).expect("each once");
    let entry = |term, index, payload| Entry { id: LogId::new(term, index), payload };
    let entries = [
        entry(6, 43, Payload::Command(Bytes::from_static(b"put x 1"))),
        entry(7, 44, Payload::Noop),
        entry(7, 45, Payload::Configuration(Arc::new(three))),
        entry(7, 46, Payload::Configuration(Arc::new(joint))),
        entry(7, 47, Payload::Command(Bytes::new())),
    ];
    let long = [entry(6, 43, Payload::Command(Bytes::from(vec![b'.'; 300])))];
    let append = |entries: &[Entry]| Body::Append { prev: LogId::new(6, 42), entries: entries.into(), commit: LogIndex(40) };
    let last = LogId::new(6, 42);
    [
        ("request-pre-vote", "Would it get the vote?", Body::RequestPreVote { proposed: Term(8), last }),
        ("pre-vote", "It would.", Body::PreVote { proposed: Term(8), granted: true }),
        ("request-vote", "A candidate asks.", Body::RequestVote { last: LogId::new(6, 42) }),
        ("vote", "It gets the vote.", Body::Vote { granted: true }),
        ("append", "Entries of every kind, of two terms.", append(&entries)),
        ("append-probe", "An append without entries.", append(&[])),
        ("append-in-parts", "Longer than a frame may be here, 256 bytes.", append(&long)),
        ("appended", "The follower has them.", Body::Appended { matched: LogIndex(47) }),
        ("rejected", "It does not have what is before them.", Body::Rejected { prev: LogIndex(42), hint: LogId::new(5, 30) }),
        ("forward", "A follower passes a client's command on.", Body::Forward { command: Bytes::from_static(b"put x 1") }),
        ("heartbeat", "Zeros are written: a missing number is an error.", Body::Heartbeat { commit: LogIndex(0) }),
        ("heartbeat-ack", "How far the log is equal.", Body::HeartbeatAck { tail: LogIndex(47), matched: LogIndex(45) }),
    ]
}

fn requests() -> [(&'static str, &'static str, Request); 4] {
    let command = Bytes::from_static(b"put x 1");
    let command = Request::Command { session: SessionId(9), sequence: 12, first_outstanding: 10, command };
    [
        ("request-register", "A client wants a session.", Request::Register),
        ("request-command", "Its twelfth command; ten and eleven are not answered yet.", command),
        ("request-query", "It reads.", Request::Query { query: Bytes::from_static(b"get x") }),
        ("request-campaign", "An operator wants the node to campaign.", Request::Campaign),
    ]
}

fn replies() -> [(&'static str, &'static str, Reply); 13] {
    let output = Bytes::from_static(b"ok");
    let refused = Reply::Refused;
    [
        ("reply-registered", "The session is open.", Reply::Registered { session: SessionId(9) }),
        ("reply-applied", "The command took effect.", Reply::Applied { index: LogIndex(43), output: output.clone() }),
        ("reply-answered", "The answer to a query.", Reply::Answered { applied: LogIndex(43), output }),
        ("reply-not-leader", "Somebody else leads.", refused(Refused::NotLeader { leader: Some(NodeId(3)) })),
        ("reply-no-leader", "Nobody is known to lead.", refused(Refused::NotLeader { leader: None })),
        ("reply-busy", "A limit is reached.", refused(Refused::Busy)),
        ("reply-too-large", "The command is too large.", refused(Refused::TooLarge)),
        ("reply-not-ready", "The node reads its disk.", refused(Refused::NotReady)),
        ("reply-unknown", "Nobody can tell.", Reply::Unknown),
        ("reply-session-expired", "The session is gone.", Reply::SessionExpired),
        ("reply-forgotten", "The client needs this answer no more.", Reply::Forgotten),
        ("reply-campaigning", "The node campaigns.", Reply::Campaigning),
        ("reply-may-not-campaign", "It hears a leader, for example.", refused(Refused::MayNotCampaign)),
    ]
}

/// A message with small numbers, as members of a young cluster have them.
pub fn message_of_members() -> impl Strategy<Value = Message> {
    let id = || (0..4u64, 0..5u64).prop_map(|(term, index)| LogId::new(if index == 0 { 0 } else { term.max(1) }, index));
    let index = || (0..5u64).prop_map(LogIndex);
    let append = (id(), 0..3usize, index()).prop_map(|(prev, count, commit)| {
        let entry = |nth| LogId { term: prev.term.max(Term(1)), index: LogIndex(prev.index.0 + nth) };
        let entries = (1..).take(count).map(|nth| Entry { id: entry(nth), payload: Payload::Noop });
        Body::Append { prev, entries: entries.collect(), commit }
    });
    let body = prop_oneof![
        (1..5u64, id()).prop_map(|(proposed, last)| Body::RequestPreVote { proposed: Term(proposed), last }),
        (1..5u64, any::<bool>()).prop_map(|(proposed, granted)| Body::PreVote { proposed: Term(proposed), granted }),
        id().prop_map(|last| Body::RequestVote { last }),
        any::<bool>().prop_map(|granted| Body::Vote { granted }),
        append,
        index().prop_map(|matched| Body::Appended { matched }),
        (index(), id()).prop_map(|(prev, hint)| Body::Rejected { prev, hint }),
        index().prop_map(|commit| Body::Heartbeat { commit }),
        (index(), index()).prop_map(|(tail, matched)| Body::HeartbeatAck { tail, matched }),
        body(),
    ];
    (1..5u64, 0..3u32, 0..4u64, body).prop_map(|(term, session, round, body)| {
        let term = Term(term).max(body.first_term());
        Message { envelope: Envelope { term, session, round, ..ENVELOPE }, body }
    })
}

/// Anything that an honest sender may say.
pub fn anything() -> impl Strategy<Value = Incoming> {
    let hello = (number(), prop::option::of(peer()), number(), any::<u32>()).prop_map(|(cluster, from, to, boot)| {
        Incoming::Hello(Hello { cluster: ClusterId(cluster), from, to: NodeId(to), boot: BootNumber(boot) })
    });
    prop_oneof![
        1 => hello,
        6 => message().prop_map(Incoming::Message),
        2 => (number(), request()).prop_map(|(id, request)| Incoming::Request { id, request }),
        2 => (number(), reply()).prop_map(|(id, reply)| Incoming::Reply { id, reply }),
        1 => Just(Incoming::Ping),
    ]
}

/// Small ones, those at the ends of encodings, any.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..3u64, 126..130u64, (0..64u32).prop_map(|bit| 1 << bit), Just(u64::MAX), any::<u64>()]
}

fn peer() -> impl Strategy<Value = Peer> {
    (number(), any::<u32>()).prop_map(|(node, life)| Peer { node: NodeId(node), incarnation: Incarnation(life) })
}

fn log_id() -> impl Strategy<Value = LogId> {
    (number(), number()).prop_map(|(term, index)| LogId::new(term, index))
}

fn bytes() -> impl Strategy<Value = Bytes> {
    prop_oneof![4 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 200..1_500)].prop_map(Bytes::from)
}

fn message() -> impl Strategy<Value = Message> {
    let envelope = (number(), peer(), peer(), number(), any::<u32>(), any::<u32>(), number());
    (envelope, body()).prop_map(|((cluster, from, to, term, boot, session, round), body)| {
        let (term, boot) = (Term(term).max(body.first_term()), BootNumber(boot));
        Message { envelope: Envelope { cluster: ClusterId(cluster), from, to, term, boot, session, round }, body }
    })
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        (number(), log_id()).prop_map(|(proposed, last)| Body::RequestPreVote { proposed: Term(proposed.max(1)), last }),
        (number(), any::<bool>()).prop_map(|(proposed, granted)| Body::PreVote { proposed: Term(proposed.max(1)), granted }),
        log_id().prop_map(|last| Body::RequestVote { last }),
        any::<bool>().prop_map(|granted| Body::Vote { granted }),
        append(),
        append(),
        number().prop_map(|matched| Body::Appended { matched: LogIndex(matched) }),
        (number(), log_id()).prop_map(|(prev, hint)| Body::Rejected { prev: LogIndex(prev), hint }),
        bytes().prop_map(|command| Body::Forward { command }),
        number().prop_map(|commit| Body::Heartbeat { commit: LogIndex(commit) }),
        (number(), number()).prop_map(|(tail, matched)| Body::HeartbeatAck { tail: LogIndex(tail), matched: LogIndex(matched) }),
    ]
}

fn append() -> impl Strategy<Value = Body> {
    (log_id(), vec((0..3u64, payload()), 0..6), number()).prop_map(|(prev, carried, commit)| {
        let prev = LogId { index: LogIndex(prev.index.0.min(u64::MAX - 10)), ..prev };
        let mut before = LogId { term: prev.term.max(Term(1)), ..prev };
        let follow = carried.into_iter().map(|(rise, payload)| {
            before = LogId { term: Term(before.term.0.saturating_add(rise)), index: before.index.next() };
            Entry { id: before, payload }
        });
        Body::Append { prev, entries: follow.collect(), commit: LogIndex(commit) }
    })
}

fn payload() -> impl Strategy<Value = Payload> {
    let sets = (btree_set(number(), 1..5), btree_set(number(), 0..4), btree_set(number(), 0..4));
    let configuration = sets.prop_map(|(voters, outgoing, learners)| {
        let learners: Vec<u64> = learners.into_iter().filter(|node| !voters.contains(node) && !outgoing.contains(node)).collect();
        let nodes = |set: Vec<u64>| set.into_iter().map(NodeId);
        let sets = (nodes(Vec::from_iter(voters)), nodes(Vec::from_iter(outgoing)), nodes(learners));
        let configuration = Configuration::from_parts(sets.0, sets.1, sets.2).expect("voters, and each member once");
        Payload::Configuration(Arc::new(configuration))
    });
    prop_oneof![1 => Just(Payload::Noop), 4 => bytes().prop_map(Payload::Command), 1 => configuration]
}

fn request() -> impl Strategy<Value = Request> {
    let command = (number(), number(), number(), bytes()).prop_map(|(session, sequence, first_outstanding, command)| {
        Request::Command { session: SessionId(session), sequence, first_outstanding, command }
    });
    prop_oneof![Just(Request::Register), Just(Request::Campaign), command, bytes().prop_map(|query| Request::Query { query })]
}

fn reply() -> impl Strategy<Value = Reply> {
    let fixed = [
        Reply::Refused(Refused::Busy),
        Reply::Refused(Refused::TooLarge),
        Reply::Refused(Refused::NotReady),
        Reply::Refused(Refused::MayNotCampaign),
        Reply::Unknown,
        Reply::SessionExpired,
        Reply::Forgotten,
        Reply::Campaigning,
    ];
    prop_oneof![
        number().prop_map(|session| Reply::Registered { session: SessionId(session) }),
        (number(), bytes()).prop_map(|(index, output)| Reply::Applied { index: LogIndex(index), output }),
        (number(), bytes()).prop_map(|(index, output)| Reply::Answered { applied: LogIndex(index), output }),
        prop::option::of(number()).prop_map(|leader| Reply::Refused(Refused::NotLeader { leader: leader.map(NodeId) })),
        prop::sample::select(fixed.to_vec()),
    ]
}
