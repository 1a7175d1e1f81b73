//! Errors of meaning in scenarios: what parses and still cannot be.
//!
//! Every problem carries the path of the value that is to blame. Not here: what is merely unwise, see [`super::lint`].

use super::check::{self, Cluster, MILLION, NODES_MAX, OFFSET_MAX, SAFETY_MAX};
use super::fault::When;
use super::nanos::Nanos;
use super::path::{Path, Problems};
use super::schema::{Clock, Disk, Engine, Fault, Kv, Limits, Load, Network, Scenario, Whose};

/// The most clients that a group may have.
pub const GROUP_CLIENTS_MAX: u64 = 64;
/// The most groups of clients.
pub const GROUPS_MAX: usize = 16;
/// The most keys.
pub const KEYS_MAX: u64 = 1_000;
/// The most operations that one client asks for.
pub const CLIENT_OPERATIONS_MAX: u64 = 20_000;
/// The most bytes that all clients together may want to write.
pub const WRITTEN_BYTES_MAX: u64 = 1 << 30;
/// The most occurrences of one fault.
pub const OCCURRENCES_MAX: u64 = 1_000;
/// The largest weight in a mix.
pub const WEIGHT_MAX: u64 = 1_000_000;
/// The least time that an operation takes beside thinking, when lists of operations are made long enough.
pub const OPERATION_NS_MIN: u64 = 200_000;

/// Everything that is wrong, outermost and first things first.
pub(crate) fn problems(scenario: &Scenario) -> Problems {
    let mut problems = Problems::default();
    let root = Path::new();
    let p = &mut problems;
    let sized = check::range(p, &root.field("nodes"), scenario.nodes, 1, NODES_MAX);
    check::range(p, &root.field("safety"), super::Range::fixed(scenario.safety), Nanos::ms(100), SAFETY_MAX);
    let settle = super::Range::fixed(scenario.settle_election_timeouts);
    check::range(p, &root.field("settle_election_timeouts"), settle, 1, 1_000);
    engine(p, &root.field("engine"), &scenario.engine);
    clients(p, scenario);
    network(p, &root.field("network"), &scenario.network);
    disk(p, &root.field("disk"), &scenario.disk);
    if sized {
        clocks(p, scenario);
        for (n, fault) in scenario.faults.iter().enumerate() {
            FaultRules { scenario, path: root.field("faults").item(n), fault }.check(p);
        }
    }
    marks(p, scenario);
    problems
}

fn engine(p: &mut Problems, path: &Path, engine: &Engine) {
    check::timing(p, path, engine.election_timeout, engine.heartbeat, engine.disk_stall());
    let switches = [
        ("pre_vote", engine.pre_vote),
        ("check_quorum", engine.check_quorum),
        ("forward_proposals", engine.forward_proposals),
        ("preallocate", engine.preallocate),
    ];
    check::switches(p, path, switches);
    check::range(p, &path.field("priority"), engine.priority, 0, check::PRIORITY_MAX);
    check::range(p, &path.field("segment_bytes"), engine.segment_bytes, check::SEGMENT_BYTES.0, check::SEGMENT_BYTES.1);
    check::range(p, &path.field("zero_ahead_bytes"), engine.zero_ahead_bytes, 0, check::ZERO_AHEAD_BYTES_MAX);
    check::limits(p, &path.field("limits"), engine.limits.by_name());
}

impl Limits {
    /// Each limit with its name; the largest append and command stand before what must hold them.
    pub(crate) fn by_name(&self) -> [(&'static str, super::Range<u64>); 11] {
        [
            ("inflight_appends_max", self.inflight_appends_max),
            ("append_bytes_max", self.append_bytes_max),
            ("inflight_bytes_max", self.inflight_bytes_max),
            ("append_entries_max", self.append_entries_max),
            ("command_bytes_max", self.command_bytes_max),
            ("uncommitted_bytes_max", self.uncommitted_bytes_max),
            ("pending_reads_max", self.pending_reads_max),
            ("forwards_max", self.forwards_max),
            ("sessions_max", self.sessions_max),
            ("session_answers_max", self.session_answers_max),
            ("log_cache_bytes_max", self.log_cache_bytes_max),
        ]
    }
}

fn clients(p: &mut Problems, scenario: &Scenario) {
    let path = Path::new().field("clients");
    let groups = scenario.clients.len();
    let expected = format!("1 to {GROUPS_MAX} groups of clients");
    if !p.require((1..=GROUPS_MAX).contains(&groups), &path, format!("{groups} groups"), expected) {
        return;
    }
    let mut bytes = 0_u64;
    for (n, group) in scenario.clients.iter().enumerate() {
        kv(p, &path.item(n), group, scenario);
        bytes = bytes.saturating_add(bytes_at_most(group, scenario.safety));
    }
    let found = format!("clients that may want to write {bytes} bytes");
    p.require(bytes <= WRITTEN_BYTES_MAX, &path, found, format!("at most {WRITTEN_BYTES_MAX} bytes in all"));
}

fn kv(p: &mut Problems, path: &Path, group: &Kv, scenario: &Scenario) {
    check::range(p, &path.field("count"), group.count, 1, GROUP_CLIENTS_MAX);
    check::range(p, &path.field("keys"), group.keys, 1, KEYS_MAX);
    load(p, &path.field("load"), &group.load, scenario.safety);
    mix(p, &path.field("mix"), group);
    let command = scenario.engine.limits.command_bytes_max.low;
    let value_max = command.saturating_sub(check::COMMAND_OVERHEAD_BYTES).max(1);
    check::range(p, &path.field("value_bytes"), group.value_bytes, 1, value_max);
    check::range(p, &path.field("timeout"), group.timeout, Nanos::ms(1), check::LATENCY_MAX);
    check::range(p, &path.field("retries"), super::Range::fixed(group.retries), 0, 10_000);
    check::range(p, &path.field("late_duplicates_ppm"), group.late_duplicates_ppm, 0, MILLION);
    check::range(p, &path.field("late_duplicate_delay"), group.late_duplicate_delay, Nanos(0), SAFETY_MAX);
}

fn load(p: &mut Problems, path: &Path, load: &Load, safety: Nanos) {
    match load {
        Load::Closed { think } => {
            check::range(p, &path.field("think"), *think, Nanos(0), safety);
        }
        Load::Rate { per_second } => {
            check::range(p, &path.field("per_second"), *per_second, 1, 10_000);
            let requests = per_second.high.saturating_mul(safety.0) / 1_000_000_000;
            let found = format!("{requests} requests of each client in {safety}");
            p.require(
                requests <= CLIENT_OPERATIONS_MAX,
                &path.field("per_second"),
                found,
                format!("at most {CLIENT_OPERATIONS_MAX}"),
            );
        }
    }
}

fn mix(p: &mut Problems, path: &Path, group: &Kv) {
    let mix = &group.mix;
    p.require(mix.total() > 0, path, "a mix of nothing", "at least one weight above 0");
    let weights = [("get", mix.get), ("put", mix.put), ("append", mix.append), ("cas", mix.cas), ("delete", mix.delete)];
    for (name, weight) in weights {
        p.require(weight <= WEIGHT_MAX, &path.field(name), weight, format!("a weight up to {WEIGHT_MAX}"));
    }
}

/// What a group may write at most, roughly: every operation a write of the largest value.
fn bytes_at_most(group: &Kv, safety: Nanos) -> u64 {
    let each_ns = match group.load {
        Load::Closed { think } => think.low.0.saturating_add(2_000_000),
        Load::Rate { per_second } => 1_000_000_000 / per_second.high.max(1),
    };
    let operations = (safety.0 / each_ns.max(1)).min(CLIENT_OPERATIONS_MAX);
    group.count.high.saturating_mul(operations).saturating_mul(group.value_bytes.high)
}

fn network(p: &mut Problems, path: &Path, network: &Network) {
    check::range(p, &path.field("latency"), network.latency, Nanos(0), check::LATENCY_MAX);
    let rates = [("loss_ppm", network.loss_ppm), ("duplicate_ppm", network.duplicate_ppm), ("reorder_ppm", network.reorder_ppm)];
    for (name, rate) in rates {
        check::range(p, &path.field(name), rate, 0, MILLION);
    }
    check::range(p, &path.field("reorder_delay"), network.reorder_delay, Nanos(0), check::LATENCY_MAX);
}

fn disk(p: &mut Problems, path: &Path, disk: &Disk) {
    check::range(p, &path.field("write"), disk.write, Nanos(0), check::LATENCY_MAX);
    check::range(p, &path.field("fsync"), disk.fsync, Nanos(0), check::LATENCY_MAX);
    check::range(p, &path.field("slow_ppm"), disk.slow_ppm, 0, MILLION);
    check::range(p, &path.field("slow"), disk.slow, Nanos(0), check::LATENCY_MAX);
}

fn clocks(p: &mut Problems, scenario: &Scenario) {
    let mut seen: Vec<Whose> = Vec::new();
    for (n, Clock { who, offset, rate_ppm }) in scenario.clocks.iter().enumerate() {
        let path = Path::new().field("clocks").item(n);
        if let Whose::Node(node) = who {
            let expected = format!("a node from 1 to {}", scenario.nodes.low);
            p.require((1..=scenario.nodes.low).contains(node), &path.field("who").item(0), format!("node {node}"), expected);
        }
        p.require(!seen.contains(who), &path.field("who"), "the same clock twice", "one entry for each");
        seen.push(*who);
        check::range(p, &path.field("offset"), *offset, Nanos(0), OFFSET_MAX);
        check::range(p, &path.field("rate_ppm"), *rate_ppm, check::RATE_PPM.0, check::RATE_PPM.1);
    }
}

fn marks(p: &mut Problems, scenario: &Scenario) {
    for (n, mark) in scenario.sometimes.iter().enumerate() {
        let path = Path::new().field("sometimes").item(n);
        p.require(!scenario.sometimes[..n].contains(mark), &path, format!("\"{mark}\" twice"), "each mark once");
    }
}

/// The rules for one fault.
struct FaultRules<'a> {
    scenario: &'a Scenario,
    path: Path,
    fault: &'a Fault,
}

impl FaultRules<'_> {
    fn check(&self, p: &mut Problems) {
        let met = matches!(self.fault.when, When::On { .. } | When::DiskOp { .. });
        let cluster = Cluster { nodes: self.scenario.nodes.low, drawn: false, met };
        cluster.what(p, &self.path.field("what"), &self.fault.what);
        self.when(p, cluster);
        self.every(p);
        self.end(p);
        check::outside_atlas(p, &self.path, self.fault.outside_atlas, &self.fault.what, &self.scenario.expect);
        if let Some(chance) = self.fault.chance_ppm {
            p.require(chance <= MILLION, &self.path.field("chance_ppm"), chance, format!("from 0 to {MILLION}"));
        }
    }

    fn when(&self, p: &mut Problems, cluster: Cluster) {
        let path = self.path.field("when");
        match &self.fault.when {
            When::At(at) => self.within(p, &path.item(0), *at),
            When::Between(low, high) => {
                p.require(low <= high, &path, format!("a range from {low} down to {high}"), "the earlier time first");
                self.within(p, &path.item(0), *low);
                self.within(p, &path.item(1), *high);
            }
            When::On { event: _, who, nth, after, plus, times } => {
                self.within(p, &path.field("after"), *after);
                cluster.counted(p, &path.field("who"), who);
                check::range(p, &path.field("nth"), *nth, 1, 1_000_000_000);
                check::range(p, &path.field("plus"), *plus, Nanos(0), self.scenario.safety);
                check::range(p, &path.field("times"), super::Range::fixed(*times), 1, OCCURRENCES_MAX);
            }
            When::DiskOp { who, nth, after, executed: _, times } => {
                self.within(p, &path.field("after"), *after);
                cluster.counted(p, &path.field("who"), who);
                check::range(p, &path.field("nth"), *nth, 1, 1_000_000_000);
                check::range(p, &path.field("times"), super::Range::fixed(*times), 1, OCCURRENCES_MAX);
            }
        }
    }

    fn within(&self, p: &mut Problems, path: &Path, at: Nanos) {
        let end = self.scenario.safety;
        p.require(at < end, path, at, format!("a time before the end of the safety phase, {end}"));
    }

    fn every(&self, p: &mut Problems) {
        let Some(every) = self.fault.every else { return };
        let path = self.path.field("every");
        let name = match self.fault.when {
            When::On { .. } => "On",
            When::DiskOp { .. } => "DiskOp",
            When::At(_) | When::Between(..) => "",
        };
        let expected = format!("`times` within `{name}`: events repeat by count, not by time");
        p.require(name.is_empty(), &path, format!("beside `{name}`"), expected);
        let least = Nanos((self.scenario.safety.0 / OCCURRENCES_MAX).max(1));
        check::range(p, &path, every, least, SAFETY_MAX);
    }

    /// The latest time at which the fault may begin, or the earliest if it waits for events.
    fn start(&self) -> Nanos {
        match self.fault.when {
            When::At(at) => at,
            When::Between(_, high) => high,
            When::On { after, .. } | When::DiskOp { after, .. } => after,
        }
    }

    fn end(&self, p: &mut Problems) {
        let (until, lasts) = (self.path.field("until"), self.path.field("lasts"));
        let fault = self.fault;
        self.permanent(p);
        if fault.what.is_instant() {
            p.require(fault.until.is_none(), &until, "an end of what is over at once", "no `until`");
            p.require(fault.lasts.is_none(), &lasts, "an end of what is over at once", "no `lasts`");
            return;
        }
        p.require(fault.until.is_none() || fault.lasts.is_none(), &lasts, "beside `until`", "one of the two");
        if let Some(end) = fault.until {
            p.require(fault.every.is_none(), &until, "beside `every`", "`lasts`: each occurrence has its own end");
            self.until(p, &until, end);
        }
        if let Some(duration) = fault.lasts {
            let longest = Nanos(self.scenario.safety.0.saturating_sub(self.start().0));
            if check::range(p, &lasts, duration, Nanos(1), SAFETY_MAX) {
                let found = format!("{}, which is beyond the safety phase", duration.high);
                p.require(duration.high <= longest, &lasts.item(1), found, format!("at most {longest}"));
            }
        }
    }

    fn permanent(&self, p: &mut Problems) {
        let (path, fault) = (self.path.field("permanent"), self.fault);
        if fault.permanent {
            p.require(!fault.what.is_instant(), &path, "a fault for ever that is over at once", "a fault that lasts");
            let ends = fault.until.is_some() || fault.lasts.is_some();
            p.require(!ends, &path, "beside an end", "neither `until` nor `lasts`");
        }
    }

    fn until(&self, p: &mut Problems, path: &Path, end: Nanos) {
        let phase = self.scenario.safety;
        p.require(end <= phase, path, end, format!("a time within the safety phase of {phase}"));
        let start = self.start();
        p.require(end > start, path, format!("{end}, before the fault begins"), format!("a time after {start}"));
    }
}
