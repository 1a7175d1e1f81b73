//! Every history of few operations, up to the names of operations: every way in which they
//! can overlap, with every operation and every answer, on two keys with two values.
//!
//! Up to three operations always. Of four, all up to renaming of keys and values with
//! `SQUALL_NIGHTLY=1` in the environment, else every 997th history.

use crate::KvTwin;
use crate::compare;
use crate::generate::{KEYS, bytes};
use squall_checkers::history::{Operation, Outcome};
use squall_checkers::linearizability::Verdict;
use squall_checkers::model::kv::{Input, Output};

/// Coprime to the number of calls, so that a sample meets every call in every place.
const SAMPLE: usize = 997;

/// What values may be seen; the longer ones come from appends.
const SEEN: [Option<&str>; 7] = [None, Some("a"), Some("b"), Some("aa"), Some("ab"), Some("ba"), Some("bb")];
const VALUES: [&str; 2] = ["a", "b"];

type Call = (Input, Outcome<Output>);

/// Every operation with every outcome, those on the first key first.
fn calls() -> Vec<Call> {
    KEYS.iter().flat_map(|key| calls_on(key)).collect()
}

fn calls_on(key: &str) -> Vec<Call> {
    let key = bytes(key);
    let mut calls = Vec::new();
    let mut add = |input: Input, outputs: &[Output]| {
        calls.extend(outputs.iter().map(|output| (input.clone(), Outcome::Ok(output.clone()))));
        calls.push((input, Outcome::Unknown));
    };
    let both = [Output::Changed(true), Output::Changed(false)];
    add(Input::Get { key: key.clone() }, &SEEN.map(|seen| Output::Value(seen.map(bytes))));
    add(Input::Delete { key: key.clone() }, &both);
    for value in VALUES.map(bytes) {
        add(Input::Put { key: key.clone(), value: value.clone() }, &[Output::Done]);
        add(Input::Append { key: key.clone(), value: value.clone() }, &[Output::Done]);
        for expected in [None, Some("a"), Some("b")] {
            add(Input::Cas { key: key.clone(), expected: expected.map(bytes), value: value.clone() }, &both);
        }
    }
    calls.push((Input::Put { key, value: bytes("a") }, Outcome::Fail));
    calls
}

/// All ways in which operations can precede each other, as intervals; one each up to the
/// names of the operations. (Their numbers are Fishburn's: 1, 2, 5, 15.)
pub fn interval_orders(count: usize) -> Vec<Vec<(u64, u64)>> {
    let ends = count as u64;
    let intervals: Vec<_> = (1..=ends).flat_map(|from| (from..=ends).map(move |to| (from, to))).collect();
    let mut orders: Vec<Vec<(u64, u64)>> = vec![vec![]];
    for _ in 0..count {
        orders = orders.iter().flat_map(|order| intervals.iter().map(|next| [&order[..], &[*next]].concat())).collect();
    }
    let mut known = std::collections::BTreeSet::new();
    orders.retain(|order| known.insert(shape(order)));
    orders
}

/// Equal for two lists of intervals if renaming turns one into the other.
fn shape(intervals: &[(u64, u64)]) -> Vec<bool> {
    let precedes = |left: usize, right: usize| intervals[left].1 < intervals[right].0;
    let relation = |names: &[usize]| -> Vec<bool> {
        names.iter().flat_map(|left| names.iter().map(|right| precedes(*left, *right))).collect()
    };
    permutations(intervals.len()).iter().map(|names| relation(names)).max().expect("there is a permutation")
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let insert = |shorter: Vec<usize>| (0..count).map(move |at| [&shorter[..at], &[count - 1], &shorter[at..]].concat());
    permutations(count - 1).into_iter().flat_map(insert).collect()
}

/// The history in which the n-th operation has the n-th interval; digits of `number` to the
/// base of the number of calls choose the calls.
pub fn history<I: Clone, O: Clone>(
    calls: &[(I, Outcome<O>)],
    intervals: &[(u64, u64)],
    mut number: usize,
) -> Vec<Operation<I, O>> {
    let mut operations = Vec::with_capacity(intervals.len());
    for (id, (invoked_at, returned_at)) in (0..).zip(intervals.iter().copied()) {
        let (input, outcome) = calls[number % calls.len()].clone();
        number /= calls.len();
        operations.push(Operation { id, client: id, input, outcome, invoked_at, returned_at });
    }
    operations
}

/// Compares histories `first`, `first + step` .. of each interval order; how many were linearizable or not.
pub fn compare_all(count: usize, step: usize, is_wanted: impl Fn(usize) -> bool) -> [u64; 2] {
    let calls = calls();
    let histories = calls.len().pow(u32::try_from(count).expect("few operations"));
    let mut twin = KvTwin::default();
    let mut verdicts = [0, 0];
    for intervals in interval_orders(count) {
        for number in (0..histories).step_by(step).filter(|number| is_wanted(*number)) {
            let verdict = compare(&mut twin, &history(&calls, &intervals, number));
            verdicts[usize::from(matches!(verdict, Verdict::Illegal(_)))] += 1;
        }
    }
    verdicts
}

/// Where each call goes if the values are exchanged.
fn exchanged(calls: &[Call]) -> Vec<usize> {
    let swap = |text: &[u8]| text.iter().map(|byte| if *byte == b'a' { b'b' } else { b'a' }).collect::<bytes::Bytes>();
    let exchange = |(input, outcome): &Call| {
        let mut call = (input.clone(), outcome.clone());
        match &mut call.0 {
            Input::Put { value, .. } | Input::Append { value, .. } => *value = swap(value),
            Input::Cas { expected, value, .. } => {
                *value = swap(value);
                *expected = expected.as_ref().map(|expected| swap(expected));
            }
            Input::Get { .. } | Input::Delete { .. } => {}
        }
        if let Outcome::Ok(Output::Value(Some(value))) = &mut call.1 {
            *value = swap(value);
        }
        call
    };
    // A failed put has no effect whatever its value, so only one of its kind is in the list.
    let find = |(place, call): (usize, &Call)| calls.iter().position(|other| *other == exchange(call)).unwrap_or(place);
    calls.iter().enumerate().map(find).collect()
}

#[test]
fn interval_orders_are_as_many_as_there_should_be() {
    assert_eq!([1, 2, 3, 4].map(|count| interval_orders(count).len()), [1, 2, 5, 15]);
}

#[test]
fn all_histories_of_up_to_three_operations_get_the_verdict_of_the_twin() {
    for count in 1..=3 {
        let [legal, illegal] = compare_all(count, 1, |_| true);
        println!("{count} operations: {legal} histories linearizable, {illegal} not");
        assert!(legal > 0);
        assert!(illegal > 0);
    }
}

#[test]
fn histories_of_four_operations_get_the_verdict_of_the_twin() {
    let is_nightly = std::env::var("SQUALL_NIGHTLY").is_ok_and(|value| value == "1");
    let calls = calls();
    let exchanged = exchanged(&calls);
    let base = calls.len();
    // Of histories that renaming makes equal, the one whose first operation is on the first
    // key, and which is the smaller number of the two that exchanging values gives.
    let is_representative = |number: usize| {
        let digits = [number, number / base, number / base.pow(2), number / base.pow(3)].map(|digit| digit % base);
        let renamed = digits.iter().rev().fold(0, |renamed, digit| renamed * base + exchanged[*digit]);
        digits[0] < base / 2 && number <= renamed
    };
    let step = if is_nightly { 1 } else { SAMPLE };
    let [legal, illegal] = compare_all(4, step, is_representative);
    println!("4 operations, one history in {step}: {legal} linearizable, {illegal} not");
    assert!(legal > 0);
    assert!(illegal > 0);
}
