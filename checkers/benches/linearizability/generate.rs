//! Histories of a key-value store, drawn from a seed: what clients would see of a store that
//! does everything in one order.
//!
//! Clients wait a little, call, and have their answer after two exponential delays, between
//! which the operation takes effect. Not here: what goes wrong (`faults`).

use bytes::Bytes;
use squall_checkers::history::{Operation, Outcome};
use squall_checkers::model::kv::{Input, Output};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// An operation on the key-value store.
pub type Op = Operation<Input, Output>;

/// What clients ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// Get, put, append and compare-and-set; all that is written is unique.
    Unique,
    /// Get, put and compare-and-set of five values.
    Small,
    /// Get and put of unique values.
    PutGet,
    /// Get, and append of unique values, with a put now and then.
    Appends,
}

/// The size of a history.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub mix: Mix,
    pub keys: u64,
    pub operations: usize,
    pub clients: u64,
    pub unknown_ppm: u64,
    pub seed: u64,
}

/// A history with what nobody sees: when each operation took effect, and what came of it.
pub struct Drawn {
    pub operations: Vec<Op>,
    /// By operation; `None`: never.
    pub positions: Vec<Option<u64>>,
    /// By key, the operations that took effect, and the value after each.
    pub effects: Vec<Vec<(usize, Option<Bytes>)>>,
}

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Exponentially distributed, in thousandths of the mean's unit: the logarithm of a number
    /// between 0 and 1, straight between powers of two.
    pub fn delay(&mut self, mean: u64) -> u64 {
        let drawn = self.next() | 1;
        let zeros = u64::from(drawn.leading_zeros());
        let fraction = (drawn << zeros) >> 44 & 0x7_ffff;
        let log2 = ((zeros + 1) << 19) - fraction;
        // ln 2 is 693 thousandths.
        mean * ((log2 * 693) >> 19)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    Invoke { client: u64 },
    Effect { operation: usize },
    Return { operation: usize },
}

struct World {
    shape: Shape,
    random: Random,
    /// By time; then in the order in which they were planned.
    queue: BinaryHeap<Reverse<(u64, u64, Moment)>>,
    planned: u64,
    fresh_client: u64,
    values: Vec<Option<Bytes>>,
    last_seen: BTreeMap<(u64, usize), Option<Bytes>>,
    key_of: Vec<usize>,
    drawn: Drawn,
}

/// Draws a history.
pub fn draw(shape: Shape) -> Drawn {
    let keys = usize::try_from(shape.keys).expect("there are few keys");
    let mut world = World {
        shape,
        random: Random(shape.seed),
        queue: BinaryHeap::new(),
        planned: 0,
        fresh_client: shape.clients,
        values: vec![None; keys],
        last_seen: BTreeMap::new(),
        key_of: Vec::new(),
        drawn: Drawn { operations: Vec::new(), positions: Vec::new(), effects: vec![Vec::new(); keys] },
    };
    for client in 0..shape.clients {
        let at = world.random.delay(100);
        world.plan(at, Moment::Invoke { client });
    }
    let mut rank = 0;
    while let Some(Reverse((now, _, moment))) = world.queue.pop() {
        match moment {
            Moment::Invoke { client } if world.drawn.operations.len() < shape.operations => world.invoke(now, rank, client),
            Moment::Invoke { .. } => continue,
            Moment::Effect { operation } => world.take_effect(operation, rank),
            Moment::Return { operation } => world.give_back(now, rank, operation),
        }
        rank += 1;
    }
    world.drawn
}

impl World {
    fn plan(&mut self, at: u64, moment: Moment) {
        self.queue.push(Reverse((at, self.planned, moment)));
        self.planned += 1;
    }

    fn invoke(&mut self, now: u64, rank: u64, client: u64) {
        let operation = self.drawn.operations.len();
        let key = usize::try_from(self.random.below(self.shape.keys)).expect("there are few keys");
        let input = self.input(operation, client, key);
        let is_unknown = self.random.below(1_000_000) < self.shape.unknown_ppm;
        let [effect, answer] = [0; 2].map(|_| self.random.delay(500));
        self.key_of.push(key);
        self.drawn.positions.push(None);
        let outcome = if is_unknown { Outcome::Unknown } else { Outcome::Ok(Output::Done) };
        let id = operation as u64;
        self.drawn.operations.push(Operation { id, client, input, outcome, invoked_at: rank, returned_at: rank });
        if is_unknown {
            // It takes effect long after the client gave up, or never.
            if self.random.below(2) == 0 {
                let late = self.random.delay(5_000);
                self.plan(now + late, Moment::Effect { operation });
            }
            self.plan(now + 2_000_000, Moment::Invoke { client: self.fresh_client });
            self.fresh_client += 1;
        } else {
            self.plan(now + effect, Moment::Effect { operation });
            self.plan(now + effect + answer, Moment::Return { operation });
        }
    }

    fn input(&mut self, operation: usize, client: u64, key: usize) -> Input {
        let name = Bytes::from(format!("{key}"));
        let unique = |letter: char| Bytes::from(format!("{letter}{operation};"));
        let share = self.random.below(100);
        let few = |random: &mut Random| Bytes::from(format!("{}", random.below(5)));
        match (self.shape.mix, share) {
            (_, 0..40) => Input::Get { key: name },
            (Mix::Unique, 40..65) | (Mix::PutGet, _) | (Mix::Appends, 40..42) => Input::Put { key: name, value: unique('v') },
            (Mix::Unique, 65..85) | (Mix::Appends, _) => Input::Append { key: name, value: unique('a') },
            (Mix::Unique, _) => {
                let remembered = self.last_seen.get(&(client, key)).filter(|_| self.random.below(2) == 0);
                let expected = remembered.unwrap_or(&self.values[key]).clone();
                Input::Cas { key: name, expected, value: unique('c') }
            }
            (Mix::Small, 40..75) => Input::Put { key: name, value: few(&mut self.random) },
            (Mix::Small, _) => {
                let [expected, value] = [0; 2].map(|_| few(&mut self.random));
                Input::Cas { key: name, expected: Some(expected), value }
            }
        }
    }

    fn take_effect(&mut self, operation: usize, rank: u64) {
        let key = self.key_of[operation];
        let old = self.values[key].clone();
        let (new, output) = match &self.drawn.operations[operation].input {
            Input::Get { .. } => (old.clone(), Output::Value(old)),
            Input::Put { value, .. } => (Some(value.clone()), Output::Done),
            Input::Append { value, .. } => (Some([old.unwrap_or_default(), value.clone()].concat().into()), Output::Done),
            Input::Cas { expected, value, .. } if *expected == old => (Some(value.clone()), Output::Changed(true)),
            Input::Cas { .. } => (old, Output::Changed(false)),
            Input::Delete { .. } => unreachable!("no mix deletes"),
        };
        self.values[key].clone_from(&new);
        self.drawn.effects[key].push((operation, new));
        self.drawn.positions[operation] = Some(rank);
        if let Outcome::Ok(answer) = &mut self.drawn.operations[operation].outcome {
            *answer = output;
        }
    }

    fn give_back(&mut self, now: u64, rank: u64, operation: usize) {
        let key = self.key_of[operation];
        let op = &mut self.drawn.operations[operation];
        op.returned_at = rank;
        let client = op.client;
        if let Outcome::Ok(Output::Value(value)) = &op.outcome {
            self.last_seen.insert((client, key), value.clone());
        }
        let pause = self.random.delay(100);
        self.plan(now + pause, Moment::Invoke { client });
    }
}
