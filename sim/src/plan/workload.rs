//! Draws what clients will ask for.
//!
//! Each client has a stream of its own, so that one client more or less changes nothing for the others.
//! Not here: what a client does with an answer; that is the run's business.

use super::draw::Dice;
use super::{Client, Expected, Op, Operation, Pace, Value};
use crate::entropy::{Owner, Stream};
use crate::scenario::validate::{CLIENT_OPERATIONS_MAX, OPERATION_NS_MIN};
use crate::scenario::{Kv, Load, Mix, Nanos, Range, Scenario};

/// Clients of one group are numbered within their own hundred, so that groups do not shift each other.
const GROUP_NUMBERS: u64 = 100;

pub(super) fn clients(dice: Dice, scenario: &Scenario) -> Vec<Client> {
    let mut clients = Vec::new();
    for (group, first) in scenario.clients.iter().zip((0..).map(|n| n * GROUP_NUMBERS)) {
        let drawn = Group::draw(dice, first, group);
        let count = dice.setting(&format!("clients {first} count"), group.count);
        clients.extend((1..=count).map(|n| drawn.client(dice, first + n, scenario.safety)));
    }
    clients
}

/// What the clients of a group share.
struct Group {
    keys: u64,
    load: Load,
    mix: Mix,
    value_bytes: Range<u64>,
    timeout: Nanos,
    retries: u64,
    late_duplicates_ppm: u32,
    late_duplicate_delay: Range<Nanos>,
}

impl Group {
    fn draw(dice: Dice, first: u64, group: &Kv) -> Self {
        let name = |field: &str| format!("clients {first} {field}");
        let load = match group.load {
            Load::Closed { think } => Load::Closed { think: dice.spread(&name("think"), think) },
            Load::Rate { per_second } => Load::Rate { per_second: Range::fixed(dice.setting(&name("rate"), per_second)) },
        };
        Self {
            keys: dice.setting(&name("keys"), group.keys),
            load,
            mix: swarm_mix(dice, &name("mix"), group.mix),
            value_bytes: dice.spread(&name("value_bytes"), group.value_bytes),
            timeout: dice.setting(&name("timeout"), group.timeout),
            retries: group.retries,
            late_duplicates_ppm: dice.setting(&name("late_duplicates"), group.late_duplicates_ppm),
            late_duplicate_delay: dice.spread(&name("late_duplicate_delay"), group.late_duplicate_delay),
        }
    }

    fn client(&self, dice: Dice, id: u64, safety: Nanos) -> Client {
        let mut stream = dice.entropy.stream(Owner::Client, id);
        let pace = match self.load {
            Load::Closed { .. } => Pace::AfterOutcome,
            Load::Rate { .. } => Pace::AfterDue,
        };
        let mut operations = Vec::new();
        let mut elapsed = 0_u64;
        while elapsed < safety.0 && (operations.len() as u64) < CLIENT_OPERATIONS_MAX {
            let operation = self.operation(dice, &mut stream, id, operations.len() as u64 + 1);
            let beside = if pace == Pace::AfterOutcome { OPERATION_NS_MIN } else { 0 };
            elapsed = elapsed.saturating_add(operation.think.0).saturating_add(beside);
            operations.push(operation);
        }
        Client { id, pace, timeout: self.timeout, retries: self.retries, operations }
    }

    fn operation(&self, dice: Dice, stream: &mut Stream, id: u64, n: u64) -> Operation {
        // Thinking is spread evenly even in a swarm, which has chosen the range already.
        let even = Dice { swarm: false, ..dice };
        let think = match self.load {
            Load::Closed { think } => even.pick(stream, think),
            Load::Rate { per_second } => even.pick(stream, gaps(per_second.low)),
        };
        let key = stream.between(1, self.keys);
        let value = |stream: &mut Stream| Value::sized(tag(id, n), even.pick(stream, self.value_bytes));
        let op = match weighted(stream, &self.mix) {
            0 => Op::Get,
            1 => Op::Put(value(stream)),
            2 => Op::Append(value(stream)),
            3 => Op::Cas { expected: expected(stream, id, n), new: value(stream) },
            _ => Op::Delete,
        };
        let late = stream.chance_ppm(self.late_duplicates_ppm);
        let late_duplicate = late.then(|| even.pick(stream, self.late_duplicate_delay));
        Operation { think, key, op, late_duplicate }
    }
}

/// Unique among all clients' values. Put together by hand: formatting one for each operation took 1 % of a run.
fn tag(id: u64, n: u64) -> String {
    ["c", &id.to_string(), "-", &n.to_string()].concat()
}

/// Gaps between requests: from none to twice the mean.
fn gaps(per_second: u64) -> Range<Nanos> {
    let mean_us = 1_000_000 / per_second.max(1);
    Range { low: Nanos(0), high: Nanos::us(2 * mean_us) }
}

/// Most expectations are met if nobody came between; some never are.
fn expected(stream: &mut Stream, id: u64, n: u64) -> Expected {
    match stream.below(8) {
        0 => Expected::Absent,
        1 => Expected::Value(Value::sized(format!("c{id}-{n}-never"), 0)),
        _ => Expected::LastSeen,
    }
}

/// Which operation: 0 get, 1 put, 2 append, 3 cas, 4 delete.
fn weighted(stream: &mut Stream, mix: &Mix) -> usize {
    let mut drawn = stream.below(mix.total());
    for (kind, weight) in [mix.get, mix.put, mix.append, mix.cas].into_iter().enumerate() {
        if drawn < weight {
            return kind;
        }
        drawn -= weight;
    }
    4
}

/// A swarm leaves each kind of write out in a quarter of its seeds, but never all of them.
fn swarm_mix(dice: Dice, name: &str, mix: Mix) -> Mix {
    if !dice.swarm {
        return mix;
    }
    let mut stream = dice.named(name);
    let mut keep = |weight| if stream.below(4) == 0 { 0 } else { weight };
    let thinned =
        Mix { get: mix.get, put: keep(mix.put), append: keep(mix.append), cas: keep(mix.cas), delete: keep(mix.delete) };
    if thinned.total() == mix.get { mix } else { thinned }
}
