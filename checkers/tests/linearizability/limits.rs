//! What the checker says when it may not go on, and at the edges of what it takes.

use crate::generate::bytes;
use crate::{Op, verdict};
use squall_checkers::history::{History, Operation, Outcome};
use squall_checkers::linearizability::{
    Algorithm, Limit, Limits, PENDING_MAX, Progress, Time, Verdict, check, check_by, check_watched, explain,
};
use squall_checkers::model::Model;
use squall_checkers::model::kv::{Input, Kv, Output};
use std::borrow::Cow;
use std::time::Duration;

fn put(id: u64, key: &str, outcome: Outcome<Output>) -> Op {
    let input = Input::Put { key: bytes(key), value: bytes(&format!("v{id}")) };
    Operation { id, client: id, input, outcome, invoked_at: 0, returned_at: 9 }
}

fn get(id: u64, key: &str, value: Option<&str>) -> Op {
    let outcome = Outcome::Ok(Output::Value(value.map(bytes)));
    Operation { id, client: id, input: Input::Get { key: bytes(key) }, outcome, invoked_at: 20, returned_at: 21 }
}

/// The verdict of the algorithm that limits are for.
fn by_sets(operations: Vec<Op>, limits: Limits<'_>) -> Verdict<bytes::Bytes> {
    let history = History::new(operations).expect("it is well-formed");
    check_by(Algorithm::ConfigurationSets, &Kv, &history, limits).expect("it never declines")
}

fn with_budget(operations: Vec<Op>, configurations: u64) -> Verdict<bytes::Bytes> {
    by_sets(operations, Limits { configurations, ..Limits::default() })
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
    assert_eq!(by_sets(pending(PENDING_MAX + 1), Limits::default()), expected);

    for count in [PENDING_MAX - 1, 100] {
        let mut operations = pending(count);
        operations.push(get(count as u64, "x", Some("v77")));
        let expected = Verdict::Ok([(bytes("x"), vec![77, count as u64])].into());
        assert_eq!(by_sets(operations.clone(), Limits::default()), expected);
        assert_eq!(verdict(&operations), expected);
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
        explain(&Kv, &history, &illegal, Limits::default()).text(&Kv, &history),
        "key \"x\": no place for operation 4 of client 4 (get -> \"v2\", 20..21), of 2 answered operations until then
it cannot be ordered, whichever other operations are taken into account:
  - operation 4 of client 4 (get -> \"v2\", 20..21)
no operation leads to the answer of operation 4
just before 21 the value may be
  - \"v1\", after operation 1 of client 1 (put \"v1\", 0..9)
pending then, and of no help:
  - operation 3 of client 3 (put \"v3\" -> unknown, 15..)"
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

/// A list that remembers everything, by a model without any knowledge: each order of the
/// letters is another state.
struct Letters;

impl Model for Letters {
    type Key = ();
    /// A letter to append; `None`: read.
    type Input = Option<u8>;
    type Output = Vec<u8>;
    type State = Vec<u8>;
    type Horizon = ();

    fn partition_key<'a>(&self, _: &'a Option<u8>) -> Cow<'a, ()> {
        Cow::Owned(())
    }

    fn init(&self) -> Vec<u8> {
        Vec::new()
    }

    fn step(&self, state: &Vec<u8>, input: &Option<u8>, output: Option<&Vec<u8>>) -> Option<Vec<u8>> {
        let seen = input.is_some() || output.is_none_or(|seen| seen == state);
        seen.then(|| state.iter().chain(input).copied().collect())
    }

    fn describe(&self, input: &Option<u8>, _: Option<&Vec<u8>>) -> String {
        format!("{input:?}")
    }

    fn describe_state(&self, state: &Vec<u8>) -> String {
        format!("{state:?}")
    }

    fn describe_key(&self, _: &()) -> String {
        String::new()
    }
}

/// Concurrent appends, and then a value that none of their orders gives.
fn explosive(appends: u8) -> History<Option<u8>, Vec<u8>> {
    let operation = |id: u8, input, invoked_at| Operation {
        id: id.into(),
        client: id.into(),
        input,
        outcome: Outcome::Ok(vec![u8::MAX]),
        invoked_at,
        returned_at: 9 + invoked_at,
    };
    let mut operations: Vec<_> = (0..appends).map(|id| operation(id, Some(id), 0)).collect();
    operations.push(operation(appends, None, 10));
    History::new(operations).expect("it is well-formed")
}

#[test]
fn the_limit_on_memory_is_kept_by_both_searches() {
    let limits = Limits { configurations: u64::MAX, memory_bytes: 1 << 20, ..Limits::default() };
    let expected = Verdict::Unknown { key: (), limit: Limit::Memory(1 << 20) };
    for algorithm in [Algorithm::ConfigurationSets, Algorithm::DepthFirst] {
        assert_eq!(check_by(algorithm, &Letters, &explosive(20), limits), Some(expected.clone()), "{algorithm:?}");
    }
    assert_eq!(check(&Letters, &explosive(20), limits), expected);
}

#[test]
fn the_limit_on_time_is_kept_by_a_clock_that_the_caller_brings() {
    let asked = std::cell::Cell::new(0);
    let clock = || {
        asked.set(asked.get() + 1);
        Duration::from_secs(asked.get())
    };
    let limit = Duration::from_secs(5);
    let limits = Limits { configurations: u64::MAX, memory_bytes: u64::MAX, time: Some(Time { limit, clock: &clock }) };
    assert_eq!(check(&Letters, &explosive(20), limits), Verdict::Unknown { key: (), limit: Limit::Time(limit) });
    assert_eq!(asked.get(), 5, "no clock is asked once the limit has passed");
}

/// So many configurations that both searches get several turns.
#[test]
fn the_searches_in_turn_know_what_one_of_them_knows() {
    let limits = Limits { configurations: u64::MAX, ..Limits::default() };
    for algorithm in [None, Some(Algorithm::ConfigurationSets), Some(Algorithm::DepthFirst)] {
        let verdict = match algorithm {
            None => check(&Letters, &explosive(8), limits),
            Some(algorithm) => check_by(algorithm, &Letters, &explosive(8), limits).expect("it never declines"),
        };
        let Verdict::Illegal(illegal) = verdict else { panic!("nobody wrote what was read: {verdict:?}") };
        assert_eq!(illegal.operation, 8);
    }
}

#[test]
fn a_check_tells_how_far_it_has_come_key_by_key() {
    let done = || Outcome::Ok(Output::Done);
    let operations = vec![put(1, "x", done()), put(2, "y", done()), put(3, "x", Outcome::Unknown), put(4, "z", Outcome::Fail)];
    let history = History::new(operations).expect("it is well-formed");
    let mut seen = Vec::new();
    check_watched(&Kv, &history, Limits::default(), |progress| seen.push(progress));
    let at = |keys, operations| Progress { keys, of_keys: 2, operations, of_operations: 3 };
    assert_eq!(seen, [at(0, 0), at(1, 2), at(2, 3)]);
}
