//! Refuses plans that cannot be run: an edited plan may say anything.
//!
//! Not here: whether a plan is what its scenario and seed would draw; that is no requirement, only worth saying.

use super::{Client, Ends, Fault, Op, Plan, Value, When};
use crate::scenario::check::{self, Cluster, MILLION, OFFSET_MAX, SAFETY_MAX};
use crate::scenario::path::Problems;
use crate::scenario::validate::{CLIENT_OPERATIONS_MAX, GROUP_CLIENTS_MAX, GROUPS_MAX, WRITTEN_BYTES_MAX};
use crate::scenario::{Invalid, Nanos, Path, Range, Whose};

impl Plan {
    /// Checks that it can be run.
    ///
    /// # Errors
    /// The first thing that cannot be; [`crate::scenario::ScenarioError::locate`] finds it in the text.
    pub fn validate(&self) -> Result<(), Invalid> {
        let mut problems = Problems::default();
        self.settings(&mut problems);
        self.weather(&mut problems);
        self.check_clocks(&mut problems);
        for (n, fault) in self.faults.iter().enumerate() {
            self.fault(&mut problems, n, fault);
        }
        self.check_clients(&mut problems);
        problems.first()
    }

    fn settings(&self, p: &mut Problems) {
        let root = Path::new();
        check::range(p, &root.field("nodes"), Range::fixed(self.nodes), 1, check::NODES_MAX);
        check::range(p, &root.field("safety"), Range::fixed(self.safety), Nanos::ms(100), SAFETY_MAX);
        let settle = Range::fixed(self.settle_election_timeouts);
        check::range(p, &root.field("settle_election_timeouts"), settle, 1, 1_000);
        let engine = root.field("engine");
        let of = &self.engine;
        check::timing(p, &engine, of.election_timeout, Range::fixed(of.heartbeat), Range::fixed(of.disk_stall));
        let (low, high) = check::SEGMENT_BYTES;
        check::range(p, &engine.field("segment_bytes"), Range::fixed(of.segment_bytes), low, high);
        let zeroed = Range::fixed(of.zero_ahead_bytes);
        check::range(p, &engine.field("zero_ahead_bytes"), zeroed, 0, check::ZERO_AHEAD_BYTES_MAX);
        let priorities = root.field("priorities");
        let expected = format!("one for each of {} nodes, or none", self.nodes);
        let fits = self.priorities.is_empty() || self.priorities.len() as u64 == self.nodes;
        p.require(fits, &priorities, format!("{} priorities", self.priorities.len()), expected);
        for (n, priority) in self.priorities.iter().enumerate() {
            check::range(p, &priorities.item(n), Range::fixed(*priority), 0, check::PRIORITY_MAX);
        }
        let of = &self.engine.limits;
        let limits = [
            ("inflight_appends_max", of.inflight_appends_max),
            ("append_bytes_max", of.append_bytes_max),
            ("inflight_bytes_max", of.inflight_bytes_max),
            ("append_entries_max", of.append_entries_max),
            ("command_bytes_max", of.command_bytes_max),
            ("uncommitted_bytes_max", of.uncommitted_bytes_max),
            ("pending_reads_max", of.pending_reads_max),
            ("forwards_max", of.forwards_max),
            ("sessions_max", of.sessions_max),
            ("session_answers_max", of.session_answers_max),
            ("log_cache_bytes_max", of.log_cache_bytes_max),
        ];
        check::limits(p, &engine.field("limits"), limits.map(|(name, limit)| (name, Range::fixed(limit))));
    }

    fn weather(&self, p: &mut Problems) {
        let network = Path::new().field("network");
        check::range(p, &network.field("latency"), self.network.latency, Nanos(0), check::LATENCY_MAX);
        let rates = [
            ("loss_ppm", self.network.loss_ppm),
            ("duplicate_ppm", self.network.duplicate_ppm),
            ("reorder_ppm", self.network.reorder_ppm),
        ];
        for (name, rate) in rates {
            check::range(p, &network.field(name), Range::fixed(rate), 0, MILLION);
        }
        check::range(p, &network.field("reorder_delay"), self.network.reorder_delay, Nanos(0), check::LATENCY_MAX);
        let disk = Path::new().field("disk");
        check::range(p, &disk.field("write"), self.disk.write, Nanos(0), check::LATENCY_MAX);
        check::range(p, &disk.field("fsync"), self.disk.fsync, Nanos(0), check::LATENCY_MAX);
        check::range(p, &disk.field("slow_ppm"), Range::fixed(self.disk.slow_ppm), 0, MILLION);
        check::range(p, &disk.field("slow"), self.disk.slow, Nanos(0), check::LATENCY_MAX);
    }

    fn check_clocks(&self, p: &mut Problems) {
        for (n, clock) in self.clocks.iter().enumerate() {
            let path = Path::new().field("clocks").item(n);
            let who = path.field("who");
            match clock.who {
                Whose::All => {
                    p.require(false, &who, "All", "a single node: in a plan each clock has been drawn");
                }
                Whose::Node(node) => {
                    let found = format!("node {node}");
                    p.require((1..=self.nodes).contains(&node), &who.item(0), found, format!("a node from 1 to {}", self.nodes));
                }
            }
            let twice = self.clocks[..n].iter().any(|other| other.who == clock.who);
            p.require(!twice, &who, "the same clock twice", "one entry for each");
            check::range(p, &path.field("offset"), Range::fixed(clock.offset), Nanos(0), OFFSET_MAX);
            check::range(p, &path.field("rate_ppm"), Range::fixed(clock.rate_ppm), check::RATE_PPM.0, check::RATE_PPM.1);
        }
    }

    fn fault(&self, p: &mut Problems, n: usize, fault: &Fault) {
        let path = Path::new().field("faults").item(n);
        let met = matches!(fault.when, When::On { .. } | When::DiskOp { .. });
        let cluster = Cluster { nodes: self.nodes, drawn: true, met };
        check::outside_atlas(p, &path, fault.outside_atlas, &fault.what, &self.expect);
        let id = path.field("id");
        p.require(!fault.id.is_empty(), &id, "an empty name", "a name");
        let twice = self.faults[..n].iter().any(|other| other.id == fault.id);
        p.require(!twice, &id, format!("\"{}\" twice", fault.id), "a name of its own for each fault");
        cluster.what(p, &path.field("what"), &fault.what);
        let start = self.start(p, &path.field("when"), cluster, &fault.when);
        self.end(p, &path.field("ends"), fault, start);
    }

    /// Checks a trigger; returns the earliest time at which it fires.
    fn start(&self, p: &mut Problems, path: &Path, cluster: Cluster, when: &When) -> Nanos {
        match when {
            When::At(at) => {
                let expected = format!("a time before the end of the safety phase, {}", self.safety);
                p.require(*at < self.safety, &path.item(0), at, expected);
                *at
            }
            When::On { event: _, who, nth, after, plus } => {
                let expected = format!("a time before the end of the safety phase, {}", self.safety);
                p.require(*after < self.safety, &path.field("after"), after, expected);
                cluster.counted(p, &path.field("who"), who);
                check::range(p, &path.field("nth"), Range::fixed(*nth), 1, u64::MAX);
                check::range(p, &path.field("plus"), Range::fixed(*plus), Nanos(0), self.safety);
                *after
            }
            When::DiskOp { who, nth, after, executed: _ } => {
                let expected = format!("a time before the end of the safety phase, {}", self.safety);
                p.require(*after < self.safety, &path.field("after"), after, expected);
                cluster.counted(p, &path.field("who"), who);
                check::range(p, &path.field("nth"), Range::fixed(*nth), 1, u64::MAX);
                *after
            }
        }
    }

    fn end(&self, p: &mut Problems, path: &Path, fault: &Fault, start: Nanos) {
        let instant = fault.what.is_instant();
        p.require(!instant || fault.ends == Ends::WithPhase, path, "an end of what is over at once", "no `ends`");
        let at = path.item(0);
        match fault.ends {
            Ends::WithPhase | Ends::Never => {}
            Ends::After(span) => {
                let longest = Nanos(self.safety.0.saturating_sub(start.0));
                p.require(span.0 > 0, &at, span, "more than 0");
                let found = format!("{span}, which is beyond the safety phase");
                p.require(span <= longest, &at, found, format!("at most {longest}"));
            }
            Ends::At(end) => {
                p.require(end <= self.safety, &at, end, format!("a time within the safety phase of {}", self.safety));
                p.require(end > start, &at, format!("{end}, before the fault begins"), format!("a time after {start}"));
            }
        }
    }

    fn check_clients(&self, p: &mut Problems) {
        let path = Path::new().field("clients");
        let most = GROUPS_MAX as u64 * GROUP_CLIENTS_MAX;
        let count = self.clients.len() as u64;
        p.require(count <= most, &path, format!("{count} clients"), format!("at most {most}"));
        let mut bytes = 0_u64;
        for (n, client) in self.clients.iter().enumerate() {
            let here = path.item(n);
            let twice = self.clients[..n].iter().any(|other| other.id == client.id);
            p.require(!twice, &here.field("id"), format!("{} twice", client.id), "a number of its own for each client");
            check_client(p, &here, client, self.engine.limits.command_bytes_max);
            bytes = client.operations.iter().fold(bytes, |sum, operation| sum.saturating_add(written(&operation.op)));
        }
        p.require(bytes <= WRITTEN_BYTES_MAX, &path, format!("{bytes} bytes to write"), format!("at most {WRITTEN_BYTES_MAX}"));
    }
}

fn check_client(p: &mut Problems, path: &Path, client: &Client, command_bytes_max: u64) {
    check::range(p, &path.field("timeout"), Range::fixed(client.timeout), Nanos::ms(1), check::LATENCY_MAX);
    check::range(p, &path.field("retries"), Range::fixed(client.retries), 0, 10_000);
    let operations = client.operations.len() as u64;
    let expected = format!("at most {CLIENT_OPERATIONS_MAX}");
    p.require(operations <= CLIENT_OPERATIONS_MAX, &path.field("operations"), format!("{operations} of them"), expected);
    let value_max = command_bytes_max.saturating_sub(check::COMMAND_OVERHEAD_BYTES);
    for (n, operation) in client.operations.iter().enumerate() {
        let fits = operation.key > 0
            && operation.think <= SAFETY_MAX
            && operation.late_duplicate.is_none_or(|late| late <= SAFETY_MAX)
            && written(&operation.op) <= value_max;
        // Paths are built only for what is wrong: there are thousands of operations.
        if !fits {
            check_operation(p, &path.field("operations").item(n), operation, value_max);
        }
    }
}

fn check_operation(p: &mut Problems, path: &Path, operation: &super::Operation, value_max: u64) {
    p.require(operation.key > 0, &path.field("key"), operation.key, "a key from 1 on");
    p.require(operation.think <= SAFETY_MAX, &path.field("think"), operation.think, format!("at most {SAFETY_MAX}"));
    if let Some(late) = operation.late_duplicate {
        p.require(late <= SAFETY_MAX, &path.field("late_duplicate"), late, format!("at most {SAFETY_MAX}"));
    }
    let bytes = written(&operation.op);
    p.require(bytes <= value_max, &path.field("op"), format!("{bytes} bytes of values"), format!("at most {value_max}"));
}

/// Bytes that an operation brings to the log, roughly.
fn written(op: &Op) -> u64 {
    match op {
        Op::Get | Op::Delete => 0,
        Op::Put(value) | Op::Append(value) => value.len(),
        Op::Cas { expected, new } => new.len() + expected.value().map_or(0, Value::len),
    }
}

impl super::Expected {
    /// The value that it names itself.
    #[must_use]
    pub const fn value(&self) -> Option<&Value> {
        match self {
            Self::LastSeen | Self::Absent => None,
            Self::Value(value) => Some(value),
        }
    }
}
