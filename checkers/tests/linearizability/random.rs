//! Random histories of 4 to 10 operations: every algorithm gives the twin's verdict, and
//! evidence that holds.
//!
//! They are split over two tests, which run side by side.

use crate::KvTwin;
use crate::generate::{Random, Store, small};
use crate::{ALGORITHMS, Op, compare};
use bytes::Bytes;
use squall_checkers::history::{History, Outcome};
use squall_checkers::linearizability::{Algorithm, Illegal, Limits, Verdict, check_by};
use squall_checkers::model::Model;
use squall_checkers::model::kv::Kv;
use std::collections::BTreeMap;

const HISTORIES: u64 = 100_000;

#[test]
fn the_first_hundred_thousand_random_histories_get_the_verdict_of_the_twin() {
    compare_random(1, HISTORIES);
}

#[test]
fn the_second_hundred_thousand_random_histories_get_the_verdict_of_the_twin() {
    compare_random(2, HISTORIES);
}

pub fn compare_random(seed: u64, histories: u64) {
    let mut random = Random(seed);
    let mut twin = KvTwin::default();
    let (mut legal, mut unique) = (0, 0);
    for _ in 0..histories {
        let operations = small(&mut random);
        let verdict = compare(&mut twin, &operations);
        legal += u64::from(matches!(verdict, Verdict::Ok(_)));
        let history = History::new(operations.clone()).expect("generated histories are well-formed");
        for algorithm in ALGORITHMS {
            let found = check_by(algorithm, &Kv, &history, Limits::default());
            match &found {
                Some(Verdict::Ok(orders)) => assert_explains(&operations, orders),
                // Each finds the same return that cannot be.
                Some(illegal @ Verdict::Illegal(_)) => assert_eq!(verdict, *illegal, "{algorithm:?}"),
                unknown => {
                    assert!(unknown.is_none());
                    assert!([Algorithm::UniqueValues, Algorithm::DecreaseAndConquer].contains(&algorithm));
                }
            }
            unique += u64::from(algorithm == Algorithm::UniqueValues && found.is_some());
        }
        if let Verdict::Illegal(illegal) = verdict {
            assert_minimal(&mut twin, &operations, &illegal);
        }
    }
    assert!(unique > histories / 4, "only {unique} of {histories} were judged by unique values");
    assert!((histories / 5..histories * 4 / 5).contains(&legal), "one-sided: {legal} of {histories} are linearizable");
}

/// Replays the orders on a plain store, and compares each pair with real time.
pub fn assert_explains(operations: &[Op], orders: &BTreeMap<Bytes, Vec<u64>>) {
    let by_id = |id: &u64| operations.iter().find(|op| op.id == *id).expect("an order holds ids of the history");
    for order in orders.values() {
        let order: Vec<_> = order.iter().map(by_id).collect();
        let mut store = Store::default();
        for (place, op) in order.iter().enumerate() {
            let answer = store.execute(&op.input);
            assert!(op.outcome == Outcome::Unknown || op.outcome == Outcome::Ok(answer), "{op:?}\n{operations:#?}");
            let overtakes = |later: &&Op| later.outcome != Outcome::Unknown && later.returned_at < op.invoked_at;
            assert_eq!(order[place..].iter().copied().find(overtakes), None, "{op:?}\n{operations:#?}");
        }
    }
    for op in operations.iter().filter(|op| matches!(op.outcome, Outcome::Ok(_))) {
        let order = &orders[&*Kv.partition_key(&op.input)];
        assert_eq!(order.iter().filter(|id| **id == op.id).count(), 1, "{op:?}\n{orders:?}\n{operations:#?}");
    }
}

/// The answered prefix has no order, and has one without the return of its last operation.
fn assert_minimal(twin: &mut KvTwin, operations: &[Op], illegal: &Illegal<Bytes>) {
    let of_key = |op: &&Op| *Kv.partition_key(&op.input) == illegal.key && op.outcome != Outcome::Fail;
    let of_key: Vec<_> = operations.iter().filter(of_key).cloned().collect();
    assert_eq!(illegal.prefix.last(), Some(&illegal.operation));
    let died_at = of_key.iter().find(|op| op.id == illegal.operation).expect("it is in the history").returned_at;

    let mut answered = of_key.clone();
    answered.retain(|op| op.outcome == Outcome::Unknown || illegal.prefix.contains(&op.id));
    assert!(!twin.is_linearizable(&answered), "the prefix has an order: {illegal:?}\n{operations:#?}");

    let mut before = of_key;
    before.retain(|op| op.invoked_at <= died_at);
    for op in &mut before {
        if op.id == illegal.operation || !illegal.prefix.contains(&op.id) {
            op.outcome = Outcome::Unknown;
        }
    }
    assert!(twin.is_linearizable(&before), "a shorter prefix has no order: {illegal:?}\n{operations:#?}");
}
