//! Draws a plan from a scenario and a seed.
//!
//! Each setting, fault and client has a random stream of its own, keyed by its name or content and not by its place,
//! so that removing one leaves what all others drew as it was. Read next: `workload.rs`, the clients' part.

use squall_raft::wire::Sink as _;

use super::{Clock, Disk, Ends, Engine, Fault, Limits, Network, Plan, When, workload};
use crate::entropy::v1::Fold;
use crate::entropy::{Entropy, Owner, Stream};
use crate::scenario::check::PRIORITY_MAX;
use crate::scenario::range::Bound;
use crate::scenario::{self, Cut, Nanos, Range, Scenario, What, Whose};

impl Plan {
    /// Draws everything that a seed decides before the run.
    ///
    /// `name` is the scenario's, for people. The scenario must be valid: [`Scenario::parse`] gives no others.
    #[must_use]
    pub fn draw(name: &str, scenario: &Scenario, seed: u64) -> Self {
        let dice = Dice { entropy: Entropy::new(seed), swarm: scenario.swarm };
        let nodes = dice.setting("nodes", scenario.nodes);
        Self {
            scenario: name.to_owned(),
            seed,
            nodes,
            safety: scenario.safety,
            settle_election_timeouts: scenario.settle_election_timeouts,
            engine: engine(dice, &scenario.engine),
            priorities: priorities(dice, nodes, scenario.engine.priority),
            network: network(dice, &scenario.network),
            disk: disk(dice, &scenario.disk),
            clocks: clocks(dice, nodes, &scenario.clocks),
            faults: faults(dice, scenario),
            clients: workload::clients(dice, scenario),
            sometimes: scenario.sometimes.clone(),
            expect: scenario.expect.clone(),
        }
    }
}

/// Draws in the manner of a scenario.
#[derive(Clone, Copy)]
pub(super) struct Dice {
    pub(super) entropy: Entropy,
    pub(super) swarm: bool,
}

impl Dice {
    /// A value from a range. A swarm takes either end as often as anything between.
    pub(super) fn pick<T: Bound>(self, stream: &mut Stream, range: Range<T>) -> T {
        if range.low == range.high {
            return range.low;
        }
        if self.swarm {
            match stream.below(3) {
                0 => return range.low,
                1 => return range.high,
                _ => {}
            }
        }
        let (low, high) = (range.low.to_u64(), range.high.to_u64());
        // Whole microseconds are easier to read, where the range is made of them.
        let step = if T::FINE && low.is_multiple_of(1_000) && high.is_multiple_of(1_000) { 1_000 } else { 1 };
        T::drawn(stream.between(low / step, high / step) * step)
    }

    /// A distribution that the run draws from. A swarm takes a part of it.
    pub(super) fn narrow<T: Bound>(self, stream: &mut Stream, range: Range<T>) -> Range<T> {
        if !self.swarm {
            return range;
        }
        let (a, b) = (self.pick(stream, range), self.pick(stream, range));
        if a <= b { Range { low: a, high: b } } else { Range { low: b, high: a } }
    }

    /// The stream of the setting of this name.
    pub(super) fn named(self, name: &str) -> Stream {
        let mut fold = Fold::new();
        fold.bytes(name.as_bytes());
        self.entropy.stream(Owner::Plan, fold.value())
    }

    /// Draws the setting of this name.
    pub(super) fn setting<T: Bound>(self, name: &str, range: Range<T>) -> T {
        if range.is_fixed() { range.low } else { self.pick(&mut self.named(name), range) }
    }

    /// Draws the distribution of this name.
    pub(super) fn spread<T: Bound>(self, name: &str, range: Range<T>) -> Range<T> {
        if self.swarm { self.narrow(&mut self.named(name), range) } else { range }
    }
}

fn engine(dice: Dice, engine: &scenario::Engine) -> Engine {
    let of = &engine.limits;
    Engine {
        election_timeout: engine.election_timeout,
        heartbeat: dice.setting("heartbeat", engine.heartbeat),
        pre_vote: dice.setting("pre_vote", engine.pre_vote),
        check_quorum: dice.setting("check_quorum", engine.check_quorum),
        forward_proposals: dice.setting("forward_proposals", engine.forward_proposals),
        disk_stall: dice.setting("disk_stall", engine.disk_stall()),
        segment_bytes: dice.setting("segment_bytes", engine.segment_bytes),
        preallocate: dice.setting("preallocate", engine.preallocate),
        zero_ahead_bytes: dice.setting("zero_ahead_bytes", engine.zero_ahead_bytes),
        limits: Limits {
            inflight_appends_max: dice.setting("inflight_appends_max", of.inflight_appends_max),
            inflight_bytes_max: dice.setting("inflight_bytes_max", of.inflight_bytes_max),
            append_bytes_max: dice.setting("append_bytes_max", of.append_bytes_max),
            append_entries_max: dice.setting("append_entries_max", of.append_entries_max),
            command_bytes_max: dice.setting("command_bytes_max", of.command_bytes_max),
            uncommitted_bytes_max: dice.setting("uncommitted_bytes_max", of.uncommitted_bytes_max),
            pending_reads_max: dice.setting("pending_reads_max", of.pending_reads_max),
            forwards_max: dice.setting("forwards_max", of.forwards_max),
            sessions_max: dice.setting("sessions_max", of.sessions_max),
            session_answers_max: dice.setting("session_answers_max", of.session_answers_max),
            log_cache_bytes_max: dice.setting("log_cache_bytes_max", of.log_cache_bytes_max),
        },
    }
}

/// Each node draws its own; none where all have the highest, as by default.
fn priorities(dice: Dice, nodes: u64, priority: Range<u64>) -> Vec<u64> {
    let drawn: Vec<u64> = (1..=nodes).map(|node| dice.setting(&format!("priority {node}"), priority)).collect();
    if drawn.iter().all(|priority| *priority == PRIORITY_MAX) { Vec::new() } else { drawn }
}

fn network(dice: Dice, of: &scenario::Network) -> Network {
    Network {
        latency: dice.spread("latency", of.latency),
        loss_ppm: dice.setting("loss_ppm", of.loss_ppm),
        duplicate_ppm: dice.setting("duplicate_ppm", of.duplicate_ppm),
        reorder_ppm: dice.setting("reorder_ppm", of.reorder_ppm),
        reorder_delay: dice.spread("reorder_delay", of.reorder_delay),
    }
}

fn disk(dice: Dice, of: &scenario::Disk) -> Disk {
    Disk {
        write: dice.spread("write", of.write),
        fsync: dice.spread("fsync", of.fsync),
        slow_ppm: dice.setting("slow_ppm", of.slow_ppm),
        slow: dice.spread("slow", of.slow),
    }
}

/// Each node that an entry names or that `All` covers, in order. A node's own entry comes before `All`.
fn clocks(dice: Dice, nodes: u64, clocks: &[scenario::Clock]) -> Vec<Clock> {
    let entry = |who| clocks.iter().find(|clock| clock.who == who);
    let of = |node| entry(Whose::Node(node)).or_else(|| entry(Whose::All)).map(|clock| (node, clock));
    (1..=nodes)
        .filter_map(of)
        .map(|(node, clock)| Clock {
            who: Whose::Node(node),
            offset: dice.setting(&format!("clock {node} offset"), clock.offset),
            rate_ppm: dice.setting(&format!("clock {node} rate"), clock.rate_ppm),
        })
        .collect()
}

fn faults(dice: Dice, scenario: &Scenario) -> Vec<Fault> {
    let mut stems: Vec<String> = Vec::new();
    let mut faults = Vec::new();
    for fault in &scenario.faults {
        let stem = stem(fault, &mut stems);
        let on = !dice.swarm || fault.chance_ppm.is_none() || dice.named(fault.what.kind()).below(2) == 1;
        if on {
            Occurrences { dice, fault, safety: scenario.safety, stream: dice.named(&stem), stem }.draw(&mut faults);
        }
    }
    faults
}

/// Names a fault by its content, so that its draws do not depend on its neighbours. Equal faults are counted.
fn stem(fault: &scenario::Fault, stems: &mut Vec<String>) -> String {
    let mut fold = Fold::new();
    fold.bytes(ron::to_string(fault).unwrap_or_default().as_bytes());
    let name = format!("{}-{:04x}", fault.what.kind(), fold.value() & 0xffff);
    let equals = stems.iter().filter(|stem| **stem == name).count();
    stems.push(name.clone());
    if equals == 0 { name } else { format!("{name}-{}", equals + 1) }
}

/// All times at which one fault of a scenario begins.
struct Occurrences<'a> {
    dice: Dice,
    fault: &'a scenario::Fault,
    safety: Nanos,
    stream: Stream,
    stem: String,
}

impl Occurrences<'_> {
    fn draw(mut self, faults: &mut Vec<Fault>) {
        match &self.fault.when {
            scenario::When::At(at) => self.timed(Range::fixed(*at), faults),
            scenario::When::Between(low, high) => self.timed(Range { low: *low, high: *high }, faults),
            scenario::When::On { event, who, nth, after, plus, times } => {
                let mut count = 0_u64;
                for n in 1..=*times {
                    count = count.saturating_add(self.dice.pick(&mut self.stream, *nth));
                    let plus = self.dice.pick(&mut self.stream, *plus);
                    let when = When::On { event: *event, who: who.clone(), nth: count, after: *after, plus };
                    self.push(n, when, Nanos(0), faults);
                }
            }
            scenario::When::DiskOp { who, nth, after, executed, times } => {
                for n in 1..=*times {
                    let nth = self.dice.pick(&mut self.stream, *nth);
                    let when = When::DiskOp { who: who.clone(), nth, after: *after, executed: *executed };
                    self.push(n, when, Nanos(0), faults);
                }
            }
        }
    }

    fn timed(&mut self, first: Range<Nanos>, faults: &mut Vec<Fault>) {
        let mut shift = 0;
        for n in 1.. {
            let at = self.dice.pick(&mut self.stream, first).0.saturating_add(shift);
            // A later occurrence may begin earlier than this one if the first's range is wider than `every`.
            if at < self.safety.0 {
                self.push(n, When::At(Nanos(at)), Nanos(at), faults);
            }
            let Some(every) = self.fault.every else { break };
            shift = self.dice.pick(&mut self.stream, every).0.saturating_add(shift);
            if first.low.0.saturating_add(shift) >= self.safety.0 {
                break;
            }
        }
    }

    fn push(&mut self, n: u64, when: When, at: Nanos, faults: &mut Vec<Fault>) {
        let left = Nanos(self.safety.0.saturating_sub(at.0));
        let ends = match (self.fault.until, self.fault.lasts) {
            _ if self.fault.permanent => Ends::Never,
            (Some(until), _) => Ends::At(until),
            (None, Some(lasts)) => Ends::After(self.dice.pick(&mut self.stream, lasts).min(left)),
            (None, None) => Ends::WithPhase,
        };
        let what = self.concrete();
        let happens = self.fault.chance_ppm.is_none_or(|chance_ppm| self.stream.chance_ppm(chance_ppm));
        if happens {
            let id = format!("{}.{n}", self.stem);
            faults.push(Fault { id, when, ends, outside_atlas: self.fault.outside_atlas, what });
        }
    }

    /// The effect with all drawn that is not drawn while it lasts.
    fn concrete(&mut self) -> What {
        let mut what = self.fault.what.clone();
        match &mut what {
            What::Kill(_)
            | What::PowerLoss(_)
            | What::Pause(_)
            | What::Reset { .. }
            | What::StallDisk(_)
            | What::Campaign(_)
            | What::LyingFsync(_)
            | What::WipeDisk(_)
            | What::ReorderDisk(_) => {}
            What::DiskErrors { times, .. } => {
                if let Some(times) = times {
                    self.fix(times);
                }
            }
            What::FullDisk { free, .. } => self.fix(free),
            What::BitRot { bits, .. } => self.fix(bits),
            What::Misdirect { reads, writes, .. } => {
                self.fix(reads);
                self.fix(writes);
            }
            What::Cut(cut) => self.cut(cut),
            What::Flap { cut, down, up } => {
                self.cut(cut);
                *down = self.dice.narrow(&mut self.stream, *down);
                *up = self.dice.narrow(&mut self.stream, *up);
            }
            What::Link { latency, loss_ppm, duplicate_ppm, reorder_ppm, .. } => {
                if let Some(latency) = latency {
                    *latency = self.dice.narrow(&mut self.stream, *latency);
                }
                for rate in [loss_ppm, duplicate_ppm, reorder_ppm].into_iter().flatten() {
                    self.fix(rate);
                }
            }
            What::SlowFsync { fsync, .. } => *fsync = self.dice.narrow(&mut self.stream, *fsync),
            What::ClockRate { rate_ppm, .. } => self.fix(rate_ppm),
            What::ClockJump { by, .. } => self.fix(by),
        }
        what
    }

    fn cut(&mut self, cut: &mut Cut) {
        if let Cut::Split { size, .. } = cut {
            self.fix(size);
        }
    }

    fn fix<T: Bound>(&mut self, range: &mut Range<T>) {
        *range = Range::fixed(self.dice.pick(&mut self.stream, *range));
    }
}
