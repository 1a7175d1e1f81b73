//! What the checker says when it may not go on, and at the edges of what it takes.

use crate::generate::bytes;
use crate::{Op, verdict};
use squall_checkers::history::{History, Operation, Outcome};
use squall_checkers::linearizability::{Limit, Limits, PENDING_MAX, Verdict, check, explain};
use squall_checkers::model::kv::{Input, Kv, Output};

fn put(id: u64, key: &str, outcome: Outcome<Output>) -> Op {
    let input = Input::Put { key: bytes(key), value: bytes(&format!("v{id}")) };
    Operation { id, client: id, input, outcome, invoked_at: 0, returned_at: 9 }
}

fn get(id: u64, key: &str, value: Option<&str>) -> Op {
    let outcome = Outcome::Ok(Output::Value(value.map(bytes)));
    Operation { id, client: id, input: Input::Get { key: bytes(key) }, outcome, invoked_at: 20, returned_at: 21 }
}

fn with_budget(operations: Vec<Op>, configurations: u64) -> Verdict<bytes::Bytes> {
    check(&Kv, &History::new(operations).expect("it is well-formed"), Limits { configurations, ..Limits::default() })
}

#[test]
fn an_exhausted_budget_is_no_verdict_and_names_the_key() {
    let operations = vec![put(1, "x", Outcome::Ok(Output::Done))];
    let expected = Verdict::Unknown { key: bytes("x"), limit: Limit::Configurations(0) };
    assert_eq!(with_budget(operations.clone(), 0), expected);
    assert_eq!(with_budget(operations, 2), Verdict::Ok([(bytes("x"), vec![1])].into()));
}

#[test]
fn an_illegal_key_is_reported_though_another_cannot_be_decided() {
    let mut operations: Vec<_> = (0..8).map(|id| put(id, "a", Outcome::Ok(Output::Done))).collect();
    operations.push(get(8, "z", Some("never written")));
    let Verdict::Illegal(illegal) = with_budget(operations, 1) else { panic!("key z has no order") };
    assert_eq!((illegal.key, illegal.operation, illegal.prefix), (bytes("z"), 8, vec![8]));
}

#[test]
fn too_many_pending_operations_are_refused_and_one_less_is_judged() {
    let pending = |count: usize| (0..count as u64).map(|id| put(id, "x", Outcome::Unknown)).collect::<Vec<_>>();
    let expected = Verdict::Unknown { key: bytes("x"), limit: Limit::Pending(PENDING_MAX + 1) };
    assert_eq!(verdict(&pending(PENDING_MAX + 1)), expected);

    for count in [PENDING_MAX - 1, 100] {
        let mut operations = pending(count);
        operations.push(get(count as u64, "x", Some("v77")));
        assert_eq!(verdict(&operations), Verdict::Ok([(bytes("x"), vec![77, count as u64])].into()));
    }
}

#[test]
fn nothing_is_linearizable_and_so_is_what_surely_failed() {
    assert_eq!(verdict(&[]), Verdict::Ok([].into()));
    assert_eq!(verdict(&[put(1, "x", Outcome::Fail)]), Verdict::Ok([].into()));
}

#[test]
fn an_answer_of_the_wrong_kind_is_illegal() {
    let Verdict::Illegal(illegal) = verdict(&[put(1, "x", Outcome::Ok(Output::Changed(true)))]) else {
        panic!("a put answers with done")
    };
    assert_eq!(illegal.operation, 1);
}

#[test]
fn the_explanation_names_the_operation_the_states_and_what_was_pending() {
    let mut late = put(3, "x", Outcome::Unknown);
    (late.invoked_at, late.returned_at) = (15, 16);
    let operations = [put(1, "x", Outcome::Ok(Output::Done)), late, get(4, "x", Some("v2"))];
    let Verdict::Illegal(illegal) = verdict(&operations) else { panic!("nobody wrote v2") };
    let history = History::new(operations.to_vec()).expect("it is well-formed");
    assert_eq!(
        explain(&Kv, &history, &illegal, Limits::default()),
        "key \"x\": no place for operation 4 of client 4 (get -> \"v2\", 20..21), of 2 answered operations until then
  the value may be a value that nobody observes, after operation 1 of client 1 (put \"v1\", 0..9)
  pending, and of no help: operation 3 of client 3 (put \"v3\" -> unknown, 15..)"
    );
}

/// The put finds the value that it writes, so it seems to matter to nobody. Yet only it can
/// undo the append, which must have come before the read.
#[test]
fn a_put_of_the_value_that_is_there_hides_an_append() {
    let at = |id, input, output, invoked_at, returned_at| Operation {
        id,
        client: id,
        input,
        outcome: Outcome::Ok(output),
        invoked_at,
        returned_at,
    };
    let [key, b] = ["x", "b"].map(bytes);
    let write = || Input::Put { key: key.clone(), value: b.clone() };
    let append = Input::Append { key: key.clone(), value: bytes("a") };
    let operations = [
        at(0, write(), Output::Done, 0, 1),
        at(1, append, Output::Done, 2, 6),
        at(2, write(), Output::Done, 4, 5),
        at(3, Input::Get { key: key.clone() }, Output::Value(Some(b.clone())), 7, 8),
    ];
    assert_eq!(verdict(&operations), Verdict::Ok([(key.clone(), vec![0, 1, 2, 3])].into()));
}
