//! The load of the rows: an arena of five Raft nodes and a proposer at its leader; and the runs.
//!
//! The reference is a bare event loop whose harness calls `propose` at the leader, so this
//! proposer stands at the leader, too, and is *open-loop*: one request each virtual
//! millisecond, whatever became of the ones before. But it is a client of the world, as
//! everywhere else in it: it holds a session, so each command is admitted exactly once, is
//! applied, and is answered over a link. What the reference leaves out is counted here.
//! The clients of a `Run` (timers for each attempt, histories) are what row *runs* measures.

use std::sync::Arc;

use bytes::Bytes;
use squall_raft::applier::kv::{Kv, Operation};
use squall_raft::core::Core;
use squall_raft::core::role::Role;
use squall_raft::node::request::{Reply, Request};
use squall_raft::node::{Node, NodeConfig};
use squall_raft::types::{NodeId, SessionId};
use squall_sim::arena::{Arena, Watch};
use squall_sim::entropy::Entropy;
use squall_sim::network::LinkWeather;
use squall_sim::plan::Plan;
use squall_sim::run::finish::Outcome;
use squall_sim::run::settings;
use squall_sim::run::subject::KvSubject;
use squall_sim::run::{Judge, Options, Run};
use squall_sim::scenario::Scenario;
use squall_sim::world::{ClientId, Observer, RequestHandle, Step, World};

/// A Raft node with the bundled key-value store.
pub type Raft = Node<Kv>;

/// Time between two proposals.
pub const PERIOD_NS: u64 = 1_000_000;

const CLIENT: ClientId = ClientId(0);

/// Latency, fsync and heartbeats of all rows, and a log that lies on its disk as the engine has it by default.
pub const WEATHER: &str =
    r#"disk: (fsync: "1ms"), engine: (heartbeat: "50ms", segment_bytes: 67_108_864, zero_ahead_bytes: 2_097_152),"#;
/// The network of the loaded rows.
pub const LOSSY: &str = r#"network: (latency: ("1ms", "10ms"), loss_ppm: 20_000, duplicate_ppm: 20_000),"#;
/// The network of the idle row.
pub const CALM: &str = r#"network: (latency: ("1ms", "10ms")),"#;

/// Five nodes and the rest of a scenario.
///
/// # Panics
/// If the scenario is none.
pub fn scenario(rest: &str) -> Scenario {
    let text = format!("Scenario(nodes: 5, {WEATHER} {rest})");
    Scenario::parse("bench.ron", &text).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// Draws the plan of a seed.
pub fn plan(scenario: &Scenario, seed: u64) -> Plan {
    Plan::draw("bench", scenario, seed)
}

/// An arena under load.
#[derive(Clone)]
pub struct Cluster<A = World<Raft>> {
    /// The arena.
    pub arena: A,
    leader: NodeId,
    session: Option<SessionId>,
    sequence: u64,
    answered: u64,
}

impl Cluster {
    /// Lets virtual time pass without a request.
    pub fn idle_until(&mut self, until_ns: u64, observer: &mut impl Observer<Raft>) {
        while self.arena.next_at().is_some_and(|at_ns| at_ns <= until_ns) {
            self.arena.step(observer);
        }
    }
}

impl<A: Arena<Raft>> Cluster<A> {
    /// Boots the nodes of a plan. The proposer's own link is short and loses nothing.
    ///
    /// # Panics
    /// If the engine refuses the plan.
    pub fn boot(plan: &Plan, observer: &mut impl Observer<Raft>) -> Self {
        let node = |id| {
            let raft = settings::engine(plan, id).unwrap_or_else(|error| panic!("{error}"));
            (NodeId(id), NodeConfig { raft, machine: Kv::default() })
        };
        let weather = squall_sim::world::Settings { client_links: LinkWeather::calm(0, 0), clients: 1, ..settings::world(plan) };
        let mut arena = A::new(Entropy::new(plan.seed), (1..=plan.nodes).map(node).collect(), weather);
        for id in 1..=plan.nodes {
            arena.start(NodeId(id), observer);
        }
        Self { arena, leader: NodeId(1), session: None, sequence: 0, answered: 0 }
    }

    /// Entries that are committed.
    pub fn commits(&self) -> u64 {
        self.each_core(|core| Some(core.commit_index().0)).max().unwrap_or(0)
    }

    fn each_core<R>(&self, look: fn(&Core) -> Option<R>) -> impl Iterator<Item = R> {
        self.arena.node_ids().filter_map(move |node| self.arena.with_process(node, |process| process.core().and_then(look))?)
    }

    /// Proposes once per period until this virtual time.
    pub fn propose_until(&mut self, until_ns: u64, observer: &mut impl Observer<Raft>) {
        self.arena.wake_at(self.arena.now() + PERIOD_NS, 0, observer);
        loop {
            match self.arena.step(observer) {
                Step::Internal | Step::AtDiskOp { .. } => {}
                Step::External { .. } => {
                    self.propose(observer);
                    if self.arena.now() >= until_ns {
                        return;
                    }
                    self.arena.wake_at(self.arena.now() + PERIOD_NS, 0, observer);
                }
                Step::Reply { handle, reply, .. } => self.take(handle, &reply),
                Step::Idle => unreachable!("timers never end"),
            }
        }
    }

    fn propose(&mut self, observer: &mut impl Observer<Raft>) {
        let request = match self.session {
            // A new one each time until one is granted: the first answer counts.
            None => Request::Register,
            Some(session) => {
                self.sequence += 1;
                let (sequence, first_outstanding) = (self.sequence, self.answered + 1);
                Request::Command { session, sequence, first_outstanding, command: command(sequence) }
            }
        };
        self.arena.request(CLIENT, RequestHandle(self.sequence), self.leader, request, observer);
    }

    fn take(&mut self, handle: RequestHandle, reply: &Reply) {
        match reply {
            Reply::Registered { session } => self.session = self.session.or(Some(*session)),
            Reply::Refused(_) | Reply::Unknown => self.find_leader(),
            _ => self.answered = self.answered.max(handle.0),
        }
    }

    fn find_leader(&mut self) {
        let leads = |core: &Core| matches!(core.role(), Role::Leader(_)).then(|| (core.hard_state().term, core.leader()));
        if let Some((_, Some(leader))) = self.each_core(leads).max_by_key(|(term, _)| *term) {
            self.leader = leader;
        }
    }
}

/// A put of a 16-byte value.
fn command(sequence: u64) -> Bytes {
    const NAMES: [&[u8]; 8] = [b"k0", b"k1", b"k2", b"k3", b"k4", b"k5", b"k6", b"k7"];
    let mut value = [0; 16];
    value[..8].copy_from_slice(&sequence.to_le_bytes());
    let name = NAMES[usize::from(value[0] % 8)];
    Operation::Put { key: Bytes::from_static(name), value: Bytes::copy_from_slice(&value) }.encode()
}

/// All online checkers over a plan.
pub fn checkers(plan: &Plan) -> Judge {
    Judge::new(plan, Watch { checks: true, disks: true, triggers: false, commands: false })
}

/// Fails if a checker saw anything: a bench of a broken engine means nothing.
///
/// # Panics
/// If so.
pub fn assert_clean(judge: &Judge) {
    assert!(judge.violation().is_none(), "{:?}", judge.violation());
}

/// Eleven clients with ten writes per second each at most: one that waits for a lost answer falls behind.
pub const WRITES: &str = r#"clients: [Kv(count: 11, keys: 5, load: Rate(per_second: 10), value_bytes: 16,
    mix: (get: 0, put: 1, append: 0, cas: 0, delete: 0))],"#;
/// The same with the default mix, of which two fifths are reads.
pub const MIXED: &str = r#"clients: [Kv(count: 11, keys: 5, load: Rate(per_second: 10), value_bytes: 16)],"#;
/// Virtual time of one run at least, the healing at its end included.
const RUN_NS: u64 = 10_000_000_000;

/// Ten virtual seconds of these clients on this network.
pub fn run_of(network: &str, clients: &str) -> Scenario {
    scenario(&format!(r#"safety: "8800ms", {network} {clients}"#))
}

/// One whole run in an arena: plan drawn, nodes built, storm, healing, final judgement.
///
/// # Panics
/// If it fails, or did less than a run of the row has to do.
pub fn run_once<A: Arena<Raft>>(scenario: &Scenario, seed: u64, checks: bool) -> Outcome {
    let options = Options { checks, ..Options::default() };
    let run = Run::<_, A>::with_engine(Arc::new(plan(scenario, seed)), KvSubject, options, |_, _| {}, &mut ());
    let outcome = run.unwrap_or_else(|error| panic!("{error}")).finish(&mut ());
    assert!(outcome.violation.is_none(), "seed {seed}: {:?}", outcome.violation);
    assert!(outcome.operations > 800, "seed {seed}: {} operations", outcome.operations);
    assert!(outcome.virtual_ns >= RUN_NS, "seed {seed}: {} virtual nanoseconds", outcome.virtual_ns);
    outcome
}
