//! An order that the system gives away is believed exactly if it explains the history.

use crate::generate::{Random, small};
use crate::random::assert_explains;
use crate::verdict;
use squall_checkers::history::{History, Outcome};
use squall_checkers::linearizability::{Verdict, verify_witness};
use squall_checkers::model::kv::Kv;

const HISTORIES: u64 = 20_000;

#[test]
fn found_orders_are_believed_and_shuffled_ones_only_if_they_explain_the_history() {
    let mut random = Random(9);
    let mut verdicts = [0, 0];
    for _ in 0..HISTORIES {
        let operations = small(&mut random);
        let history = History::new(operations.clone()).expect("generated histories are well-formed");
        let mut positions = vec![None; operations.len()];
        if let Verdict::Ok(orders) = verdict(&operations) {
            for (position, id) in (0..).zip(orders.values().flatten()) {
                let place = operations.iter().position(|op| op.id == *id).expect("an order holds ids of the history");
                positions[place] = Some(position);
            }
            assert_eq!(verify_witness(&Kv, &history, &positions), Some(orders));
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
    assert!(verdicts.iter().all(|count| *count > HISTORIES / 50), "one-sided: {verdicts:?}");
}
