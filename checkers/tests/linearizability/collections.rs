//! Collections in which nothing is put in twice, which decrease and conquer judges: every small
//! history, and random ones. It must agree with the twin and be asked often.
//!
//! Not here: collections in which something is (`models`).

use crate::compare_on;
use crate::exhaustive::{history, interval_orders};
use crate::generate::{KEYS, Random, bytes};
use crate::objects::{Drawn, QueueObject, SetObject, draw_unique};
use crate::twin::{OpOf, Twin};
use bytes::Bytes;
use squall_checkers::history::{History, Operation, Outcome};
use squall_checkers::linearizability::{Algorithm, Limits, Verdict, check_by};
use squall_checkers::model::{queue, set};

const HISTORIES: u64 = 100_000;

/// How many histories were linearizable, how many not, and how many of each decrease and
/// conquer judged.
#[derive(Debug, Default)]
struct Counts {
    legal: u64,
    illegal: u64,
    conquered: [u64; 2],
}

impl Counts {
    fn add<O: Drawn>(&mut self, twin: &mut Twin<O>, operations: &[OpOf<O>]) {
        let is_legal = matches!(compare_on(&O::model(), twin, operations), Verdict::Ok(_));
        self.legal += u64::from(is_legal);
        self.illegal += u64::from(!is_legal);
        let history = History::new(operations.to_vec()).expect("it is well-formed");
        let found = check_by(Algorithm::DecreaseAndConquer, &O::model(), &history, Limits::default());
        self.conquered[usize::from(!is_legal)] += u64::from(found.is_some());
    }
}

fn random_histories<O: Drawn>(seed: u64, histories: u64) -> Counts {
    let (mut random, mut twin, mut counts) = (Random(seed), Twin::<O>::default(), Counts::default());
    for _ in 0..histories {
        let operations = draw_unique::<O>(&mut random, 10);
        counts.add(&mut twin, &operations);
    }
    println!("random: {counts:?}");
    counts
}

#[test]
fn random_histories_of_queues() {
    let counts = random_histories::<QueueObject>(21, HISTORIES);
    assert!(counts.conquered[0] * 10 > counts.legal * 8, "{counts:?}");
    assert!(counts.conquered[1] * 10 > counts.illegal * 8, "{counts:?}");
    assert!(counts.illegal > HISTORIES / 8, "{counts:?}");
}

#[test]
fn random_histories_of_sets() {
    let counts = random_histories::<SetObject>(22, HISTORIES);
    assert!(counts.conquered[0] * 10 > counts.legal * 8, "{counts:?}");
    assert!(counts.conquered[1] * 10 > counts.illegal * 8, "{counts:?}");
    assert!(counts.illegal > HISTORIES / 5, "{counts:?}");
}

/// Until one of them returned, either of two dequeues may have taken the value, the first one
/// before the queue was seen empty.
#[test]
fn of_two_dequeues_of_one_value_the_second_to_return_is_blamed() {
    use queue::{Action, Input, Output};
    let dequeued = |value: Option<&str>| (Action::Dequeue, Output::Dequeued(value.map(bytes)));
    let enqueue = |value| (Action::Enqueue { value: bytes(value) }, Output::Done);
    let operation = |id, (action, output), (invoked_at, returned_at)| Operation {
        id,
        client: id,
        input: Input { key: bytes("x"), action },
        outcome: Outcome::Ok(output),
        invoked_at,
        returned_at,
    };
    let operations = [
        operation(1, enqueue("a"), (0, 1)),
        operation(2, dequeued(Some("a")), (2, 8)),
        operation(3, dequeued(None), (3, 4)),
        operation(4, dequeued(Some("a")), (5, 9)),
        operation(5, enqueue("b"), (6, 7)),
    ];
    let verdict = compare_on(&queue::Queue, &mut Twin::<QueueObject>::default(), &operations);
    assert!(matches!(verdict, Verdict::Illegal(illegal) if illegal.operation == 4));
}

/// Every history of `count` operations out of these calls, or one in `step`.
fn every_history<O: Drawn>(calls: &[(O::Input, Outcome<O::Output>)], count: u32, step: usize) -> Counts {
    let (mut twin, mut counts) = (Twin::<O>::default(), Counts::default());
    for intervals in interval_orders(count as usize) {
        for number in (0..calls.len().pow(count)).step_by(step) {
            counts.add(&mut twin, &history(calls, &intervals, number));
        }
    }
    println!("{count} operations, one in {step}: {counts:?}");
    assert!(counts.conquered.iter().all(|count| *count > 0), "{counts:?}");
    counts
}

/// Up to three operations on two keys, and four or five on one key.
fn every_small_history<O: Drawn>(calls_on: impl Fn(&Bytes) -> Vec<(O::Input, Outcome<O::Output>)>, step: usize) {
    let is_nightly = std::env::var("SQUALL_NIGHTLY").is_ok_and(|value| value == "1");
    let [one, both] = [&KEYS[..1], &KEYS[..]].map(|keys| keys.iter().flat_map(|key| calls_on(&bytes(key))).collect::<Vec<_>>());
    for count in 1..=3 {
        every_history::<O>(&both, count, 1);
    }
    every_history::<O>(&one, 4, if is_nightly { 1 } else { step });
}

fn calls_of_queues(key: &Bytes) -> Vec<(queue::Input, Outcome<queue::Output>)> {
    use queue::{Action, Input, Output};
    let input = |action| Input { key: key.clone(), action };
    let enqueue = |value| input(Action::Enqueue { value: bytes(value) });
    let dequeued = |value: Option<&str>| (input(Action::Dequeue), Outcome::Ok(Output::Dequeued(value.map(bytes))));
    let mut calls = vec![(input(Action::Dequeue), Outcome::Unknown), (enqueue("a"), Outcome::Fail)];
    for value in ["a", "b"] {
        calls.extend([Outcome::Ok(Output::Done), Outcome::Unknown].map(|outcome| (enqueue(value), outcome)));
    }
    calls.extend([None, Some("a"), Some("b")].map(dequeued));
    calls
}

fn calls_of_sets(key: &Bytes) -> Vec<(set::Input, Outcome<set::Output>)> {
    use set::{Action, Input, Output};
    let mut calls = Vec::new();
    let mut add = |action: Action, outputs: &[Output], is_unknown: bool| {
        let input = Input { key: key.clone(), action };
        calls.extend(outputs.iter().map(|output| (input.clone(), Outcome::Ok(output.clone()))));
        calls.extend(is_unknown.then(|| (input, Outcome::Unknown)));
    };
    let changed = [Output::Done, Output::Changed(true), Output::Changed(false)];
    for element in ["a", "b"].map(bytes) {
        add(Action::Add { element: element.clone() }, &changed, true);
        add(Action::Remove { element: element.clone() }, &changed, true);
        add(Action::Contains { element }, &[true, false].map(Output::Contains), false);
    }
    let seen = [&[][..], &["a"], &["b"], &["a", "b"]];
    add(Action::Read, &seen.map(|seen| Output::Elements(seen.iter().copied().map(bytes).collect())), false);
    calls
}

#[test]
fn small_histories_of_queues() {
    every_small_history::<QueueObject>(calls_of_queues, 1);
}

#[test]
fn small_histories_of_sets() {
    // Coprime to the number of calls, so that a sample meets every call in every place.
    every_small_history::<SetObject>(calls_of_sets, 31);
}

/// Fewer of the same, for planted bugs.
#[cfg(feature = "mutants")]
pub fn compare_collections() {
    every_history::<QueueObject>(&calls_of_queues(&bytes(KEYS[0])), 3, 1);
    every_history::<SetObject>(&calls_of_sets(&bytes(KEYS[0])), 3, 5);
    random_histories::<QueueObject>(21, 20_000);
    random_histories::<SetObject>(22, 20_000);
}
