//! Histories by hand, each with the one order that a rule must not lose.
//!
//! Random histories hardly ever look like these. Each was found by thinking about a planted
//! bug that survived them.

use crate::generate::bytes;
use crate::{KvTwin, Op, compare};
use squall_checkers::history::{Operation, Outcome};
use squall_checkers::linearizability::Verdict;
use squall_checkers::model::kv::{Input, Output};

/// An operation on one key, from when to when.
type Call = (Input, Option<Output>, u64, u64);

fn put(value: &str, from: u64, to: u64) -> Call {
    (Input::Put { key: bytes("x"), value: bytes(value) }, Some(Output::Done), from, to)
}

fn append(value: &str, from: u64, to: u64) -> Call {
    (Input::Append { key: bytes("x"), value: bytes(value) }, Some(Output::Done), from, to)
}

fn get(value: &str, from: u64, to: u64) -> Call {
    (Input::Get { key: bytes("x") }, Some(Output::Value(Some(bytes(value)))), from, to)
}

fn delete(from: u64, to: u64) -> Call {
    (Input::Delete { key: bytes("x") }, Some(Output::Changed(true)), from, to)
}

fn cas(expected: Option<&str>, value: &str, changed: bool, from: u64, to: u64) -> Call {
    let input = Input::Cas { key: bytes("x"), expected: expected.map(bytes), value: bytes(value) };
    (input, Some(Output::Changed(changed)), from, to)
}

/// The same without an answer.
fn maybe(call: Call) -> Call {
    (call.0, None, call.2, call.3)
}

fn is_legal(calls: &[Call]) -> bool {
    let operation = |(id, (input, output, invoked_at, returned_at)): (u64, &Call)| Operation {
        id,
        client: id,
        input: input.clone(),
        outcome: output.clone().map_or(Outcome::Unknown, Outcome::Ok),
        invoked_at: *invoked_at,
        returned_at: *returned_at,
    };
    let operations: Vec<Op> = (0..).zip(calls).map(operation).collect();
    matches!(compare(&mut KvTwin::default(), &operations), Verdict::Ok(_))
}

#[test]
fn each_has_its_one_order() {
    all_have_an_order();
}

pub fn all_have_an_order() {
    equal_appends_one_of_which_the_put_hid();
    equal_appends_of_which_the_first_to_return_comes_first();
    a_put_that_only_hides();
    an_unseen_put_between_two_deletes();
    a_put_that_makes_way_for_a_refusal();
}

/// The put hides the first append, so that one need not come again. If it stood in for the
/// second one, which nothing hides, there would be one append too many at the end.
fn equal_appends_one_of_which_the_put_hid() {
    let two = [append("a", 0, 20), put("x", 1, 2), append("a", 3, 21), get("xa", 4, 5)];
    assert!(is_legal(&[&two[..], &[get("xa", 22, 23)]].concat()));
    assert!(!is_legal(&[&two[..], &[get("x", 22, 23)]].concat()));
}

/// One append is read early, and is still the only one after the first has returned.
fn equal_appends_of_which_the_first_to_return_comes_first() {
    let two = [append("a", 0, 10), append("a", 0, 20), get("a", 1, 2), get("a", 11, 12)];
    assert!(is_legal(&[&two[..], &[get("aa", 21, 22)]].concat()));
    assert!(!is_legal(&[&two[..], &[get("a", 21, 22)]].concat()));
}

/// The second put of `x` finds `x`, so the compare-and-set could do without. Yet only that put
/// leaves a place for `h`, which must be over by the time of the read.
fn a_put_that_only_hides() {
    let swapped = [put("x", 0, 1), maybe(put("x", 0, 2)), put("h", 3, 10), cas(Some("x"), "z", true, 3, 4)];
    assert!(is_legal(&[&swapped[..], &[get("z", 11, 12)]].concat()));
    assert!(!is_legal(&[&swapped[..1], &swapped[2..], &[get("z", 5, 6), get("z", 11, 12), get("h", 13, 14)]].concat()));
}

/// Nobody sees what was put, only that something was. The put without an answer is needed for
/// the second delete, so it must not be spent where the other put does as well.
fn an_unseen_put_between_two_deletes() {
    let unseen = [maybe(put("p", 0, 0)), put("q", 1, 3), cas(None, "c", false, 1, 2), delete(4, 5), delete(6, 7)];
    assert!(is_legal(&unseen));
    assert!(!is_legal(&[&unseen[..], &[delete(8, 9)]].concat()));
}

/// The refusal is right only if `b` was there already. Then `b` comes before `x`, and may still be
/// read as long as `x` has not returned.
fn a_put_that_makes_way_for_a_refusal() {
    let refused = [put("v", 0, 1), cas(Some("v"), "n", false, 4, 6), put("b", 5, 20), get("b", 10, 11)];
    assert!(is_legal(&[&refused[..], &[put("x", 7, 30)]].concat()));
    assert!(!is_legal(&[&refused[..], &[put("x", 7, 8)]].concat()));
}
