//! An order that the system gives away is believed exactly if it explains the history.

use crate::generate::{Random, small};
use crate::random::assert_explains;
use crate::verdict;
use squall_checkers::history::{History, Outcome};
use squall_checkers::linearizability::{Verdict, verify_witness};
use squall_checkers::model::kv::Kv;
use squall_checkers::model::{Call, Model};
use std::collections::BTreeMap;

const HISTORIES: u64 = 20_000;

#[test]
fn found_orders_are_believed_and_shuffled_ones_only_if_they_explain_the_history() {
    compare_witnesses(HISTORIES);
}

pub fn compare_witnesses(histories: u64) {
    let mut random = Random(9);
    let mut verdicts = [0, 0];
    for _ in 0..histories {
        let operations = small(&mut random);
        let history = History::new(operations.clone()).expect("generated histories are well-formed");
        let mut positions = vec![None; operations.len()];
        if let Verdict::Ok(orders) = verdict(&operations) {
            for (position, id) in (0..).zip(orders.values().flatten()) {
                let place = operations.iter().position(|op| op.id == *id).expect("an order holds ids of the history");
                positions[place] = Some(position);
            }
            assert_eq!(verify_witness(&Kv, &history, &positions), Some(orders.clone()));
            // As a replicated log says it: a read stands where the last write before it does.
            let mut log = positions.clone();
            let mut last = BTreeMap::new();
            for (key, id) in orders.iter().flat_map(|(key, order)| order.iter().map(move |id| (key, id))) {
                let place = operations.iter().position(|op| op.id == *id).expect("an order holds ids of the history");
                if Kv.is_read_only(Call { input: &operations[place].input, output: operations[place].outcome.output() }) {
                    log[place] = last.get(key).copied().flatten().or(Some(0));
                } else {
                    log[place] = log[place].map(|position| position + 1);
                    last.insert(key, log[place]);
                }
            }
            assert!(verify_witness(&Kv, &history, &log).is_some(), "{log:?}\n{operations:#?}");
        }
        // Any other order, and not always of all.
        for (position, operation) in positions.iter_mut().zip(&operations) {
            if random.below(3) == 0 && operation.outcome != Outcome::Fail {
                *position = (random.below(8) != 0).then(|| random.below(operations.len() as u64));
            }
        }
        let believed = verify_witness(&Kv, &history, &positions);
        verdicts[usize::from(believed.is_some())] += 1;
        if let Some(orders) = believed {
            assert_explains(&operations, &orders);
        }
    }
    assert!(verdicts.iter().all(|count| *count > histories / 50), "one-sided: {verdicts:?}");
}
