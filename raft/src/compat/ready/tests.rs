//! What a caller can rely on, with one node whose peers are played by the test.

use super::*;
use crate::membership::Configuration;
use crate::message::{Body, Envelope};
use crate::types::{ClusterId, Peer, Term};

fn config(members: u64) -> Config {
    let voters = Configuration::of_voters((1..=members).map(NodeId)).expect("at least one voter");
    Config { timing: Ticks { election: 10, heartbeat: 1 }.timing(), ..Config::new(ClusterId(7), NodeId(1), voters) }
}

fn started(members: u64) -> RawNode {
    RawNode::start(config(members), 1).expect("the settings are valid")
}

fn from_peer(node: &RawNode, from: u64, body: Body) -> Message {
    let peer = |id| Peer { node: NodeId(id), ..Peer::default() };
    let term = node.core().hard_state().term.max(body.first_term());
    let envelope = Envelope { cluster: ClusterId(7), from: peer(from), to: peer(1), term, session: 1, ..Envelope::default() };
    Message { envelope, body }
}

fn grant(node: &mut RawNode, from: u64) {
    let proposed = node.core().hard_state().term.next();
    let body = match node.core().role().kind() {
        RoleKind::PreCandidate => Body::PreVote { proposed, granted: true },
        _ => Body::Vote { granted: true },
    };
    let message = from_peer(node, from, body);
    node.step(message).expect("it was asked for");
}

/// Does all that there is to do, and returns what was sent and applied.
fn settle(node: &mut RawNode, disk: &mut MemStorage) -> (Vec<Message>, Vec<Entry>) {
    let (mut sent, mut applied) = (Vec::new(), Vec::new());
    while node.has_ready() {
        let mut ready = node.ready();
        ready.batch.iter().flat_map(Batch::writes).for_each(|write| disk.write(write));
        sent.append(&mut ready.messages);
        applied.append(&mut ready.committed_entries);
        node.advance(ready);
    }
    (sent, applied)
}

fn kinds(messages: &[Message]) -> Vec<&'static str> {
    messages.iter().map(|message| message.body.kind()).collect()
}

#[test]
fn nothing_leaves_before_the_start_itself_is_durable() {
    let mut node = started(3);
    node.campaign().expect("nobody leads");
    let ready = node.ready();
    assert_eq!(kinds(&ready.messages), [""; 0]);
    let writes = ready.batch.as_ref().expect("the start").writes();
    assert!(matches!(writes[..], [Write::Start { boot: BootNumber(1), .. }]), "{writes:?}");
    node.advance(ready);
    assert_eq!(kinds(&node.ready().messages), ["request-pre-vote"; 2]);
}

#[test]
fn a_vote_leaves_when_it_is_durable_and_not_before() {
    let (mut node, mut disk) = (started(3), MemStorage::default());
    settle(&mut node, &mut disk);
    node.campaign().expect("nobody leads");
    settle(&mut node, &mut disk);
    grant(&mut node, 2);
    let ready = node.ready();
    assert_eq!(kinds(&ready.messages), [""; 0], "its own vote is not written");
    let batch = ready.batch.expect("its vote");
    assert_eq!(batch.hard_state().map(|state| (state.term, state.vote)), Some((Term(1), Some(NodeId(1)))));
    assert!(!node.has_ready(), "it waits for the disk");
    node.persisted(batch.persisted());
    assert_eq!(kinds(&node.ready().messages), ["request-vote"; 2]);
}

#[test]
fn receipts_count_in_an_unbroken_row() {
    let (mut node, mut disk) = (started(1), MemStorage::default());
    settle(&mut node, &mut disk);
    node.campaign().expect("nobody leads");
    let (sent, applied) = settle(&mut node, &mut disk);
    assert_eq!((sent.len(), applied.len()), (0, 1), "the no-op");
    node.propose(Bytes::from_static(b"a")).expect("it leads");
    let first = node.ready().batch.expect("a");
    node.propose(Bytes::from_static(b"b")).expect("it leads");
    let second = node.ready().batch.expect("b");
    node.persisted(second.persisted());
    assert!(!node.has_ready(), "b is on the disk, what is before it may not be");
    node.persisted(first.persisted());
    assert_eq!(node.ready().committed_entries.len(), 2);
}

#[test]
fn receipts_of_another_boot_are_dropped() {
    let (mut node, mut disk) = (started(1), MemStorage::default());
    let late = node.ready().batch.expect("the start");
    late.writes().iter().for_each(|write| disk.write(write));
    let mut node = RawNode::restart(&disk, LogIndex(0), 2).expect("it was started");
    let started = node.ready().batch.expect("the start of the second boot");
    assert!(matches!(started.writes(), [Write::Start { boot: BootNumber(2), .. }]));
    node.campaign().expect_err("it was started a moment ago");
    node.persisted(late.persisted());
    assert!(!node.under_way.is_empty(), "the present start is not durable");
    node.persisted(started.persisted());
    assert!(node.under_way.is_empty());
}

#[test]
fn a_refused_message_says_so_and_does_nothing() {
    let (mut node, mut disk) = (started(3), MemStorage::default());
    settle(&mut node, &mut disk);
    let core = node.core().clone();
    for (from, body, why) in [
        (9, Body::Vote { granted: true }, Refusal::UnknownSender),
        (2, Body::Vote { granted: true }, Refusal::Unasked),
        (2, Body::Appended { matched: LogIndex(1 << 60) }, Refusal::Absurd),
    ] {
        let message = from_peer(&node, from, body);
        assert_eq!(node.step(message), Err(why));
        assert_eq!(node.ready().observations, [Observation::Refused { reason: why }]);
    }
    assert_eq!(*node.core(), core);
}

#[test]
fn a_read_is_confirmed_once_or_dropped_once() {
    let (mut node, mut disk) = (started(3), MemStorage::default());
    assert_eq!(node.read_index(Bytes::from_static(b"r")), Err(RequestError::NotLeader { leader: None }));
    settle(&mut node, &mut disk);
    node.campaign().expect("nobody leads");
    for _ in 0..2 {
        settle(&mut node, &mut disk);
        grant(&mut node, 2);
    }
    settle(&mut node, &mut disk);
    assert_eq!(node.core().role().kind(), RoleKind::Leader);
    node.read_index(Bytes::from_static(b"first")).expect("it leads");
    let ack = from_peer(&node, 2, Body::HeartbeatAck { tail: LogIndex(0), matched: LogIndex(0) });
    let ack = Message { envelope: Envelope { round: 1, ..ack.envelope }, ..ack };
    node.step(ack).expect("it was asked for");
    assert_eq!(node.ready().read_states, [ReadState { context: Bytes::from_static(b"first"), index: LogIndex(1) }]);
    node.read_index(Bytes::from_static(b"second")).expect("it leads");
    let higher = from_peer(&node, 3, Body::Heartbeat { commit: LogIndex(0) });
    let higher = Message { envelope: Envelope { term: Term(5), ..higher.envelope }, ..higher };
    node.step(higher).expect("of a later term");
    let ready = node.ready();
    assert_eq!(ready.dropped_reads, [(Bytes::from_static(b"second"), RequestError::NotLeader { leader: None })]);
    assert_eq!(ready.soft_state, Some(SoftState { leader: Some(NodeId(3)), role: RoleKind::Follower }));
}

#[test]
fn a_storage_alone_is_enough_to_go_on() {
    assert_eq!(RawNode::restart(&MemStorage::default(), LogIndex(0), 1).expect_err("empty"), RestartError::NeverStarted);
    let (mut node, mut disk) = (started(1), MemStorage::default());
    settle(&mut node, &mut disk);
    node.campaign().expect("nobody leads");
    settle(&mut node, &mut disk);
    for command in [&b"a"[..], b"b"] {
        node.propose(Bytes::from_static(command)).expect("it leads");
    }
    settle(&mut node, &mut disk);
    assert_eq!((disk.first_index(), disk.last_index(), disk.term(LogIndex(3))), (LogIndex(1), LogIndex(3), Some(Term(1))));
    assert_eq!(disk.entries(LogIndex(2), LogIndex(4)).map(|entries| entries.len()), Some(2));
    assert_eq!(disk.entries(LogIndex(2), LogIndex(5)), None);
    let mut node = RawNode::restart(&disk, LogIndex(2), 2).expect("it was started");
    assert_eq!(node.core().hard_state(), disk.hard_state());
    (0..40).for_each(|_| node.tick());
    let (_, applied) = settle(&mut node, &mut disk);
    assert_eq!(applied.iter().map(|entry| entry.id).collect::<Vec<_>>(), [LogId::new(1, 3), LogId::new(2, 4)]);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let config = Config { timing: Ticks { election: 1, heartbeat: 1 }.timing(), ..config(1) };
    assert_eq!(RawNode::start(config, 1).expect_err("invalid").field, "timing.heartbeat_interval");
}

#[test]
fn a_batch_is_one_write_and_one_append_with_an_outcome_each() {
    let mut limited = config(3);
    limited.limits.command_bytes_max = 2;
    let mut node = RawNode::start(limited, 1).expect("the settings are valid");
    let mut disk = MemStorage::default();
    let commands = || ["a", "too large", "b"].map(|text| Bytes::from_static(text.as_bytes()));
    let refused: Vec<_> = node.propose_all(commands()).collect();
    assert_eq!(refused, [Err(RequestError::NotLeader { leader: None }); 3]);
    node.campaign().expect("nobody leads");
    settle(&mut node, &mut disk);
    [2, 2].into_iter().for_each(|from| {
        grant(&mut node, from);
        settle(&mut node, &mut disk);
    });
    let matched = from_peer(&node, 2, Body::Appended { matched: LogIndex(1) });
    node.step(matched).expect("it was asked for");
    settle(&mut node, &mut disk);
    let outcomes: Vec<_> = node.propose_all(commands()).collect();
    assert_eq!(outcomes, [Ok(LogId::new(1, 2)), Err(RequestError::TooLarge), Ok(LogId::new(1, 3))]);
    let ready = node.ready();
    assert_eq!(kinds(&ready.messages), ["append"], "node 3 has not answered the probe");
    let batch = ready.batch.as_ref().expect("the entries");
    assert!(matches!(batch.writes(), [Write::Entries(entries)] if entries.len() == 2), "{batch:?}");
    assert_eq!(node.propose(Bytes::from_static(b"c")), Ok(LogId::new(1, 4)), "what became of others is told once");
    node.advance(ready);
}
