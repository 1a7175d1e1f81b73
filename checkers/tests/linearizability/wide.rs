//! Small histories among so many pending operations that sets need several words.
//!
//! The others are compare-and-sets of unknown outcome that expect what nobody wrote, so they
//! change no verdict. They are invoked first, and what counts has the slots behind them.

use crate::generate::{KEYS, Random, bytes, small};
use crate::{KvTwin, Op};
use squall_checkers::history::{History, Outcome};
use squall_checkers::linearizability::{Algorithm, Limits, Verdict, check_by};
use squall_checkers::model::kv::{Input, Kv};

const HISTORIES: u64 = 3_000;

/// One word holds 64.
const IDLE: u64 = 62;

#[test]
fn the_verdict_does_not_depend_on_how_many_idle_operations_are_pending() {
    compare_wide(HISTORIES);
}

pub fn compare_wide(histories: u64) {
    let (mut random, mut twin, mut legal) = (Random(13), KvTwin::default(), 0);
    for _ in 0..histories {
        let mut operations = small(&mut random);
        let expected = twin.is_linearizable(&operations);
        for operation in &mut operations {
            operation.invoked_at += 1;
            operation.returned_at += 1;
        }
        operations.extend((0..2 * IDLE).map(idle));
        let history = History::new(operations).expect("it is well-formed");
        let verdict = check_by(Algorithm::ConfigurationSets, &Kv, &history, Limits::default());
        let found = verdict.as_ref().map(|verdict| matches!(verdict, Verdict::Ok(_)));
        assert_eq!(found, Some(expected), "{verdict:?}\n{history:#?}");
        legal += u64::from(expected);
    }
    assert!((histories / 5..histories * 4 / 5).contains(&legal), "one-sided: {legal} of {histories} are linearizable");
}

fn idle(number: u64) -> Op {
    let key = bytes(KEYS[usize::from(number % 2 == 1)]);
    let input = Input::Cas { key, expected: Some(bytes("never written")), value: bytes(&format!("!{number}")) };
    Op { id: 100 + number, client: 100 + number, input, outcome: Outcome::Unknown, invoked_at: 0, returned_at: 0 }
}
