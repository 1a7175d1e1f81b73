//! Three members that know nothing but `compat::ready`, on a network that loses, repeats and reorders,
//! with disks of their own: some synced at once, some in the background, and crashes that forget what
//! was not. What they apply must agree, survive, and miss nothing that a read had to see.
//!
//! One seed decides a run. Not here: the storm (`squall-sim`), which runs the core under far more.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use squall_raft::compat::ready::{Batch, MemStorage, RawNode, Ready, Ticks};
use squall_raft::config::Config;
use squall_raft::core::RequestError;
use squall_raft::entry::{Entry, Payload};
use squall_raft::membership::Configuration;
use squall_raft::message::Message;
use squall_raft::observation::RoleKind;
use squall_raft::types::{ClusterId, LogIndex, NodeId};

const MEMBERS: u64 = 3;
const TICKS: u32 = 3_000;
const SEEDS: u64 = 60;

/// A multiplicative generator is random enough for weather.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// One member: what a crash takes (the node, batches that were not written) and what it leaves.
struct Member {
    node: Option<RawNode>,
    disk: MemStorage,
    /// Batches that are on their way to the disk; empty where each is synced at once.
    writing: VecDeque<Batch>,
    /// A state machine with a disk of its own.
    applied: Vec<Entry>,
    /// For each read under way, what it has to see.
    reads: BTreeMap<Bytes, usize>,
    syncs_at_once: bool,
}

#[derive(Debug, Default)]
struct Seen {
    crashes: u64,
    lost_batches: u64,
    elections: u64,
    reads: u64,
    dropped_reads: u64,
    applied: u64,
}

struct Cluster {
    members: Vec<Member>,
    network: Vec<Message>,
    random: Random,
    /// What is known to be applied somewhere, in its order.
    agreed: Vec<Entry>,
    proposals: u64,
    questions: u64,
    calm: bool,
    seen: Seen,
}

fn config(id: u64, seed: u64) -> Config {
    let voters = Configuration::of_voters((1..=MEMBERS).map(NodeId)).expect("three voters");
    let mut config = Config::new(ClusterId(7), NodeId(id), voters);
    config.timing = Ticks { election: 10, heartbeat: 2 }.timing();
    (config.limits.append_entries_max, config.limits.inflight_appends_max) = (4, 3);
    config.elections.pre_vote = !seed.is_multiple_of(4);
    config.elections.check_quorum = !seed.is_multiple_of(5);
    config
}

impl Cluster {
    fn new(seed: u64) -> Self {
        let member = |id| Member {
            node: Some(RawNode::start(config(id, seed), seed * 10 + id).expect("the settings are valid")),
            disk: MemStorage::default(),
            writing: VecDeque::new(),
            applied: Vec::new(),
            reads: BTreeMap::new(),
            syncs_at_once: (seed + id).is_multiple_of(2),
        };
        let members = (1..=MEMBERS).map(member).collect();
        let random = Random(seed);
        Self {
            members,
            network: Vec::new(),
            random,
            agreed: Vec::new(),
            proposals: 0,
            questions: 0,
            calm: false,
            seen: Seen::default(),
        }
    }

    fn tick(&mut self, seed: u64) {
        for at in 0..self.members.len() {
            self.live(at, seed);
            self.carry_out(at);
        }
        self.deliver();
    }

    /// What happens to one member in a tick.
    fn live(&mut self, at: usize, seed: u64) {
        if self.members[at].node.is_none() {
            if self.calm || self.random.one_in(30) {
                self.restart(at, seed);
            }
            return;
        }
        if !self.calm && self.random.one_in(400) {
            self.crash(at);
            return;
        }
        let (proposes, reads, campaigns) = (self.random.one_in(3), self.random.one_in(6), self.random.one_in(200));
        let Member { node, reads: under_way, .. } = &mut self.members[at];
        let node = node.as_mut().expect("it runs");
        node.tick();
        if proposes {
            self.proposals += 1;
            _ = node.propose(Bytes::from(format!("{}", self.proposals)));
        }
        self.questions += 1;
        let context = Bytes::from(format!("{}", self.questions));
        if reads && node.read_index(context.clone()).is_ok() {
            under_way.insert(context, self.agreed.len());
        }
        if campaigns && !self.calm {
            _ = node.campaign();
        }
    }

    fn carry_out(&mut self, at: usize) {
        self.write_some(at);
        while let Some(mut ready) = self.members[at].node.as_mut().filter(|node| node.has_ready()).map(RawNode::ready) {
            self.network.append(&mut ready.messages);
            self.check_reads(at, &mut ready);
            self.apply(at, &ready.committed_entries);
            self.seen.elections += u64::from(ready.soft_state.is_some_and(|state| state.role == RoleKind::Leader));
            let member = &mut self.members[at];
            if member.syncs_at_once {
                ready.batch.iter().flat_map(Batch::writes).for_each(|write| member.disk.write(write));
                member.node.as_mut().expect("it runs").advance(ready);
            } else {
                member.writing.extend(ready.batch);
            }
        }
    }

    /// A disk in the background gets some of its batches done, and tells of them in any order.
    fn write_some(&mut self, at: usize) {
        let count = if self.calm { u64::MAX } else { self.random.below(4) };
        let member = &mut self.members[at];
        let Some(node) = &mut member.node else { return };
        let mut receipts = Vec::new();
        while (receipts.len() as u64) < count
            && let Some(batch) = member.writing.pop_front()
        {
            batch.writes().iter().for_each(|write| member.disk.write(write));
            receipts.push(batch.persisted());
        }
        while !receipts.is_empty() {
            let next = self.random.below(receipts.len() as u64);
            node.persisted(receipts.swap_remove(usize::try_from(next).expect("few")));
        }
    }

    /// A confirmed read has seen all that was applied anywhere when it was asked.
    fn check_reads(&mut self, at: usize, ready: &mut Ready) {
        for read in ready.read_states.drain(..) {
            let must_see = self.members[at].reads.remove(&read.context).expect("each read is confirmed once");
            assert!(read.index.0 >= must_see as u64, "a read at {} misses what was applied up to {must_see}", read.index);
            self.seen.reads += 1;
        }
        for (context, why) in ready.dropped_reads.drain(..) {
            assert!(matches!(why, RequestError::NotLeader { .. }));
            self.members[at].reads.remove(&context).expect("each read is dropped once");
            self.seen.dropped_reads += 1;
        }
    }

    fn apply(&mut self, at: usize, committed: &[Entry]) {
        let member = &mut self.members[at];
        for entry in committed {
            assert_eq!(entry.id.index, LogIndex(member.applied.len() as u64 + 1), "each entry is handed out once, in order");
            assert_eq!(member.disk.term(entry.id.index), Some(entry.id.term), "it is durable here as well");
            match self.agreed.get(member.applied.len()) {
                Some(agreed) => assert_eq!(entry, agreed, "member {} applies something else", at + 1),
                None => self.agreed.push(entry.clone()),
            }
            member.applied.push(entry.clone());
            self.seen.applied += 1;
        }
    }

    fn crash(&mut self, at: usize) {
        let kept = self.random.below(3);
        let member = &mut self.members[at];
        member.node = None;
        // Some that nobody waits for any more may have been written all the same.
        let kept = usize::try_from(kept).expect("few").min(member.writing.len());
        for batch in member.writing.drain(..kept) {
            batch.writes().iter().for_each(|write| member.disk.write(write));
        }
        self.seen.lost_batches += member.writing.drain(..).count() as u64;
        self.seen.crashes += 1;
        member.reads.clear();
    }

    fn restart(&mut self, at: usize, seed: u64) {
        let entropy = self.random.below(1 << 30);
        let member = &mut self.members[at];
        let applied = LogIndex(member.applied.len() as u64);
        let again = RawNode::restart(&member.disk, applied, entropy);
        // Whoever crashed before its first sync has said nothing, and starts anew.
        member.node = Some(again.or_else(|_| RawNode::start(config(at as u64 + 1, seed), entropy)).expect("valid settings"));
    }

    fn deliver(&mut self) {
        let arriving = std::mem::take(&mut self.network);
        for message in arriving {
            if !self.calm && self.random.one_in(3) {
                self.network.push(message); // later, behind others
            } else if self.calm || !self.random.one_in(20) {
                if !self.calm && self.random.one_in(10) {
                    self.network.push(message.clone());
                }
                let to = usize::try_from(message.envelope.to.node.0 - 1).expect("few");
                if let Some(node) = &mut self.members[to].node {
                    _ = node.step(message);
                }
            }
        }
    }

    fn is_settled(&self) -> bool {
        let leads = |member: &&Member| member.node.as_ref().is_some_and(|node| node.core().role().kind() == RoleKind::Leader);
        self.members.iter().filter(leads).count() == 1
            && self.members.iter().all(|member| member.applied.len() + 5 > self.agreed.len())
    }
}

fn run(seed: u64) -> Seen {
    let mut cluster = Cluster::new(seed);
    (0..TICKS).for_each(|_| cluster.tick(seed));
    let before = cluster.agreed.len();
    cluster.calm = true;
    (0..300).for_each(|_| cluster.tick(seed));
    assert!(cluster.agreed.len() > before + 20, "seed {seed}: a healed cluster goes on: {:?}", cluster.seen);
    assert!(cluster.is_settled(), "seed {seed}: it has one leader and all follow");
    let mut values: Vec<_> =
        cluster.agreed.iter().filter(|entry| entry.payload != Payload::Noop).map(|entry| &entry.payload).collect();
    let count = values.len();
    values.sort_by_key(|payload| if let Payload::Command(bytes) = payload { bytes.clone() } else { Bytes::new() });
    values.dedup();
    assert_eq!(values.len(), count, "seed {seed}: nothing that was proposed once is applied twice");
    cluster.seen
}

#[test]
fn what_is_applied_agrees_and_survives() {
    let mut all = Seen::default();
    for seed in 0..SEEDS {
        let seen = run(seed);
        all.crashes += seen.crashes;
        all.lost_batches += seen.lost_batches;
        all.elections += seen.elections;
        all.reads += seen.reads;
        all.dropped_reads += seen.dropped_reads;
        all.applied += seen.applied;
    }
    assert!(all.crashes > 100 && all.lost_batches > 20 && all.elections > 100, "{all:?}");
    assert!(all.reads > 1_000 && all.dropped_reads > 0 && all.applied > 10_000, "{all:?}");
}

#[test]
fn a_seed_is_a_run() {
    assert_eq!(format!("{:?}", run(7)), format!("{:?}", run(7)));
}
