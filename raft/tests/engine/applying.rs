//! What a node does with what its core committed: apply it once and in order, then answer.
//!
//! Stories end where the core has said `commits up to` and `may answer at`; this is the rest of the paper's
//! rules, on whole nodes whose disks and messages are moved by hand.
//! Not here: sessions and state machines by themselves (`src/applier`), clients that wait (`src/node/waiting.rs`).

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use squall_raft::applier::StateMachine;
use squall_raft::config::Config;
use squall_raft::membership::Configuration;
use squall_raft::message::Message;
use squall_raft::node::request::{Refused, Reply, Request};
use squall_raft::node::{Node, NodeConfig};
use squall_raft::observation::Observation;
use squall_raft::process::{Boot, DiskOp, DiskReply, Effect, Effects, FileName, Input, OpId, Process, RequestId};
use squall_raft::store::{Options, wal::Wal};
use squall_raft::types::{BootNumber, ClusterId, IoId, LocalTime, LogId, LogIndex, NodeId, SessionId};

/// Everything that it was told, in that order.
#[derive(Clone, Debug, Default)]
struct Told(Vec<u8>);

impl StateMachine for Told {
    fn apply(&mut self, command: &[u8]) -> Bytes {
        self.0.extend_from_slice(command);
        Bytes::copy_from_slice(command)
    }

    fn query(&self, _: &[u8]) -> Bytes {
        Bytes::copy_from_slice(&self.0)
    }

    fn digest(&self) -> u64 {
        self.0.len() as u64
    }
}

/// What clients and state machines notice, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Applied(u64),
    Replied(u64, Reply),
}

use Event::{Applied, Replied};

struct Member {
    node: Node<Told>,
    boot: Boot,
    voters: u64,
    cache_bytes: u64,
    files: BTreeMap<FileName, Vec<u8>>,
    disk: VecDeque<(OpId, DiskOp)>,
    sent: VecDeque<Message>,
    events: Vec<Event>,
    effects: Effects<Node<Told>>,
}

impl Member {
    /// The first boot of one of so many voters; it has read its empty disk.
    fn new(id: u64, voters: u64) -> Self {
        let boot = Boot { now: LocalTime(0), entropy: id, number: BootNumber(1) };
        let (files, mut effects) = (BTreeMap::new(), Effects::default());
        let cache_bytes = u64::MAX;
        let node = Node::boot(config(id, voters, cache_bytes), boot, &mut effects);
        let (disk, sent, events) = (VecDeque::new(), VecDeque::new(), Vec::new());
        let mut member = Self { node, boot, voters, cache_bytes, files, disk, sent, events, effects };
        member.carry_out();
        member.disk_works();
        member
    }

    /// Stops and starts again on what the disk holds.
    fn restart(&mut self) {
        self.disk.clear();
        self.boot.number.0 += 1;
        self.node = Node::boot(config(self.boot.entropy, self.voters, self.cache_bytes), self.boot, &mut self.effects);
        self.carry_out();
        self.disk_works();
    }

    fn input(&mut self, input: Input<Node<Told>>) {
        self.node.handle(self.boot.now, input, &mut self.effects);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        for effect in self.effects.drain() {
            match effect {
                Effect::Send { message, .. } => self.sent.push_back(message),
                Effect::Disk { op, what } => self.disk.push_back((op, what)),
                Effect::Reply { to, reply } => self.events.push(Replied(to.0, reply)),
                Effect::Observe(Observation::Applied { index, .. }) => self.events.push(Applied(index.0)),
                Effect::Observe(_) => {}
                Effect::Halt { reason } => panic!("found a node that halts ({reason}), expected it to go on"),
            }
        }
    }

    /// It starts again, leads, and has another limit.
    fn limit_cache(&mut self, cache_bytes: u64) {
        self.cache_bytes = cache_bytes;
        self.restart();
        self.tick();
        self.disk_works();
        self.events();
    }

    fn cached_bytes(&self) -> u64 {
        self.node.core().expect("it runs").log().cached_bytes()
    }

    /// Its timer runs out.
    fn tick(&mut self) {
        self.boot.now = self.node.deadline().expect("it runs");
        self.input(Input::Timer);
    }

    /// The oldest operation that was handed to the disk is done; false if there is none.
    fn disk_works_once(&mut self) -> bool {
        let Some((op, what)) = self.disk.pop_front() else {
            return false;
        };
        let done = write_down(&mut self.files, what);
        self.input(Input::DiskDone { op, result: Ok(done) });
        true
    }

    /// All of them are, and those that follow.
    fn disk_works(&mut self) {
        while self.disk_works_once() {}
    }

    fn ask(&mut self, id: u64, request: Request) {
        self.input(Input::Request { id: RequestId(id), request });
    }

    fn query(&mut self, id: u64) {
        self.ask(id, Request::Query { query: Bytes::new() });
    }

    fn command(&mut self, id: u64, session: SessionId, sequence: u64, bytes: &'static [u8]) {
        self.ask(id, command(session, sequence, bytes));
    }

    fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

fn command(session: SessionId, sequence: u64, bytes: &'static [u8]) -> Request {
    Request::Command { session, sequence, first_outstanding: 1, command: Bytes::from_static(bytes) }
}

fn config(id: u64, voters: u64, cache_bytes: u64) -> NodeConfig<Told> {
    let voters = Configuration::of_voters((1..=voters).map(NodeId)).expect("voters");
    let mut raft = Config { forward_proposals: true, initialize: true, ..Config::new(ClusterId(1), NodeId(id), voters) };
    raft.limits.log_cache_bytes_max = cache_bytes;
    NodeConfig { raft, machine: Told::default() }
}

/// A disk that loses nothing; what matters here is when it is done.
fn write_down(files: &mut BTreeMap<FileName, Vec<u8>>, what: DiskOp) -> DiskReply {
    let at = |offset: u64| usize::try_from(offset).expect("a small file");
    match what {
        DiskOp::Create { file } => _ = files.insert(file, Vec::new()),
        DiskOp::Write { file, offset, bytes } | DiskOp::WriteSync { file, offset, bytes } => {
            let (content, end) = (files.get_mut(&file).expect("it was created"), at(offset) + bytes.len());
            content.resize(content.len().max(end), 0);
            content[at(offset)..end].copy_from_slice(&bytes);
        }
        DiskOp::Allocate { file, len } => {
            let content = files.get_mut(&file).expect("it was created");
            content.resize(content.len().max(at(len)), 0);
        }
        DiskOp::Truncate { file, len } => files.get_mut(&file).expect("it was created").resize(at(len), 0),
        DiskOp::Read { file, offset, len } => {
            let content = &files[&file];
            let from = at(offset).min(content.len());
            return DiskReply::Bytes(Bytes::copy_from_slice(&content[from..(from + at(len)).min(content.len())]));
        }
        DiskOp::List => {
            return DiskReply::Files(files.iter().map(|(name, content)| (name.clone(), content.len() as u64)).collect());
        }
        DiskOp::Sync { .. } | DiskOp::SyncDir => {}
        DiskOp::Rename { from, to } => {
            let content = files.remove(&from).expect("it was created");
            files.insert(to, content);
        }
        DiskOp::Remove { file } => _ = files.remove(&file),
    }
    DiskReply::Done
}

/// Hands all messages over, and disks are quick, until nobody says anything.
fn talk(members: &mut [Member; 2]) {
    members.iter_mut().for_each(Member::disk_works);
    while let Some((from, message)) = (0..2).find_map(|from| Some((NodeId(from as u64 + 1), members[from].sent.pop_front()?))) {
        let to = &mut members[usize::from(message.envelope.to.node == NodeId(2))];
        to.input(Input::Message { from, message });
        to.disk_works();
    }
}

fn output(index: u64, output: &'static [u8]) -> Reply {
    Reply::Applied { index: LogIndex(index), output: Bytes::from_static(output) }
}

fn answered(applied: u64, output: &'static [u8]) -> Reply {
    Reply::Answered { applied: LogIndex(applied), output: Bytes::from_static(output) }
}

const SESSION: SessionId = SessionId(2);

/// A single voter that leads, with a session.
fn leader() -> Member {
    let mut one = Member::new(1, 1);
    one.tick();
    one.disk_works();
    one.ask(1, Request::Register);
    one.disk_works();
    assert_eq!(one.events(), [Applied(1), Applied(2), Replied(1, Reply::Registered { session: SESSION })]);
    one
}

#[test]
fn a_command_is_answered_when_it_is_applied_and_not_before() {
    let mut one = leader();
    one.command(2, SESSION, 1, b"a");
    one.command(3, SESSION, 2, b"b");
    assert_eq!(one.events(), [], "neither is committed, so neither is applied");
    one.disk_works();
    assert_eq!(one.events(), [Applied(3), Replied(2, output(3, b"a")), Applied(4), Replied(3, output(4, b"b"))]);
}

#[test]
fn a_read_waits_until_what_it_must_see_is_applied_and_for_nothing_else() {
    let mut one = Member::new(1, 1);
    one.tick();
    // Its vote is written, it leads, and its first entry is on its way to the disk.
    while one.node.core().is_none_or(|core| core.log().last().index == LogIndex(0)) {
        assert!(one.disk_works_once(), "the vote is being written");
    }
    one.query(1);
    assert_eq!(one.events(), [], "it leads for sure, and has not applied what earlier leaders may have committed");
    one.disk_works();
    assert_eq!(one.events(), [Applied(1), Replied(1, answered(1, b""))]);
    one.ask(2, Request::Register);
    one.query(3);
    assert_eq!(one.events(), [Replied(3, answered(1, b""))], "what is not committed it need not see");
}

#[test]
fn a_node_that_was_started_again_applies_its_log_again() {
    let mut one = leader();
    one.command(2, SESSION, 1, b"a");
    one.command(3, SESSION, 2, b"b");
    one.disk_works();
    one.events();
    one.restart();
    assert_eq!(one.events(), [], "it does not know yet what is committed");
    one.tick();
    one.disk_works();
    assert_eq!(one.events(), (1..=5).map(Applied).collect::<Vec<_>>());
    one.query(4);
    assert_eq!(one.events(), [Replied(4, answered(5, b"ab"))]);
}

/// A log may be larger than the memory of who has it: what was let go of is read back when it is its turn.
#[test]
fn a_log_that_is_not_kept_in_memory_is_applied_all_the_same() {
    let mut one = leader();
    one.limit_cache(0);
    one.command(2, SESSION, 1, b"some");
    one.disk_works();
    assert_eq!(one.events(), [Applied(4), Replied(2, output(4, b"some"))], "nobody has to read what is at hand");
    one.command(3, SESSION, 2, b"thing");
    one.disk_works();
    assert_eq!(one.cached_bytes(), 0);
    one.restart();
    assert_eq!(one.cached_bytes(), 0);
    one.events();
    one.tick();
    one.disk_works();
    assert_eq!(one.events(), (1..=6).map(Applied).collect::<Vec<_>>());
    one.query(4);
    assert_eq!(one.events(), [Replied(4, answered(6, b"something"))]);
    assert_eq!(one.cached_bytes(), 0);
}

#[test]
fn a_follower_applies_in_order_what_it_learns_is_committed() {
    let mut both = [Member::new(1, 2), Member::new(2, 2)];
    both[0].tick();
    talk(&mut both);
    both[0].ask(1, Request::Register);
    talk(&mut both);
    both[0].command(2, SESSION, 1, b"a");
    both[0].command(3, SESSION, 2, b"b");
    talk(&mut both);
    let told = [
        Applied(1),
        Applied(2),
        Replied(1, Reply::Registered { session: SESSION }),
        Applied(3),
        Replied(2, output(3, b"a")),
        Applied(4),
        Replied(3, output(4, b"b")),
    ];
    assert_eq!(both[0].events(), told);
    // The appends said what was committed when they left.
    assert_eq!(both[1].events(), [Applied(1), Applied(2)]);
    both[0].tick();
    talk(&mut both);
    assert_eq!(both[1].events(), [Applied(3), Applied(4)]);
    assert_eq!(both[1].node.applier().map(|applier| applier.machine().0.clone()), Some(b"ab".to_vec()));
}

/// Found by the storm (`seeds/swarm-f7743e11.ron`): the read that came with it made the follower forget who waits.
#[test]
fn a_command_that_is_passed_on_is_answered_whatever_came_with_it() {
    let query = || Request::Query { query: Bytes::new() };
    for command_is_first in [true, false] {
        let mut both = [Member::new(1, 2), Member::new(2, 2)];
        both[0].tick();
        talk(&mut both);
        both[0].ask(1, Request::Register);
        talk(&mut both);
        both[0].tick();
        talk(&mut both);
        both[1].events();
        let mut together = vec![(RequestId(2), command(SESSION, 1, b"a")), (RequestId(3), query())];
        if !command_is_first {
            together.reverse();
        }
        both[1].input(Input::Requests(together));
        let refused = Reply::Refused(Refused::NotLeader { leader: Some(NodeId(1)) });
        assert_eq!(both[1].events(), [Replied(3, refused)], "reads are not passed on");
        talk(&mut both);
        both[0].tick();
        talk(&mut both);
        assert_eq!(both[1].events(), [Applied(3), Replied(2, output(3, b"a"))]);
    }
}

/// Nothing says yet what purged entries did to the state machine.
#[test]
fn a_node_whose_log_has_lost_its_head_stops_before_it_serves() {
    let mut member = Member::new(1, 1);
    member.tick();
    member.disk_works();
    let config = config(1, 1, u64::MAX);
    let mut under_way = Vec::new();
    let mut wal = Wal::boot(Options::from(&config.raft), BootNumber(2), &mut under_way);
    for step in 0..2 {
        while let Some((op, what)) = under_way.pop() {
            wal.disk_done(op, Ok(write_down(&mut member.files, what)), &mut under_way);
        }
        if step == 0 {
            wal.purge(IoId { boot: BootNumber(2), seq: 1 }, LogId::new(1, 1));
            wal.flush(&mut under_way);
        }
    }
    let mut effects = Effects::default();
    let mut node = Node::boot(config, Boot { number: BootNumber(3), ..member.boot }, &mut effects);
    let halted = loop {
        let mut ops = Vec::new();
        let mut halted = None;
        for effect in effects.drain() {
            match effect {
                Effect::Disk { op, what } => ops.push((op, what)),
                Effect::Halt { reason } => halted = Some(reason),
                _ => {}
            }
        }
        if halted.is_some() || ops.is_empty() {
            break halted;
        }
        for (op, what) in ops {
            let result = Ok(write_down(&mut member.files, what));
            node.handle(LocalTime(0), Input::DiskDone { op, result }, &mut effects);
        }
    };
    assert_eq!(halted, Some("the head of the log was purged, and nothing says what it did"));
    assert!(node.core().is_none());
}
