//! Histories as clients of a run leave them: 5,000 operations of 8 clients on 2 keys, with
//! 50 unknown outcomes per key, judged within a few configurations per operation.
//!
//! The bound is on configurations because tests have no clock: a blow-up would be seen.

use crate::generate::{Random, Store, bytes};
use crate::{Op, verdict};
use bytes::Bytes;
use squall_checkers::history::{History, Operation, Outcome};
use squall_checkers::linearizability::{Algorithm, Limits, Verdict, check, check_by};
use squall_checkers::model::Model;
use squall_checkers::model::kv::{Input, Kv, Output};
use std::collections::BTreeMap;

const OPERATIONS: u64 = 5_000;
const CLIENTS: u64 = 8;
const SEEDS: u64 = 10;

/// What the clients ask for, in shares of get, put, append, cas, delete.
const MIXES: [[u64; 5]; 4] = [[5, 4, 0, 1, 0], [4, 2, 1, 2, 1], [1, 1, 0, 0, 0], [3, 1, 4, 1, 0]];

/// How long after its invocation an operation of unknown outcome takes effect.
#[derive(Clone, Copy)]
enum Late {
    /// Within the usual time, later, or never: a third each.
    Mixed,
    /// All of them at the very end, so that all values stay possible throughout.
    AtTheEnd,
}

fn draw(seed: u64, mix: [u64; 5], late: Late) -> Vec<Op> {
    let mut random = Random(seed);
    let mut clocks = BTreeMap::new();
    let mut drawn = Vec::new();
    for id in 0..OPERATIONS {
        let client = id % CLIENTS;
        let clock = clocks.entry(client).or_insert(0);
        let invoked_at = *clock + random.below(20);
        let returned_at = invoked_at + 1 + random.below(100);
        *clock = returned_at + 1;
        // Two keys share the operations, so this makes about 50 unknown ones for each.
        let is_unknown = id % (OPERATIONS / 100) == 7;
        let point = match (is_unknown, late) {
            (true, Late::AtTheEnd) => 1_000_000 + id,
            (true, Late::Mixed) => random.pick(&[invoked_at + 20, invoked_at + random.0 % 20_000, u64::MAX]),
            (false, _) => invoked_at + random.below(returned_at - invoked_at + 1),
        };
        let input = input(&mut random, id, mix, is_unknown);
        let outcome = if is_unknown { Outcome::Unknown } else { Outcome::Ok(Output::Done) };
        drawn.push((point, Operation { id, client, input, outcome, invoked_at, returned_at }));
    }
    drawn.sort_by_key(|(point, operation)| (*point, operation.id));
    answer(&mut random, drawn)
}

fn input(random: &mut Random, id: u64, mix: [u64; 5], is_write: bool) -> Input {
    let key = bytes(["x", "y"][usize::from(random.below(2) == 1)]);
    let value = bytes(&format!("<{id}>"));
    let reads = if is_write { mix[0] } else { 0 };
    let mut share = reads + random.below(mix.iter().sum::<u64>() - reads);
    let kind = mix.iter().position(|size| {
        let is_it = share < *size;
        share = share.saturating_sub(*size);
        is_it
    });
    match kind {
        Some(0) => Input::Get { key },
        Some(1) => Input::Put { key, value },
        Some(2) => Input::Append { key, value },
        Some(3) => Input::Cas { key, expected: None, value },
        _ => Input::Delete { key },
    }
}

/// Executes in the order drawn. Half of the compare-and-sets expect what they find.
fn answer(random: &mut Random, drawn: Vec<(u64, Op)>) -> Vec<Op> {
    let mut store = Store::default();
    let mut operations = Vec::new();
    for (point, mut operation) in drawn {
        if let Input::Cas { key, expected, .. } = &mut operation.input {
            *expected = if random.below(2) == 0 { store.get(key) } else { Some(bytes("<1>")) };
        }
        if point != u64::MAX {
            let answer = store.execute(&operation.input);
            if let Outcome::Ok(output) = &mut operation.outcome {
                *output = answer;
            }
        }
        operations.push(operation);
    }
    operations
}

fn seen(operation: &Op) -> Option<&Bytes> {
    match &operation.outcome {
        Outcome::Ok(Output::Value(value)) => value.as_ref(),
        _ => None,
    }
}

/// Lets a late read see what a read long before it saw; its id. Values are unique and others
/// were seen in between, so no write can have brought the old one back.
fn plant_stale_read(operations: &mut [Op]) -> u64 {
    let reads = |operations: &[Op], from: usize| {
        let is_read = |index: &usize| seen(&operations[*index]).is_some();
        (from..operations.len()).find(is_read).expect("there are reads everywhere")
    };
    let old = reads(operations, operations.len() / 5);
    let key = Kv.partition_key(&operations[old].input).into_owned();
    let value = seen(&operations[old]).cloned();
    let mut late = reads(operations, operations.len() * 4 / 5);
    while *Kv.partition_key(&operations[late].input) != key || seen(&operations[late]).is_some_and(|v| Some(v) == value.as_ref())
    {
        late = reads(operations, late + 1);
    }
    operations[late].outcome = Outcome::Ok(Output::Value(value));
    operations[late].id
}

/// A verdict within the given number of configurations per operation.
fn frugal_verdict(operations: &[Op], configurations_each: u64) -> Verdict<Bytes> {
    let history = History::new(operations.to_vec()).expect("generated histories are well-formed");
    check(&Kv, &history, Limits { configurations: OPERATIONS * configurations_each, ..Limits::default() })
}

fn judge(late: Late, configurations_each: u64) {
    for mix in MIXES {
        for seed in 0..SEEDS {
            let mut operations = draw(seed, mix, late);
            let unknown = operations.iter().filter(|operation| operation.outcome == Outcome::Unknown).count();
            assert_eq!((operations.len(), unknown), (5_000, 100));
            let verdict = frugal_verdict(&operations, configurations_each);
            assert!(matches!(verdict, Verdict::Ok(_)), "mix {mix:?}, seed {seed}: {verdict:?}");

            let stale = plant_stale_read(&mut operations);
            match frugal_verdict(&operations, configurations_each) {
                Verdict::Illegal(illegal) => assert_eq!(illegal.operation, stale, "{illegal:?}"),
                verdict => panic!("mix {mix:?}, seed {seed}, stale read {stale}: {verdict:?}"),
            }
        }
    }
}

#[test]
fn large_histories_are_judged_and_one_stale_read_is_found() {
    judge(Late::Mixed, 12);
}

#[test]
fn large_histories_in_which_all_unknown_writes_come_last_are_judged() {
    judge(Late::AtTheEnd, 6);
}

/// So many steps that those which lead nowhere are forgotten on the way. Since something is
/// always pending, they are all there is between the beginning and the end.
#[test]
fn the_order_of_a_long_history_is_found() {
    judge_long();
}

pub fn judge_long() {
    let mut random = Random(7);
    let mut operations = Vec::new();
    for round in 0..40_000 {
        let mut last = None;
        for which in 0..2 {
            let (id, value) = (3 * round + which, bytes(&format!("<{round}.{which}>")));
            let (invoked_at, returned_at) = (30 * round + random.below(5), 30 * round + 5 + random.below(5));
            last = random.pick(&[last.is_none(), true]).then(|| value.clone()).or(last);
            let input = Input::Put { key: bytes("x"), value };
            operations.push(Op { id, client: which, input, outcome: Outcome::Ok(Output::Done), invoked_at, returned_at });
        }
        let outcome = Outcome::Ok(Output::Value(last));
        let (invoked_at, returned_at) = (30 * round + 20, 30 * round + 25);
        operations.push(Op {
            id: 3 * round + 2,
            client: 0,
            input: Input::Get { key: bytes("x") },
            outcome,
            invoked_at,
            returned_at,
        });
    }
    let idle = Input::Cas { key: bytes("x"), expected: Some(bytes("never written")), value: bytes("") };
    operations.push(Op { id: u64::MAX, client: 3, input: idle, outcome: Outcome::Unknown, invoked_at: 0, returned_at: 0 });
    let history = History::new(operations).expect("it is well-formed");
    let verdict = check_by(Algorithm::ConfigurationSets, &Kv, &history, Limits::default());
    assert!(matches!(verdict, Some(Verdict::Ok(_))), "{verdict:?}");
}

#[test]
fn a_lost_write_is_found() {
    let mut operations = draw(1, MIXES[0], Late::Mixed);
    let read = operations.iter().rposition(|operation| seen(operation).is_some()).expect("there are reads");
    let value = seen(&operations[read]).cloned();
    operations[read].outcome = Outcome::Ok(Output::Value(None));
    assert!(value.is_some());
    assert!(matches!(verdict(&operations), Verdict::Illegal(_)));
}
