//! Rules that scenarios and plans share: what a target, a cut, a fault, a timing or a rate may be.
//!
//! Not here: rules about files of scenarios ([`super::validate`]) or of plans ([`crate::plan::validate`]) alone.

use super::fault::{Cut, Target, What};
use super::nanos::Nanos;
use super::path::{Path, Problems};
use super::range::{Bound, Range};
use super::schema::Expect;

/// Least and most bytes of a segment of the log: a header, a seal and two frames; and more than any run writes.
pub const SEGMENT_BYTES: (u64, u64) = (2_048, 64 << 20);

/// The most that an engine zeroes ahead of its log at once.
pub use squall_raft::config::ZERO_AHEAD_BYTES_MAX;

/// The largest cluster.
pub const NODES_MAX: u64 = 7;
/// The longest safety phase.
pub const SAFETY_MAX: Nanos = Nanos(600_000_000_000);
/// How far a clock's rate may be from true time: a fifth.
pub const RATE_PPM: (u32, u32) = (800_000, 1_200_000);
/// The longest latency of a message, a sync or an election timeout.
pub const LATENCY_MAX: Nanos = Nanos(60_000_000_000);
/// The longest time that a disk may do nothing before its node gives way; so long that it never does.
pub const DISK_STALL_MAX: Nanos = Nanos(3_600_000_000_000);
/// The furthest that a clock may be ahead, at the start or by a jump.
pub const OFFSET_MAX: Nanos = Nanos(86_400_000_000_000);
/// A certain event.
pub const MILLION: u32 = 1_000_000;
/// The engine's highest priority.
pub const PRIORITY_MAX: u64 = 3;
/// Room for the key and the framing of a command beside its value.
pub const COMMAND_OVERHEAD_BYTES: u64 = 128;

/// A range the right way round, with both ends within bounds.
pub(crate) fn range<T: Bound>(problems: &mut Problems, path: &Path, range: Range<T>, min: T, max: T) -> bool {
    let text = format!("from {min} to {max}");
    let ordered = problems.require(
        range.low <= range.high,
        path,
        format!("a range from {} down to {}", range.low, range.high),
        "a range with the smaller value first",
    );
    ordered
        && problems.require(range.low >= min && range.low <= max, &path.item(0), range.low, &*text)
        && problems.require(range.high <= max, &path.item(1), range.high, text)
}

/// What a fault is checked against.
#[derive(Clone, Copy)]
pub(crate) struct Cluster {
    /// Nodes that exist whatever is drawn.
    pub(crate) nodes: u64,
    /// Whether ranges must have been drawn already.
    pub(crate) drawn: bool,
    /// Whether the trigger names a node.
    pub(crate) met: bool,
}

/// Where a target stands, as far as that decides which ones may.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Whole,
    Counted,
    End,
    Inner,
}

impl Cluster {
    /// A fault's effect.
    pub(crate) fn what(self, problems: &mut Problems, path: &Path, what: &What) {
        match what {
            What::Kill(who)
            | What::PowerLoss(who)
            | What::Pause(who)
            | What::StallDisk(who)
            | What::Campaign(who)
            | What::LyingFsync(who)
            | What::WipeDisk(who)
            | What::ReorderDisk(who) => self.target(problems, &path.item(0), who, Place::Whole),
            What::DiskErrors { .. } | What::FullDisk { .. } | What::BitRot { .. } | What::Misdirect { .. } => {
                self.storage(problems, path, what);
            }
            What::Cut(cut) => self.cut(problems, &path.item(0), cut),
            What::Flap { cut, down, up } => {
                self.cut(problems, &path.field("cut"), cut);
                for (name, span) in [("down", down), ("up", up)] {
                    range(problems, &path.field(name), *span, Nanos::ms(1), SAFETY_MAX);
                }
            }
            What::Link { from, to, latency, loss_ppm, duplicate_ppm, reorder_ppm } => {
                self.ends(problems, path, from, to);
                if let Some(latency) = latency {
                    range(problems, &path.field("latency"), *latency, Nanos(0), LATENCY_MAX);
                }
                let rates = [("loss_ppm", loss_ppm), ("duplicate_ppm", duplicate_ppm), ("reorder_ppm", reorder_ppm)];
                for (name, rate) in rates {
                    if let Some(rate) = rate {
                        self.value(problems, &path.field(name), *rate, 0, MILLION);
                    }
                }
                let changes = latency.is_some() || rates.iter().any(|(_, rate)| rate.is_some());
                problems.require(changes, path, "weather that changes nothing", "a latency or a rate, such as loss_ppm: 100_000");
            }
            What::Reset { from, to } => self.ends(problems, path, from, to),
            What::SlowFsync { who, fsync } => {
                self.target(problems, &path.field("who"), who, Place::Whole);
                range(problems, &path.field("fsync"), *fsync, Nanos(0), LATENCY_MAX);
            }
            What::ClockRate { who, rate_ppm } => {
                self.target(problems, &path.field("who"), who, Place::Whole);
                self.value(problems, &path.field("rate_ppm"), *rate_ppm, RATE_PPM.0, RATE_PPM.1);
            }
            What::ClockJump { who, by } => {
                self.target(problems, &path.field("who"), who, Place::Whole);
                self.value(problems, &path.field("by"), *by, Nanos(1), OFFSET_MAX);
            }
        }
    }

    /// What goes wrong with a disk.
    fn storage(self, problems: &mut Problems, path: &Path, what: &What) {
        match what {
            What::DiskErrors { who, on, error: _, times } => {
                self.target(problems, &path.field("who"), who, Place::Whole);
                for (n, kind) in on.iter().enumerate() {
                    let twice = on[..n].contains(kind);
                    problems.require(!twice, &path.field("on").item(n), format!("{kind:?} twice"), "each kind once");
                }
                if let Some(times) = times {
                    self.value(problems, &path.field("times"), *times, 1, 1_000_000);
                }
            }
            What::FullDisk { who, free } => {
                self.target(problems, &path.field("who"), who, Place::Whole);
                self.value(problems, &path.field("free"), *free, 0, 1 << 30);
            }
            What::BitRot { who, bits, within_ppm } => {
                self.target(problems, &path.field("who"), who, Place::Whole);
                self.value(problems, &path.field("bits"), *bits, 1, 1_000);
                let at = path.field("within_ppm");
                if range(problems, &at, *within_ppm, 0, MILLION) {
                    let found = format!("the single value {}", within_ppm.low);
                    problems.require(!within_ppm.is_fixed(), &at, found, "a range such as (900_000, 1_000_000), the last tenth");
                }
            }
            What::Misdirect { who, reads, writes } => {
                self.target(problems, &path.field("who"), who, Place::Whole);
                self.value(problems, &path.field("reads"), *reads, 0, 1_000);
                self.value(problems, &path.field("writes"), *writes, 0, 1_000);
                let some = reads.high > 0 || writes.high > 0;
                problems.require(some, path, "operations of which none goes astray", "reads or writes, such as writes: 1");
            }
            _ => {}
        }
    }

    /// A value that a plan has drawn.
    fn value<T: Bound>(self, problems: &mut Problems, path: &Path, value: Range<T>, min: T, max: T) {
        if range(problems, path, value, min, max) && self.drawn {
            problems.require(
                value.is_fixed(),
                path,
                format!("a range from {value}"),
                "a single value: in a plan it has been drawn",
            );
        }
    }

    fn cut(self, problems: &mut Problems, path: &Path, cut: &Cut) {
        if !problems.require(self.nodes >= 2, path, "a cut in a cluster of one node", "at least two nodes") {
            return;
        }
        match cut {
            Cut::Isolate(who) => self.target(problems, &path.item(0), who, Place::Whole),
            Cut::Split { with, size } => self.split(problems, path, with, *size),
            Cut::Groups(groups) => self.groups(problems, &path.item(0), groups),
            Cut::OneWay { from, to } => self.ends(problems, path, from, to),
        }
    }

    fn split(self, problems: &mut Problems, path: &Path, with: &Target, size: Range<u64>) {
        self.target(problems, &path.field("with"), with, Place::Whole);
        problems.require(*with != Target::All, &path.field("with"), "All", "a target that leaves nodes for the other side");
        let field = path.field("size");
        let found = if size.is_fixed() {
            format!("{} of {} nodes", size.low, self.nodes)
        } else {
            format!("{size} of {} nodes", self.nodes)
        };
        let holds = size.low >= 1 && size.low <= size.high && size.high < self.nodes;
        problems.require(
            holds,
            &field,
            found,
            format!("1 to {} nodes on this side, so that both sides have some", self.nodes - 1),
        );
        if self.drawn {
            problems.require(
                size.is_fixed(),
                &field,
                format!("a range from {size}"),
                "a single value: in a plan it has been drawn",
            );
        }
    }

    fn groups(self, problems: &mut Problems, path: &Path, groups: &[Vec<u64>]) {
        problems.require(groups.len() >= 2, path, format!("{} groups", groups.len()), "at least two groups");
        let mut seen = Vec::new();
        for (g, group) in groups.iter().enumerate() {
            problems.require(!group.is_empty(), &path.item(g), "an empty group", "at least one node in each group");
            for (n, node) in group.iter().enumerate() {
                let here = path.item(g).item(n);
                self.node(problems, &here, *node);
                problems.require(!seen.contains(node), &here, format!("node {node} twice"), "each node in one group at most");
                seen.push(*node);
            }
        }
    }

    fn node(self, problems: &mut Problems, path: &Path, node: u64) {
        let found = format!("node {node}");
        problems.require((1..=self.nodes).contains(&node), path, found, format!("a node from 1 to {}", self.nodes));
    }

    /// Both ends of directed links.
    fn ends(self, problems: &mut Problems, path: &Path, from: &Target, to: &Target) {
        problems.require(self.nodes >= 2, path, "a link in a cluster of one node", "at least two nodes");
        self.target(problems, &path.field("from"), from, Place::End);
        self.target(problems, &path.field("to"), to, Place::End);
        let same = from == to && matches!(from, Target::Node(_) | Target::Leader | Target::Others);
        problems.require(!same, &path.field("to"), "a link to itself", "another target than in `from`");
    }

    /// Whom a trigger counts.
    pub(crate) fn counted(self, problems: &mut Problems, path: &Path, who: &Target) {
        self.target(problems, path, who, Place::Counted);
    }

    fn target(self, problems: &mut Problems, path: &Path, target: &Target, place: Place) {
        match target {
            Target::Node(node) => self.node(problems, &path.item(0), *node),
            Target::Others => {
                problems.require(place == Place::End, path, "Others", "another target: only links between two ends have others");
            }
            Target::All => {
                problems.require(place != Place::Inner, path, "Not(All)", "a target that somebody fits");
            }
            Target::Any => {
                problems.require(place != Place::Inner, path, "Not(Any)", "a target that somebody fits");
            }
            Target::Not(inner) => {
                problems.require(place != Place::Inner, path, "Not in Not", "the inner target itself");
                if place != Place::Inner {
                    self.target(problems, &path.item(0), inner, Place::Inner);
                }
            }
            Target::Met => {
                let holds = self.met && place != Place::Counted;
                problems.require(holds, path, "Met", "a trigger that meets a node, `On` or `DiskOp`, for `Met` to mean it");
            }
            Target::Leader | Target::Candidate | Target::Follower => {}
        }
    }
}

/// Whether a fault may say that it lies outside the atlas.
pub(crate) fn outside_atlas(problems: &mut Problems, path: &Path, outside: bool, what: &What, expect: &Expect) {
    let at = path.field("outside_atlas");
    if outside {
        problems.require(
            what.is_in_atlas(),
            &at,
            format!("a fault of the kind {}", what.kind()),
            "one that the atlas suppresses",
        );
        let expected = "an `expect` that says what comes of it, such as Violates(\"acknowledged-durable\")";
        problems.require(*expect != Expect::Pass, &at, "true beside `expect: Pass`", expected);
    }
}

/// The engine's timings.
pub(crate) fn timing(problems: &mut Problems, path: &Path, election: Range<Nanos>, heartbeat: Range<Nanos>, stall: Range<Nanos>) {
    let at = path.field("election_timeout");
    if range(problems, &at, election, Nanos::ms(1), LATENCY_MAX) {
        let expected = "a range such as (\"150ms\", \"300ms\"): equal timeouts split votes for ever";
        problems.require(!election.is_fixed(), &at, format!("the single value {}", election.low), expected);
    }
    let at = path.field("heartbeat");
    if range(problems, &at, heartbeat, Nanos::ms(1), LATENCY_MAX) {
        let holds = heartbeat.high.0.saturating_mul(2) <= election.low.0;
        let expected = format!("at most half of the shortest election timeout of {}", election.low);
        problems.require(holds, &at, heartbeat.high, expected);
    }
    let at = path.field("disk_stall");
    if range(problems, &at, stall, Nanos::ms(1), DISK_STALL_MAX) {
        let expected = format!("at least the longest election timeout of {}", election.high);
        problems.require(stall.low >= election.high, &at, stall.low, expected);
    }
}

/// What of the engine may be on or off.
pub(crate) fn switches(problems: &mut Problems, path: &Path, switches: [(&'static str, Range<bool>); 4]) {
    for (name, switch) in switches {
        range(problems, &path.field(name), switch, false, true);
    }
}

/// The engine's limits, by name.
pub(crate) fn limits(problems: &mut Problems, path: &Path, limits: [(&'static str, Range<u64>); 11]) {
    const COUNT_MAX: u64 = 1 << 20;
    const BYTES_MAX: u64 = 1 << 30;
    let (mut command, mut append) = (0, 0);
    for (name, limit) in limits {
        let (min, max) = match name {
            "command_bytes_max" => (COMMAND_OVERHEAD_BYTES + 1, 64 << 20),
            "append_bytes_max" | "inflight_bytes_max" | "uncommitted_bytes_max" => (1, BYTES_MAX),
            "log_cache_bytes_max" => (0, BYTES_MAX),
            _ => (1, COUNT_MAX),
        };
        range(problems, &path.field(name), limit, min, max);
        match name {
            "command_bytes_max" => command = limit.high,
            "append_bytes_max" => append = limit.high,
            _ => {}
        }
        if name == "inflight_bytes_max" {
            let expected = format!("at least one full append, {append} bytes");
            problems.require(limit.low >= append, &path.field(name), limit.low, expected);
        }
        if name == "uncommitted_bytes_max" {
            let expected = format!("at least the largest command, {command} bytes");
            problems.require(limit.low >= command, &path.field(name), limit.low, expected);
        }
    }
}
